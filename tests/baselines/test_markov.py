"""Samples of a Markov chain: pieces of the training data, and of no one else's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ghostnote.baselines.markov import draw
from ghostnote.evaluate.takes import Takes
from ghostnote.music.tensors import to_labels

Make = Callable[..., Takes]


def histories(labels: np.ndarray, length: int) -> set[tuple[int, ...]]:  # type: ignore[type-arg]
    """All runs of `length` steps, each with its place in the bar."""
    return {
        (step % 16, *labels[step : step + length].tolist())
        for step in range(len(labels) - length + 1)
    }


@pytest.mark.parametrize("order", [0, 1, 3])
def test_every_run_of_steps_was_played(takes: Make, order: int) -> None:
    train = takes(1, bars=60, chance=0.1)
    drawn = draw(train, 40, 32, order=order, seed=0)
    assert drawn.shape == (40, 32, 27)
    known = histories(to_labels(train.parts.hits), order + 1)
    rows = [to_labels(window[:, :9] > 0.5) for window in drawn]
    runs = [history for row in rows for history in histories(row, order + 1)]
    played = np.mean([run in known for run in runs])
    # All but those that the end of the take has no follower for.
    assert played > 0.99


def test_steps_keep_what_they_were_played_with(takes: Make) -> None:
    train = takes(4)
    drawn = draw(train, 5, 16, seed=1)
    known = {row.tobytes() for row in train.x}
    assert all(step.tobytes() in known for window in drawn for step in window)


def test_the_seed_decides(takes: Make) -> None:
    train = takes(4, chance=0.2)
    first, again, other = (draw(train, 6, 32, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_long_memory_copies_and_a_short_one_does_not(takes: Make) -> None:
    train = takes(6, chance=0.2)
    windows = {cut.tobytes() for cut in train.x.reshape(-1, 64, 27)[..., :9]}

    def copies(order: int) -> float:
        drawn = draw(train, 30, 64, order=order, seed=0)[..., :9]
        return float(np.mean([window.tobytes() in windows for window in drawn]))

    assert copies(0) == 0
    # Whoever begins in the first of a take's four bars plays it to its end.
    assert copies(40) > 0.1
