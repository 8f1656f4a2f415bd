"""Attribute vectors: means of quarters, effects and side effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.attribute_vectors import effects, mean_differences, side_effects


def test_a_vector_points_to_where_an_attribute_grows() -> None:
    z = np.random.default_rng(0).normal(size=(4000, 5))
    attributes = np.stack([z[:, 0], -z[:, 3] + 7], axis=1)
    vectors = mean_differences(z, attributes)
    # The mean of the upper quarter of a normal distribution is 1.27.
    np.testing.assert_allclose(vectors[0], [1.27, 0, 0, 0, 0], atol=0.06)
    np.testing.assert_allclose(vectors[1], [0, 0, 0, -1.27, 0], atol=0.06)


def test_equal_values_are_no_order() -> None:
    z = np.arange(8000.0)[:, None]
    (vector,) = mean_differences(z, np.zeros((8000, 1)))
    assert abs(vector[0]) < 300  # a quarter from either end would give 3000


def test_effects_are_mean_changes() -> None:
    mixing = np.array([[1.0, 0.5], [0.0, -2.0]])
    z = np.random.default_rng(0).normal(size=(10, 2))

    def played(shift: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return (z + shift) @ mixing

    shifts = [[amount * axis for amount in (-1.0, 0.0, 1.0)] for axis in np.eye(2)]
    effect = effects(played, shifts)
    np.testing.assert_allclose(effect[0], [[-1, -0.5], [0, 0], [1, 0.5]], atol=1e-12)
    np.testing.assert_allclose(effect[1], [[0, 2], [0, 0], [0, -2]], atol=1e-12)
    assert side_effects(effect) == pytest.approx([0.5, 0])


def test_a_bundle_without_directions_is_refused(
    benchmark: Callable[..., Any], tmp_path: object
) -> None:
    done = benchmark("attribute_vectors", "--model", "tap-4bar", "--results", tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == "error: tap-4bar: has no directions to compare with"
