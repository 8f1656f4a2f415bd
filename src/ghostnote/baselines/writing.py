"""Voices that are missing: a kit for taps, or one voice for all the others, without a model.

A method is fitted on training takes for a `Riddle`, which says what can be seen of them, and then
writes what cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.baselines.hits import thresholds
from ghostnote.baselines.humanising import averages
from ghostnote.baselines.neighbours import bars_seen, nearest
from ghostnote.evaluate.takes import Takes
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import Parts


@dataclass(frozen=True)
class Riddle:
    """What is seen of takes, and what is asked.

    Attributes:
        seen: the hits that are seen, `[S, C]` of 0 and 1.
        possible: where a hit can be at all, bool `[S, 1]` or `[S, V]`.
    """

    seen: npt.NDArray[Any]
    possible: npt.NDArray[np.bool_]


Asks = Callable[[Takes], Riddle]
Writer = Callable[[Takes], Parts]
"""Takes, of which only the riddle is looked at → hits, velocity and offset of all voices, `[S, V]`
each; those that were seen mean nothing."""


def taps(takes: Takes) -> Riddle:
    """The steps that are hit at all, and nothing else."""
    tapped = np.asarray(takes.parts.hits.any(1, keepdims=True))
    return Riddle(tapped, tapped)


def without(voice: int) -> Asks:
    """All voices but one."""

    def asks(takes: Takes) -> Riddle:
        hits = takes.parts.hits
        return Riddle(np.delete(hits, voice, axis=1), np.ones((len(hits), 1), bool))

    return asks


def silent(train: Takes, asks: Asks) -> Writer:
    """Nothing is written."""
    del train, asks

    def write(takes: Takes) -> Parts:
        shape = (len(takes.x), N_VOICES)
        nothing = np.zeros(shape, np.float32)
        return Parts(np.zeros(shape, bool), nothing, nothing)

    return write


def marginal(train: Takes, asks: Asks) -> Writer:
    """Each voice on the steps of a bar where it is hit most often, of those where it can be.

    How often is often enough is, for each voice, what gives the best F1 on the training takes. They
    are as loud and as late as they are there on average.
    """
    hits, velocity, offset = train.parts
    possible = np.broadcast_to(asks(train).possible, hits.shape)
    count, total = np.zeros((2, train.bar, N_VOICES))
    np.add.at(count, train.place, possible)
    np.add.at(total, train.place, hits & possible)
    shares = total / np.maximum(count, 1)
    expected = shares >= thresholds(np.where(possible, shares[train.place], -1), hits)
    loud, late = (averages(part, train) for part in (velocity, offset))

    def write(takes: Takes) -> Parts:
        written = expected[takes.place] & asks(takes).possible
        return Parts(written, loud[takes.place], late[takes.place])

    return write


def nearest_bar(train: Takes, asks: Asks) -> Writer:
    """Each bar as that of the training bar whose visible part is nearest, with its neighbours'."""
    known = bars_seen(asks(train).seen, train)
    parts = [part.reshape(len(known), train.bar, N_VOICES) for part in train.parts]

    def write(takes: Takes) -> Parts:
        riddle = asks(takes)
        near = nearest(bars_seen(riddle.seen, takes), known, 1)[:, 0]
        hits, velocity, offset = (part[near].reshape(-1, N_VOICES) for part in parts)
        return Parts(hits & riddle.possible, velocity, offset)

    return write


METHODS: Final = MappingProxyType(
    {"silent": silent, "marginal": marginal, "nearest neighbour": nearest_bar}
)
"""The methods by name, as the report has them."""
