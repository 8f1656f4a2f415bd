"""Grooves as JSON, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ghostnote.errors import GrooveError
from ghostnote.music.groove import Groove, steps_per_bar
from ghostnote.music.kit import N_VOICES, VOICES
from ghostnote.studio import schemas


def groove_of(value: schemas.Groove) -> Groove:
    """The groove that `value` says; numbers are rounded to float32.

    Raises:
        GrooveError: a hit is beyond the last bar, two share a cell, or there is no such meter.
    """
    steps = value.bars * steps_per_bar(value.meter)
    hits = np.zeros((steps, N_VOICES), bool)
    velocity, offset = np.zeros(hits.shape, np.float32), np.zeros(hits.shape, np.float32)
    for step, voice, loud, late in value.hits:
        if step >= steps:
            raise GrooveError(
                f"a hit is in step {step} of {value.bars} bars",
                remedy=f"steps are 0 to {steps - 1} here",
            )
        if hits[step, voice]:
            raise GrooveError(
                f"two hits are in step {step} of the {VOICES[voice]}", remedy="keep one of them"
            )
        hits[step, voice] = True
        velocity[step, voice], offset[step, voice] = loud, late
    return Groove.from_cells(hits, velocity, offset, bpm=value.bpm, meter=value.meter)


def plain(groove: Groove) -> dict[str, Any]:
    """`groove` as values that JSON can hold, exactly: those of `schemas.Groove`."""
    step, voice = np.nonzero(groove.hits)
    hits = zip(
        step.tolist(),
        voice.tolist(),
        groove.velocity[step, voice].tolist(),
        groove.offset[step, voice].tolist(),
        strict=True,
    )
    return {
        "bpm": groove.bpm,
        "meter": list(groove.meter),
        "bars": groove.bars,
        "hits": [list(hit) for hit in hits],
    }
