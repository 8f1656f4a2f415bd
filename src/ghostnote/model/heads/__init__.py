"""Heads: what the numbers that a decoder gives for a step mean."""
