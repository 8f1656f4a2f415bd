"""Interpolation in latent space and in data space: the judges and the ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.interpolation_spaces import (
    StepModel,
    cells_mixed,
    pairs,
    steps_mixed,
    symbols_of,
    ways,
)
from ghostnote.bundle import Bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.runtime import Runtime

SYMBOLS = np.random.default_rng(0).integers(0, 8, (20, 16))


@pytest.mark.parametrize("history", [[0, 0], [3, 1], [7, 99]])
def test_probabilities_after_any_history_sum_to_one(history: list[int]) -> None:
    model = StepModel(3, 8).fit(SYMBOLS)
    chances = [model._p(history, symbol) for symbol in range(8)]
    assert sum(chances) == pytest.approx(1)
    assert min(chances) > 0


def test_what_was_seen_is_more_likely_than_what_was_not() -> None:
    beat = np.tile([1, 0, 2, 0], (10, 4))
    model = StepModel(3, 8).fit(beat)
    shuffled = np.random.default_rng(1).permuted(beat, axis=1)
    assert model.nats(beat).max() < 0.2 < model.nats(shuffled).min()


def test_an_untaught_model_finds_all_steps_equally_likely() -> None:
    assert StepModel(4, 8).nats(SYMBOLS) == pytest.approx(np.log(8))


def test_a_model_of_order_one_counts() -> None:
    model = StepModel(1, 4).fit(np.array([[1, 1, 1, 2]]))
    # Two kinds among four: half of what is left to chance is new (Witten and Bell).
    assert model._p([], 1) == pytest.approx((3 + 2 * 0.25) / (4 + 2))
    assert model._p([], 3) == pytest.approx((0 + 2 * 0.25) / (4 + 2))


def test_a_set_of_hits_has_a_number() -> None:
    hits = np.array([[False] * 9, [True] + [False] * 8, [True] * 9])
    assert symbols_of(hits).tolist() == [0, 1, 511]


@pytest.mark.parametrize("mix", [steps_mixed, cells_mixed])
def test_mixtures_go_from_one_end_to_the_other_and_never_back(mix: object) -> None:
    assert callable(mix)
    a, b = np.zeros((3, 16, 27), np.float32), np.ones((3, 16, 27), np.float32)
    points = [mix(a, b, t, np.random.default_rng(0)) for t in np.linspace(0, 1, 9)]
    np.testing.assert_array_equal(points[0], a)
    np.testing.assert_array_equal(points[-1], b)
    assert all((after >= before).all() for before, after in pairwise(points))
    assert points[4].mean() == pytest.approx(0.5, abs=0.15)
    hits, velocity, offset = np.split(points[4], 3, axis=-1)
    np.testing.assert_array_equal(hits, velocity)
    np.testing.assert_array_equal(hits, offset)
    of_a_step = hits.mean(-1)
    assert set(np.unique(of_a_step)) == {0, 1} if mix is steps_mixed else of_a_step.std() > 0


def test_ways_begin_and_end_where_they_should(tiny_bundle: Bundle) -> None:
    runtime = Runtime(tiny_bundle)
    random = np.random.default_rng(0)
    hits = random.random((2, 3, 32, 9)) < 0.3
    x = np.concatenate([hits, hits * 0.5, hits * 0.1], -1, dtype=np.float32)
    found = ways(runtime, x[0], x[1], [0.0, 0.5, 1.0], 0)
    assert len(found) == 6
    for name, way in found.items():
        assert way.shape == (3, 3, 32, 27)
        ends = x if name.endswith("of the windows") else found["latent, sphere"][[0, 2]]
        np.testing.assert_array_equal(way[[0, 2]], ends)


def test_pairs_are_of_two_takes_in_groups_that_share_none(drumming: Path) -> None:
    split = windows(load_corpus(drumming).select(split="train"), bars=2)
    ends, group = pairs(split, 50, np.random.default_rng(0))
    assert ends.shape == (50, 2)
    takes = split.take[ends]
    assert (takes[:, 0] != takes[:, 1]).all()
    assert len(np.unique(group)) > 1
    for one in np.unique(group):
        assert not set(takes[group == one].flat) & set(takes[group != one].flat)


@pytest.mark.slow
def test_the_command(benchmark: Callable[..., Any], tiny_bundle: Bundle, tmp_path: Path) -> None:
    options = ("--model", tiny_bundle.path, "--results", tmp_path, "--pairs", 12)
    done = benchmark("interpolation_spaces", *options)
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((tmp_path / "interpolation_spaces.json").read_text())["cells"]
    for way in cell["figures"]["ways"].values():
        assert way["cells_from_start"][0] == 0
        assert way["cells_from_start"][-1] == pytest.approx(way["cells_between_ends"])
        assert way["cells_on_the_way"] >= way["cells_between_ends"]
        assert all(0 <= accuracy <= 1 for accuracy in way["two_sample_all"])
    assert "## tiny" in (tmp_path / "interpolation_spaces.md").read_text()
    done = benchmark("interpolation_spaces", *options)
    assert (done.returncode, done.stdout) == (0, ""), "it is kept"
