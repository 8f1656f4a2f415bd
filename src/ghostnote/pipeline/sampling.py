"""New grooves out of a model's prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError
from ghostnote.latent import uniforms
from ghostnote.music.groove import Groove
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.runtime import FloatArray, Runtime, fingerprints, from_x

_ATTEMPTS = 32
"""After so many copies of training windows, one is given after all: the model knows no other."""

_AT_ONCE = 1024
"""Loops whose noise is held in memory at one time."""


def sample(
    n: int = 1,
    *,
    seed: int = 0,
    start: int = 0,
    temperature: float | None = None,
    bpm: float | None = None,
    model: Model = DEFAULT,
) -> list[Groove]:
    """`n` new grooves out of the model's prior.

    None has the very hits of a training window. Groove `i` of a seed is a function of (seed, i)
    alone: ``sample(8, seed=1)[5]`` is ``sample(1, seed=1, start=5)[0]``.

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
    runtime = runtime_of(model)
    bundle = runtime.bundle
    heat = bundle.temperature if temperature is None else temperature
    grooves: list[Groove] = []
    for first in range(start, start + n, _AT_ONCE):
        indices = range(first, min(first + _AT_ONCE, start + n))
        x, _ = draw_windows(runtime, seed, indices, heat)
        grooves += from_x(x, bundle, bpm=bundle.bpm if bpm is None else bpm)
    return grooves


def draw_windows(
    runtime: Runtime,
    seed: int,
    indices: Sequence[int],
    temperature: float,
    *,
    shift: npt.NDArray[np.float32] | None = None,
) -> tuple[FloatArray, int]:
    """The draws `indices` of `seed` as windows `[B, T, 3V]`, and how many were drawn again.

    A window with the very hits of a training window is drawn again, from further on in the random
    numbers of its (seed, index): nobody should be handed a drummer's own four bars for new ones.
    A `shift` `[Z]` is added to every z.
    """
    moved = np.zeros(runtime.bundle.latent, np.float32) if shift is None else shift
    z, noise = draws(runtime.bundle, seed, indices)
    x = runtime.decode(z + moved, noise, temperature)
    copies = _copies(runtime.bundle, x)
    drawn_again = len(copies)
    for attempt in range(1, _ATTEMPTS):
        if not len(copies):
            break
        again = [indices[row] for row in copies]
        z, noise = draws(runtime.bundle, seed, again, attempt=attempt)
        x[copies] = runtime.decode(z + moved, noise, temperature)
        copies = copies[_copies(runtime.bundle, x[copies])]
    return x, drawn_again


def draws(
    bundle: Bundle, seed: int, indices: Sequence[int], *, attempt: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Latents `[B, Z]` and noise `[B, T, V, 3]` of the draws `indices` of `seed`."""
    for_z, cells = bundle.prior.n_uniforms, (bundle.steps, bundle.voices, 3)
    count = for_z + int(np.prod(cells))
    numbers = [uniforms(seed, index, count, attempt=attempt) for index in indices]
    z = np.stack([bundle.prior.draw(draw[:for_z]) for draw in numbers])
    return z, np.stack([draw[for_z:].reshape(cells) for draw in numbers])


def _copies(bundle: Bundle, x: FloatArray) -> npt.NDArray[np.intp]:
    """The rows of `x` whose hits are those of a training window."""
    known = bundle.training_fingerprints
    if not len(known):
        return np.zeros(0, np.intp)
    ours = fingerprints(x[..., : bundle.voices] > 0.5)
    place = np.minimum(np.searchsorted(known, ours), len(known) - 1)
    return np.flatnonzero(known[place] == ours)
