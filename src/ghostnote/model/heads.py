"""Heads: what the numbers that a decoder gives for a step mean.

A head turns `[..., P]` parameters into a distribution over the cells of a step. A groove enters
and leaves a model as `x` of shape `[..., 3V]`: hits (0 or 1) | velocity | offset, the last two
zero where there is no hit, the offset in steps and positive when late.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VELOCITY_LEVELS = 127
"""MIDI velocities of a hit are 1/127 … 127/127."""

LATEST = 0.4999
"""The largest offset that is drawn, in steps: half a step itself belongs to the next cell."""


class Parts(NamedTuple):
    """A log-likelihood in nats, by what it is about. Each of shape `[..., V]`."""

    hits: Tensor
    velocity: Tensor
    offset: Tensor

    def total(self) -> Tensor:
        """The sum over parts and voices, shape `[...]`."""
        return (self.hits + self.velocity + self.offset).sum(-1)


class StepDistribution(ABC):
    """A distribution over the cells of steps: batch shape `[...]`, event shape `[3V]`."""

    @abstractmethod
    def parts(self, x: Tensor) -> Parts:
        """The log-likelihood of `x` `[..., 3V]` by part, each `[..., V]`."""

    @abstractmethod
    def draw(self, noise: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hits (0 or 1), velocity and offset of all cells, silent or not, each `[..., V]`."""

    def sample(self, noise: Tensor, temperature: float | Tensor) -> Tensor:
        """`x` `[..., 3V]` from uniform noise `[..., V, 3]` in (0, 1): a pure function.

        `temperature` divides the hit logits. At 0 the noise is taken as 1/2 throughout, which
        gives every cell its most likely hit and the median velocity and offset.
        """
        heat = torch.as_tensor(temperature, dtype=torch.float32, device=noise.device)
        hits, velocity, offset = self.draw(torch.where(heat > 0, noise, 0.5), heat)
        return torch.cat([hits, hits * velocity, hits * offset], dim=-1)

    def point(self) -> Tensor:
        """The most likely hits, and the median velocity and offset of every cell, `[..., 3V]`."""
        noise = torch.full((*self.hit_logits.shape, 3), 0.5, device=self.hit_logits.device)
        return torch.cat(self.draw(noise, noise.new_zeros(())), dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """The log-likelihood of `x` `[..., 3V]` in nats, shape `[...]`."""
        return self.parts(x).total()

    @property
    @abstractmethod
    def hit_logits(self) -> Tensor:
        """Log-odds of a hit, `[..., V]`."""


def _groups(x: Tensor, n: int) -> tuple[Tensor, ...]:
    """The `n` parts of `[..., nV]`, each `[..., V]`, float32.

    Each is contiguous: on a view, what is done to them is done nine numbers at a time, which takes
    two to ten times as long.
    """
    return torch.stack(x.float().chunk(n, dim=-1)).unbind()


def _draw_hits(logits: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
    """Bernoulli hits `[..., V]` as 0.0 or 1.0: a hit where the noise is under its probability.

    noise < σ(logits / temperature), written so that a temperature of 0 needs no special case.
    """
    return (logits > temperature * torch.logit(noise)).to(logits.dtype)


def _log_sigmoid_difference(high: Tensor, low: Tensor) -> Tensor:
    """log(σ(high) − σ(low)) for high > low, stable in both tails.

    By σ(a) − σ(b) = σ(a)·σ(−b)·(1 − exp(b − a)).
    """
    gap = torch.log(-torch.expm1((low - high).clamp_max(-1e-7)))
    return F.logsigmoid(high) + F.logsigmoid(-low) + gap


class LogisticGroove(StepDistribution):
    """Independent voices: Bernoulli hits, and on hits only, logistic velocity and offset.

    Velocity is a logistic, discretised to the 127 MIDI velocities, whose lowest and highest
    level take the tails (as Salimans et al. 2017, PixelCNN++, do for pixels). The offset is a
    logistic truncated to [-0.5, 0.5), a density per step. A silent cell has neither, and adds
    nothing: in the original its squared errors count, which teaches the mean of mostly zeros.

    Args:
        params: `[..., 5V]`: hit logits | velocity location | velocity scale | offset location |
            offset scale, all unconstrained.
    """

    def __init__(self, params: Tensor) -> None:
        logits, v_loc, v_scale, o_loc, o_scale = _groups(params, 5)
        self._logits = logits
        self.velocity_loc = 0.5 + v_loc
        self.velocity_scale = 0.005 + 0.1 * F.softplus(v_scale)
        self.offset_loc = 0.5 * torch.tanh(o_loc)
        self.offset_scale = 0.005 + 0.1 * F.softplus(o_scale)

    @property
    def hit_logits(self) -> Tensor:
        """Log-odds of a hit, `[..., V]`."""
        return self._logits

    def parts(self, x: Tensor) -> Parts:
        """See `StepDistribution.parts`."""
        hits, velocity, offset = _groups(x, 3)
        hit = -F.binary_cross_entropy_with_logits(self._logits, hits, reduction="none")
        return Parts(hit, hits * self._velocity(velocity), hits * self._offset(offset))

    def _velocity(self, velocity: Tensor) -> Tensor:
        half = 0.5 / VELOCITY_LEVELS
        high = (velocity + half - self.velocity_loc) / self.velocity_scale
        low = (velocity - half - self.velocity_loc) / self.velocity_scale
        inside = _log_sigmoid_difference(high, low)
        inside = torch.where(velocity > 1 - half, F.logsigmoid(-low), inside)
        return torch.where(velocity < 3 * half, F.logsigmoid(high), inside)

    def _offset(self, offset: Tensor) -> Tensor:
        y = (offset - self.offset_loc) / self.offset_scale
        density = -y - 2 * F.softplus(-y) - torch.log(self.offset_scale)
        high = (0.5 - self.offset_loc) / self.offset_scale
        low = (-0.5 - self.offset_loc) / self.offset_scale
        return density - _log_sigmoid_difference(high, low)

    def draw(self, noise: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `StepDistribution.draw`."""
        hits = _draw_hits(self._logits, noise[..., 0], temperature)
        velocity = self.velocity_loc + self.velocity_scale * torch.logit(noise[..., 1])
        low = torch.sigmoid((-0.5 - self.offset_loc) / self.offset_scale)
        high = torch.sigmoid((0.5 - self.offset_loc) / self.offset_scale)
        inside = (low + (high - low) * noise[..., 2]).clamp(1e-6, 1 - 1e-6)
        offset = self.offset_loc + self.offset_scale * torch.logit(inside)
        return hits, velocity.clamp(1 / VELOCITY_LEVELS, 1), offset.clamp(-0.5, LATEST)


class SquaredErrorGroove(StepDistribution):
    """The original's groove output: Bernoulli hits, squared errors for velocity and offset.

    The squared errors are summed over all cells, silent ones included, with the offset in the
    original's unit of half a step; up to a constant they are Gaussian likelihoods of variance
    1/2. Only hits are sampled. Source: GrooVAE, section 3.2, and `GrooveLstmDecoder`.

    Args:
        params: `[..., 3V]`: hit logits | velocity before the sigmoid | offset before the tanh.
    """

    def __init__(self, params: Tensor) -> None:
        logits, velocity, offset = _groups(params, 3)
        self._logits = logits
        self.velocity = torch.sigmoid(velocity)
        self.offset = 0.5 * torch.tanh(offset)

    @property
    def hit_logits(self) -> Tensor:
        """Log-odds of a hit, `[..., V]`."""
        return self._logits

    def parts(self, x: Tensor) -> Parts:
        """See `StepDistribution.parts`."""
        hits, velocity, offset = _groups(x, 3)
        hit = -F.binary_cross_entropy_with_logits(self._logits, hits, reduction="none")
        return Parts(hit, -((velocity - self.velocity) ** 2), -((2 * (offset - self.offset)) ** 2))

    def draw(self, noise: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `StepDistribution.draw`."""
        hits = _draw_hits(self._logits, noise[..., 0], temperature)
        return hits, self.velocity.clamp_min(1 / VELOCITY_LEVELS), self.offset.clamp_max(LATEST)


class Head(nn.Module):
    """A linear map from a decoder's features `[..., H]` to a distribution over steps."""

    def __init__(
        self, features: int, voices: int, distribution: type[LogisticGroove | SquaredErrorGroove]
    ) -> None:
        super().__init__()
        self.distribution = distribution
        self.channels = 3 * voices
        groups = 5 if distribution is LogisticGroove else 3
        self.project = nn.Linear(features, groups * voices)
        with torch.no_grad():  # start from the rate of hits in drumming, not from one half
            self.project.bias.zero_()
            self.project.bias[:voices] = math.log(0.1 / 0.9)

    def forward(self, features: Tensor) -> Tensor:
        """Parameters `[..., P]` for `distribution`."""
        params: Tensor = self.project(features)
        return params
