"""Reconstruction: likelihood, rate and errors of a model on windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ghostnote.data.bars import Bars, to_x
from ghostnote.evaluate.metrics import Confusion, mean_absolute_error
from ghostnote.model.vae import GrooveVAE, kl_from_prior
from ghostnote.music.tasks import NOTHING_HIDDEN, Task


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
    model.eval()
    chosen = np.arange(len(bars))
    windows = to_x(bars.cells(bars.bars_of(chosen)))
    given = task.apply(windows, np.random.default_rng(0))
    free = forced = None
    totals = np.zeros(4)
    errors = np.zeros(2)
    n_hits = 0
    means = []
    for start in range(0, len(chosen), batch):
        x, seen, controls = (
            None if part is None else torch.from_numpy(part[start : start + batch]).to(device)
            for part in (windows, given.x, given.controls)
        )
        assert x is not None
        assert seen is not None
        posterior = model.encode(seen, controls)
        p = model.decode(posterior.mean, controls)
        steps = p.given(x)
        hits, velocity, offset = _thirds(x)
        guess, guess_velocity, guess_offset = _thirds(steps.point())
        forced = _add(forced, Confusion.of(guess > 0.5, hits > 0.5))
        free = _add(free, Confusion.of(_thirds(p.mode())[0] > 0.5, hits > 0.5))
        totals += [-float(part.sum()) for part in steps.parts(x)] + [
            float(kl_from_prior(posterior).sum())
        ]
        played = hits > 0.5
        count = int(played.sum())
        errors += count * np.array(
            [
                mean_absolute_error(guess_velocity, velocity, played),
                mean_absolute_error(guess_offset, offset, played),
            ]
        )
        n_hits += count
        means.append(posterior.mean.cpu())
    hit, vel, off, kl = totals / len(chosen)
    velocity_error, offset_error = errors / max(n_hits, 1)
    return Reconstruction(
        f1=free.f1() if free else 0.0,
        f1_forced=forced.f1() if forced else 0.0,
        bits=kl / math.log(2),
        nll_hits=hit,
        nll_velocity=vel,
        nll_offset=off,
        velocity_error=127 * float(velocity_error),
        offset_error=float(offset_error),
        active=int((torch.cat(means).var(0, correction=0) > 0.01).sum()),
    )


def _thirds(x: Tensor) -> list[npt.NDArray[np.float32]]:
    return np.split(x.float().cpu().numpy(), 3, axis=-1)


def _add(sum_: Confusion | None, more: Confusion) -> Confusion:
    return more if sum_ is None else sum_.plus(more)
