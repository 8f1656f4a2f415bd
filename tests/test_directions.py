"""Directions: what a regression finds, how far to go along it, and the files that keep it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ghostnote.directions import (
    AMOUNTS,
    Direction,
    from_tensors,
    moves,
    reach,
    read_direction,
    ridge,
    to_tensors,
    write_direction,
)
from ghostnote.errors import ConfigError, OutputError


def latents(n: int = 400) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.standard_normal((n, 6)) @ random.standard_normal((6, 6))


def test_a_regression_finds_what_was_told() -> None:
    z = latents()
    weights = np.random.default_rng(1).standard_normal((6, 2))
    found = ridge(z, z @ weights + 3)
    np.testing.assert_allclose(found.weights, weights, atol=0.01)
    np.testing.assert_allclose(found(z), z @ weights + 3, atol=0.1)
    assert (found.explained > 0.999).all()


def test_noise_is_not_learned() -> None:
    random = np.random.default_rng(2)
    found = ridge(random.standard_normal((40, 30)), random.standard_normal((40, 1)))
    assert found.explained[0] < 0.1
    assert found.penalty > 100


def test_leaving_one_out_is_what_it_says() -> None:
    z = latents(20)
    told = z[:, :1] + np.random.default_rng(3).standard_normal((20, 1))
    found = ridge(z, told)
    errors = []
    for row in range(20):
        rest = np.arange(20) != row
        centre, mean = z[rest].mean(0), told[rest].mean(0)
        x = z[rest] - centre
        weights = np.linalg.solve(x.T @ x + found.penalty * np.eye(6), x.T @ (told[rest] - mean))
        errors.append(told[row] - mean - (z[row] - centre) @ weights)
    spread = ((told - told.mean(0)) ** 2).sum()
    assert found.explained[0] == pytest.approx(1 - np.square(errors).sum() / spread, abs=1e-9)


def test_too_few_to_learn_from() -> None:
    with pytest.raises(ConfigError, match="2 grooves"):
        ridge(np.zeros((2, 3)), np.zeros((2, 1)))


def test_moves_change_one_answer_and_no_other() -> None:
    z = latents()
    weights = np.random.default_rng(4).standard_normal((6, 3))
    vectors = moves(weights, z)
    np.testing.assert_allclose(vectors @ weights, np.eye(3), atol=1e-6)
    # Of all such moves it is the likeliest: any other one is farther, as the latents lie.
    precision = np.linalg.inv(np.cov(z, rowvar=False))
    other = np.linalg.pinv(weights)
    for mine, theirs in zip(vectors, other, strict=True):
        assert mine @ precision @ mine <= theirs @ precision @ theirs + 1e-9


@pytest.mark.parametrize(
    ("effect", "far"),
    [
        ([1.0, 3.0, 9.0], 1.5),
        ([4.0, 5.0, 6.0], 0.5),
        ([1.0, 4.0, 1.0], 1 + 1 / 3),
        ([0.0, 1.0, 0.9], 1.8),
        ([0.5, 1.0, 1.0], 1.6),
        ([-0.1, 1.0, 1.9], 2 + (0.8 * 1.9 - 1) / 0.9),
        ([-0.1, -0.2, -0.3], 1.0),
    ],
)
def test_one_goes_as_far_as_the_effect_grows(effect: list[float], far: float) -> None:
    assert reach([1.0, 2.0, 3.0], np.array(effect)) == pytest.approx(far)


def direction(name: str = "mine", *others: str) -> Direction:
    curves = {each: tuple(float(np.float32(a / 3)) for a in AMOUNTS) for each in (name, *others)}
    vector = np.array([0.1, -2.0, 1e-7], np.float32)
    return Direction(name, vector, (0.5, 2.0), 3.0, 1.5, curves, "abc")


def test_amounts_go_two_ways() -> None:
    one = direction()
    np.testing.assert_allclose(one.shift(2), 4 * one.vector)
    np.testing.assert_allclose(one.shift(-2), -one.vector)
    assert not one.shift(0).any()
    for amount in (6.1, -7, float("nan")):
        with pytest.raises(ConfigError, match="cannot be moved"):
            one.shift(amount)


def test_a_direction_survives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    write_direction(file, direction())
    found = read_direction(file)
    assert np.array_equal(found.vector, direction().vector)
    assert (found.name, found.reach, found.mean, found.std) == ("mine", (0.5, 2.0), 3.0, 1.5)
    assert (found.effects, found.model) == (direction().effects, "abc")
    with pytest.raises(OutputError, match="exists already"):
        write_direction(file, direction())


@pytest.mark.parametrize(
    "change",
    [{"format": "x"}, {"vector": "x"}, {"vector": [[1]]}, {"reach": [1]}, {"vector": [1e99]}],
)
def test_what_is_no_direction(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "mine.json"
    write_direction(file, direction())
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ConfigError, match="is no direction"):
        read_direction(file)


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_direction(tmp_path / "missing.json")
    for content in (b"", b"[]", b"\xff", b"null"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(ConfigError, match="is no direction"):
            read_direction(tmp_path / "bad.json")


def test_directions_survive_as_tensors() -> None:
    both = [direction("one", "two"), direction("two", "one")]
    found = from_tensors(["one", "two"], to_tensors(both))
    assert list(found) == ["one", "two"]
    assert found["two"].effects["one"] == both[1].effects["one"]
    assert np.array_equal(found["one"].vector, both[0].vector)
    assert found["one"].reach == (0.5, 2.0)
