"""A groove through a model and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.music.groove import Groove
from ghostnote.pipeline.latents import decode, encode, joined, noise_of
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.runtime import FloatArray


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
    model: Model = DEFAULT,
    temperature: float = 0.0,
    seed: int = 0,
) -> Reconstruction:
    """Send `groove` through the encoder and back, window by window, from the posterior's mean.

    A model with a task is given what its task leaves: one that humanises plays the hits anew. A
    last window that is not full is filled up with silence, which is taken off again.

    Args:
        groove: in the model's meter, of any length.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            at 0 every cell is the most likely one.
        seed: of what is drawn.

    Raises:
        GrooveError: `groove` is in another meter.
        ConfigError: a number is out of range.
        BundleError: the bundle cannot be loaded.
    """
    runtime = runtime_of(model)
    bundle = runtime.bundle
    encoded = encode(groove, runtime, seed=seed)
    noise = noise_of(bundle, seed, len(encoded.mu))
    (x,) = decode(runtime, encoded.mu[None], noise, temperature, encoded.controls)
    result = joined(x, bundle, bars=groove.bars, bpm=groove.bpm)
    both = groove.hits & result.hits
    return Reconstruction(
        groove=result,
        bits=encoded.bits,
        kept=int(both.sum()),
        lost=int((groove.hits & ~result.hits).sum()),
        added=int((result.hits & ~groove.hits).sum()),
        velocity_error=127 * _error(groove.velocity, result.velocity, both),
        offset_error=_error(groove.offset, result.offset, both),
    )


def _error(one: FloatArray, other: FloatArray, where: npt.NDArray[np.bool_]) -> float:
    return float(np.abs(one - other)[where].mean()) if where.any() else 0.0
