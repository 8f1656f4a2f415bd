"""How likely a groove is under a model, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ghostnote.bundle import Bundle
from ghostnote.music.groove import Groove
from ghostnote.music.kit import DEFAULT_MAP, N_VOICES, builtin_map
from ghostnote.music.tensors import folding
from ghostnote.pipeline.latents import encode
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.runtime import FloatArray


class Cell(NamedTuple):
    """One cell of a groove, and how many bits it takes: many are unusual.

    `bar`, `step` (in its bar) and `voice` count from 0.
    """

    bar: int
    step: int
    voice: int
    hit: bool
    bits: float


@dataclass(frozen=True, eq=False)
class Score:
    """What a model makes of a groove of `T` steps, in bits: -log2 of a likelihood.

    The bits of cells are given z, the mean of the posterior. With the rate they are an upper bound
    of what the model needs to tell the groove. A model of the original's kind has squared errors
    for velocity and offset, in all cells: bits up to a constant.

    Attributes:
        groove: the groove.
        hits: `[T, V]`, for whether there is a hit, given what came before it.
        velocity: `[T, V]`, for how hard the hits are; 0 where there is none.
        offset: `[T, V]`, for when the hits are, compared with any time in the step being as likely:
            below 0 where the model knows better. 0 where there is none.
        rate: of each window, what z says of it that a draw of N(0, I) does not.
    """

    groove: Groove
    hits: FloatArray
    velocity: FloatArray
    offset: FloatArray
    rate: tuple[float, ...]

    @property
    def cells(self) -> FloatArray:
        """`[T, V]`, all three together."""
        return self.hits + self.velocity + self.offset

    @property
    def by_bar(self) -> FloatArray:
        """`[bars, 3]`: hits, velocity and offset of each bar."""
        parts = np.stack([self.hits, self.velocity, self.offset])
        return np.asarray(parts.reshape(3, self.groove.bars, -1).sum(-1).T)

    @property
    def by_voice(self) -> FloatArray:
        """`[V]`, bits a bar of each voice."""
        return np.asarray(self.cells.sum(0) / self.groove.bars)

    @property
    def by_step(self) -> FloatArray:
        """`[S]`, bits of each step of a bar, the mean over the bars."""
        return np.asarray(self.cells.sum(1).reshape(self.groove.bars, -1).mean(0))

    @property
    def bits_per_bar(self) -> float:
        """The mean over the bars, without the rate."""
        return float(self.cells.sum(dtype=np.float64)) / self.groove.bars

    def unusual(self, n: int = 5) -> list[Cell]:
        """The `n` cells that take the most bits, the first of equals first."""
        cells, per_bar = self.cells, self.groove.steps_per_bar
        order = np.argsort(-cells.ravel(), kind="stable")[:n]
        found = []
        for index in order.tolist():
            step, voice = divmod(index, cells.shape[1])
            hit = bool(self.groove.hits[step, voice])
            bits = float(cells[step, voice])
            found.append(Cell(step // per_bar, step % per_bar, voice, hit, bits))
        return found


def score(groove: Groove, *, model: Model = DEFAULT, seed: int = 0) -> Score:
    """How likely `groove` is under a model, cell by cell: where it is unusual.

    The model is given z, the mean of the groove's posterior, and at each step the true ones before
    it. A model that knows more classes than the nine voices has those of a voice added up, and
    those that are no voice left out.

    Args:
        groove: in the model's meter, of any length: window by window, the last one filled up with
            silence, which does not count.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.
        seed: of what the model's task hides, where it hides at random.

    Raises:
        GrooveError: `groove` is in another meter.
        BundleError: the bundle cannot be loaded, or has no scorer.
    """
    runtime = runtime_of(model)
    encoded = encode(groove, runtime, seed=seed)
    hits, velocity, offset = (
        _bits(nats.reshape(-1, nats.shape[-1])[: groove.steps], runtime.bundle)
        for nats in runtime.score(encoded.x, encoded.mu, encoded.controls)
    )
    return Score(groove, hits, velocity, offset, encoded.bits)


def _bits(nats: FloatArray, bundle: Bundle) -> FloatArray:
    """Log-likelihoods of classes `[T, V]` as bits of the nine voices."""
    bits = np.asarray(nats / -np.log(2) + 0.0, np.float32)  # no -0.0
    if bundle.voices == N_VOICES:
        return bits
    voice = folding(bundle.drum_map, builtin_map(DEFAULT_MAP))
    return np.asarray(bits @ (voice[:, None] == np.arange(N_VOICES)).astype(np.float32))
