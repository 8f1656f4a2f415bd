"""Encoders: a sequence to the posterior of z."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ghostnote.model.lstm import LSTM, Dropout, together

LEAST_SIGMA = 1e-6
"""The least standard deviation of a posterior: softplus underflows to zero."""


class BidirectionalSummary(nn.Module):
    """The last states of a bidirectional LSTM (paper, section 3.1)."""

    def __init__(
        self, channels: int, size: int, layers: int, *, input_dropout: float, layer_dropout: float
    ) -> None:
        super().__init__()
        between = together(input_dropout, layer_dropout)
        self.lstm = LSTM(
            channels, size, layers, dropout=between, batch_first=True, bidirectional=True
        )
        self.size = 2 * size
        self.input_dropout = Dropout(input_dropout)
        self.output_dropout = Dropout(layer_dropout)

    def outputs(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`[B, T, C]` → the outputs at every step `[B, T, 2H]`, and the summary `[B, 2H]`.

        Sequences end after `lengths` `[B]` steps, by default with `T`; an empty one sums up to
        zeros.
        """
        x = self.input_dropout(x)
        if lengths is None:
            outputs, (h, _) = self.lstm(x)
            return outputs, torch.cat([h[-2], h[-1]], -1)
        # Torch refuses empty sequences: they are given one step, and then silenced.
        packed = pack_padded_sequence(
            x, lengths.clamp_min(1).cpu(), batch_first=True, enforce_sorted=False
        )
        ran, (h, _) = self.lstm(packed)
        outputs, _ = pad_packed_sequence(ran, batch_first=True, total_length=x.shape[1])
        there = (lengths > 0).to(h.dtype)[:, None]
        return outputs * there[..., None], torch.cat([h[-2], h[-1]], -1) * there

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`[B, T, C]` → `[B, 2H]`."""
        summary: Tensor = self.output_dropout(self.outputs(x, lengths)[1])
        return summary


def by_segment(lengths: Tensor, segments: int) -> Tensor:
    """The lengths of segments, `[B, segments]`.

    Args:
        lengths: they themselves, or `[B]`, those of windows that are whole or empty.
        segments: how many a window has.
    """
    return lengths if lengths.ndim == 2 else (lengths // segments)[:, None].expand(-1, segments)


class HierarchicalSummary(nn.Module):
    """A summary of each segment of a window, and one of those summaries.

    `levels[0]` reads the segments, `levels[1]` what they sum up to.
    """

    def __init__(
        self,
        channels: int,
        segments: int,
        size: int,
        layers: int,
        *,
        input_dropout: float,
        layer_dropout: float,
    ) -> None:
        super().__init__()
        rates = {"input_dropout": input_dropout, "layer_dropout": layer_dropout}
        lower = BidirectionalSummary(channels, size, layers, **rates)
        upper = BidirectionalSummary(lower.size, size, layers, **rates)
        self.levels = nn.ModuleList([lower, upper])
        self.segments, self.size = segments, upper.size

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`[B, T, C]` → `[B, 2H]`; `lengths` as `by_segment` takes them."""
        parts = x.reshape(len(x) * self.segments, -1, x.shape[-1])
        below = None if lengths is None else by_segment(lengths, self.segments).reshape(-1)
        summaries = self.levels[0](parts, below).reshape(len(x), self.segments, -1)
        whole: Tensor = self.levels[1](summaries)
        return whole


class Encoder(nn.Module):
    """A summary of a sequence, and μ and σ linear in it."""

    def __init__(self, summary: BidirectionalSummary | HierarchicalSummary, latent: int) -> None:
        super().__init__()
        self.summary = summary
        self.mu = nn.Linear(summary.size, latent)
        self.sigma = nn.Linear(summary.size, latent)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`[B, T, C]` → μ and σ > 0, each `[B, Z]`."""
        summary = self.summary(x, lengths)
        sigma = F.softplus(self.sigma(summary).float()).clamp_min(LEAST_SIGMA)
        return self.mu(summary).float(), sigma
