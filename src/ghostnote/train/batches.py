"""Training batches: which windows, in which order, augmented how, as one pure function of a step.

Nothing here keeps state: the batch of step `t` depends on the data, the config and `t` alone, so
that a resumed run sees exactly what an uninterrupted one sees.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ghostnote.data.augment import Augmentation, augment, other_bars
from ghostnote.data.bars import Bars, to_x


def generator(*key: int) -> np.random.Generator:
    """An independent stream of random numbers for each key."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def batch_indices(n: int, step: int, *, batch: int, seed: int) -> npt.NDArray[np.int64]:
    """The windows of step `step`: epochs are permutations, and a last short batch is left out."""
    per_epoch = max(n // batch, 1)
    epoch, place = divmod(step, per_epoch)
    order = generator(seed, 1, epoch).permutation(n)
    return order[place * batch : (place + 1) * batch]


def training_batch(
    bars: Bars, chosen: npt.NDArray[np.int64], how: Augmentation, *, seed: int, step: int
) -> npt.NDArray[np.float32]:
    """Windows `chosen`, augmented: `x` `[B, T, 3V]`."""
    random = generator(seed, 2, step)
    indices = bars.bars_of(chosen)
    if how.other_bars:
        indices = other_bars(indices, bars.span[chosen], how.other_bars, random)
    return to_x(augment(bars.cells(indices), how, random))
