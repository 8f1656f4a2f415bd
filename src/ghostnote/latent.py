"""The latent space: the random numbers that a seed stands for, and the prior to draw z from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError

FloatArray = npt.NDArray[np.float32]

_SEEDS = 2**63


def uniforms(seed: int, index: int, n: int, *, attempt: int = 0) -> FloatArray:
    """The first `n` numbers, uniform in (0, 1), of draw `index` of `seed`: float32 `[n]`.

    A draw is a function of its arguments alone, whatever is drawn beside it. The bits are those
    of the counter-based generator Philox-4x64-10 with key (seed, index) (Salmon et al. 2011), from
    the counter (0, 0, 0, attempt) on, so that any runtime can make the same numbers; 23 bits of
    each half word are used, which float32 holds exactly and which never give 0 or 1.

    Raises:
        ConfigError: `seed` or `index` is not in [0, 2⁶³).
    """
    for name, value in (("seed", seed), ("index", index)):
        if not 0 <= value < _SEEDS:
            raise ConfigError(f"{name} {value} is not in 0 to 2^63 - 1")
    key, counter = np.array([seed, index], np.uint64), np.array([0, 0, 0, attempt], np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw((n + 1) // 2)
    halves = np.stack([words & np.uint64(0xFFFFFFFF), words >> np.uint64(32)], axis=-1)
    bits = (halves.reshape(-1)[:n] >> np.uint64(9)).astype(np.float64)
    return ((bits + 0.5) * 2.0**-23).astype(np.float32)


def normals(uniform: FloatArray) -> FloatArray:
    """Standard normal numbers out of an even number of uniform ones (Box and Muller 1958)."""
    first, second = uniform.astype(np.float64).reshape(2, -1)
    radius = np.sqrt(-2 * np.log(first))
    angle = 2 * np.pi * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Prior:
    """Where z is drawn from: a mixture of `K` Gaussians fitted to the aggregated posterior.

    The posteriors of real grooves fill only a part of N(0, I), the prior that training assumes;
    draws from where they are decode to more plausible grooves.

    Attributes:
        weights: `[K]`, summing to 1.
        means: `[K, Z]`.
        factors: `[K, Z, Z]`, lower triangular; a component's covariance is L·Lᵀ.
    """

    weights: FloatArray
    means: FloatArray
    factors: FloatArray

    @property
    def n_uniforms(self) -> int:
        """How many uniform numbers one draw uses."""
        size = int(self.means.shape[1])
        return 1 + size + size % 2

    def draw(self, uniform: FloatArray) -> FloatArray:
        """One z `[Z]` from `n_uniforms` uniform numbers: the first one chooses the component."""
        ends = np.cumsum(self.weights, dtype=np.float64)
        chosen = min(int(np.searchsorted(ends, uniform[0] * ends[-1])), len(ends) - 1)
        normal = normals(uniform[1:])[: self.means.shape[1]].astype(np.float64)
        z = self.means[chosen] + self.factors[chosen].astype(np.float64) @ normal
        return np.asarray(z, np.float32)
