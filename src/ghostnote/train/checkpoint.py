"""Checkpoints: one safetensors file with everything that a run needs to go on. Never pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ghostnote.errors import TrainingError
from ghostnote.files import write_bytes

VERSION = 1
"""Raised when a checkpoint of the version before can no longer be read."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after `step` steps.

    `model` and `average` are state dicts; `moments` are the optimiser's, by parameter name.
    `best` is the best validation so far with its `best_step`, `config` the run's table, `data`
    identifies the training windows, `seconds` is the wall time spent so far, and `machine` says in
    words what it was spent on.
    """

    step: int
    config: Mapping[str, Any]
    data: str
    model: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    first_moments: Mapping[str, Tensor]
    second_moments: Mapping[str, Tensor]
    best: float
    best_step: int
    seconds: float
    history: Sequence[Mapping[str, Any]]
    machine: str = ""


_GROUPS = ("model", "average", "first_moments", "second_moments")


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `path` atomically.

    Raises:
        OutputError: it cannot be written.
    """
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous()
        for group in _GROUPS
        for name, tensor in getattr(checkpoint, group).items()
    }
    metadata = {
        "version": VERSION,
        "step": checkpoint.step,
        "config": checkpoint.config,
        "data": checkpoint.data,
        "best": checkpoint.best,
        "best_step": checkpoint.best_step,
        "seconds": checkpoint.seconds,
        "history": checkpoint.history,
        "machine": checkpoint.machine,
    }
    write_bytes(path, save(tensors, {"ghostnote": json.dumps(metadata)}))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        TrainingError: no such file, damaged, no checkpoint of ours, or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {})["ghostnote"])
            names: list[str] = list(file.keys())
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in names}
        version = metadata["version"]
        if version == VERSION:
            return _checkpoint(metadata, tensors)
    except FileNotFoundError:
        raise TrainingError("no such checkpoint", source=path) from None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"is no whole checkpoint: {error}",
            source=path,
            remedy="delete it and resume from the other one, or start again",
        ) from error
    raise TrainingError(
        f"is a checkpoint of version {version}; this ghostnote reads {VERSION}",
        source=path,
        remedy="go on with the ghostnote that wrote it, or start again",
    )


def _checkpoint(metadata: dict[str, Any], tensors: Mapping[str, Tensor]) -> Checkpoint:
    groups: dict[str, dict[str, Tensor]] = {group: {} for group in _GROUPS}
    for key, tensor in tensors.items():
        group, _, name = key.partition("/")
        groups[group][name] = tensor
    values: dict[str, Any] = {name: metadata[name] for name in metadata if name != "version"}
    return Checkpoint(**values, **cast("dict[str, Any]", groups))


def moments_of(
    optimiser: torch.optim.AdamW, names: Mapping[Tensor, str], key: str
) -> dict[str, Tensor]:
    """One kind of moment (``exp_avg`` or ``exp_avg_sq``) of every parameter, by its name."""
    return {
        names[parameter]: optimiser.state[parameter].get(key, torch.zeros_like(parameter))
        for group in optimiser.param_groups
        for parameter in group["params"]
    }


def restore_moments(
    optimiser: torch.optim.AdamW, names: Mapping[Tensor, str], checkpoint: Checkpoint
) -> None:
    """Put the checkpoint's moments and step count back into `optimiser`."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            name = names[parameter]
            optimiser.state[parameter] = {
                "step": torch.tensor(float(checkpoint.step), device=parameter.device),
                "exp_avg": checkpoint.first_moments[name].to(parameter.device),
                "exp_avg_sq": checkpoint.second_moments[name].to(parameter.device),
            }
