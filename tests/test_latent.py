"""Seeds and the prior: the same numbers in every runtime, and distributed as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import ConfigError
from ghostnote.latent import Prior, normals, shares, slerp, uniforms

# In units of 2^-24. A runtime that makes these makes the same grooves.
GOLDEN = {
    (0, 0): [582873, 193723, 10266821, 4052523, 6131759, 1869415],
    (1, 5): [16614733, 13402563, 8913233, 11281679, 4068753, 12250613],
}


@pytest.mark.parametrize("key", GOLDEN)
def test_golden_numbers(key: tuple[int, int]) -> None:
    assert (uniforms(*key, 6) * 2.0**24).tolist() == GOLDEN[key]


def philox(seed: int, index: int, block: int) -> list[int]:
    """One block of Philox-4x64-10 (Salmon et al. 2011), written out."""
    word = 2**64 - 1
    a, b, c, d = block, 0, 0, 0
    for turn in range(10):
        k0 = (seed + turn * 0x9E3779B97F4A7C15) & word
        k1 = (index + turn * 0xBB67AE8584CAA73B) & word
        high, low = divmod(0xD2E7470EE14C6C93 * a, 2**64)
        high2, low2 = divmod(0xCA5A826395121157 * c, 2**64)
        a, b, c, d = high2 ^ b ^ k0, low2, high ^ d ^ k1, low
    return [a, b, c, d]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**63 - 1), index=st.integers(0, 2**63 - 1))
def test_the_numbers_are_what_the_documentation_says(seed: int, index: int) -> None:
    words = philox(seed, index, 1) + philox(seed, index, 2)
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    wanted = [((half >> 9) + 0.5) / 2**23 for half in halves]
    assert uniforms(seed, index, 16).tolist() == wanted


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**63 - 1), index=st.integers(0, 2**63 - 1), n=st.integers(1, 40),
    more=st.integers(0, 40),
)  # fmt: skip
def test_a_draw_begins_as_a_longer_one_does(seed: int, index: int, n: int, more: int) -> None:
    draw = uniforms(seed, index, n)
    assert draw.shape == (n,)
    assert draw.dtype == np.float32
    assert np.array_equal(uniforms(seed, index, n + more)[:n], draw)
    assert np.array_equal(uniforms(seed, index, n), draw)


def test_numbers_are_inside_and_float32_holds_them_exactly() -> None:
    draw = uniforms(3, 4, 100_000).astype(np.float64)
    assert 0 < draw.min() < 1e-3
    assert 1 - 1e-3 < draw.max() < 1
    scaled = draw * 2**24
    assert np.array_equal(scaled, np.rint(scaled))
    assert np.all(scaled % 2 == 1)  # an odd multiple of 2^-24: neither 0 nor 1 is among them


def test_numbers_are_uniform() -> None:
    draw = np.sort(uniforms(1, 0, 50_000))
    assert np.abs(draw - (np.arange(50_000) + 0.5) / 50_000).max() < 0.01
    assert draw.mean() == pytest.approx(1 / 2, abs=0.005)
    assert draw.var() == pytest.approx(1 / 12, abs=0.002)


def test_draws_of_different_keys_have_nothing_in_common() -> None:
    keys = [(seed, index) for seed in range(6) for index in range(6)] + [(2**40, 2**40)]
    draws = np.stack([uniforms(*key, 2000) for key in keys])
    together = np.array(np.corrcoef(draws))
    np.fill_diagonal(together, 0)
    assert np.abs(together).max() < 0.1
    assert len(np.unique(draws[:, 0])) == len(keys)
    along = np.corrcoef(draws[0][:-1], draws[0][1:])[0, 1]
    assert abs(along) < 0.1


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (2**63, 0), (0, -1), (0, 2**63)])
def test_keys_out_of_range_are_refused(seed: int, index: int) -> None:
    with pytest.raises(ConfigError, match="is not in 0 to"):
        uniforms(seed, index, 1)


def test_normals_are_standard() -> None:
    draw = normals(uniforms(2, 0, 40_000)).astype(np.float64)
    assert draw.shape == (40_000,)
    assert np.isfinite(draw).all()
    assert draw.mean() == pytest.approx(0, abs=0.02)
    assert draw.std() == pytest.approx(1, abs=0.02)
    assert (draw**3).mean() == pytest.approx(0, abs=0.06)
    assert (draw**4).mean() == pytest.approx(3, abs=0.15)
    assert abs(np.corrcoef(draw[:20_000], draw[20_000:])[0, 1]) < 0.03


def prior(components: int, size: int) -> Prior:
    random = np.random.default_rng(7)
    weights = random.uniform(0.5, 1, components)
    factors = np.tril(random.normal(size=(components, size, size)))
    return Prior(
        (weights / weights.sum()).astype(np.float32),
        (3 * random.normal(size=(components, size))).astype(np.float32),
        factors.astype(np.float32),
    )


def test_components_may_share_a_covariance() -> None:
    own = prior(3, 4)
    shared = Prior(own.weights, own.means, own.factors[:1])
    repeated = Prior(own.weights, own.means, np.repeat(own.factors[:1], 3, axis=0))
    for index in range(20):
        numbers = uniforms(0, index, own.n_uniforms)
        assert np.array_equal(shared.draw(numbers), repeated.draw(numbers))


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("size", [3, 4])
def test_the_prior_has_the_moments_of_its_mixture(components: int, size: int) -> None:
    p, n = prior(components, size), 4000
    assert p.n_uniforms == 5
    drawn = np.stack([p.draw(uniforms(0, index, p.n_uniforms)) for index in range(n)])
    assert drawn.shape == (n, size)
    assert drawn.dtype == np.float32
    weights, means, factors = (each.astype(np.float64) for each in (p.weights, p.means, p.factors))
    mean = weights @ means
    apart = means - mean
    covariance = np.einsum("k,kij,klj->il", weights, factors, factors)
    covariance += np.einsum("k,ki,kj->ij", weights, apart, apart)
    error = np.sqrt(np.diag(covariance) / n)
    assert np.all(np.abs(drawn.mean(0) - mean) < 5 * error)
    spread = np.sqrt(np.diag(covariance))
    scale = np.outer(spread, spread)
    assert np.abs((np.cov(drawn.T) - covariance) / scale).max() < 0.12


def test_components_are_drawn_by_their_weights() -> None:
    p = Prior(
        np.array([0.2, 0.5, 0.3], np.float32),
        np.array([[0.0], [10.0], [20.0]], np.float32),
        np.full((3, 1, 1), 0.1, np.float32),
    )
    drawn = np.array([p.draw(uniforms(9, index, p.n_uniforms))[0] for index in range(2000)])
    share = [float((np.abs(drawn - middle) < 1).mean()) for middle in (0, 10, 20)]
    assert share == pytest.approx([0.2, 0.5, 0.3], abs=0.04)
    ends = np.array([1e-7, 0.5, 0.5], np.float32), np.array([1 - 1e-7, 0.5, 0.5], np.float32)
    assert [round(float(p.draw(end)[0]), -1) for end in ends] == [0, 20]


# -- ways through the space ------------------------------------------------------------------

numbers = st.floats(-5, 5, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-3 else 0.0)
vectors = st.integers(2, 6).flatmap(
    lambda size: st.tuples(*[st.lists(numbers, min_size=size, max_size=size)] * 2)
)
"""Two of one size; zeros, equal, parallel and opposite ones among them."""
pairs = st.one_of(
    vectors,
    st.tuples(st.lists(numbers, min_size=2, max_size=6), st.sampled_from([-2.0, -1.0, 0.0, 1, 3]))
    .map(lambda made: (made[0], [made[1] * x for x in made[0]])),
).map(lambda pair: tuple(np.array(side, np.float32) for side in pair))  # fmt: skip
ways = st.integers(2, 12).map(shares)


@settings(deadline=None, max_examples=100)
@given(pair=pairs, t=ways)
def test_a_way_has_its_ends_and_is_the_same_from_both(
    pair: tuple[np.ndarray, np.ndarray], t: np.ndarray
) -> None:
    a, b = pair
    way = slerp(a, b, t)
    assert way.dtype == np.float32
    assert way.shape == (len(t), len(a))
    assert np.isfinite(way).all()
    assert np.array_equal(way[0], a)
    assert np.array_equal(way[-1], b)
    assert np.array_equal(way[::-1], slerp(b, a, t))
    assert np.array_equal(slerp(a, a, t), np.tile(a, (len(t), 1)))
    assert np.array_equal(way[1], slerp(a, b, t[1]))  # alone as among others


@settings(deadline=None, max_examples=100)
@given(pair=pairs, t=ways)
def test_lengths_go_evenly_and_directions_too(
    pair: tuple[np.ndarray, np.ndarray], t: np.ndarray
) -> None:
    a, b = (side.astype(np.float64) for side in pair)
    way = slerp(*pair, t).astype(np.float64)
    lengths = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), lengths, atol=1e-5, rtol=1e-5)
    if np.linalg.norm(a) and np.linalg.norm(b):
        units = way / np.linalg.norm(way, axis=-1, keepdims=True)
        chords = np.linalg.norm(np.diff(units, axis=0), axis=-1)
        assert np.ptp(chords) < 1e-4
        turned = 2 * np.arcsin(np.clip(chords / 2, 0, 1)).sum()
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert turned == pytest.approx(np.arccos(np.clip(cosine, -1, 1)), abs=3e-3)


def test_the_way_of_a_zero_vector_is_straight() -> None:
    b = np.array([3.0, 4.0], np.float32)
    np.testing.assert_allclose(slerp(0 * b, b, 0.25), b / 4, rtol=1e-6)
    np.testing.assert_allclose(slerp(b, 0 * b, 0.25), 3 * b / 4, rtol=1e-6)
    assert not slerp(0 * b, 0 * b, 0.5).any()


def test_nearly_opposite_vectors_are_no_matter() -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=(20, 128)).astype(np.float32)
    for apart in (1e-8, 1e-6, 1e-4, 1e-2):
        b = (-a + apart * random.normal(size=a.shape)).astype(np.float32)
        middle = slerp(a, b, 0.5).astype(np.float64)
        long, short = np.linalg.norm(a, axis=-1), np.linalg.norm(middle, axis=-1)
        np.testing.assert_allclose(short, (long + np.linalg.norm(b, axis=-1)) / 2, rtol=1e-5)
        assert np.abs((middle * a).sum(-1) / long / short).max() < 2 * apart + 1e-5


def test_shares_are_even_and_mirror_each_other() -> None:
    for n in range(2, 200):
        t = shares(n)
        assert (t[0], t[-1]) == (0, 1)
        assert np.array_equal(t, 1 - t[::-1])
        np.testing.assert_allclose(t, np.linspace(0, 1, n), atol=1e-15)
    for n in (1, 0, -3):
        with pytest.raises(ConfigError, match="2 or more"):
            shares(n)


def test_a_narrowed_prior_has_the_shares_and_shifts_of_its_parts() -> None:
    p = prior(3, 4)
    one = (np.array([0.6, 0.3, 0.1], np.float32), np.array([1, 0, 0, 0], np.float32))
    other = (p.weights, np.array([0, 0, 2, 0], np.float32))
    np.testing.assert_allclose(p.narrowed([one]).weights, one[0], rtol=1e-6)
    both = p.narrowed([one, other])
    np.testing.assert_allclose(both.weights, one[0], rtol=1e-6)
    np.testing.assert_allclose(both.means - p.means, np.tile([1, 0, 2, 0], (3, 1)), atol=1e-5)
    assert np.array_equal(both.weights, p.narrowed([other, one]).weights)
    twice = p.narrowed([one, one]).weights
    wanted = one[0] ** 2 / p.weights
    np.testing.assert_allclose(twice, wanted / wanted.sum(), rtol=1e-5)
    nothing = p.narrowed([])
    assert np.allclose(nothing.weights, p.weights)
    assert np.array_equal(nothing.means, p.means)
