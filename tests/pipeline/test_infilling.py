"""Infilling: what is kept is kept to the bit, and the rest goes with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote import cells, infill, sample
from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError, DrumMapError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline.infilling import infill_all
from ghostnote.runtime import Runtime

Play = Callable[..., Groove]
Taught = Callable[..., Bundle]
LENGTHS = (1, 2, 3, 5, 8)


@pytest.fixture(scope="module", params=["infill", "identity", "mixture"])
def runtime(request: pytest.FixtureRequest, taught: Taught) -> Runtime:
    if request.param == "mixture":
        return Runtime(request.getfixturevalue("mixture_bundle"))
    return Runtime(taught(request.param))


def masks(groove: Groove) -> list[npt.NDArray[np.bool_]]:
    random = np.random.default_rng(3)
    return [
        cells(groove, voices=["kick", "SD"]),
        cells(groove, bars=[groove.bars - 1]),
        cells(groove, voices=["ride"], bars=[0]),
        random.random(groove.hits.shape) < 0.5,
    ]


def assert_kept(result: Groove, groove: Groove, keep: npt.NDArray[np.bool_]) -> None:
    for name in ("hits", "velocity", "offset"):
        assert np.array_equal(getattr(result, name)[keep], getattr(groove, name)[keep])
    assert (result.bpm, result.meter, result.steps) == (groove.bpm, groove.meter, groove.steps)


@pytest.mark.parametrize("bars", LENGTHS)
def test_what_is_kept_is_kept_to_the_bit(runtime: Runtime, played: Play, bars: int) -> None:
    groove = played(bars, bpm=87)
    for keep in masks(groove):
        result = infill(groove, keep, seed=2, model=runtime)
        assert_kept(result, groove, keep)
        assert keep.all() or not np.array_equal(result.hits[~keep], groove.hits[~keep])


@pytest.mark.parametrize("bars", LENGTHS)
def test_everything_kept_is_the_input(runtime: Runtime, played: Play, bars: int) -> None:
    groove = played(bars)
    assert infill(groove, True, model=runtime) == groove


@pytest.mark.parametrize("bars", LENGTHS)
def test_nothing_kept_is_a_free_draw(runtime: Runtime, played: Play, bars: int) -> None:
    groove, other = played(bars, seed=1), played(bars, seed=2)
    drawn = infill(groove, False, seed=3, index=4, model=runtime)
    assert drawn == infill(other, False, seed=3, index=4, model=runtime)
    assert drawn != infill(other, False, seed=3, index=5, model=runtime)


def test_a_free_window_is_a_sample(taught: Taught, played: Play) -> None:
    for model in (taught("infill"), taught("identity")):
        (drawn,) = sample(1, seed=6, start=2, model=model)
        blank = Groove.silent(model.bars, bpm=model.bpm)
        assert infill(blank, False, seed=6, index=2, model=model) == drawn


def test_what_is_not_kept_is_not_read(runtime: Runtime, played: Play) -> None:
    groove, other = played(5, seed=1), played(5, seed=2)
    keep = cells(groove, voices=["kick"])
    mixed = Groove(
        *(np.where(keep, getattr(groove, name), getattr(other, name))
          for name in ("hits", "velocity", "offset"))
    )  # fmt: skip
    assert infill(groove, keep, model=runtime) == infill(mixed, keep, model=runtime)


def test_what_is_kept_is_read(played: Play) -> None:
    """The same noise, other kicks: other drums go with them."""
    one, two = (
        infill(played(4, seed=seed), np.arange(9) == 0, model="groove-4bar") for seed in (0, 1)
    )
    assert not np.array_equal(one.hits[:, 1:], two.hits[:, 1:])


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_each_groove_is_what_it_is_alone(runtime: Runtime, played: Play, batch: int) -> None:
    grooves = [played(bars, seed=bars) for bars in (6, 1, 5, 6)]
    keep = [
        mask for groove, mask in zip(grooves, map(masks, grooves), strict=True) for mask in mask[:1]
    ]
    together = infill_all(
        grooves, keep, seed=4, start=7, model=Runtime(runtime.bundle, batch=batch)
    )
    for place, (groove, mask) in enumerate(zip(grooves, keep, strict=True)):
        assert together[place] == infill(groove, mask, seed=4, index=7 + place, model=runtime)


def test_cells_are_voices_and_bars(played: Play) -> None:
    groove = played(3)
    both = cells(groove, voices=["closed-hat"], bars=[1])
    assert both[:, 2].all()
    assert both[16:32].all()
    assert both.sum() == 48 + 16 * 8
    assert not cells(groove).any()
    with pytest.raises(DrumMapError):
        cells(groove, voices=["cowbell"])
    with pytest.raises(ConfigError, match="bar 3"):
        cells(groove, bars=[3])


def test_what_cannot_be_done_is_refused(taught: Taught, played: Play) -> None:
    groove, model = played(2), taught("infill")
    for wrong in (np.ones((32, 8), bool), np.ones((16, 9), bool), np.ones((32, 9)), [1, 0]):
        with pytest.raises(ConfigError):
            infill(groove, wrong, model=model)
    with pytest.raises(GrooveError, match="6/8"):
        infill(Groove.silent(2, meter=(6, 8)), True, model=model)
    with pytest.raises(BundleError, match="humanize"):
        infill(groove, True, model=taught("humanize"))
