"""The groove VAE: MusicVAE (Roberts et al. 2018) on grooves (Gillick et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from ghostnote.model.config import FlatConfig, ModelConfig
from ghostnote.model.heads import Head, LogisticGroove, Parts, SquaredErrorGroove, StepDistribution
from ghostnote.model.layers import BarConductor, BidirectionalEncoder, Decoder, WholeWindow
from ghostnote.music.kit import N_VOICES

_DISTRIBUTIONS: dict[str, type[LogisticGroove | SquaredErrorGroove]] = {
    "likelihood": LogisticGroove,
    "squared-error": SquaredErrorGroove,
}


class GrooveDistribution:
    """p(x | z): a distribution over whole windows, autoregressive in time.

    Batch shape `[B]`, event shape `[T, 3V]`.
    """

    def __init__(self, decoder: Decoder, z: Tensor) -> None:
        self.decoder = decoder
        self.z = z

    def steps(self, previous: Tensor) -> StepDistribution:
        """The distribution of every step given the output before each, `previous` `[B, T, 3V]`."""
        return self.decoder.head.distribution(self.decoder(self.z, previous))

    def parts(self, x: Tensor) -> Parts:
        """The log-likelihood of `x` `[B, T, 3V]` in nats by part, each `[B, T, V]`.

        Autoregressive: the decoder is fed with `x` itself (teacher forcing).
        """
        return self.steps(shift(x)).parts(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log p(x | z) in nats, `[B]`."""
        return self.parts(x).total().sum(-1)

    def sample(
        self,
        noise: Tensor,
        temperature: float | Tensor = 1.0,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """`x` `[B, T, 3V]`; see `Decoder.sample`. A pure function of its arguments."""
        return self.decoder.sample(self.z, noise, temperature, known, mask)

    def mode(self) -> Tensor:
        """The most likely cell at each step, given the most likely cells before it."""
        shape = (len(self.z), self.decoder.steps, N_VOICES, 3)
        return self.sample(torch.full(shape, 0.5, device=self.z.device), 0.0)


class GrooveVAE(nn.Module):
    """Encoder, latent space and decoder. `encode` and `decode` give distributions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        shape = config.decoder
        self.encoder = BidirectionalEncoder(
            3 * N_VOICES, config.encoder, config.latent, dropout=config.layer_dropout
        )
        conductor = (
            WholeWindow(config.latent)
            if isinstance(shape, FlatConfig)
            else BarConductor(config.latent, config.bars, shape.conductor)
        )
        self.decoder = Decoder(
            conductor,
            Head(shape.size, N_VOICES, _DISTRIBUTIONS[config.head]),
            steps=config.steps,
            size=shape.size,
            layers=shape.layers,
            dropout=config.layer_dropout,
        )
        self.latent_dropout = nn.Dropout(config.latent_dropout)

    def encode(self, x: Tensor) -> Normal:
        """q(z | x) for `x` `[B, T, 3V]`: a Normal of batch shape `[B, Z]`."""
        mu, sigma = self.encoder(x)
        return Normal(mu, sigma + 1e-6, validate_args=False)

    def decode(self, z: Tensor) -> GrooveDistribution:
        """p(x | z) for `z` `[B, Z]`."""
        return GrooveDistribution(self.decoder, self.latent_dropout(z))

    @property
    def n_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters())


def shift(x: Tensor) -> Tensor:
    """The output before each step: `x` `[B, T, C]` one step later, zeros first."""
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)


def kl_from_prior(posterior: Normal) -> Tensor:
    """KL(q ‖ N(0, I)) in nats, `[B, Z]`, one number a dimension."""
    mu, sigma = posterior.mean, posterior.stddev
    return 0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma)
