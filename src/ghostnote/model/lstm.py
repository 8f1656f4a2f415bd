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


class Dropout(nn.Dropout):
    """As `nn.Dropout`, at a sixth of its cost on a CPU: a number takes 16 random bits.

    There the rate is rounded to a multiple of 2⁻¹⁶, and what is kept is scaled by just that.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Numbers set to zero at the rate `p`, and the others scaled up."""
        if not self.training or x.device.type != "cpu" or not 0 < self.p < 1:
            return super().forward(x)
        dropped = min(round(self.p * 2**16), 2**16 - 1)
        bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = bits.view(torch.int16)[: x.numel()].view(x.shape)
        kept = torch.ge(bits, dropped - 2**15, out=torch.empty(x.shape, dtype=x.dtype))
        return x * kept.mul_(2**16 / (2**16 - dropped))


class LSTM(nn.LSTM):
    """Torch's LSTM, with one trained bias a gate as in the papers.

    Torch adds two, which doubles the step that the optimiser takes on their sum; the second one
    stays zero here. On a CPU, the dropout between the layers is `Dropout`.
    """

    def __init__(
        self, inputs: int, size: int, layers: int = 1, *, dropout: float = 0.0, **options: Any
    ) -> None:
        dropout = dropout if layers > 1 else 0.0
        super().__init__(inputs, size, num_layers=layers, dropout=dropout, **options)
        self.between = Dropout(dropout)
        for name, weight in self.named_parameters():
            if name.startswith("bias_hh"):
                nn.init.zeros_(weight)
                weight.requires_grad_(False)

    def forward(self, inputs: Any, state: Any = None) -> Any:
        """See `nn.LSTM`."""
        own_dropout = self.dropout and self.training and state is not None
        if not own_dropout or self.bidirectional or inputs.device.type != "cpu":
            return super().forward(inputs, state)
        ends = []
        for layer, weights in enumerate(self.all_weights):
            begin = tuple(part[layer : layer + 1] for part in state)
            inputs, h, c = torch.lstm(
                self.between(inputs) if layer else inputs,
                begin,
                [*weights],
                has_biases=True,
                num_layers=1,
                dropout=0.0,
                train=torch.is_grad_enabled(),  # whether to keep what backward needs
                bidirectional=False,
                batch_first=self.batch_first,
            )
            ends.append((h, c))
        return inputs, tuple(torch.cat(parts) for parts in zip(*ends, strict=True))


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


def together(one: float, other: float) -> float:
    """The rate of two dropouts, one after the other."""
    return 1 - (1 - one) * (1 - other)
