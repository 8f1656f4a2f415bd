"""Models as ONNX graphs, built node by node.

The whole autoregressive decode is one graph: conductor, a `Scan` over the segments with one over
their steps in it, and the sampling inside them with the noise as an input, so that every runtime
gives the same groove. Torch's exporters unroll the loop instead, which takes minutes to export and
seconds to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ghostnote.model.heads import LATEST, VELOCITY_LEVELS, LogisticGroove
from ghostnote.model.layers import BarConductor, InitialState
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.kit import N_VOICES

OPSET = 18
IR_VERSION = 9

NATIVE = (0, 3, 1, 2)
"""Torch's gates as ONNX's LSTM has them: i, o, f, g."""

LANES = 16
"""What the element-wise operations are padded to a multiple of. ONNX Runtime computes Log and
Softplus a few numbers at a time and those that are left over in another way; without a rest, a
row's bits do not depend on its place in the batch."""

FLOAT = TensorProto.FLOAT

Array = npt.NDArray[Any]


class Nodes:
    """Nodes and constants of a graph under construction; `node` gives the name of its output.

    A constant or weight that is asked for twice is stored once.
    """

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._stored: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._prefix = prefix
        self._count = 0

    def fresh(self, hint: str) -> str:
        """A name that no other value has."""
        self._count += 1
        return f"{self._prefix}{hint}_{self._count}"

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output."""
        return self.split(kind, *inputs, outputs=1, **attributes)[0]

    def split(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Append a node with several outputs."""
        names = [self.fresh(kind.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """A small constant, stored as it is."""
        array = np.array(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._stored:
            self._stored[key] = self.fresh("constant")
            self.constants.append(numpy_helper.from_array(array, self._stored[key]))
        return self._stored[key]

    def weight(self, value: Tensor | Array) -> str:
        """A float32 weight, stored as float16 where that loses nothing."""
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        array = np.ascontiguousarray(array, np.float32)
        half = array.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), array):
            return self.constant(array)
        key = ("weight", array.shape, half.tobytes())
        if key not in self._stored:
            self._stored[key] = self.node("Cast", self.constant(half, np.float16), to=FLOAT)
        return self._stored[key]

    def linear(self, x: str, layer: nn.Linear) -> str:
        """x·Wᵀ + b on the last axis."""
        return self.node(
            "Add",
            self.node("MatMul", x, self.weight(layer.weight.T)),
            self.weight(layer.bias),
        )


def encoder_graph(model: GrooveVAE) -> onnx.ModelProto:
    """`x` `[B, T, 3V]` → `mu`, `sigma` `[B, Z]`."""
    g, encoder = Nodes(), model.encoder
    sequence = g.node("Transpose", "x", perm=[1, 0, 2])
    forward, backward = (_onnx_lstm(encoder.lstm, suffix) for suffix in ("", "_reverse"))
    weights = [
        g.weight(np.stack([one, other])) for one, other in zip(forward, backward, strict=True)
    ]
    _, last, _ = g.split(
        "LSTM",
        sequence,
        *weights,
        outputs=3,
        hidden_size=encoder.lstm.hidden_size,
        direction="bidirectional",
    )
    features = g.node("Concat", *_unstack(g, last, 2), axis=-1)
    mu = g.linear(features, encoder.mu)
    latent = model.config.latent
    wide = g.node(
        "Add",
        g.node("MatMul", features, g.weight(_padded(encoder.sigma.weight, latent).T)),
        g.weight(_padded(encoder.sigma.bias, latent)),
    )
    sigma = _unpadded(g, g, g.node("Softplus", wide), latent, 1)
    sigma = g.node("Add", sigma, g.constant(1e-6))
    return _model(
        g,
        "encoder",
        inputs={"x": ["batch", model.config.steps, 3 * N_VOICES]},
        outputs={"mu": (mu, ["batch", latent]), "sigma": (sigma, ["batch", latent])},
    )


def decoder_graph(model: GrooveVAE) -> onnx.ModelProto:
    """The whole autoregressive decode: the same function as `Decoder.sample`.

    Inputs: `z` `[B, Z]`; `noise` `[B, T, V, 3]`, uniform in (0, 1); `temperature` `[]`; `known`
    `[B, T, 3V]`; `mask` `[B, T, V]`, 1 where a cell is known. Output: `x` `[B, T, 3V]`.
    """
    decoder, steps = model.decoder, model.config.steps
    channels, segments = decoder.head.channels, decoder.conductor.segments
    g = Nodes()

    # What does not change from step to step is computed once, for all segments together.
    embeddings = _conductor(g, model)
    initial = _initial_state(g, embeddings, decoder.initial)
    below = np.split(_array(cast("Tensor", decoder.lstm.weight_ih_l0))[:, channels:], 4)
    fixed = [
        g.node("Add", g.node("MatMul", embeddings, g.weight(gate.T)), bias)
        for gate, bias in zip(below, _biases(g, decoder.lstm, 0), strict=True)
    ]

    # Noise as the body wants it: time first, one array for each use of it.
    hot = g.node("Greater", "temperature", g.constant(0.0))
    noise = g.node("Where", hot, "noise", g.constant(0.5))
    noise = g.node("Transpose", noise, perm=[3, 1, 0, 2])
    rest = g.constant([0] * 7 + [-N_VOICES % LANES], np.int64)
    noise = g.node("Pad", noise, rest, g.constant(0.5))
    hit_noise, velocity_noise, offset_noise = _unstack(g, noise, 3)
    threshold = g.node("Mul", _logit(g, hit_noise), "temperature")
    known, mask = (g.node("Transpose", name, perm=[1, 0, 2]) for name in ("known", "mask"))
    mask = g.node("Tile", mask, g.constant([1, 1, 3], np.int64))
    scanned = [
        threshold,
        _logit(g, velocity_noise),
        offset_noise,
        g.node("Mul", known, mask),
        g.node("Sub", g.constant(1.0), mask),
    ]

    # Of each segment: its state at the beginning, what is fixed in it, and its steps' numbers.
    lengths = g.constant([segments, decoder.segment], np.int64)
    scanned = [
        g.node("Reshape", value, g.node("Concat", lengths, g.node("Shape", value, start=1), axis=0))
        for value in scanned
    ]
    width = g.constant([channels], np.int64)
    nothing = g.node(
        "ConstantOfShape",
        g.node("Concat", g.node("Shape", "z", start=0, end=1), width, axis=0),
        value=helper.make_tensor("zero", FLOAT, [1], [0.0]),
    )
    _, outputs = g.split(
        "Scan",
        nothing,
        *initial,
        *fixed,
        *scanned,
        outputs=2,
        body=_segment(model, len(initial), len(scanned)),
        num_scan_inputs=len(initial) + len(fixed) + len(scanned),
    )
    x = g.node("Transpose", outputs, perm=[2, 0, 1, 3])
    x = g.node("Reshape", x, g.constant([0, steps, channels], np.int64))
    return _model(
        g,
        "decoder",
        inputs={
            "z": ["batch", model.config.latent],
            "noise": ["batch", steps, N_VOICES, 3],
            "temperature": [],
            "known": ["batch", steps, channels],
            "mask": ["batch", steps, N_VOICES],
        },
        outputs={"x": (x, ["batch", steps, channels])},
    )


def _segment(model: GrooveVAE, n_initial: int, n_scanned: int) -> onnx.GraphProto:
    """The body of the outer scan: one segment, begun from its own state.

    The weights of the inner scan are constants of this graph, since ONNX Runtime packs them for
    multiplication only if they come from the graph next to it.
    """
    g = Nodes("segment_")
    previous = "segment_previous"
    initial, fixed, scanned = (
        [g.fresh(hint) for _ in range(n)]
        for hint, n in (("initial", n_initial), ("fixed", 4), ("scanned", n_scanned))
    )
    *_, last, outputs = g.split(
        "Scan",
        *initial,
        previous,
        *scanned,
        outputs=n_initial + 2,
        body=_step(g, model, fixed),
        num_scan_inputs=n_scanned,
    )
    inputs = (previous, *initial, *fixed, *scanned)
    return _body("segment", g, inputs, (last, outputs))


def _step(outer: Nodes, model: GrooveVAE, fixed: list[str]) -> onnx.GraphProto:
    """The body of the inner scan: one step. Weights and what is `fixed` are seen from outside.

    Each gate of a cell has a product of its own: one for all four would have to be split.
    """
    decoder = model.decoder
    layers, channels = decoder.lstm.num_layers, decoder.head.channels
    g = Nodes("step_")
    state = [f"step_{kind}{layer}" for layer in range(layers) for kind in "hc"]
    previous = "step_previous"
    inputs = ("step_threshold", "step_velocity", "step_offset", "step_known", "step_unknown")
    threshold, velocity_noise, offset_noise, known, unknown = inputs
    new_state: list[str] = []
    feed = previous
    for layer in range(layers):
        h, c = state[2 * layer : 2 * layer + 2]
        joined = g.node("Concat", feed, h, axis=-1)
        weights = _recurrent_weights(decoder.lstm, layer, channels)
        constants = _biases(outer, decoder.lstm, layer) if layer else fixed
        i, f, new, o = (
            g.node("Add", g.node("MatMul", joined, outer.weight(weight)), constant)
            for weight, constant in zip(weights, constants, strict=True)
        )
        fresh = g.node("Mul", g.node("Sigmoid", i), g.node("Tanh", new))
        c = g.node("Add", g.node("Mul", g.node("Sigmoid", f), c), fresh)
        feed = g.node("Mul", g.node("Sigmoid", o), g.node("Tanh", c))
        new_state += [feed, c]
    project = decoder.head.project
    params = g.node(
        "Add",
        g.node("MatMul", feed, outer.weight(_padded(project.weight, N_VOICES).T)),
        outer.weight(_padded(project.bias, N_VOICES)),
    )
    drawn = (
        _draw_logistic if decoder.head.distribution is LogisticGroove else _draw_squared_error
    )(g, outer, params, threshold, velocity_noise, offset_noise)
    output = g.node("Add", known, g.node("Mul", unknown, drawn))
    outputs = (*new_state, output, g.node("Identity", output))
    return _body("step", g, (*state, previous, *inputs), outputs)


def _body(name: str, g: Nodes, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.GraphProto:
    """The body of a scan."""
    return helper.make_graph(
        g.nodes,
        name,
        [helper.make_empty_tensor_value_info(value) for value in inputs],
        [helper.make_empty_tensor_value_info(value) for value in outputs],
        initializer=g.constants,
    )


def _draw_logistic(
    g: Nodes, outer: Nodes, params: str, threshold: str, velocity_noise: str, offset_noise: str
) -> str:
    """`LogisticGroove.sample`; the noise of hit and velocity comes as a logit."""
    logits, v_loc, v_scale, o_loc, o_scale = _parts(g, outer, params, 5)

    def scale(raw: str) -> str:
        wide = g.node("Mul", g.node("Softplus", raw), outer.constant(0.1))
        return g.node("Add", wide, outer.constant(0.005))

    hits = _hits(g, logits, threshold)
    middle = g.node("Add", v_loc, outer.constant(0.5))
    velocity = g.node("Add", middle, g.node("Mul", scale(v_scale), velocity_noise))
    loc = g.node("Mul", g.node("Tanh", o_loc), outer.constant(0.5))
    spread = scale(o_scale)
    low, high = (
        g.node("Sigmoid", g.node("Div", g.node("Sub", outer.constant(edge), loc), spread))
        for edge in (-0.5, 0.5)
    )
    inside = g.node("Add", low, g.node("Mul", g.node("Sub", high, low), offset_noise))
    inside = g.node("Clip", inside, outer.constant(1e-6), outer.constant(1 - 1e-6))
    offset = g.node("Add", loc, g.node("Mul", spread, _logit(g, inside, outer)))
    return _joined(g, outer, hits, velocity, offset)


def _draw_squared_error(
    g: Nodes, outer: Nodes, params: str, threshold: str, _velocity: str, _offset: str
) -> str:
    """`SquaredErrorGroove.sample`."""
    logits, velocity, offset = _parts(g, outer, params, 3)
    late = g.node("Mul", g.node("Tanh", offset), outer.constant(0.5))
    return _joined(g, outer, _hits(g, logits, threshold), g.node("Sigmoid", velocity), late)


def _parts(g: Nodes, outer: Nodes, params: str, n: int) -> list[str]:
    lengths = outer.constant([_lanes(N_VOICES)] * n, np.int64)
    return g.split("Split", params, lengths, outputs=n, axis=-1)


def _hits(g: Nodes, logits: str, threshold: str) -> str:
    return g.node("Cast", g.node("Greater", logits, threshold), to=FLOAT)


def _joined(g: Nodes, outer: Nodes, hits: str, velocity: str, offset: str) -> str:
    low, top = outer.constant(1 / VELOCITY_LEVELS), outer.constant(1.0)
    early, late = outer.constant(-0.5), outer.constant(LATEST)
    played = g.node("Mul", hits, g.node("Clip", velocity, low, top))
    moved = g.node("Mul", hits, g.node("Clip", offset, early, late))
    return _unpadded(g, outer, g.node("Concat", hits, played, moved, axis=-1), N_VOICES, 3)


def _lanes(size: int) -> int:
    """`size`, or the next multiple of `LANES` above it."""
    return size + -size % LANES


def _padded(value: Tensor, size: int) -> Array:
    """Rows in groups of `size`, each group filled up with zeros to whole `LANES`."""
    groups = np.split(_array(value), len(value) // size)
    rest = np.zeros((_lanes(size) - size, *value.shape[1:]), np.float32)
    return np.concatenate([part for group in groups for part in (group, rest)])


def _unpadded(g: Nodes, outer: Nodes, x: str, size: int, groups: int) -> str:
    """The last axis of `x`, `groups` of whole `LANES`, without what filled them up."""
    kept = np.arange(groups * _lanes(size)).reshape(groups, -1)[:, :size].ravel()
    return g.node("Gather", x, outer.constant(kept, np.int64), axis=-1)


def _logit(g: Nodes, x: str, outer: Nodes | None = None) -> str:
    one = (outer or g).constant(1.0)
    return g.node("Log", g.node("Div", x, g.node("Sub", one, x)))


def _unstack(g: Nodes, x: str, n: int) -> list[str]:
    """`[n, …]` as n arrays without the first axis."""
    axis = g.constant([0], np.int64)
    return [g.node("Squeeze", part, axis) for part in _split(g, x, n)]


def _split(g: Nodes, x: str, n: int) -> list[str]:
    """The first axis in n equal parts."""
    return g.split("Split", x, outputs=n, axis=0, num_outputs=n) if n > 1 else [x]


def _conductor(g: Nodes, model: GrooveVAE) -> str:
    """`z` → embeddings `[segments, B, E]`."""
    conductor = model.decoder.conductor
    if not isinstance(conductor, BarConductor):
        return g.node("Unsqueeze", "z", g.constant([0], np.int64))
    lifted = g.node("Unsqueeze", "z", g.constant([0], np.int64))
    h, c = _initial_state(g, lifted, conductor.initial)
    shape = g.node(
        "Concat",
        g.constant([conductor.segments], np.int64),
        g.node("Shape", "z", start=0, end=1),
        g.constant([1], np.int64),
        axis=0,
    )
    nothing = g.node(
        "ConstantOfShape",
        shape,
        value=helper.make_tensor("zero", FLOAT, [1], [0.0]),
    )
    weights = [g.weight(part[None]) for part in _onnx_lstm(conductor.lstm, "")]
    output, *_ = g.split("LSTM", nothing, *weights, "", h, c, outputs=1, hidden_size=conductor.size)
    return g.node("Squeeze", output, g.constant([1], np.int64))


def _initial_state(g: Nodes, source: str, layer: InitialState) -> list[str]:
    """`[S, B, E]` → h and c of each layer, layer by layer, each `[S, B, H]`."""
    flat = g.node("Tanh", g.linear(source, layer.project))
    n = 2 * layer.layers
    parts = g.split("Split", flat, outputs=n, axis=-1, num_outputs=n)
    h, c = parts[: layer.layers], parts[layer.layers :]
    return [state for pair in zip(h, c, strict=True) for state in pair]


def _recurrent_weights(lstm: nn.LSTM, layer: int, channels: int) -> list[Array]:
    """What previous output (or layer below) and state are multiplied with, for each gate."""
    below = getattr(lstm, f"weight_ih_l{layer}")
    below = below[:, :channels] if layer == 0 else below
    own = getattr(lstm, f"weight_hh_l{layer}")
    joined = np.concatenate([_array(below), _array(own)], axis=1)
    return [gate.T for gate in np.split(joined, 4)]


def _biases(g: Nodes, lstm: nn.LSTM, layer: int) -> list[str]:
    """The bias of each gate."""
    both = _array(getattr(lstm, f"bias_ih_l{layer}")) + _array(getattr(lstm, f"bias_hh_l{layer}"))
    return [g.weight(gate) for gate in np.split(both, 4)]


def _onnx_lstm(lstm: nn.LSTM, suffix: str) -> list[Array]:
    """W, R and B of an ONNX LSTM, whose gates are ordered i, o, f, g."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w, r, b, rb = (_reorder(_array(getattr(lstm, f"{name}_l0{suffix}")), NATIVE) for name in names)
    return [w, r, np.concatenate([b, rb])]


def _reorder(gates: Array, order: Sequence[int]) -> Array:
    """Rows of the four gates, which torch orders i, f, g, o."""
    parts = np.split(gates, 4)
    return np.concatenate([parts[gate] for gate in order])


def _array(value: Tensor) -> Array:
    return np.asarray(value.detach().cpu().numpy())


def _model(
    g: Nodes,
    name: str,
    *,
    inputs: dict[str, list[Any]],
    outputs: dict[str, tuple[str, list[Any]]],
) -> onnx.ModelProto:
    """The finished model, checked."""
    for public, (internal, _) in outputs.items():
        g.nodes.append(helper.make_node("Identity", [internal], [public]))
    graph = helper.make_graph(
        g.nodes,
        name,
        [helper.make_tensor_value_info(key, FLOAT, shape) for key, shape in inputs.items()],
        [helper.make_tensor_value_info(key, FLOAT, shape) for key, (_, shape) in outputs.items()],
        initializer=g.constants,
    )
    model = helper.make_model(
        graph,
        producer_name="ghostnote",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model
