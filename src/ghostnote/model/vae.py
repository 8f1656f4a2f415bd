"""The groove VAE: MusicVAE (Roberts et al. 2018) on grooves (Gillick et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from ghostnote.errors import ConfigError
from ghostnote.model.conductors import ListeningConductor, SegmentConductor, WholeWindow
from ghostnote.model.config import (
    BooleanConfig,
    CategoricalConfig,
    FlatConfig,
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    LikelihoodConfig,
    ModelConfig,
    NadeConfig,
    SquaredErrorConfig,
    SymbolsConfig,
)
from ghostnote.model.decoders import ControlReader, Decoder, SegmentDecoder, SplitDecoder
from ghostnote.model.encoders import BidirectionalSummary, Encoder, HierarchicalSummary
from ghostnote.model.heads.groove import LikelihoodHead, Shared, SquaredErrorHead
from ghostnote.model.heads.hits import BooleanHead, CategoricalHead, NadeHead
from ghostnote.model.heads.step import Head, Parts, StepDistribution
from ghostnote.model.heads.symbols import SymbolsHead
from ghostnote.model.lstm import Dropout


class GrooveDistribution:
    """p(x | z): a distribution over whole windows, autoregressive in time.

    Batch shape `[B]`, event shape `[T, X]`.
    """

    def __init__(self, decoder: Decoder, z: Tensor, controls: Tensor | None = None) -> None:
        self.decoder, self.z, self.controls = decoder, z, controls
        self.head = decoder.head

    def steps(self, previous: Tensor) -> StepDistribution:
        """The distribution of every step given what was fed back before each.

        `previous` `[B, T, C]` is `shift(feedback(x))` where `x` was played.
        """
        found: StepDistribution = self.head(self.decoder(self.z, previous, self.controls))
        return found

    def given(self, x: Tensor) -> StepDistribution:
        """The distribution of every step of `x` `[B, T, X]` given the true steps before it."""
        return self.steps(shift(self.head.feedback(x)))

    def parts(self, x: Tensor) -> Parts:
        """The log-likelihood of `x` `[B, T, X]` in nats by part, each `[B, T, V]`.

        Autoregressive: the decoder is fed with `x` itself (teacher forcing).
        """
        return self.given(x).parts(x)

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
        """`x` `[B, T, X]`; see `Decoder.unroll`. A pure function of its arguments."""
        return self.decoder.sample(self.z, noise, temperature, known, mask, self.controls)

    def mode(self) -> Tensor:
        """The most likely cell at each step, given the most likely cells before it."""
        shape = (len(self.z), self.decoder.steps, self.head.cells, 3)
        return self.sample(self.z.new_full((1, 1, 1, 1), 0.5).expand(shape), 0.0)


class GrooveVAE(nn.Module):
    """Encoder, latent space and decoder. `encode` and `decode` give distributions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        head = head_of(config)
        self.encoder = Encoder(_summary(config, head), config.latent)
        self.decoder = _decoder(config, head, self.encoder)
        self.latent_dropout = Dropout(config.latent_dropout)

    def encode(
        self, x: Tensor, controls: Tensor | None = None, lengths: Tensor | None = None
    ) -> Normal:
        """q(z | x): a Normal of batch shape `[B, Z]`.

        Args:
            x: `[B, T, X]`.
            controls: `[B, T, K]`, for a model that takes them.
            lengths: `[B]`, after how many steps each window ends; for a hierarchical encoder, as
                `by_segment` takes them. By default none ends early.
        """
        seen = self.decoder.head.observe(x)
        told = seen if controls is None else torch.cat([seen, controls], -1)
        mu, sigma = self.encoder(told, lengths)
        return Normal(mu, sigma, validate_args=False)

    def decode(self, z: Tensor, controls: Tensor | None = None) -> GrooveDistribution:
        """p(x | z) for `z` `[B, Z]`, given `controls` `[B, T, K]` for a model that takes them."""
        return GrooveDistribution(self.decoder, self.latent_dropout(z), controls)

    @property
    def n_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(weight.numel() for weight in self.parameters() if weight.requires_grad)


def head_of(config: ModelConfig) -> Head:
    """The head that `config` names."""
    voices = config.voices
    match config.head:
        case LikelihoodConfig(shared_velocity=velocity, shared_spread=spread):
            return LikelihoodHead(voices, Shared(velocity, spread))
        case SquaredErrorConfig():
            return SquaredErrorHead(voices)
        case CategoricalConfig():
            return CategoricalHead(voices)
        case NadeConfig(hidden=hidden):
            return NadeHead(voices, hidden)
        case BooleanConfig():
            return BooleanHead(voices)
        case SymbolsConfig(sizes=sizes):
            return SymbolsHead(sizes)


def _summary(config: ModelConfig, head: Head) -> BidirectionalSummary | HierarchicalSummary:
    shape = config.encoder
    seen = head.observed + config.controls
    options = {"input_dropout": config.input_dropout, "layer_dropout": config.layer_dropout}
    if isinstance(shape, HierarchicalEncoderConfig):
        return HierarchicalSummary(
            seen, config.segments(shape.segment), shape.size, shape.layers, **options
        )
    return BidirectionalSummary(seen, shape.size, shape.layers, **options)


def _decoder(config: ModelConfig, head: Head, encoder: Encoder) -> Decoder:
    shape = config.decoder
    reader = (
        ControlReader(config.controls, config.controls_size, input_dropout=config.input_dropout)
        if config.controls and config.controls_size
        else None
    )
    controls = reader.size if reader else config.controls
    embedding = shape.conductor if isinstance(shape, HierarchicalConfig) else config.latent

    def segment_decoder(channels: int, n_params: int) -> SegmentDecoder:
        return SegmentDecoder(
            embedding,
            channels,
            controls,
            n_params,
            size=shape.size,
            layers=shape.layers,
            input_dropout=config.input_dropout,
            layer_dropout=config.layer_dropout,
        )

    core: SegmentDecoder | SplitDecoder
    if isinstance(head, SymbolsHead) and config.head.split == "apart":  # type: ignore[union-attr]
        core = SplitDecoder([segment_decoder(size, size) for size in head.alphabets])
    else:
        core = segment_decoder(head.channels, head.n_params)
        with torch.no_grad():
            core.project.bias.copy_(head.initial_bias())
    if isinstance(shape, FlatConfig):
        return Decoder(
            WholeWindow(config.latent), core, head, steps=config.steps, control_reader=reader
        )
    segments = config.segments(shape.segment)
    plan = (config.latent, segments, shape.conductor, shape.conductor_layers)
    if shape.memory == "none":
        conductor = SegmentConductor(*plan, input_dropout=config.input_dropout)
        return Decoder(conductor, core, head, steps=config.steps, control_reader=reader)
    listener = _listener(config, head, encoder) if shape.memory == "outputs" else None
    return Decoder(
        ListeningConductor(
            *plan,
            memory=listener.size if listener else core.memory,
            input_dropout=config.input_dropout,
        ),
        core,
        head,
        steps=config.steps,
        control_reader=reader,
        listener=listener,
    )


def _listener(config: ModelConfig, head: Head, encoder: Encoder) -> BidirectionalSummary:
    """The encoder's lower level, to sum up for the conductor what the decoder wrote."""
    summary = encoder.summary
    if not isinstance(summary, HierarchicalSummary):
        raise ConfigError(
            "a conductor that hears outputs needs an encoder that reads segments",
            remedy="set model.encoder.kind=hierarchical, or model.decoder.memory=state",
        )
    if config.controls or head.observed != head.channels:
        raise ConfigError(
            "a conductor that hears outputs needs an encoder that reads just what is fed back",
            remedy="use a head that does both alike, without controls, or "
            "model.decoder.memory=state",
        )
    if summary.segments != config.segments(config.decoder.segment):  # type: ignore[union-attr]
        raise ConfigError(
            "encoder and decoder have segments of different lengths",
            remedy="set model.encoder.segment and model.decoder.segment alike",
        )
    lower = summary.levels[0]
    assert isinstance(lower, BidirectionalSummary)
    return lower


def shift(x: Tensor) -> Tensor:
    """The output before each step: `x` `[B, T, C]` one step later, zeros first."""
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)


def kl_from_prior(posterior: Normal) -> Tensor:
    """KL(q ‖ N(0, I)) in nats, `[B, Z]`, one number a dimension."""
    mu, sigma = posterior.mean, posterior.stddev
    return 0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma)
