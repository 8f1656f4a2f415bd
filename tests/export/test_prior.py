"""The prior: the moments of what the encoder makes of the training windows."""

from __future__ import annotations

import numpy as np
import pytest

from ghostnote.errors import ConfigError
from ghostnote.export.bundle import save_latent
from ghostnote.export.prior import FloatArray, fit_part, fit_prior, log_densities, responsibilities
from ghostnote.latent import Prior, uniforms


def posteriors(n: int, size: int) -> tuple[FloatArray, FloatArray]:
    """In three heaps, of unequal size."""
    random = np.random.default_rng(0)
    heap = random.choice(3, n, p=[0.5, 0.3, 0.2])
    mu = 6 * np.eye(3, size)[heap] + random.normal(size=(n, size)) @ random.normal(
        size=(size, size)
    )
    return mu.astype(np.float32), random.uniform(0.05, 1, (n, size)).astype(np.float32)


def moments(prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    weights, means, factors = (
        each.astype(np.float64) for each in (prior.weights, prior.means, prior.factors)
    )
    mean = weights @ means
    apart = means - mean
    spread = np.broadcast_to(factors, (len(weights), *factors.shape[1:]))
    within = np.einsum("k,kij,klj->il", weights, spread, spread)
    return mean, within + np.einsum("k,ki,kj->ij", weights, apart, apart)


@pytest.mark.parametrize(("components", "tolerance"), [(1, 1e-5), (3, 1e-4)])
def test_the_prior_has_the_moments_of_the_aggregated_posterior(
    components: int, tolerance: float
) -> None:
    mu, sigma = posteriors(600, 5)
    prior = fit_prior(mu, sigma, components=components, seed=0)
    assert prior.weights.shape == (components,)
    assert prior.factors.shape == (1, 5, 5), "all components share one covariance"
    assert prior.weights.sum() == pytest.approx(1)
    assert np.array_equal(prior.factors, np.tril(prior.factors))
    mean, covariance = moments(prior)
    wide = mu.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(0), atol=tolerance)
    wanted = np.cov(wide.T, bias=True) + np.diag((sigma.astype(np.float64) ** 2).mean(0))
    np.testing.assert_allclose(covariance, wanted, rtol=tolerance, atol=10 * tolerance)


def test_the_heaps_are_found() -> None:
    mu, sigma = posteriors(600, 5)
    random = np.random.default_rng(1)
    heaps = np.repeat([[0.0], [10.0], [30.0]], 100, axis=0) + random.normal(size=(300, 5))
    prior = fit_prior(heaps.astype(np.float32), sigma[:300], components=3, seed=0)
    assert sorted(prior.means[:, 0].round(-1).tolist()) == [0, 10, 30]
    assert prior.weights == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert fit_prior(mu, sigma, components=2, seed=3).means == pytest.approx(
        fit_prior(mu, sigma, components=2, seed=3).means
    )


def test_fewer_windows_than_dimensions_are_enough() -> None:
    mu, sigma = posteriors(3, 8)
    prior = fit_prior(mu, sigma, components=1, seed=0)
    assert np.isfinite(prior.draw(uniforms(0, 0, prior.n_uniforms))).all()


@pytest.mark.parametrize("components", [0, 4])
def test_as_many_components_as_windows_at_most(components: int) -> None:
    mu, sigma = posteriors(3, 8)
    with pytest.raises(ConfigError, match=f"{components} components"):
        fit_prior(mu, sigma, components=components, seed=0)


def test_the_prior_is_stored_to_three_digits_and_fingerprints_whole() -> None:
    from safetensors.numpy import load

    prior = fit_prior(*posteriors(50, 4), components=1, seed=0)
    seen = np.array([2**64 - 1, 5, 5, 7], np.uint64)
    stored = load(save_latent(prior, seen))
    for name in ("weights", "means", "factors"):
        np.testing.assert_allclose(
            stored[f"prior.{name}"], getattr(prior, name), rtol=2**-11, atol=1e-6
        )
    assert stored["training.fingerprints"].tolist() == [5, 7, 2**64 - 1]


def test_the_whole_data_is_a_part_that_changes_nothing() -> None:
    mu, sigma = posteriors(600, 5)
    prior = fit_prior(mu, sigma, components=1, seed=0)
    share, shift = fit_part(prior, mu, np.ones(600, bool))
    assert share == pytest.approx(1)
    assert shift == pytest.approx(0, abs=1e-5)
    assert moments(prior.narrowed([(share, shift)]))[0] == pytest.approx(mu.mean(0), abs=1e-4)


def test_a_part_is_drawn_towards_the_whole_by_as_much_as_it_is_small() -> None:
    """With one component, mean and shift are a weighted mean of the part's and the whole's."""
    mu, sigma = posteriors(3000, 5)
    prior = fit_prior(mu, sigma, components=1, seed=0)
    for n in (10, 300, 2000):
        inside = np.arange(3000) < n
        _, shift = fit_part(prior, mu, inside)
        wanted = (mu[inside].astype(np.float64).mean(0) - mu.mean(0)) * n / (n + 300)
        assert shift == pytest.approx(wanted, abs=1e-4)


def test_a_part_of_one_heap_is_of_its_component() -> None:
    random = np.random.default_rng(1)
    heaps = np.repeat([[0.0], [40.0], [90.0]], 1000, axis=0) + random.normal(size=(3000, 5))
    mu, sigma = heaps.astype(np.float32), np.full((3000, 5), 0.1, np.float32)
    prior = fit_prior(mu, sigma, components=3, seed=0)
    inside = np.arange(3000) < 1000
    share, _ = fit_part(prior, mu, inside)
    first = int(prior.means[:, 0].argmin())
    assert share[first] == pytest.approx((1000 + 300 / 3) / 1300, abs=0.01)
    owners = responsibilities(prior, heaps)
    assert owners.argmax(1).tolist() == np.repeat(owners[::1000].argmax(1), 1000).tolist()
    assert owners.sum(1) == pytest.approx(1)


@pytest.mark.parametrize("shared", [True, False])
def test_log_densities_are_those_of_gaussians(shared: bool) -> None:
    mu, sigma = posteriors(200, 3)
    prior = fit_prior(mu, sigma, components=2, seed=0)
    if not shared:
        wider = np.concatenate([prior.factors, 2 * prior.factors])
        prior = Prior(prior.weights, prior.means, wider)
    z = mu[:7].astype(np.float64)
    for k, logs in enumerate(log_densities(prior, z).T):
        factor = prior.factors[0 if shared else k].astype(np.float64)
        covariance, apart = factor @ factor.T, z - prior.means[k]
        squares = np.einsum("ni,ij,nj->n", apart, np.linalg.inv(covariance), apart)
        volume = np.linalg.slogdet(2 * np.pi * covariance)[1]
        np.testing.assert_allclose(logs, -0.5 * (squares + volume), rtol=1e-6)
