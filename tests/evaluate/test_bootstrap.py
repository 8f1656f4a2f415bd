"""Intervals: what resampling takes says of a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghostnote.evaluate.bootstrap import Sums, by_name, estimate, number, summed


def mean(sums: Sums) -> dict[str, Any]:
    return {"mean": sums["total"] / sums["n"], "deep": {"twice": 2 * sums["total"] / sums["n"]}}


def group(values: np.ndarray[Any, np.dtype[np.float64]]) -> Sums:
    return {"total": values, "n": np.ones(len(values))}


def test_a_figure_is_that_of_all_units_and_its_interval_that_of_their_spread() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = estimate([group(values)], mean, resamples=4000)
    assert found.values["mean"] == pytest.approx(values.mean(), rel=1e-5)
    assert found.values["deep"]["twice"] == pytest.approx(2 * values.mean(), rel=1e-5)
    half = 1.96 * values.std() / np.sqrt(400)
    low, high = found.intervals["mean"]
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for trial in range(200):
        found = estimate([group(random.normal(0, 1, 60))], mean, seed=trial, resamples=300)
        low, high = found.intervals["mean"]
        inside += low <= 0 <= high
    assert 0.88 <= inside / 200 <= 0.99


def test_units_are_drawn_whole() -> None:
    """Hits of a take that are all alike say no more than one: not so if each were drawn alone."""
    takes = np.random.default_rng(0).normal(0, 1, 20)
    hits, take = np.repeat(takes, 50), np.repeat(np.arange(20), 50)
    whole = {"total": summed(hits, take, 20), "n": summed(np.ones(1000), take, 20)}
    widths = [np.ptp(estimate([each], mean).intervals["mean"]) for each in (whole, group(hits))]
    assert widths[0] == pytest.approx(np.sqrt(50) * widths[1], rel=0.15)


def test_groups_are_drawn_apart() -> None:
    one, other = np.random.default_rng(0).normal(0, 1, (2, 100))
    groups = [{"a": one, "n": np.ones(100)}, {"b": other, "m": np.ones(100)}]

    def apart(sums: Sums) -> dict[str, Any]:
        return {"apart": sums["a"] / sums["n"] - sums["b"] / sums["m"]}

    low, high = estimate(groups, apart, resamples=4000).intervals["apart"]
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt((one.var() + other.var()) / 100), rel=0.1)


def test_the_seed_decides() -> None:
    values = np.random.default_rng(0).normal(0, 1, 30)
    first, again, other = (estimate([group(values)], mean, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.values == other.values
    assert first.intervals != other.intervals


def test_what_means_nothing_is_none() -> None:
    sums = group(np.ones(5))

    def figures(total: Sums) -> dict[str, Any]:
        n = total["n"]
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"nothing": 0 * n / 0, "endless": n / 0}

    found = estimate([sums], figures)
    assert found.values == {"nothing": None, "endless": None}
    assert found.intervals == {"nothing": None, "endless": None}


def test_sums_are_those_of_each_unit() -> None:
    random = np.random.default_rng(0)
    values, unit = random.normal(size=(30, 2, 3)), random.integers(0, 4, 30)
    wanted = [values[unit == each].sum(0) for each in range(5)]
    assert summed(values, unit, 5) == pytest.approx(np.array(wanted))
    assert summed(np.zeros((0, 2)), np.zeros(0, int), 3).tolist() == [[0, 0]] * 3


def test_numbers_are_plain() -> None:
    assert number(1 / 3) == 0.333333
    assert (number(7.0), type(number(7.0))) == (7, int)
    assert number(np.float64(1e300)) == 1e300
    assert number(np.nan) is None
    assert number(-np.inf) is None
    named = by_name(np.arange(6.0).reshape(2, 3), ["a", "b", "c"])
    assert named["b"].tolist() == [1, 4]
