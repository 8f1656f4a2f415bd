"""Augmentation: other grooves, but grooves, and made of what was played."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.data.augment import Augmentation, Cells, augment, other_bars
from ghostnote.music.kit import N_VOICES, voice_index

HAT, RIDE = voice_index("closed hat"), voice_index("ride")
TOMS = [voice_index(name) for name in ("low tom", "mid tom", "high tom")]
OTHERS = [voice for voice in range(N_VOICES) if voice not in (HAT, RIDE, *TOMS)]

share = st.floats(0, 1)
amount = st.floats(0, 2)
augmentations = st.builds(
    Augmentation,
    other_limbs=share,
    swap_voices=share,
    drop_voice=share,
    velocity_gain=amount,
    velocity_noise=amount,
    offset_shift=amount,
    offset_noise=amount,
)


def make_cells(seed: int, batch: int = 4, steps: int = 32) -> Cells:
    random = np.random.default_rng(seed)
    hits = random.random((batch, steps, N_VOICES)) < 0.3
    velocity = (hits * random.integers(1, 128, hits.shape)).astype(np.uint8)
    offset = np.where(hits, random.uniform(-0.5, 0.4999, hits.shape), 0).astype(np.float32)
    return velocity, offset


def frozen(cells: Cells) -> Cells:
    for array in cells:
        array.flags.writeable = False
    return cells


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None, max_examples=60)
@given(how=augmentations, seed=st.integers(0, 1000))
def test_what_comes_out_is_valid_cells(how: Augmentation, seed: int) -> None:
    before = frozen(make_cells(seed))
    velocity, offset = augment(before, how, chance(seed))
    assert (velocity.dtype, offset.dtype) == (np.uint8, np.float32)
    assert velocity.shape == offset.shape == before[0].shape
    assert velocity.max() <= 127
    hits = velocity > 0
    assert np.all(offset[hits] >= -0.5)
    assert np.all(offset[hits] < 0.5)
    assert not offset[~hits].any()
    again = augment(before, how, chance(seed))
    assert np.array_equal(again[0], velocity)
    assert np.array_equal(again[1], offset)


@settings(deadline=None, max_examples=60)
@given(how=augmentations, seed=st.integers(0, 1000))
def test_hits_are_lost_with_a_dropped_voice_only(how: Augmentation, seed: int) -> None:
    before = frozen(make_cells(seed))
    whole = dataclasses.replace(how, swap_voices=0, other_limbs=0)
    hits, was = augment(before, whole, chance(seed))[0] > 0, before[0] > 0
    for window, original in zip(hits, was, strict=True):
        gone = [v for v in range(N_VOICES) if not np.array_equal(window[:, v], original[:, v])]
        assert len(gone) <= (how.drop_voice > 0)
        assert not window[:, gone].any()


def test_no_augmentation_is_the_identity() -> None:
    before = frozen(make_cells(0))
    for how in (Augmentation(), Augmentation(other_bars=1.0)):
        velocity, offset = augment(before, how, chance(0))
        assert np.array_equal(velocity, before[0])
        assert np.array_equal(offset, before[1])


@pytest.mark.parametrize("name", ["swap_voices", "drop_voice"])
def test_a_probability_is_how_often_windows_change(name: str) -> None:
    before = frozen(make_cells(1, batch=400))
    how = Augmentation(**{name: 0.25})
    velocity, _ = augment(before, how, chance(1))
    share = (velocity != before[0]).any((1, 2)).mean()
    # Hat and ride, and the toms, are two chances; of six orders of the toms, one is the old one.
    wanted = 0.25 if name == "drop_voice" else 1 - 0.75 * (1 - 0.25 * 5 / 6)
    assert share == pytest.approx(wanted, abs=0.06)


def test_limbs_are_those_of_another_window_whole() -> None:
    before = frozen(make_cells(3, batch=200))
    velocity, offset = augment(before, Augmentation(other_limbs=0.5), chance(3))
    kick = [voice_index("kick")]
    cymbals = [voice_index(name) for name in ("closed hat", "open hat", "crash", "ride")]
    rest = [voice for voice in range(N_VOICES) if voice not in kick + cymbals]
    assert np.array_equal(velocity[..., rest], before[0][..., rest])
    for limb in (kick, cymbals):
        sources = [
            next(
                source
                for source in range(200)
                if np.array_equal(velocity[window][:, limb], before[0][source][:, limb])
                and np.array_equal(offset[window][:, limb], before[1][source][:, limb])
            )
            for window in range(200)
        ]
        assert np.mean(np.array(sources) != np.arange(200)) == pytest.approx(0.5, abs=0.12)
    kicks, others = (
        (velocity[..., limb] != before[0][..., limb]).any((1, 2)) for limb in (kick, cymbals)
    )
    assert (kicks ^ others).mean() == pytest.approx(0.5, abs=0.12)  # each by its own chance


def test_swapping_exchanges_hat_and_ride_and_permutes_the_toms() -> None:
    before = frozen(make_cells(2, batch=300))
    after = augment(before, Augmentation(swap_voices=1.0), chance(2))
    for part in (0, 1):
        new, old = after[part], before[part]
        assert np.array_equal(new[..., [HAT, RIDE]], old[..., [RIDE, HAT]])
        assert np.array_equal(new[..., OTHERS], old[..., OTHERS])
    orders = set()
    for window in range(300):
        order = tuple(
            next(
                old for old in TOMS
                if np.array_equal(after[0][window, :, new], before[0][window, :, old])
                and np.array_equal(after[1][window, :, new], before[1][window, :, old])
            )
            for new in TOMS
        )  # fmt: skip
        assert sorted(order) == TOMS
        orders.add(order)
    assert len(orders) == 6


def test_every_voice_may_be_dropped() -> None:
    before = frozen(make_cells(3, batch=300))
    velocity, offset = augment(before, Augmentation(drop_voice=1.0), chance(3))
    gone = ~velocity.any(1)
    assert np.all(gone.sum(1) == 1)
    assert set(np.nonzero(gone)[1].tolist()) == set(range(N_VOICES))
    kept = velocity > 0
    assert np.array_equal(velocity[kept], before[0][kept])
    assert np.array_equal(offset[kept], before[1][kept])


def test_a_gain_is_one_for_the_window_and_noise_one_for_each_hit() -> None:
    velocity = np.full((200, 16, N_VOICES), 60, np.uint8)
    cells = frozen((velocity, np.zeros(velocity.shape, np.float32)))
    louder, _ = augment(cells, Augmentation(velocity_gain=0.2), chance(4))
    assert np.all(louder == louder[:, :1, :1])
    log_gain = np.log(louder[:, 0, 0] / 60)
    assert log_gain.std() == pytest.approx(0.2, abs=0.03)
    uneven, _ = augment(cells, Augmentation(velocity_noise=0.2), chance(4))
    assert np.log(uneven / 60).std(axis=(1, 2)) == pytest.approx(np.full(200, 0.2), abs=0.06)


def test_a_shift_is_one_for_the_window_and_noise_one_for_each_hit() -> None:
    velocity = np.full((200, 16, N_VOICES), 60, np.uint8)
    cells = frozen((velocity, np.zeros(velocity.shape, np.float32)))
    _, later = augment(cells, Augmentation(offset_shift=0.1), chance(5))
    assert np.all(later == later[:, :1, :1])
    assert later[:, 0, 0].std() == pytest.approx(0.1, abs=0.02)
    _, loose = augment(cells, Augmentation(offset_noise=0.1), chance(5))
    assert loose.std(axis=(1, 2)) == pytest.approx(np.full(200, 0.1), abs=0.03)


def test_a_hit_pushed_over_the_border_of_its_cell_is_reflected() -> None:
    velocity = np.full((2000, 1, 1), 60, np.uint8)
    offset = np.full(velocity.shape, 0.45, np.float32)
    _, moved = augment(frozen((velocity, offset)), Augmentation(offset_noise=0.1), chance(6))
    assert moved.min() < 0.2
    assert (moved == moved.max()).mean() < 0.01  # nothing piles up at the end


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    probability=share,
    seed=st.integers(0, 99),
)
def test_other_bars_come_from_the_same_take(
    counts: list[int], probability: float, seed: int
) -> None:
    count = np.array(counts)
    first = np.cumsum(count) - count
    span = np.stack([first, count], axis=1)
    bars = first[:, None] + np.minimum(np.arange(3), count[:, None] - 1)
    before = bars.copy()
    drawn = other_bars(bars, span, probability, chance(seed))
    assert np.array_equal(bars, before)
    assert drawn.shape == bars.shape
    assert np.all(drawn >= first[:, None])
    assert np.all(drawn < (first + count)[:, None])
    if probability == 0:
        assert np.array_equal(drawn, bars)


def test_other_bars_are_any_of_the_take_as_often_as_asked() -> None:
    span = np.tile([10, 4], (500, 1))
    bars = np.full((500, 4), 10)
    drawn = other_bars(bars, span, 0.4, chance(0))
    share = [(drawn == bar).mean() for bar in range(10, 14)]
    assert share == pytest.approx([0.7, 0.1, 0.1, 0.1], abs=0.03)
