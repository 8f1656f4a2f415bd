"""The parts of the training data that a bundle can draw like: styles, beat types, tempo bands."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import Kind, Part, Span
from ghostnote.data.table import primary_style
from ghostnote.data.windows import Windows
from ghostnote.music.groove import MAX_BPM

TEMPOS: Final = (0.0, 80.0, 100.0, 120.0, 140.0, MAX_BPM + 1)
"""The ends of the tempo bands, in bpm."""

Inside = npt.NDArray[np.bool_]


def parts_of(training: Windows) -> list[tuple[Part, Inside]]:
    """Each part of `training` that is not empty, and which windows are in it, `[N]`."""
    columns: dict[Kind, list[str]] = {
        "style": [primary_style(style) for style in training.corpus.texts("style")],
        "beat_type": training.corpus.texts("beat_type"),
    }
    found: list[tuple[Kind, str | Span, Inside]] = [
        (kind, value, np.array(values)[training.take] == value)
        for kind, values in columns.items()
        for value in sorted(set(values))
    ]
    bpm = training.bpm
    found += [("bpm", span, (span[0] <= bpm) & (bpm < span[1])) for span in pairwise(TEMPOS)]
    return [
        (Part(kind, value, int(inside.sum())), inside)
        for kind, value, inside in found
        if inside.any()
    ]
