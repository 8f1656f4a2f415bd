"""ONNX graphs under construction: nodes, constants and weights by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 18
IR_VERSION = 9

LANES = 16
"""What the element-wise operations are padded to a multiple of. ONNX Runtime computes Log and
Softplus a few numbers at a time and those that are left over in another way; without a rest, a
row's bits do not depend on its place in the batch."""

FLOAT, DOUBLE, INT = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64

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
        with np.errstate(over="ignore"):
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

    def columns(self, x: str, start: int, stop: int) -> str:
        """`x[..., start:stop]`."""
        edges = (self.constant([edge], np.int64) for edge in (start, stop, -1))
        return self.node("Slice", x, *edges)

    def parts(self, x: str, lengths: Sequence[int], outer: Nodes | None = None) -> list[str]:
        """The last axis of `x` in parts of these lengths."""
        sizes = (outer or self).constant(lengths, np.int64)
        return self.split("Split", x, sizes, outputs=len(lengths), axis=-1)

    def unstack(self, x: str, n: int) -> list[str]:
        """`[n, …]` as n arrays without the first axis."""
        axis = self.constant([0], np.int64)
        parts = self.split("Split", x, outputs=n, axis=0, num_outputs=n) if n > 1 else [x]
        return [self.node("Squeeze", part, axis) for part in parts]

    def zeros(self, *shape: str) -> str:
        """Zeros of the shape that is the concatenation of these int64 vectors."""
        return self.node(
            "ConstantOfShape",
            self.node("Concat", *shape, axis=0),
            value=helper.make_tensor("zero", FLOAT, [1], [0.0]),
        )


def lanes(size: int) -> int:
    """`size`, or the next multiple of `LANES` above it."""
    return size + -size % LANES


def padded(value: Tensor, size: int) -> Array:
    """Rows in groups of `size`, each group filled up with zeros to whole `LANES`."""
    groups = np.split(array_of(value), len(value) // size)
    rest = np.zeros((lanes(size) - size, *value.shape[1:]), np.float32)
    return np.concatenate([part for group in groups for part in (group, rest)])


def unpadded(g: Nodes, outer: Nodes, x: str, size: int, groups: int) -> str:
    """The last axis of `x`, `groups` of whole `LANES`, without what filled them up."""
    kept = np.arange(groups * lanes(size)).reshape(groups, -1)[:, :size].ravel()
    return g.node("Gather", x, outer.constant(kept, np.int64), axis=-1)


def logit(g: Nodes, x: str) -> str:
    """log(x / (1 − x)) of a multiple of `LANES` numbers."""
    return g.node("Log", g.node("Div", x, g.node("Sub", g.constant(1.0), x)))


def array_of(value: Tensor) -> Array:
    """A weight as a numpy array."""
    return np.asarray(value.detach().cpu().numpy())


def body(name: str, g: Nodes, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.GraphProto:
    """The body of a scan."""
    return helper.make_graph(
        g.nodes,
        name,
        [helper.make_empty_tensor_value_info(value) for value in inputs],
        [helper.make_empty_tensor_value_info(value) for value in outputs],
        initializer=g.constants,
    )


def finished(
    g: Nodes,
    name: str,
    *,
    inputs: dict[str, list[Any]],
    outputs: dict[str, tuple[str, list[Any]]],
) -> onnx.ModelProto:
    """The finished model, checked. Inputs with their shapes; outputs with their names inside."""
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
    if model.ByteSize() < onnx.checker.MAXIMUM_PROTOBUF:
        onnx.checker.check_model(model)
    return model
