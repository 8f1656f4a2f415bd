"""Bundles: loaded whole, or refused in one line that says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import (
    CARD,
    CONFIG,
    DECODER,
    DEFAULT,
    ENCODER,
    FORMAT,
    LATENT,
    SCORER,
    WEIGHTS,
    Bundle,
    load_bundle,
    shipped,
)
from ghostnote.errors import BundleError, ConfigError
from ghostnote.latent import Prior
from ghostnote.music.kit import builtin_map
from ghostnote.music.tasks import HitsControl, Identity, Tap

FILES = (WEIGHTS, LATENT, ENCODER, DECODER, SCORER)


@pytest.fixture
def copy(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of one's own, to damage."""
    return Path(shutil.copytree(tiny_bundle.path, tmp_path / "model"))


def refused(action: Callable[[], object], source: Path) -> str:
    """The line with which something is refused: where, why, and what to do."""
    with pytest.raises(BundleError) as caught:
        action()
    error = caught.value
    assert error.source == str(source)
    assert error.remedy
    (line,) = str(error).splitlines()
    return line


def rewrite(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, **changes}))


def test_a_bundle_says_what_it_is(tiny_bundle: Bundle) -> None:
    for loaded in (load_bundle(tiny_bundle.path), load_bundle(str(tiny_bundle.path))):
        assert loaded.config == json.loads(json.dumps(tiny_bundle.config))
        assert loaded.name == "tiny"
        assert (loaded.bars, loaded.steps, loaded.meter, loaded.latent) == (2, 32, (4, 4), 6)
        assert loaded.temperature == 1.0
        assert loaded.bpm == pytest.approx(101, abs=1e-3)  # the median of the training takes
        assert repr(loaded) == "Bundle(tiny: 2 bars, z of 6 numbers)"
    assert {entry.name for entry in tiny_bundle.path.iterdir()} == {CONFIG, CARD, *FILES}


def test_a_bundle_says_what_its_model_was_taught(copy: Path, tiny_bundle: Bundle) -> None:
    assert (tiny_bundle.voices, tiny_bundle.controls, tiny_bundle.task) == (9, 0, Identity())
    assert tiny_bundle.drum_map == builtin_map("ghostnote")
    rewrite(copy, task={"kind": "tap", "note_dropout": 0.25})
    assert load_bundle(copy).task == Tap(note_dropout=0.25)
    model = {**tiny_bundle.config["model"], "voices": 61, "controls": 61}
    rewrite(copy, model=model, task={"kind": "hits-control"})
    bundle = load_bundle(copy)
    assert (bundle.voices, bundle.controls, bundle.task) == (61, 61, HitsControl())
    assert bundle.drum_map == builtin_map("magenta-full")
    assert len(bundle.drum_map.voices) == bundle.voices


def test_a_bundle_from_before_there_were_tasks_is_read(copy: Path) -> None:
    config = json.loads((copy / CONFIG).read_text())
    del config["task"]
    config["model"] = {"bars": 2, "latent": 6}
    (copy / CONFIG).write_text(json.dumps(config))
    bundle = load_bundle(copy)
    assert (bundle.voices, bundle.controls, bundle.task) == (9, 0, Identity())


def test_the_prior_is_that_of_its_latent_space(tiny_bundle: Bundle) -> None:
    prior = load_bundle(tiny_bundle.path).prior
    assert prior.weights.tolist() == [1.0]
    assert prior.means.shape == (1, 6)
    assert prior.factors.shape == (1, 6, 6)


def test_a_bundle_knows_the_parts_of_its_training_data(tiny_bundle: Bundle) -> None:
    parts = load_bundle(tiny_bundle.path).parts
    assert parts == tiny_bundle.parts
    assert {part.kind for part in parts} == {"style", "beat_type", "bpm"}
    windows = tiny_bundle.config["training"]["windows"]
    for kind in ("style", "beat_type", "bpm"):
        assert sum(part.windows for part in parts if part.kind == kind) == windows
    (slow, fast) = (part for part in parts if part.kind == "bpm")
    assert (slow.value, fast.value) == ((80.0, 100.0), (100.0, 120.0))
    same(tiny_bundle.prior_of(), tiny_bundle.prior)
    by_tempo = tiny_bundle.prior_of(bpm=90)
    assert not np.array_equal(by_tempo.means, tiny_bundle.prior.means)
    same(tiny_bundle.prior_of(bpm=99.9), by_tempo)
    assert not np.array_equal(tiny_bundle.prior_of(bpm=100).means, by_tempo.means)
    style = next(part.value for part in parts if part.kind == "style")
    assert isinstance(style, str)
    same(tiny_bundle.prior_of(style=style, beat_type="beat"), tiny_bundle.prior_of(style="any"))


def same(one: Prior, other: Prior) -> None:
    """Where there is one style and one beat type, they say nothing."""
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)
    np.testing.assert_allclose(one.means, other.means, atol=1e-3)
    assert np.array_equal(one.factors, other.factors)


def test_parts_that_there_are_not_are_refused_with_those_that_there_are(
    tiny_bundle: Bundle,
) -> None:
    with pytest.raises(ConfigError, match=r"knows no style 'polka' \(one of: any, "):
        tiny_bundle.prior_of(style="polka")
    with pytest.raises(ConfigError, match=r"knows no beat type 'pause' \(one of: beat\)"):
        tiny_bundle.prior_of(beat_type="pause")


def test_a_bundle_of_before_says_what_it_lacks(copy: Path) -> None:
    config = json.loads((copy / CONFIG).read_text())
    del config["parts"], config["files"][SCORER]
    (copy / CONFIG).write_text(json.dumps(config))
    old = load_bundle(copy)
    assert old.parts == ()
    assert "ghostnote export" in refused(lambda: old.prior_of(style="rock"), copy)
    line = refused(lambda: old.read(SCORER), copy)
    assert "has no scorer.onnx" in line
    assert "ghostnote export" in line
    assert old.prior.n_uniforms > old.latent


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_found(copy: Path, name: str) -> None:
    bundle = load_bundle(copy)
    assert bundle.read(name) == (copy / name).read_bytes()
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    line = refused(lambda: bundle.read(name), copy / name)
    assert "is not the file that config.json describes" in line
    (copy / name).write_bytes(content[:100])
    refused(lambda: bundle.read(name), copy / name)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    line = refused(lambda: load_bundle(copy).read(name), copy / name)
    assert "No such file" in line


def test_damage_is_found_wherever_a_file_is_used(copy: Path) -> None:
    for name in FILES:
        (copy / name).write_bytes(b"damaged")
    bundle = load_bundle(copy)
    refused(lambda: bundle.prior, copy / LATENT)


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_another_format_is_refused(copy: Path, version: object) -> None:
    rewrite(copy, format=version)
    line = refused(lambda: load_bundle(copy), copy)
    assert f"format {version}; this ghostnote reads format {FORMAT}" in line


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"{", b"\xff\xfe\xfd", b"[" * 100_000, bytes(100)],
    ids=["empty", "text", "half", "bytes", "deep", "zeros"],
)
def test_a_garbled_description_is_refused(copy: Path, content: bytes) -> None:
    (copy / CONFIG).write_bytes(content)
    assert "cannot be read" in refused(lambda: load_bundle(copy), copy / CONFIG)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{}"])
def test_a_description_of_something_else_is_refused(copy: Path, content: str) -> None:
    (copy / CONFIG).write_text(content)
    assert "format None" in refused(lambda: load_bundle(copy), copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None},
        {"model": {}},
        {"model": {"bars": "four", "latent": 6}},
        {"meter": 4},
        {"meter": [0, 4]},
        {"meter": [1, 64]},
        {"sampling": {}},
        {"sampling": {"temperature": "hot", "bpm": 120}},
        {"files": None},
        {"task": None},
        {"task": "humanize"},
        {"task": {}},
        {"task": {"kind": "dehumanize"}},
        {"task": {"kind": "tap", "voice": "cowbell"}},
        {"task": {"kind": "tap", "note_dropout": 2}},
        {"task": {"kind": "identity", "more": 1}},
        {"model": {"bars": 2, "latent": 6, "voices": None}},
        {"model": {"bars": 2, "latent": 6, "controls": "many"}},
        {"parts": [{"kind": "style"}]},
        {"parts": [{"kind": "bpm", "value": [1, 2, 3], "windows": 4}]},
    ],
    ids=str,
)
def test_a_description_that_makes_no_sense_is_refused(
    copy: Path, changes: dict[str, object]
) -> None:
    rewrite(copy, **changes)
    line = refused(lambda: load_bundle(copy), copy / CONFIG)
    assert "does not describe a model" in line


def test_a_description_that_lacks_something_is_refused(copy: Path) -> None:
    config = json.loads((copy / CONFIG).read_text())
    for key in ("name", "model", "meter", "sampling", "files"):
        (copy / CONFIG).write_text(json.dumps({k: v for k, v in config.items() if k != key}))
        assert key in refused(lambda: load_bundle(copy), copy / CONFIG)


def test_a_file_that_the_description_does_not_list_is_not_read(copy: Path) -> None:
    rewrite(copy, files={})
    with pytest.raises(BundleError, match=f"has no {DECODER}"):
        load_bundle(copy).read(DECODER)


@pytest.mark.parametrize("name", ["nothing-of-this-name", "", "..", "no/such/folder"])
def test_what_is_no_bundle_is_refused_with_those_that_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="no such model bundle") as caught:
        load_bundle(name)
    assert caught.value.remedy is not None
    assert all(known in caught.value.remedy for known in shipped())


def test_a_file_is_no_bundle(copy: Path) -> None:
    line = refused(lambda: load_bundle(copy / CONFIG), copy / CONFIG)
    assert "no such model bundle" in line


def test_the_default_is_shipped() -> None:
    assert DEFAULT in shipped()
    assert load_bundle() is not None


def test_every_shipped_bundle_is_whole() -> None:
    for name in shipped():
        bundle = load_bundle(name)
        assert bundle.name == name
        for file in FILES:
            assert bundle.read(file)
        assert bundle.prior.n_uniforms > bundle.latent
