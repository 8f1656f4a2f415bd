"""Reconstruction: likelihood, rate and errors of a model on windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ghostnote.data.bars import Bars, to_x
from ghostnote.evaluate.metrics import Confusion, mean_absolute_error
from ghostnote.model.heads.step import StepDistribution
from ghostnote.model.vae import GrooveVAE, kl_from_prior
from ghostnote.music.tasks import NOTHING_HIDDEN, Given, Task

LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
"""Of the central intervals whose coverage is measured, and calibrated."""


@dataclass(frozen=True)
class Reconstruction:
    """What a model scores on a set of windows.

    Attributes:
        f1: micro-averaged hits F1, decoded freely from the posterior mean, at temperature 0.
        f1_forced: the same with every step given the true steps before it.
        bits: KL of a window, in bits.
        nll_hits, nll_velocity, nll_offset: nats per window, teacher-forced, at the posterior mean.
        velocity_error: MAE in MIDI velocities (0 to 127) on true hits, teacher-forced.
        offset_error: MAE in steps on true hits, teacher-forced.
        active: dimensions of z whose posterior mean varies by more than 0.01.
    """

    f1: float
    f1_forced: float
    bits: float
    nll_hits: float
    nll_velocity: float
    nll_offset: float
    velocity_error: float
    offset_error: float
    active: int

    @property
    def elbo(self) -> float:
        """Nats per window: minus all likelihood terms, minus the KL. Higher is better."""
        nll = self.nll_hits + self.nll_velocity + self.nll_offset
        return -nll - self.bits * math.log(2)


@dataclass(frozen=True)
class Forced:
    """What a model says of `W` windows, of each step given the true ones before it.

    Attributes:
        mu: `[W, Z]`, the means of the posteriors.
        kl: `[W]`, of the posteriors from N(0, I), in nats.
        nll: `[W, 3]`, minus the log-likelihoods of hits, velocity and offset, in nats.
        point: `[W, T, 3V]`, the most likely hits, and the median velocity and offset of all cells.
        ranks: `[2, H]`, of each true hit, which share of what the model would draw for its velocity
            and its offset is below what was played, from 0 to 1; None where nobody asked.
    """

    mu: npt.NDArray[np.float32]
    kl: npt.NDArray[np.float64]
    nll: npt.NDArray[np.float64]
    point: npt.NDArray[np.float32]
    ranks: npt.NDArray[np.float32] | None


@torch.no_grad()
def forced(
    model: GrooveVAE,
    x: npt.NDArray[np.float32],
    given: Given,
    *,
    device: torch.device,
    draws: int = 0,
    batch: int = 512,
) -> Forced:
    """One pass over windows `x` `[W, T, 3V]`, of which the model is given `given`.

    `draws` is of how many draws the `ranks` are made.
    """
    model.eval()
    parts: list[tuple[npt.NDArray[np.floating], ...]] = []
    ranks = []
    for start in range(0, len(x), batch):
        cut = slice(start, start + batch)
        true, seen, controls = (
            None if part is None else torch.from_numpy(part[cut]).to(device)
            for part in (x, given.x, given.controls)
        )
        assert true is not None
        assert seen is not None
        posterior = model.encode(seen, controls)
        steps = model.decode(posterior.mean, controls).given(true)
        nll = torch.stack([-part.sum((1, 2)) for part in steps.parts(true)], -1)
        parts.append(
            tuple(
                part.float().cpu().numpy()
                for part in (posterior.mean, kl_from_prior(posterior).sum(-1), nll, steps.point())
            )
        )
        if draws:
            ranks.append(_ranks(steps, true, draws))
    mu, kl, nll_, point = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Forced(
        mu.astype(np.float32),
        kl.astype(np.float64),
        nll_.astype(np.float64),
        point.astype(np.float32),
        np.concatenate(ranks, axis=1) if draws else None,
    )


def _ranks(steps: StepDistribution, x: Tensor, draws: int) -> npt.NDArray[np.float32]:
    """`Forced.ranks`. Equally spaced noise stands for draws: each of an equal share of them."""
    hits, velocity, offset = x.chunk(3, -1)
    mask = torch.cat([torch.ones_like(hits), torch.zeros_like(x[..., hits.shape[-1] :])], -1)
    where = hits > 0.5
    true = torch.stack([velocity[where], offset[where]])
    below = torch.zeros_like(true)
    for draw in range(draws):
        noise = x.new_full((*hits.shape, 3), (draw + 0.5) / draws)
        _, loud, late = steps.sample(noise, 1.0, x, mask).chunk(3, -1)
        drawn = torch.stack([loud[where], late[where]])
        below += (drawn < true).float() + 0.5 * (drawn == true).float()
    return (below / draws).cpu().numpy()


@torch.no_grad()
def reconstruct(
    model: GrooveVAE,
    bars: Bars,
    *,
    device: torch.device,
    task: Task = NOTHING_HIDDEN,
    batch: int = 512,
) -> Reconstruction:
    """Judge `model` on the windows of `bars`, of which it is given what `task` leaves.

    What a task hides at random is the same in every call.
    """
    x = to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))
    given = task.apply(x, np.random.default_rng(0))
    said = forced(model, x, given, device=device, batch=batch)
    hits, velocity, offset = _thirds(x)
    guess, guess_velocity, guess_offset = _thirds(said.point)
    played = hits > 0.5
    hit, loud, late = said.nll.mean(0)
    return Reconstruction(
        f1=_free(model, said.mu, given.controls, played, device, batch).f1(),
        f1_forced=Confusion.of(guess > 0.5, played).f1(),
        bits=float(said.kl.mean()) / math.log(2),
        nll_hits=float(hit),
        nll_velocity=float(loud),
        nll_offset=float(late),
        velocity_error=127 * mean_absolute_error(guess_velocity, velocity, played),
        offset_error=mean_absolute_error(guess_offset, offset, played),
        active=int((said.mu.var(0) > 0.01).sum()),
    )


def _free(
    model: GrooveVAE,
    mu: npt.NDArray[np.float32],
    controls: npt.NDArray[np.float32] | None,
    played: npt.NDArray[np.bool_],
    device: torch.device,
    batch: int,
) -> Confusion:
    """Hits against hits, decoded from `mu` and from the model's own output."""
    total = Confusion.of(played[:0], played[:0])
    for start in range(0, len(mu), batch):
        z, told = (
            None if part is None else torch.from_numpy(part[start : start + batch]).to(device)
            for part in (mu, controls)
        )
        assert z is not None
        found = _thirds(model.decode(z, told).mode().float().cpu().numpy())[0] > 0.5
        total = total.plus(Confusion.of(found, played[start : start + batch]))
    return total


def _thirds(x: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    return np.split(x, 3, axis=-1)
