"""Voices that are missing, written without a model; and the bars that are nearest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from ghostnote.baselines.neighbours import bars_seen, nearest
from ghostnote.baselines.writing import METHODS, Asks, taps, without
from ghostnote.evaluate.metrics import Confusion
from ghostnote.evaluate.takes import Takes
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import to_groove_x

Make = Callable[..., Takes]
RIDDLES: dict[str, Asks] = {"tap": taps, "hat": without(2)}


def with_hits(takes: Takes, hits: np.ndarray) -> Takes:  # type: ignore[type-arg]
    return dataclasses.replace(takes, x=to_groove_x(hits, 0.5 * hits, 0.0 * hits))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("riddle", RIDDLES)
def test_only_what_is_seen_is_looked_at(takes: Make, name: str, riddle: str) -> None:
    train, test = takes(8), takes(3, seed=1)
    write = METHODS[name](train, RIDDLES[riddle])
    hits = test.parts.hits.copy()
    if riddle == "tap":  # which voice plays a step is not seen
        hits = np.roll(hits, 1, axis=1)
    else:
        hits[:, 2] = ~hits[:, 2]
    for told, untold in zip(write(test), write(with_hits(test, hits)), strict=True):
        assert np.array_equal(told, untold)


@pytest.mark.parametrize("name", ["marginal", "nearest neighbour"])
@pytest.mark.parametrize("riddle", RIDDLES)
def test_what_is_usual_is_written(takes: Make, name: str, riddle: str) -> None:
    train, test = takes(20, chance=0.02), takes(6, seed=1, chance=0.02)
    written = METHODS[name](train, RIDDLES[riddle])(test)
    hits = test.parts.hits
    assert Confusion.of(written.hits[:, 2:3], hits[:, 2:3]).f1() > 0.8
    found = written.hits & hits
    assert (written.velocity[found] > 0).all()


def test_taps_are_answered_where_there_are_any(takes: Make) -> None:
    train, test = takes(8), takes(3, seed=1)
    for name, fit in METHODS.items():
        hits = fit(train, taps)(test).hits
        assert not (hits & ~test.parts.hits.any(1, keepdims=True)).any(), name


def test_silence_writes_nothing(takes: Make) -> None:
    written = METHODS["silent"](takes(2), taps)(takes(2))
    assert not any(part.any() for part in written)


def test_the_nearest_are_the_nearest_first_and_the_first_of_equals() -> None:
    random = np.random.default_rng(0)
    queries, known = (random.integers(0, 2, (n, 12)).astype(np.float32) for n in (150, 40))
    distance = np.square(queries[:, None] - known).sum(-1)
    order = distance.argsort(1, kind="stable")
    assert np.array_equal(nearest(queries, known, 1), order[:, :1])
    assert np.array_equal(nearest(queries, known, 7), order[:, :7])
    assert nearest(queries, known[:3], 7).shape == (150, 3)


def test_a_bar_is_seen_with_its_neighbours(takes: Make) -> None:
    three = takes(2, bars=3)
    hits = three.parts.hits
    seen = bars_seen(hits, three)
    bars = hits.reshape(6, -1)
    nothing = np.zeros_like(bars[0])
    before = [nothing, bars[0], bars[1], nothing, bars[3], bars[4]]
    after = [bars[1], bars[2], nothing, bars[4], bars[5], nothing]
    for row in range(6):
        wanted = np.concatenate([2 * bars[row], before[row], after[row]])
        assert np.array_equal(seen[row], wanted)
    assert seen.shape == (6, 3 * 16 * N_VOICES)
