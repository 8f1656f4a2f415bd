"""Continuing: what was there stays, and what follows goes on from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ghostnote import continue_, lengthen, sample
from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline.continuing import continue_all
from ghostnote.runtime import Runtime
from tests.pipeline.seams import LOOPS, seam_p_value, shifted

Play = Callable[..., Groove]
Taught = Callable[..., Bundle]


@pytest.fixture(scope="module", params=["infill", "identity", "mixture"])
def runtime(request: pytest.FixtureRequest, taught: Taught) -> Runtime:
    if request.param == "mixture":
        return Runtime(request.getfixturevalue("mixture_bundle"))
    return Runtime(taught(request.param))


@pytest.mark.parametrize("bars", [1, 2, 3, 5])
@pytest.mark.parametrize("more", [1, 4, 8])
def test_what_was_there_stays(runtime: Runtime, played: Play, bars: int, more: int) -> None:
    groove = played(bars, bpm=140)
    longer = continue_(groove, more, seed=1, model=runtime)
    assert longer.bars == bars + more
    assert longer[:bars] == groove


def test_only_the_last_bars_count(taught: Taught, played: Play) -> None:
    """A window of two bars begins where every bar does: it sees one bar of what was there."""
    model = taught("infill")
    groove, other = played(6, seed=1), played(6, seed=2)
    mixed = other[:5] + groove[5:]
    assert continue_(groove, 4, model=model)[6:] == continue_(mixed, 4, model=model)[6:]
    assert continue_(groove, 4, model=model)[6:] != continue_(other, 4, model=model)[6:]


@pytest.mark.parametrize("batch", [1, 2, 256])
def test_each_groove_is_what_it_is_alone(runtime: Runtime, played: Play, batch: int) -> None:
    grooves = [played(bars, seed=bars) for bars in (3, 1, 4)]
    together = continue_all(grooves, 5, seed=2, start=3, model=Runtime(runtime.bundle, batch=batch))
    for place, groove in enumerate(grooves):
        assert together[place] == continue_(groove, 5, seed=2, index=3 + place, model=runtime)


def test_loops_are_cut_or_go_on(runtime: Runtime, taught: Taught) -> None:
    loops = sample(3, seed=5, model=taught("identity"))
    assert lengthen(loops, 2, seed=5, model=runtime) == loops
    assert lengthen(loops, 1, seed=5, model=runtime) == [loop[:1] for loop in loops]
    longer = lengthen(loops, 7, seed=5, model=runtime)
    assert [loop[:2] for loop in longer] == loops
    assert {loop.bars for loop in longer} == {7}
    assert len(set(longer)) == 3
    assert lengthen(loops[1:], 7, seed=5, start=1, model=runtime) == longer[1:]
    further = lengthen(loops, 8, seed=5, model=runtime)
    assert [loop[:7] for loop in further] == longer


EDGES = (6, 8, 10)
"""Bars 0 to 3 are another model's."""


@pytest.fixture(scope="module")
def long_loops() -> list[Groove]:
    """Loops of the shipped model, brought to 12 bars by the one that was taught to infill."""
    return lengthen(sample(LOOPS, seed=2), 12, seed=2, model="infill-4bar")


def test_no_seam_can_be_found(long_loops: list[Groove]) -> None:
    assert seam_p_value(long_loops, EDGES) > 0.01


@pytest.mark.parametrize("part", ["velocity", "offset"])
def test_a_seam_would_be_found(long_loops: list[Groove], part: str) -> None:
    assert seam_p_value(shifted(long_loops, EDGES, **{part: 0.05}), EDGES) < 0.01


def test_a_seam_in_the_hits_would_be_found(long_loops: list[Groove]) -> None:
    """If every second pair of bars came from another loop."""
    mixed = [
        mine[:6] + other[6:8] + mine[8:10] + other[10:]
        for mine, other in zip(long_loops, [*long_loops[1:], long_loops[0]], strict=True)
    ]
    assert seam_p_value(mixed, EDGES) < 0.01


def test_fills_have_more_toms_and_no_fewer_hits(long_loops: list[Groove]) -> None:
    loops = sample(96, seed=2)
    plain, filled = (
        np.stack([loop.hits.reshape(12, 16, 9) for loop in made])
        for made in (
            long_loops,
            lengthen(loops, 12, fill_every=4, seed=2, model="infill-4bar"),
        )
    )
    fills = np.arange(1, 13) % 4 == 0
    toms = filled[..., 4:7].sum((0, 2, 3)) / 96
    assert toms[fills].min() > 2 * toms[~fills].mean()
    hits = filled.sum((0, 2, 3)) / 96
    assert hits[fills].mean() > hits[~fills].mean()
    assert hits[~fills].mean() == pytest.approx(plain.sum((0, 2, 3))[~fills].mean() / 96, rel=0.1)


def test_a_groove_that_is_continued_gets_no_fills_itself(taught: Taught, played: Play) -> None:
    groove = played(4)
    longer = continue_(groove, 8, fill_every=4, model=taught("infill"))
    assert longer[:4] == groove
    assert longer != continue_(groove, 8, model=taught("infill"))


def test_what_cannot_be_done_is_refused(taught: Taught, played: Play) -> None:
    model = taught("infill")
    for bars in (0, -1, 5000):
        with pytest.raises(ConfigError):
            continue_(played(2), bars, model=model)
        with pytest.raises(ConfigError):
            lengthen([played(2)], bars, model=model)
    with pytest.raises(ConfigError, match="fill"):
        continue_(played(2), 4, fill_every=1, model=model)
    with pytest.raises(GrooveError, match="3/4"):
        continue_(Groove.silent(2, meter=(3, 4)), 4, model=model)
