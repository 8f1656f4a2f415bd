"""The studio as a folder: whole, with the models, or not there at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from ghostnote.bundle import load_bundle
from ghostnote.bundle import shipped as shipped_names
from ghostnote.errors import OutputError, StudioError
from ghostnote.pipeline.map import map_styles
from ghostnote.runtime import Runtime
from ghostnote.studio import static
from ghostnote.studio.listing import page_files
from ghostnote.studio.static import GRAPHS, write_static


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("static") / "deep" / "studio"
    written = write_static(target)
    files = [path for path in target.rglob("*") if path.is_file()]
    assert written == (len(files), sum(path.stat().st_size for path in files))
    return target


def test_the_page_and_the_kit_are_all_there(folder: Path) -> None:
    for name, source in page_files().items():
        if name != "index.html":
            assert (folder / name).read_bytes() == source.read_bytes()
    assert (folder / "kit" / "kick-soft.wav").is_file()


def test_the_page_uses_its_own_engine_and_keeps_to_itself(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    assert 'data-engine="local"' in page
    assert "remote" not in page
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert page.index(policy) < min(page.index("<script"), page.index("<link"))
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert rules["connect-src"] == "'self'"
    assert "frame-ancestors" not in rules  # which has no meaning in a page


def test_the_manifest_says_what_a_server_would(
    folder: Path, client: httpx.Client, shipped: Callable[[str], Runtime]
) -> None:
    manifest = json.loads((folder / "studio.json").read_text("utf-8"))
    assert manifest["engine"] == "local"
    assert manifest["models"] == client.get("api/v1/models").json()["models"]
    assert manifest["kit"] == client.get("api/v1/kit").json()
    for name, place in manifest["files"].items():
        bundle = load_bundle(name)
        for file in GRAPHS:
            assert (folder / place / file).read_bytes() == bundle.read(file)
        assert json.loads((folder / place / "config.json").read_text()) == bundle.config
        told = json.loads((folder / place / "map.json").read_text("utf-8"))
        plane = map_styles(model=shipped(name))
        np.testing.assert_array_equal(told["centre"], plane.centre)
        np.testing.assert_array_equal(told["axes"], plane.axes)
        assert len(told["points"]) == len(plane)


def test_every_shipped_model_is_there(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "models").iterdir()) == shipped_names()
    assert not list(folder.rglob("model.safetensors"))  # to go on training, which no page does


def test_a_folder_that_exists_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "studio"
    target.mkdir()
    with pytest.raises(OutputError, match=r"exists already \(use --force"):
        write_static(target)
    write_static(target, force=True)
    (target / "index.html").write_text("old")
    write_static(target, force=True)
    assert "ghostnote" in (target / "index.html").read_text("utf-8")


def test_what_is_no_studio_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="not a studio's folder"):
        write_static(tmp_path, force=True)
    with pytest.raises(OutputError, match="not a studio's folder"):
        write_static(tmp_path / "thesis.txt", force=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(static, "_write_json", fails)
    with pytest.raises(OutputError, match="No space left"):
        write_static(tmp_path / "studio")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_has_changed_its_frame_is_not_written_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "index.html"
    page.write_text("<html><head></head></html>")
    monkeypatch.setattr(static, "page_files", lambda: {"index.html": page})
    with pytest.raises(StudioError, match="cannot be told"):
        write_static(tmp_path / "studio")
    assert not (tmp_path / "studio").exists()
