"""Conductors: z to an embedding of each segment of the window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ghostnote.model.lstm import LSTM, Dropout, InitialState, State


class WholeWindow(nn.Module):
    """The conductor of a flat decoder: the window is one segment, and z its embedding."""

    segments = 1

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.size = latent

    def forward(self, z: Tensor) -> Tensor:
        """`[B, Z]` → embeddings `[B, 1, Z]`."""
        return z[:, None]


class SegmentConductor(nn.Module):
    """An LSTM that takes one step a segment; z sets its initial state (paper, section 3.2).

    Its input is a constant, so a bias is all that it is fed with: it hears nothing of what the
    decoder makes of its embeddings, and all of them are known at once.
    """

    def __init__(
        self, latent: int, segments: int, size: int, layers: int, *, input_dropout: float
    ) -> None:
        super().__init__()
        self.segments, self.size = segments, size
        self.initial = InitialState(latent, layers, size)
        self.lstm = LSTM(1, size, layers, dropout=input_dropout, batch_first=True)

    def forward(self, z: Tensor) -> Tensor:
        """`[B, Z]` → embeddings `[B, segments, H]`."""
        nothing = z.new_zeros(len(z), self.segments, 1)
        output: Tensor = self.lstm(nothing, tuple(self.initial(z)))[0]
        return output


class ListeningConductor(nn.Module):
    """An LSTM that takes one step a segment, fed with z and what became of the segment before.

    The autoregressive conductor of the original's code. Embeddings are only known one by one.

    Args:
        memory: length of what it is told of a segment.
    """

    def __init__(
        self,
        latent: int,
        segments: int,
        size: int,
        layers: int,
        *,
        memory: int,
        input_dropout: float,
    ) -> None:
        super().__init__()
        self.segments, self.size, self.memory = segments, size, memory
        self.initial = InitialState(latent, layers, size)
        self.input_dropout = Dropout(input_dropout)
        self.lstm = LSTM(memory + latent, size, layers, dropout=input_dropout)

    def start(self, z: Tensor) -> tuple[State, Tensor]:
        """The state before the first segment, and the memory of nothing."""
        return self.initial(z), z.new_zeros(len(z), self.memory)

    def step(self, z: Tensor, state: State, heard: Tensor) -> tuple[Tensor, State]:
        """The embedding of the next segment `[B, H]`, and the state after it.

        `heard` `[B, memory]` is what became of the one before.
        """
        told = self.input_dropout(torch.cat([heard, z], -1))
        output, (h, c) = self.lstm(told[None], tuple(state))
        return output[0], State(h, c)
