"""Folders of magenta.js: what is written reads back, and what is wrong is one error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ghostnote.errors import OutputError, WeightsError
from ghostnote.interop.magentajs import (
    CONFIG,
    JAVASCRIPT_CONFIGS,
    MANIFEST,
    javascript_config,
    read_folder,
    write_folder,
)

Tensors = dict[str, npt.NDArray[Any]]
GROOVE = javascript_config("GrooveConverter", steps=32)


def same(left: Tensors, right: Tensors) -> bool:
    return list(left) == list(right) and all(
        left[name].dtype == right[name].dtype
        and np.array_equal(left[name], right[name], equal_nan=left[name].dtype.kind == "f")
        and left[name].shape == right[name].shape
        for name in left
    )


def tensors(*dtypes: str) -> st.SearchStrategy[Tensors]:
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
    arrays = st.sampled_from(dtypes).flatmap(lambda dtype: hnp.arrays(dtype, shapes))
    return st.dictionaries(st.text(), arrays, max_size=5)


# -- what is written reads back -------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(tensors("f4", "i4", "?"), st.integers(1, 100))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, original: Tensors, shard_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("js") / "model"
    write_folder(folder, GROOVE, original, shard_bytes=shard_bytes)
    config, read = read_folder(folder)
    assert config == GROOVE
    assert same(read, original)
    size = sum(array.nbytes for array in original.values())
    shards = [file.stat().st_size for file in folder.glob("group1-shard*of*")]
    assert sum(shards) == size
    assert max(shards) <= shard_bytes
    assert len(shards) == max(1, -(-size // shard_bytes))


def test_halves_are_read_as_floats(tmp_path: Path) -> None:
    half = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float16)
    write_folder(tmp_path / "js", GROOVE, {"a": half})
    assert (tmp_path / "js" / "group1-shard1of1").stat().st_size == 24
    assert same(read_folder(tmp_path / "js")[1], {"a": half.astype(np.float32)})


def test_the_layout(tmp_path: Path) -> None:
    """As TensorFlow.js's converter writes it; the second tensor lies in two shards."""
    written = {"a/kernel": np.arange(3, dtype=">f4"), "b": np.array([[1, 2]], np.int32)}
    write_folder(tmp_path / "js", GROOVE, written, shard_bytes=16)
    assert json.loads((tmp_path / "js" / CONFIG).read_text()) == GROOVE
    assert json.loads((tmp_path / "js" / MANIFEST).read_text()) == [
        {
            "paths": ["group1-shard1of2", "group1-shard2of2"],
            "weights": [
                {"name": "a/kernel", "shape": [3], "dtype": "float32"},
                {"name": "b", "shape": [1, 2], "dtype": "int32"},
            ],
        }
    ]
    first, second = ((tmp_path / "js" / f"group1-shard{i}of2").read_bytes() for i in (1, 2))
    assert first + second == np.arange(3, dtype="<f4").tobytes() + b"\1\0\0\0\2\0\0\0"
    assert len(first) == 16


# -- writing is all or nothing --------------------------------------------------------------


def test_what_exists_is_kept(tmp_path: Path) -> None:
    old, new = {"a": np.zeros(2, np.float32)}, {"b": np.ones(3, np.float32)}
    write_folder(tmp_path / "js", GROOVE, old)
    with pytest.raises(OutputError, match="exists already"):
        write_folder(tmp_path / "js", GROOVE, new)
    assert same(read_folder(tmp_path / "js")[1], old)
    write_folder(tmp_path / "js", GROOVE, new, overwrite=True)
    assert same(read_folder(tmp_path / "js")[1], new)
    (tmp_path / "songs").mkdir()
    with pytest.raises(OutputError, match=r"exists and is no magenta\.js checkpoint"):
        write_folder(tmp_path / "songs", GROOVE, new, overwrite=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["js", "songs"]


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"a": np.zeros(2, np.float32)}
    write_folder(tmp_path / "js", GROOVE, old)
    with pytest.raises(TypeError):
        write_folder(tmp_path / "js", {"config": object()}, {}, overwrite=True)
    with pytest.raises(OutputError, match="cannot be written"):
        write_folder(tmp_path / "js" / CONFIG / "below", GROOVE, {})

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write_folder(tmp_path / "js", GROOVE, {}, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["js"]
    assert same(read_folder(tmp_path / "js")[1], old)


@pytest.mark.parametrize("dtype", ["i8", "f8", "u1", "u2", "i2", "c8", "U3"])
def test_types_that_a_browser_does_not_know(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(WeightsError, match=r"'global_step' is .*, which magenta\.js does not"):
        write_folder(tmp_path / "js", GROOVE, {"global_step": np.zeros(2, dtype)})
    assert not (tmp_path / "js").exists()


# -- what others wrote ----------------------------------------------------------------------


def described(**changes: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [2], "dtype": "float32", **changes}


def quantised(kind: Any, **changes: Any) -> dict[str, Any]:
    others = {key: changes.pop(key) for key in ("dtype", "shape") if key in changes}
    return described(quantization={"dtype": kind, "scale": 0.5, "min": -1.0, **changes}, **others)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of shards, and of one group of `weights` in them."""

    def make(*weights: Any, shards: dict[str, bytes] | None = None, manifest: Any = None) -> Path:
        shards = {"group1-shard1of1": bytes(8)} if shards is None else shards
        made = tmp_path / "js"
        for name, content in shards.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(content)
        groups = [{"paths": list(shards), "weights": list(weights)}]
        (made / MANIFEST).write_text(json.dumps(groups if manifest is None else manifest))
        (made / CONFIG).write_text(json.dumps(GROOVE))
        return made

    return make


@pytest.mark.parametrize(
    ("entry", "content", "expected"),
    [
        (quantised("uint8"), b"\0\xff", np.float32([-1, 126.5])),
        (quantised("uint16"), b"\0\0\xff\xff", np.float32([-1, 32766.5])),
        (quantised("uint16", scale=0.1, min=0), b"\1\0\3\0", np.float32([0.1, 3 * 0.1])),
        (quantised("uint8", scale=-2, min=3), b"\1\2", np.float32([1, -1])),
        # JavaScript rounds halves up, those below zero too.
        (quantised("uint8", dtype="int32"), b"\1\6", np.int32([0, 2])),
        (quantised("uint8", dtype="int32", min=-3), b"\1\3", np.int32([-2, -1])),
        (quantised("uint8", shape=[]), b"\4", np.float32(1)),
        (quantised("uint8", shape=[0, 3]), b"", np.zeros((0, 3), np.float32)),
        (described(quantization={"dtype": "float16"}), b"\0\x3c\0\xc0", np.float32([1, -2])),
        (described(dtype="bool"), b"\0\1", np.array([False, True])),
    ],
)
def test_tensors_in_fewer_bits(
    folder: Callable[..., Path],
    entry: dict[str, Any],
    content: bytes,
    expected: npt.NDArray[Any],
) -> None:
    _, read = read_folder(folder(entry, shards={"shard": content}))
    assert same(read, {"x": np.asarray(expected)})


def test_several_groups_in_sub_folders(folder: Callable[..., Path]) -> None:
    values = np.arange(6, dtype="<f4")
    content = values.tobytes()
    shards = {"a/1": content[:3], "a/2": content[3:9], "b": content[9:20], "c": content[20:]}
    manifest = [
        {"paths": ["a/1", "a/2", "b"], "weights": [described(name=n) for n in "pq"]},
        {"paths": ["c"], "weights": [described(name="r", shape=[1, 1])]},
    ]
    manifest[0]["weights"][1]["shape"] = [3]
    _, read = read_folder(folder(shards=shards, manifest=manifest))
    assert same(read, {"p": values[:2], "q": values[2:5], "r": values[5:].reshape(1, 1)})


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (described(shape=[3]), "its tensors have 12 bytes, but group1-shard1of1 has 8"),
        (described(shape=[1]), "its tensors have 4 bytes"),
        (described(shape=[-2]), "the shape of 'x'"),
        (described(shape=[2.0]), "the shape of 'x'"),
        (described(shape=[True]), "the shape of 'x'"),
        (described(shape=[2**40, 2**40]), "the shape of 'x'"),
        (described(shape=[0, 2**62]), "the shape of 'x'"),
        (described(shape=[1] * 40), "the shape of 'x'"),
        (described(shape=2), "'shape' is missing, or is no list"),
        (described(name=None), "'name' is missing, or is no str"),
        (described(dtype="string"), "unknown type 'string'"),
        (described(dtype=3), "'dtype' is missing"),
        (described(dtype="bool", shape=[8]), "neither true nor false"),
        ("x", "'name' is missing"),
        (quantised("int4"), "stored as 'int4'"),
        (quantised("uint8", dtype="bool"), "is bool stored as 'uint8'"),
        (quantised("float16", dtype="int32"), "is int32 stored as 'float16'"),
        (quantised(None), "'dtype' is missing"),
        (described(quantization=[]), "'quantization' is missing, or is no dict"),
        (described(quantization={"dtype": "uint8", "min": 0}), "the scale of 'x' is no number"),
        (quantised("uint8", min="0"), "the min of 'x'"),
        (quantised("uint8", scale=True), "the scale of 'x'"),
        (quantised("uint8", scale=float("nan")), "the scale of 'x'"),
        (quantised("uint8", scale=float("inf")), "the scale of 'x'"),
        (quantised("uint8", scale=10**400), "the scale of 'x'"),
        (quantised("uint8", shape=[8], scale=3e38), "leads out of float32"),
        (quantised("uint8", shape=[8], scale=1e9, dtype="int32"), "leads out of int32"),
    ],
)
def test_a_tensor_that_cannot_be(folder: Callable[..., Path], entry: Any, reason: str) -> None:
    path = folder(entry, shards={"group1-shard1of1": b"\0\1\2\3\4\5\6\7"})
    with pytest.raises(WeightsError, match=reason) as caught:
        read_folder(path)
    assert caught.value.source == str(path / MANIFEST)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "shard",
    [
        *("/etc/passwd", "../outside", "a/../../outside", "..", ".", "", "a/.."),
        *("..\\outside", "C:outside", "a\0b", "a\nb", "\ud800", 3, None, ["shard"]),
    ],
)
def test_shards_stay_in_the_folder(folder: Callable[..., Path], shard: Any) -> None:
    (folder().parent / "outside").write_bytes(bytes(8))
    path = folder(manifest=[{"paths": [shard], "weights": [described()]}])
    with pytest.raises(WeightsError, match="is no file of this folder"):
        read_folder(path)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({}, "no list of groups"),
        ([3], "'paths' is missing"),
        ([{"paths": "group1-shard1of1", "weights": []}], "'paths' is missing"),
        ([{"paths": []}], "'weights' is missing"),
        ([{"paths": ["group1-shard1of1"] * 2, "weights": [described()]}], "a shard twice"),
        (
            [{"paths": ["group1-shard1of1"], "weights": [described(shape=[1])] * 2}],
            "'x' stands in it twice",
        ),
    ],
)
def test_a_manifest_that_makes_no_sense(
    folder: Callable[..., Path], manifest: Any, reason: str
) -> None:
    with pytest.raises(WeightsError, match=reason):
        read_folder(folder(manifest=manifest))


@pytest.mark.parametrize("name", [CONFIG, MANIFEST])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\xff", b"[" * 100_000])
def test_what_is_no_json(folder: Callable[..., Path], name: str, content: bytes) -> None:
    path = folder(described())
    (path / name).write_bytes(content)
    with pytest.raises(WeightsError, match="is no JSON") as caught:
        read_folder(path)
    assert caught.value.source == str(path / name)


@pytest.mark.parametrize("name", [CONFIG, MANIFEST, "group1-shard1of1"])
def test_a_file_that_is_missing(folder: Callable[..., Path], name: str) -> None:
    path = folder(described())
    (path / name).unlink()
    with pytest.raises(WeightsError, match="does not exist") as caught:
        read_folder(path)
    assert caught.value.source == str(path / name)


@pytest.mark.parametrize("config", [{}, [], {"type": "MusicRNN"}])
def test_another_model(folder: Callable[..., Path], config: Any) -> None:
    path = folder(described())
    (path / CONFIG).write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="does not describe a MusicVAE"):
        read_folder(path)


# -- what the model is ----------------------------------------------------------------------


def test_the_original_s_drum_configurations(golden: Path) -> None:
    """Windows, pitches and controls are those that the original's own converters have."""
    originals = json.loads((golden / "configs.json").read_text())["configs"]
    assert set(JAVASCRIPT_CONFIGS) == {
        name
        for name, config in originals.items()
        if config["data_converter"]["class"] in {"DrumsConverter", "GrooveConverter"}
    }
    reduced = javascript_config("DrumsConverter", steps=1)["dataConverter"]["args"]["pitchClasses"]
    for name, config in JAVASCRIPT_CONFIGS.items():
        converter, original = config["dataConverter"], originals[name]["data_converter"]
        given = original["all_args"]
        arguments = converter["args"]
        assert arguments["numSteps"] == originals[name]["hparams"]["max_seq_len"]
        pitches = given.get("inference_pitch_classes") or given["pitch_classes"] or reduced
        assert arguments["pitchClasses"] == pitches
        for theirs, ours in (("humanize", "humanize"), ("tapify", "tapify")):
            assert arguments.get(ours, False) == given.get(theirs, False)
        if original["class"] == "GrooveConverter":
            assert converter["type"] == "GrooveConverter"
        else:
            rolls = given["roll_output"]
            assert converter["type"] == ("DrumRollConverter" if rolls else "DrumsConverter")
        controls = sum(control["depth"] for control in config.get("extraControls", []))
        assert controls == original["control_depth"]
