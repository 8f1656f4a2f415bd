"""The objective of a training step: negative log-likelihood + β·max(KL − free bits, 0)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ghostnote.errors import ConfigError
from ghostnote.model.heads.hits import CategoricalHead
from ghostnote.model.vae import GrooveDistribution, GrooveVAE, kl_from_prior, shift
from ghostnote.train.config import CorruptionConfig, ObjectiveConfig

NATS_PER_BIT = math.log(2)


class Terms(NamedTuple):
    """What a step is made of, each a mean over windows: `loss` and parts in nats, `kl` too."""

    loss: Tensor
    hits: Tensor
    velocity: Tensor
    offset: Tensor
    kl: Tensor


class Step(nn.Module):
    """A training step as a module, so that it can be wrapped for several devices.

    Raises:
        ConfigError: `objective` weights hits that the head gives no likelihoods of their own.
    """

    def __init__(
        self, model: GrooveVAE, objective: ObjectiveConfig, corruption: CorruptionConfig
    ) -> None:
        super().__init__()
        self.model, self.objective, self.corruption = model, objective, corruption
        self.voices = model.config.voices
        if objective.hit_weight != 1 and isinstance(model.decoder.head, CategoricalHead):
            raise ConfigError(
                "the categorical head has one likelihood for all hits of a step",
                remedy="set objective.hit_weight=1, or use model.head.kind=nade",
            )

    def forward(
        self,
        x: Tensor,
        step: int,
        random: torch.Generator,
        seen: Tensor | None = None,
        controls: Tensor | None = None,
    ) -> Terms:
        """The objective on a batch `x` `[B, T, 3V]` at step `step`.

        The encoder sees `seen`, by default `x` itself; `controls` `[B, T, K]` go to encoder and
        decoder. All randomness comes from `random`, a generator on the CPU, apart from dropout.
        """
        objective, corruption = self.objective, self.corruption
        seen = hide_cells(x if seen is None else seen, corruption.hide_cells, random)
        posterior = self.model.encode(seen, controls)
        noise = torch.randn(posterior.mean.shape, generator=random).to(x.device)
        p = self.model.decode(posterior.mean + posterior.stddev * noise, controls)
        previous = hide_steps(feedback(p, x, step, corruption, random), corruption, random)
        parts = p.steps(previous).parts(x)
        if objective.hit_weight != 1:
            weight = 1 + (objective.hit_weight - 1) * x[..., : self.voices]
            parts = parts._replace(hits=weight * parts.hits)
        hits, velocity, offset = (-part.sum((-1, -2)).mean() for part in parts)
        kl = kl_from_prior(posterior).sum(-1)
        over = (kl - objective.free_bits * NATS_PER_BIT).clamp_min(0).mean()
        loss = (
            hits
            + objective.velocity_weight * velocity
            + objective.offset_weight * offset
            + beta(objective, step) * over
        )
        return Terms(loss, hits, velocity, offset, kl.mean())


def beta(objective: ObjectiveConfig, step: int) -> float:
    """β at `step`: beta·(1 − beta_rate^step). With rate 0, that is 0 at step 0 and then beta.

    In float32, as in the original: for a rate close to 1 what is left of it there differs by a
    thousandth.
    """
    rest = torch.tensor(objective.beta_rate, dtype=torch.float32) ** step
    return objective.beta * (1 - rest).item()


def sampling_rate(corruption: CorruptionConfig, step: int) -> float:
    """The share of previous steps that are the model's own draws at training step `step`."""
    if not corruption.sampling:
        return 0.0
    if corruption.sampling_schedule == "linear":
        return corruption.sampling * min(1.0, step / corruption.sampling_rise)
    k = corruption.sampling_rise
    return corruption.sampling / (1 + k * math.exp(-step / k))


def feedback(
    p: GrooveDistribution,
    x: Tensor,
    step: int,
    corruption: CorruptionConfig,
    random: torch.Generator,
) -> Tensor:
    """What is fed back before each step, `[B, T, C]`: what was played, or in part own draws.

    Scheduled sampling (Bengio et al. 2015) in its parallel form (Duckworth et al. 2019): a pass
    draws all steps at once, each given the mixture of the pass before. The noise is the same in
    all passes, so that pass k gives the first k steps what drawing them one by one would.
    """
    rate = sampling_rate(corruption, step)
    head = p.head
    played = head.feedback(x)
    if not rate:
        return shift(played)
    batch, steps, _ = x.shape
    own = (torch.rand(batch, steps, 1, generator=random) < rate).to(x.device)
    noise = torch.rand(batch, steps, head.cells, 3, generator=random).clamp(1e-6, 1 - 1e-6)
    noise = noise.to(x.device)
    previous = shift(played)
    with torch.no_grad():
        for _ in range(corruption.sampling_passes):
            drawn = head.feedback(p.steps(previous).sample(noise, corruption.sampling_temperature))
            previous = shift(torch.where(own, drawn, played))
    return previous


def hide_cells(x: Tensor, rate: float, random: torch.Generator) -> Tensor:
    """`x` with a share of its cells (hit, velocity and offset together) set to silence."""
    if not rate:
        return x
    batch, steps, width = x.shape
    kept = torch.rand(batch, steps, width // 3, generator=random) >= rate
    return x * kept.repeat(1, 1, 3).to(x.device)


def hide_steps(previous: Tensor, corruption: CorruptionConfig, random: torch.Generator) -> Tensor:
    """`previous` with a share of its steps set to zero."""
    if not corruption.hide_steps:
        return previous
    kept = torch.rand(*previous.shape[:-1], 1, generator=random) >= corruption.hide_steps
    return previous * kept.to(previous.device)
