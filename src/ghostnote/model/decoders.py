"""Decoders: z, and what came before, to the parameters of every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ghostnote.model.conductors import ListeningConductor, SegmentConductor, WholeWindow
from ghostnote.model.encoders import BidirectionalSummary, by_segment
from ghostnote.model.heads.step import Head, pieces
from ghostnote.model.lstm import LSTM, Dropout, InitialState, State, together


class SegmentDecoder(nn.Module):
    """An LSTM over a segment, fed with its own previous output.

    An embedding of the segment sets the initial state, and is an input at every step.
    """

    def __init__(
        self,
        embedding: int,
        channels: int,
        controls: int,
        n_params: int,
        *,
        size: int,
        layers: int,
        input_dropout: float,
        layer_dropout: float,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.memory = 2 * layers * size
        self.initial = InitialState(embedding, layers, size)
        self.lstm = LSTM(
            channels + embedding + controls,
            size,
            layers,
            dropout=together(input_dropout, layer_dropout),
        )
        self.input_dropout = Dropout(input_dropout)
        self.output_dropout = Dropout(layer_dropout)
        self.project = nn.Linear(size, n_params)

    def start(self, embedding: Tensor) -> State:
        """The state before the first step; `embedding` `[B, E]`."""
        state: State = self.initial(embedding)
        return state

    def forward(
        self, state: State, embedding: Tensor, previous: Tensor, controls: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The parameters of `L` steps, and the state after them.

        Args:
            state: before the first of them.
            embedding: `[B, E]`.
            previous: `[B, L, C]`, the output before each step.
            controls: `[B, L, K]`.

        Returns:
            parameters `[B, L, P]`, and the state.
        """
        # Time first, and in the precision of the LSTM, so that what is large is copied once only.
        steps = previous.shape[1]
        parts = [previous.transpose(0, 1), embedding.expand(steps, -1, -1)]
        if controls is not None:
            parts.append(controls.transpose(0, 1))
        inputs = torch.cat([part.to(embedding.dtype) for part in parts], -1)
        features, (h, c) = self.lstm(self.input_dropout(inputs), tuple(state))
        params: Tensor = self.project(self.output_dropout(features))
        return params.transpose(0, 1), State(h, c)


class SplitDecoder(nn.Module):
    """A `SegmentDecoder` for each part of the output, which sees nothing of the others."""

    def __init__(self, parts: Sequence[SegmentDecoder]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.widths = [part.channels for part in parts]
        self.sizes = [part.lstm.hidden_size for part in parts]
        self.memory = sum(part.memory for part in parts)

    def start(self, embedding: Tensor) -> State:
        """See `SegmentDecoder.start`; the states of the parts lie side by side."""
        return _side_by_side([part.start(embedding) for part in self._parts])

    @property
    def _parts(self) -> list[SegmentDecoder]:
        return [cast("SegmentDecoder", part) for part in self.parts]

    def forward(
        self, state: State, embedding: Tensor, previous: Tensor, controls: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """See `SegmentDecoder.forward`."""
        states = zip(*(pieces(side, self.sizes) for side in state), strict=True)
        results = [
            part(State(h.contiguous(), c.contiguous()), embedding, own, controls)
            for part, (h, c), own in zip(
                self._parts, states, pieces(previous, self.widths), strict=True
            )
        ]
        params, after = zip(*results, strict=True)
        return torch.cat(params, -1), _side_by_side(after)


def _side_by_side(states: Sequence[State]) -> State:
    return State(*(torch.cat(side, -1) for side in zip(*states, strict=True)))


class ControlReader(nn.Module):
    """A bidirectional LSTM that reads the controls before the decoder does."""

    def __init__(self, controls: int, size: int, *, input_dropout: float) -> None:
        super().__init__()
        self.reader = BidirectionalSummary(
            controls, size, 1, input_dropout=input_dropout, layer_dropout=0.0
        )
        self.size = self.reader.size

    def forward(self, controls: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`[B, T, K]` → `[B, T, 2H]`."""
        return self.reader.outputs(controls, lengths)[0]


class Unrolled(NamedTuple):
    """What a decoder does over a window: outputs and parameters of every step, and its state at
    the end. `outputs` `[B, T, X]` are as they are fed back, before `Head.finish`. `lengths`
    `[B, segments]` are those of the segments.
    """

    outputs: Tensor
    params: Tensor
    state: State
    lengths: Tensor


class _Played(NamedTuple):
    """What became of a segment: what is fed back of its outputs `[B, L, C]`, the state after it,
    and its lengths `[B]`, None where none ends early.
    """

    outputs: Tensor
    state: State
    lengths: Tensor | None


class _Segment(Protocol):
    """What a decoder does in one segment, given its embedding, starting state and place."""

    def __call__(self, embedding: Tensor, state: State, index: int) -> _Played: ...


class Decoder(nn.Module):
    """A conductor, and a decoder that is shared by all segments of the window.

    The conductor gives each segment an embedding, which sets the decoder's state there. The
    previous output crosses the segments' borders; the state does not. With `WholeWindow` this is
    the flat decoder of MusicVAE, with `SegmentConductor` the hierarchical one: given the previous
    outputs, all segments are computed in parallel. With `ListeningConductor` one has to wait for
    the other.

    Args:
        listener: sums up the outputs of a segment for the conductor, `[B, L, C]` → `[B, memory]`;
            None where it hears the decoder's state. It belongs to the encoder.
    """

    def __init__(
        self,
        conductor: WholeWindow | SegmentConductor | ListeningConductor,
        core: SegmentDecoder | SplitDecoder,
        head: Head,
        *,
        steps: int,
        control_reader: ControlReader | None = None,
        listener: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conductor, self.core, self.head = conductor, core, head
        self.steps, self.segment = steps, steps // conductor.segments
        self.control_reader = control_reader
        self._listener = [listener]  # in a list: its weights are the encoder's, not ours

    def forward(
        self,
        z: Tensor,
        previous: Tensor,
        controls: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Tensor:
        """Parameters of every step, given what came before each.

        Args:
            z: `[B, Z]`.
            previous: `[B, T, C]`, what is fed back of the output before each step (zeros before
                the first).
            controls: `[B, T, K]`.
            lengths: after how many steps windows or segments end, as `by_segment` takes them;
                `[B]` where controls are read by an LSTM. By default none ends early. Each segment
                is followed to the end of the longest in the batch, as in the original; the
                parameters after that are zeros.

        Returns:
            `[B, T, P]`.
        """
        return self.follow(z, previous, controls, lengths)[0]

    def follow(
        self,
        z: Tensor,
        previous: Tensor,
        controls: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """As `forward`; also the decoder's state after the last segment."""
        if controls is not None and self.control_reader is not None:
            controls = self.control_reader(controls, lengths)
        if lengths is not None or isinstance(self.conductor, ListeningConductor):
            return self._follow_in_turn(z, previous, controls, lengths)
        embedding = self.conductor(z).reshape(-1, self.conductor.size)
        inputs, told = (
            None if side is None else side.reshape(len(embedding), self.segment, -1)
            for side in (previous, controls)
        )
        assert inputs is not None
        params, state = self.core(self.core.start(embedding), embedding, inputs, told)
        last = slice(self.conductor.segments - 1, None, self.conductor.segments)
        return params.reshape(len(z), self.steps, -1), State(state.h[:, last], state.c[:, last])

    def _follow_in_turn(
        self, z: Tensor, previous: Tensor, controls: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        outputs = torch.cat([previous[:, 1:], torch.zeros_like(previous[:, :1])], 1)
        ends = None if lengths is None else by_segment(lengths, self.conductor.segments)
        params = []

        def follow(embedding: Tensor, state: State, index: int) -> _Played:
            own = None if ends is None else ends[:, index]
            longest = self.segment if own is None else int(own.max())
            first = index * self.segment
            part = slice(first, first + longest)
            result = z.new_zeros(len(z), 0, self.head.n_params)
            if longest:
                told = None if controls is None else controls[:, part]
                result, state = self.core(state, embedding, previous[:, part], told)
            params.append(F.pad(result, (0, 0, 0, self.segment - longest)))
            return _Played(outputs[:, first : first + self.segment], state, own)

        state = self._in_turn(z, follow)
        return torch.cat(params, 1), state

    def _in_turn(self, z: Tensor, segment: _Segment) -> State:
        """Do `segment` for one after the other."""
        conductor, listener = self.conductor, self._listener[0]
        if not isinstance(conductor, ListeningConductor):
            for index, embedding in enumerate(self.conductor(z).unbind(1)):
                state = segment(embedding, self.core.start(embedding), index).state
            return state
        conducting, heard = conductor.start(z)
        for index in range(conductor.segments):
            embedding, conducting = conductor.step(z, conducting, heard)
            outputs, state, lengths = segment(embedding, self.core.start(embedding), index)
            heard = state.flat() if listener is None else listener(outputs, lengths)
        return state

    def sample(
        self,
        z: Tensor,
        noise: Tensor,
        temperature: float | Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
        controls: Tensor | None = None,
    ) -> Tensor:
        """`x` `[B, T, X]`, drawn step by step; see `unroll`."""
        return self.head.finish(self.unroll(z, noise, temperature, known, mask, controls).outputs)

    def unroll(
        self,
        z: Tensor,
        noise: Tensor,
        temperature: float | Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
        controls: Tensor | None = None,
        *,
        end: int | None = None,
    ) -> Unrolled:
        """Step by step, each step fed with the one before.

        Args:
            z: `[B, Z]`.
            noise: uniform in (0, 1), `[B, T, V, 3]`, for hit, velocity and offset.
            temperature: divides the hit logits, and the variance of velocity and offset goes with
                it; 0 gives the most likely cells.
            known: `[B, T, X]`, what the masked numbers are.
            mask: `[B, T, X]`, 1 where a number is known, 0 where it is sampled.
            controls: `[B, T, K]`.
            end: the symbol that ends a segment. As in the original, one is drawn until all
                windows of the batch have ended it, and then filled up with zeros.
        """
        if controls is not None and self.control_reader is not None:
            controls = self.control_reader(controls)
        noise = self.head.correlated(noise)
        previous = z.new_zeros(len(z), self.head.channels)
        outputs: list[Tensor] = []
        params: list[Tensor] = []
        lengths: list[Tensor] = []

        def draw(embedding: Tensor, state: State, index: int) -> _Played:
            nonlocal previous
            fed: list[Tensor] = []
            goes_on = z.new_ones(len(z), dtype=torch.bool)
            length = z.new_zeros(len(z), dtype=torch.long)
            for step in range(index * self.segment, (index + 1) * self.segment):
                given = [None if side is None else side[:, step] for side in (known, mask)]
                told = None if controls is None else controls[:, step : step + 1]
                result, state = self.core(state, embedding, previous[:, None], told)
                output = self.head(result[:, 0]).sample(noise[:, step], temperature, *given)
                previous = self.head.feedback(output)
                params.append(result[:, 0])
                outputs.append(output)
                fed.append(previous)
                length = length + goes_on
                if end is not None:
                    goes_on = goes_on & (output[:, end] == 0)
                    if not goes_on.any():
                        break
            for drawn in (params, outputs):
                drawn.extend([torch.zeros_like(drawn[-1])] * (self.segment - len(fed)))
            lengths.append(length)
            return _Played(torch.stack(fed, 1), state, None if end is None else length)

        state = self._in_turn(z, draw)
        return Unrolled(
            torch.stack(outputs, 1), torch.stack(params, 1), state, torch.stack(lengths, 1)
        )
