"""The prior of a bundle: a mixture of Gaussians fitted to the aggregated posterior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, MissingExtraError
from ghostnote.latent import Prior

FloatArray = npt.NDArray[np.float32]


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
