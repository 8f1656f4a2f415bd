"""Whether it can be told where one window ends and the next one begins.

A window of four bars begins at every second bar, and finds its first two bars written. In twelve
bars, those numbered 4, 6, 8 and 10 from 0 are the first that a window writes, at its edge; those
beside them are inside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ghostnote.music.groove import Groove

LOOPS = 96
"""Of so many, a shift of 0.05 at the edges is found; a quarter of them misses every second one."""

Array = npt.NDArray[np.float64]


def seam_p_value(grooves: Sequence[Groove], edges: Sequence[int]) -> float:
    """How likely it is that the bars `edges` differ so much from those beside them by chance.

    Compared are hits (how many there are in a bar, and how many cells change from the bar before),
    and of velocity and offset the mean and the spread in a bar's first beat, and how far the mean
    is from that of the last beat before. Of each groove counts how far the edges are from the mean
    of both their neighbours; of all these differences the largest, each in its own standard
    deviations, against the same with the signs of whole grooves drawn at random.
    """
    tables = np.stack([_of_bars(groove) for groove in grooves])
    apart = np.mean(
        [tables[:, bar] - (tables[:, bar - 1] + tables[:, bar + 1]) / 2 for bar in edges], axis=0
    )
    apart /= np.maximum(np.sqrt((apart**2).mean(0)), 1e-12)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (4000, len(apart)))
    by_chance = np.abs(signs @ apart / len(apart)).max(1)
    return float((by_chance >= np.abs(apart.mean(0)).max()).mean())


def shifted(
    grooves: Sequence[Groove], edges: Sequence[int], *, velocity: float = 0, offset: float = 0
) -> list[Groove]:
    """The same, with the first beat of the bars `edges` louder and later: a seam."""
    return [
        Groove.from_cells(
            groove.hits,
            np.clip(groove.velocity + velocity * at_edge, 0, 1),
            np.clip(groove.offset + offset * at_edge, -0.5, 0.4999),
        )
        for groove in grooves
        for at_edge in [groove.hits & _first_beats(groove, edges)]
    ]


def _first_beats(groove: Groove, bars: Sequence[int]) -> npt.NDArray[np.bool_]:
    chosen = np.zeros((groove.bars, 16), bool)
    chosen[list(bars), :4] = True
    return chosen.reshape(-1, 1)


def _of_bars(groove: Groove) -> Array:
    """What is compared, of each bar; of bar 0, which has none before it, with the last."""
    hits = groove.hits.reshape(groove.bars, 16, 9)
    columns = [hits.sum((1, 2)), (hits != np.roll(hits, 1, axis=0)).sum((1, 2))]
    for part in (groove.velocity, groove.offset):
        values = part.astype(np.float64).reshape(hits.shape)
        first, spread = _mean(values[:, :4], hits[:, :4])
        last, _ = _mean(values[:, 12:], hits[:, 12:])
        columns += [first, spread, np.abs(first - np.roll(last, 1))]
    return np.stack(columns, axis=1).astype(np.float64)


def _mean(values: Array, hits: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Mean and standard deviation over the hits of each bar, 0 where there are none."""
    count = np.maximum(hits.sum((1, 2)), 1)
    mean = np.where(hits, values, 0).sum((1, 2)) / count
    squares = np.where(hits, (values - mean[:, None, None]) ** 2, 0).sum((1, 2)) / count
    return mean, np.sqrt(squares)
