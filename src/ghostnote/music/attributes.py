"""What can be measured of a groove: density, syncopation, swing and the like, as one number each.

All are measured on batches `x` `[B, T, 3V]` (hits | velocity | offset) of the nine voices, in whole
bars of one meter, and are 0 where there is nothing to measure. The window is a loop: what follows
its last step is its first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Meter, steps_per_bar
from ghostnote.music.kit import N_VOICES, voice_index
from ghostnote.music.tensors import from_groove_x

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]

_KICK, _SNARE = voice_index("kick"), voice_index("snare")
_CLOSED, _OPEN = voice_index("closed hat"), voice_index("open hat")
_FILLS: Final = [voice_index(name) for name in ("low tom", "mid tom", "high tom", "crash")]
_BEAT: Final = 4
"""Steps in a quarter note, the beat that swing divides."""
_TRIPLET_EDGE: Final = -1 / 6
"""Of the offset of a beat's last 16th: earlier than this, it is nearer to the last of three."""


def measure(x: Array, meter: Meter = (4, 4), names: Sequence[str] = ()) -> FloatArray:
    """The attributes `names` of windows `x` `[B, T, 3V]`: `[B, len(names)]`; all by default.

    Raises:
        ConfigError: no attribute has that name.
        GrooveError: `x` is not whole bars of the nine voices.
    """
    bar = steps_per_bar(meter)
    if x.ndim != 3 or x.shape[2] != 3 * N_VOICES or not x.shape[1] or x.shape[1] % bar:
        raise GrooveError(
            f"windows have shape {list(x.shape)}, not [B, T, {3 * N_VOICES}] of whole bars of {bar}"
        )
    chosen = [known(name) for name in names or ATTRIBUTES]
    if not chosen or not len(x):
        return np.zeros((len(x), len(chosen)))
    return np.stack([ATTRIBUTES[name](x, meter) for name in chosen], axis=1)


def known(name: str) -> str:
    """`name`, if an attribute has it.

    Raises:
        ConfigError: none has.
    """
    if name not in ATTRIBUTES:
        raise ConfigError(f"unknown attribute {name!r}", remedy=f"one of: {', '.join(ATTRIBUTES)}")
    return name


# -- the attributes --------------------------------------------------------------------------


def density(x: Array, meter: Meter) -> FloatArray:
    """Hits a bar, over all voices."""
    hits, _, _ = _cells(x)
    return np.asarray(hits.sum((1, 2)) / (x.shape[1] / steps_per_bar(meter)), np.float64)


def syncopation(x: Array, meter: Meter) -> FloatArray:
    """How much of kick and snare leans against the meter, a bar.

    The measure of Longuet-Higgins and Lee (1984), as Fitch and Rosenfeld (2007) state it: a note
    counts if it is followed by silence on a position that is metrically stronger, with the
    difference of the two weights. The rhythm is that of kick and snare together, which keeps a
    steady hat from filling every silence (as Witek et al. 2014 apply it to drums), and a note
    counts in proportion to its velocity, so that ghost notes weigh little.
    """
    hits, velocity, _ = _cells(x)
    loud = np.where(hits, velocity, 0)[..., [_KICK, _SNARE]].max(-1)
    weights = np.tile(metric_weights(meter), x.shape[1] // steps_per_bar(meter))
    # Backwards, once round the loop to know what follows its end, and once to count.
    strongest, total = np.full(len(x), -np.inf), np.zeros(len(x))
    for count in (False, True):
        for step in range(x.shape[1] - 1, -1, -1):
            note = loud[:, step] > 0
            if count:
                total += loud[:, step] * np.maximum(strongest - weights[step], 0)
            strongest = np.where(note, -np.inf, np.maximum(strongest, weights[step]))
    return np.asarray(total / (x.shape[1] / steps_per_bar(meter)))


def swing(x: Array, meter: Meter) -> FloatArray:
    """How late the hits between the beats are, in steps, against those on the beats.

    The mean delay of all hits off the beat, less the mean offset of those on it: the systematic
    delay of every second division that the literature calls swing (Friberg and Sundström 2002).
    The last of three notes in a beat lies on the grid as an early last 16th; it counts as what it
    stands for, a late off-beat 8th, where its voice does not play that one as well.
    """
    hits, _, offset = _cells(x)
    place = np.arange(x.shape[1]) % _BEAT
    eighth = np.roll(hits, 1, axis=1)
    third = hits & ~eighth & (place == 3)[:, None] & (offset < _TRIPLET_EDGE)
    late = np.where(third, 1 + offset, offset)
    off, on = hits & (place != 0)[:, None], hits & (place == 0)[:, None]
    both = off.any((1, 2)) & on.any((1, 2))
    return np.where(both, _mean(late, off) - _mean(offset, on), 0)


def dynamics(x: Array, meter: Meter) -> FloatArray:
    """How loud the hits are, from soft to loud: their mean velocity, in (0, 1]."""
    del meter
    hits, velocity, _ = _cells(x)
    return _mean(velocity, hits)


def laid_back(x: Array, meter: Meter) -> FloatArray:
    """How late kick and snare are on 8th notes, in steps: positive laid back, negative pushed.

    Their mean offset against the grid, which is the click that the drummer heard (Kilchenmann and
    Senn 2011 measure microtiming so). 16ths in between are left to `swing`.
    """
    del meter
    hits, _, offset = _cells(x)
    backbone = hits & (np.arange(x.shape[1]) % 2 == 0)[:, None]
    return _mean(offset[..., [_KICK, _SNARE]], backbone[..., [_KICK, _SNARE]])


def openness(x: Array, meter: Meter) -> FloatArray:
    """The share of open hats in all hat hits, from 0 to 1."""
    del meter
    hits, _, _ = _cells(x)
    opened, closed = hits[..., _OPEN].sum(1), hits[..., _CLOSED].sum(1)
    return np.asarray(opened / np.maximum(opened + closed, 1), np.float64)


def fill(x: Array, meter: Meter) -> FloatArray:
    """The share of toms and crash in all hits, from 0 to 1: what fills are played on."""
    del meter
    hits, _, _ = _cells(x)
    return np.asarray(hits[..., _FILLS].sum((1, 2)) / np.maximum(hits.sum((1, 2)), 1), np.float64)


ATTRIBUTES: Final[dict[str, Callable[[Array, Meter], FloatArray]]] = {
    "density": density,
    "syncopation": syncopation,
    "swing": swing,
    "dynamics": dynamics,
    "laid-back": laid_back,
    "openness": openness,
    "fill": fill,
}
"""The attributes by name, in the order of every array's attribute axis."""

# -- meter -----------------------------------------------------------------------------------


@cache
def metric_weights(meter: Meter) -> FloatArray:
    """The weight of each step of a bar: 0 for the first, one less for each level below.

    A bar is divided into its beats, by its numerator's prime factors from the largest on (threes
    of 8ths last in compound meters), and these into halves: in 4/4, the half note has -1, the
    quarters -2, 8ths -3 and 16ths -4.
    """
    steps = steps_per_bar(meter)
    weights = np.full(steps, 0.0)
    size = steps
    for level, part in enumerate(_divisions(meter, steps), start=1):
        size //= part
        inside = np.arange(steps) % size == 0
        weights[inside & (np.arange(steps) % (size * part) != 0)] = -level
    weights.flags.writeable = False
    return weights


def _divisions(meter: Meter, steps: int) -> list[int]:
    numerator, denominator = meter
    compound = denominator >= 8 and numerator > 3 and numerator % 3 == 0
    beats = [*_factors(numerator // 3), 3] if compound else _factors(numerator)
    return beats + _factors(steps // numerator) if steps % numerator == 0 else _factors(steps)


def _factors(number: int) -> list[int]:
    """Prime factors, the largest first."""
    found, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found[::-1]


def _cells(x: Array) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray]:
    hits, velocity, offset = from_groove_x(x)
    return hits > 0.5, velocity.astype(np.float64), offset.astype(np.float64)


def _mean(values: FloatArray, where: npt.NDArray[np.bool_]) -> FloatArray:
    """The mean of each window's `values` over `where`, 0 where there are none: `[B]`."""
    count = np.maximum(where.sum((1, 2)), 1)
    return np.asarray(np.where(where, values, 0).sum((1, 2)) / count)
