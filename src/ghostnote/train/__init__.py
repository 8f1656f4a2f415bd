"""Training: what a run is, as data, and the loop that carries it out."""
