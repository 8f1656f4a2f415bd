"""Models of other programs: reading their weight files, and writing them."""
