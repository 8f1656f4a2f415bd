"""The music: voices, grooves, MIDI, and the grid between them. Needs numpy only."""
