"""Heads for whole grooves: hits with velocity and offset, cells independent of each other."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ghostnote.model.heads.step import (
    VELOCITY_LEVELS,
    Head,
    Parts,
    StepDistribution,
    draw_hits,
    groups,
    keep_known,
)

LATEST = 0.4999
"""The largest offset that is drawn, in steps: half a step itself belongs to the next cell."""

FARTHEST = 80.0
"""Log-odds beyond this are drawn as this, which a float32 still holds the odds of."""

START_RATE = 0.1
"""The rate of hits in drumming, about: training starts from it, not from one half."""


class GrooveStep(StepDistribution):
    """Independent cells. Event shape `[3V]`."""

    @property
    @abstractmethod
    def hit_logits(self) -> Tensor:
        """Log-odds of a hit, `[..., V]`."""

    @abstractmethod
    def cells(self, noise: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hits (0 or 1), velocity and offset of all cells, silent or not, each `[..., V]`."""

    def point(self) -> Tensor:
        """See `StepDistribution.point`."""
        noise = torch.full((*self.hit_logits.shape, 3), 0.5, device=self.hit_logits.device)
        return torch.cat(self.cells(noise, noise.new_zeros(())), dim=-1)


def _log_sigmoid_difference(high: Tensor, low: Tensor) -> Tensor:
    """log(σ(high) − σ(low)) for high > low, stable in both tails.

    By σ(a) − σ(b) = σ(a)·σ(−b)·(1 − exp(b − a)).
    """
    gap = torch.log(-torch.expm1((low - high).clamp_max(-1e-7)))
    return F.logsigmoid(high) + F.logsigmoid(-low) + gap


class LogisticGroove(GrooveStep):
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
        logits, v_loc, v_scale, o_loc, o_scale = groups(params, 5)
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
        hits, velocity, offset = groups(x, 3)
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

    def cells(self, noise: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `GrooveStep.cells`."""
        single = self._logits.dtype
        hits = draw_hits(self._logits, noise[..., 0].to(single), temperature)
        # A density to the power of 1 / temperature, as hits have it, is wider by the square root.
        heated = temperature.sqrt() * torch.logit(noise[..., 1:]).to(single)
        velocity = self.velocity_loc + self.velocity_scale * heated[..., 0]
        # Where a share u of what is inside lies before the offset, the odds of all that does, the
        # tails included, are (low + E·(1 − beyond)) / (1 − low + E·beyond) with E = u / (1 − u).
        # No small number is lost beside 1 in that.
        low, beyond = (
            torch.sigmoid(edge / self.offset_scale)
            for edge in (-0.5 - self.offset_loc, self.offset_loc - 0.5)
        )
        odds = torch.exp(heated[..., 1].clamp(-FARTHEST, FARTHEST))
        stray = torch.log((low + odds * (1 - beyond)) / (1 - low + odds * beyond))
        offset = self.offset_loc + self.offset_scale * stray
        return hits, velocity.clamp(1 / VELOCITY_LEVELS, 1), offset.clamp(-0.5, LATEST)

    def draw(
        self,
        noise: Tensor,
        temperature: Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """See `StepDistribution.sample`. Silent cells have neither velocity nor offset."""
        hits, velocity, offset = self.cells(noise, temperature)
        if known is not None and mask is not None:
            voices = hits.shape[-1]
            hits = keep_known(hits, known[..., :voices], mask[..., :voices])
        return keep_known(torch.cat([hits, hits * velocity, hits * offset], -1), known, mask)


class Shared(NamedTuple):
    """What of a draw the hits of a voice in a window have in common.

    A drummer's hand is loud or soft, tight or loose for a while. What is drawn cell by cell evens
    out within a window instead: its loops are all alike in that, and unlike played ones.

    It is made of the noise that there is. The mean over the window of what a voice's velocities
    stray by is widened, and all the rest of it is scaled by a number that the noise of its timing
    decides, and that of its timing by one that the noise of its velocity does.

    Attributes:
        velocity: see `LikelihoodConfig.shared_velocity`.
        spread: see `LikelihoodConfig.shared_spread`.
    """

    velocity: float = 0.0
    spread: float = 0.0

    def gain(self, steps: int) -> float:
        """By how much the mean of `steps` independent numbers is to be widened, so that the numbers
        with it have a covariance of `velocity` times their variance.
        """
        return math.sqrt(1 + steps * self.velocity)

    def contrast(self, steps: int) -> Tensor:
        """Weights `[steps]` that make a standard normal number of as many independent logistic
        ones, about, which says nothing of their mean: every other one counts against the rest.
        """
        signs = 1 - 2 * (torch.arange(steps, dtype=torch.float64) % 2)
        return signs * math.sqrt(3 / steps) / math.pi


class LikelihoodHead(Head):
    """Our own head, `LogisticGroove`; encoder and decoder see `x` as it is.

    Args:
        voices: `V`.
        shared: what of a draw the hits of a voice in a window have in common.
    """

    def __init__(self, voices: int, shared: Shared | None = None) -> None:
        super().__init__()
        self.shared = shared or Shared()
        self.voices = self.cells = voices
        self.width = self.observed = self.channels = 3 * voices
        self.n_params = 5 * voices

    def observe(self, x: Tensor) -> Tensor:
        """`x` itself."""
        return x

    def feedback(self, x: Tensor) -> Tensor:
        """`x` itself."""
        return x

    def correlated(self, noise: Tensor) -> Tensor:
        """See `Head.correlated` and `Shared`. In float64: close to 1 a float32 does not say how
        close.
        """
        if not any(self.shared):
            return noise
        hit, *others = noise.double().unbind(-1)
        velocity, offset = (torch.logit(part) for part in others)
        common = velocity.mean(1, keepdim=True)
        gain = self.shared.gain(noise.shape[1])
        loud = gain * common + self._spread(offset) * (velocity - common)
        late = self._spread(velocity) * offset
        return torch.stack([hit, torch.sigmoid(loud), torch.sigmoid(late)], -1)

    def _spread(self, stray: Tensor) -> Tensor:
        """How much wider than usual the strays of a voice are, `[B, 1, V]`."""
        contrast = self.shared.contrast(stray.shape[1]).to(stray)
        normal = (contrast[:, None] * stray).sum(1, keepdim=True)
        return torch.exp(self.shared.spread * normal - self.shared.spread**2)

    def forward(self, params: Tensor) -> LogisticGroove:
        """See `LogisticGroove`."""
        return LogisticGroove(params)

    def initial_bias(self) -> Tensor:
        """Zeros, but for the hits."""
        return start_rate(self.n_params, self.voices)


class SquaredErrorGroove(GrooveStep):
    """The original's groove output: Bernoulli hits, squared errors for velocity and offset.

    The squared errors are summed over all cells, silent ones included, with the offset in the
    original's unit of half a step; up to a constant they are Gaussian likelihoods of variance
    1/2. Only hits are sampled. Source: GrooVAE, section 3.2, and `GrooveLstmDecoder`.

    Args:
        params: `[..., 3V]`: hit logits | velocity before the sigmoid | offset before the tanh,
            the last positive when early, as in the original.
    """

    EPSILON = 1e-7
    """What the original adds to probabilities before their logarithm."""

    def __init__(self, params: Tensor) -> None:
        logits, velocity, offset = groups(params, 3)
        self._logits = logits
        self.velocity = torch.sigmoid(velocity)
        self.offset = -0.5 * torch.tanh(offset)

    @property
    def hit_logits(self) -> Tensor:
        """Log-odds of a hit, `[..., V]`."""
        return self._logits

    def parts(self, x: Tensor) -> Parts:
        """See `StepDistribution.parts`."""
        hits, velocity, offset = groups(x, 3)
        p = torch.sigmoid(self._logits)
        hit = hits * (p + self.EPSILON).log() + (1 - hits) * (1 - p + self.EPSILON).log()
        return Parts(hit, -((velocity - self.velocity) ** 2), -((2 * (offset - self.offset)) ** 2))

    def cells(self, noise: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `GrooveStep.cells`."""
        return draw_hits(self._logits, noise[..., 0], temperature), self.velocity, self.offset

    def draw(
        self,
        noise: Tensor,
        temperature: Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """See `StepDistribution.sample`. Silent cells keep the velocity and offset that they
        would have if they were hit: the original feeds its decoder with those.
        """
        return keep_known(torch.cat(self.cells(noise, temperature), -1), known, mask)


class SquaredErrorHead(Head):
    """The original's head, `SquaredErrorGroove`; its models see offsets in the original's unit.

    There an offset of 1 is half a step early, so that weights need no conversion.
    """

    units: Tensor

    def __init__(self, voices: int) -> None:
        super().__init__()
        self.voices = self.cells = voices
        self.width = self.observed = self.channels = self.n_params = 3 * voices
        units = torch.ones(3 * voices)
        units[2 * voices :] = -2
        self.register_buffer("units", units, persistent=False)

    def observe(self, x: Tensor) -> Tensor:
        """`x` in the original's units."""
        return x * self.units

    def feedback(self, x: Tensor) -> Tensor:
        """`x` in the original's units."""
        return x * self.units

    def forward(self, params: Tensor) -> SquaredErrorGroove:
        """See `SquaredErrorGroove`."""
        return SquaredErrorGroove(params)

    def finish(self, x: Tensor) -> Tensor:
        """`x` with neither velocity nor offset in silent cells, and both inside their ranges."""
        hits, velocity, offset = x.chunk(3, -1)
        velocity, offset = velocity.clamp_min(1 / VELOCITY_LEVELS), offset.clamp_max(LATEST)
        return torch.cat([hits, hits * velocity, hits * offset], -1)

    def initial_bias(self) -> Tensor:
        """Zeros, but for the hits."""
        return start_rate(self.n_params, self.voices)


def start_rate(n_params: int, voices: int) -> Tensor:
    """Parameters `[n_params]` whose first `voices` are the log-odds of `START_RATE`."""
    bias = torch.zeros(n_params)
    bias[:voices] = math.log(START_RATE / (1 - START_RATE))
    return bias
