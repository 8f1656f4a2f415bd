"""Heads for hits alone, as MusicVAE has them: a set of hits, NADE, or independent voices.

The hits that they draw have the velocity `PLAIN_VELOCITY` and no offset.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.errors import ConfigError
from ghostnote.model.heads.groove import start_rate
from ghostnote.model.heads.step import (
    PLAIN_VELOCITY,
    Head,
    Parts,
    StepDistribution,
    choose,
    draw_hits,
    keep_known,
    pieces,
)


class HitsStep(StepDistribution):
    """A distribution over the hits of a step."""

    @abstractmethod
    def log_hits(self, hits: Tensor) -> Tensor:
        """The log-likelihood of `hits` `[..., V]`: `[..., V]` or `[..., 1]`."""

    @abstractmethod
    def draw_hits(
        self, noise: Tensor, temperature: Tensor, known: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """Hits `[..., V]` from noise `[..., V]`, given those that are `known` `[..., V]`."""

    @abstractmethod
    def likely_hits(self) -> Tensor:
        """The most likely hits, `[..., V]`."""

    def parts(self, x: Tensor) -> Parts:
        """See `StepDistribution.parts`."""
        hits = x.float().chunk(3, dim=-1)[0]
        nothing = torch.zeros_like(hits)
        return Parts(self.log_hits(hits), nothing, nothing)

    def draw(
        self,
        noise: Tensor,
        temperature: Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """See `StepDistribution.sample`."""
        if known is None or mask is None:
            return plain(self.draw_hits(noise[..., 0], temperature, None, None))
        voices = noise.shape[-2]
        hits = self.draw_hits(noise[..., 0], temperature, known[..., :voices], mask[..., :voices])
        return keep_known(plain(hits), known, mask)

    def point(self) -> Tensor:
        """See `StepDistribution.point`."""
        hits = self.likely_hits()
        return torch.cat([hits, torch.full_like(hits, PLAIN_VELOCITY), torch.zeros_like(hits)], -1)


def plain(hits: Tensor) -> Tensor:
    """Hits `[..., V]` as `x` `[..., 3V]`, with the velocity `PLAIN_VELOCITY` and no offset."""
    return torch.cat([hits, hits * PLAIN_VELOCITY, torch.zeros_like(hits)], -1)


class HitsHead(Head):
    """The encoder sees hits, and whether a step is silent: V + 1 numbers."""

    def __init__(self, voices: int) -> None:
        super().__init__()
        self.voices = self.cells = voices
        self.width, self.observed = 3 * voices, voices + 1

    def observe(self, x: Tensor) -> Tensor:
        """Hits, then 1 where a step has none."""
        hits = x[..., : self.voices]
        return torch.cat([hits, (hits.amax(-1, keepdim=True) == 0).to(hits.dtype)], -1)


class CategoricalHits(HitsStep):
    """One of all 2^V sets of hits; voice v is bit v of a set's number (MusicVAE, section 5.1).

    Args:
        logits: `[..., 2^V]`.
        bits: `[2^V, V]`, the hits of each set.
    """

    def __init__(self, logits: Tensor, bits: Tensor) -> None:
        self.logits, self.bits = logits.float(), bits

    def log_hits(self, hits: Tensor) -> Tensor:
        """See `HitsStep.log_hits`: one number a step."""
        return F.log_softmax(self.logits, -1).gather(-1, set_number(hits)[..., None])

    def draw_hits(
        self, noise: Tensor, temperature: Tensor, known: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """See `HitsStep.draw_hits`: the noise of voice 0 chooses among the possible sets.

        The choice is the set at which the cumulative probability passes the noise; at a
        temperature of 0 all of it is the likeliest one's.
        """
        logits = self.logits
        if known is not None and mask is not None:
            logits = torch.where(_differences(known, mask, self.bits) > 0, -torch.inf, logits)
        return self.bits[choose(logits, noise[..., 0], temperature)]

    def likely_hits(self) -> Tensor:
        """See `HitsStep.likely_hits`."""
        return self.bits[self.logits.argmax(-1)]


def _differences(known: Tensor, mask: Tensor, bits: Tensor) -> Tensor:
    """In how many cells of `mask` each set differs from `known`: `[..., 2^V]`."""
    return (mask * (1 - known)) @ bits.T + (mask * known) @ (1 - bits).T


def set_number(hits: Tensor) -> Tensor:
    """The number of the set of hits `[..., V]`: voice v is bit v."""
    weights = 2 ** torch.arange(hits.shape[-1], device=hits.device)
    return (hits.long() * weights).sum(-1)


class CategoricalHead(HitsHead):
    """`CategoricalHits`; the decoder is fed with a set as a one-hot vector."""

    bits: Tensor

    def __init__(self, voices: int) -> None:
        super().__init__(voices)
        if voices > 12:
            raise ConfigError(
                f"{voices} voices have 2^{voices} sets of hits", remedy="use model.head.kind=nade"
            )
        self.channels = self.n_params = 2**voices
        sets = torch.arange(self.channels)[:, None] >> torch.arange(voices) & 1
        self.register_buffer("bits", sets.float(), persistent=False)

    def feedback(self, x: Tensor) -> Tensor:
        """One-hot sets of hits."""
        return F.one_hot(set_number(x[..., : self.voices]), self.channels).to(x.dtype)

    def forward(self, params: Tensor) -> CategoricalHits:
        """See `CategoricalHits`."""
        return CategoricalHits(params, self.bits)


class NadeHits(HitsStep):
    """Hits voice after voice, each given those before: NADE (Larochelle and Murray 2011;
    Boulanger-Lewandowski et al. 2012 for its use in music).

    Args:
        hidden: `[..., N]`, biases of the hidden units, given by the decoder.
        visible: `[..., V]`, biases of the voices, given by the decoder.
        encode: `[V, N]`, what a hit adds to the hidden units.
        decode: `[V, N]`, what the hidden units add to a voice.
    """

    EPSILON = 1e-6
    """What the original adds to probabilities before their logarithm."""

    def __init__(self, hidden: Tensor, visible: Tensor, encode: Tensor, decode: Tensor) -> None:
        self.hidden, self.visible = hidden.float(), visible.float()
        self.encode, self.decode = encode, decode

    def _voice_by_voice(
        self, choose: Callable[[int, Tensor], Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The logit of each voice, and what `choose` makes of it, each `[...]`."""
        hidden, logits, hits = self.hidden, [], []
        for voice in range(len(self.encode)):
            active = torch.sigmoid(hidden)
            logit = self.visible[..., voice] + (active * self.decode[voice]).sum(-1)
            hit = choose(voice, logit)
            logits.append(logit)
            hits.append(hit)
            hidden = hidden + hit[..., None] * self.encode[voice]
        return logits, hits

    def log_hits(self, hits: Tensor) -> Tensor:
        """See `HitsStep.log_hits`: of each voice given those before it."""
        logits, _ = self._voice_by_voice(lambda voice, _: hits[..., voice])
        p = torch.sigmoid(torch.stack(logits, -1))
        return hits * (p + self.EPSILON).log() + (1 - hits) * (1 - p + self.EPSILON).log()

    def draw_hits(
        self, noise: Tensor, temperature: Tensor, known: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """See `HitsStep.draw_hits`. A known voice tells those after it, not those before it."""

        def choose(voice: int, logit: Tensor) -> Tensor:
            own = draw_hits(logit, noise[..., voice], temperature)
            if known is None or mask is None:
                return own
            return torch.where(mask[..., voice] > 0, known[..., voice], own)

        return torch.stack(self._voice_by_voice(choose)[1], -1)

    def likely_hits(self) -> Tensor:
        """The likelier outcome of each voice, given the likelier ones before it."""
        return torch.stack(self._voice_by_voice(lambda _, logit: (logit > 0).float())[1], -1)


class NadeHead(HitsHead):
    """`NadeHits`; the decoder is fed with the hits."""

    def __init__(self, voices: int, hidden: int) -> None:
        super().__init__(voices)
        self.channels, self.hidden, self.n_params = voices, hidden, hidden + voices
        self.encode = nn.Parameter(torch.empty(voices, hidden))
        self.decode = nn.Parameter(torch.empty(voices, hidden))
        for weight in (self.encode, self.decode):
            nn.init.trunc_normal_(weight, std=voices**-0.5, a=-2 * voices**-0.5, b=2 * voices**-0.5)

    def feedback(self, x: Tensor) -> Tensor:
        """The hits."""
        return x[..., : self.voices]

    def forward(self, params: Tensor) -> NadeHits:
        """See `NadeHits`."""
        hidden, visible = pieces(params, (self.hidden, self.voices))
        return NadeHits(hidden, visible, self.encode, self.decode)


class BooleanHits(HitsStep):
    """Independent hits.

    Args:
        logits: `[..., V]`.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits.float()

    def log_hits(self, hits: Tensor) -> Tensor:
        """See `HitsStep.log_hits`."""
        return -F.binary_cross_entropy_with_logits(self.logits, hits, reduction="none")

    def draw_hits(
        self, noise: Tensor, temperature: Tensor, known: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """See `HitsStep.draw_hits`."""
        own = draw_hits(self.logits, noise, temperature)
        return own if known is None or mask is None else torch.where(mask > 0, known, own)

    def likely_hits(self) -> Tensor:
        """See `HitsStep.likely_hits`."""
        return (self.logits > 0).float()


class BooleanHead(HitsHead):
    """`BooleanHits`; encoder and decoder see the hits."""

    def __init__(self, voices: int) -> None:
        super().__init__(voices)
        self.observed = self.channels = self.n_params = voices

    def observe(self, x: Tensor) -> Tensor:
        """The hits."""
        return x[..., : self.voices]

    def feedback(self, x: Tensor) -> Tensor:
        """The hits."""
        return x[..., : self.voices]

    def forward(self, params: Tensor) -> BooleanHits:
        """See `BooleanHits`."""
        return BooleanHits(params)

    def initial_bias(self) -> Tensor:
        """The log-odds of the rate of hits in drumming."""
        return start_rate(self.n_params, self.voices)
