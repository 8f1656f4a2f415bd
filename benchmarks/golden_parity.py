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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ghostnote.errors import GhostnoteError
from ghostnote.interop.configs import model_config, sized
from ghostnote.interop.variables import to_state, to_variables
from ghostnote.interop.weights import read_weights
from ghostnote.model.config import CategoricalConfig, ModelConfig, SquaredErrorConfig, SymbolsConfig
from ghostnote.model.heads.groove import SquaredErrorGroove
from ghostnote.model.heads.step import PLAIN_VELOCITY
from ghostnote.model.vae import GrooveVAE, kl_from_prior, shift
from ghostnote.train.config import ObjectiveConfig, OptimiserConfig
from ghostnote.train.loop import clip, learning_rate, optimiser_of, set_rates
from ghostnote.train.objective import NATS_PER_BIT, beta

LIMIT = 1e-5
"""The largest relative error of a port that is right, in float32."""

STEPS = 5
"""Steps of Adam that the golden sets hold."""

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
    return math.inf if math.isnan(error) else error


class Golden:
    """A folder of golden vectors, and our model with its weights."""

    def __init__(self, folder: Path) -> None:
        self.meta = json.loads((folder / "meta.json").read_text("utf-8"))
        with (folder / "golden.npz").open("rb") as packed, np.load(packed) as file:
            self.arrays: dict[str, Array] = {name: file[name] for name in file.files}
        variables = {
            name: torch.from_numpy(value)
            for name, value in read_weights(folder / "model.ckpt").tensors.items()
            if name != "global_step"
        }
        shapes = {name: tuple(value.shape) for name, value in variables.items()}
        self.config = sized(model_config(self.meta["config"]), shapes)
        self.model = GrooveVAE(self.config).eval()
        self.model.load_state_dict(to_state(self.config, variables))
        hparams = self.meta["hparams"]
        self.objective = ObjectiveConfig(
            beta=hparams["max_beta"],
            beta_rate=hparams["beta_rate"],
            free_bits=self.meta.get("free_bits_used", hparams["free_bits"]),
        )
        self.optimiser = OptimiserConfig(
            learning_rate=hparams["learning_rate"],
            schedule="original",
            warmup=0,
            weight_decay=0.0,
            beta2=0.999,
            epsilon="tensorflow",
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
        yield "inputs", relative(head.observe(self.seen), self.arrays["inputs"])
        yield "outputs", relative(head.feedback(self.target), self.arrays["outputs"])
        with torch.no_grad():
            yield from self._posterior("eval", "lengths")
            yield from self._decoder("eval", self.tensor("eval/z"))
            yield from self._decoder("zfix", self.tensor("z_fixed"))
            yield from self._losses()
            yield from self._sample()
            if "varlen/mu" in self.arrays:
                yield from self._posterior("varlen", "varlen/lengths")
                yield from self._shorter()
        yield from self._training()

    def _lengths(self, name: str) -> Tensor | None:
        lengths = self.tensor(name).long()
        return None if bool((lengths == self.config.steps).all()) else lengths

    def _posterior(self, prefix: str, lengths: str) -> Errors:
        model, given = self.model, self._lengths(lengths)
        told = model.decoder.head.observe(self.seen)
        if self.controls is not None:
            told = torch.cat([told, self.controls], -1)
        summary = model.encoder.summary(told, given)
        yield f"{prefix}/encoder_output", self._against(f"{prefix}/encoder_output", summary)
        posterior = model.encode(self.seen, self.controls, given)
        yield f"{prefix}/mu", self._against(f"{prefix}/mu", posterior.mean)
        yield f"{prefix}/sigma", self._against(f"{prefix}/sigma", posterior.stddev)
        bits = kl_from_prior(posterior).sum(-1) / NATS_PER_BIT
        yield f"{prefix}/kl_bits", self._against(f"{prefix}/kl_bits", bits)

    def _against(self, name: str, ours: Tensor | float) -> float:
        return relative(ours, self.arrays[name])

    def _decoder(self, prefix: str, z: Tensor) -> Errors:
        model, head = self.model, self.model.decoder.head
        previous = shift(head.feedback(self.target))
        params, state = model.decoder.follow(z, previous, self.controls)
        yield f"{prefix}/rnn_output", self._against(f"{prefix}/rnn_output", params)
        if f"{prefix}/rnn_input" in self.arrays:
            yield f"{prefix}/rnn_input", self._against(f"{prefix}/rnn_input", previous)
        if f"{prefix}/final_state" in self.arrays:
            yield f"{prefix}/final_state", self._against(f"{prefix}/final_state", state.flat())
        steps = head(params)
        parts = steps.parts(self.target)
        if isinstance(steps, SquaredErrorGroove) and f"{prefix}/hits_loss" in self.arrays:
            terms = zip(("hits", "velocities", "offsets"), parts, strict=True)
            for name, part in terms:
                yield f"{prefix}/{name}_loss", self._against(f"{prefix}/{name}_loss", -part.sum(-1))
            activated = (steps.hit_logits.sigmoid(), steps.velocity, -2 * steps.offset)
            for name, value in zip(("hits", "velocities", "offsets"), activated, strict=True):
                yield f"{prefix}/act_{name}", self._against(f"{prefix}/act_{name}", value)
        loss = -parts.total()
        lengths = self._lengths("lengths")
        if lengths is not None:
            loss = loss * self._inside(lengths)
        yield f"{prefix}/r_loss", self._against(f"{prefix}/r_loss", loss.sum(-1))

    def _inside(self, lengths: Tensor) -> Tensor:
        """1 for the steps `[B, T]` before the end of their window, or of their segment."""
        ends = lengths if lengths.ndim == 2 else lengths[:, None]
        steps = torch.arange(self.config.steps // ends.shape[1])
        return (steps < ends[..., None]).flatten(1).float()

    def _loss(
        self, eps: Tensor, step: int, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, and its two terms of each window, in nats."""
        posterior = self.model.encode(self.seen, self.controls, lengths)
        z = posterior.mean + posterior.stddev * eps
        loss = -self.model.decode(z, self.controls).parts(self.target).total()
        if lengths is not None:
            loss = loss * self._inside(lengths)
        reconstruction = loss.sum(-1)
        kl = kl_from_prior(posterior).sum(-1)
        over = (kl - self._free_nats).clamp_min(0)
        total = reconstruction.mean() + beta(self.objective, step) * over.mean()
        return total, reconstruction, over

    @property
    def _free_nats(self) -> float:
        return self.objective.free_bits * NATS_PER_BIT

    def _losses(self) -> Errors:
        lengths = self._lengths("lengths")
        for prefix, step in (("eval", 0), ("eval1000", 1000)):
            loss, _, over = self._loss(self.tensor("eps"), step, lengths)
            yield f"{prefix}/loss", self._against(f"{prefix}/loss", loss)
            cost = self.arrays[f"{prefix}/kl_cost"]
            yield f"{prefix}/kl_cost", relative(over, cost, more=self._free_nats)
            yield f"{prefix}/beta", self._against(f"{prefix}/beta", beta(self.objective, step))

    def _shorter(self) -> Errors:
        loss, reconstruction, _ = self._loss(
            self.tensor("eps"), 0, self.tensor("varlen/lengths").long()
        )
        yield "varlen/r_loss", self._against("varlen/r_loss", reconstruction)
        yield "varlen/loss", self._against("varlen/loss", loss)

    def _sample(self) -> Errors:
        z, head = self.tensor("z_fixed"), self.model.decoder.head
        controls = self.controls
        if controls is not None:  # the original has one sequence of controls for all
            controls = controls[:1].expand_as(controls)
        noise = torch.full((len(z), self.config.steps, head.cells, 3), 0.5)
        drawn = self.model.decoder.unroll(z, noise, 0.0, controls=controls)
        outputs = head.feedback(drawn.outputs)
        theirs = self.tensor("sample/samples")
        n = self.config.voices if isinstance(self.config.head, SquaredErrorConfig) else None
        same = torch.equal(outputs[..., :n], theirs[..., :n])
        yield "sample: hits or symbols", 0.0 if same else math.inf
        yield "sample/samples", relative(outputs, theirs.numpy())
        yield "sample/rnn_output", self._against("sample/rnn_output", drawn.params)
        yield "sample/final_state", self._against("sample/final_state", drawn.state.flat())

    def _training(self) -> Errors:
        if "train/loss" not in self.arrays:
            return
        model, lengths = self.model, self._lengths("lengths")
        optimiser = optimiser_of(model, self.optimiser)
        start = to_variables(self.config, model.state_dict())
        worst: dict[str, float] = {}
        norms = self.arrays["train/grad_norms"]
        order = self.meta["trainable_variables"]
        for step in range(STEPS):
            loss, reconstruction, over = self._loss(self.tensor("train/eps")[step], step, lengths)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            grads = self._gradients()
            set_rates(optimiser, self.optimiser, step, STEPS)
            norm = clip(model, self.optimiser)
            optimiser.step()
            found: dict[str, Tensor | float] = {
                "loss": loss,
                "r_loss_mean": reconstruction.mean(),
                "kl_cost_mean": over.mean(),
                "global_norm": norm,
                "beta": beta(self.objective, step),
                "lr": learning_rate(self.optimiser, step, STEPS),
                "grad_norms": torch.stack([grads[name].norm() for name in order]),
            }
            for name, value in found.items():
                recorded = np.asarray(self.arrays[f"train/{name}"][step])
                more = self._free_nats if name == "kl_cost_mean" else 0.0
                error = relative(value, recorded, more=more)
                worst[f"train/{name}"] = max(worst.get(f"train/{name}", 0), error)
            for name, grad in grads.items():
                key = f"train/grad_step{step}"
                if f"{key}/{name}" in self.arrays:
                    error = relative(grad, self.arrays[f"{key}/{name}"])
                    worst[key] = max(worst.get(key, 0), error)
        assert norms.shape == (STEPS, len(order))
        after = to_variables(self.config, model.state_dict())
        for name, value in after.items():
            golden = self.arrays[f"train/after5/{name}"]
            worst["train/after5"] = max(worst.get("train/after5", 0), relative(value, golden))
            moved = relative(value - start[name], golden - start[name].numpy())
            worst["(train/after5 − before)"] = max(worst.get("(train/after5 − before)", 0), moved)
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
            past = error > LIMIT and not name.startswith("(")
            failed += past
            print(f"  {name:28} {error:9.2e}{'   PAST THE LIMIT' if past else ''}")
    print(f"\n{failed or 'no'} quantities are past {LIMIT:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
