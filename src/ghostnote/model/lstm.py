"""The LSTM that all models are made of, its state, and how z sets it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class State(NamedTuple):
    """Hidden and cell state of all LSTM layers, each `[layers, B, H]`."""

    h: Tensor
    c: Tensor

    def flat(self) -> Tensor:
        """`[B, 2·layers·H]`: c and h of the first layer, then of the next."""
        pairs = torch.stack([self.c, self.h], 1)  # [layers, 2, B, H]
        return pairs.permute(2, 0, 1, 3).flatten(1)


class LSTM(nn.LSTM):
    """Torch's LSTM, batch first, with one trained bias a gate as in the papers.

    Torch adds two, which doubles the step that the optimiser takes on their sum. The second one
    stays zero.
    """

    def __init__(self, inputs: int, size: int, layers: int = 1, **options: Any) -> None:
        super().__init__(inputs, size, num_layers=layers, batch_first=True, **options)
        for name, weight in self.named_parameters():
            if name.startswith("bias_hh"):
                nn.init.zeros_(weight)
                weight.requires_grad_(False)


class InitialState(nn.Module):
    """z, or a conductor's embedding, to the initial state of an LSTM: tanh of a linear map."""

    def __init__(self, source: int, layers: int, size: int) -> None:
        super().__init__()
        self.layers, self.size = layers, size
        self.project = nn.Linear(source, 2 * layers * size)

    def forward(self, source: Tensor) -> State:
        """`[B, source]` → state; the linear map gives it as `State.flat` does."""
        flat = torch.tanh(self.project(source)).view(-1, self.layers, 2, self.size)
        c, h = flat.permute(2, 1, 0, 3).contiguous()
        return State(h, c)


def between_layers(layers: int, *rates: float) -> float:
    """Dropout between LSTM layers that has the effect of several, one after the other."""
    kept = 1.0
    for rate in rates:
        kept *= 1 - rate
    return 1 - kept if layers > 1 else 0.0
