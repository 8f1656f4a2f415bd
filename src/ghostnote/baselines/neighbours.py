"""Bars of the training data that are nearest to a bar, by what can be seen of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ghostnote.evaluate.takes import FloatArray, Takes

OWN_WEIGHT = 2
"""Cells of the bar itself count as the square of this against those of the bars beside it."""

_CHUNK = 128


def bars_seen(cells: npt.NDArray[Any], takes: Takes) -> FloatArray:
    """What is seen of each bar, `[B, F]`: cells `[S, C]` of 0 and 1 of it and of those beside it.

    Squared Euclidean distances between two such rows count the cells that differ, those of the bar
    itself four times. Before the first bar of a take and after its last there is silence.
    """
    own = cells.reshape(-1, takes.bar * cells.shape[1]).astype(np.float32)
    take = takes.take[:: takes.bar]
    beside = []
    for shift in (1, -1):
        moved = np.roll(own, shift, axis=0)
        moved[np.roll(take, shift) != take] = 0
        edge = 0 if shift == 1 else -1
        moved[edge] = 0
        beside.append(moved)
    return np.concatenate([OWN_WEIGHT * own, *beside], axis=1)


def nearest(queries: FloatArray, known: FloatArray, k: int) -> npt.NDArray[np.int64]:
    """The `k` rows of `known` `[M, F]` nearest to each of `queries` `[N, F]`: `[N, k]`, nearest
    first, and the first of equals first. All numbers are small and whole.
    """
    k = min(k, len(known))
    size = np.square(known).sum(1)
    rank = np.arange(len(known), dtype=np.int64)
    found = []
    for start in range(0, len(queries), _CHUNK):
        part = queries[start : start + _CHUNK]
        # The query's own size is the same for all; what is left is whole, and exact in float32.
        distance = np.rint(size - 2 * part @ known.T).astype(np.int64)
        key = distance * len(known) + rank
        if k == 1:
            found.append(key.argmin(1)[:, None])
            continue
        some = np.argpartition(key, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(key, some, 1).argsort(1)
        found.append(np.take_along_axis(some, order, 1))
    return np.concatenate(found)
