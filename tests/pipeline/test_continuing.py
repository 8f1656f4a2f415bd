"""Continuing: what was there stays, and what follows goes on from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote import continue_, lengthen, sample
from ghostnote.bundle import Bundle, load_bundle
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline.continuing import continue_all
from ghostnote.runtime import Runtime

Play = Callable[..., Groove]
Taught = Callable[..., Bundle]
Array = npt.NDArray[np.bool_]


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


@pytest.fixture(scope="module")
def long_loops() -> tuple[Array, Array]:
    """24 loops of the shipped model, brought to 12 bars; and the same with a fill every four bars:
    hits `[24, 12, 16, 9]` each.
    """
    loops = sample(24, seed=2)
    runtime = Runtime(load_bundle())
    plain, filled = (
        np.stack([loop.hits.reshape(12, 16, 9) for loop in made])
        for made in (
            lengthen(loops, 12, seed=2, model=runtime),
            lengthen(loops, 12, fill_every=4, seed=2, model=runtime),
        )
    )
    return plain, filled


def seam_p_value(hits: Array) -> float:
    """How likely it is that bar lines between windows differ so much from others by chance.

    Windows begin at bars 2, 4, 6 …, so that the first bars of a window's own are 4, 6, 8 and 10.
    Compared is, of each loop, how many cells change at the lines before bars 6, 8 and 10, and how
    many hits these bars have, with the lines and bars beside them.
    """
    change = (hits[:, 1:] != hits[:, :-1]).sum((2, 3))  # [:, b - 1] is the line before bar b
    count = hits.sum((2, 3))
    random = np.random.default_rng(0)
    largest = 1.0
    for of_bar in (np.pad(change, ((0, 0), (1, 0))), count):
        edges = [6, 8, 10]
        apart = np.mean([of_bar[:, b] - of_bar[:, [b - 1, b + 1]].mean(1) for b in edges], axis=0)
        signs = random.choice([-1, 1], (4000, len(apart)))
        chance = np.abs((signs * apart).mean(1)) >= np.abs(apart.mean())
        largest = min(largest, float(chance.mean()))
    return min(1.0, 2 * largest)


def test_no_seam_can_be_found(long_loops: tuple[Array, Array]) -> None:
    assert seam_p_value(long_loops[0]) > 0.05


def test_a_seam_would_be_found(long_loops: tuple[Array, Array]) -> None:
    """If every second pair of bars came from another loop."""
    mixed = long_loops[0].copy()
    for bar in (6, 7, 10, 11):
        mixed[:, bar] = np.roll(mixed[:, bar], 1, axis=0)
    assert seam_p_value(mixed) < 0.01


def test_fills_have_more_toms_and_no_fewer_hits(long_loops: tuple[Array, Array]) -> None:
    plain, filled = long_loops
    fills = np.arange(1, 13) % 4 == 0
    toms = filled[..., 4:7].sum((0, 2, 3)) / 24
    assert toms[fills].min() > 3 * toms[~fills].max()
    hits = filled.sum((0, 2, 3)) / 24
    assert hits[fills].mean() > hits[~fills].mean()
    assert hits[~fills].mean() == pytest.approx(plain.sum((0, 2, 3))[~fills].mean() / 24, rel=0.1)


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
