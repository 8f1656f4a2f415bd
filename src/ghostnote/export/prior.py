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
    """Fit `components` full-covariance Gaussians to posteriors N(μ, σ²).

    The means are clustered by EM; a component's covariance is that of its means plus the mean of
    its posteriors' own variances, which makes the mixture's moments those of the aggregated
    posterior. With one component it is exactly moment matching.

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
        from sklearn.mixture import GaussianMixture
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "fitting the prior") from None
    mean, variance = mu.astype(np.float64), sigma.astype(np.float64) ** 2
    mixture = GaussianMixture(
        components, covariance_type="full", reg_covar=1e-3, random_state=seed, max_iter=100
    )
    share = np.ones((len(mean), 1))
    if components > 1:
        share = mixture.fit(mean).predict_proba(mean)
    weight = share.sum(0)
    centres = (share.T @ mean) / weight[:, None]
    factors = []
    for k, centre in enumerate(centres):
        apart = mean - centre
        covariance = (share[:, k, None] * apart).T @ apart / weight[k]
        covariance += np.diag(share[:, k] @ variance / weight[k])
        factors.append(np.linalg.cholesky(covariance))
    return Prior(
        (weight / weight.sum()).astype(np.float32),
        centres.astype(np.float32),
        np.stack(factors).astype(np.float32),
    )


def fit_part(prior: Prior, mu: FloatArray, inside: npt.NDArray[np.bool_]) -> Fitted:
    """What `Prior.narrowed` needs to know of a part of the training windows.

    The aggregated posterior of the part is the prior's own mixture, its components weighted anew
    and moved together, so that its mean is the part's. Both are drawn towards those of the whole
    data, as if `PRUDENCE` windows of that were in the part: windows of one take overlap, and a
    hundred of them may come from two takes. On held-out windows that is likelier than a Gaussian
    of the part's own, however its covariance is shrunk (see docs/parts.md), and it takes K + Z
    numbers a part.

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
    logs = []
    for mean, factor in zip(prior.means, prior.factors.astype(np.float64), strict=True):
        apart = np.linalg.solve(factor, (z - mean).T)
        volume = np.log(np.diag(factor)).sum() + 0.5 * len(mean) * np.log(2 * np.pi)
        logs.append(-0.5 * (apart**2).sum(0) - volume)
    return np.stack(logs, axis=1)
