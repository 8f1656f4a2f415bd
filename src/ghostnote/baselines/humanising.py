"""Velocity and timing for hits that are given: what GrooVAE was compared with, and less.

A method is fitted on training takes and then plays the hits of others: ``fit(takes, seed)`` gives
a `Player`. The paper says little of how its own were built, so that ours have to stand for
themselves: see `docs/evaluation.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.baselines.neighbours import bars_seen, nearest
from ghostnote.errors import MissingExtraError
from ghostnote.evaluate.takes import FloatArray, IntArray, Takes
from ghostnote.music.kit import N_VOICES

Player = Callable[[Takes], tuple[FloatArray, FloatArray]]
"""Takes, of which only the hits are looked at → velocity and offset of every cell, `[S, V]` each;
those of silent cells mean nothing."""

CONTEXT: Final = 16
"""Steps before and after a hit that are looked at."""

RIDGE: Final = 10.0
"""The penalty of the linear method, on coefficients of hits (0 or 1)."""

NEIGHBOURS: Final = 20
HIDDEN: Final = 128
EPOCHS: Final = 6
_CHUNK: Final = 16_384
"""Hits whose features are in memory at one time."""

_LATEST: Final = 0.4999


def quantised(train: Takes, seed: int) -> Player:
    """Every hit on the grid, and as loud as hits are on average."""
    del seed
    hits, velocity, _ = train.parts
    loud = float(velocity[hits].mean())

    def play(takes: Takes) -> tuple[FloatArray, FloatArray]:
        shape = (len(takes.x), N_VOICES)
        return np.full(shape, loud, np.float32), np.zeros(shape, np.float32)

    return play


def mean(train: Takes, seed: int) -> Player:
    """Every hit as its voice is played at that step of a bar, on average.

    Where training never has it there, as the voice is played on average.
    """
    del seed
    velocity, offset = (averages(part, train) for part in train.parts[1:])

    def play(takes: Takes) -> tuple[FloatArray, FloatArray]:
        return velocity[takes.place], offset[takes.place]

    return play


def averages(values: npt.NDArray[Any], takes: Takes) -> FloatArray:
    """The mean of `values` `[S, V]` on hits, of each step of a bar and voice: `[bar, V]`."""
    hits = takes.parts.hits
    shape = (takes.bar, N_VOICES)
    count, total = np.zeros(shape), np.zeros(shape)
    np.add.at(count, takes.place, hits)
    np.add.at(total, takes.place, np.where(hits, values, 0))
    everywhere = total.sum() / max(count.sum(), 1)
    of_voice = np.where(count.sum(0) > 0, total.sum(0) / np.maximum(count.sum(0), 1), everywhere)
    return np.where(count > 0, total / np.maximum(count, 1), of_voice).astype(np.float32)


def linear(train: Takes, seed: int) -> Player:
    """Ridge regression on the hits around: one for each voice, velocity and offset."""
    del seed
    try:
        from sklearn.linear_model import Ridge
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "the linear baseline") from None
    fallback = mean(train, 0)
    seen = Seen(train)
    models = {}
    for voice in range(N_VOICES):
        rows = np.flatnonzero(train.parts.hits[:, voice])
        if len(rows) < 2:
            continue
        with threadpool_limits(1):
            model = Ridge(alpha=RIDGE)
            models[voice] = model.fit(seen.around(rows), _targets(train, rows, voice))

    def play(takes: Takes) -> tuple[FloatArray, FloatArray]:
        velocity, offset = (part.copy() for part in fallback(takes))
        around, hits = Seen(takes), takes.parts.hits
        for voice, model in models.items():
            for rows in _chunks(np.flatnonzero(hits[:, voice])):
                played = model.predict(around.around(rows))
                velocity[rows, voice], offset[rows, voice] = played.T
        return _possible(velocity, offset)

    return play


def k_nearest(train: Takes, seed: int) -> Player:
    """The mean of the training bars whose hits are nearest, of those that have the hit at all.

    Where none of them has, as `mean`.
    """
    del seed
    fallback = mean(train, 0)
    hits, velocity, offset = (
        part.reshape(-1, train.bar * N_VOICES).astype(np.float32) for part in train.parts
    )
    known = bars_seen(train.parts.hits, train)

    def play(takes: Takes) -> tuple[FloatArray, FloatArray]:
        near = nearest(bars_seen(takes.parts.hits, takes), known, NEIGHBOURS)
        parts = []
        for values, plain in zip((velocity, offset), fallback(takes), strict=True):
            count, total = np.zeros((2, len(near), hits.shape[1]), np.float32)
            for column in near.T:
                count += hits[column]
                total += (hits * values)[column]
            played = (total / np.maximum(count, 1)).reshape(plain.shape)
            parts.append(np.where(count.reshape(plain.shape) > 0, played, plain))
        return _possible(*parts)

    return play


def mlp(train: Takes, seed: int) -> Player:
    """A network of one hidden layer on the hits around, one for all voices."""
    try:
        from sklearn.neural_network import MLPRegressor
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "the MLP baseline") from None
    random = np.random.default_rng(seed)
    seen, (rows, voices) = Seen(train), np.nonzero(train.parts.hits)
    targets = _targets(train, rows, voices)
    centre, spread = targets.mean(0), np.maximum(targets.std(0), 1e-6)
    model = MLPRegressor(hidden_layer_sizes=(HIDDEN,), batch_size=256, random_state=seed % 2**32)
    with threadpool_limits(1):
        for _ in range(EPOCHS):
            for chosen in _chunks(random.permutation(len(rows))):
                x = seen.around(rows[chosen], voices[chosen])
                model.partial_fit(x, (targets[chosen] - centre) / spread)

    def play(takes: Takes) -> tuple[FloatArray, FloatArray]:
        around, index = Seen(takes), np.nonzero(takes.parts.hits)
        velocity, offset = np.zeros((2, len(takes.x), N_VOICES), np.float32)
        for chosen in _chunks(np.arange(len(index[0]))):
            cell = (index[0][chosen], index[1][chosen])
            played = model.predict(around.around(*cell)) * spread + centre
            velocity[cell], offset[cell] = played.T
        return _possible(velocity, offset)

    return play


METHODS: Final = MappingProxyType(
    {
        "quantised": quantised,
        "mean": mean,
        "linear": linear,
        "k-nearest neighbours": k_nearest,
        "MLP": mlp,
    }
)
"""The methods by name, as the report has them."""


class Seen:
    """What a method sees of a hit: the hits around it, and where in the bar it is."""

    def __init__(self, takes: Takes) -> None:
        hits = takes.parts.hits
        silence = np.zeros((CONTEXT, N_VOICES), bool)
        # Silence between takes, so that none sees another.
        lines = [silence]
        for begin, end in zip(takes.start[:-1], takes.start[1:], strict=True):
            lines += [hits[begin:end], silence]
        self._padded = np.concatenate(lines)
        self._row = np.arange(len(hits)) + CONTEXT * (takes.take + 1)
        self._place = takes.place
        self._bar = takes.bar

    def around(self, rows: IntArray, voices: IntArray | None = None) -> FloatArray:
        """Features `[H, F]` of hits at steps `rows` `[H]`, with their `voices` `[H]` if asked."""
        window = self._row[rows][:, None] + np.arange(-CONTEXT, CONTEXT + 1)
        parts = [
            self._padded[window].reshape(len(rows), -1),
            self._place[rows][:, None] == np.arange(self._bar),
        ]
        if voices is not None:
            parts.append(voices[:, None] == np.arange(N_VOICES))
        return np.concatenate(parts, axis=1).astype(np.float32)


def _targets(takes: Takes, rows: IntArray, voices: IntArray | int) -> FloatArray:
    _, velocity, offset = takes.parts
    return np.stack([velocity[rows, voices], offset[rows, voices]], axis=1)


def _chunks(rows: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _possible(velocity: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    return (
        np.clip(velocity, 1 / 127, 1).astype(np.float32),
        np.clip(offset, -0.5, _LATEST).astype(np.float32),
    )
