"""Interpolate: its ends are the reconstructions, and it is the same from both."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline.interpolation import blend, grid, interpolate
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import sample
from ghostnote.runtime import Runtime
from tests.latent_verbs.conftest import distance, groove_of, untrained

SETTINGS: list[dict[str, Any]] = [{}, {"temperature": 0.8, "seed": 4}]


@pytest.mark.parametrize("options", SETTINGS, ids=str)
@pytest.mark.parametrize("bars", [1, 2, 5])
def test_the_ends_are_the_reconstructions(
    lively: Runtime, options: dict[str, Any], bars: int
) -> None:
    a, b = groove_of(1, bars, bpm=80), groove_of(2, bars, bpm=140.3)
    way = interpolate(a, b, 4, model=lively, **options)
    assert len(way) == 4
    assert way[0] == reconstruct(a, model=lively, **options).groove
    assert way[-1] == reconstruct(b, model=lively, **options).groove
    assert {one.bars for one in way} == {bars}


@pytest.mark.parametrize("options", SETTINGS, ids=str)
@pytest.mark.parametrize("n", [2, 3, 4, 7, 10])
def test_it_is_the_same_from_both_ends(
    lively: Runtime, grooves: list[Groove], options: dict[str, Any], n: int
) -> None:
    there = interpolate(grooves[0], grooves[1], n, model=lively, **options)
    assert interpolate(grooves[1], grooves[0], n, model=lively, **options) == there[::-1]


def test_it_stays_where_both_ends_are_one(lively: Runtime, grooves: list[Groove]) -> None:
    wanted = reconstruct(grooves[0], model=lively, temperature=0.7, seed=1).groove
    way = interpolate(grooves[0], grooves[0], 5, temperature=0.7, seed=1, model=lively)
    assert way == [wanted] * 5


@pytest.mark.parametrize("heat", [0.0, 0.7])
def test_it_goes_away_from_one_and_towards_the_other(shipped: Runtime, heat: float) -> None:
    """The shipped model, on average over pairs, at every step, with sampling noise as without."""
    ends = sample(24, seed=1, model=shipped)
    left, right = [], []
    for a, b in zip(ends[::2], ends[1::2], strict=True):
        way = interpolate(a, b, 5, temperature=heat, model=shipped)
        left.append([distance(way[0], one) for one in way])
        right.append([distance(way[-1], one) for one in way])
    away, towards = np.mean(left, axis=0), np.mean(right, axis=0)
    assert all(before < after for before, after in pairwise(away))
    assert all(before > after for before, after in pairwise(towards))
    assert interpolate(b, a, 5, temperature=heat, model=shipped) == way[::-1]


@pytest.mark.parametrize("heat", [0.0, 0.7])
@pytest.mark.parametrize("split", ["validation", "test"])
def test_between_grooves_that_nobody_learned_from(
    shipped: Runtime, gmd_zip: Path, split: str, heat: float
) -> None:
    """32 pairs of what drummers played: ends, symmetry, and a distance from A that only grows.

    On average at every step; of a single pair it may fall by what the noise makes of a cell.
    """
    played = windows(load_corpus(gmd_zip).select(split=split), bars=4, hop=4)
    chosen = np.random.default_rng(0).choice(len(played), (32, 2), replace=False)
    apart = []
    for a, b in ((played.groove(int(one)), played.groove(int(other))) for one, other in chosen):
        way = interpolate(a, b, 5, temperature=heat, seed=3, model=shipped)
        for end, one in ((a, way[0]), (b, way[-1])):
            assert one == reconstruct(end, temperature=heat, seed=3, model=shipped).groove
        assert interpolate(b, a, 5, temperature=heat, seed=3, model=shipped) == way[::-1]
        apart.append([distance(way[0], one) for one in way])
    assert (np.diff(np.mean(apart, axis=0)) > 0).all()
    assert (np.diff(apart, axis=1) < 0).mean() < 0.1


def test_neither_batch_nor_length_of_the_way_changes_a_groove(
    lively: Runtime, grooves: list[Groove]
) -> None:
    a, b = groove_of(1, 5), groove_of(2, 5)
    way = interpolate(a, b, 9, temperature=0.6, seed=2, model=lively)
    for batch in (1, 4):
        other = Runtime(lively.bundle, batch=batch)
        assert interpolate(a, b, 9, temperature=0.6, seed=2, model=other) == way
    assert interpolate(a, b, 5, temperature=0.6, seed=2, model=lively) == way[::2]


def test_the_tempo_goes_evenly_too(lively: Runtime) -> None:
    a, b = groove_of(1, bpm=80), groove_of(2, bpm=120)
    tempos = [one.bpm for one in interpolate(a, b, 5, model=lively)]
    assert tempos == pytest.approx([80, 90, 100, 110, 120])
    same = [groove_of(seed, bpm=77.7) for seed in range(4)]
    assert {one.bpm for row in grid(same, 3, 5, model=lively) for one in row} == {77.7}


def test_a_grid_has_its_corners_and_sides(lively: Runtime, grooves: list[Groove]) -> None:
    rows = grid(grooves, 3, 4, model=lively)
    assert [len(row) for row in rows] == [4, 4, 4]
    top_left, top_right, low_left, low_right = grooves
    assert rows[0] == interpolate(top_left, top_right, 4, model=lively)
    assert rows[-1] == interpolate(low_left, low_right, 4, model=lively)
    assert [row[0] for row in rows] == interpolate(top_left, low_left, 3, model=lively)
    assert [row[-1] for row in rows] == interpolate(top_right, low_right, 3, model=lively)
    assert rows[0][0] == reconstruct(top_left, model=lively).groove


def test_a_grid_can_be_turned_and_mirrored(lively: Runtime, grooves: list[Groove]) -> None:
    a, b, c, d = grooves
    rows = grid([a, b, c, d], 3, 4, model=lively, temperature=0.5)
    mirrored = grid([b, a, d, c], 3, 4, model=lively, temperature=0.5)
    assert mirrored == [row[::-1] for row in rows]
    assert grid([c, d, a, b], 3, 4, model=lively, temperature=0.5) == rows[::-1]
    transposed = grid([a, c, b, d], 4, 3, model=lively, temperature=0.5)
    assert transposed == [list(column) for column in zip(*rows, strict=True)]


def test_a_place_between_four_is_that_of_the_grid(lively: Runtime, grooves: list[Groove]) -> None:
    rows = grid(grooves, 3, 5, model=lively, temperature=0.5, seed=2)
    for row, y in zip(rows, (0, 0.5, 1), strict=True):
        for there, x in zip(row, (0, 0.25, 0.5, 0.75, 1), strict=True):
            assert blend(grooves, x, y, model=lively, temperature=0.5, seed=2) == there


def test_a_place_between_four_can_be_anywhere_between(shipped: Runtime) -> None:
    corners = sample(4, seed=6, model=shipped)
    near, far = (blend(corners, 0.02 + way, 0.03, model=shipped) for way in (0, 0.7))
    assert distance(near, blend(corners, 0, 0, model=shipped)) < distance(far, corners[0])
    tempos = [
        corner.replace(bpm=bpm) for corner, bpm in zip(corners, (80, 120, 100, 140), strict=True)
    ]
    assert blend(tempos, 0.5, 0.25, model=shipped).bpm == pytest.approx(105)


def test_what_does_not_fit_is_refused(lively: Runtime, grooves: list[Groove]) -> None:
    a, b, c, d = grooves
    with pytest.raises(GrooveError, match=r"between 2 and 4 bars \(cut .*\[:2\]"):
        interpolate(a, groove_of(1, 4), model=lively)
    with pytest.raises(GrooveError, match="3/4"):
        interpolate(a, Groove.silent(2, meter=(3, 4)), model=lively)
    with pytest.raises(GrooveError, match="four corners are needed, not 3"):
        grid([a, b, c], model=lively)
    with pytest.raises(GrooveError, match="four corners are needed, not 5"):
        blend([a, b, c, d, a], 0, 0, model=lively)
    for place in ((-0.1, 0), (0, 1.1), (float("nan"), 0)):
        with pytest.raises(ConfigError, match="is not in 0 to 1"):
            blend([a, b, c, d], *place, model=lively)
    for n in (1, 0, -1):
        with pytest.raises(ConfigError):
            interpolate(a, b, n, model=lively)
        with pytest.raises(ConfigError):
            grid([a, b, c, d], 2, n, model=lively)
    with pytest.raises(ConfigError, match="temperature"):
        interpolate(a, b, temperature=-1, model=lively)


def test_a_model_that_is_told_the_hits_has_none_between_two(
    make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory,
    grooves: list[Groove],
) -> None:  # fmt: skip
    model = make_model("flat", latent=6, controls=9)
    bundle = untrained(model, tiny_bundle, tmp_path_factory, task="hits-control")
    with pytest.raises(ConfigError, match="is told the hits"):
        interpolate(grooves[0], grooves[1], model=bundle)
    assert len(interpolate(grooves[0], grooves[0], model=bundle)) == 5


def test_a_model_of_several_tasks_is_told_that_nothing_is_hidden(
    make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory,
    grooves: list[Groove],
) -> None:  # fmt: skip
    model = make_model("flat", latent=6, controls=4)
    bundle = untrained(model, tiny_bundle, tmp_path_factory, task="mixture")
    way = interpolate(grooves[0], grooves[1], 3, model=bundle)
    assert way[0] == reconstruct(grooves[0], model=bundle).groove
    assert way[0] == reconstruct(grooves[0], model=bundle, seed=7).groove  # nothing is drawn
