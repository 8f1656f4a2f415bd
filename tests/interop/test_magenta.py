"""Importing the original's checkpoints: bundles that compute what the original computed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.numpy import load

from ghostnote.bundle import (
    CARD,
    CONFIG,
    DECODER,
    ENCODER,
    LATENT,
    SCORER,
    WEIGHTS,
    Bundle,
    load_bundle,
)
from ghostnote.errors import BundleError, ConfigError, OutputError, WeightsError
from ghostnote.export.bundle import load_model
from ghostnote.interop import magenta as module
from ghostnote.interop.configs import model_config
from ghostnote.interop.magenta import export_magentajs, import_magenta
from ghostnote.interop.variables import to_variables
from ghostnote.interop.weights import Weights, read_weights
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.tasks import HitsControl, Humanize, Identity
from ghostnote.music.tensors import from_labels, from_magenta
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import sample
from ghostnote.runtime import Runtime

Array = npt.NDArray[Any]
Import = Callable[[str], Bundle]
Vectors = Callable[[str], dict[str, Array]]

MELODY = "hierdec-mel_16bar"
DRUMS = (
    "cat-drums_2bar_small",
    "groovae_2bar_hits_control_tfds",
    "groovae_2bar_humanize",
    "groovae_4bar",
    "nade-drums_2bar_reduced",
)
ALL = (*DRUMS, MELODY)
KERNEL = "encoder/cell_0/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell/kernel"


@pytest.fixture(scope="module")
def vectors(golden: Path) -> Vectors:
    """The golden arrays of a configuration."""

    @cache
    def of(name: str) -> dict[str, Array]:
        with np.load(golden / f"{name}.small" / "golden.npz") as file:
            return {key: file[key] for key in file.files if not key.startswith("train/grad")}

    return of


def hits_of(name: str, output: Array) -> Array:
    """The hits `[B, T, 9]` of what the original gave for each step."""
    if name.startswith("cat"):
        return from_labels(output.argmax(-1), 9)
    return np.asarray(output[..., :9] > 0.5)


def to_x(name: str, rows: Array) -> npt.NDArray[np.float32]:
    """Inputs or outputs of the original as the runtime takes and gives them, `[B, T, 27]`."""
    if name.startswith("groovae"):
        return np.asarray(from_magenta(rows), np.float32)
    hits = rows[..., :9].astype(np.float32)
    return np.concatenate([hits, hits, np.zeros_like(hits)], -1)


# -- the bundle computes what the original computed ------------------------------------------


@pytest.mark.parametrize("name", DRUMS)
def test_the_posterior_is_the_original_s(imported: Import, vectors: Vectors, name: str) -> None:
    golden, runtime = vectors(name), Runtime(load_bundle(imported(name).path))
    controls = golden.get("controls")
    found = runtime.encode(
        to_x(name, golden["inputs"]), None if controls is None else controls.astype(np.float32)
    )
    for ours, theirs in zip(found, (golden["eval/mu"], golden["eval/sigma"]), strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()


@pytest.mark.parametrize("name", DRUMS)
def test_the_deterministic_decode_is_the_original_s(
    imported: Import, vectors: Vectors, name: str
) -> None:
    golden, bundle = vectors(name), imported(name)
    z, samples = golden["z_fixed"], golden["sample/samples"]
    controls = golden.get("controls")
    if controls is not None:  # there it has one sequence of them, whatever the z
        controls = np.repeat(controls[:1], len(z), 0).astype(np.float32)
    noise = np.full((len(z), bundle.steps, 9, 3), 0.5, np.float32)
    x = Runtime(bundle).decode(z, noise, 0.0, controls=controls)
    hits = hits_of(name, samples)
    assert 0.05 < hits.mean() < 0.95
    assert np.array_equal(x[..., :9] > 0.5, hits)
    silent = np.tile(~hits, 3)
    assert not x[silent].any()
    if name.startswith("groovae"):
        wanted = np.where(silent, 0, to_x(name, samples))
        np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-5)


def test_the_light_runtime_needs_no_torch(imported: Import) -> None:
    path = str(imported("groovae_4bar").path)
    code = (
        "import sys; from ghostnote import reconstruct, sample;"
        f"(groove,) = sample(1, seed=3, model={path!r}); reconstruct(groove, model={path!r});"
        "print('torch' in sys.modules, 'onnx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", ALL)
def test_the_weights_are_there_unrounded(imported: Import, golden: Path, name: str) -> None:
    bundle = imported(name)
    with np.load(golden / f"{name}.small" / "weights.npz") as file:
        wanted = {key: file[key] for key in file.files if key != "global_step"}
    model = load_model(bundle)
    found = to_variables(model.config, model.state_dict())
    assert found.keys() == wanted.keys()
    for key, value in found.items():
        np.testing.assert_allclose(value, wanted[key], rtol=0, atol=2e-7)
    assert {array.dtype for array in load(bundle.read(WEIGHTS)).values()} == {np.dtype("f4")}


@pytest.mark.parametrize("name", ALL)
def test_training_checkpoints_are_taken_without_what_training_needs(
    golden: Path, vectors: Vectors, tmp_path: Path, name: str
) -> None:
    weights = read_weights(golden / f"{name}.small" / "train_ckpt")
    assert any(key.endswith("/Adam_1") for key in weights.tensors)
    bundle = import_magenta(weights, tmp_path / "b", configuration=name)
    assert bundle.config["origin"]["step"] == 5
    model = load_model(bundle)
    for key, value in to_variables(model.config, model.state_dict()).items():
        after = vectors(name)[f"train/after5/{key}"]
        np.testing.assert_allclose(value, after, rtol=1e-5, atol=1e-6)


# -- what the bundle says of itself ----------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_bundle_says_what_it_is_and_where_it_is_from(imported: Import, name: str) -> None:
    bundle = load_bundle(imported(name).path)
    assert bundle.config == json.loads(json.dumps(imported(name).config))
    assert bundle.name == name
    released = model_config(name)
    assert (bundle.bars, bundle.meter, bundle.voices) == (released.bars, (4, 4), 9)
    assert (bundle.latent, bundle.controls) == (16, released.controls)
    tasks = {"groovae_2bar_humanize": Humanize(), "groovae_2bar_hits_control_tfds": HitsControl()}
    assert bundle.task == tasks.get(name, Identity())
    assert (bundle.temperature, bundle.bpm) == (0.5, 120.0)
    model = load_model(bundle)
    assert bundle.config["parameters"] == model.n_parameters
    origin = bundle.config["origin"]
    assert (origin["kind"], origin["configuration"], origin["step"]) == ("tensorflow", name, 0)
    card = (bundle.path / CARD).read_text()
    assert f"configuration `{name}`, step 0" in card
    assert "N(0, I)" in card or name == MELODY


@pytest.mark.parametrize("name", DRUMS)
def test_z_is_drawn_from_the_standard_normal(imported: Import, name: str) -> None:
    bundle = imported(name)
    assert len(bundle.training_fingerprints) == 0
    uniform = np.random.default_rng(0).random((4000, bundle.prior.n_uniforms)).clip(1e-6, 1 - 1e-6)
    z = np.stack([bundle.prior.draw(row.astype(np.float32)) for row in uniform])
    assert np.abs(z.mean(0)).max() < 0.08
    assert np.abs(np.cov(z.T) - np.eye(16)).max() < 0.15


@pytest.mark.parametrize("name", set(DRUMS) - {"groovae_2bar_hits_control_tfds"})
def test_loops_are_sampled(imported: Import, name: str) -> None:
    for groove in sample(2, seed=1, model=imported(name)):
        assert (groove.bars, groove.bpm) == (imported(name).bars, 120)
        assert groove.n_hits > 0


def test_a_model_of_hits_controls_says_that_it_needs_them(imported: Import) -> None:
    with pytest.raises(ConfigError, match=r"told the hits.*ghostnote reconstruct"):
        sample(1, model=imported("groovae_2bar_hits_control_tfds"))


def test_a_model_of_melodies_is_weights_alone(imported: Import) -> None:
    bundle = load_bundle(imported(MELODY).path)
    assert {entry.name for entry in bundle.path.iterdir()} == {CONFIG, CARD, WEIGHTS}
    for action in (
        lambda: sample(1, model=bundle),
        lambda: reconstruct(Groove.silent(16), model=bundle),
        lambda: bundle.prior,
    ):
        with pytest.raises(BundleError, match=r"has no .*weights alone.*writes no drums"):
            action()


# -- which configuration ---------------------------------------------------------------------


def edited(golden: Path, name: str = "groovae_4bar", **changes: Array | None) -> Weights:
    """The weights of a golden set with some tensors in the place of others; None removes one."""
    weights = read_weights(golden / f"{name}.small")
    tensors: dict[str, Array] = dict(weights.tensors)
    for key, value in changes.items():
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    return Weights(tensors, weights.kind, weights.config, weights.source)


def at(weights: Weights, source: str) -> Weights:
    return Weights(weights.tensors, weights.kind, weights.config, Path(source))


def test_the_name_is_found_in_the_file_or_its_folder(golden: Path, tmp_path: Path) -> None:
    weights = edited(golden)
    for number, (source, name) in enumerate(
        {
            "/x/groovae_2bar_humanize.tar": "groovae_2bar_humanize",
            "/x/groovae_2bar_humanize/model.ckpt": "groovae_2bar_humanize",
            "/x/my-groovae_4bar-run/model.ckpt-300": "groovae_4bar",
            "groovae_2bar_tap_fixed_velocity_note_dropout.tar": (
                "groovae_2bar_tap_fixed_velocity_note_dropout"
            ),
        }.items()
    ):
        bundle = import_magenta(at(weights, source), tmp_path / str(number))
        assert bundle.name == bundle.config["origin"]["configuration"] == name
        assert bundle.bars == model_config(name).bars


def test_what_is_asked_for_goes_before_what_the_name_says(golden: Path, tmp_path: Path) -> None:
    bundle = import_magenta(
        edited(golden), tmp_path / "b", configuration="groovae_2bar_add_closed_hh"
    )
    assert (bundle.name, bundle.bars) == ("groovae_2bar_add_closed_hh", 2)
    assert bundle.task.kind == "add-voices"


def refused(action: Callable[[], object], target: Path) -> str:
    """The one line of an error that leaves nothing behind."""
    with pytest.raises((WeightsError, ConfigError)) as caught:
        action()
    assert not target.exists()
    assert not list(target.parent.iterdir())
    (line,) = str(caught.value).splitlines()
    return line


def test_what_does_not_tell_its_configuration_is_refused(golden: Path, tmp_path: Path) -> None:
    target = tmp_path / "b"
    nameless = at(edited(golden), "/somewhere/model.ckpt")
    line = refused(lambda: import_magenta(nameless, target), target)
    assert line.startswith("/somewhere/model.ckpt: fits several configurations")
    assert "groovae_2bar_humanize" in line
    line = refused(lambda: import_magenta(nameless, target, configuration="groovae_8bar"), target)
    assert "unknown configuration 'groovae_8bar'" in line
    for other in ("cat-drums_2bar_small", "nade-drums_2bar_reduced", MELODY):
        line = refused(
            lambda other=other: import_magenta(nameless, target, configuration=other), target
        )  # type: ignore[misc]
        assert line.startswith("/somewhere/model.ckpt: ")


NAN, INFINITE = np.zeros(16, np.float32), np.zeros(16, np.float32)
NAN[3], INFINITE[15] = np.nan, -np.inf

BROKEN: dict[str, tuple[dict[str, Array | None], str]] = {
    "missing": ({"encoder/sigma/bias": None}, "lacks encoder/sigma/bias"),
    "extra": (
        {"encoder/tau/bias": np.zeros(3, np.float32)},
        "holds encoder/tau/bias, which no such model has",
    ),
    "shape": (
        {"encoder/sigma/bias": np.zeros(17, np.float32)},
        "encoder/sigma/bias has the shape [17], not [16]",
    ),
    "rank": (
        {"encoder/sigma/bias": np.zeros((16, 1), np.float32)},
        "encoder/sigma/bias has the shape [16, 1], not [16]",
    ),
    "nan": ({"encoder/mu/bias": NAN}, "encoder/mu/bias has numbers that are not finite"),
    "infinite": ({"encoder/mu/bias": INFINITE}, "encoder/mu/bias has numbers that are not"),
    "integers": (
        {"encoder/mu/bias": np.zeros(16, np.int32)},
        "encoder/mu/bias is of int32, not of floating-point numbers",
    ),
    "booleans": ({"encoder/mu/bias": np.zeros(16, bool)}, "is of bool, not of floating-point"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("configuration", [None, "groovae_4bar"])
def test_variables_that_are_not_those_of_the_model_are_refused(
    golden: Path, tmp_path: Path, case: str, configuration: str | None
) -> None:
    changes, reason = BROKEN[case]
    weights, target = edited(golden, **changes), tmp_path / "b"
    line = refused(lambda: import_magenta(weights, target, configuration=configuration), target)
    assert line.startswith(f"{golden / 'groovae_4bar.small' / 'model.ckpt'}: ")
    if configuration is None and case in ("missing", "extra", "shape", "rank"):
        assert "of none of the configurations" in line
        assert "--config" in line
    else:
        assert reason in line


def test_numbers_that_are_not_finite_may_stand_in_what_training_needs(
    golden: Path, tmp_path: Path
) -> None:
    weights = edited(golden, **{"encoder/mu/bias/Adam": NAN, "beta1_power": np.float32("nan")})  # type: ignore[dict-item]
    assert import_magenta(weights, tmp_path / "b").config["origin"]["step"] == 0


def test_halves_and_doubles_are_taken_and_a_step_is_not_needed(
    golden: Path, tmp_path: Path
) -> None:
    bias = read_weights(golden / "groovae_4bar.small").tensors["encoder/mu/bias"]
    changes = {"encoder/mu/bias": bias.astype(np.float64), "global_step": None}
    bundle = import_magenta(edited(golden, **changes), tmp_path / "b")
    assert bundle.config["origin"]["step"] is None
    assert "step unknown" in (bundle.path / CARD).read_text()
    assert np.array_equal(load(bundle.read(WEIGHTS))["encoder.mu.bias"], bias)


# -- writing ---------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in sorted(folder.iterdir())}


def test_what_exists_is_replaced_when_asked_for_and_not_before(
    golden: Path, tmp_path: Path
) -> None:
    weights, target = edited(golden), tmp_path / "b"
    import_magenta(weights, target)
    before = contents(target)
    assert before.keys() == {CONFIG, CARD, WEIGHTS, LATENT, ENCODER, DECODER, SCORER}
    other = "groovae_2bar_humanize"
    with pytest.raises(OutputError, match="exists already"):
        import_magenta(weights, target, configuration=other)
    assert contents(target) == before
    assert import_magenta(weights, target, configuration=other, overwrite=True).name == other
    assert load_bundle(target).name == other
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "song.txt").write_text("years of work")
    with pytest.raises(OutputError, match="is no bundle"):
        import_magenta(weights, tmp_path / "mine", overwrite=True)
    assert contents(tmp_path / "mine") == {"song.txt": b"years of work"}


def test_importing_twice_gives_the_same_files(golden: Path, tmp_path: Path) -> None:
    one, other = (import_magenta(edited(golden), tmp_path / name).path for name in "ab")
    assert contents(one) == contents(other)


def test_a_failure_on_the_way_leaves_what_was_there(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "b"
    import_magenta(edited(golden), target)
    before = contents(target)

    def fail(_model: object) -> None:
        raise ConfigError("no graph")

    monkeypatch.setattr(module, "graphs", fail)
    with pytest.raises(ConfigError, match="no graph"):
        import_magenta(edited(golden), target, overwrite=True)
    assert contents(target) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]


def test_an_archive_is_as_good_as_what_is_in_it(
    golden: Path, imported: Import, tmp_path: Path
) -> None:
    name = "groovae_2bar_humanize"
    for suffix, mode in ((".tar", "w"), (".tar.gz", "w:gz")):
        path = tmp_path / f"{name}{suffix}"
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            for file in sorted((golden / f"{name}.small").glob("model.ckpt*")):
                archive.add(file, f"{name}/{file.name}")
        bundle = import_magenta(read_weights(path), tmp_path / f"b{suffix}")
        assert bundle.config["files"] == imported(name).config["files"]
        assert bundle.config["origin"]["source"] == path.name


# -- magenta.js ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRUMS)
def test_to_magentajs_and_back_gives_the_same_weights(
    imported: Import, tmp_path: Path, name: str
) -> None:
    bundle = imported(name)
    config = export_magentajs(load_model(bundle), bundle.task, tmp_path / name)
    weights = read_weights(tmp_path / name)
    assert (weights.kind, weights.config) == ("magenta.js", config)
    again = import_magenta(weights, tmp_path / "again")
    assert again.config["model"] == bundle.config["model"]
    assert again.config["task"] == bundle.config["task"]
    assert again.config["origin"]["kind"] == "magenta.js"
    found, wanted = (load(each.read(WEIGHTS)) for each in (again, bundle))
    assert found.keys() == wanted.keys()
    for key, value in found.items():
        np.testing.assert_allclose(value, wanted[key], rtol=0, atol=2e-7)
    # Once rounded by the forget gate's bias, they stay as they are.
    export_magentajs(load_model(again), again.task, tmp_path / f"{name}-twice")
    once, twice = (read_weights(tmp_path / folder).tensors for folder in (name, f"{name}-twice"))
    for key, value in once.items():
        np.testing.assert_allclose(value, twice[key], rtol=0, atol=2e-7)


@pytest.mark.parametrize(
    ("name", "converter", "steps", "settings"),
    [
        ("cat-drums_2bar_small", "DrumsConverter", 32, {}),
        ("nade-drums_2bar_reduced", "DrumRollConverter", 32, {}),
        ("groovae_4bar", "GrooveConverter", 64, {}),
        ("groovae_2bar_humanize", "GrooveConverter", 32, {"humanize": True}),
        ("groovae_2bar_hits_control_tfds", "GrooveConverter", 32, {}),
    ],
)
def test_magentajs_is_told_what_the_model_is(
    imported: Import,
    tmp_path: Path,
    name: str,
    converter: str,
    steps: int,
    settings: Mapping[str, bool],
) -> None:
    bundle = imported(name)
    config = export_magentajs(load_model(bundle), bundle.task, tmp_path / "js")
    assert json.loads((tmp_path / "js" / "config.json").read_text()) == config
    arguments = dict(config["dataConverter"]["args"])
    pitches = arguments.pop("pitchClasses")
    assert [tuple(voice) for voice in pitches] == list(builtin_map("magenta-infer").pitches)
    assert (config["type"], config["dataConverter"]["type"]) == ("MusicVAE", converter)
    assert arguments == {"numSteps": steps, **settings}
    controls = [{"name": "hits", "depth": 9}] if bundle.controls else None
    assert config.get("extraControls") == controls


def test_models_that_magentajs_has_not_are_refused(
    make_model: Callable[..., Any], imported: Import, tmp_path: Path
) -> None:
    for model in (
        *(make_model("hierarchical", "squared-error"), make_model("flat", "likelihood")),
        *(make_model("flat", "boolean"), make_model("flat", "squared-error", meter="3/4")),
        make_model("flat", "squared-error", encoder={"size": 8, "layers": 2}),
        load_model(imported(MELODY)),
    ):
        with pytest.raises(ConfigError, match=r"magenta\.js has no such model"):
            export_magentajs(model, Identity(), tmp_path / "js")
    assert not list(tmp_path.iterdir())


def test_pitches_of_magentajs_are_those_of_our_maps() -> None:
    from ghostnote.interop.magentajs import FULL, REDUCED

    assert tuple(FULL) == builtin_map("magenta-full").pitches
    assert tuple(REDUCED) == builtin_map("magenta-infer").pitches


def test_a_configuration_has_the_dropout_of_the_original() -> None:
    config = model_config("groovae_4bar")
    assert config.input_dropout == 0.7


def test_torch_computes_what_the_graph_computes(imported: Import, vectors: Vectors) -> None:
    """Unrounded weights: the graph must not store them as halves."""
    name = "groovae_4bar"
    x = to_x(name, vectors(name)["inputs"])
    with torch.no_grad():
        posterior = load_model(imported(name)).encode(torch.from_numpy(x))
    mu, sigma = Runtime(imported(name)).encode(x)
    np.testing.assert_allclose(mu, posterior.mean, atol=2e-6)
    np.testing.assert_allclose(sigma, posterior.stddev, atol=2e-6)


def test_a_copied_bundle_is_the_same_bundle(imported: Import, tmp_path: Path) -> None:
    bundle = imported("groovae_2bar_humanize")
    moved = load_bundle(shutil.copytree(bundle.path, tmp_path / "elsewhere"))
    assert sample(2, seed=4, model=moved) == sample(2, seed=4, model=bundle)


@pytest.mark.parametrize("name", ["groovae_4bar", "groovae_2bar_humanize"])
def test_a_folder_of_magentajs_tells_which_model_it_is(
    imported: Import, tmp_path: Path, name: str
) -> None:
    bundle = imported(name)
    export_magentajs(load_model(bundle), bundle.task, tmp_path / "js" / "model")
    again = import_magenta(read_weights(tmp_path / "js" / "model"), tmp_path / "again")
    assert (again.name, again.task) == (name, bundle.task)
