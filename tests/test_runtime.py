"""The runtime: rows are decoded alone, whatever is decoded beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.bundle import DECODER, Bundle, load_bundle
from ghostnote.errors import BundleError, ConfigError
from ghostnote.music.groove import Groove
from ghostnote.music.kit import N_VOICES, builtin_map
from ghostnote.pipeline.sampling import draws
from ghostnote.runtime import Runtime, from_x, to_x

Array = npt.NDArray[np.float32]
N = 20


@pytest.fixture(scope="module")
def runtime(tiny_bundle: Bundle) -> Runtime:
    return Runtime(tiny_bundle)


@pytest.fixture(scope="module")
def drawn(tiny_bundle: Bundle) -> tuple[Array, Array]:
    """z `[20, 6]` and noise `[20, 32, 9, 3]`."""
    return draws(tiny_bundle, 0, range(N))


@pytest.fixture(scope="module")
def x(runtime: Runtime, drawn: tuple[Array, Array]) -> Array:
    decoded = runtime.decode(*drawn, 1.0)
    assert decoded.shape == (N, 32, 3 * N_VOICES)
    assert 0.02 < decoded[..., :N_VOICES].mean() < 0.9
    return decoded


@pytest.mark.parametrize("batch", [1, 3, 16, 20, 1000])
@pytest.mark.parametrize("threads", [1, 2])
def test_neither_batch_nor_threads_change_a_bit(
    tiny_bundle: Bundle, drawn: tuple[Array, Array], x: Array, batch: int, threads: int
) -> None:
    other = Runtime(tiny_bundle, batch=batch, threads=threads)
    assert np.array_equal(other.decode(*drawn, 1.0), x)
    for one, whole in zip(other.encode(x), Runtime(tiny_bundle).encode(x), strict=True):
        assert one.shape == (N, 6)
        assert np.array_equal(one, whole)


def test_known_cells_are_split_as_the_rows_are(
    tiny_bundle: Bundle, drawn: tuple[Array, Array], x: Array
) -> None:
    cells = np.random.default_rng(0).random((N, 32, N_VOICES)) < 0.5
    mask = np.tile(cells, 3).astype(np.float32)
    known = np.ascontiguousarray(x[::-1])
    some = Runtime(tiny_bundle, batch=3).decode(*drawn, 1.0, known, mask)
    assert np.array_equal(some, Runtime(tiny_bundle).decode(*drawn, 1.0, known, mask))
    kept = mask == 1
    assert np.array_equal(some[kept], known[kept])
    assert not np.array_equal(some, x)


def test_the_encoder_gives_a_posterior(runtime: Runtime, x: Array) -> None:
    mu, sigma = runtime.encode(x)
    assert mu.dtype == sigma.dtype == np.float32
    assert np.isfinite(mu).all()
    assert (sigma > 0).all()


def test_decoded_windows_are_grooves(runtime: Runtime, x: Array) -> None:
    grooves = from_x(x, runtime.bundle, bpm=97)
    assert all(groove.bpm == 97 and groove.bars == 2 for groove in grooves)
    assert np.array_equal(to_x(grooves), x)
    assert from_x(to_x(grooves), runtime.bundle, bpm=97) == grooves


def test_x_holds_a_groove_whole() -> None:
    silent = Groove.silent(1)
    hits = silent.hits.copy()
    hits[3, 2] = True
    groove = Groove.from_cells(hits, 0.5 * hits, -0.25 * hits)
    (x,) = to_x([groove])
    assert x.shape == (16, 27)
    assert (x[3, 2], x[3, 9 + 2], x[3, 18 + 2]) == (1.0, 0.5, -0.25)
    assert np.count_nonzero(x) == 3


@pytest.mark.parametrize("temperature", [-0.1, 10.1, float("nan")])
def test_a_temperature_out_of_range_is_refused(
    runtime: Runtime, drawn: tuple[Array, Array], temperature: float
) -> None:
    with pytest.raises(ConfigError, match="temperature"):
        runtime.decode(*drawn, temperature)


def test_a_graph_that_cannot_run_is_one_line(
    tiny_bundle: Bundle, drawn: tuple[Array, Array], tmp_path: Path
) -> None:
    import hashlib

    folder = Path(shutil.copytree(tiny_bundle.path, tmp_path / "model"))
    (folder / DECODER).write_bytes(b"no graph")
    files = {**tiny_bundle.config["files"], DECODER: hashlib.sha256(b"no graph").hexdigest()}
    bundle = Bundle(folder, {**tiny_bundle.config, "files": files})
    with pytest.raises(BundleError, match="cannot be run") as caught:
        Runtime(bundle).decode(*drawn, 1.0)
    assert caught.value.source == str(folder / DECODER)


def test_what_is_damaged_is_found_when_it_is_used(
    tiny_bundle: Bundle, drawn: tuple[Array, Array], x: Array, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_bundle.path, tmp_path / "model"))
    (folder / DECODER).write_bytes(b"damaged")
    runtime = Runtime(load_bundle(folder))
    runtime.encode(x)
    with pytest.raises(BundleError, match="is not the file"):
        runtime.decode(*drawn, 1.0)


def test_a_runtime_shows_its_bundle(runtime: Runtime) -> None:
    assert repr(runtime) == "Runtime(Bundle(tiny: 2 bars, z of 6 numbers))"
    assert "onnxruntime" in sys.modules


# -- models that are told something, and models of more voices -------------------------------


def a_groove(steps: int = 32, seed: int = 0) -> Groove:
    random = np.random.default_rng(seed)
    hits = random.random((steps, N_VOICES)) < 0.3
    return Groove.from_cells(
        hits,
        hits * random.uniform(0.1, 1, hits.shape),
        hits * random.uniform(-0.4, 0.4, hits.shape),
    )


@pytest.fixture(scope="module")
def classes(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle of a model of 61 drum classes."""
    return make_bundle("flat", "nade", voices=61)


def test_61_classes_are_one_pitch_each(classes: Bundle) -> None:
    assert (classes.voices, len(classes.drum_map.voices)) == (61, 61)
    groove = a_groove()
    (x,) = to_x([groove], classes)
    assert x.shape == (32, 3 * 61)
    hits, velocity, offset = np.split(x, 3, axis=-1)
    pitches = np.array(classes.drum_map.written)
    for voice, pitch in enumerate(builtin_map("ghostnote").written):
        ((column,),) = np.nonzero(pitches == pitch)
        for wide, part in ((hits, groove.hits), (velocity, groove.velocity)):
            assert np.array_equal(wide[:, column], part[:, voice])
    assert hits.sum() == groove.n_hits
    assert np.count_nonzero(velocity) == groove.n_hits
    assert not offset[hits == 0].any()


def test_grooves_come_back_from_61_classes(classes: Bundle) -> None:
    grooves = [a_groove(seed=seed) for seed in range(3)]
    assert from_x(to_x(grooves, classes), classes, bpm=120) == grooves


def test_every_one_of_61_classes_is_a_voice(classes: Bundle) -> None:
    """Our own where our map knows the pitch, and for others, such as a cowbell, the original's."""
    hits = np.eye(61, dtype=np.float32)
    x = np.zeros((2, 32, 61), np.float32).reshape(64, 61)
    x[:61] = hits
    cells = x.reshape(2, 32, 61)
    windows = np.concatenate([cells, 0.7 * cells, 0 * cells], -1)
    played = np.concatenate([groove.hits for groove in from_x(windows, classes, bpm=120)])[:61]
    assert (played.sum(-1) == 1).all()
    ours, theirs = builtin_map("ghostnote").voice_of, builtin_map("magenta-infer").voice_of
    for pitch, voice in zip(classes.drum_map.written, played.argmax(-1), strict=True):
        assert voice == ours.get(pitch, theirs[pitch])


def test_61_classes_are_decoded_row_by_row(classes: Bundle) -> None:
    z, noise = draws(classes, 0, range(6))
    assert noise.shape == (6, 32, 61, 3)
    x = Runtime(classes).decode(z, noise, 1.0)
    assert x.shape == (6, 32, 3 * 61)
    assert 0 < x[..., :61].mean() < 1
    assert np.array_equal(Runtime(classes, batch=4).decode(z, noise, 1.0), x)
    mu, sigma = Runtime(classes).encode(x)
    assert mu.shape == sigma.shape == (6, 8)


@pytest.mark.parametrize(
    "others", [{}, {"controls_size": 6}], ids=["as-they-are", "through-a-reader"]
)
def test_controls_are_needed_heard_and_split_as_the_rows_are(
    make_bundle: Callable[..., Bundle], others: dict[str, Any]
) -> None:
    bundle = make_bundle("flat", "squared-error", controls=9, task="hits-control", **others)
    z, noise = draws(bundle, 0, range(5))
    runtime = Runtime(bundle, batch=2)
    x = to_x([a_groove(seed=seed) for seed in range(5)])
    for action in (lambda: runtime.decode(z, noise, 1.0), lambda: runtime.encode(x)):
        with pytest.raises(ConfigError, match="told the hits"):
            action()
    controls = np.ascontiguousarray(x[..., :N_VOICES])
    decoded = runtime.decode(z, noise, 1.0, controls=controls)
    assert np.array_equal(Runtime(bundle).decode(z, noise, 1.0, controls=controls), decoded)
    assert not np.array_equal(runtime.decode(z, noise, 1.0, controls=1 - controls), decoded)
    assert not np.array_equal(runtime.encode(x, controls)[0], runtime.encode(x, 1 - controls)[0])


def test_work_stops_before_its_next_batch(tiny_bundle: Bundle, drawn: tuple[Array, Array]) -> None:
    class Enough(Exception):
        pass

    begun = 0

    def before() -> None:
        nonlocal begun
        begun += 1
        if begun == 4:
            raise Enough

    runtime = Runtime(tiny_bundle, batch=8, before=before)
    whole = runtime.decode(*drawn, 1.0)
    assert begun == 3
    assert np.array_equal(whole, Runtime(tiny_bundle).decode(*drawn, 1.0))
    with pytest.raises(Enough):
        runtime.encode(whole)
    begun = 3
    with pytest.raises(Enough):
        runtime.score(whole, drawn[0])


@pytest.mark.parametrize(("chosen", "expected"), [(None, "1"), ("0", "0")])
def test_nothing_is_reported_to_anybody_unless_it_is_wanted(
    tiny_bundle: Bundle, chosen: str | None, expected: str
) -> None:
    """The variable is set before the library is loaded, which reads it only then."""
    code = (
        "import sys, os\n"
        "class Watch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'onnxruntime': print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from ghostnote.bundle import load_bundle\n"
        "from ghostnote.pipeline.sampling import sample\n"
        "sample(model=load_bundle(sys.argv[1]))\n"
    )
    environment = {key: value for key, value in os.environ.items() if "TELEMETRY" not in key}
    if chosen is not None:
        environment["ORT_DISABLE_TELEMETRY"] = chosen
    result = subprocess.run(
        [sys.executable, "-c", code, str(tiny_bundle.path)],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert result.stdout.split() == [expected]
