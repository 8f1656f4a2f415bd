"""The original's variables and our weights: the same numbers under other names.

A TensorFlow cell multiplies `[x, h]` with one kernel whose gates are ordered i, j, f, o, and adds
1 to the forget gate when it runs; torch keeps two matrices, orders the gates i, f, g, o, and adds
nothing. All else is transposition. Source: `BasicLSTMCell` and `LSTMBlockCell` of TensorFlow 1,
and the scopes in `lstm_models.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ghostnote.model.config import (
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    ModelConfig,
    NadeConfig,
    SymbolsConfig,
)

FORGET_BIAS = 1.0
"""What a TensorFlow cell adds to the forget gate's bias when it runs."""

Tensors = Mapping[str, Tensor]

_GATES = (0, 2, 1, 3)
"""i, j, f, o as i, f, g, o, and back."""


def _reordered(x: Tensor) -> Tensor:
    parts = x.chunk(4, -1)
    return torch.cat([parts[gate] for gate in _GATES], -1)


@dataclass(frozen=True)
class _Cell:
    """One LSTM layer: `variable/kernel` and `variable/bias` are the weights of `lstm`'s layer."""

    variable: str
    lstm: str
    layer: str

    @property
    def names(self) -> list[str]:
        return [f"{self.variable}/kernel", f"{self.variable}/bias"]

    def ours(self, variables: Tensors, forget_bias: float) -> dict[str, Tensor]:
        kernel, bias = (_reordered(variables[name]) for name in self.names)
        size = len(bias) // 4
        bias = bias.clone()
        bias[size : 2 * size] += forget_bias
        return {
            f"{self.lstm}.weight_ih_{self.layer}": kernel[:-size].T.contiguous(),
            f"{self.lstm}.weight_hh_{self.layer}": kernel[-size:].T.contiguous(),
            f"{self.lstm}.bias_ih_{self.layer}": bias,
            f"{self.lstm}.bias_hh_{self.layer}": torch.zeros_like(bias),
        }

    def theirs(self, weights: Tensors, forget_bias: float) -> dict[str, Tensor]:
        below, own, bias = (
            weights[f"{self.lstm}.{kind}_{self.layer}"]
            for kind in ("weight_ih", "weight_hh", "bias_ih")
        )
        size = len(bias) // 4
        bias = bias.clone()
        bias[size : 2 * size] -= forget_bias
        kernel = _reordered(torch.cat([below, own], 1).T)
        return dict(zip(self.names, (kernel.contiguous(), _reordered(bias)), strict=True))


@dataclass(frozen=True)
class _Dense:
    """A linear layer."""

    variable: str
    layer: str

    @property
    def names(self) -> list[str]:
        return [f"{self.variable}/kernel", f"{self.variable}/bias"]

    def ours(self, variables: Tensors, _forget_bias: float) -> dict[str, Tensor]:
        kernel, bias = (variables[name] for name in self.names)
        return {f"{self.layer}.weight": kernel.T.contiguous(), f"{self.layer}.bias": bias.clone()}

    def theirs(self, weights: Tensors, _forget_bias: float) -> dict[str, Tensor]:
        kernel = weights[f"{self.layer}.weight"].T.clone(memory_format=torch.contiguous_format)
        bias = weights[f"{self.layer}.bias"].clone()
        return dict(zip(self.names, (kernel, bias), strict=True))


@dataclass(frozen=True)
class _Nade:
    """The two matrices of a NADE."""

    variable: str
    head: str

    @property
    def names(self) -> list[str]:
        return [f"{self.variable}/w_enc", f"{self.variable}/w_dec_t"]

    def ours(self, variables: Tensors, _forget_bias: float) -> dict[str, Tensor]:
        encode, decode = (variables[name] for name in self.names)
        return {f"{self.head}.encode": encode[:, 0], f"{self.head}.decode": decode[:, :, 0]}

    def theirs(self, weights: Tensors, _forget_bias: float) -> dict[str, Tensor]:
        encode, decode = weights[f"{self.head}.encode"], weights[f"{self.head}.decode"]
        return dict(
            zip(self.names, (encode[:, None].clone(), decode[:, :, None].clone()), strict=True)
        )


_Layer = _Cell | _Dense | _Nade


def variable_names(config: ModelConfig) -> list[str]:
    """The names that the original gives the variables of such a model."""
    return [name for layer in _layers(config) for name in layer.names]


def to_state(
    config: ModelConfig, variables: Tensors, *, forget_bias: float = FORGET_BIAS
) -> dict[str, Tensor]:
    """The state dict of our model with the original's `variables`.

    With a `forget_bias` of 0 the map is linear, as it has to be for gradients.

    Raises:
        KeyError: a variable is missing.
    """
    state: dict[str, Tensor] = {}
    for layer in _layers(config):
        state |= layer.ours(variables, forget_bias)
    return state


def to_variables(
    config: ModelConfig, state: Tensors, *, forget_bias: float = FORGET_BIAS
) -> dict[str, Tensor]:
    """The inverse of `to_state`."""
    variables: dict[str, Tensor] = {}
    for layer in _layers(config):
        variables |= layer.theirs(state, forget_bias)
    return variables


def _layers(config: ModelConfig) -> Iterator[_Layer]:
    encoder, decoder = config.encoder, config.decoder
    if isinstance(encoder, HierarchicalEncoderConfig):
        for level in (0, 1):
            yield from _bidirectional(
                f"encoder/hierarchical_level_{level}",
                f"encoder.summary.levels.{level}",
                encoder.layers,
            )
    else:
        yield from _bidirectional("encoder", "encoder.summary", encoder.layers)
    yield _Dense("encoder/mu", "encoder.mu")
    yield _Dense("encoder/sigma", "encoder.sigma")
    if config.controls and config.controls_size:
        yield from _bidirectional(
            "control_preprocessing", "decoder.control_reader.reader", layers=1
        )
    core = ""
    if isinstance(decoder, HierarchicalConfig):
        scope, core = "decoder/hierarchical_level_0", "core_decoder/"
        yield _Dense(f"{scope}/initial_state", "decoder.conductor.initial.project")
        for layer in range(decoder.conductor_layers):
            yield _Cell(f"{scope}/cell_{layer}/lstm_cell", "decoder.conductor.lstm", f"l{layer}")
    if isinstance(config.head, NadeConfig):
        yield _Nade(f"{core}decoder/nade", "decoder.head")
    if isinstance(config.head, SymbolsConfig) and config.head.split == "apart":
        for part in range(len(config.head.sizes)):
            yield from _segment_decoder(
                f"{core}core_decoder_{part}/decoder", f"decoder.core.parts.{part}", decoder.layers
            )
    else:
        yield from _segment_decoder(f"{core}decoder", "decoder.core", decoder.layers)


def _bidirectional(scope: str, module: str, layers: int) -> Iterator[_Layer]:
    for layer in range(layers):
        for direction, suffix in (("fw", ""), ("bw", "_reverse")):
            cell = f"{scope}/cell_{layer}/bidirectional_rnn/{direction}/multi_rnn_cell/cell_0"
            yield _Cell(f"{cell}/lstm_cell", f"{module}.lstm", f"l{layer}{suffix}")


def _segment_decoder(scope: str, module: str, layers: int) -> Iterator[_Layer]:
    yield _Dense(f"{scope}/z_to_initial_state", f"{module}.initial.project")
    for layer in range(layers):
        yield _Cell(f"{scope}/multi_rnn_cell/cell_{layer}/lstm_cell", f"{module}.lstm", f"l{layer}")
    yield _Dense(f"{scope}/output_projection", f"{module}.project")
