"""``ghostnote import magenta``: a path in, a bundle out, or one line that says why not."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ghostnote.bundle import load_bundle
from ghostnote.cli import main

pytest.importorskip("torch")

NAME = "groovae_2bar_humanize"


@pytest.fixture
def checkpoint(golden: Path) -> Path:
    return golden / f"{NAME}.small"


@pytest.fixture
def failed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Imports what cannot be imported: the one line that is said, and nothing is left."""

    def run(*arguments: object, code: int = 1) -> str:
        before = sorted(tmp_path.rglob("*"))
        assert main(["import", "magenta", *map(str, arguments)]) == code
        assert sorted(tmp_path.rglob("*")) == before
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        assert line.startswith("ghostnote: ")
        assert captured.out == ""
        return line

    return run


def test_a_checkpoint_becomes_a_bundle_that_plays(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models" / "humanize"
    assert main(["import", "magenta", str(checkpoint), "-o", str(out)]) == 0
    shown = capsys.readouterr().out.replace("\n", "")
    assert shown.startswith(f"{NAME}: 2 bars, 38,555 parameters, 0.4 MiB in ")
    assert str(out) in shown
    assert load_bundle(out).name == NAME
    loops = tmp_path / "loops"
    words = ["sample", "--model", str(out), "-n", "2", "--seed", "1", "--format", "mid", "--json"]
    assert main([*words, "-o", str(loops)]) == 0
    assert json.loads(capsys.readouterr().out)["temperature"] == 0.5
    assert sorted(file.name for file in loops.iterdir()) == [
        f"{NAME}-1-00.mid",
        f"{NAME}-1-01.mid",
    ]
    back = ["reconstruct", str(loops / f"{NAME}-1-00.mid"), "--model", str(out), "-q"]
    assert main(back) == 0
    assert (loops / f"{NAME}-1-00-{NAME}.mid").is_file()


def test_a_prefix_an_index_an_archive_and_a_folder_of_magentajs(
    checkpoint: Path, tmp_path: Path
) -> None:
    archive = tmp_path / f"{NAME}.tar"
    with tarfile.open(archive, "w") as tar:
        for file in sorted(checkpoint.glob("model.ckpt*")):
            tar.add(file, file.name)
    first = tmp_path / "first"
    assert main(["import", "magenta", str(checkpoint / "model.ckpt"), "-qo", str(first)]) == 0
    javascript = tmp_path / NAME
    words = ["export", str(first), "--format", "magentajs", "-o", str(javascript), "-q"]
    assert main(words) == 0
    for number, path in enumerate((checkpoint / "model.ckpt.index", archive, javascript)):
        out = tmp_path / str(number)
        assert main(["import", "magenta", str(path), "--out", str(out), "--quiet"]) == 0
        again, wanted = load_bundle(out), load_bundle(first)
        assert (again.name, again.config["model"]) == (NAME, wanted.config["model"])
        if path is not javascript:  # the forget gate's bias rounds on that way
            assert again.config["files"] == wanted.config["files"]


def test_quiet_says_nothing(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "magenta", str(checkpoint), "-o", str(tmp_path / "b"), "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_exists_is_replaced_by_force_alone(
    checkpoint: Path, tmp_path: Path, failed: Callable[..., str]
) -> None:
    out = tmp_path / "b"
    assert main(["import", "magenta", str(checkpoint), "-o", str(out), "-q"]) == 0
    line = failed(checkpoint, "-o", out)
    assert line == f"ghostnote: {out}: exists already (use --force to replace it)"
    words = ["import", "magenta", str(checkpoint), "-o", str(out), "-q", "--force"]
    assert main([*words, "--config", "groovae_2bar_add_closed_hh"]) == 0
    assert load_bundle(out).name == "groovae_2bar_add_closed_hh"
    (tmp_path / "mine").mkdir()
    assert "is no bundle" in failed(checkpoint, "-o", tmp_path / "mine", "--force")


def test_a_nameless_checkpoint_needs_config(
    checkpoint: Path, tmp_path: Path, failed: Callable[..., str]
) -> None:
    folder = tmp_path / "downloads"
    shutil.copytree(checkpoint, folder)
    line = failed(folder, "-o", tmp_path / "b")
    assert "model.ckpt: fits several configurations" in line
    assert f"(name one by --config: groovae_4bar, {NAME}, " in line
    words = ["import", "magenta", str(folder), "-o", str(tmp_path / "b"), "-q", "--config", NAME]
    assert main(words) == 0
    assert load_bundle(tmp_path / "b").name == NAME


def test_what_cannot_be_imported_is_one_line(
    checkpoint: Path, golden: Path, tmp_path: Path, failed: Callable[..., str]
) -> None:
    out = ("-o", tmp_path / "b")
    assert "none: does not exist (name a TensorFlow V2" in failed(tmp_path / "none", *out)
    assert "holds no checkpoint" in failed(tmp_path, *out)
    assert "is no archive" in failed(golden / "README.md", *out)
    line = failed(checkpoint, *out, "--config", "groovae_3bar", code=2)
    assert "unknown configuration 'groovae_3bar' (one of: " in line
    assert "groovae_4bar" in line
    line = failed(checkpoint, *out, "--config", "cat-drums_2bar_small")
    assert "has the shape [59, 128], not [42, 128]" in line
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    shard = damaged / "model.ckpt.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:-8])
    assert str(shard) in failed(damaged, *out)
    (tmp_path / "file").write_text("")
    assert "cannot be written" in failed(checkpoint, "-o", tmp_path / "file" / "b")
    assert "--out" in failed(checkpoint, code=2)


def test_without_the_laboratory_the_extra_is_named(
    checkpoint: Path,
    tmp_path: Path,
    failed: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    line = failed(checkpoint, "-o", tmp_path / "b")
    assert line.endswith("not installed (pip install 'ghostnote[train]')")


def test_melodies_are_weights_and_the_commands_say_so(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "melody")
    source = golden / "hierdec-mel_16bar.small"
    assert main(["import", "magenta", str(source), "-o", out, "-q"]) == 0
    shutil.copytree(golden.parent / "midi" / "drums", tmp_path / "in")
    for words in (
        ["sample", "--model", out, "-o", str(tmp_path / "loops")],
        ["reconstruct", str(tmp_path / "in"), "--model", out, "-o", str(tmp_path / "loops")],
    ):
        assert main(words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"ghostnote: {out}: has no ")
        assert "weights alone, as a model that writes no drums does" in line
    assert not (tmp_path / "loops").exists()
