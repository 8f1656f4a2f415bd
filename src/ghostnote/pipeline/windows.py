"""Grooves of any length as windows of a model's length."""

from __future__ import annotations

from ghostnote.bundle import Bundle
from ghostnote.errors import GrooveError
from ghostnote.music.groove import Groove, concatenate
from ghostnote.runtime import FloatArray, to_x


def windows_of(groove: Groove, bundle: Bundle) -> FloatArray:
    """`groove` one window after another, `[N, T, 3V]`; the last is filled up with silence.

    Raises:
        GrooveError: `groove` is in another meter than the model's.
    """
    in_meter(groove, bundle)
    n = -(-groove.bars // bundle.bars)
    rest = n * bundle.bars - groove.bars
    silence = [Groove.silent(rest, bpm=groove.bpm, meter=groove.meter)] if rest else []
    whole, size = concatenate([groove, *silence]), bundle.bars
    return to_x([whole[index * size : (index + 1) * size] for index in range(n)], bundle)


def in_meter(groove: Groove, bundle: Bundle) -> None:
    """Refuse a groove that the model has no bars for.

    Raises:
        GrooveError: `groove` is in another meter than the model's.
    """
    if groove.meter != bundle.meter:
        raise GrooveError(
            f"is in {groove.meter[0]}/{groove.meter[1]}; {bundle.name} knows "
            f"{bundle.meter[0]}/{bundle.meter[1]} alone",
            remedy="choose a model of that meter",
        )
