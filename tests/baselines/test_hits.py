"""Hits from the step before, or from nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ghostnote.baselines.hits import METHODS, bigram, marginal, silent, starts, thresholds
from ghostnote.evaluate.takes import Takes
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import to_groove_x

Make = Callable[..., Takes]


@pytest.mark.parametrize("name", METHODS)
def test_a_step_is_expected_from_those_before_it(takes: Make, name: str) -> None:
    predict = METHODS[name](takes())
    windows = takes(4, seed=1, chance=0.2).parts.hits.reshape(-1, 32, N_VOICES)
    found = predict(windows, 16)
    assert found.shape == windows.shape
    assert found.dtype == np.bool_
    for step in (0, 7, 20):
        other = windows.copy()
        other[:, step:] = ~other[:, step:]
        assert np.array_equal(predict(other, 16)[:, : step + 1], found[:, : step + 1])


def test_silence_is_silent(takes: Make) -> None:
    windows = takes(1).parts.hits[None]
    assert not silent(takes())(windows, 16).any()


def test_the_marginal_is_where_a_voice_is_most_often(takes: Make) -> None:
    windows = np.zeros((1, 32, N_VOICES), bool)
    (found,) = marginal(takes(20))(windows, 16)
    bar = np.zeros((16, N_VOICES), bool)
    bar[::8, 0] = bar[4::8, 1] = bar[::2, 2] = True
    assert np.array_equal(found[:, :3], np.tile(bar, (2, 1))[:, :3])


def test_the_bigram_knows_what_follows() -> None:
    """A kick is followed by a snare, and a snare by a kick, wherever in the bar."""
    random = np.random.default_rng(0)
    hits = np.zeros((40, 16, N_VOICES), bool)
    phase = random.random(40) < 0.5
    for step in range(16):
        hits[np.arange(40), step, ((step + phase) % 2).astype(int)] = True
    x = to_groove_x(*[part.reshape(-1, N_VOICES) for part in (hits, 0.5 * hits, 0 * hits)])
    train = Takes(x, np.arange(41) * 16, np.full(40, 120.0), (4, 4))
    found = bigram(train)(hits, 16)
    assert np.array_equal(found[:, 1:], hits[:, 1:])


def test_a_threshold_gives_the_best_f1() -> None:
    random = np.random.default_rng(0)
    share = np.round(random.random((60, 3)), 1)
    hits = random.random((60, 3)) < share
    hits[:, 2] = False

    def f1(voice: int, least: float) -> float:
        called, played = share[:, voice] >= least, hits[:, voice]
        return float(2 * (called & played).sum() / (called.sum() + played.sum()))

    best = thresholds(share, hits)
    for voice in (0, 1):
        wanted = max(f1(voice, least) for least in np.unique(share[:, voice]))
        assert f1(voice, best[voice]) == wanted
    assert best[2] == np.inf


def test_steps_are_counted_in_their_takes(takes: Make) -> None:
    assert starts(takes(2, bars=1)).tolist() == [*range(16), *range(16)]
