"""What a groove sounds and looks like: the sampled kit, the mixer, pictures."""
