"""Models as ONNX graphs, built node by node.

The whole autoregressive decode is one graph: conductor, a `Scan` over the segments with one over
their steps in it, and the sampling inside them with the noise as an input, so that every runtime
gives the same groove. Torch's exporters unroll the loop instead, which takes minutes to export and
seconds to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
from torch import Tensor

from ghostnote.errors import ConfigError
from ghostnote.export.draws import Draw, draw_of
from ghostnote.export.judges import judge_of
from ghostnote.export.nodes import (
    Array,
    Nodes,
    array_of,
    body,
    finished,
    padded,
    unpadded,
)
from ghostnote.model.conductors import ListeningConductor, WholeWindow
from ghostnote.model.decoders import SegmentDecoder
from ghostnote.model.encoders import LEAST_SIGMA, BidirectionalSummary, HierarchicalSummary
from ghostnote.model.heads.groove import LikelihoodHead, SquaredErrorHead
from ghostnote.model.heads.hits import BooleanHead
from ghostnote.model.lstm import LSTM, InitialState
from ghostnote.model.vae import GrooveVAE

NATIVE = (0, 3, 1, 2)
"""Torch's gates i, f, g, o as ONNX's LSTM has them: i, o, f, g."""


def encoder_graph(model: GrooveVAE) -> onnx.ModelProto:
    """`x` `[B, T, 3V]`, and `controls` `[B, T, K]` for a model that takes them → `mu`, `sigma`
    `[B, Z]`.

    Raises:
        ConfigError: the model is not of drums.
    """
    _drawing(model)
    g, encoder, config = Nodes(), model.encoder, model.config
    inputs = {"x": ["batch", config.steps, 3 * config.voices]}
    seen = _observed(g, model)
    if config.controls:
        inputs["controls"] = ["batch", config.steps, config.controls]
        seen = g.node("Concat", seen, "controls", axis=-1)
    sequence = g.node("Transpose", seen, perm=[1, 0, 2])
    summary = _summary(g, encoder.summary, sequence)
    mu = g.linear(summary, encoder.mu)
    latent = config.latent
    wide = g.node(
        "Add",
        g.node("MatMul", summary, g.weight(padded(encoder.sigma.weight, latent).T)),
        g.weight(padded(encoder.sigma.bias, latent)),
    )
    sigma = unpadded(g, g, g.node("Softplus", wide), latent, 1)
    sigma = g.node("Max", sigma, g.constant(LEAST_SIGMA))
    return finished(
        g,
        "encoder",
        inputs=inputs,
        outputs={"mu": (mu, ["batch", latent]), "sigma": (sigma, ["batch", latent])},
    )


def _observed(g: Nodes, model: GrooveVAE) -> str:
    """What the encoder sees of `x`: `Head.observe`."""
    head, voices = model.decoder.head, model.config.voices
    if isinstance(head, LikelihoodHead):
        return "x"
    if isinstance(head, SquaredErrorHead):
        return g.node("Mul", "x", g.constant(array_of(head.units)))
    hits = g.columns("x", 0, voices)
    if isinstance(head, BooleanHead):
        return hits
    any_hit = g.node("ReduceMax", hits, g.constant([-1], np.int64), keepdims=1)
    silent = g.node("Sub", g.constant(1.0), any_hit)
    return g.node("Concat", hits, silent, axis=-1)


def _summary(g: Nodes, summary: BidirectionalSummary | HierarchicalSummary, sequence: str) -> str:
    """`[T, B, C]` → `[B, 2H]`."""
    if isinstance(summary, BidirectionalSummary):
        return _bidirectional(g, summary.lstm, sequence)[1]
    lower, upper = (cast("BidirectionalSummary", level).lstm for level in summary.levels)
    # Segments side by side in the batch: [S, L, B, C] → [L, S·B, C] and back.
    batch = g.node("Shape", sequence, start=1, end=2)
    width = g.node("Shape", sequence, start=2)
    n = g.constant([summary.segments], np.int64)
    rest = g.constant([-1], np.int64)
    parts = g.node("Reshape", sequence, g.node("Concat", n, rest, batch, width, axis=0))
    parts = g.node("Transpose", parts, perm=[1, 0, 2, 3])
    long = g.node("Concat", g.node("Shape", parts, end=1), rest, width, axis=0)
    _, summaries = _bidirectional(g, lower, g.node("Reshape", parts, long))
    stacked = g.node("Reshape", summaries, g.node("Concat", n, batch, rest, axis=0))
    return _bidirectional(g, upper, stacked)[1]


def _bidirectional(g: Nodes, lstm: LSTM, sequence: str) -> tuple[str, str]:
    """`[T, B, C]` → outputs `[T, B, 2H]`, and the last states of both directions `[B, 2H]`."""
    for layer in range(lstm.num_layers):
        sides = (_onnx_lstm(lstm, f"l{layer}{suffix}") for suffix in ("", "_reverse"))
        weights = [g.weight(np.stack(pair)) for pair in zip(*sides, strict=True)]
        outputs, last, _ = g.split(
            "LSTM",
            sequence,
            *weights,
            outputs=3,
            hidden_size=lstm.hidden_size,
            direction="bidirectional",
        )
        beside = g.node("Transpose", outputs, perm=[0, 2, 1, 3])  # [T, 2, B, H] → [T, B, 2, H]
        sequence = g.node("Reshape", beside, g.constant([0, 0, -1], np.int64))
    return sequence, g.node("Concat", *g.unstack(last, 2), axis=-1)


def decoder_graph(model: GrooveVAE) -> onnx.ModelProto:
    """The whole autoregressive decode: the same function as `Decoder.sample`.

    Inputs: `z` `[B, Z]`; `noise` `[B, T, V, 3]`, uniform in (0, 1); `temperature` `[]`; `known`
    `[B, T, 3V]`; `mask` `[B, T, 3V]`, 1 where a number is known; `controls` `[B, T, K]` for a model
    that takes them. Output: `x` `[B, T, 3V]`.

    Raises:
        ConfigError: the model is not of drums, or its conductor listens.
    """
    draw, config = _drawing(model), model.config
    decoder, core = model.decoder, cast("SegmentDecoder", model.decoder.core)
    steps, segments, channels = config.steps, decoder.conductor.segments, decoder.head.channels
    g = Nodes()
    inputs = {
        "z": ["batch", config.latent],
        "noise": ["batch", steps, config.voices, 3],
        "temperature": [],
        "known": ["batch", steps, 3 * config.voices],
        "mask": ["batch", steps, 3 * config.voices],
    }

    # What does not change from step to step is computed once, for all segments together.
    embeddings = _conductor(g, model)
    initial = _initial_state(g, embeddings, core.initial)
    below = array_of(cast("Tensor", core.lstm.weight_ih_l0))
    of_embedding = below[:, channels : channels + decoder.conductor.size]
    fixed = [
        g.node("Add", g.node("MatMul", embeddings, g.weight(gate.T)), bias)
        for gate, bias in zip(np.split(of_embedding, 4), _biases(g, core.lstm, 0), strict=True)
    ]
    hot = g.node("Greater", "temperature", g.constant(0.0))
    noise = g.node("Where", hot, "noise", g.constant(0.5))
    scanned = draw.prepare(g, noise, "known", "mask")
    if config.controls:
        inputs["controls"] = ["batch", steps, config.controls]
        controls = g.node("Transpose", "controls", perm=[1, 0, 2])
        if decoder.control_reader is not None:
            controls, _ = _bidirectional(g, decoder.control_reader.reader.lstm, controls)
        scanned.append(controls)

    # Of each segment: its state at the beginning, what is fixed in it, and its steps' numbers.
    lengths = g.constant([segments, decoder.segment], np.int64)
    scanned = [
        g.node("Reshape", value, g.node("Concat", lengths, g.node("Shape", value, start=1), axis=0))
        for value in scanned
    ]
    nothing = g.zeros(g.node("Shape", "z", start=0, end=1), g.constant([channels], np.int64))
    _, outputs = g.split(
        "Scan",
        nothing,
        *initial,
        *fixed,
        *scanned,
        outputs=2,
        body=_segment(model, draw, len(initial), len(scanned)),
        num_scan_inputs=len(initial) + len(fixed) + len(scanned),
    )
    x = g.node("Transpose", outputs, perm=[2, 0, 1, 3])
    x = draw.finish(g, g.node("Reshape", x, g.constant([0, steps, -1], np.int64)))
    shape = ["batch", steps, 3 * config.voices]
    return finished(g, "decoder", inputs=inputs, outputs={"x": (x, shape)})


def scorer_graph(model: GrooveVAE) -> onnx.ModelProto | None:
    """The log-likelihood of a window in nats, given z: the same function as
    `GrooveDistribution.parts`. None for a head that draws whole sets of hits.

    Inputs: `x` `[B, T, 3V]`; `z` `[B, Z]`; `controls` `[B, T, K]` for a model that takes them.
    Outputs: `hits`, `velocity` and `offset`, `[B, T, V]` each.

    Raises:
        ConfigError: the model is not of drums, or its conductor listens.
    """
    _drawing(model)
    decoder, config = model.decoder, model.config
    judge = judge_of(decoder.head)
    if judge is None:
        return None
    core, voices = cast("SegmentDecoder", decoder.core), config.voices
    g = Nodes()
    inputs = {"x": ["batch", config.steps, 3 * voices], "z": ["batch", config.latent]}

    # What is fed back: the true step before each, and silence before the first.
    sequence = g.node("Transpose", judge.feedback(g, "x"), perm=[1, 0, 2])
    edges = [g.constant([edge], np.int64) for edge in (0, -1, 0)]
    earlier = g.node("Slice", sequence, *edges)
    silence = g.zeros(g.constant([1], np.int64), g.node("Shape", sequence, start=1))
    scanned = [g.node("Concat", silence, earlier, axis=0)]
    if config.controls:
        inputs["controls"] = ["batch", config.steps, config.controls]
        controls = g.node("Transpose", "controls", perm=[1, 0, 2])
        if decoder.control_reader is not None:
            controls, _ = _bidirectional(g, decoder.control_reader.reader.lstm, controls)
        scanned.append(controls)

    # Given that, all segments are side by side in the batch: [S·L, B, C] → [L, S·B, C].
    segments, length = decoder.conductor.segments, decoder.segment
    batch = g.node("Shape", "z", start=0, end=1)
    apart = g.node("Concat", g.constant([segments, length], np.int64), batch,
                   g.constant([-1], np.int64), axis=0)  # fmt: skip
    merged = g.constant([length, -1], np.int64)

    def beside(value: str) -> str:
        parts = g.node("Transpose", g.node("Reshape", value, apart), perm=[1, 0, 2, 3])
        shape = g.node("Concat", merged, g.node("Shape", value, start=2), axis=0)
        return g.node("Reshape", parts, shape)

    embeddings = _conductor(g, model)
    states = _initial_state(g, embeddings, core.initial)
    every = g.node("Reshape", embeddings, g.constant([1, -1, decoder.conductor.size], np.int64))
    fed, *told = (beside(value) for value in scanned)
    shape = g.node("Concat", g.constant([length], np.int64), g.node("Shape", every, start=1),
                   axis=0)  # fmt: skip
    features = g.node("Concat", fed, g.node("Expand", every, shape), *told, axis=-1)
    size = core.lstm.hidden_size
    flat = g.constant([1, -1, size], np.int64)
    for layer in range(core.lstm.num_layers):
        weights = [g.weight(part[None]) for part in _onnx_lstm(core.lstm, f"l{layer}")]
        begin = [g.node("Reshape", state, flat) for state in states[2 * layer : 2 * layer + 2]]
        output, *_ = g.split("LSTM", features, *weights, "", *begin, outputs=1, hidden_size=size)
        features = g.node("Squeeze", output, g.constant([1], np.int64))
    weight, bias = judge.weights(core)
    params = g.node("Add", g.node("MatMul", features, g.weight(weight)), g.weight(bias))

    # [L, S·B, P] → [B, S, L, P] → [B, T, P]
    again = g.node("Concat", g.constant([length, segments], np.int64), batch,
                   g.constant([-1], np.int64), axis=0)  # fmt: skip
    params = g.node("Transpose", g.node("Reshape", params, again), perm=[2, 1, 0, 3])
    params = g.node("Reshape", params, g.constant([0, config.steps, -1], np.int64))
    parts = judge.parts(g, params, "x")
    cells = ["batch", config.steps, voices]
    return finished(
        g,
        "scorer",
        inputs=inputs,
        outputs={
            name: (g.columns(part, 0, voices), cells)
            for name, part in zip(("hits", "velocity", "offset"), parts, strict=True)
        },
    )


def _drawing(model: GrooveVAE) -> Draw:
    """How the model draws a step.

    Raises:
        ConfigError: it has no graph.
    """
    decoder = model.decoder
    core, steps = decoder.core, decoder.steps
    draw = draw_of(decoder.head, core, steps) if isinstance(core, SegmentDecoder) else None
    if draw is None:
        raise ConfigError("a model of symbols has no graph: it writes no drums")
    if isinstance(decoder.conductor, ListeningConductor):
        raise ConfigError(
            "a model whose conductor listens has no graph",
            remedy="use it in torch, or train it with model.decoder.memory=none",
        )
    return draw


def _segment(model: GrooveVAE, draw: Draw, n_initial: int, n_scanned: int) -> onnx.GraphProto:
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
        body=_step(g, model, draw, fixed, n_scanned),
        num_scan_inputs=n_scanned,
    )
    inputs = (previous, *initial, *fixed, *scanned)
    return body("segment", g, inputs, (last, outputs))


def _step(
    outer: Nodes, model: GrooveVAE, draw: Draw, fixed: list[str], n_scanned: int
) -> onnx.GraphProto:
    """The body of the inner scan: one step. Weights and what is `fixed` are seen from outside.

    Each gate of a cell has a product of its own: one for all four would have to be split.
    """
    lstm = cast("SegmentDecoder", model.decoder.core).lstm
    g = Nodes("step_")
    state = [f"step_{kind}{layer}" for layer in range(lstm.num_layers) for kind in "hc"]
    previous = "step_previous"
    given = [g.fresh("given") for _ in range(n_scanned)]
    to_draw, controls = (given[:-1], given[-1:]) if model.config.controls else (given, [])
    new_state: list[str] = []
    feed = [previous, *controls]
    for layer in range(lstm.num_layers):
        h, c = state[2 * layer : 2 * layer + 2]
        joined = g.node("Concat", *feed, h, axis=-1)
        weights = _recurrent_weights(model, layer)
        constants = _biases(outer, lstm, layer) if layer else fixed
        i, f, new, o = (
            g.node("Add", g.node("MatMul", joined, outer.weight(weight)), constant)
            for weight, constant in zip(weights, constants, strict=True)
        )
        fresh = g.node("Mul", g.node("Sigmoid", i), g.node("Tanh", new))
        c = g.node("Add", g.node("Mul", g.node("Sigmoid", f), c), fresh)
        feed = [g.node("Mul", g.node("Sigmoid", o), g.node("Tanh", c))]
        new_state += [*feed, c]
    weight, bias = draw.weights()
    params = g.node("Add", g.node("MatMul", *feed, outer.weight(weight)), outer.weight(bias))
    output, fed = draw.step(g, outer, params, to_draw)
    return body("step", g, (*state, previous, *given), (*new_state, fed, output))


def _conductor(g: Nodes, model: GrooveVAE) -> str:
    """`z` → embeddings `[segments, B, E]`."""
    conductor = model.decoder.conductor
    lifted = g.node("Unsqueeze", "z", g.constant([0], np.int64))
    if isinstance(conductor, WholeWindow):
        return lifted
    assert not isinstance(conductor, ListeningConductor)
    states = _initial_state(g, lifted, conductor.initial)
    sequence = g.zeros(
        g.constant([conductor.segments], np.int64),
        g.node("Shape", "z", start=0, end=1),
        g.constant([1], np.int64),
    )
    for layer in range(conductor.lstm.num_layers):
        weights = [g.weight(part[None]) for part in _onnx_lstm(conductor.lstm, f"l{layer}")]
        begin = states[2 * layer : 2 * layer + 2]
        output, *_ = g.split(
            "LSTM", sequence, *weights, "", *begin, outputs=1, hidden_size=conductor.size
        )
        sequence = g.node("Squeeze", output, g.constant([1], np.int64))
    return sequence


def _initial_state(g: Nodes, source: str, layer: InitialState) -> list[str]:
    """`[S, B, E]` → h and c of each layer, layer by layer, each `[S, B, H]`."""
    flat = g.node("Tanh", g.linear(source, layer.project))
    n = 2 * layer.layers
    parts = g.split("Split", flat, outputs=n, axis=-1, num_outputs=n)
    pairs = zip(parts[0::2], parts[1::2], strict=True)
    return [state for c, h in pairs for state in (h, c)]


def _recurrent_weights(model: GrooveVAE, layer: int) -> list[Array]:
    """What previous output and controls (or the layer below) and state are multiplied with, for
    each gate.
    """
    decoder = model.decoder
    lstm = cast("SegmentDecoder", decoder.core).lstm
    below, own = (
        array_of(getattr(lstm, f"{kind}_l{layer}")) for kind in ("weight_ih", "weight_hh")
    )
    if layer == 0:
        channels = decoder.head.channels
        below = np.delete(below, np.s_[channels : channels + decoder.conductor.size], axis=1)
    joined = np.concatenate([below, own], axis=1)
    return [gate.T for gate in np.split(joined, 4)]


def _biases(g: Nodes, lstm: LSTM, layer: int) -> list[str]:
    """The bias of each gate."""
    return [g.weight(gate) for gate in np.split(array_of(getattr(lstm, f"bias_ih_l{layer}")), 4)]


def _onnx_lstm(lstm: LSTM, layer: str) -> list[Array]:
    """W, R and B of an ONNX LSTM, whose gates are ordered i, o, f, g."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w, r, b, rb = (_reorder(array_of(getattr(lstm, f"{name}_{layer}")), NATIVE) for name in names)
    return [w, r, np.concatenate([b, rb])]


def _reorder(gates: Array, order: Sequence[int]) -> Array:
    """Rows of the four gates, which torch orders i, f, g, o."""
    parts = np.split(gates, 4)
    return np.concatenate([parts[gate] for gate in order])
