"""What a musician does with the latent space, on `Groove` values."""

from __future__ import annotations

import numpy as np

from ghostnote.bundle import DEFAULT, Bundle, load_bundle
from ghostnote.errors import ConfigError
from ghostnote.latent import uniforms
from ghostnote.music.groove import Groove
from ghostnote.music.kit import N_VOICES
from ghostnote.runtime import Runtime, from_x

_AT_ONCE = 1024
"""Loops whose noise is held in memory at one time."""


def sample(
    n: int = 1,
    *,
    seed: int = 0,
    start: int = 0,
    temperature: float | None = None,
    bpm: float | None = None,
    model: str | Bundle | Runtime = DEFAULT,
) -> list[Groove]:
    """`n` new grooves out of the model's prior.

    Groove `i` of a seed is a function of (seed, i) alone: ``sample(8, seed=1)[5]`` is
    ``sample(1, seed=1, start=5)[0]``.

    Args:
        n: how many.
        seed: which random numbers.
        start: the index of the first one.
        temperature: divides the hit logits; under 1 is safer, above 1 wilder, 0 the most likely
            groove of each z. The bundle's own by default.
        bpm: the tempo; the bundle's own by default. The model plays alike at any tempo.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Raises:
        ConfigError: a number is out of range.
        GrooveError: `bpm` is.
        BundleError: the bundle cannot be loaded.
    """
    if n < 1:
        raise ConfigError(f"{n} loops cannot be sampled", remedy="ask for 1 or more")
    runtime = (
        model
        if isinstance(model, Runtime)
        else Runtime(model if isinstance(model, Bundle) else load_bundle(model))
    )
    bundle = runtime.bundle
    heat = bundle.temperature if temperature is None else temperature
    grooves: list[Groove] = []
    for first in range(start, start + n, _AT_ONCE):
        indices = range(first, min(first + _AT_ONCE, start + n))
        z, noise = draws(bundle, seed, indices)
        x = runtime.decode(z, noise, heat)
        grooves += from_x(x, bundle, bpm=bundle.bpm if bpm is None else bpm)
    return grooves


def draws(
    bundle: Bundle, seed: int, indices: range
) -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.float32]]:
    """Latents `[B, Z]` and noise `[B, T, V, 3]` of the draws `indices` of `seed`."""
    for_z, cells = bundle.prior.n_uniforms, (bundle.steps, N_VOICES, 3)
    numbers = [uniforms(seed, index, for_z + int(np.prod(cells))) for index in indices]
    z = np.stack([bundle.prior.draw(draw[:for_z]) for draw in numbers])
    return z, np.stack([draw[for_z:].reshape(cells) for draw in numbers])
