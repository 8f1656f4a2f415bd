"""Training batches: which windows, in which order, augmented how, as one pure function of a step.

Nothing here keeps state: the batch of step `t` depends on the data, the config and `t` alone, so
that a resumed run sees exactly what an uninterrupted one sees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.data.augment import Augmentation, Cells, augment, other_bars
from ghostnote.data.corpus import Corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.model.config import ModelConfig


@dataclass(frozen=True)
class Bars:
    """Windows as runs of bars in one table of bars.

    Attributes:
        velocity: uint8 `[N, S, V]`, 0 where silent.
        offset: float32 `[N, S, V]` in steps.
        first: `[W]`, the first bar of each window.
        span: `[W, 2]`, first bar and number of bars of the take that the window is from.
        length: bars in a window.
    """

    velocity: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]
    span: npt.NDArray[np.int64]
    length: int

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def of(cls, windows: Windows) -> Bars:
        """The bars of all takes that `windows` cuts."""
        corpus, size = windows.corpus, windows.steps // windows.bars
        used, place = np.unique(windows.take, return_inverse=True)
        velocity, offset, start = corpus.cells(used)
        count = corpus.bars[used]
        rows = np.concatenate(
            [np.arange(a, a + n * size) for a, n in zip(start, count, strict=True)]
        )
        first = (np.cumsum(count) - count)[place]
        return cls(
            velocity[rows].reshape(-1, size, velocity.shape[-1]),
            offset[rows].reshape(-1, size, offset.shape[-1]),
            first + windows.start_bar,
            np.stack([first, count[place]], axis=1),
            windows.bars,
        )

    def digest(self) -> str:
        """Identifies the windows: sha256 over all that they are made of."""
        hashed = hashlib.sha256(str(self.length).encode())
        for array in (self.velocity, self.offset, self.first, self.span):
            hashed.update(np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()

    def cells(self, bars: npt.NDArray[np.int64]) -> Cells:
        """The cells of bars `[B, n]`: velocity and offset `[B, n·S, V]`."""
        batch, _ = bars.shape
        voices = self.velocity.shape[-1]
        return (
            self.velocity[bars].reshape(batch, -1, voices),
            self.offset[bars].reshape(batch, -1, voices),
        )

    def bars_of(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The bars `[B, length]` of windows `[B]`."""
        return self.first[chosen][:, None] + np.arange(self.length)


def split_bars(corpus: Corpus, model: ModelConfig, split: str, *, hop: int = 1) -> Bars:
    """The windows that `model` sees of one split of `corpus`.

    Raises:
        DataError: the split has no take that is long enough, in the model's meter.
    """
    takes = corpus.select(split=split)
    return Bars.of(windows(takes, bars=model.bars, hop=hop, meter=model.signature))


def to_x(cells: Cells) -> npt.NDArray[np.float32]:
    """Cells as the models take them: hits | velocity | offset, float32 `[B, T, 3V]`."""
    velocity, offset = cells
    hits = (velocity > 0).astype(np.float32)
    return np.concatenate([hits, velocity.astype(np.float32) / 127, offset], axis=-1)


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
