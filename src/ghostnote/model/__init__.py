"""The models, in torch. Knows no files, no MIDI and nothing of training."""
