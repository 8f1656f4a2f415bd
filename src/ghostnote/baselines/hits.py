"""Hits from the step before, or from nothing: what a model's hits are compared with.

A method is fitted on training takes. Like a model that is given the true steps before each, it
then says for each step which voices are hit.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.evaluate.takes import IntArray, Takes
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import to_labels

Hits = npt.NDArray[np.bool_]
Predictor = Callable[[Hits, int], Hits]
"""True hits `[N, T, V]` of windows that begin with a bar, and the steps of a bar → which hits are
expected, each step from those before it alone: the same shape."""

_SETS: Final = 2**N_VOICES
_SILENCE: Final = 0


def silent(train: Takes) -> Predictor:
    """No hit, ever."""
    del train
    return lambda hits, bar: np.zeros_like(hits)


def marginal(train: Takes) -> Predictor:
    """Each voice on the steps of a bar where it is hit most often.

    How often is often enough is, for each voice, what gives the best F1 on the training takes.
    """
    hits = train.parts.hits
    shares = hits.reshape(-1, train.bar, N_VOICES).mean(0)
    expected = shares >= thresholds(shares[train.place], hits)

    def predict(windows: Hits, bar: int) -> Hits:
        del bar
        steps = np.arange(windows.shape[1]) % len(expected)
        return np.broadcast_to(expected[steps], windows.shape)

    return predict


def bigram(train: Takes) -> Predictor:
    """Each voice where it is often hit after the set of voices of the step before, at that step of
    a bar; before the first step there is silence.

    A set that training never has there counts as any set. How often is often enough is, for each
    voice, what gives the best F1 on the training takes.
    """
    hits = train.parts.hits
    before = np.roll(to_labels(hits), 1)
    before[train.start[:-1]] = _SILENCE
    count, total = np.zeros((train.bar, _SETS)), np.zeros((train.bar, _SETS, N_VOICES))
    np.add.at(count, (train.place, before), 1)
    np.add.at(total, (train.place, before), hits)
    anywhere = total.sum(1, keepdims=True) / count.sum(1)[:, None, None]
    shares = np.where(count[..., None] > 0, total / np.maximum(count, 1)[..., None], anywhere)
    expected = shares >= thresholds(shares[train.place, before], hits)

    def predict(windows: Hits, bar: int) -> Hits:
        labels = to_labels(windows)
        last = np.concatenate([np.full_like(labels[:, :1], _SILENCE), labels[:, :-1]], axis=1)
        return np.asarray(expected[np.arange(windows.shape[1]) % bar, last])

    return predict


METHODS: Final = MappingProxyType({"silent": silent, "marginal": marginal, "bigram": bigram})
"""The methods by name, as the report has them."""


def thresholds(share: npt.NDArray[Any], hits: Hits) -> npt.NDArray[np.float64]:
    """From which `share` `[S, V]` on each voice of `hits` `[S, V]` is best called hit: `[V]`.

    Best is the highest F1. Infinite for a voice that is never hit.
    """
    best = np.full(hits.shape[-1], np.inf)
    for voice in range(hits.shape[-1]):
        value, place = np.unique(share[:, voice], return_inverse=True)
        played = np.bincount(place, hits[:, voice], len(value))[::-1].cumsum()[::-1]
        called = np.bincount(place, minlength=len(value))[::-1].cumsum()[::-1]
        wanted = played[0] if len(played) else 0
        if wanted:
            best[voice] = value[(2 * played / (called + wanted)).argmax()]
    return best


def starts(train: Takes) -> IntArray:
    """`[S]`, how many steps of its take come before each step."""
    return np.arange(len(train.x)) - train.start[train.take]
