"""What a musician does with the latent space, on `Groove` values. One verb a module."""
