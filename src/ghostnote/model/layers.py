"""Encoder, conductors and decoder: finished parts that a `GrooveVAE` is put together from."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.model.heads import Head


class State(NamedTuple):
    """Hidden and cell state of all LSTM layers, each `[layers, B, H]`."""

    h: Tensor
    c: Tensor


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
    """As `nn.LSTM` on `[T, B, C]`, on a CPU with `Dropout` between the layers."""

    def __init__(self, channels: int, size: int, layers: int, *, dropout: float) -> None:
        super().__init__(channels, size, layers, dropout=dropout if layers > 1 else 0.0)
        self.between = Dropout(dropout)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:  # type: ignore[override]
        """Features `[T, B, H]` of the last layer, and the state after the last step."""
        if inputs.device.type != "cpu":
            features, end = super().forward(inputs, (state.h, state.c))
            return features, State(*end)
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
                batch_first=False,
            )
            ends.append((h, c))
        h, c = (torch.cat(parts) for parts in zip(*ends, strict=True))
        return inputs, State(h, c)


class InitialState(nn.Module):
    """z, or a conductor's embedding, to the initial state of an LSTM: tanh of a linear map."""

    def __init__(self, source: int, layers: int, size: int) -> None:
        super().__init__()
        self.layers, self.size = layers, size
        self.project = nn.Linear(source, 2 * layers * size)

    def forward(self, source: Tensor) -> State:
        """`[B, source]` → state."""
        flat = torch.tanh(self.project(source)).view(-1, 2, self.layers, self.size)
        h, c = flat.permute(1, 2, 0, 3).contiguous()
        return State(h, c)


class BidirectionalEncoder(nn.Module):
    """A bidirectional LSTM; the last states of both directions give μ and σ (paper, 3.1)."""

    def __init__(self, channels: int, size: int, latent: int, *, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, size, batch_first=True, bidirectional=True)
        self.dropout = Dropout(dropout)
        self.mu = nn.Linear(2 * size, latent)
        self.sigma = nn.Linear(2 * size, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, T, C]` → μ and σ > 0, each `[B, Z]`."""
        _, (h, _) = self.lstm(x)
        last = self.dropout(torch.cat([h[0], h[1]], dim=-1))
        return self.mu(last).float(), F.softplus(self.sigma(last).float())


class WholeWindow(nn.Module):
    """The conductor of a flat decoder: the window is one segment, and z its embedding."""

    segments = 1

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.size = latent

    def forward(self, z: Tensor) -> Tensor:
        """`[B, Z]` → embeddings `[B, 1, Z]`."""
        return z[:, None]


class BarConductor(nn.Module):
    """An LSTM that takes one step a bar; z sets its initial state (paper, 3.2).

    Its input is a constant, so a bias is all that it is fed with.
    """

    def __init__(self, latent: int, bars: int, size: int) -> None:
        super().__init__()
        self.segments, self.size = bars, size
        self.initial = InitialState(latent, 1, size)
        self.lstm = nn.LSTM(1, size, batch_first=True)

    def forward(self, z: Tensor) -> Tensor:
        """`[B, Z]` → embeddings `[B, bars, H]`."""
        nothing = z.new_zeros(len(z), self.segments, 1)
        output: Tensor = self.lstm(nothing, tuple(self.initial(z)))[0]
        return output


class Decoder(nn.Module):
    """An LSTM over each segment of the window, fed with its own previous output.

    The conductor gives each segment an embedding, which sets the initial state there and is an
    input at every step of it. The previous output crosses the segments' borders; the state does
    not. With `WholeWindow` this is the flat decoder of MusicVAE, with `BarConductor` the
    hierarchical one. Given the previous outputs, all segments are computed in parallel.
    """

    def __init__(
        self,
        conductor: WholeWindow | BarConductor,
        head: Head,
        *,
        steps: int,
        size: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.conductor = conductor
        self.steps, self.segment = steps, steps // conductor.segments
        self.initial = InitialState(conductor.size, layers, size)
        self.lstm = LSTM(head.channels + conductor.size, size, layers, dropout=dropout)
        self.dropout = Dropout(dropout)
        self.head = head

    def forward(self, z: Tensor, previous: Tensor) -> Tensor:
        """Parameters of every step, given what came before each.

        Args:
            z: `[B, Z]`.
            previous: `[B, T, C]`, the output before each step (zeros before the first).

        Returns:
            `[B, T, P]`.
        """
        embedding = self.conductor(z).reshape(-1, self.conductor.size)
        # Time first, and in the precision of the LSTM, so that what is large is copied once only.
        inputs = previous.reshape(len(embedding), self.segment, -1).transpose(0, 1)
        spread = embedding.expand(self.segment, -1, -1)
        inputs = torch.cat([inputs.to(spread.dtype), spread], -1)
        features, _ = self.lstm(inputs, self.initial(embedding))
        params: Tensor = self.head(self.dropout(features))
        return params.transpose(0, 1).reshape(len(z), self.steps, -1)

    def sample(
        self,
        z: Tensor,
        noise: Tensor,
        temperature: float | Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Step by step, each step fed with the one before.

        Args:
            z: `[B, Z]`.
            noise: uniform in (0, 1), `[B, T, V, 3]`, for hit, velocity and offset.
            temperature: divides the hit logits; 0 gives the most likely cells.
            known: `[B, T, 3V]`, what the masked cells are.
            mask: `[B, T, V]`, 1 where a cell is known, 0 where it is sampled.

        Returns:
            `x` `[B, T, 3V]`.
        """
        embeddings = self.conductor(z)
        output = z.new_zeros(len(z), self.head.channels)
        outputs = []
        for step in range(self.steps):
            embedding = embeddings[:, step // self.segment]
            if step % self.segment == 0:
                state = self.initial(embedding)
            inputs = torch.cat([output, embedding], -1)[None]
            features, state = self.lstm(inputs, state)
            params = self.head(features[0])
            output = self.head.distribution(params).sample(noise[:, step], temperature)
            if known is not None and mask is not None:
                chosen = mask[:, step].repeat(1, 3)
                output = chosen * known[:, step] + (1 - chosen) * output
            outputs.append(output)
        return torch.stack(outputs, 1)
