"""Writing a model bundle from a run; see `ghostnote.bundle` for what is in one."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save as save_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ghostnote import __version__
from ghostnote.bundle import (
    CARD,
    CONFIG,
    DECODER,
    ENCODER,
    FORMAT,
    LATENT,
    LATENT_TENSORS,
    PART_TENSORS,
    SCORER,
    WEIGHTS,
    Bundle,
)
from ghostnote.data.bars import Bars, to_x
from ghostnote.data.windows import Windows
from ghostnote.directions import PREFIX, Direction, to_tensors
from ghostnote.errors import ConfigError, OutputError, TrainingError
from ghostnote.evaluate.takes import takes_of
from ghostnote.export.attributes import FEWEST, has_attributes, learned, with_tensors
from ghostnote.export.calibration import timing_slope, widen
from ghostnote.export.card import card
from ghostnote.export.graph import decoder_graph, encoder_graph, scorer_graph
from ghostnote.export.parts import parts_of
from ghostnote.export.prior import Fitted, fit_part, fit_prior
from ghostnote.files import atomic_folder, write_bytes
from ghostnote.latent import Prior
from ghostnote.model.config import LikelihoodConfig, ModelConfig
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.tasks import NOTHING_HIDDEN, Humanize, Task
from ghostnote.runtime import Runtime, fingerprints
from ghostnote.train.checkpoint import Checkpoint
from ghostnote.train.config import RunConfig, from_table, to_table, update


def build_model(checkpoint: Checkpoint, *, shared: Mapping[str, float] | None = None) -> GrooveVAE:
    """The model of a checkpoint as it is shipped: averaged weights, rounded to float16.

    Rounded once and for all, torch and every other runtime compute with the same numbers.

    Args:
        checkpoint: of a run.
        shared: what of a draw the hits of a voice share, in the place of what the run's settings
            say: numbers of `LikelihoodConfig` by name.

    Raises:
        ConfigError: the model's head draws no velocities, or a number is out of range.
    """
    config = from_table(RunConfig, checkpoint.config).model
    if shared:
        if not isinstance(config.head, LikelihoodConfig):
            option = next(iter(shared)).replace("_", "-")
            raise ConfigError(
                f"a model with the head {config.head.kind} draws no velocities to be shared",
                remedy=f"leave --{option} away, or train with model.head.kind=likelihood",
            )
        config = update(config, {"head": shared})
    model = GrooveVAE(config)
    model.load_state_dict({name: w.half().float() for name, w in checkpoint.average.items()})
    return model.eval()


@torch.no_grad()
def posteriors(
    model: GrooveVAE, bars: Bars, *, task: Task = NOTHING_HIDDEN, batch: int = 512
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.float32]]]:
    """μ and σ of the posterior of every window, each `[W, Z]`, of what `task` leaves of it.

    What a task hides at random is the same in every call.
    """
    random = np.random.default_rng(0)
    normals = []
    for chosen in np.array_split(np.arange(len(bars)), -(-len(bars) // batch)):
        given = task.apply(to_x(bars.cells(bars.bars_of(chosen))), random)
        told = None if given.controls is None else torch.from_numpy(given.controls)
        normals.append(model.encode(torch.from_numpy(given.x), told))
    mu, sigma = (
        torch.cat([getattr(normal, name) for normal in normals]) for name in ("mean", "stddev")
    )
    return mu.numpy(), sigma.numpy()


def export_bundle(
    checkpoint: Checkpoint,
    training: Windows,
    target: Path,
    *,
    name: str | None = None,
    components: int = 1,
    temperature: float = 1.0,
    shared: Mapping[str, float] | None = None,
    held_out: Windows | None = None,
    overwrite: bool = False,
) -> Bundle:
    """Write the bundle of `checkpoint` to the folder `target`, all of it or nothing.

    Args:
        checkpoint: a run's best checkpoint.
        training: the windows that it was trained on, for the prior and the median tempo.
        target: a folder that does not exist, or, with `overwrite`, may be replaced.
        name: what the model is called; the preset's name by default.
        components: Gaussians in the prior.
        temperature: at which the model is sampled by default.
        shared: see `build_model`.
        held_out: the windows that it is calibrated on, see `ghostnote.export.calibration`; by
            default it is not calibrated.
        overwrite: replace `target`.

    Raises:
        OutputError: `target` exists or cannot be written.
        TrainingError: `training` is not what the model was trained on.
        ConfigError: it cannot be calibrated, or draws no velocities that could be shared.
    """
    bars = Bars.of(training)
    if bars.digest() != checkpoint.data:
        raise TrainingError(
            "the run was trained on other windows than these",
            source=training.corpus.name,
            remedy="name the corpus that it was trained on with --data",
        )
    run = from_table(RunConfig, checkpoint.config)
    model = build_model(checkpoint, shared=shared)
    widened = None if held_out is None else widen(model, Bars.of(held_out), task=run.task)
    mu, sigma = posteriors(model, bars, task=run.task)
    prior = rounded(fit_prior(mu, sigma, components=components, seed=run.seed))
    parts = parts_of(training)
    fitted = [fit_part(prior, mu, inside) for _, inside in parts]
    latent = save_latent(prior, fingerprints(_hits(bars)), fitted)
    directions = _directions(model, run.task, bars, mu, sigma)
    files = {
        WEIGHTS: save_tensors(lossless(model.state_dict())),
        LATENT: with_tensors(latent, to_tensors(directions), instead_of=PREFIX),
        **graphs(model),
    }
    config: dict[str, Any] = {
        "format": FORMAT,
        "name": name or run.name,
        "model": to_table(model.config),
        "meter": list(run.model.signature),
        "task": to_table(run.task),
        "parameters": model.n_parameters,
        "sampling": {
            "temperature": temperature,
            "components": components,
            "bpm": float(np.median(training.bpm)),
        },
        "calibration": None if held_out is None else {"windows": len(held_out), "widened": widened},
        "parts": [part._asdict() for part, _ in parts],
        "training": {
            "data": training.corpus.name,
            "windows": len(bars),
            "digest": checkpoint.data,
            "run": checkpoint.config,
            "steps": checkpoint.step,
            "seconds": round(checkpoint.seconds),
            "machine": checkpoint.machine,
            "ghostnote": __version__,
            "commit": commit(),
        },
        "attributes": [direction.name for direction in directions],
        "scores": {},
        "files": {key: hashlib.sha256(content).hexdigest() for key, content in files.items()},
    }
    write_bundle(target, config, files, overwrite=overwrite)
    bundle = Bundle(target, config)
    if held_out is not None and isinstance(run.task, Humanize):
        # What the finished model plays decides it.
        takes = takes_of(held_out.corpus, "validation", run.model.signature)
        config["sampling"]["timing"] = round(timing_slope(Runtime(bundle), takes), 4)
        write_description(target, config)
    return bundle


def _directions(
    model: GrooveVAE,
    task: Task,
    bars: Bars,
    mu: npt.NDArray[np.float32],
    sigma: npt.NDArray[np.float32],
) -> list[Direction]:
    """The directions of the attributes; none of a model that can have none, or of few windows."""
    if not has_attributes(to_table(model.config), task) or len(bars) < FEWEST:
        return []
    x = to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))
    return learned(model, x, mu, sigma, model.config.signature)


def complete_bundle(
    bundle: Bundle, training: Windows, target: Path, *, overwrite: bool = False
) -> Bundle:
    """Write `bundle` to the folder `target` with all that a bundle of this version has.

    Its weights, prior, fingerprints and scores stay; its graphs, the parts of its training data and
    the directions of its attributes are made again.

    Raises:
        OutputError: `target` exists or cannot be written.
        TrainingError: `training` is not what the model was trained on.
        BundleError: a file of the bundle is missing or damaged.
    """
    bars = Bars.of(training)
    if bars.digest() != bundle.config.get("training", {}).get("digest"):
        raise TrainingError(
            "the bundle's model was trained on other windows than these",
            source=training.corpus.name,
            remedy="name the corpus that it was trained on with --data",
        )
    model, prior = load_model(bundle), bundle.prior
    mu, sigma = posteriors(model, bars, task=bundle.task)
    parts = parts_of(training)
    fitted = [fit_part(prior, mu, inside) for _, inside in parts]
    directions = _directions(model, bundle.task, bars, mu, sigma)
    latent = save_latent(prior, bundle.training_fingerprints, fitted)
    files = {
        WEIGHTS: bundle.read(WEIGHTS),
        LATENT: with_tensors(latent, to_tensors(directions), instead_of=PREFIX),
        **graphs(model),
    }
    config = {
        **bundle.config,
        "parts": [part._asdict() for part, _ in parts],
        "attributes": [direction.name for direction in directions],
        "files": {key: hashlib.sha256(content).hexdigest() for key, content in files.items()},
    }
    write_bundle(target, config, files, overwrite=overwrite)
    return Bundle(target, config)


def graphs(model: GrooveVAE) -> dict[str, bytes]:
    """The graphs of `model` as files: encoder, decoder and, where its head has one, scorer."""
    made = {ENCODER: encoder_graph(model), DECODER: decoder_graph(model)}
    scorer = scorer_graph(model)
    if scorer is not None:
        made[SCORER] = scorer
    return {name: graph.SerializeToString() for name, graph in made.items()}


def lossless(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` with float16 in place of float32 wherever that changes no number."""
    halves = {key: value.half().contiguous() for key, value in state.items()}
    return {
        key: half if torch.equal(half.float(), state[key]) else state[key].contiguous()
        for key, half in halves.items()
    }


def write_bundle(
    target: Path, config: Mapping[str, Any], files: Mapping[str, bytes], *, overwrite: bool
) -> None:
    """Write a bundle's files to a folder beside `target`, and put that in its place.

    Raises:
        OutputError: `target` exists, and may not be replaced or is no bundle; or it cannot be
            written.
    """
    if target.exists() and not overwrite:
        raise OutputError("exists already", source=target, remedy="use --force to replace it")
    if target.exists() and not (target / CONFIG).is_file():
        raise OutputError("exists and is no bundle", source=target, remedy="use another folder")
    with atomic_folder(target) as folder:
        for file, content in files.items():
            write_bytes(folder / file, content)
        write_description(folder, config)


def write_description(folder: Path, config: Mapping[str, Any]) -> None:
    """Write `config.json` and the card that tells the same to people."""
    write_bytes(folder / CONFIG, json.dumps(config, indent=1).encode() + b"\n")
    write_bytes(folder / CARD, card(config).encode())


def rounded(prior: Prior) -> Prior:
    """`prior` as it is stored: three digits are more than a fitted prior has, so in float16."""
    stored = (array.astype(np.float16) for array in (prior.weights, prior.means, prior.factors))
    return Prior(*(array.astype(np.float32) for array in stored))


def save_latent(
    prior: Prior, fingerprints: npt.NDArray[np.uint64], parts: Sequence[Fitted] = ()
) -> bytes:
    """`latent.safetensors`, its floating-point numbers as float16."""
    halves = (array.astype(np.float16) for array in (prior.weights, prior.means, prior.factors))
    arrays: list[npt.NDArray[Any]] = [*halves, np.unique(fingerprints)]
    tensors = dict(zip(LATENT_TENSORS, arrays, strict=True))
    if parts:
        both = (np.stack(side).astype(np.float16) for side in zip(*parts, strict=True))
        tensors |= zip(PART_TENSORS, both, strict=True)
    return save_arrays(tensors)


def load_model(bundle: Bundle) -> GrooveVAE:
    """The torch model of a bundle, to judge it or to train on from it.

    Raises:
        BundleError: the weights are missing or damaged.
        ConfigError: the model's description is not understood.
    """
    model = GrooveVAE(from_table(ModelConfig, bundle.config["model"]))
    weights = load_tensors(bundle.read(WEIGHTS))
    model.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return model.eval()


def _hits(bars: Bars) -> npt.NDArray[np.bool_]:
    velocity, _ = bars.cells(bars.bars_of(np.arange(len(bars))))
    return velocity > 0


def commit() -> str:
    """The commit of the checkout that this runs from, where it is one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
