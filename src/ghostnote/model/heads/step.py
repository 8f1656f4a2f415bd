"""What all heads have in common.

A drum window enters and leaves a model as `x` of shape `[B, T, 3V]`: hits (0 or 1) | velocity |
offset, the last two zero where there is no hit, the offset in steps and positive when late. A
head says which numbers of a step the encoder sees, which the decoder is fed with, and what the
decoder's parameters mean. Models of symbols have one-hot vectors for `x`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

VELOCITY_LEVELS = 127
"""MIDI velocities of a hit are 1/127 … 127/127."""

PLAIN_VELOCITY = 80 / VELOCITY_LEVELS
"""The velocity of the hits of a head that knows none, as the original writes them."""


class Parts(NamedTuple):
    """A log-likelihood in nats, by what it is about.

    Each of shape `[..., V]`; `hits` is `[..., 1]` where a head has one number for a whole step.
    """

    hits: Tensor
    velocity: Tensor
    offset: Tensor

    def total(self) -> Tensor:
        """The sum over parts and voices, shape `[...]`."""
        return self.hits.sum(-1) + self.velocity.sum(-1) + self.offset.sum(-1)


class StepDistribution(ABC):
    """A distribution over the cells of steps: batch shape `[...]`, event shape `[X]`."""

    @abstractmethod
    def parts(self, x: Tensor) -> Parts:
        """The log-likelihood of `x` `[..., X]` by part."""

    @abstractmethod
    def draw(
        self,
        noise: Tensor,
        temperature: Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """See `sample`; here `noise` is 1/2 throughout where `temperature` is 0."""

    @abstractmethod
    def point(self) -> Tensor:
        """The most likely hits, and the median velocity and offset of every cell, `[..., X]`."""

    def sample(
        self,
        noise: Tensor,
        temperature: float | Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """`x` `[..., X]` from uniform noise `[..., V, 3]` in (0, 1): a pure function.

        `temperature` divides the hit logits, and multiplies the variance of velocity and offset; at
        0 every cell gets its most likely hit and the median velocity and offset. Numbers where
        `mask` `[..., X]` is 1 are as in `known` `[..., X]`: all three of a cell, or its hit alone,
        which is then played anew. A head whose cells depend on each other draws the rest given
        those.
        """
        heat = torch.as_tensor(temperature, dtype=torch.float32, device=noise.device)
        return self.draw(torch.where(heat > 0, noise, 0.5), heat, known, mask)

    def log_prob(self, x: Tensor) -> Tensor:
        """The log-likelihood of `x` `[..., X]` in nats, shape `[...]`."""
        return self.parts(x).total()


class Head(nn.Module, ABC):
    """How `x` enters and leaves a model.

    Attributes:
        width: numbers of a step of `x`.
        observed: numbers of a step that the encoder sees.
        channels: numbers of a step that the decoder is fed with.
        n_params: numbers that the decoder gives for a step.
        cells: what a step draws with noise of its own: voices or alphabets.
    """

    width: int
    observed: int
    channels: int
    n_params: int
    cells: int

    @abstractmethod
    def observe(self, x: Tensor) -> Tensor:
        """What the encoder sees of `x` `[..., X]`: `[..., observed]`."""

    @abstractmethod
    def feedback(self, x: Tensor) -> Tensor:
        """What the decoder is fed with where `x` `[..., X]` came before: `[..., channels]`."""

    @abstractmethod
    def forward(self, params: Tensor) -> StepDistribution:
        """The distribution that `params` `[..., n_params]` stand for."""

    def correlated(self, noise: Tensor) -> Tensor:
        """The noise that the steps of a window are drawn with, out of uniform noise that is
        independent: `[B, T, V, 3]` both. By default it is drawn with as it is.
        """
        return noise

    def finish(self, x: Tensor) -> Tensor:
        """`x` as it leaves the model, from what was drawn step by step."""
        return x

    def initial_bias(self) -> Tensor:
        """Parameters to start training from, `[n_params]`."""
        return torch.zeros(self.n_params)


def pieces(x: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """The last axis of `x` in pieces of these sizes."""
    return torch.split(x, list(sizes), -1)


def groups(x: Tensor, n: int) -> tuple[Tensor, ...]:
    """The `n` parts of `[..., nV]`, each `[..., V]`, float32.

    Each is contiguous: on a view, what is done to them is done nine numbers at a time, which takes
    two to ten times as long.
    """
    return torch.stack(x.float().chunk(n, dim=-1)).unbind()


def draw_hits(logits: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
    """Bernoulli hits as 0.0 or 1.0: a hit where the noise is under its probability.

    noise < σ(logits / temperature), written so that a temperature of 0 needs no special case.
    """
    return (logits > temperature * torch.logit(noise)).to(logits.dtype)


def choose(logits: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
    """One of `K` outcomes by `logits` `[..., K]`: the one at which the cumulative probability
    passes `noise` `[...]`; at a temperature of 0 all of it is the likeliest one's.

    In float64, since sums of hundreds of numbers would differ between runtimes.
    """
    above = (logits.double() - logits.amax(-1, keepdim=True)) / temperature.double().clamp_min(1e-6)
    cumulative = above.softmax(-1).cumsum(-1)
    passed = cumulative < noise[..., None] * cumulative[..., -1:]
    return passed.sum(-1).clamp_max(logits.shape[-1] - 1)


def keep_known(x: Tensor, known: Tensor | None, mask: Tensor | None) -> Tensor:
    """`x` with the numbers of `mask` as in `known`, all `[...]`."""
    return x if known is None or mask is None else mask * known + (1 - mask) * x
