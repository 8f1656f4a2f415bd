"""The latent space, on models whose answers are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.evaluate.samples import Ground
from ghostnote.evaluate.space import PAIRS, space_estimate
from ghostnote.music.kit import N_VOICES

Array = npt.NDArray[np.float32]
STEPS, Z = 16, 4


def windows(z: Array) -> Array:
    """A model's answer: as many kicks as z has of length, and a snare where it points up."""
    x = np.zeros((len(z), STEPS, 3 * N_VOICES), np.float32)
    length = np.rint(np.linalg.norm(z, axis=1)).astype(int)
    x[..., 0] = np.arange(STEPS) < length[:, None]
    x[..., 1] = (z[:, :1] > 0) * np.ones(STEPS)
    x[..., N_VOICES : N_VOICES + 2] = 0.5 * x[..., :2]
    return x


@pytest.fixture(scope="module")
def mu() -> Array:
    random = np.random.default_rng(0)
    z = random.normal(size=(80, Z)).astype(np.float32)
    z *= random.integers(1, 15, (80, 1)) / np.linalg.norm(z, axis=1, keepdims=True)
    z[:, 3] = 0.05 * np.sign(z[:, 3])  # varies by 0.0025
    return z


def ground(mu: Array) -> Ground:
    x = windows(mu)
    style = np.where(mu[:, 0] > 0, "rock", "jazz")
    take, start = np.arange(80) // 4, np.arange(80) % 4
    return Ground(x, take, start, np.full(80, 120.0), style, x, take, style, (4, 4))


def test_dimensions_that_vary_are_active(mu: Array) -> None:
    found = space_estimate(mu, ground(mu), lambda _: mu, windows)
    assert (found.values["active"], found.values["dimensions"]) == (3, 4)
    assert found.intervals["active"] == [3, 3]


def test_the_way_begins_at_one_end_and_leads_to_the_other(mu: Array) -> None:
    found = space_estimate(mu, ground(mu), lambda _: mu, windows)
    between = found.values["interpolation"]
    assert between["pairs"] == PAIRS
    assert between["ends_f1"] == 1  # which this model gives back to the hit
    start, end = between["from_start"], between["to_end"]
    assert list(start) == ["0", *(f"{k / 10:g}" for k in range(1, 10)), "1"]
    assert start["0"] == end["1"] == 0
    assert start["1"] == end["0"] > 0
    assert all(a <= b + 1e-9 for a, b in pairwise(start.values()))
    assert between["step"] <= between["jump"] <= start["1"]
    low, high = found.intervals["interpolation"]["from_start"]["0.5"]
    assert low <= start["0.5"] <= high


def test_neighbours_are_bars_that_follow(mu: Array) -> None:
    place = ground(mu)
    found = space_estimate(mu, place, lambda _: mu, windows).values["interpolation"]
    hits = place.x[..., :N_VOICES].reshape(80, -1)
    apart = [(hits[row] != hits[row + 1]).sum() for row in range(79) if (row + 1) % 4]
    assert found["neighbours"] == pytest.approx(np.mean(apart), rel=1e-5)


def test_a_probe_finds_what_lies_on_a_line_and_no_more(mu: Array) -> None:
    found = space_estimate(mu, ground(mu), lambda _: mu, windows).values["probe"]
    assert found["accuracy"] > 0.9
    assert found["usual"] < 0.65
    noise = np.random.default_rng(1).normal(size=mu.shape).astype(np.float32)
    blind = space_estimate(noise, ground(mu), lambda _: noise[::-1], windows).values["probe"]
    assert blind["accuracy"] < 0.7


def test_one_style_has_no_probe(mu: Array) -> None:
    place = ground(mu)
    same = np.full(80, "rock")
    alone = Ground(*(getattr(place, name) for name in ("x", "take", "start", "bpm")), same,
                   place.train, place.train_take, same, (4, 4))  # fmt: skip
    assert space_estimate(mu, alone, lambda _: mu, windows).values["probe"] == {}
