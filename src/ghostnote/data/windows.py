"""Windows of whole bars over the takes of a corpus: what a model learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ghostnote.data.corpus import Corpus
from ghostnote.errors import DataError
from ghostnote.music.groove import Groove, Meter, steps_per_bar

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Windows:
    """`N` windows of `T` steps, each inside one take of `corpus`, in the order of the takes.

    Attributes:
        corpus: where they come from; `take` counts its takes.
        bars, hop: the length of a window and the distance between two, in bars.
        meter: the meter of all of them.
        take: `[N]` int64, the take of each window.
        start_bar: `[N]` int64, the bar of its take at which it begins.
        other_meter: how many takes give no window because they are in another meter.
        too_short: how many, of those in `meter`, because they have fewer than `bars` bars.
    """

    corpus: Corpus
    bars: int
    hop: int
    meter: Meter
    take: IntArray
    start_bar: IntArray
    other_meter: int
    too_short: int

    def __len__(self) -> int:
        """`N`."""
        return len(self.take)

    def __repr__(self) -> str:
        return (
            f"Windows({len(self):,} of {self.bars} bars in {self.meter[0]}/{self.meter[1]}, "
            f"hop {self.hop}, from {len(self.corpus):,} takes)"
        )

    @property
    def steps(self) -> int:
        """`T`."""
        return self.bars * steps_per_bar(self.meter)

    @property
    def bpm(self) -> npt.NDArray[np.float64]:
        """`[N]`, the tempo of each window."""
        return self.corpus.numbers("bpm")[self.take]

    def batch(
        self, indices: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """The cells of `B` windows, gathered at once out of the memory map.

        Returns:
            velocity: `[B, T, V]` uint8, 1 to 127 where there is a hit and 0 elsewhere.
            offset: `[B, T, V]` float32 in steps, in [-0.5, 0.5), positive is late; 0 elsewhere.
        """
        chosen = np.asarray(indices, np.int64).reshape(-1)
        take = self.take[chosen]
        velocity, offset, start = self.corpus.cells(take)
        start = start + self.start_bar[chosen] * steps_per_bar(self.meter)
        return _gather(velocity, start, self.steps), _gather(offset, start, self.steps)

    def bar_table(
        self,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], IntArray, IntArray]:
        """The takes that the windows lie in, cut into single bars of `S` steps, each bar once.

        Returns:
            velocity: `[M, S, V]` uint8, and offset: `[M, S, V]` float32, as `batch` gives them.
            first: `[N]`, the bar at which each window begins.
            span: `[N, 2]`, the first bar and the number of bars of the take of each window.
        """
        takes, place = np.unique(self.take, return_inverse=True)
        count = self.corpus.bars[takes]
        begin = np.cumsum(count) - count
        velocity, offset, start = self.corpus.cells(takes)
        per_bar = steps_per_bar(self.meter)
        bar = np.arange(count.sum()) - np.repeat(begin, count)
        rows = np.repeat(start, count) + bar * per_bar
        span = np.stack([begin, count], axis=1)[place]
        return (
            _gather(velocity, rows, per_bar),
            _gather(offset, rows, per_bar),
            span[:, 0] + self.start_bar,
            span,
        )

    def groove(self, index: int) -> Groove:
        """One window as a groove, at the tempo of its take."""
        start = int(self.start_bar[index])
        return self.corpus.groove(int(self.take[index]))[start : start + self.bars]


def windows(corpus: Corpus, *, bars: int = 4, hop: int = 1, meter: Meter = (4, 4)) -> Windows:
    """All windows of `bars` bars, one every `hop` bars, over each take in `meter`.

    A window never reaches past the end of its take, so that none mixes takes or splits.

    Raises:
        DataError: `bars` or `hop` is less than 1, or no take is long enough.
    """
    if bars < 1 or hop < 1:
        raise DataError(f"windows of {bars} bars every {hop} bars", remedy="both are 1 or more")
    in_meter = corpus.in_meter(meter)
    room = corpus.bars - bars + 1
    count = np.where(in_meter & (room > 0), -(-room // hop), 0)
    if not count.any():
        raise DataError(
            f"no take has {bars} bars of {meter[0]}/{meter[1]}",
            source=corpus.name,
            remedy="choose fewer bars, another meter, or takes that are longer",
        )
    first = np.cumsum(count) - count
    take = np.repeat(np.arange(len(corpus)), count)
    return Windows(
        corpus=corpus,
        bars=bars,
        hop=hop,
        meter=meter,
        take=take,
        start_bar=(np.arange(len(take)) - first[take]) * hop,
        other_meter=int((~in_meter).sum()),
        too_short=int((in_meter & (room <= 0)).sum()),
    )


def _gather(cells: npt.NDArray[Any], start: IntArray, steps: int) -> npt.NDArray[Any]:
    """`[B, steps, V]` out of `[S, V]`: the `steps` rows from each of `start` on."""
    # One index per window into overlapping runs copies whole runs, not single rows.
    voices: int = cells.shape[1]
    runs = np.lib.stride_tricks.sliding_window_view(cells.reshape(-1), steps * voices)
    return np.asarray(runs[start * voices].reshape(-1, steps, voices))
