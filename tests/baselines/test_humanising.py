"""Methods that humanise: what they look at, and what they make of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from ghostnote.baselines.humanising import CONTEXT, METHODS, Seen, averages, mean, quantised
from ghostnote.evaluate.takes import Takes
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import to_groove_x

Make = Callable[..., Takes]


def errors(name: str, train: Takes, test: Takes) -> tuple[float, float]:
    velocity, offset = METHODS[name](train, 0)(test)
    hits, loud, late = test.parts
    return (
        float(np.abs(velocity - loud)[hits].mean()),
        float(np.abs(offset - late)[hits].mean()),
    )


@pytest.mark.parametrize("name", METHODS)
def test_only_the_hits_are_looked_at(takes: Make, name: str) -> None:
    train, test = takes(8), takes(4, seed=1)
    hits, velocity, offset = test.parts
    bare = dataclasses.replace(test, x=to_groove_x(hits, 0 * velocity, 0 * offset))
    play = METHODS[name](train, 0)
    for told, untold in zip(play(test), play(bare), strict=True):
        assert np.array_equal(told[hits], untold[hits])


@pytest.mark.parametrize("name", METHODS)
def test_what_is_played_can_be_played(takes: Make, name: str) -> None:
    test = takes(3, seed=1)
    velocity, offset = METHODS[name](takes(6), 0)(test)
    assert velocity.shape == offset.shape == test.parts.hits.shape
    hits = test.parts.hits
    assert ((velocity[hits] > 0) & (velocity[hits] <= 1)).all()
    assert ((offset[hits] >= -0.5) & (offset[hits] < 0.5)).all()


@pytest.mark.parametrize("name", METHODS)
def test_the_seed_decides(takes: Make, name: str) -> None:
    train, test = takes(4), takes(2, seed=1)
    first, again = (METHODS[name](train, 3)(test) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize("name", ["linear", "MLP"])
def test_a_rule_about_the_hits_around_is_learned(takes: Make, name: str) -> None:
    train, test = takes(40, chance=0.2), takes(10, seed=1, chance=0.2)
    plain = errors("mean", train, test)
    found = errors(name, train, test)
    assert found[0] < 0.6 * plain[0]
    assert found[1] < 0.6 * plain[1]


def test_neighbours_play_what_they_have_heard(takes: Make) -> None:
    train = takes(3, chance=0.0)
    # Bars of one kind at three tempos: each is near to all of them, its own among them.
    found, plain = errors("k-nearest neighbours", train, train), errors("mean", train, train)
    assert found == pytest.approx(plain, abs=0.01)
    one = takes(1, seed=5, chance=0.3)
    assert errors("k-nearest neighbours", one, one)[1] < errors("quantised", one, one)[1]


def test_quantised_is_on_the_grid_and_even(takes: Make) -> None:
    train = takes()
    velocity, offset = quantised(train, 0)(takes(2, seed=1))
    assert not offset.any()
    hits, loud, _ = train.parts
    assert velocity == pytest.approx(np.full_like(velocity, loud[hits].mean()))


def test_the_mean_is_that_of_place_and_voice(takes: Make) -> None:
    train = takes()
    hits, velocity, offset = train.parts
    loud, late = mean(train, 0)(train)
    here = hits & (train.place == 4)[:, None]
    assert loud[here[:, 1], 1] == pytest.approx(velocity[here[:, 1], 1].mean())
    assert late[here[:, 1], 1] == pytest.approx(offset[here[:, 1], 1].mean())


def test_where_there_is_nothing_to_average_more_is_averaged(takes: Make) -> None:
    train = takes(chance=0.0)
    found = averages(train.parts.velocity, train)
    hits, velocity, _ = train.parts
    assert found[3, 0] == pytest.approx(velocity[hits[:, 0], 0].mean())  # the kick, elsewhere
    assert found[:, 8] == pytest.approx(np.full(16, velocity[hits].mean()))  # no ride at all


def test_what_is_seen_ends_with_the_take(takes: Make) -> None:
    two = takes(2, bars=1)
    seen = Seen(two)
    width = (2 * CONTEXT + 1) * N_VOICES
    for row in (0, 5, 15, 16, 31):
        (found,) = seen.around(np.array([row]), np.array([7]))
        window = found[:width].reshape(-1, N_VOICES)
        for shift in range(-CONTEXT, CONTEXT + 1):
            other = row + shift
            inside = 0 <= other < 32 and other // 16 == row // 16
            wanted = two.parts.hits[other] if inside else np.zeros(N_VOICES)
            assert np.array_equal(window[shift + CONTEXT], wanted)
        place, voice = found[width : width + 16], found[width + 16 :]
        assert place.tolist() == (np.arange(16) == row % 16).tolist()
        assert voice.argmax() == 7
