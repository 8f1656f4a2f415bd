"""Calibration: how sure a model is of velocity and timing, set on windows that it was not taught.

A model that has seen its training windows many times is surer than it should be of others: its
intervals are too narrow. The scales of its logistics are widened, or narrowed, all by the same,
so that held-out hits are as likely as can be (the idea of temperature scaling: Guo et al. 2017).
Hits and the medians of velocity stay as they are, and those of offsets all but near half a step,
where the truncated logistic leans inwards as it widens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ghostnote.data.bars import Bars, to_x
from ghostnote.model.heads.groove import LikelihoodHead, LogisticGroove
from ghostnote.model.heads.step import Parts
from ghostnote.model.vae import GrooveVAE, shift
from ghostnote.music.tasks import NOTHING_HIDDEN, Task

STEPS: Final = np.round(np.arange(-1, 1.025, 0.05), 2)
"""What may be added to a scale before its softplus."""

_BATCH: Final = 512


@dataclass(frozen=True)
class Calibration:
    """What was added to the scales of a model, before their softplus, on how many windows."""

    velocity: float
    offset: float
    windows: int


@torch.no_grad()
def calibrate(model: GrooveVAE, bars: Bars, *, task: Task = NOTHING_HIDDEN) -> Calibration | None:
    """Set the scales of velocity and offset of `model`, in place, by the windows of `bars`.

    Likelihoods are those of hits, teacher-forced, from the mean of the posterior of what `task`
    leaves; what that hides at random is the same in every call. The scales' biases are rounded to
    float16, as all weights that are shipped.

    Returns:
        What was done; None of a model whose head has no scales.
    """
    if not isinstance(model.decoder.head, LikelihoodHead):
        return None
    params, cells = hit_parameters(model, bars, task)
    losses = np.array([_losses(params, cells, float(step)) for step in STEPS])
    velocity, offset = STEPS[losses.argmin(0)].tolist()
    voices = model.config.voices
    bias = model.get_parameter("decoder.core.project.bias")
    for group, step in ((2, velocity), (4, offset)):
        part = bias[group * voices : (group + 1) * voices]
        part.copy_((part + step).half().float())
    return Calibration(velocity, offset, len(bars))


def hit_parameters(model: GrooveVAE, bars: Bars, task: Task) -> tuple[Tensor, Tensor]:
    """What the model says of each hit of `bars`, and what was played: `[H, 5]` and `[H, 3]`."""
    windows = to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))
    given = task.apply(windows, np.random.default_rng(0))
    found, played = [], []
    for start in range(0, len(windows), _BATCH):
        x, seen, controls = (
            None if part is None else torch.from_numpy(part[start : start + _BATCH])
            for part in (windows, given.x, given.controls)
        )
        assert x is not None
        assert seen is not None
        p = model.decode(model.encode(seen, controls).mean, controls)
        params = p.decoder(p.z, shift(p.head.feedback(x)), p.controls)
        cells = x.reshape(*x.shape[:-1], 3, -1).transpose(-1, -2)
        there = cells[..., 0] > 0
        of_cells = params.float().reshape(*params.shape[:-1], 5, -1).transpose(-1, -2)
        found.append(of_cells[there])
        played.append(cells[there])
    return torch.cat(found), torch.cat(played)


def _losses(params: Tensor, cells: Tensor, step: float) -> tuple[float, float]:
    """Mean nats of velocity and offset, with `step` added to their scales."""
    moved = params + step * params.new_tensor([0.0, 0.0, 1.0, 0.0, 1.0])
    parts: Parts = LogisticGroove(moved).parts(cells)
    return -float(parts.velocity.mean()), -float(parts.offset.mean())
