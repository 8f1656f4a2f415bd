"""The numbers that grooves are made of: random bits, draws, and the way between two points."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ghostnote.latent import Prior, normals, shares, slerp, uniforms

Call = Callable[..., list[Any]]

DRAWS = [
    (0, 0, 1857, 0), (1, 2, 5, 0), (2**53 - 1, 2**40 + 7, 64, 3), (123456789, 0, 129, 2**32),
    (7, 3, 128, 2**32 + (40 << 8) + 3), (2**32, 2**32 - 1, 31, 31), (0, 0, 0, 0),
]  # fmt: skip


def test_uniform_numbers_are_those_of_python(call: Call) -> None:
    found = call(*(["latent", "uniforms", *draw] for draw in DRAWS))
    for numbers, (seed, index, n, attempt) in zip(found, DRAWS, strict=True):
        np.testing.assert_array_equal(
            np.array(numbers, "f4"), uniforms(seed, index, n, attempt=attempt)
        )


def test_a_draw_takes_a_few_milliseconds(call: Call) -> None:
    many = [["latent", "uniforms", seed, 0, 1857] for seed in range(200)]
    numbers = call(*many)  # a slow generator would run into the time that Node is given
    assert len({tuple(draw) for draw in numbers}) == 200


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1, 2**32, 2**53 - 1])
def test_the_generator_of_tasks_is_numpys(call: Call, seed: int) -> None:
    random = np.random.default_rng(seed)
    expected = [
        random.integers(1, 9, 7), random.random(13), random.integers(1, 4, 2), random.random(3),
        random.integers(0, 3_000_000_000, 5), random.integers(5, 6, 3), random.random(2),
    ]  # fmt: skip
    drawn = [
        ["integers", 1, 9, 7], ["random", 13], ["integers", 1, 4, 2], ["random", 3],
        ["integers", 0, 3_000_000_000, 5], ["integers", 5, 6, 3], ["random", 2],
    ]  # fmt: skip
    (found,) = call(["random/pcg64", "Generator.draws", [seed], drawn])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_digests_are_sha256(call: Call) -> None:
    texts = [bytes(range(n % 256)) * (1 + n // 256) for n in (0, 1, 55, 56, 63, 64, 72, 119, 700)]
    found = call(*(["random/sha256", "sha256", text] for text in texts))
    assert found == [hashlib.sha256(text).digest() for text in texts]


def test_normal_numbers_are_those_of_python(call: Call) -> None:
    uniform = uniforms(5, 0, 4000)
    (found,) = call(["latent", "normals", uniform])
    np.testing.assert_allclose(found, normals(uniform), rtol=2e-7, atol=1e-12)


def test_priors_draw_and_narrow_as_in_python(call: Call) -> None:
    random = np.random.default_rng(0)
    weights = (0.1 + random.random(5)).astype("f4")
    weights /= weights.sum()
    means, factors = random.normal(size=(5, 7)), np.tril(random.normal(size=(5, 7, 7)))
    prior = Prior(weights, means.astype("f4"), factors.astype("f4"))
    parts = [(random.random(5).astype("f4"), random.normal(size=7).astype("f4")) for _ in range(2)]
    made = [weights, list(prior.means), list(prior.factors)]
    told = [{"share": share, "apart": apart} for share, apart in parts]
    draws = [uniforms(9, index, prior.n_uniforms) for index in range(40)]
    drawn, narrowed = call(
        ["latent", "Prior.draws", made, [["draw", draw] for draw in draws]],
        ["latent", "Prior.narrowed", made, told],
    )
    expected = prior.narrowed(parts)
    np.testing.assert_allclose(drawn, [prior.draw(draw) for draw in draws], rtol=3e-7, atol=1e-7)
    np.testing.assert_allclose(narrowed["weights"], expected.weights, rtol=2e-7)
    np.testing.assert_allclose(narrowed["means"], expected.means, rtol=2e-7, atol=1e-7)


def test_the_way_on_the_sphere_is_that_of_python(call: Call) -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 6)).astype("f4")
    zero = np.zeros(6, "f4")
    cases = [
        *((a, b, t) for t in (0.0, 0.1, 0.5, 0.75, 1.0)),
        (a, a, 0.3), (a, -a, 0.5), (-a, a, 0.25), (a, 3 * a, 0.5), (zero, b, 0.4), (a, zero, 0.4),
        (zero, zero, 0.5), (a, a + np.float32(1e-6), 0.5),
    ]  # fmt: skip
    found = call(*(["latent", "slerp", *case] for case in cases))
    for point, case in zip(found, cases, strict=True):
        np.testing.assert_allclose(point, slerp(*case), rtol=3e-7, atol=1e-7)


def test_shares_are_those_of_python(call: Call) -> None:
    counts = [2, 3, 5, 8, 64]
    found = call(*(["latent", "shares", n] for n in counts))
    assert found == [shares(n).tolist() for n in counts]


def test_numbers_in_messages_are_written_as_in_python(call: Call) -> None:
    values = [110, 3.6, 1e-7, 123456.7, 1234567.0, 0.0001234567, 1000, 99.99999, -2.5, 1e21]
    found = call(*(["errors", "general", value] for value in values))
    assert found == [f"{value:g}" for value in values]
