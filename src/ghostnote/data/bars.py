"""Windows as arrays in memory, bar by bar: what training and evaluation read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.data.augment import Cells
from ghostnote.data.windows import Windows
from ghostnote.music.tensors import to_groove_x


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
        return cls(*windows.bar_table(), windows.bars)

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


def to_x(cells: Cells) -> npt.NDArray[np.float32]:
    """Cells as the models take them: hits | velocity | offset, float32 `[B, T, 3V]`."""
    velocity, offset = cells
    return to_groove_x(velocity > 0, velocity.astype(np.float32) / 127, offset)
