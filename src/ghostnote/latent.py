"""The latent space: what a seed stands for, the prior to draw z from, and the way between two."""

from __future__ import annotations

from collections.abc import Sequence
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
    valid_seed(seed)
    valid_seed(index, "index")
    key, counter = np.array([seed, index], np.uint64), np.array([0, 0, 0, attempt], np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw((n + 1) // 2)
    halves = np.stack([words & np.uint64(0xFFFFFFFF), words >> np.uint64(32)], axis=-1)
    bits = (halves.reshape(-1)[:n] >> np.uint64(9)).astype(np.float64)
    return ((bits + 0.5) * 2.0**-23).astype(np.float32)


def valid_seed(seed: int, name: str = "seed") -> int:
    """`seed`, if it is one.

    Raises:
        ConfigError: it is not in [0, 2⁶³).
    """
    if not 0 <= seed < _SEEDS:
        raise ConfigError(f"{name} {seed} is not in 0 to 2^63 - 1")
    return seed


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
        factors: `[K, Z, Z]`, lower triangular; a component's covariance is L·Lᵀ. `[1, Z, Z]` where
            all components share one.
    """

    weights: FloatArray
    means: FloatArray
    factors: FloatArray

    @property
    def n_uniforms(self) -> int:
        """How many uniform numbers one draw uses."""
        size = int(self.means.shape[1])
        return 1 + size + size % 2

    def narrowed(self, parts: Sequence[tuple[FloatArray, FloatArray]]) -> Prior:
        """The prior of what is in all of several parts of the training data.

        A part is its share of each component, `[K]`, and how far its posteriors lie from the
        components' centres on average, `[Z]`. Given z's component, being in one part is taken to
        say nothing of being in another: shares relative to the prior's multiply, shifts add up.
        """
        weights, shift = self.weights.astype(np.float64), np.zeros(self.means.shape[1])
        for share, apart in parts:
            weights = weights * share / self.weights
            shift = shift + apart
        return Prior(
            (weights / weights.sum()).astype(np.float32),
            (self.means + shift).astype(np.float32),
            self.factors,
        )

    def draw(self, uniform: FloatArray) -> FloatArray:
        """One z `[Z]` from `n_uniforms` uniform numbers: the first one chooses the component."""
        ends = np.cumsum(self.weights, dtype=np.float64)
        chosen = min(int(np.searchsorted(ends, uniform[0] * ends[-1])), len(ends) - 1)
        normal = normals(uniform[1:])[: self.means.shape[1]].astype(np.float64)
        factor = self.factors[min(chosen, len(self.factors) - 1)].astype(np.float64)
        z = self.means[chosen] + factor @ normal
        return np.asarray(z, np.float32)


def slerp(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> FloatArray:
    """The point at `t` on the way from `a` to `b` on the sphere (Shoemake 1985), `[…, Z]`.

    The direction turns at an even rate, and the length goes evenly from that of `a` to that of
    `b`: in many dimensions a straight line would pass where no z of the prior is. The ends are
    exact, and so is what lies between equal points. ``slerp(b, a, 1 - t)`` is the same to the bit
    where 1 - t is exact, as it is for `shares`.

    Opposite vectors have many shortest ways: the one through the axis that is the most nearly at
    right angles to them is taken. A zero vector has no direction: it takes that of the other.

    Args:
        a: `[…, Z]`, the end at 0.
        b: `[…, Z]`, the end at 1.
        t: `[…]`, from 0 to 1.
    """
    start, end = np.asarray(a, np.float64), np.asarray(b, np.float64)
    share = np.asarray(t, np.float64)[..., None]
    start, end, share = np.broadcast_arrays(start, end, share[..., :1])
    share = share[..., :1]
    rest = 1 - share
    lengths = [np.linalg.norm(side, axis=-1, keepdims=True) for side in (start, end)]
    first, last = (
        side / np.where(length > 0, length, 1)
        for side, length in zip((start, end), lengths, strict=True)
    )
    first, last = np.where(lengths[0] > 0, first, last), np.where(lengths[1] > 0, last, first)
    # Half the sum and half the difference are at right angles whatever the angle between the two,
    # so that nothing is divided by the sine of a small one.
    middle, across = first + last, first - last
    wide, deep = (np.linalg.norm(side, axis=-1, keepdims=True) for side in (across, middle))
    across = across / np.where(wide > 0, wide, 1)
    opposite = deep < _OPPOSITE
    middle = np.where(opposite, _aside(across), middle / np.where(opposite, 1, deep))
    angle = np.arctan2(wide, np.where(opposite, 0, deep)) * (rest - share)
    direction = np.cos(angle) * middle + np.sin(angle) * across
    point = (rest * lengths[0] + share * lengths[1]) * direction
    point = np.where((share <= 0) | (start == end).all(-1, keepdims=True), start, point)
    return np.where(share >= 1, end, point).astype(np.float32)


_OPPOSITE = 1e-6
"""Unit vectors whose sum is shorter than this have no way between them that is the shortest."""


def _aside(axis: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A unit vector at right angles to `axis`, the same for -`axis`; 0 where there is none."""
    chosen = np.abs(axis).argmin(-1)[..., None]
    unit = (np.arange(axis.shape[-1]) == chosen).astype(np.float64)
    aside = unit - np.take_along_axis(axis, chosen, -1) * axis
    length = np.linalg.norm(aside, axis=-1, keepdims=True)
    return np.asarray(aside / np.where(length > 0, length, 1))


def shares(n: int) -> npt.NDArray[np.float64]:
    """`n` evenly spaced numbers from 0 to 1, such that number i is 1 minus number n-1-i exactly.

    Raises:
        ConfigError: `n` is less than 2.
    """
    if n < 2:
        raise ConfigError(f"{n} steps from one end to the other", remedy="2 or more, with both")
    late = np.arange(n) / (n - 1)
    return np.where(late < 0.5, 1 - late[::-1], late)
