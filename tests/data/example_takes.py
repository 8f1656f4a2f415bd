"""Takes that the tests make up."""

from __future__ import annotations

import numpy as np

from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import midi_bytes


def make_groove(seed: int, bars: int = 2, meter: tuple[int, int] = (4, 4)) -> Groove:
    """A random groove whose last bar has a hit, so that it is read back with all its bars."""
    random = np.random.default_rng(seed)
    silent = Groove.silent(bars, bpm=100 + seed % 50, meter=meter)
    hits = random.random(silent.hits.shape) < 0.2
    hits[-1, 0] = True
    velocity = random.integers(1, 128, hits.shape) / 127
    offset = np.maximum(random.integers(-60, 60, hits.shape) / 120, -0.5)
    offset[0] = 0
    return Groove.from_cells(hits, velocity, offset, bpm=silent.bpm, meter=meter)


def midi_file(seed: int, bars: int = 2, meter: tuple[int, int] = (4, 4)) -> bytes:
    """A MIDI file of `make_groove`."""
    return midi_bytes(to_performance(make_groove(seed, bars, meter), builtin_map("ghostnote")))
