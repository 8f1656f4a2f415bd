"""Metrics on arrays of grooves. Pure numpy; `hits` bool, `velocity` and `offset` float, `[..., V]`.

Velocity and timing are judged per ground-truth hit (see `docs/evaluation.md`): elsewhere they have
no meaning.

The second half works on counts and sums in place of grooves, over any leading axes `…`, so that one
function gives a figure of all takes and of a thousand resamples of them. A figure without meaning,
such as a share of nothing, is not a number there.
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


# -- figures from counts and sums ------------------------------------------------------------


def share(part: Values, whole: Values) -> Values:
    """`part` ÷ `whole`, broadcast; not a number where `whole` is 0."""
    safe = np.where(whole == 0, np.nan, whole)
    return np.asarray(part / safe)


def f1_score(found: Values, invented: Values, missed: Values) -> Values:
    """F1 of counts `[…]`; not a number where there was nothing to find and nothing was found."""
    return share(2 * found, 2 * found + invented + missed)


def gaussian_kl(real: Values, generated: Values) -> Values:
    """KL(real ‖ generated) in nats of the Gaussians of each group, averaged over the groups.

    The measure of GrooVAE (Gillick et al. 2019), whose four groups are the positions of a hit in
    its beat.

    Args:
        real: `[…, G, 3]`: of each of `G` groups, how many values, their sum, their sum of squares.
        generated: the same.

    Returns:
        `[…]`. Groups that have fewer than two values on either side do not count. Infinite where
        generated values do not vary and real ones do.
    """
    n, mean, variance = _moments(real)
    other_n, other_mean, other_variance = _moments(generated)
    counted = (n > 1) & (other_n > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (variance + (mean - other_mean) ** 2) / other_variance
        kl = 0.5 * (np.log(other_variance / variance) + apart - 1)
    # Values that do not vary have a variance of rounding errors, or none at all.
    flat, real_flat = other_variance < _FLAT, variance < _FLAT
    same = real_flat & flat & (np.abs(mean - other_mean) < _FLAT)
    kl = np.where(flat | real_flat, np.where(same, 0.0, np.inf), kl)
    total = np.where(counted, kl, 0).sum(-1)
    return share(total, counted.sum(-1).astype(np.float64))


def js_distance(one: Values, other: Values) -> Values:
    """Jensen–Shannon distance of two histograms of counts `[…, B]`: 0 for the same, 1 for disjoint.

    The root of the divergence in bits (Endres and Schindelin 2003), a metric.
    """
    p, q = (share(counts, counts.sum(-1, keepdims=True)) for counts in (one, other))
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0)))


def overlapped_area(generated: Values, real: Values) -> Values:
    """How much the distances among generated values are like those from them to real ones.

    The measure of Yang and Lerch (2020): the area under both densities, of the intra-set and of
    the inter-set distances, from 0 to 1. It is low where the generated values lie elsewhere, and
    where they vary less or more than the real ones do.

    Args:
        generated: histogram of counts `[…, B]` on evenly spaced bins.
        real: the same, on the same bins.
    """
    bins = generated.shape[-1]
    intra, inter = (np.zeros((*generated.shape[:-1], bins)) for _ in range(2))
    for distance in range(bins):
        low, high = generated[..., : bins - distance], generated[..., distance:]
        intra[..., distance] = (low * high).sum(-1)
        inter[..., distance] = (low * real[..., distance:]).sum(-1)
        if distance:
            inter[..., distance] += (high * real[..., : bins - distance]).sum(-1)
    # Each pair once, and none of a value and itself.
    intra[..., 0] = (intra[..., 0] - generated.sum(-1)) / 2
    intra, inter = (share(each, each.sum(-1, keepdims=True)) for each in (intra, inter))
    return np.asarray(np.minimum(intra, inter).sum(-1))


def histogram_median(counts: Values) -> Values:
    """The median `[…]` of whole numbers from 0 on, of which there are `counts` `[…, B]`."""
    below = np.cumsum(counts, axis=-1)
    half = below[..., -1:] / 2
    lower = (below < half).sum(-1)
    upper = (below <= half).sum(-1).clip(max=counts.shape[-1] - 1)
    return np.asarray((lower + upper) / 2)


_FLAT = 1e-12
"""The least variance that is more than rounding."""


def _moments(sums: Values) -> tuple[Values, Values, Values]:
    n, total, squares = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    safe = np.maximum(n, 1)
    mean = total / safe
    return n, mean, np.maximum(squares / safe - mean**2, 0)


def _relative_entropy(p: Values, q: Values) -> Values:
    safe = np.where(p > 0, p, 1) / np.where(p > 0, q, 1)
    return np.asarray((p * np.log2(safe)).sum(-1))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0


def _f1(found: float, invented: float, missed: float) -> float:
    return _ratio(2 * found, 2 * found + invented + missed)
