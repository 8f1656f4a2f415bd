"""``ghostnote export`` of a bundle: one of before gets what it lacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ghostnote.bundle import CONFIG, SCORER, Bundle, load_bundle
from ghostnote.cli import main


def test_a_bundle_of_before_is_completed(
    tiny_bundle: Bundle, drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Path(shutil.copytree(tiny_bundle.path, tmp_path / "old"))
    config = json.loads((old / CONFIG).read_text())
    del config["parts"], config["files"][SCORER]
    (old / CONFIG).write_text(json.dumps(config))
    (old / SCORER).unlink()
    words = ["export", str(old), "-o", str(tmp_path / "new"), "--data"]
    assert main([*words, str(drumming)]) == 0
    assert "tiny: " in capsys.readouterr().out
    new = load_bundle(tmp_path / "new")
    assert new.parts == tiny_bundle.parts
    assert new.read(SCORER) == tiny_bundle.read(SCORER)
    assert main([*words, str(tmp_path / "nothing")]) == 1


def test_an_imported_bundle_is_not(
    tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Path(shutil.copytree(tiny_bundle.path, tmp_path / "old"))
    config = json.loads((old / CONFIG).read_text())
    del config["training"]
    (old / CONFIG).write_text(json.dumps(config))
    assert main(["export", str(old), "-o", str(tmp_path / "new")]) == 2
    assert "was not trained here" in capsys.readouterr().err
