"""Figures with their intervals, by resampling takes.

Windows of a take are alike, and the hits of a take more so: what varies freely is which takes are
in a split. So an interval is that of a bootstrap over whole takes (Efron and Tibshirani 1993,
Field and Welsh 2007). A figure is a function of sums over takes, and so a resample costs as much as
weighing those sums, and not as much as playing them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Sums = dict[str, npt.NDArray[np.float64]]
"""By name, `[U, …]` of each of `U` units that are drawn together, such as takes; or their totals
over the units, `[R, …]` of each of `R` resamples."""

Figures = Mapping[str, Any]
"""A tree of mappings, whose leaves are `[R]`."""

RESAMPLES: Final = 1000
LEVEL: Final = 0.95
DIGITS: Final = 6
"""Significant digits of a figure; more would be those of the machine."""


class Estimate(NamedTuple):
    """Figures, and where each would lie in 95 of 100 such sets of takes.

    Attributes:
        values: a tree of numbers; None where one has no meaning, or is infinite.
        intervals: the same tree with ``[low, high]``; None likewise.
    """

    values: dict[str, Any]
    intervals: dict[str, Any]


def estimate(
    groups: Sequence[Sums],
    figures: Callable[[Sums], Figures],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """`figures` of the sums of all units, with percentile intervals.

    Args:
        groups: units that are drawn apart from those of other groups, such as samples of a model
            and takes. No name is in two groups.
        figures: totals `[R, …]` by name → a tree of figures `[R]`.
        seed: which resamples.
        resamples: how many.
    """
    random = np.random.default_rng(seed)
    whole: Sums = {}
    again: Sums = {}
    for group in groups:
        n = len(next(iter(group.values())))
        weights = random.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
        for name, values in group.items():
            whole[name] = values.sum(0, keepdims=True)
            flat = weights @ values.reshape(n, -1)
            again[name] = flat.reshape(resamples, *values.shape[1:])
    return Estimate(
        _map(figures(whole), lambda leaf: number(leaf[0])), _map(figures(again), _interval)
    )


def summed(values: npt.ArrayLike, unit: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.float64]:
    """`values` `[N, …]` added up over those of each of `n` units, `[n, …]`; `unit` is `[N]`."""
    array = np.asarray(values, np.float64)
    flat = array.reshape(len(array), int(np.prod(array.shape[1:])))
    columns = [np.bincount(unit, column, minlength=n) for column in flat.T]
    stacked = np.stack(columns, axis=-1).astype(np.float64)
    return stacked.reshape(n, *array.shape[1:])


def number(value: float) -> float | int | None:
    """`value` as a report holds it: rounded; whole as an int; None where it is not finite."""
    if not np.isfinite(value):
        return None
    rounded = float(f"{float(value):.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def by_name(values: npt.NDArray[np.floating], names: Sequence[str]) -> dict[str, Any]:
    """The last axis of `[R, N]` by name."""
    return {name: values[..., column] for column, name in enumerate(names)}


def _interval(leaf: npt.NDArray[np.float64]) -> list[float | int | None] | None:
    known = leaf[~np.isnan(leaf)]
    if not len(known) or np.isinf(known).any():
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [number(low), number(high)]


def _map(tree: Figures, what: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        name: _map(leaf, what) if isinstance(leaf, Mapping) else what(np.asarray(leaf))
        for name, leaf in tree.items()
    }
