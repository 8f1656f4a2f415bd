"""Data sets: where they come from, their cache, and the windows that models learn from."""
