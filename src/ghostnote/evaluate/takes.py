"""Whole takes as arrays: what tasks are judged on, each hit once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.data.corpus import Corpus
from ghostnote.errors import DataError
from ghostnote.music.groove import Groove, Meter, steps_per_bar
from ghostnote.music.tensors import Parts, from_groove_x, to_groove_x

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Takes:
    """`N` takes of one meter, one after another: `S` steps in all.

    Attributes:
        x: `[S, 3V]`, hits | velocity | offset.
        start: `[N + 1]`, the first step of each take, and the end.
        bpm: `[N]`.
        meter: of all of them.
        left_out: how many takes of the split are in another meter.
    """

    x: FloatArray
    start: IntArray
    bpm: npt.NDArray[np.float64]
    meter: Meter
    left_out: int = 0

    def __len__(self) -> int:
        """`N`."""
        return len(self.bpm)

    @property
    def bar(self) -> int:
        """Steps in a bar."""
        return steps_per_bar(self.meter)

    @property
    def parts(self) -> Parts:
        """Hits (bool), velocity and offset, each `[S, V]`."""
        hits, velocity, offset = from_groove_x(self.x)
        return Parts(hits > 0.5, velocity, offset)

    @property
    def take(self) -> IntArray:
        """`[S]`, the take of each step."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @property
    def place(self) -> IntArray:
        """`[S]`, the step of its bar that each step is."""
        return np.arange(len(self.x)) % self.bar  # takes are whole bars

    @property
    def ms_per_step(self) -> npt.NDArray[np.float64]:
        """`[S]`, at the tempo of the take."""
        return (15_000 / self.bpm)[self.take]

    def grooves(self) -> list[Groove]:
        """The takes as grooves."""
        hits, velocity, offset = self.parts
        return [
            Groove(hits[cut], velocity[cut], offset[cut], float(bpm), self.meter)
            for bpm, *ends in zip(self.bpm, self.start[:-1], self.start[1:], strict=True)
            for cut in [slice(*ends)]
        ]


def takes_of(corpus: Corpus, split: str, meter: Meter = (4, 4)) -> Takes:
    """All takes of a split that are in `meter`.

    Raises:
        DataError: there is none.
    """
    part = corpus.select(split=split)
    chosen = np.flatnonzero(part.in_meter(meter))
    if not len(chosen):
        raise DataError(
            f"no take of the {split} split is in {meter[0]}/{meter[1]}",
            source=corpus.name,
            remedy="choose another split, or a model of another meter",
        )
    velocity, offset, first = part.cells(chosen)
    length = part.bars[chosen] * steps_per_bar(meter)
    start = np.concatenate([[0], np.cumsum(length)])
    rows = np.arange(start[-1]) + np.repeat(first - start[:-1], length)
    loud = velocity[rows]
    return Takes(
        to_groove_x(loud > 0, loud.astype(np.float32) / 127, offset[rows]),
        start,
        part.numbers("bpm")[chosen],
        meter,
        len(part) - len(chosen),
    )


def joined(grooves: list[Groove]) -> FloatArray:
    """Grooves one after another as `Takes.x` has them, `[S, 3V]`."""
    return np.concatenate([to_groove_x(each.hits, each.velocity, each.offset) for each in grooves])
