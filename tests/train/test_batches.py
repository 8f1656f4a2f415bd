"""Batches: every window once an epoch, and all of it a function of seed and step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.data.augment import Augmentation
from ghostnote.data.bars import Bars, to_x
from ghostnote.train.batches import batch_indices, generator, training_batch


@settings(deadline=None, max_examples=50)
@given(
    n=st.integers(1, 60), batch=st.integers(1, 20), epoch=st.integers(0, 5), seed=st.integers(0, 9)
)
def test_an_epoch_takes_no_window_twice(n: int, batch: int, epoch: int, seed: int) -> None:
    per_epoch = max(n // batch, 1)
    steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
    taken = [batch_indices(n, step, batch=batch, seed=seed) for step in steps]
    assert {len(each) for each in taken} == {min(batch, n)}
    together = np.concatenate(taken)
    assert len(np.unique(together)) == len(together) == per_epoch * min(batch, n)
    assert together.min() >= 0
    assert together.max() < n


def test_epochs_and_seeds_differ_and_are_repeated() -> None:
    def order(epoch: int, seed: int) -> list[int]:
        steps = range(epoch * 4, (epoch + 1) * 4)
        return [int(i) for t in steps for i in batch_indices(64, t, batch=16, seed=seed)]

    orders = [order(epoch, seed) for epoch in range(3) for seed in range(3)]
    assert len({tuple(each) for each in orders}) == 9
    assert all(sorted(each) == list(range(64)) for each in orders)
    assert order(1, 2) == orders[5]


def test_each_key_has_a_stream_of_its_own() -> None:
    keys = [(0, 1, 0), (0, 2, 0), (0, 1, 1), (1, 1, 0), (1, 2, 1), (2**32 - 1, 2, 10**6)]
    draws = {generator(*key).random(4).tobytes() for key in keys}
    assert len(draws) == len(keys)
    assert generator(3, 4).random() == generator(3, 4).random()


def test_a_batch_without_augmentation_is_the_windows(training: Bars) -> None:
    chosen = np.array([3, 1, 30])
    x = training_batch(training, chosen, Augmentation(), seed=0, step=0)
    assert x.dtype == np.float32
    assert np.array_equal(x, to_x(training.cells(training.bars_of(chosen))))


def test_an_augmented_batch_is_a_function_of_seed_and_step(training: Bars) -> None:
    how = Augmentation(other_bars=0.5, velocity_noise=0.1)
    chosen = np.arange(8)

    def drawn(seed: int, step: int) -> bytes:
        return training_batch(training, chosen, how, seed=seed, step=step).tobytes()

    assert drawn(0, 0) == drawn(0, 0)
    assert len({drawn(0, 0), drawn(0, 1), drawn(1, 0)}) == 3


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_bars_come_from_the_take_of_the_window(training: Bars, probability: float) -> None:
    chosen = np.arange(len(training))
    how = Augmentation(other_bars=probability)
    x = training_batch(training, chosen, how, seed=0, step=0)
    bars = x.reshape(len(chosen), 2, 16, -1)
    for window, own in zip(bars, training.span, strict=True):
        first, count = own
        known = to_x(
            (training.velocity[first : first + count], training.offset[first : first + count])
        )
        assert all(any(np.array_equal(bar, take) for take in known) for bar in window)
