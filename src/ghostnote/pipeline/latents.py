"""Grooves as points of a latent space, and points as grooves: what its verbs share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError
from ghostnote.latent import uniforms, valid_seed
from ghostnote.music.groove import Groove, steps_per_bar
from ghostnote.music.tasks import Given, Mixture
from ghostnote.pipeline.windows import windows_of
from ghostnote.runtime import AT_ONCE, FloatArray, Runtime, from_x


class Encoded(NamedTuple):
    """The `N` windows of a groove as a model knows them.

    Attributes:
        x: `[N, T, 3V]`, the windows themselves.
        mu: `[N, Z]`, the means of their posteriors.
        sigma: `[N, Z]`, their standard deviations.
        controls: `[N, T, K]`, what the model is told besides; None where there is nothing.
    """

    x: FloatArray
    mu: FloatArray
    sigma: FloatArray
    controls: FloatArray | None

    @property
    def bits(self) -> tuple[float, ...]:
        """Of each window, what its z says that a draw of N(0, I) does not."""
        mu, sigma = self.mu.astype(np.float64), self.sigma.astype(np.float64)
        nats = 0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma)
        return tuple((nats.sum(-1) / np.log(2)).tolist())


def encode(groove: Groove, runtime: Runtime, *, seed: int = 0) -> Encoded:
    """`groove` through the encoder, window by window; the last is filled up with silence.

    A model with a task is given what its task leaves; one of several tasks, the whole.

    Raises:
        GrooveError: `groove` is in another meter.
        ConfigError: `seed` is out of range.
    """
    bundle = runtime.bundle
    x = windows_of(groove, bundle)
    controls = plain_controls(bundle, len(x))
    if controls is None:
        given = bundle.task.apply(x, np.random.default_rng(valid_seed(seed)))
    else:
        given = Given(x, controls)
    return Encoded(x, *runtime.encode(given.x, given.controls), given.controls)


def plain_controls(bundle: Bundle, n: int) -> FloatArray | None:
    """What tells a model of several tasks that nothing is hidden, `[n, T, K]`; None for others."""
    if not isinstance(bundle.task, Mixture):
        return None
    told = bundle.task.told(np.zeros(n, np.int64), bundle.steps)
    return np.asarray(told, np.float32)


def noise_of(bundle: Bundle, seed: int, n: int) -> FloatArray:
    """The noise of a groove's windows, `[n, T, V, 3]`: that of window i is that of (seed, i)."""
    cells = (bundle.steps, bundle.voices, 3)
    count = int(np.prod(cells))
    return np.stack([uniforms(seed, index, count).reshape(cells) for index in range(n)])


def decode(
    runtime: Runtime,
    z: FloatArray,
    noise: FloatArray,
    temperature: float,
    controls: FloatArray | None = None,
) -> FloatArray:
    """`M` versions of a groove of `N` windows, all from the same noise.

    Args:
        runtime: of the model.
        z: `[M, N, Z]`.
        noise: `[N, T, V, 3]`.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it.
        controls: `[N, T, K]`, for a model that takes them.

    Returns:
        `x` `[M, N, T, 3V]`.

    Raises:
        ConfigError: `temperature` is out of range.
    """
    n = z.shape[1]
    at_once = max(1, AT_ONCE // n)
    parts = []
    for start in range(0, len(z), at_once):
        some = z[start : start + at_once]
        again = (len(some), 1, 1)
        x = runtime.decode(
            some.reshape(-1, z.shape[-1]),
            np.tile(noise, (*again, 1)),
            temperature,
            controls=None if controls is None else np.tile(controls, again),
        )
        parts.append(x.reshape(len(some), n, *x.shape[1:]))
    return np.concatenate(parts)


def joined(x: FloatArray, bundle: Bundle, *, bars: int, bpm: float) -> Groove:
    """The windows `[N, T, 3V]` of a groove one after another, without what filled them up."""
    whole = x.reshape(1, -1, x.shape[-1])[:, : bars * steps_per_bar(bundle.meter)]
    return from_x(whole, bundle, bpm=bpm)[0]


def in_range(value: float, name: str) -> float:
    """`value`, if it is in [0, 1].

    Raises:
        ConfigError: it is not.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} {value:g} is not in 0 to 1")
    return float(value)
