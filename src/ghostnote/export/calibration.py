"""Calibration of a model on windows that it was not trained on.

A model is surer of itself than it should be with drummers that it has not heard: what was played
lies outside its intervals too often, and its likeliest timing is too far from the grid. Each is
mended by one number, fitted on held-out windows. Those of the intervals go into the weights of the
last layer, so that no runtime needs to know of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ghostnote.data.bars import Bars, to_x
from ghostnote.errors import ConfigError
from ghostnote.evaluate.reconstruction import LEVELS
from ghostnote.evaluate.takes import Takes, joined
from ghostnote.evaluate.tasks import quantised
from ghostnote.model.decoders import SegmentDecoder
from ghostnote.model.heads.groove import LikelihoodHead, LogisticGroove
from ghostnote.model.heads.step import VELOCITY_LEVELS
from ghostnote.model.vae import GrooveVAE, shift
from ghostnote.music.tasks import NOTHING_HIDDEN, Task
from ghostnote.music.tensors import from_groove_x
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.runtime import Runtime

FEWEST: Final = 1000
"""Held-out hits that a number can be fitted on."""

_WIDEST: Final = 8.0
"""The largest change of a scale's parameter that is looked for, either way."""


def widen(
    model: GrooveVAE, held_out: Bars, *, task: Task = NOTHING_HIDDEN, batch: int = 512
) -> dict[str, float]:
    """Widen or narrow what `model` says of velocity and offset until it covers what was played.

    Added to the parameter of each scale, before its softplus, is the number with which central
    intervals hold, on average over `LEVELS`, the share of held-out hits that they should. Each step
    is judged given the true ones before it, at the mean of the posterior.

    Args:
        model: with a likelihood head; its weights change, and stay numbers of float16.
        held_out: windows that it was not trained on.
        task: what the encoder is not shown of them.
        batch: windows that go through the model at one time.

    Returns:
        What was added, for ``velocity`` and ``offset``.

    Raises:
        ConfigError: the model says nothing of velocity and offset, or there are too few hits.
    """
    core = model.decoder.core
    if not isinstance(model.decoder.head, LikelihoodHead) or not isinstance(core, SegmentDecoder):
        raise ConfigError(
            "only a model with likelihoods of velocity and offset can be calibrated",
            remedy="leave --calibrate away, or train with model.head.kind=likelihood",
        )
    params, played = _of_hits(model, held_out, task, batch)
    if len(params) < FEWEST:
        raise ConfigError(
            f"the held-out windows have {len(params):,} hits, too few to calibrate on",
            remedy="leave --calibrate away",
        )
    found = {}
    for name, rank, group in (("velocity", _velocity, 2), ("offset", _offset, 4)):

        def excess(more: float, rank: _Rank = rank, group: int = group) -> float:
            """By how much more than it should an interval holds, on average."""
            wider = params.clone()
            wider[:, group] += more
            off = (rank(LogisticGroove(wider), played) - 0.5).abs()
            return sum(float((off <= level / 2).double().mean()) - level for level in LEVELS)

        found[name] = _root(excess)
        with torch.no_grad():
            bias = core.project.bias.view(5, -1)[group]
            bias.copy_((bias + found[name]).half())
    return found


_Rank = Callable[[LogisticGroove, Tensor], Tensor]


def _velocity(said: LogisticGroove, played: Tensor) -> Tensor:
    """The share of draws below each velocity and half of those that equal it, `[H]`."""
    half = 0.5 / VELOCITY_LEVELS
    velocity = played[:, 1:2]
    low, high = (
        torch.sigmoid((velocity + way * half - said.velocity_loc) / said.velocity_scale)
        for way in (-1, 1)
    )
    low = torch.where(velocity < 3 * half, 0.0, low)
    high = torch.where(velocity > 1 - half, 1.0, high)
    return (0.5 * (low + high))[:, 0]


def _offset(said: LogisticGroove, played: Tensor) -> Tensor:
    """The share of draws before each offset, `[H]`."""
    first, here, last = (
        torch.sigmoid((edge - said.offset_loc) / said.offset_scale)
        for edge in (-0.5, played[:, 2:], 0.5)
    )
    return ((here - first) / (last - first))[:, 0]


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises in steps passes 0, by halving an interval."""
    low, high = -_WIDEST, _WIDEST
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


@torch.no_grad()
def _of_hits(model: GrooveVAE, bars: Bars, task: Task, batch: int) -> tuple[Tensor, Tensor]:
    """Of each hit the parameters `[H, 5]` and what was played `[H, 3]`."""
    random = np.random.default_rng(0)
    found: list[tuple[Tensor, Tensor]] = []
    model.eval()
    for chosen in np.array_split(np.arange(len(bars)), -(-len(bars) // batch)):
        x = to_x(bars.cells(bars.bars_of(chosen)))
        given = task.apply(x, random)
        told = None if given.controls is None else torch.from_numpy(given.controls)
        true = torch.from_numpy(x)
        z = model.encode(torch.from_numpy(given.x), told).mean
        params = model.decoder(z, shift(model.decoder.head.feedback(true)), told)
        hits = true[..., : model.config.voices] > 0.5
        cells = (
            part.unflatten(-1, (-1, hits.shape[-1])).movedim(-2, -1) for part in (params, true)
        )
        found.append(tuple(part[hits] for part in cells))
    params, played = (torch.cat(part) for part in zip(*found, strict=True))
    return params, played


def timing_slope(runtime: Runtime, held_out: Takes) -> float:
    """How much of its likeliest timing a model that humanises should play, from 0 to 1.

    That share of its offsets whose distance in milliseconds from what was played is the least:
    the median of the played ones' ratios to them, each weighed by how far it moves.

    Args:
        runtime: of a model that humanises and whose own slope is 1.
        held_out: takes that it was not trained on.
    """
    said = humanize_all(
        [quantised(groove) for groove in held_out.grooves()], temperature=0.0, model=runtime
    )
    hits, _, true = held_out.parts
    offset = from_groove_x(joined(said))[2][hits].astype(np.float64)
    ms = np.broadcast_to(held_out.ms_per_step[:, None], hits.shape)[hits]
    moved = offset != 0
    return float(
        np.clip(_median(true[hits][moved] / offset[moved], (np.abs(offset) * ms)[moved]), 0, 1)
    )


def _median(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    """The weighted median; 1 of nothing."""
    if not len(values):
        return 1.0
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
