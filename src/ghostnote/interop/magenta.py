"""The original's checkpoints as model bundles, and our models as folders for magenta.js."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from ghostnote import __version__
from ghostnote.bundle import FORMAT, LATENT, WEIGHTS, Bundle
from ghostnote.errors import ConfigError, WeightsError
from ghostnote.export.bundle import commit, graphs, save_latent, write_bundle
from ghostnote.interop.configs import model_config, recognise, sized
from ghostnote.interop.magentajs import (
    FULL,
    JAVASCRIPT_CONFIGS,
    REDUCED,
    Converter,
    javascript_config,
    write_folder,
)
from ghostnote.interop.variables import to_state, to_variables
from ghostnote.interop.weights import Weights
from ghostnote.latent import Prior
from ghostnote.model.config import (
    BidirectionalConfig,
    CategoricalConfig,
    FlatConfig,
    ModelConfig,
    NadeConfig,
    SquaredErrorConfig,
    SymbolsConfig,
)
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.tasks import HitsControl, Humanize, Identity, Tap, Task
from ghostnote.train.config import to_table
from ghostnote.train.presets import PRESETS, preset

TEMPERATURE: Final = 0.5
"""The temperature that the original's own programs sample at."""

BPM: Final = 120.0
"""The tempo that the original writes everything at."""

_STEP: Final = "global_step"
_OF_TRAINING: Final = re.compile(r"(.*/Adam(_1)?|beta[12]_power|global_step)")
"""Variables that only training needs: Adam's two slots, its powers, and the step."""


def import_magenta(
    weights: Weights,
    target: Path,
    *,
    configuration: str | None = None,
    overwrite: bool = False,
) -> Bundle:
    """Write the bundle of the original's `weights` to the folder `target`, all of it or nothing.

    The weights stay float32, as they are: the bundle computes what the original computed. z is
    drawn from N(0, I), as there. A model of melodies gets no graphs, since it writes no drums.

    Args:
        weights: see `read_weights`.
        target: a folder that does not exist, or, with `overwrite`, may be replaced.
        configuration: the original's name of what was trained; found out by default.
        overwrite: replace `target`.

    Raises:
        WeightsError: the variables are not those of the configuration, or a number is not finite;
            or, without `configuration`, they are those of none or of several.
        ConfigError: the original has no such configuration.
        OutputError: `target` exists or cannot be written.
    """
    try:
        name, model = _model(weights, configuration)
    except WeightsError as error:
        raise error.at(weights.source) from None
    config = model.config
    files = {WEIGHTS: save_tensors(model.state_dict())}
    if not isinstance(config.head, SymbolsConfig):
        files |= {
            LATENT: save_latent(_standard_normal(config.latent), np.zeros(0, np.uint64)),
            **graphs(model),
        }
    step = weights.tensors.get(_STEP)
    description = {
        "format": FORMAT,
        "name": name,
        "model": to_table(config),
        "meter": list(config.signature),
        "task": to_table(_task(name)),
        "parameters": model.n_parameters,
        "sampling": {"temperature": TEMPERATURE, "components": 0, "bpm": BPM},
        "origin": {
            "kind": weights.kind,
            "source": weights.source.name,
            "configuration": name,
            "step": None if step is None else int(step),
            "ghostnote": __version__,
            "commit": commit(),
        },
        "scores": {},
        "files": {key: hashlib.sha256(content).hexdigest() for key, content in files.items()},
    }
    write_bundle(target, description, files, overwrite=overwrite)
    return Bundle(target, description)


def _model(weights: Weights, configuration: str | None) -> tuple[str, GrooveVAE]:
    """The name of the configuration, and the model with the weights."""
    variables = {
        name: value for name, value in weights.tensors.items() if not _OF_TRAINING.fullmatch(name)
    }
    shapes = {name: value.shape for name, value in variables.items()}
    # The folder too: checkpoints are called model.ckpt more often than not.
    hint = "/".join(weights.source.absolute().parts[-2:])
    name = configuration or _described(weights) or recognise(shapes, hint)
    config = sized(model_config(name), shapes)
    model = GrooveVAE(config).eval()
    model.load_state_dict(to_state(config, {key: _float(key, variables[key]) for key in shapes}))
    return name, model


def _described(weights: Weights) -> str | None:
    """The configuration that the `config.json` of magenta.js tells of a groove model, if one."""
    converter = (weights.config or {}).get("dataConverter")
    if not isinstance(converter, dict) or converter.get("type") != "GrooveConverter":
        return None
    told = converter.get("args")
    if not isinstance(told, dict):
        return None
    keys = ("numSteps", "humanize", "tapify")
    fitting = [
        name
        for name, config in JAVASCRIPT_CONFIGS.items()
        if config["dataConverter"]["type"] == "GrooveConverter"
        and not any(told.get(key, 0) != config["dataConverter"]["args"].get(key, 0) for key in keys)
        and bool((weights.config or {}).get("extraControls")) == ("extraControls" in config)
        and told.get("numSteps") == config["dataConverter"]["args"]["numSteps"]
    ]
    return fitting[0] if len(fitting) == 1 else None


def _float(name: str, value: npt.NDArray[Any]) -> Tensor:
    if value.dtype.kind != "f":
        raise WeightsError(f"{name} is of {value.dtype}, not of floating-point numbers")
    if not np.isfinite(value).all():
        raise WeightsError(
            f"{name} has numbers that are not finite",
            remedy="take a checkpoint from before the training went wrong",
        )
    return torch.from_numpy(np.ascontiguousarray(value, np.float32))


def _task(name: str) -> Task:
    known = {alias for found in PRESETS.values() for alias in found.aliases}
    return preset(name).run.task if name in known else Identity()


def _standard_normal(size: int) -> Prior:
    one = np.ones(1, np.float32)
    return Prior(one, np.zeros((1, size), np.float32), np.eye(size, dtype=np.float32)[None])


def export_magentajs(
    model: GrooveVAE, task: Task, target: Path, *, overwrite: bool = False
) -> Mapping[str, Any]:
    """Write `model` to the folder `target` as magenta.js loads it; the folder's `config.json`.

    Raises:
        ConfigError: magenta.js has no such model.
        OutputError: `target` exists or cannot be written.
    """
    description = _javascript(model.config, task)
    variables = to_variables(model.config, model.state_dict())
    arrays = {name: value.detach().cpu().numpy() for name, value in variables.items()}
    write_folder(target, description, arrays, overwrite=overwrite)
    return description


def _javascript(config: ModelConfig, task: Task) -> dict[str, Any]:
    plain = (
        config.encoder == BidirectionalConfig(size=config.encoder.size)
        and isinstance(config.decoder, FlatConfig)
        and not config.controls_size
        and config.voices in (len(REDUCED), len(FULL))
    )
    converters: dict[type, Converter] = {
        SquaredErrorConfig: "GrooveConverter",
        CategoricalConfig: "DrumsConverter",
        NadeConfig: "DrumRollConverter",
    }
    converter = converters.get(type(config.head))
    if not plain or converter is None or config.signature != (4, 4):
        raise ConfigError(
            "magenta.js has no such model",
            remedy="it has drum models in 4/4 with one bidirectional encoder layer, a flat decoder "
            "and the original's heads, such as groove-4bar-flat or drums-2bar-small",
        )
    settings = {}
    if converter == "GrooveConverter":
        settings = {"humanize": isinstance(task, Humanize), "tapify": isinstance(task, Tap)}
    return javascript_config(
        converter,
        steps=config.steps,
        pitches=REDUCED if config.voices == len(REDUCED) else FULL,
        controls={"hits": config.controls} if isinstance(task, HitsControl) else {},
        **{key: value for key, value in settings.items() if value},
    )
