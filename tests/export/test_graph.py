"""ONNX graphs: the same functions as the models in torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch

from ghostnote.errors import ConfigError
from ghostnote.export.graph import decoder_graph, encoder_graph, scorer_graph
from ghostnote.latent import normals, uniforms
from ghostnote.model.config import (
    BidirectionalConfig,
    FlatConfig,
    HierarchicalConfig,
    ModelConfig,
    SymbolsConfig,
)
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.kit import N_VOICES

Array = npt.NDArray[np.float32]

N, STEPS, LATENT = 1000, 32, 8
HEADS = ("likelihood", "squared-error", "categorical", "nade", "boolean")
SHARED: dict[str, Any] = {
    "kind": "likelihood",
    "shared_velocity": 0.5,
    "shared_spread": 0.4,
}
KINDS: dict[str, tuple[str, str | dict[str, Any], dict[str, Any]]] = {
    **{f"{kind}-{head}": (kind, head, {}) for kind in ("hierarchical", "flat") for head in HEADS},
    "shared": ("hierarchical", SHARED, {}),
    "controls": ("flat", "squared-error", {"controls": 9}),
    "controls-read": ("hierarchical", "likelihood", {"controls": 9, "controls_size": 6}),
    "segments": (
        "hierarchical",
        "nade",
        {
            "decoder": {"conductor_layers": 2, "layers": 3},
            "encoder": {"kind": "hierarchical", "size": 6, "layers": 2},
        },
    ),
}


@dataclass(frozen=True)
class Both:
    """A model, and its decoder as a graph."""

    model: GrooveVAE
    session: Any

    @classmethod
    def of(cls, model: GrooveVAE) -> Both:
        return cls(model, session(decoder_graph(model)))

    def onnx(self, z: Array, noise: Array, temperature: float = 1.0, **cells: Array) -> Array:
        """Decoded by ONNX Runtime; `cells` may give `known` and `mask`."""
        shape = noise.shape[:2]
        feed = {
            "z": z,
            "noise": noise,
            "temperature": np.array(temperature, np.float32),
            "known": np.zeros((*shape, 3 * N_VOICES), np.float32),
            "mask": np.zeros((*shape, 3 * N_VOICES), np.float32),
            **self._controls(z),
            **cells,
        }
        return cast("Array", self.session.run(["x"], feed)[0])

    @torch.no_grad()
    def torch(self, z: Array, noise: Array, temperature: float = 1.0, **cells: Array) -> Array:
        """The same decoded by torch."""
        tensors = {name: torch.from_numpy(value) for name, value in cells.items()}
        told = self._controls(z).get("controls")
        p = self.model.decode(torch.from_numpy(z), None if told is None else torch.from_numpy(told))
        return cast("Array", p.sample(torch.from_numpy(noise), temperature, **tensors).numpy())

    def _controls(self, z: Array) -> dict[str, Array]:
        """Some for each z, for a model that takes them."""
        pattern = np.sin(np.arange(STEPS * N_VOICES)).reshape(STEPS, N_VOICES)
        controls = (pattern + z[:, :1, None] > 0.8).astype(np.float32)
        return {"controls": controls} if self.model.config.controls else {}


def session(graph: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


@pytest.fixture(scope="module", params=KINDS)
def both(request: pytest.FixtureRequest, make_model: Callable[..., GrooveVAE]) -> Both:
    kind, head, others = KINDS[request.param]
    return Both.of(make_model(kind, head, seed=1, **others))


@pytest.fixture(scope="module")
def z() -> Array:
    """`[1000, 8]`: one for each of 1,000 seeds."""
    return np.stack([normals(uniforms(seed, 1, LATENT)) for seed in range(N)])


@pytest.fixture(scope="module")
def noise() -> Array:
    """`[1000, 32, 9, 3]`."""
    return noise_of(N, STEPS)


def noise_of(n: int, steps: int) -> Array:
    drawn = np.stack([uniforms(seed, 0, steps * N_VOICES * 3) for seed in range(n)])
    return cast("Array", drawn.reshape(n, steps, N_VOICES, 3))


def same_grooves(one: Array, other: Array) -> None:
    assert np.array_equal(one[..., :N_VOICES], other[..., :N_VOICES])
    np.testing.assert_allclose(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_a_thousand_seeds_give_the_grooves_that_torch_gives(
    both: Both, z: Array, noise: Array, temperature: float
) -> None:
    x = both.onnx(z, noise, temperature)
    same_grooves(x, both.torch(z, noise, temperature))
    hits = x[..., :N_VOICES]
    assert 0.1 < hits.mean() < 0.7
    assert len(np.unique(hits.reshape(N, -1), axis=0)) > 0.99 * N


def test_temperature_zero_is_the_mode(both: Both, z: Array, noise: Array) -> None:
    few = slice(0, 100)
    x = both.onnx(z[few], noise[few], 0.0)
    assert np.array_equal(x, both.onnx(z[few], 1 - noise[few], 0.0))
    same_grooves(x, both.torch(z[few], noise[few], 0.0))


def test_known_cells_are_heard_and_kept(both: Both, z: Array, noise: Array) -> None:
    some = slice(0, 100)
    free = both.onnx(z[some], noise[some])
    known = both.onnx(z[100:200], noise[100:200])
    mask = np.tile((noise[200:300, ..., 0] < 0.4).astype(np.float32), 3)
    x = both.onnx(z[some], noise[some], known=known, mask=mask)
    same_grooves(x, both.torch(z[some], noise[some], known=known, mask=mask))
    kept = mask == 1
    assert np.array_equal(x[kept], known[kept])
    assert not np.array_equal(x[~kept], free[~kept])
    everything = np.ones_like(mask)
    assert np.array_equal(both.onnx(z[some], noise[some], known=known, mask=everything), known)
    assert np.array_equal(both.onnx(z[some], noise[some], known=known, mask=0 * mask), free)


def test_hits_alone_may_be_known(both: Both, z: Array, noise: Array) -> None:
    some = slice(0, 100)
    known = both.onnx(z[100:200], noise[100:200])
    mask = np.zeros_like(known)
    mask[..., :N_VOICES] = 1
    x = both.onnx(z[some], noise[some], known=known, mask=mask)
    same_grooves(x, both.torch(z[some], noise[some], known=known, mask=mask))
    assert np.array_equal(x[..., :N_VOICES], known[..., :N_VOICES])
    hits, velocity, offset = np.split(x, 3, axis=-1)
    assert (velocity[hits == 1] > 0).all()
    assert not velocity[hits == 0].any()
    assert not offset[hits == 0].any()
    other = known.copy()
    other[..., N_VOICES:] *= 0.5  # of which nothing is to be heard
    assert np.array_equal(both.onnx(z[some], noise[some], known=other, mask=mask), x)


def test_a_row_does_not_know_its_batch(both: Both, z: Array, noise: Array) -> None:
    n = 64
    whole = both.onnx(z[:n], noise[:n])
    for size in (1, 2, 7):
        parts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        again = np.concatenate([both.onnx(z[part], noise[part]) for part in parts])
        assert np.array_equal(again, whole)


@pytest.mark.parametrize("shape", [FlatConfig, HierarchicalConfig])
def test_nor_does_a_row_of_a_model_of_full_size(
    shape: type[FlatConfig | HierarchicalConfig],
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        both = Both.of(
            GrooveVAE(
                ModelConfig(bars=1, encoder=BidirectionalConfig(size=8), decoder=shape())
            ).eval()
        )
    z, noise = np.stack([normals(uniforms(seed, 1, 128)) for seed in range(16)]), noise_of(16, 16)
    whole = both.onnx(z, noise)
    for size in (1, 2, 7):
        parts = [slice(start, start + size) for start in range(0, 16, size)]
        again = np.concatenate([both.onnx(z[part], noise[part]) for part in parts])
        assert np.array_equal(again, whole)


@pytest.mark.parametrize("latent", [8, 5])
def test_the_encoder_is_that_of_torch(latent: int, make_model: Callable[..., GrooveVAE]) -> None:
    model = make_model("flat", latent=latent)
    z = np.stack([normals(uniforms(seed, 1, 8)) for seed in range(64)])[:, :latent]
    x = Both.of(model).torch(np.ascontiguousarray(z), noise_of(64, STEPS))
    run = session(encoder_graph(model)).run
    mu, sigma = run(["mu", "sigma"], {"x": x})
    with torch.no_grad():
        posterior = model.encode(torch.from_numpy(x))
    np.testing.assert_allclose(mu, posterior.mean, atol=1e-5)
    np.testing.assert_allclose(sigma, posterior.stddev, atol=1e-5)
    for size in (1, 2, 7):
        rows = [run(["mu", "sigma"], {"x": x[i : i + size]}) for i in range(0, 64, size)]
        assert np.array_equal(np.concatenate([row[0] for row in rows]), mu)
        assert np.array_equal(np.concatenate([row[1] for row in rows]), sigma)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("shape", [FlatConfig, HierarchicalConfig])
def test_of_any_depth_and_meter(
    layers: int, shape: type[FlatConfig | HierarchicalConfig], z: Array
) -> None:
    decoder = shape(size=10, layers=layers)
    config = ModelConfig(
        bars=3, meter="3/4", latent=LATENT, encoder=BidirectionalConfig(size=5), decoder=decoder
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        both = Both.of(GrooveVAE(config).eval())
    noise = noise_of(20, 36)
    same_grooves(both.onnx(z[:20], noise), both.torch(z[:20], noise))


def constants(graph: onnx.ModelProto) -> list[onnx.TensorProto]:
    found: list[onnx.TensorProto] = list(graph.graph.initializer)
    return [tensor for tensor in found if np.prod(tensor.dims) >= 100]


def test_weights_are_stored_as_float16_where_that_loses_nothing(
    make_model: Callable[..., GrooveVAE],
) -> None:
    model, random = make_model("hierarchical"), torch.Generator().manual_seed(0)
    for graph in (encoder_graph(model), decoder_graph(model)):
        assert {tensor.data_type for tensor in constants(graph)} == {onnx.TensorProto.FLOAT16}
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1e-5 * torch.rand(weight.shape, generator=random))
    for graph in (encoder_graph(model), decoder_graph(model)):
        assert {tensor.data_type for tensor in constants(graph)} == {onnx.TensorProto.FLOAT}


def test_graphs_say_what_goes_in_and_out(both: Both) -> None:
    graph = decoder_graph(both.model)
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.graph.input, *graph.graph.output)
    }
    assert shapes == {
        "z": ["batch", LATENT],
        "noise": ["batch", STEPS, N_VOICES, 3],
        "temperature": [],
        "known": ["batch", STEPS, 3 * N_VOICES],
        "mask": ["batch", STEPS, 3 * N_VOICES],
        "x": ["batch", STEPS, 3 * N_VOICES],
        **({"controls": ["batch", STEPS, 9]} if both.model.config.controls else {}),
    }
    assert [entry.version for entry in graph.opset_import] == [18]


@pytest.mark.parametrize("name", KINDS)
def test_every_encoder_is_that_of_torch(name: str, make_model: Callable[..., GrooveVAE]) -> None:
    kind, head, others = KINDS[name]
    model = make_model(kind, head, **others)
    x = Both.of(model).torch(np.stack([normals(uniforms(i, 1, 8)) for i in range(20)]),
                             noise_of(20, STEPS))  # fmt: skip
    controls = x[..., :N_VOICES] if model.config.controls else None
    feed = {"x": x} if controls is None else {"x": x, "controls": controls}
    mu, sigma = session(encoder_graph(model)).run(["mu", "sigma"], feed)
    with torch.no_grad():
        posterior = model.encode(*(torch.from_numpy(value) for value in feed.values()))
    np.testing.assert_allclose(mu, posterior.mean, atol=1e-5)
    np.testing.assert_allclose(sigma, posterior.stddev, atol=1e-5)


def played(both: Both, z: Array) -> dict[str, Array]:
    """What a scorer is given: grooves of other latents than the ones that they are judged by."""
    x = both.onnx(z[::-1].copy(), noise_of(len(z), STEPS))
    velocity = np.rint(x[..., N_VOICES : 2 * N_VOICES] * 127) / 127  # the loudest among them
    x[..., N_VOICES : 2 * N_VOICES] = velocity
    controls = {"controls": x[..., :N_VOICES].copy()} if both.model.config.controls else {}
    return {"x": x, "z": z, **controls}


def parts_of(graph: onnx.ModelProto, feed: dict[str, Array]) -> list[Array]:
    return cast("list[Array]", session(graph).run(["hits", "velocity", "offset"], feed))


def test_what_is_played_is_as_likely_as_in_torch(both: Both, z: Array) -> None:
    graph = scorer_graph(both.model)
    if graph is None:
        assert both.model.config.head.kind in ("categorical", "nade")
        return
    feed = played(both, z[:100])
    controls = torch.from_numpy(feed["controls"]) if "controls" in feed else None
    with torch.no_grad():
        p = both.model.decode(torch.from_numpy(feed["z"]), controls)
        wanted = p.parts(torch.from_numpy(feed["x"]))
    parts = parts_of(graph, feed)
    assert [part.shape for part in parts] == [(100, STEPS, N_VOICES)] * 3
    for part, true in zip(parts, wanted, strict=True):
        np.testing.assert_allclose(part, true, atol=2e-4, rtol=1e-5)
    for size in (1, 7):
        cut = [slice(start, start + size) for start in range(0, 9 * size, size)]
        rows = [parts_of(graph, {key: side[part] for key, side in feed.items()}) for part in cut]
        for index, part in enumerate(parts):
            some = np.concatenate([row[index] for row in rows])
            assert np.array_equal(some, part[: len(some)])


def test_a_scorer_of_any_depth_and_meter(z: Array) -> None:
    config = ModelConfig(
        bars=3, meter="3/4", latent=LATENT, encoder=BidirectionalConfig(size=5),
        decoder=HierarchicalConfig(size=10, layers=3, conductor_layers=2),
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GrooveVAE(config).eval()
    x = Both.of(model).onnx(z[:20], noise_of(20, 36))
    graph = scorer_graph(model)
    assert graph is not None
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(z[:20])).parts(torch.from_numpy(x))
    for part, true in zip(parts_of(graph, {"x": x, "z": z[:20]}), wanted, strict=True):
        np.testing.assert_allclose(part, true, atol=2e-4, rtol=1e-5)


@pytest.mark.parametrize("narrow", [-40.0, 40.0])
def test_likelihoods_are_finite_in_the_tails(
    narrow: float, make_model: Callable[..., GrooveVAE], z: Array
) -> None:
    """Where the scales are as small, or as large, as they may be."""
    model = make_model("flat")
    with torch.no_grad():
        model.decoder.core.project.bias[18:27] = narrow
        model.decoder.core.project.bias[36:45] = narrow
    feed = played(Both.of(model), z[:20])
    graph = scorer_graph(model)
    assert graph is not None
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(feed["z"])).parts(torch.from_numpy(feed["x"]))
    for part, true in zip(parts_of(graph, feed), wanted, strict=True):
        assert np.isfinite(part).all()
        np.testing.assert_allclose(part, true, atol=1e-2, rtol=1e-3)


def test_a_model_without_a_graph_says_so(make_model: Callable[..., GrooveVAE]) -> None:
    listening = make_model("hierarchical", decoder={"memory": "state"})
    symbols = GrooveVAE(ModelConfig(bars=1, head=SymbolsConfig()))
    for model, reason in ((listening, "conductor listens"), (symbols, "writes no drums")):
        for graph in (encoder_graph, decoder_graph, scorer_graph):
            with pytest.raises(ConfigError, match=reason):
                graph(model)
