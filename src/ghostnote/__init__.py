"""ghostnote: a latent space of drum loops."""

__version__ = "0.1.0"
