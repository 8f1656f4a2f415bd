"""The layouts in which models take and give drums, as pure functions between arrays.

`V` is a number of voices, 9 or 61; `…` is any number of leading axes. Hits are bool, or numbers
that are true above one half.

| layout | shape | what stands in it |
|---|---|---|
| groove | `[…, T, 3V]` float32 | hits, velocity, offset, each of all voices |
| labels | `[…, T]` int64 | the set of voices that are hit; bit `i` is voice `i` |
| one-hot labels | `[…, T, 2^V]` bool | the same, one column for each set |
| roll | `[…, T, V]` bool | hits, as many of them at once as there are |
| roll input | `[…, T, V + 1]` bool | hits, and a last column that is true where there are none |
| bins | `[…, T, V(1 + n + m)]` float32 | hits, and one-hot bins of velocity and offset |
| one voice a step | `[…, T·V, D]` | any of the layouts with D numbers for each voice, in turns |

The layouts are those of Magenta's `music_vae` (Roberts et al. 2018; Gillick et al. 2019); its
offsets have another sign and scale, see `to_magenta`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import GrooveError
from ghostnote.music.kit import DrumMap

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

_MAX_LABELLED_VOICES = 62
_MAX_ONE_HOT_VOICES = 16
_MARGIN = 0.0001
"""By how much the last bin's edge lies above the largest value, as in the original."""


# -- groove ----------------------------------------------------------------------------------


class Parts(NamedTuple):
    """Hits, velocity and offset, each `[…, T, V]`."""

    hits: Array
    velocity: Array
    offset: Array


def to_groove_x(hits: Array, velocity: Array, offset: Array) -> FloatArray:
    """Parts `[…, T, V]` as a model takes them: hits | velocity | offset, `[…, T, 3V]`."""
    return np.concatenate([hits, velocity, offset], axis=-1, dtype=np.float32)


def from_groove_x(x: Array) -> Parts:
    """The three parts of `x` `[…, T, 3V]`, as they stand in it: views of `[…, T, V]`."""
    return Parts(*np.split(x, 3, axis=-1))


def to_magenta(x: Array) -> Array:
    """`x` `[…, T, 3V]` with the original's offsets: in half steps, from -1 to 1, positive is early.

    Exactly invertible by `from_magenta`: factors of two lose nothing.
    """
    hits, velocity, offset = from_groove_x(x)
    return np.concatenate([hits, velocity, -2 * offset + 0.0], axis=-1)


def from_magenta(x: Array) -> Array:
    """`x` `[…, T, 3V]` of the original with our offsets: in steps, positive is late."""
    hits, velocity, offset = from_groove_x(x)
    return np.concatenate([hits, velocity, -0.5 * offset + 0.0], axis=-1)


# -- sets of voices --------------------------------------------------------------------------


def to_labels(hits: Array) -> IntArray:
    """The set of voices hit at each step, `[…, T]` from 0 to 2^V - 1: bit `i` is voice `i`.

    Raises:
        GrooveError: more than 62 voices, whose sets 64 bits cannot number.
    """
    bits = _bits(hits.shape[-1])
    return np.asarray((_played(hits) * bits).sum(axis=-1, dtype=np.int64))


def from_labels(labels: npt.NDArray[np.integer[Any]], voices: int) -> BoolArray:
    """Hits `[…, T, V]` from sets `[…, T]`.

    Raises:
        GrooveError: a label is not in 0 to 2^V - 1.
    """
    bits = _bits(voices)
    if labels.size and not (labels.min() >= 0 and labels.max() < 1 << voices):
        raise GrooveError(f"a label is not in 0 to 2^{voices} - 1")
    return np.asarray((labels[..., None].astype(np.int64) & bits) != 0)


def to_one_hot(labels: npt.NDArray[np.integer[Any]], classes: int) -> BoolArray:
    """Numbers `[…]` below `classes` as one-hot rows `[…, classes]`.

    Raises:
        GrooveError: a number is not in 0 to `classes` - 1.
    """
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise GrooveError(f"a label is not in 0 to {classes - 1}")
    return np.asarray(labels[..., None] == np.arange(classes))


def from_one_hot(one_hot: Array) -> IntArray:
    """The number of the largest column of `[…, classes]`, the first of equals."""
    return np.asarray(one_hot.argmax(axis=-1), np.int64)


def to_categories(hits: Array) -> BoolArray:
    """Hits `[…, T, V]` as one-hot sets `[…, T, 2^V]`: 512 columns for nine voices.

    Raises:
        GrooveError: more than 16 voices, which would be more than 65,536 columns.
    """
    voices = hits.shape[-1]
    if voices > _MAX_ONE_HOT_VOICES:
        raise GrooveError(
            f"{voices} voices have too many sets for one column each",
            remedy="use a roll, or the map's fold onto nine voices",
        )
    return to_one_hot(to_labels(hits), 1 << voices)


def from_categories(categories: Array) -> BoolArray:
    """Hits `[…, T, V]` from one-hot sets `[…, T, 2^V]`.

    Raises:
        GrooveError: the number of columns is not a power of two.
    """
    classes = categories.shape[-1]
    voices = classes.bit_length() - 1
    if classes != 1 << voices:
        raise GrooveError(f"{classes} columns are no sets of voices: not a power of two")
    return from_labels(from_one_hot(categories), voices)


def to_roll_input(hits: Array) -> BoolArray:
    """Hits with a last column that is true where a step is silent, `[…, T, V + 1]`."""
    played = _played(hits)
    return np.concatenate([played, ~played.any(axis=-1, keepdims=True)], axis=-1)


def from_roll_input(roll: Array) -> BoolArray:
    """The hits `[…, T, V]` of a roll input `[…, T, V + 1]`."""
    return _played(roll[..., :-1])


def fold(hits: Array, voice: npt.ArrayLike, voices: int = 9) -> BoolArray:
    """Hits of many classes `[…, T, W]` as hits of few voices `[…, T, V]`.

    `voice` `[W]` says which voice each class counts as, -1 for none; see `folding`.
    """
    table = np.asarray(voice)[:, None] == np.arange(voices)
    return np.asarray(_played(hits).astype(np.float32) @ table.astype(np.float32) > 0)


def folded(cells: Parts, voice: npt.ArrayLike, voices: int = 9) -> Parts:
    """Parts of many classes `[…, T, W]` as cells of few voices `[…, T, V]`, see `fold`.

    Of the hits of a voice's classes the loudest counts, the first of equals.
    """
    kinds = np.asarray(voice)
    shape = (*cells.hits.shape[:-1], voices)
    parts = Parts(*(np.zeros(shape, np.float32) for _ in range(3)))
    for target in range(voices):
        own = np.flatnonzero(kinds == target)
        if not len(own):
            continue
        loudness = np.where(_played(cells.hits[..., own]), cells.velocity[..., own], -1)
        best = loudness.argmax(axis=-1)[..., None]
        for whole, part in zip(parts, cells, strict=True):
            whole[..., target] = np.take_along_axis(part[..., own], best, axis=-1)[..., 0]
    return parts


def folding(classes: DrumMap, onto: DrumMap) -> IntArray:
    """`[W]`: the voice of `onto` that each class of `classes` is, -1 where it knows none.

    A class is the voice of its written pitch.
    """
    voice_of = onto.voice_of
    return np.array([voice_of.get(pitch, -1) for pitch in classes.written], np.int64)


def _played(hits: Array) -> BoolArray:
    return hits if hits.dtype == np.bool_ else np.asarray(hits > 0.5)


def _bits(voices: int) -> IntArray:
    if voices > _MAX_LABELLED_VOICES:
        raise GrooveError(f"the sets of {voices} voices cannot be numbered in 64 bits")
    return np.int64(1) << np.arange(voices, dtype=np.int64)


# -- bins ------------------------------------------------------------------------------------


def to_bins(values: Array, low: float, high: float, bins: int) -> IntArray:
    """Which of `bins` bins each of `values` `[…]` is in, the same shape, from 0.

    Bin 0 holds `low` alone and what is below; bin `i` what is over edge `i - 1` up to and with
    edge `i`, of `bins` equally spaced edges from `low` to a touch above `high`.

    Raises:
        GrooveError: fewer than two bins, or a value above `high`.
    """
    if bins < 2:
        raise GrooveError(f"{bins} bins", remedy="2 or more")
    edges = np.linspace(low, high + _MARGIN, bins)
    if values.size and not values.max() <= edges[-1]:
        raise GrooveError(f"a value is above {high:g}")
    return np.digitize(values, edges, right=True)


def from_bins(index: Array, low: float, high: float, bins: int) -> npt.NDArray[np.float64]:
    """A value of each bin, as the original reads them back: `low` + index/bins of the range.

    `to_bins` gives the same bins for these values; 0.0 and 1.0 are not among those that come back.
    """
    return low + np.asarray(index) / bins * (high - low)


def to_binned(x: Array, velocity_bins: int, offset_bins: int) -> FloatArray:
    """A groove `[…, T, 3V]`, its offsets as `to_magenta` gives them, with velocity and offset in
    one-hot bins: hits | velocity bins voice by voice | offset bins voice by voice,
    `[…, T, V(1 + velocity_bins + offset_bins)]`.

    Raises:
        GrooveError: a velocity or an offset above 1.
    """
    hits, velocity, offset = from_groove_x(x)
    loudness = to_one_hot(to_bins(velocity, 0.0, 1.0, velocity_bins), velocity_bins)
    timing = to_one_hot(to_bins(offset, -1.0, 1.0, offset_bins), offset_bins)
    *lead, voices = hits.shape
    return to_groove_x(
        hits,
        loudness.reshape(*lead, voices * velocity_bins),
        timing.reshape(*lead, voices * offset_bins),
    )


def from_binned(binned: Array, velocity_bins: int, offset_bins: int) -> FloatArray:
    """The groove `[…, T, 3V]`, with offsets as `to_magenta` gives them, of a binned one.

    Silent cells have velocity and offset 0; those of hits are what `from_bins` says.
    """
    depths = (1, velocity_bins, offset_bins)
    voices = _voices(binned, depths)
    shape = (*binned.shape[:-1], voices)
    hits, loudness, timing = np.split(binned, [voices, voices * (1 + velocity_bins)], axis=-1)
    played = _played(hits)
    velocity = from_bins(
        from_one_hot(loudness.reshape(*shape, velocity_bins)), 0.0, 1.0, velocity_bins
    )
    offset = from_bins(from_one_hot(timing.reshape(*shape, offset_bins)), -1.0, 1.0, offset_bins)
    return to_groove_x(played, velocity * played, offset * played)


# -- one voice a step ------------------------------------------------------------------------


def to_voice_steps(x: Array, depths: Sequence[int] = (1, 1, 1)) -> Array:
    """`[…, T, V·D]` as `[…, T·V, D]`: the voices of a step one after another.

    `depths` are how many numbers each field has for a voice, and add up to `D`: (1, 1, 1) in a
    groove, (1, n, m) in a binned one, (1,) in a roll.

    Raises:
        GrooveError: the last axis is not a whole number of voices.
    """
    voices = _voices(x, depths)
    *lead, steps, _ = x.shape
    fields = np.split(x, np.cumsum([voices * depth for depth in depths])[:-1], axis=-1)
    by_voice = [
        field.reshape(*lead, steps, voices, depth)
        for field, depth in zip(fields, depths, strict=True)
    ]
    return np.concatenate(by_voice, axis=-1).reshape(*lead, steps * voices, sum(depths))


def from_voice_steps(x: Array, voices: int, depths: Sequence[int] = (1, 1, 1)) -> Array:
    """The inverse of `to_voice_steps`: `[…, T·V, D]` as `[…, T, V·D]`.

    Raises:
        GrooveError: the steps are not a whole number of rounds of the voices.
    """
    *lead, turns, depth = x.shape
    if turns % voices or depth != sum(depths):
        raise GrooveError(f"{turns} × {depth} numbers are not rounds of {voices} voices")
    steps = turns // voices
    by_voice = x.reshape(*lead, steps, voices, depth)
    fields = np.split(by_voice, np.cumsum(depths)[:-1], axis=-1)
    flat = [field.reshape(*lead, steps, voices * field.shape[-1]) for field in fields]
    return np.concatenate(flat, axis=-1)


def voice_turns(steps: int, voices: int) -> BoolArray:
    """Whose turn it is when each step is one voice: one-hot rows in turns, `[T·V, V]`."""
    return np.tile(np.eye(voices, dtype=bool), (steps, 1))


def _voices(x: Array, depths: Sequence[int]) -> int:
    width: int = x.shape[-1]
    voices, rest = divmod(width, sum(depths))
    if rest:
        raise GrooveError(f"{width} numbers a step are no voices of {sum(depths)} each")
    return voices
