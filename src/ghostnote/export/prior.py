"""The prior of a bundle: a mixture of Gaussians fitted to the aggregated posterior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, MissingExtraError
from ghostnote.latent import Prior

PRUDENCE = 300.0
"""How many windows of the whole training data a part of it is judged together with."""

FloatArray = npt.NDArray[np.float32]
Fitted = tuple[FloatArray, FloatArray]
"""Shares of the components `[K]`, and the shift of their centres `[Z]`; see `Prior.narrowed`."""


def fit_prior(mu: FloatArray, sigma: FloatArray, *, components: int, seed: int) -> Prior:
    """Fit `components` Gaussians of one covariance to posteriors N(μ, σ²).

    The means are clustered (k-means). The covariance that all clusters share is that of the means
    around their clusters' centres plus the mean of the posteriors' own variances, which makes the
    mixture's moments those of the aggregated posterior. With one component it is exactly moment
    matching. Many components of one covariance describe where drumming is better, and in fewer
    numbers, than a few with covariances of their own (see
    docs/results/levers.md).

    Args:
        mu: `[N, Z]`, the posterior means of the training windows.
        sigma: `[N, Z]`, their standard deviations.
        components: how many.
        seed: of the clustering.

    Raises:
        ConfigError: fewer windows than components.
        MissingExtraError: scikit-learn is not installed.
    """
    if not 1 <= components <= len(mu):
        raise ConfigError(
            f"a prior of {components} components cannot be fitted to {len(mu)} windows",
            remedy=f"1 to {len(mu)}, far fewer than there are windows",
        )
    try:
        from sklearn.cluster import KMeans
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "fitting the prior") from None
    mean, variance = mu.astype(np.float64), sigma.astype(np.float64) ** 2
    clusters = KMeans(components, n_init=1, max_iter=50, random_state=seed).fit(mean)
    centres, owner = clusters.cluster_centers_, clusters.labels_
    apart = mean - centres[owner]
    covariance = apart.T @ apart / len(mean) + np.diag(variance.mean(0))
    return Prior(
        (np.bincount(owner, minlength=components) / len(mean)).astype(np.float32),
        centres.astype(np.float32),
        np.linalg.cholesky(covariance)[None].astype(np.float32),
    )


def fit_part(prior: Prior, mu: FloatArray, inside: npt.NDArray[np.bool_]) -> Fitted:
    """What `Prior.narrowed` needs to know of a part of the training windows.

    The aggregated posterior of the part is the prior's own mixture, its components weighted anew
    and moved together, so that its mean is the part's. Both are drawn towards those of the whole
    data, as if `PRUDENCE` windows of that were in the part: windows of one take overlap, and a
    hundred of them may come from two takes. It takes K + Z numbers a part. Held-out
    posteriors are likelier so than by the whole prior. A Gaussian of the part's own, whose Z²
    numbers are shrunk towards the whole, makes them likelier still: by up to half a nat at their
    means and 1.5 at draws of them (see docs/parts.md).

    Args:
        prior: fitted to the whole training data.
        mu: `[N, Z]`, the posterior means of all training windows.
        inside: `[N]`, which of them are in the part.
    """
    chosen = mu[inside].astype(np.float64)
    share = responsibilities(prior, chosen)
    n = len(chosen)
    weights = (share.sum(0) + PRUDENCE * prior.weights) / (n + PRUDENCE)
    shift = (chosen - share @ prior.means.astype(np.float64)).sum(0) / (n + PRUDENCE)
    return (weights / weights.sum()).astype(np.float32), shift.astype(np.float32)


def responsibilities(prior: Prior, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The probability that each of `z` `[N, Z]` is from each component of `prior`: `[N, K]`."""
    logs = log_densities(prior, z) + np.log(prior.weights.astype(np.float64))
    chances = np.exp(logs - logs.max(1, keepdims=True))
    return np.asarray(chances / chances.sum(1, keepdims=True))


def log_densities(prior: Prior, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The log-density of each of `z` `[N, Z]` under each component of `prior`: `[N, K]`."""
    means, factors = prior.means.astype(np.float64), prior.factors.astype(np.float64)
    shared = len(factors) == 1
    logs = np.empty((len(z), len(means)))
    for k, factor in enumerate(factors):
        chosen = slice(None) if shared else slice(k, k + 1)
        here, there = (np.linalg.solve(factor, side.T).T for side in (z, means[chosen]))
        # |a - b|² = |a|² - 2·a·b + |b|²: one matrix product instead of N·K differences.
        squares = (here**2).sum(1)[:, None] - 2 * here @ there.T + (there**2).sum(1)
        volume = np.log(np.diag(factor)).sum() + 0.5 * means.shape[1] * np.log(2 * np.pi)
        logs[:, chosen] = -0.5 * squares - volume
    return logs
