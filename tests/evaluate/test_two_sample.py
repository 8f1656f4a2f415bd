"""The two-sample test: one half where there is nothing to tell, one where there is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.errors import DataError
from ghostnote.evaluate.two_sample import features, two_sample_accuracy

Matrix = npt.NDArray[np.float64]


def normal(n: int, *, seed: int, mean: float = 0.0) -> Matrix:
    drawn: Matrix = np.random.default_rng(seed).normal(mean, 1, (n, 3))
    return drawn


def takes(n: int, seed: int) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """10 windows of each of `n` takes that are all but alike, and which take they are of."""
    random = np.random.default_rng(seed)
    x = np.repeat(random.normal(size=(n, 3)), 10, axis=0) + 1e-3 * random.normal(size=(10 * n, 3))
    return x, np.repeat(np.arange(n), 10)


def test_equal_distributions_cannot_be_told_apart() -> None:
    accuracy = two_sample_accuracy(normal(300, seed=0), normal(300, seed=1), np.arange(300))
    assert 0.42 < accuracy < 0.58


def test_distributions_without_overlap_are_told_apart() -> None:
    there = normal(100, seed=1, mean=20)
    assert two_sample_accuracy(normal(100, seed=0), there, np.arange(100)) > 0.98


def test_accuracy_is_balanced() -> None:
    accuracy = two_sample_accuracy(normal(500, seed=0), normal(80, seed=1), np.arange(80))
    assert 0.35 < accuracy < 0.65


def test_windows_of_a_take_are_never_on_both_sides() -> None:
    one, of_one = takes(30, seed=0)
    other, of_other = takes(30, seed=1)
    honest = two_sample_accuracy(one, other, of_other, generated_groups=of_one)
    assert honest < 0.65
    # The same with windows of a take in different folds: the trap that the groups are for.
    n = len(one)
    trapped = two_sample_accuracy(one, other, np.arange(n), generated_groups=np.arange(n))
    assert trapped > 0.95


def test_the_figure_is_a_function_of_the_seed() -> None:
    real, groups = takes(10, seed=0)

    def accuracy(seed: int) -> float:
        return two_sample_accuracy(normal(60, seed=1), real, groups, seed=seed, folds=2)

    assert accuracy(3) == accuracy(3)
    assert accuracy(2**40 + 3) == accuracy(3)


@pytest.mark.parametrize("n", [2, 3])
def test_a_few_takes_are_enough(n: int) -> None:
    real, groups = takes(n, seed=0)
    accuracy = two_sample_accuracy(normal(30, seed=1) + 20, real, groups)
    assert 0 <= accuracy <= 1


def test_one_take_is_not_enough() -> None:
    real, groups = takes(1, seed=0)
    with pytest.raises(DataError, match="two takes or more"):
        two_sample_accuracy(normal(30, seed=1), real, groups)
    with pytest.raises(DataError, match="two takes or more"):
        two_sample_accuracy(normal(1, seed=1), *takes(4, seed=0))


def windows(n: int, bars: int, bar: int, seed: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    hits = random.random((n, bars * bar, 9)) < 0.2
    velocity, offset = random.random((2, *hits.shape)) - [[[[0.0]]], [[[0.5]]]]
    return np.concatenate([hits, hits * velocity, hits * offset], -1).astype(np.float32)


@pytest.mark.parametrize(("bars", "bar"), [(4, 16), (1, 16), (2, 12)])
@pytest.mark.parametrize("expression", [False, True])
def test_features_are_what_they_are_said_to_be(bars: int, bar: int, expression: bool) -> None:
    x = windows(6, bars, bar, seed=0)
    seen = features(x, expression=expression, steps_per_bar=bar)
    hits, velocity, offset = np.split(x.astype(float), 3, axis=-1)
    for row in range(6):
        wanted: list[float] = []
        each = hits[row].reshape(bars, bar * 9)
        wanted += [float(one.sum()) for one in each]
        wanted += [float(hits[row, :, voice].sum()) for voice in range(9)]
        for one, other in pairwise(each):
            both, either = (one * other).sum(), np.maximum(one, other).sum()
            wanted.append(both / either if either else 1.0)
        if expression:
            played = hits[row] == 1
            for values in (velocity[row], offset[row]):
                wanted += [values[played].mean(), values[played].std()]
                groups = [values[:, voice][played[:, voice]] for voice in range(9)]
                wanted += [group.mean() if len(group) else 0 for group in groups]
                wanted += [group.std() if len(group) else 0 for group in groups]
        assert seen[row] == pytest.approx(wanted, abs=1e-6)


def test_silence_has_features() -> None:
    assert np.isfinite(features(np.zeros((2, 32, 27), np.float32), expression=True)).all()
