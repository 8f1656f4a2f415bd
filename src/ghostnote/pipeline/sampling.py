"""New grooves out of a model's prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import ANY, Bundle
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.latent import Prior, slerp, uniforms
from ghostnote.music.groove import Groove, valid_bpm
from ghostnote.pipeline.latents import encode, in_range, plain_controls
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.runtime import AT_ONCE, FloatArray, Runtime, fingerprints, from_x

_ATTEMPTS = 32
"""After so many copies of training windows, one is given after all: the model knows no other."""


def sample(
    n: int = 1,
    *,
    seed: int = 0,
    start: int = 0,
    temperature: float | None = None,
    bpm: float | None = None,
    near: Groove | None = None,
    radius: float = 0.5,
    style: str | None = None,
    beat_type: str | None = None,
    model: Model = DEFAULT,
) -> list[Groove]:
    """`n` new grooves out of the model's prior, or of that of a part of its training data.

    None has the very hits of a training window. Groove `i` of a seed is a function of (seed, i)
    alone: ``sample(8, seed=1)[5]`` is ``sample(1, seed=1, start=5)[0]``.

    With `near`, z goes from that groove towards a draw, on the sphere, `radius` of the way: 0
    stays at the groove, 1 is the draw itself.

    Args:
        n: how many.
        seed: which random numbers.
        start: the index of the first one.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            under 1 is safer, above 1 wilder, 0 the most likely groove of each z. The bundle's own
            by default.
        bpm: the tempo, and z is drawn like the grooves of the training data that are about as
            fast, where the bundle knows them. By default the tempo of `near` or else the bundle's
            own, and z like all of them.
        near: a groove of no more bars than the model's; what is drawn is as long.
        radius: from 0 to 1.
        style: a style of the training data, see `Bundle.parts`; ``any`` is all of them.
        beat_type: ``beat`` or ``fill``.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Raises:
        ConfigError: a number is out of range, or there is no such style or beat type.
        GrooveError: `bpm` is, or `near` is too long or in another meter.
        BundleError: the bundle cannot be loaded, or does not know the parts of its training data.
    """
    if n < 1:
        raise ConfigError(f"{n} loops cannot be sampled", remedy="ask for 1 or more")
    runtime = runtime_of(model)
    bundle = runtime.bundle
    heat = bundle.temperature if temperature is None else temperature
    tempo = valid_bpm((bundle.bpm if near is None else near.bpm) if bpm is None else bpm)
    prior = bundle.prior
    # A bundle that knows no parts can play at a tempo, but not in a style.
    if style is not None or beat_type is not None or (bpm is not None and bundle.parts):
        prior = bundle.prior_of(style=style or ANY, beat_type=beat_type, bpm=bpm)
    source = Source(prior, controls=plain_controls(bundle, 1))
    if near is not None:
        source = _around(near, in_range(radius, "radius"), prior, runtime, seed)
    bars = bundle.bars if near is None else near.bars
    grooves: list[Groove] = []
    for first in range(start, start + n, AT_ONCE):
        indices = range(first, min(first + AT_ONCE, start + n))
        x, _ = draw_windows(runtime, seed, indices, heat, source)
        grooves += from_x(x, bundle, bpm=tempo)
    return grooves if bars == bundle.bars else [groove[:bars] for groove in grooves]


@dataclass(frozen=True, eq=False)
class Source:
    """Where z is drawn from, and what the model is told besides.

    Attributes:
        prior: what a draw is.
        centre: `[Z]`, from where it is gone towards the draw; None to go all the way.
        radius: how much of the way is gone, from 0 to 1.
        controls: `[1, T, K]`, for a model that takes them.
        carry: what is done at last with a z `[Z]`.
    """

    prior: Prior
    centre: FloatArray | None = None
    radius: float = 1.0
    controls: FloatArray | None = None
    carry: Callable[[FloatArray], FloatArray] | None = None

    def draw(self, uniform: FloatArray) -> FloatArray:
        """One z `[Z]` from `prior.n_uniforms` uniform numbers."""
        z = self.prior.draw(uniform)
        if self.centre is not None:
            z = slerp(self.centre, z, self.radius)
        return z if self.carry is None else self.carry(z)


def _around(near: Groove, radius: float, prior: Prior, runtime: Runtime, seed: int) -> Source:
    bundle = runtime.bundle
    if near.bars > bundle.bars:
        raise GrooveError(
            f"is {near.bars} bars long; {bundle.name} draws {bundle.bars}",
            remedy=f"give {bundle.bars} bars of it, such as groove[:{bundle.bars}]",
        )
    encoded = encode(near, runtime, seed=seed)
    return Source(prior, encoded.mu[0], radius, encoded.controls)


def draw_windows(
    runtime: Runtime,
    seed: int,
    indices: Sequence[int],
    temperature: float,
    source: Source | None = None,
    *,
    shift: npt.NDArray[np.float32] | None = None,
) -> tuple[FloatArray, int]:
    """The draws `indices` of `seed` as windows `[B, T, 3V]`, and how many were drawn again.

    A window with the very hits of a training window is drawn again, from further on in the random
    numbers of its (seed, index): nobody should be handed a drummer's own four bars for new ones.
    A `shift` `[Z]` is added to every z.
    """
    moved = np.float32(0) if shift is None else shift
    drawn_from = source or Source(runtime.bundle.prior)

    def draw(chosen: Sequence[int], attempt: int) -> FloatArray:
        z, noise = draws(runtime.bundle, seed, chosen, attempt=attempt, source=drawn_from)
        told = drawn_from.controls
        controls = None if told is None else np.repeat(told, len(z), axis=0)
        return runtime.decode(z + moved, noise, temperature, controls=controls)

    x = draw(indices, 0)
    copies = _copies(runtime.bundle, x)
    drawn_again = len(copies)
    for attempt in range(1, _ATTEMPTS):
        if not len(copies):
            break
        x[copies] = draw([indices[row] for row in copies], attempt)
        copies = copies[_copies(runtime.bundle, x[copies])]
    return x, drawn_again


def draws(
    bundle: Bundle,
    seed: int,
    indices: Sequence[int],
    *,
    attempt: int = 0,
    source: Source | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Latents `[B, Z]` and noise `[B, T, V, 3]` of the draws `indices` of `seed`.

    z is from `source`, by default the bundle's prior.
    """
    drawn_from = source or Source(bundle.prior)
    for_z, cells = bundle.prior.n_uniforms, (bundle.steps, bundle.voices, 3)
    count = for_z + int(np.prod(cells))
    numbers = [uniforms(seed, index, count, attempt=attempt) for index in indices]
    z = np.stack([drawn_from.draw(draw[:for_z]) for draw in numbers])
    return z, np.stack([draw[for_z:].reshape(cells) for draw in numbers])


def _copies(bundle: Bundle, x: FloatArray) -> npt.NDArray[np.intp]:
    """The rows of `x` whose hits are those of a training window."""
    known = bundle.training_fingerprints
    if not len(known):
        return np.zeros(0, np.intp)
    ours = fingerprints(x[..., : bundle.voices] > 0.5)
    place = np.minimum(np.searchsorted(known, ours), len(known) - 1)
    return np.flatnonzero(known[place] == ours)
