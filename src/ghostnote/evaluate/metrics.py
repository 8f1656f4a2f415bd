"""Metrics on arrays of grooves. Pure numpy; `hits` bool, `velocity` and `offset` float, `[..., V]`.

Velocity and timing are judged per ground-truth hit (see `docs`): elsewhere they have no meaning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Hits = npt.NDArray[np.bool_]
Values = npt.NDArray[np.floating]


class Confusion(NamedTuple):
    """Hits found, invented and missed, per voice `[V]`. Sums of these are meaningful."""

    found: npt.NDArray[np.int64]
    invented: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]

    @classmethod
    def of(cls, predicted: Hits, true: Hits) -> Confusion:
        """Counts over all axes but the last."""
        axes = tuple(range(true.ndim - 1))
        return cls(
            (predicted & true).sum(axes),
            (predicted & ~true).sum(axes),
            (~predicted & true).sum(axes),
        )

    def plus(self, other: Confusion) -> Confusion:
        """The counts of both together."""
        return Confusion(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def precision(self) -> float:
        """Micro-averaged precision; 1 where nothing was predicted."""
        return _ratio(self.found.sum(), self.found.sum() + self.invented.sum())

    def recall(self) -> float:
        """Micro-averaged recall; 1 where there was nothing to find."""
        return _ratio(self.found.sum(), self.found.sum() + self.missed.sum())

    def f1(self) -> float:
        """Micro-averaged F1; 1 where there was nothing to find and nothing was predicted."""
        return _f1(self.found.sum(), self.invented.sum(), self.missed.sum())

    def f1_per_voice(self) -> list[float]:
        """F1 of each voice."""
        return [_f1(*counts) for counts in zip(*self, strict=True)]


def mean_absolute_error(predicted: Values, true: Values, where: Hits) -> float:
    """Mean of |predicted − true| over the cells of `where`; 0 where there are none."""
    return float(np.abs(predicted - true)[where].mean()) if where.any() else 0.0


def hits_per_bar(hits: Hits, *, steps_per_bar: int = 16) -> float:
    """Mean hits in a bar of `hits` `[N, T, V]`."""
    return float(hits.sum() / (hits.shape[0] * hits.shape[1] / steps_per_bar))


def density(hits: Hits) -> npt.NDArray[np.float64]:
    """Hits per step of each voice, `[V]`."""
    axes = tuple(range(hits.ndim - 1))
    mean: npt.NDArray[np.float64] = hits.mean(axes, dtype=np.float64)
    return mean


def nearest_distance(hits: Hits, reference: Hits, *, chunk: int = 64) -> npt.NDArray[np.int64]:
    """Hamming distance, in cells, of each of `hits` `[N, T, V]` to the nearest of `reference`.

    Zero is an exact copy of a reference window's hits.
    """
    ours = hits.reshape(len(hits), -1).astype(np.float32)
    theirs = reference.reshape(len(reference), -1).astype(np.float32)
    sizes = theirs.sum(1)
    nearest = []
    for start in range(0, len(ours), chunk):
        part = ours[start : start + chunk]
        # |a − b| = |a| + |b| − 2·a·b for sets: one matrix product instead of N·M comparisons.
        distance = part.sum(1)[:, None] + sizes - 2 * part @ theirs.T
        nearest.append(np.rint(distance.min(1)).astype(np.int64))
    return np.concatenate(nearest)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0


def _f1(found: float, invented: float, missed: float) -> float:
    return _ratio(2 * found, 2 * found + invented + missed)
