"""What a musician does with the latent space, on `Groove` values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import DEFAULT, Bundle, load_bundle
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.latent import uniforms
from ghostnote.music.groove import Groove, concatenate
from ghostnote.runtime import FloatArray, Runtime, fingerprints, from_x, to_x

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
    model: str | Bundle | Runtime = DEFAULT,
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
    runtime = _runtime(model)
    bundle = runtime.bundle
    heat = bundle.temperature if temperature is None else temperature
    grooves: list[Groove] = []
    for first in range(start, start + n, _AT_ONCE):
        indices = range(first, min(first + _AT_ONCE, start + n))
        x, _ = draw_windows(runtime, seed, indices, heat)
        grooves += from_x(x, bundle, bpm=bundle.bpm if bpm is None else bpm)
    return grooves


@dataclass(frozen=True)
class Reconstruction:
    """A groove after its journey through a model, and what became of its hits.

    Attributes:
        groove: as long as the one that was sent.
        bits: of each window, what its z says that a draw of N(0, I) does not.
        kept, lost, added: hits of both, of the one that was sent alone, of this one alone.
        velocity_error: mean absolute difference of velocity over the hits that were kept, of 127.
        offset_error: the same of the offset, in steps.
    """

    groove: Groove
    bits: tuple[float, ...]
    kept: int
    lost: int
    added: int
    velocity_error: float
    offset_error: float


def reconstruct(
    groove: Groove,
    *,
    model: str | Bundle | Runtime = DEFAULT,
    temperature: float = 0.0,
    seed: int = 0,
) -> Reconstruction:
    """Send `groove` through the encoder and back, window by window, from the posterior's mean.

    A model with a task is given what its task leaves: one that humanises plays the hits anew. A
    last window that is not full is filled up with silence, which is taken off again.

    Args:
        groove: in the model's meter, of any length.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.
        temperature: divides the hit logits; at 0 every cell is the most likely one.
        seed: of what is drawn.

    Raises:
        GrooveError: `groove` is in another meter.
        ConfigError: a number is out of range.
        BundleError: the bundle cannot be loaded.
    """
    runtime = _runtime(model)
    bundle = runtime.bundle
    if groove.meter != bundle.meter:
        raise GrooveError(
            f"is in {groove.meter[0]}/{groove.meter[1]}; {bundle.name} knows "
            f"{bundle.meter[0]}/{bundle.meter[1]} alone",
            remedy="choose a model of that meter",
        )
    n = -(-groove.bars // bundle.bars)
    rest = n * bundle.bars - groove.bars
    silence = [Groove.silent(rest, bpm=groove.bpm, meter=groove.meter)] if rest else []
    whole = concatenate([groove, *silence])
    size = bundle.bars
    windows = to_x([whole[index * size : (index + 1) * size] for index in range(n)], bundle)
    cells = (bundle.steps, bundle.voices, 3)
    noise = np.stack(
        [uniforms(seed, index, int(np.prod(cells))).reshape(cells) for index in range(n)]
    )
    given = bundle.task.apply(windows, np.random.default_rng(seed))
    mu, sigma = runtime.encode(given.x, given.controls)
    x = runtime.decode(mu, noise, temperature, controls=given.controls)
    result = concatenate(from_x(x, bundle, bpm=groove.bpm))[: groove.bars]
    nats = 0.5 * (mu.astype(np.float64) ** 2 + sigma**2 - 1) - np.log(sigma.astype(np.float64))
    both = groove.hits & result.hits
    return Reconstruction(
        groove=result,
        bits=tuple((nats.sum(-1) / np.log(2)).tolist()),
        kept=int(both.sum()),
        lost=int((groove.hits & ~result.hits).sum()),
        added=int((result.hits & ~groove.hits).sum()),
        velocity_error=127 * _error(groove.velocity, result.velocity, both),
        offset_error=_error(groove.offset, result.offset, both),
    )


def _error(one: FloatArray, other: FloatArray, where: npt.NDArray[np.bool_]) -> float:
    return float(np.abs(one - other)[where].mean()) if where.any() else 0.0


def _runtime(model: str | Bundle | Runtime) -> Runtime:
    if isinstance(model, Runtime):
        return model
    return Runtime(model if isinstance(model, Bundle) else load_bundle(model))


def draw_windows(
    runtime: Runtime, seed: int, indices: Sequence[int], temperature: float
) -> tuple[FloatArray, int]:
    """The draws `indices` of `seed` as windows `[B, T, 3V]`, and how many were drawn again.

    A window with the very hits of a training window is drawn again, from further on in the random
    numbers of its (seed, index): nobody should be handed a drummer's own four bars for new ones.
    """
    x = runtime.decode(*draws(runtime.bundle, seed, indices), temperature)
    copies = _copies(runtime.bundle, x)
    drawn_again = len(copies)
    for attempt in range(1, _ATTEMPTS):
        if not len(copies):
            break
        again = [indices[row] for row in copies]
        inputs = draws(runtime.bundle, seed, again, attempt=attempt)
        x[copies] = runtime.decode(*inputs, temperature)
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
