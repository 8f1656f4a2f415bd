"""Our models against golden vectors of the original implementation.

    python benchmarks/golden_parity.py FOLDER…

Each folder holds a TensorFlow checkpoint, `golden.npz` and `meta.json`, as made by running the
original. Printed is, for every quantity, the largest difference relative to the largest number of
the array; what is past 1e-5 is marked, and makes the exit code 1. The deterministic decode has to
have the very same hits or symbols, step by step. `kl_cost` is what is left of a KL after its free
bits, the difference of two nearly equal numbers: its error is relative to the KL.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.distributions import Normal

from ghostnote.errors import GhostnoteError
from ghostnote.interop.classes import described
from ghostnote.interop.configs import Shapes, model_config, sized
from ghostnote.interop.variables import to_state, to_variables
from ghostnote.interop.weights import read_weights
from ghostnote.model.config import CategoricalConfig, ModelConfig, SquaredErrorConfig, SymbolsConfig
from ghostnote.model.heads.groove import SquaredErrorGroove
from ghostnote.model.heads.step import PLAIN_VELOCITY
from ghostnote.model.lstm import State
from ghostnote.model.vae import GrooveVAE, kl_from_prior, shift
from ghostnote.train.config import ObjectiveConfig, from_table
from ghostnote.train.loop import clip, learning_rate, optimiser_of, set_rates
from ghostnote.train.objective import NATS_PER_BIT, beta
from ghostnote.train.presets import preset

LIMIT = 1e-5
"""The largest relative error of a port that is right, in float32."""

GIVEN = {"lengths", "varlen/lengths", "controls", "eps", "train/eps", "z_fixed"}
"""Arrays that are no results."""

_UNUSABLE = (OSError, KeyError, ValueError, zipfile.BadZipFile, GhostnoteError, RuntimeError)
"""What a folder leads to that is no golden set; the last from arrays of shapes that do not fit."""

Array = npt.NDArray[Any]
Errors = Iterator[tuple[str, float]]


def relative(ours: Tensor | Array | float, theirs: Array, *, more: float = 0.0) -> float:
    """The largest difference, relative to the largest number of `theirs`, and `more`.

    Infinite where shapes differ, or one has something that is no number.
    """
    values = ours.detach().numpy() if isinstance(ours, Tensor) else np.asarray(ours)
    if values.shape != theirs.shape:
        return math.inf
    difference = float(np.abs(values.astype(np.float64) - theirs.astype(np.float64)).max(initial=0))
    largest = float(np.abs(theirs.astype(np.float64)).max(initial=0)) + more
    error = difference / largest if largest else difference
    return error if math.isfinite(error) else math.inf


def config_of(meta: Mapping[str, Any], shapes: Shapes) -> ModelConfig:
    """What the model of a set is: `meta` has our own table of it, or the original's classes, or
    the name of one of its configurations.
    """
    if "model" in meta:
        return sized(from_table(ModelConfig, meta["model"]), shapes)
    if "decoder" in meta:
        return described(meta, shapes)
    return sized(model_config(meta["config"]), shapes)


class Reconstruction(NamedTuple):
    """A teacher-forced pass: parameters `[B, T, P]`, state at the end, and nats `[B]`."""

    params: Tensor
    state: State
    loss: Tensor


class Terms(NamedTuple):
    """The posterior, z drawn from it, its KL and what is left of that, in nats `[B]`, and the
    loss.
    """

    posterior: Normal
    z: Tensor
    kl: Tensor
    over: Tensor
    reconstruction: Reconstruction
    total: Tensor


class Golden:
    """A folder of golden vectors, and our model with its weights."""

    def __init__(self, folder: Path) -> None:
        self.meta = json.loads((folder / "meta.json").read_text("utf-8"))
        with (folder / "golden.npz").open("rb") as packed, np.load(packed) as file:
            self.arrays: dict[str, Array] = {name: file[name] for name in file.files}
        self.compared = set(GIVEN)
        variables = {
            name: torch.from_numpy(value)
            for name, value in read_weights(folder / "model.ckpt").tensors.items()
            if name != "global_step"
        }
        shapes = {name: tuple(value.shape) for name, value in variables.items()}
        self.config = config_of(self.meta, shapes)
        self.model = GrooveVAE(self.config).eval()
        self.model.load_state_dict(to_state(self.config, variables))
        hparams = self.meta["hparams"]
        self.objective = ObjectiveConfig(
            beta=hparams["max_beta"],
            beta_rate=hparams["beta_rate"],
            free_bits=self.meta.get("free_bits_used", hparams["free_bits"]),
        )
        self.optimiser = replace(
            preset("groovae_4bar").run.optimiser,  # all of the original's optimise alike
            learning_rate=hparams["learning_rate"],
            clip=hparams["grad_clip"],
            skip_above=hparams["grad_norm_clip_to_zero"],
        )
        self.target = _x(self.config, self.tensor("outputs"))
        self.seen = _x(self.config, self.tensor("inputs"), observed=True)
        self.controls = self.tensor("controls") if "controls" in self.arrays else None

    def tensor(self, name: str) -> Tensor:
        """A golden array as a tensor."""
        return torch.from_numpy(self.arrays[name])

    def errors(self) -> Errors:
        """Every quantity of the set that ours has too, with its relative error."""
        head = self.model.decoder.head
        yield from self._against("inputs", head.observe(self.seen))
        yield from self._against("outputs", head.feedback(self.target))
        with torch.no_grad():
            yield from self._window("eval", "lengths", 0)
            yield from self._window("eval1000", "lengths", 1000)
            yield from self._window("varlen", "varlen/lengths", 0)
            if "z_fixed" in self.arrays:
                z, lengths = self.tensor("z_fixed"), self._lengths("lengths")
                yield from self._decoder("zfix", self._reconstruction(z, lengths), lengths)
                yield from self._sample(z)
        yield from self._training()

    def _against(self, name: str, ours: Tensor | float, *, more: float = 0.0) -> Errors:
        """The error of `ours`, where the set has such an array."""
        for theirs in self._their(name):
            yield name, relative(ours, theirs, more=more)

    def _their(self, name: str) -> Iterator[Array]:
        """The array of that name, where the set has one."""
        if name in self.arrays:
            self.compared.add(name)
            yield self.arrays[name]

    def _reached(self, name: str, ours: Tensor, lengths: Tensor | None) -> Tensor:
        """What our decoder gives for each step, `[B, T, ...]`, as far as the original goes.

        Past the longest of a batch it has no steps in a segment, or zeros.
        """
        theirs = self.arrays.get(name)
        if lengths is None or theirs is None or theirs.shape[1] == ours.shape[1]:
            return ours
        return ours[:, self._inside(lengths.amax(0, keepdim=True))[0] > 0]

    def _lengths(self, name: str) -> Tensor | None:
        """Lengths `[B]` or `[B, segments]`, None where no window ends early."""
        lengths = self.tensor(name).long()
        return None if bool(self._inside(lengths).all()) else lengths

    def _inside(self, lengths: Tensor) -> Tensor:
        """1 for the steps `[B, T]` before the end of their window, or of their segment."""
        ends = lengths if lengths.ndim == 2 else lengths[:, None]
        steps = torch.arange(self.config.steps // ends.shape[1])
        return (steps < ends[..., None]).flatten(1).float()

    def _window(self, prefix: str, lengths_name: str, step: int) -> Errors:
        """Posterior, reconstruction and loss at a training step."""
        if f"{prefix}/loss" not in self.arrays:
            return
        model, lengths = self.model, self._lengths(lengths_name)
        told = model.decoder.head.observe(self.seen)
        if self.controls is not None:
            told = torch.cat([told, self.controls], -1)
        summary = model.encoder.summary(told, lengths)
        yield from self._against(f"{prefix}/encoder_output", summary)
        terms = self._loss(self.tensor("eps"), step, lengths)
        yield from self._against(f"{prefix}/mu", terms.posterior.mean)
        yield from self._against(f"{prefix}/sigma", terms.posterior.stddev)
        yield from self._against(f"{prefix}/z", terms.z)
        yield from self._against(f"{prefix}/kl_bits", terms.kl / NATS_PER_BIT)
        yield from self._decoder(prefix, terms.reconstruction, lengths)
        yield from self._against(f"{prefix}/loss", terms.total)
        yield from self._against(f"{prefix}/kl_cost", terms.over, more=self._free_nats)
        yield from self._against(f"{prefix}/beta", beta(self.objective, step))

    def _decoder(self, prefix: str, ours: Reconstruction, lengths: Tensor | None) -> Errors:
        head = self.model.decoder.head
        each = {"rnn_output": ours.params, "rnn_input": shift(head.feedback(self.target))}
        steps = head(ours.params)
        if isinstance(steps, SquaredErrorGroove):
            names = ("hits", "velocities", "offsets")
            parts = steps.parts(self.target)
            each |= {f"{name}_loss": -part.sum(-1) for name, part in zip(names, parts, strict=True)}
            activated = (steps.hit_logits.sigmoid(), steps.velocity, -2 * steps.offset)
            each |= {f"act_{name}": value for name, value in zip(names, activated, strict=True)}
        for name, value in each.items():
            key = f"{prefix}/{name}"
            yield from self._against(key, self._reached(key, value, lengths))
        yield from self._against(f"{prefix}/final_state", ours.state.flat())
        yield from self._against(f"{prefix}/r_loss", ours.loss)

    def _reconstruction(self, z: Tensor, lengths: Tensor | None) -> Reconstruction:
        """What the decoder makes of `z`, fed with the targets."""
        decoder = self.model.decoder
        previous = shift(decoder.head.feedback(self.target))
        params, state = decoder.follow(z, previous, self.controls, lengths)
        loss = -decoder.head(params).parts(self.target).total()
        if lengths is not None:
            loss = loss * self._inside(lengths)
        return Reconstruction(params, state, loss.sum(-1))

    def _loss(self, eps: Tensor, step: int, lengths: Tensor | None) -> Terms:
        posterior = self.model.encode(self.seen, self.controls, lengths)
        z = posterior.mean + posterior.stddev * eps
        reconstruction = self._reconstruction(z, lengths)
        kl = kl_from_prior(posterior).sum(-1)
        over = (kl - self._free_nats).clamp_min(0)
        total = reconstruction.loss.mean() + beta(self.objective, step) * over.mean()
        return Terms(posterior, z, kl, over, reconstruction, total)

    @property
    def _free_nats(self) -> float:
        return self.objective.free_bits * NATS_PER_BIT

    def _sample(self, z: Tensor) -> Errors:
        if "sample/samples" not in self.arrays:
            return
        head, theirs = self.model.decoder.head, self.tensor("sample/samples")
        controls = self.controls
        if controls is not None:  # the original has one sequence of controls for all
            controls = controls[:1].expand_as(controls)
        noise = torch.full((len(z), self.config.steps, head.cells, 3), 0.5)
        end = self._end(theirs)
        drawn = self.model.decoder.unroll(z, noise, 0.0, controls=controls, end=end)
        lengths = None if end is None else drawn.lengths
        outputs = self._reached("sample/samples", head.feedback(drawn.outputs), lengths)
        n = self.config.voices if isinstance(self.config.head, SquaredErrorConfig) else None
        same = outputs.shape == theirs.shape and torch.equal(outputs[..., :n], theirs[..., :n])
        yield "sample: hits or symbols", 0.0 if same else math.inf
        yield from self._against("sample/samples", outputs)
        params = self._reached("sample/rnn_output", drawn.params, lengths)
        yield from self._against("sample/rnn_output", params)
        yield from self._against("sample/final_state", drawn.state.flat())

    def _end(self, samples: Tensor) -> int | None:
        """The symbol that ends segments in a decode, where it ends any: the last of the alphabet.

        What follows an end is filled up with zeros, or missing.
        """
        if not isinstance(self.config.head, SymbolsConfig):
            return None
        whole = samples.shape[1] == self.config.steps and bool(samples.any(-1).all())
        return None if whole else self.config.head.sizes[0] - 1

    def _training(self) -> Errors:
        if "train/loss" not in self.arrays:
            return
        model, lengths = self.model, self._lengths("lengths")
        optimiser = optimiser_of(model, self.optimiser)
        start = to_variables(self.config, model.state_dict())
        worst: dict[str, float] = {}
        count = len(self.arrays["train/loss"])

        def against(name: str, ours: Tensor | float, theirs: Array, more: float = 0.0) -> None:
            worst[name] = max(worst.get(name, 0.0), relative(ours, theirs, more=more))

        for step in range(count):
            terms = self._loss(self.tensor("train/eps")[step], step, lengths)
            optimiser.zero_grad()
            terms.total.backward()  # type: ignore[no-untyped-call]
            grads = self._gradients()
            set_rates(optimiser, self.optimiser, step, count)
            norm = clip(model, self.optimiser)
            optimiser.step()
            found: dict[str, Tensor | float] = {
                "loss": terms.total,
                "r_loss_mean": terms.reconstruction.loss.mean(),
                "kl_cost_mean": terms.over.mean(),
                "global_norm": norm,
                "beta": beta(self.objective, step),
                "lr": learning_rate(self.optimiser, step, count),
                "grad_norms": torch.stack(
                    [grads[name].norm() for name in self.meta["trainable_variables"]]
                ),
            }
            for name, value in found.items():
                for theirs in self._their(f"train/{name}"):
                    more = self._free_nats if name == "kl_cost_mean" else 0.0
                    against(f"train/{name}", value, np.asarray(theirs[step]), more)
            for name, grad in grads.items():
                for theirs in self._their(f"train/grad_step{step}/{name}"):
                    against(f"train/grad_step{step}", grad, theirs)
        for name, value in to_variables(self.config, model.state_dict()).items():
            for theirs in self._their(f"train/after{count}/{name}"):
                against(f"train/after{count}", value, theirs)
                moved = value - start[name]
                against(f"(train/after{count} − before)", moved, theirs - start[name].numpy())
        yield from worst.items()

    def _gradients(self) -> dict[str, Tensor]:
        """The gradient of every variable of the original."""
        grads = {
            name: torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
            for name, weight in self.model.named_parameters()
        }
        return to_variables(self.config, grads, forget_bias=0.0)


def _x(config: ModelConfig, vectors: Tensor, *, observed: bool = False) -> Tensor:
    """The original's inputs or outputs `[B, T, D]` as our models take them, `[B, T, X]`."""
    if isinstance(config.head, SymbolsConfig):
        return vectors
    voices = config.voices
    if isinstance(config.head, SquaredErrorConfig):
        hits, velocity, offset = vectors.chunk(3, -1)
        return torch.cat([hits, velocity, -0.5 * offset], -1)
    if isinstance(config.head, CategoricalConfig) and not observed:
        hits = (vectors.argmax(-1)[..., None] >> torch.arange(voices) & 1).float()
    else:
        hits = vectors[..., :voices]
    return torch.cat([hits, hits * PLAIN_VELOCITY, torch.zeros_like(hits)], -1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    failed = 0
    for folder in arguments.folders:
        print(f"\n{folder.name}")
        try:
            golden = Golden(folder)
            errors = list(golden.errors())
        except _UNUSABLE as reason:
            print(f"  cannot be compared: {' '.join(str(reason).split())}")
            failed += 1
            continue
        for name, error in errors:
            # How far Adam moved divides by differences of nearly equal numbers: told, not judged.
            past = not error <= LIMIT and not name.startswith("(")
            failed += past
            print(f"  {name:28} {error:9.2e}{'   PAST THE LIMIT' if past else ''}")
        if rest := sorted(golden.arrays.keys() - golden.compared):
            print(f"  not compared: {', '.join(rest)}")
    print(f"\n{failed or 'no'} quantities are past {LIMIT:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
