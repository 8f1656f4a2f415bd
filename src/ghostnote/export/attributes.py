"""The directions of the attributes, learned for a model and put into its bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load, save

from ghostnote.bundle import LATENT, Bundle
from ghostnote.data.bars import Bars, to_x
from ghostnote.data.windows import Windows
from ghostnote.directions import PREFIX, Direction, to_tensors
from ghostnote.errors import ConfigError
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.groove import Meter
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tasks import Identity, Task
from ghostnote.pipeline.attributes import fit_attributes
from ghostnote.runtime import FloatArray, Runtime

FEWEST: Final = 100
"""Training windows, under which a bundle is made without directions: they would be noise."""


def has_attributes(model: Mapping[str, Any], task: Task) -> bool:
    """Whether a model, as its bundle describes it, plays what attributes are measured on.

    That is nine voices with velocity and timing, from all of a groove and nothing else.
    """
    return (
        isinstance(task, Identity)
        and model["voices"] == N_VOICES
        and not model["controls"]
        and model["head"]["kind"] in ("likelihood", "squared-error")
    )


def learned(
    model: GrooveVAE, x: FloatArray, mu: FloatArray, sigma: FloatArray, meter: Meter
) -> list[Direction]:
    """The directions of a torch model, from its training windows `[N, T, 3V]` and posteriors."""
    return fit_attributes(_Torch(model), x, mu, sigma, meter=meter)


class _Torch:
    """A torch model as a `Player`."""

    def __init__(self, model: GrooveVAE) -> None:
        self._model = model

    @torch.no_grad()
    def decode(self, z: FloatArray, noise: FloatArray, temperature: float) -> FloatArray:
        drawn = self._model.decode(torch.from_numpy(z)).sample(torch.from_numpy(noise), temperature)
        return np.asarray(drawn.numpy())

    @torch.no_grad()
    def score(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        hits, velocity, offset = self._model.decode(torch.from_numpy(z)).parts(torch.from_numpy(x))
        return hits.numpy(), velocity.numpy(), offset.numpy()


def add_attributes(bundle: Bundle, training: Windows) -> Bundle:
    """Put the directions of the attributes into `bundle`, in place of those that it may have.

    Args:
        bundle: of a model that `has_attributes`.
        training: the windows that it was trained on.

    Raises:
        ConfigError: the bundle's model does not play what attributes are measured on.
        OutputError: the bundle's folder cannot be written.
    """
    from ghostnote.export.bundle import write_bundle

    if not has_attributes(bundle.config["model"], bundle.task):
        raise ConfigError(
            "has no attributes: its model does not play velocity and timing from a whole groove",
            source=bundle.name,
            remedy="use a model like groove-4bar",
        )
    bars = Bars.of(training)
    x = to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))
    runtime = Runtime(bundle)
    directions = fit_attributes(runtime, x, *runtime.encode(x), meter=bundle.meter)
    files = {name: bundle.read(name) for name in bundle.config["files"]}
    files[LATENT] = with_tensors(files[LATENT], to_tensors(directions), instead_of=PREFIX)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    names = [direction.name for direction in directions]
    config = {**bundle.config, "attributes": names, "files": hashes}
    write_bundle(bundle.path, config, files, overwrite=True)
    return Bundle(bundle.path, config)


def with_tensors(
    content: bytes, tensors: Mapping[str, npt.NDArray[Any]], *, instead_of: str
) -> bytes:
    """A safetensors file with `tensors` in place of all whose names begin with `instead_of`."""
    found = load(content)
    others = {name: array for name, array in found.items() if not name.startswith(instead_of)}
    return save({**others, **tensors})
