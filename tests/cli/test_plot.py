"""``ghostnote plot``: all files in one picture, and what the grid drops of them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from ghostnote.cli import main
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import N_VOICES, builtin_map
from ghostnote.music.midi import write_midi


def write_loop(path: Path, bars: int = 2) -> Path:
    velocity = np.zeros((16 * bars, N_VOICES), np.float32)
    velocity[::4, 0] = 0.8
    groove = Groove.from_cells(velocity > 0, velocity, np.zeros_like(velocity))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(path, to_performance(groove, builtin_map("gm")))
    return path


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    return write_loop(tmp_path / "in" / "loop.mid")


def n_marks(picture: Path) -> int:
    root = ET.fromstring(picture.read_bytes())
    return sum(element.get("class") == "hit" for element in root.iter())


def test_one_file_beside_it(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(loop)]) == 0
    assert n_marks(loop.with_suffix(".svg")) == 8
    shown = capsys.readouterr()
    assert "8 of 8 notes on the grid" in shown.out
    assert not shown.err


def test_a_folder_in_one_png(loop: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_loop(loop.parent / "sub" / "other.mid")
    picture = tmp_path / "all.png"
    assert main(["plot", str(loop.parent), "-o", str(picture), "--quiet"]) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(("bars", "hits"), [("2", 4), ("1-2", 8), ("2-4", 4), ("1-999", 8)])
def test_bars(loop: Path, bars: str, hits: int) -> None:
    assert main(["plot", str(loop), "--bars", bars]) == 0
    assert n_marks(loop.with_suffix(".svg")) == hits


@pytest.mark.parametrize("bars", ["0", "2-1", "1-", "x", ""])
def test_no_range_of_bars(loop: Path, bars: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(loop), f"--bars={bars}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_bad_files_among_good_ones(
    loop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (loop.parent / "bad.mid").write_bytes(b"no midi")
    short = write_loop(loop.parent / "short.mid", bars=1)
    picture = tmp_path / "all.svg"
    assert main(["plot", str(loop.parent), "-o", str(picture), "--bars", "2"]) == 1
    head, *errors = capsys.readouterr().err.splitlines()
    assert head == "1 drawn, 2 skipped:"
    assert f"{short}: has no bar 2, only 1" in errors[1]
    assert n_marks(picture) == 4


def test_nothing_good_draws_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.mid"
    bad.write_bytes(b"no midi")
    assert main(["plot", str(bad)]) == 1
    assert "is no MIDI file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [bad]


def test_existing_picture(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = loop.with_suffix(".svg")
    picture.write_text("mine")
    assert main(["plot", str(loop)]) == 1
    assert "--force" in capsys.readouterr().err
    assert picture.read_text() == "mine"
    assert main(["plot", str(loop), "--force"]) == 0
    assert n_marks(picture) == 8


def test_several_files_need_a_name(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_loop(loop.parent / "other.mid")
    assert main(["plot", str(loop), str(other)]) == 2
    assert "--out" in capsys.readouterr().err


def test_unknown_suffix(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(loop), "-o", "roll.jpg"]) == 2
    assert "svg, png" in capsys.readouterr().err


def test_json(loop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "all.svg"
    missing = tmp_path / "missing.mid"
    assert main(["plot", str(loop), str(missing), "-o", str(picture), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["picture"] == str(picture)
    (panel,), (failed,) = document["panels"], document["failed"]
    assert (panel["hits"], panel["bars"], panel["meter"]) == (8, 2, [4, 4])
    assert panel["grid"]["notes"] == 8
    assert failed["source"] == str(missing)
