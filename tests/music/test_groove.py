"""`Groove`: its rules, its bars, its value."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import GrooveError
from ghostnote.music.groove import Groove, Meter, concatenate, steps_per_bar
from ghostnote.music.kit import N_VOICES

KICK, SNARE, HAT = 0, 1, 2


def arrays(steps: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kick on the first step and a late, soft snare on the fifth."""
    velocity = np.zeros((steps, N_VOICES), np.float32)
    offset = np.zeros_like(velocity)
    velocity[0, KICK], velocity[4, SNARE] = 1, 0.25
    offset[4, SNARE] = 0.125
    return velocity > 0, velocity, offset


@st.composite
def grooves(draw: st.DrawFn, meter: Meter | None = None, bpm: float | None = None) -> Groove:
    meter = meter or draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4), (7, 8), (1, 16)]))
    shape = (draw(st.integers(1, 4)) * steps_per_bar(meter), N_VOICES)
    generator = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    hits = generator.random(shape) < draw(st.floats(0, 1))
    velocity = hits * (1 - generator.random(shape))
    offset = hits * (generator.random(shape) * 0.99 - 0.5)
    return Groove(hits, velocity, offset, bpm or draw(st.floats(1, 1000)), meter)


# -- meters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meter", "steps"),
    [((4, 4), 16), ((3, 4), 12), ((6, 8), 12), ((5, 4), 20), ((7, 8), 14), ((5, 8), 10),
     ((1, 1), 16), ((3, 16), 3), ((2, 32), 1)],
)  # fmt: skip
def test_steps_per_bar(meter: Meter, steps: int) -> None:
    assert steps_per_bar(meter) == steps


@pytest.mark.parametrize(
    ("meter", "reason"),
    [((0, 4), "is not a meter"), ((4, 0), "is not a meter"), ((4, 3), "is not a meter"),
     ((-4, 4), "is not a meter"), ((3, 32), "whole number of 16ths"),
     ((1, 32), "whole number of 16ths")],
)  # fmt: skip
def test_no_meters(meter: Meter, reason: str) -> None:
    with pytest.raises(GrooveError, match=reason):
        steps_per_bar(meter)


# -- rules -----------------------------------------------------------------------------------


def broken(**changes: object) -> Groove:
    hits, velocity, offset = arrays()
    values: dict[str, object] = {"hits": hits, "velocity": velocity, "offset": offset}
    return Groove(**(values | changes))  # type: ignore[arg-type]


def changed(which: int, step: int, voice: int, value: float) -> np.ndarray:
    array = arrays()[which].astype(np.float64)
    array[step, voice] = value
    return array


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hits": np.zeros((16, 9))}, "hits are float64, not bool"),
        ({"velocity": "loud"}, "velocity is not an array of numbers"),
        ({"velocity": np.zeros((15, 9))}, "velocity has 15 steps where hits has 16"),
        ({"offset": np.zeros((16, 8))}, r"offset has shape \[16, 8\], not \[T, 9\]"),
        ({"offset": np.zeros(16)}, r"offset has shape \[16\]"),
        ({"meter": (3, 4)}, "16 steps are not a whole number of 3/4 bars of 12 steps"),
        ({"bpm": 0}, "bpm 0 is not in"),
        ({"bpm": -1}, "bpm -1 is not in"),
        ({"bpm": 1001}, "bpm 1001 is not in"),
        ({"bpm": float("nan")}, "bpm nan is not in"),
        ({"velocity": changed(1, 0, KICK, 0)}, r"velocity of a hit .* \(first at step 0, KD\)"),
        ({"velocity": changed(1, 0, KICK, 1.01)}, r"velocity of a hit is not in \(0, 1\]"),
        ({"velocity": changed(1, 0, KICK, np.nan)}, r"velocity of a hit is not in \(0, 1\]"),
        ({"velocity": changed(1, 1, KICK, 0.5)}, r"velocity is not 0 .* \(first at step 1, KD\)"),
        ({"velocity": changed(1, 1, KICK, np.nan)}, "velocity is not 0 where there is no hit"),
        ({"offset": changed(2, 4, SNARE, 0.5)}, r"offset of a hit .* \(first at step 4, SD\)"),
        ({"offset": changed(2, 4, SNARE, -0.51)}, "offset of a hit is not in"),
        ({"offset": changed(2, 4, SNARE, np.nan)}, "offset of a hit is not in"),
        ({"offset": changed(2, 5, SNARE, 0.1)}, "offset is not 0 where there is no hit"),
    ],
)
def test_rules(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(GrooveError, match=reason):
        broken(**changes)


def test_no_steps_are_no_groove() -> None:
    nothing = np.zeros((0, N_VOICES))
    with pytest.raises(GrooveError, match="0 steps"):
        Groove(nothing.astype(bool), nothing, nothing)
    with pytest.raises(GrooveError, match="0 steps"):
        Groove.silent(0)


def test_from_cells_silences_what_is_no_hit_and_keeps_offsets_below_half() -> None:
    hits, velocity, _ = arrays()
    noise = np.full((16, N_VOICES), 0.5)
    groove = Groove.from_cells(hits, velocity + 0.1 * ~hits, noise, bpm=90)
    assert (groove.velocity == velocity).all()
    assert (groove.offset[hits] < 0.5).all()
    assert (groove.offset[hits] > 0.4999).all()
    assert not groove.offset[~hits].any()
    assert groove.bpm == 90


def test_silence() -> None:
    silent = Groove.silent(2, bpm=100, meter=(6, 8))
    assert (silent.bars, silent.steps, silent.n_hits) == (2, 24, 0)
    assert (silent.bpm, silent.meter) == (100, (6, 8))


# -- size ------------------------------------------------------------------------------------


def test_sizes() -> None:
    groove = Groove(*arrays(32), 90.0)
    assert (groove.steps, groove.bars, len(groove), groove.steps_per_bar) == (32, 2, 2, 16)
    assert groove.n_hits == 2
    assert groove.seconds_per_step == pytest.approx(1 / 6)
    assert groove.seconds == pytest.approx(32 / 6)
    assert groove.replace(bpm=180).seconds == pytest.approx(32 / 12)
    assert groove.replace() == groove


# -- bars ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(grooves())
def test_bars_joined_are_the_whole(groove: Groove) -> None:
    assert concatenate(groove[bar] for bar in range(groove.bars)) == groove
    assert concatenate(list(groove)) == groove
    assert groove[:] == groove
    assert groove[-1] == groove[groove.bars - 1]
    assert groove[:1] == groove[0]
    doubled = groove + groove
    assert doubled[: groove.bars] == doubled[groove.bars :] == groove


@pytest.mark.parametrize("index", [2, -3, slice(1, 1), slice(2, 4), slice(1, 0)])
def test_no_such_bars(index: int | slice) -> None:
    with pytest.raises(GrooveError, match="no such bars in a groove of 2"):
        Groove.silent(2)[index]


def test_bars_are_sliced_in_order() -> None:
    with pytest.raises(GrooveError, match="step 1 only"):
        Groove.silent(2)[::-1]


def test_what_cannot_be_joined() -> None:
    with pytest.raises(GrooveError, match="nothing to concatenate"):
        concatenate([])
    with pytest.raises(GrooveError, match="3/4"):
        Groove.silent(1) + Groove.silent(1, meter=(3, 4))
    with pytest.raises(GrooveError, match="90 bpm to 120 bpm"):
        concatenate([Groove.silent(1), Groove.silent(1, bpm=90)])


# -- value -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(grooves())
def test_equal_grooves_are_one_key(groove: Groove) -> None:
    same = Groove(groove.hits, groove.velocity, groove.offset, groove.bpm, groove.meter)
    assert same == groove
    assert hash(same) == hash(groove)
    assert pickle.loads(pickle.dumps(groove)) == groove
    assert groove != groove.replace(bpm=groove.bpm / 2)
    assert groove != groove + groove
    assert groove != "a groove"


def test_meters_of_equal_length_differ() -> None:
    assert Groove.silent(1, meter=(3, 4)) != Groove.silent(1, meter=(6, 8))


def test_minus_zero_is_zero() -> None:
    hits, velocity, offset = arrays()
    one, two = Groove(hits, velocity, offset), Groove(hits, velocity, offset - 0.0)
    negative = offset.copy()
    negative[0, KICK] = -0.0
    assert one == two == Groove(hits, velocity, negative)
    assert hash(one) == hash(Groove(hits, velocity, negative))


def test_a_groove_does_not_change() -> None:
    hits, velocity, offset = arrays()
    groove = Groove(hits, velocity, offset)
    velocity[0, KICK] = 0.5
    hits[1, HAT] = True
    assert groove.velocity[0, KICK] == 1
    assert not groove.hits[1, HAT]
    for array in (groove.hits, groove.velocity, groove.offset):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        groove.bpm = 3  # type: ignore[misc]


def test_types_are_settled_on_creation() -> None:
    hits, velocity, offset = arrays()
    groove = Groove(
        hits.tolist(), velocity.astype(np.float64), offset.tolist(), 120, [np.int64(4), 4]
    )  # type: ignore[arg-type]
    assert (groove.velocity.dtype, groove.offset.dtype) == (np.float32, np.float32)
    assert groove == Groove(hits, velocity, offset)
    assert hash(groove) == hash(Groove(hits, velocity, offset))


# -- shown -----------------------------------------------------------------------------------


def test_a_groove_is_shown_as_a_drum_tab() -> None:
    groove = Groove(*arrays(32))
    assert repr(groove).splitlines() == [
        "Groove: 2 bars of 4/4, 120 bpm, 2 hits",
        "SD |----g-----------|----------------|",
        "KD |X---------------|----------------|",
    ]
    assert Groove.silent(1).summary == "Groove: 1 bar of 4/4, 120 bpm, 0 hits"
    assert Groove.silent(1).tab() == ""


def test_ghost_notes_hits_and_accents() -> None:
    velocity = np.zeros((16, N_VOICES), np.float32)
    velocity[:4, HAT] = [0.29, 0.3, 0.79, 0.8]
    groove = Groove(velocity > 0, velocity, np.zeros_like(velocity))
    assert groove.tab() == "HH |gxxX------------|"
