"""Variations of a groove, from subtle to far."""

from __future__ import annotations

import numpy as np

from ghostnote.errors import ConfigError
from ghostnote.latent import slerp, uniforms
from ghostnote.music.groove import Groove
from ghostnote.pipeline.latents import decode, encode, in_range, joined, noise_of
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of

_GOALS = 2**32
"""Where in a seed's random numbers the goals are, far from those that sampling uses."""


def vary(
    groove: Groove,
    n: int = 4,
    *,
    distance: float = 0.5,
    temperature: float = 0.0,
    seed: int = 0,
    model: Model = DEFAULT,
) -> list[Groove]:
    """`n` variations of `groove`, from subtle to far.

    Each goes from the mean of the groove's posterior towards a draw of the prior of its own, on the
    sphere: one goes `distance` of the way, the others evenly less. A distance of 0 is the
    reconstruction, as `reconstruct` gives it, and 1 is another groove. As equal ways change a
    groove by more or by less, they are sorted by what is heard: by how many hits are other than
    the groove's, and by the way gone where as many are.

    All windows of a variation go the same way, and all variations have the same noise: at
    temperature 0, what repeats from window to window in a groove repeats in its variations.

    Args:
        groove: in the model's meter, of any length.
        n: how many.
        distance: how far the farthest goes, from 0 to 1.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            at 0 every cell is the most likely one.
        seed: which ways are gone, and what is drawn.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Raises:
        GrooveError: `groove` is in another meter.
        ConfigError: a number is out of range.
        BundleError: the bundle cannot be loaded.
    """
    if n < 1:
        raise ConfigError(f"{n} variations", remedy="ask for 1 or more")
    distances = in_range(distance, "distance") * np.arange(1, n + 1) / n
    runtime = runtime_of(model)
    bundle = runtime.bundle
    encoded = encode(groove, runtime, seed=seed)
    prior = bundle.prior
    goals = np.stack(
        [prior.draw(uniforms(seed, i, prior.n_uniforms, attempt=_GOALS)) for i in range(n)]
    )
    z = slerp(encoded.mu, goals[:, None], distances[:, None])
    noise = noise_of(bundle, seed, len(encoded.mu))
    x = decode(runtime, z, noise, temperature, encoded.controls)
    varied = (joined(one, bundle, bars=groove.bars, bpm=groove.bpm) for one in x)
    return sorted(varied, key=lambda other: int((other.hits != groove.hits).sum()))
