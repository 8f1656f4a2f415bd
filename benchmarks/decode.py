"""Decoding speed on one thread, against the floor of this machine and an eager torch loop.

    python benchmarks/decode.py [--model groove-4bar]

The floor is the arithmetic alone: the weights that every step uses × 2 FLOP × steps × batch, at
the rate of a large float32 matrix product on one thread, measured in the same run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

from ghostnote.bundle import load_bundle
from ghostnote.export.bundle import load_model
from ghostnote.export.nodes import IR_VERSION, OPSET
from ghostnote.model.decoders import SegmentDecoder
from ghostnote.model.vae import GrooveVAE
from ghostnote.pipeline.sampling import draws
from ghostnote.runtime import Runtime


def seconds(call: Callable[[], object], *, budget: float = 2.0) -> float:
    """The median time of `call`, over as many calls as fit in `budget` seconds, at least five."""
    call()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - began < budget:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def sgemm_rates(size: int = 1024) -> tuple[float, float]:
    """FLOP/s of a float32 matrix product on one thread, by torch and by ONNX Runtime.

    The two have kernels of their own, and which is faster depends on the processor.
    """
    a, b = torch.rand(size, size), torch.rand(size, size)
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [size] * 2) for name in "abc"]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])], "product", shapes[:2], shapes[2:]
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feed = {"a": a.numpy(), "b": b.numpy()}
    flop = 2 * size**3
    return flop / seconds(lambda: a @ b), flop / seconds(partial(session.run, None, feed))


def flop_per_loop(model: GrooveVAE) -> int:
    """Multiply-adds × 2 of the weights that each step uses; what is computed once is left out."""
    core, head = cast("SegmentDecoder", model.decoder.core), model.decoder.head
    lstm = core.lstm
    weights = core.project.weight.numel()
    for layer in range(lstm.num_layers):
        inputs = head.channels if layer == 0 else lstm.hidden_size
        weights += (inputs + lstm.hidden_size) * 4 * lstm.hidden_size
    return 2 * weights * model.config.steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="groove-4bar")
    bundle = load_bundle(parser.parse_args().model)
    torch.set_num_threads(1)
    model, runtime = load_model(bundle), Runtime(bundle, threads=1)
    rates = sgemm_rates()
    table = Table(title=f"{bundle.name}, one thread")
    for column in ("batch", "loops/s", "ms", "eager torch, ms", "× eager"):
        table.add_column(column, justify="right")
    for name, rate in zip(("torch", "ONNX Runtime"), rates, strict=True):
        table.add_column(f"of floor, {name}'s sgemm ({rate / 1e9:.0f} GFLOP/s)", justify="right")
    for batch in (1, 16, 256):
        z, noise = draws(bundle, 0, range(batch))
        tz, tnoise = torch.from_numpy(z), torch.from_numpy(noise)
        ours = seconds(partial(runtime.decode, z, noise, 0.8))
        with torch.inference_mode():
            eager = seconds(partial(model.decode(tz).sample, tnoise, 0.8))
        flop = flop_per_loop(model) * batch
        table.add_row(
            str(batch),
            f"{batch / ours:.0f}",
            f"{ours * 1e3:.1f}",
            f"{eager * 1e3:.1f}",
            f"{eager / ours:.2f}",
            *(f"{flop / rate / ours:.0%}" for rate in rates),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
