"""Samples against played windows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.evaluate.samples import BINS, Ground, sample_estimate
from ghostnote.evaluate.two_sample import features, two_sample_accuracy
from ghostnote.music.groove import Meter, steps_per_bar
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import to_groove_x

Windows = npt.NDArray[np.float32]


def windows(n: int, *, seed: int = 0, bars: int = 2, meter: Meter = (4, 4)) -> Windows:
    random = np.random.default_rng(seed)
    hits = random.random((n, bars * steps_per_bar(meter), N_VOICES)) < 0.2
    velocity, offset = random.random(hits.shape), random.random(hits.shape) - 0.5
    return to_groove_x(hits, hits * np.maximum(velocity, 0.01), hits * offset)


def ground(x: Windows, train: Windows, meter: Meter = (4, 4)) -> Ground:
    def takes(part: Windows) -> npt.NDArray[np.int64]:
        return np.arange(len(part)) // 2

    return Ground(
        x, takes(x), np.arange(len(x)) % 2, np.full(len(x), 120.0), np.full(len(x), "rock"),
        train, takes(train), np.full(len(train), "rock"), meter,
    )  # fmt: skip


def test_a_voice_that_training_never_plays_has_no_ratio() -> None:
    x = np.zeros((8, 32, 27), np.float32)
    x[:, ::4, :2] = 1
    x[:, ::4, 9:11] = 0.5
    train = x.copy()
    train[..., [1, 10]] = 0
    figures = sample_estimate(x, ground(x, train)).values
    assert figures["relative"] == {"hits_per_bar": 2, "kick": 1}
    assert figures["train_density"]["snare"] == 0
    assert figures["duplicates"] == 0.875
    assert figures["empty_bars"] == 0


def test_bars_are_those_of_the_meter() -> None:
    x = np.zeros((6, 24, 27), np.float32)
    x[:, 0, [0, 9]] = 1  # two bars of 3/4, of which the second is empty
    figures = sample_estimate(x, ground(x, x, (3, 4))).values
    assert (figures["hits_per_bar"], figures["empty_bars"]) == (0.5, 0.5)
    assert (figures["copies"], figures["nearest_median"]) == (6, 0)


def test_copies_and_distances_are_to_training_windows() -> None:
    train = windows(20)
    drawn = windows(6, seed=1)
    drawn[:2] = train[[3, 7]]
    drawn[2] = train[4]
    drawn[2, 5, 3] = 1 - drawn[2, 5, 3]
    found = sample_estimate(drawn, ground(windows(8, seed=2), train)).values
    assert (found["copies"], found["judged_for_copies"]) == (2, 6)
    played, ours = (part[..., :9].reshape(len(part), -1) for part in (train, drawn))
    distance = (ours[:, None] != played).sum(-1).min(1)
    assert sorted(distance)[2] == 1
    assert found["nearest_median"] == np.median(distance)


def test_what_is_remembered_may_be_other_windows() -> None:
    train, x = windows(20), windows(8, seed=2)
    x[:3] = train[:3]
    place = ground(x, train)
    found = sample_estimate(train[:10], place, unit=place.train_take[:10], memory=x)
    assert found.values["copies"] == 3
    assert found.values["judged_for_copies"] == 8
    low, high = found.intervals["copies"]
    assert low < 3 < high


def test_the_two_sample_test_is_that_of_the_windows() -> None:
    drawn, x = windows(40, seed=1), windows(30, seed=2)
    place = ground(x, windows(20))
    found = sample_estimate(drawn, place, seed=4)
    for key, expression in (("two_sample_hits", False), ("two_sample_all", True)):
        accuracy = two_sample_accuracy(
            features(drawn, expression=expression), features(x, expression=expression),
            place.take, seed=4,
        )  # fmt: skip
        assert found.values[key] == pytest.approx(accuracy, rel=1e-4)
        low, high = found.intervals[key]
        assert low < accuracy < high


def test_the_same_windows_are_distributed_alike_and_others_are_not() -> None:
    x, train = windows(60, seed=1), windows(60)
    same = sample_estimate(x, ground(x, train)).values["distributions"]
    loud = x.copy()
    loud[..., 9:18] = np.where(loud[..., :9] > 0, 1, 0)
    other = sample_estimate(loud, ground(x, train)).values["distributions"]
    for name in ("velocity", "offset", "density"):
        assert same[name]["js"] == 0
        assert same[name]["overlap"] > 0.95
    for name in ("velocity", "dynamics"):
        assert other[name]["js"] > 0.9
        assert other[name]["overlap"] < 0.1
    assert other["density"] == same["density"]


def test_histograms_are_shares_and_every_level_of_velocity_has_as_much_room() -> None:
    levels = np.zeros((127, 16, 27), np.float32)
    levels[:, 0, 0] = 1
    levels[:, 0, 9] = np.arange(1, 128) / 127
    found: dict[str, Any] = sample_estimate(levels, ground(levels, levels)).values["histograms"]
    drawn = found["velocity"]["drawn"]
    assert len(drawn) == BINS
    assert drawn == pytest.approx([3 / 127, *[4 / 127] * 31], rel=1e-5)
    assert found["velocity"]["real"] == drawn
    assert len(found["offset"]["edges"]) == BINS + 1


def test_hits_alone_are_judged_without_expression() -> None:
    x = windows(20, seed=1)
    found = sample_estimate(x, ground(x, windows(20)), expressive=False).values
    assert "two_sample_all" not in found
    assert "velocity" not in found["distributions"]
    assert "velocity" not in found["histograms"]


def test_windows_of_a_take_are_drawn_together() -> None:
    """As units, twenty copies of ten windows say less than two hundred windows."""
    few = np.repeat(windows(10, seed=1), 20, axis=0)
    place = dataclasses.replace(ground(windows(40, seed=2), windows(20)))
    together = sample_estimate(few, place, unit=np.repeat(np.arange(10), 20))
    apart = sample_estimate(few, place)
    widths = [np.ptp(each.intervals["hits_per_bar"]) for each in (together, apart)]
    assert widths[0] > 3 * widths[1]
