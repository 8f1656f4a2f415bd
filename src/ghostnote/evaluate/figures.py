"""What hits, velocities and offsets are judged by: sums over takes, and figures out of them.

See `ghostnote.evaluate.bootstrap` for why the two are apart.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.evaluate.bootstrap import Figures, Sums, by_name, summed
from ghostnote.evaluate.metrics import f1_score, gaussian_kl, share
from ghostnote.music.kit import VOICES

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]

GROUPS: Final = 4
"""Hits are in as many groups by their place in a beat, of four 16ths."""


def hit_sums(
    predicted: Array, true: Array, unit: IntArray, n: int, judged: Array | None = None
) -> Sums:
    """Hits found, invented and missed of each of `n` units, `[n, V]` each.

    Args:
        predicted: bool `[N, …, V]`.
        true: the same of what was played.
        unit: `[N]`, which unit each row is of.
        n: how many units.
        judged: bool like `true`; cells where it is false do not count.
    """
    cells = np.ones(true.shape, bool) if judged is None else judged
    axes = tuple(range(1, true.ndim - 1))
    counts = {
        "found": predicted & true & cells,
        "invented": predicted & ~true & cells,
        "missed": ~predicted & true & cells,
    }
    return {name: summed(each.sum(axes), unit, n) for name, each in counts.items()}


def hit_figures(sums: Sums) -> dict[str, Any]:
    """Precision, recall and F1 over all cells, and of each voice.

    `density` is how many hits were predicted for each true one.
    """
    found, invented, missed = (sums[name] for name in ("found", "invented", "missed"))
    totals = tuple(counts.sum(-1) for counts in (found, invented, missed))
    predicted, true = found + invented, found + missed
    return {
        "f1": f1_score(*totals),
        "precision": share(totals[0], predicted.sum(-1)),
        "recall": share(totals[0], true.sum(-1)),
        "density": share(predicted.sum(-1), true.sum(-1)),
        "f1_per_voice": by_name(f1_score(found, invented, missed), VOICES),
        "precision_per_voice": by_name(share(found, predicted), VOICES),
        "recall_per_voice": by_name(share(found, true), VOICES),
    }


def expression_sums(
    played: tuple[Array, Array],
    true: tuple[Array, Array],
    where: Array,
    unit: IntArray,
    n: int,
    *,
    ms_per_step: Array,
    bar: int,
) -> Sums:
    """Errors of velocity and offset of each of `n` units, and the moments of both.

    Args:
        played: velocity and offset `[N, T, V]`, or `[N, V]` of steps in whole bars.
        true: the same as it was played.
        where: bool of that shape, the hits that are judged.
        unit: `[N]`, which unit each row is of.
        n: how many units.
        ms_per_step: `[N]`, at the tempo of each row.
        bar: steps in a bar.
    """
    index = np.nonzero(where)
    row, step, voice = index[0], index[-2], index[-1]
    group = step % bar % GROUPS
    of_hit, ms = unit[row], np.asarray(ms_per_step, np.float64)[row]
    now, was = (
        [np.asarray(values, np.float64)[index] for values in pair] for pair in (played, true)
    )
    velocity, offset = (np.abs(new - old) for new, old in zip(now, was, strict=True))
    errors = np.stack([np.ones(len(row)), velocity, offset, offset * ms, offset**2], axis=1)
    by_voice = summed(errors, of_hit * len(VOICES) + voice, n * len(VOICES))
    sums = {"errors": by_voice.reshape(n, len(VOICES), -1)}
    for name, (loud, late) in (("played", now), ("true", was)):
        sums |= moments(loud, late, group, of_hit, n, name)
    return sums


def moments(
    velocity: Array, offset: Array, group: IntArray, unit: IntArray, n: int, name: str
) -> Sums:
    """Number, sum and sum of squares of velocities and offsets `[H]` in each group, for the KL:
    ``NAME velocity`` and ``NAME offset``, `[n, 4, 3]` each.
    """
    cell = unit * GROUPS + group
    return {
        f"{name} {what}": summed(
            np.stack([np.ones(len(values)), values, np.square(values)], axis=1), cell, n * GROUPS
        ).reshape(n, GROUPS, 3)
        for what, values in (("velocity", velocity), ("offset", offset))
    }


def expression_figures(sums: Sums) -> dict[str, Any]:
    """Errors of velocity and offset on the hits that were judged, and how they are spread.

    Velocity errors are of 127, and of 1 as `velocity_mae`; offset errors in steps, in ms at the
    take's tempo, and squared in steps. The KL is that of `metrics.gaussian_kl`, in nats.
    """
    errors = sums["errors"]
    count, velocity, offset, ms, squared = np.moveaxis(errors, -1, 0)
    hits = count.sum(-1)
    return {
        "offset_error_ms": share(ms.sum(-1), hits),
        "offset_error": share(offset.sum(-1), hits),
        "offset_mse": share(squared.sum(-1), hits),
        "velocity_error": 127 * share(velocity.sum(-1), hits),
        "velocity_mae": share(velocity.sum(-1), hits),
        **kl_figures(sums),
        "velocity_error_per_voice": by_name(127 * share(velocity, count), VOICES),
        "offset_error_ms_per_voice": by_name(share(ms, count), VOICES),
    }


def kl_figures(sums: Sums) -> Figures:
    """The KL of velocity and of offset, from the `moments` ``true`` and ``played``."""
    return {
        f"{what}_kl": gaussian_kl(sums[f"true {what}"], sums[f"played {what}"])
        for what in ("offset", "velocity")
    }
