"""Layouts of tensors: laws, and the original's own arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ghostnote.errors import GrooveError
from ghostnote.music import tensors
from ghostnote.music.kit import N_VOICES, builtin_map

Converted = Callable[[str], dict[str, np.ndarray]]

LEADS = [(4,), (3, 4), (2, 3, 4)]
"""Shapes of everything before the voices."""


def random_x(*lead: int, voices: int = N_VOICES, seed: int = 0) -> np.ndarray:
    """A groove with velocity and offset in its hits only."""
    random = np.random.default_rng(seed)
    hits = random.random((*lead, voices)) < 0.3
    velocity = hits * random.integers(1, 128, hits.shape) / 127
    return tensors.to_groove_x(hits, velocity, hits * random.uniform(-0.5, 0.5, hits.shape))


# -- groove ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("voices", [1, 9, 61])
def test_a_groove_is_its_three_parts(lead: tuple[int, ...], voices: int) -> None:
    x = random_x(*lead, voices=voices)
    assert (x.shape, x.dtype) == ((*lead, 3 * voices), np.float32)
    parts = tensors.from_groove_x(x)
    assert all(part.shape == (*lead, voices) for part in parts)
    assert np.array_equal(tensors.to_groove_x(*parts), x)
    assert all(np.shares_memory(part, x) for part in parts)
    assert np.array_equal(parts.hits, parts.velocity > 0)


def test_the_originals_offsets_are_half_steps_early() -> None:
    late = np.zeros((1, 27), np.float32)
    late[0, [0, 9, 18]] = 1, 0.5, 0.25
    theirs = tensors.to_magenta(late)
    assert theirs[0, [0, 9, 18]].tolist() == [1, 0.5, -0.5]


@given(arrays.arrays(np.float32, (2, 4, 27), elements=st.floats(-1, 1, width=32)))
def test_signs_are_changed_there_and_back(x: np.ndarray) -> None:
    there = tensors.to_magenta(x)
    assert there.dtype == np.float32
    assert np.array_equal(tensors.from_magenta(there), x)
    assert np.array_equal(there[..., :18], x[..., :18])
    assert not np.signbit(there[there == 0]).any() or np.signbit(x[..., :18]).any()


# -- sets of voices --------------------------------------------------------------------------


def test_bit_i_is_voice_i() -> None:
    assert tensors.to_labels(np.eye(9, dtype=bool)).tolist() == [2**i for i in range(9)]
    assert tensors.to_labels(np.ones((1, 9), bool)).tolist() == [511]
    assert tensors.to_labels(np.zeros((1, 9), bool)).tolist() == [0]


def test_every_set_of_nine_voices_has_its_label() -> None:
    labels = np.arange(512)
    hits = tensors.from_labels(labels, 9)
    assert np.array_equal(tensors.to_labels(hits), labels)
    assert len(np.unique(hits, axis=0)) == 512
    one_hot = tensors.to_categories(hits)
    assert np.array_equal(one_hot, np.eye(512, dtype=bool))
    assert np.array_equal(tensors.from_categories(one_hot), hits)


@given(arrays.arrays(np.bool_, st.tuples(st.integers(0, 5), st.sampled_from([1, 9, 61, 62]))))
def test_labels_and_rolls_lose_no_hit(hits: np.ndarray) -> None:
    voices = hits.shape[-1]
    labels = tensors.to_labels(hits)
    assert np.array_equal(tensors.from_labels(labels, voices), hits)
    assert np.array_equal(tensors.to_labels(hits.astype(np.float32)), labels)
    roll = tensors.to_roll_input(hits)
    assert roll.shape == (len(hits), voices + 1)
    assert roll.dtype == np.bool_
    assert np.array_equal(tensors.from_roll_input(roll), hits)
    assert np.array_equal(roll[:, -1], labels == 0)


@pytest.mark.parametrize("lead", LEADS)
def test_leading_axes_are_kept(lead: tuple[int, ...]) -> None:
    hits = random_x(*lead)[..., :9] > 0
    assert tensors.to_labels(hits).shape == lead
    assert tensors.to_categories(hits).shape == (*lead, 512)
    assert tensors.to_roll_input(hits).shape == (*lead, 10)
    row = tensors.to_categories(hits.reshape(-1, 9)).reshape(*lead, 512)
    assert np.array_equal(tensors.to_categories(hits), row)


def test_what_cannot_be_numbered_is_refused() -> None:
    with pytest.raises(GrooveError, match="63 voices"):
        tensors.to_labels(np.zeros((1, 63), bool))
    with pytest.raises(GrooveError, match="61 voices have too many sets"):
        tensors.to_categories(np.zeros((1, 61), bool))
    for label in (-1, 512):
        with pytest.raises(GrooveError, match="not in 0 to"):
            tensors.from_labels(np.array([label]), 9)
        with pytest.raises(GrooveError, match="not in 0 to 511"):
            tensors.to_one_hot(np.array([label]), 512)
    with pytest.raises(GrooveError, match="513 columns"):
        tensors.from_categories(np.zeros((1, 513), bool))


def test_classes_fold_onto_voices() -> None:
    voice = [0, 0, 2, -1]
    hits = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 0, 1]], bool)
    folded = tensors.fold(hits, voice, voices=3)
    assert folded.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 0]]
    same = random_x(2, 8)[..., :9] > 0
    assert np.array_equal(tensors.fold(same, np.arange(9)), same)


@given(st.integers(0, 2**32 - 1))
def test_folded_hits_are_those_of_fold_and_the_loudest_counts(seed: int) -> None:
    random = np.random.default_rng(seed)
    voice = random.integers(-1, 4, 12)
    cells = tensors.from_groove_x(random_x(2, 6, voices=12, seed=seed))
    parts = tensors.folded(cells, voice, voices=4)
    assert all(part.shape == (2, 6, 4) for part in parts)
    assert np.array_equal(parts.hits > 0, tensors.fold(cells.hits, voice, voices=4))
    for target in range(4):
        own = voice == target
        loudest = (cells.velocity * cells.hits)[..., own].max(-1, initial=0)
        np.testing.assert_array_equal(parts.velocity[..., target], loudest)
        # Each offset is that of a class with this velocity.
        of_loudest = (cells.velocity[..., own] == loudest[..., None]) & (cells.hits[..., own] > 0)
        offset = parts.offset[..., target, None]
        found = (of_loudest & (cells.offset[..., own] == offset)).any(-1)
        assert (found | (parts.hits[..., target] == 0)).all()
    assert not parts.velocity[parts.hits == 0].any()
    assert not parts.offset[parts.hits == 0].any()


def test_of_equally_loud_classes_the_first_counts_and_a_silent_one_never() -> None:
    cells = tensors.Parts(
        hits=np.array([[0, 1, 1]], bool),
        velocity=np.array([[0.9, 0.5, 0.5]]),  # what a silent class says is no matter
        offset=np.array([[0.4, 0.1, 0.2]]),
    )
    parts = tensors.folded(cells, [0, 0, 0], voices=1)
    assert [float(part[0, 0]) for part in parts] == [1.0, 0.5, pytest.approx(0.1)]


def test_folding_nothing_away_changes_nothing() -> None:
    cells = tensors.from_groove_x(random_x(3, 8))
    for one, other in zip(tensors.folded(cells, np.arange(9)), cells, strict=True):
        assert np.array_equal(one, other)
    twice = tensors.folded(tensors.folded(cells, [0, 0, 1, 1, 2, 2, 3, 3, 8]), np.arange(9))
    once = tensors.folded(cells, [0, 0, 1, 1, 2, 2, 3, 3, 8])
    assert all(np.array_equal(one, other) for one, other in zip(once, twice, strict=True))


def test_a_map_folds_onto_itself_as_it_is() -> None:
    default = builtin_map("ghostnote")
    assert tensors.folding(default, default).tolist() == list(range(N_VOICES))


# -- bins ------------------------------------------------------------------------------------


@given(st.integers(2, 40), st.sampled_from([(0.0, 1.0), (-1.0, 1.0)]))
def test_a_bin_holds_the_value_that_is_read_from_it(bins: int, ends: tuple[float, float]) -> None:
    every = np.arange(bins)
    values = tensors.from_bins(every, *ends, bins)
    assert np.array_equal(tensors.to_bins(values, *ends, bins), every)
    assert values[0] == ends[0]
    assert values[-1] < ends[1]
    assert np.all(np.diff(values) > 0)


def test_bins_are_ordered_and_reach_from_end_to_end() -> None:
    values = np.linspace(-1, 1, 1001)
    index = tensors.to_bins(values, -1, 1, 8)
    assert (index[0], index[1], index[-1]) == (0, 1, 7)  # the lowest value has a bin of its own
    assert np.all(np.diff(index) >= 0)
    assert set(index) == set(range(8))
    assert np.all(abs(tensors.from_bins(index, -1, 1, 8) - values) <= 2.0001 / 7)


def test_what_has_no_bin_is_refused() -> None:
    with pytest.raises(GrooveError, match="1 bins"):
        tensors.to_bins(np.zeros(1), 0, 1, 1)
    with pytest.raises(GrooveError, match="above 1"):
        tensors.to_bins(np.array([1.01]), 0, 1, 8)
    with pytest.raises(GrooveError, match="no voices of 17"):
        tensors.from_binned(np.zeros((1, 152)), 8, 8)


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize(("velocity", "offset"), [(8, 8), (5, 16)])
def test_binned_grooves_come_back_to_their_bins(
    lead: tuple[int, ...], velocity: int, offset: int
) -> None:
    x = tensors.to_magenta(random_x(*lead))
    binned = tensors.to_binned(x, velocity, offset)
    assert (binned.shape, binned.dtype) == ((*lead, 9 * (1 + velocity + offset)), np.float32)
    assert np.all(binned.sum(-1) == x[..., :9].sum(-1) + 18)
    back = tensors.from_binned(binned, velocity, offset)
    assert np.array_equal(back[..., :9], x[..., :9])
    again = tensors.from_binned(tensors.to_binned(back, velocity, offset), velocity, offset)
    played = np.tile(x[..., :9] > 0, 3)
    assert np.array_equal(again[played], back[played])
    assert np.all(abs(back - x)[..., 9:18][x[..., :9] > 0] <= 1.0001 / (velocity - 1))
    assert np.all(abs(back - x)[..., 18:][x[..., :9] > 0] <= 2.0001 / (offset - 1))
    assert not back[~played].any()


# -- one voice a step ------------------------------------------------------------------------


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("depths", [(1,), (1, 1, 1), (1, 8, 4)])
def test_voices_take_turns_and_come_together_again(
    lead: tuple[int, ...], depths: tuple[int, ...]
) -> None:
    x = np.random.default_rng(1).random((*lead, 9 * sum(depths)))
    turns = tensors.to_voice_steps(x, depths)
    assert turns.shape == (*lead[:-1], lead[-1] * 9, sum(depths))
    assert np.array_equal(tensors.from_voice_steps(turns, 9, depths), x)


def test_a_turn_is_one_voices_hit_velocity_and_offset() -> None:
    x = random_x(4)
    parts = tensors.from_groove_x(x)
    turns = tensors.to_voice_steps(x)
    whose = tensors.voice_turns(4, 9)
    assert whose.shape == (36, 9)
    for step in range(4):
        for voice in range(9):
            turn = step * 9 + voice
            assert turns[turn].tolist() == [part[step, voice] for part in parts]
            assert whose[turn].nonzero()[0].tolist() == [voice]


def test_turns_that_do_not_come_round_are_refused() -> None:
    with pytest.raises(GrooveError, match="10 × 3"):
        tensors.from_voice_steps(np.zeros((10, 3)), 9)
    with pytest.raises(GrooveError, match="18 × 2"):
        tensors.from_voice_steps(np.zeros((18, 2)), 9)
    with pytest.raises(GrooveError, match="no voices of 3"):
        tensors.to_voice_steps(np.zeros((2, 10)))


# -- the original's own arrays ---------------------------------------------------------------


def test_the_originals_bins_and_turns_are_ours(converted: Converted) -> None:
    """The same windows in three of its layouts.

    It binned float64: what is a hair above the first edge there stands on it in float32, and has
    another bin. (`test_magenta` has float64, and no exception.)
    """
    plain = converted("groove_groovae_2bar_humanize")
    binned = converted("groove_x_2bar_categorical8x8")
    turns = converted("groove_x_2bar_split_instruments")
    for file in ("0", "1", "2", "3", "4", "8"):
        x = plain[f"eval/{file}/outputs"]
        sure = (x > -1).all(axis=-1)
        assert sure.sum() >= sure.size - 1
        ours = tensors.to_binned(x, 8, 8)
        assert np.array_equal(ours[sure], binned[f"eval/{file}/outputs"][sure])
        assert np.array_equal(tensors.to_voice_steps(x), turns[f"eval/{file}/outputs"])
        whose = tensors.voice_turns(x.shape[1], 9)
        assert np.array_equal(
            turns[f"eval/{file}/controls"], np.broadcast_to(whose, (len(x), *whose.shape))
        )


def test_the_originals_sets_and_rolls_are_ours(converted: Converted) -> None:
    sets = converted("drums_cat-drums_2bar")
    rolls = converted("drums_nade_2bar_reduced")
    for file in range(12):
        roll, labels = sets[f"{file}/inputs"], sets[f"{file}/output_labels"]
        hits = tensors.from_roll_input(roll)
        assert np.array_equal(tensors.to_labels(hits), labels)
        assert np.array_equal(tensors.to_roll_input(tensors.from_labels(labels, 9)), roll)
        ours = tensors.to_roll_input(rolls[f"{file}/outputs"])
        assert np.array_equal(ours, rolls[f"{file}/inputs"])
