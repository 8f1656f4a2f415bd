"""``ghostnote attribute``, ``search`` and ``map`` on files."""

from __future__ import annotations

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.cli import main
from ghostnote.directions import Direction, write_direction


@pytest.fixture
def loops(drumming: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "loops"
    for take in range(6):
        (folder / ("odd" if take % 2 else "even")).mkdir(parents=True, exist_ok=True)
        shutil.copy(drumming / f"{take}.mid", folder / ("odd" if take % 2 else "even"))
    return folder


@pytest.fixture
def model(tiny_bundle: Bundle) -> str:
    return str(tiny_bundle.path)


@pytest.fixture
def far(tiny_bundle: Bundle, tmp_path: Path) -> str:
    """The file of a direction that goes far enough for the tiny model to notice."""
    vector = np.full(tiny_bundle.latent, 3, np.float32)
    write_direction(tmp_path / "far.json", Direction("far", vector))
    return str(tmp_path / "far.json")


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_attribute_writes_a_mirrored_tree(
    loops: Path, tmp_path: Path, model: str, far: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["attribute", "far=+1.5", str(loops), "--model", model, "--direction", far]
    assert main([*line, "-o", str(tmp_path / "out"), "--json"]) == 0
    document = said(capsys)
    assert document["moves"] == {"far": 1.5}
    first = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.mid"))
    assert first == sorted(path.relative_to(loops) for path in loops.rglob("*.mid"))
    assert main([*line, "-o", str(tmp_path / "again"), "-q"]) == 0
    for path in first:
        one, other = (tmp_path / name / path for name in ("out", "again"))
        assert one.read_bytes() == other.read_bytes()
    assert main([*line, "-o", str(tmp_path / "out")]) == 1
    assert "--force" in capsys.readouterr().err


def test_attribute_makes_new_loops(
    tmp_path: Path, model: str, far: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["attribute", "far=-2", "-n", "2", "--model", model, "--direction", far]
    assert main([*line, "-o", str(tmp_path / "new")]) == 0
    assert len(list((tmp_path / "new").glob("tiny-0-far-2-*.mid"))) == 2
    assert "2 loops" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (["density", "x.mid"], "says no attribute"),
        (["density=1", "density=2", "x.mid"], "moved twice"),
        (["loudness=1", "x.mid"], "no direction 'loudness'"),
        (["density=9", "x.mid"], "cannot be moved"),
    ],
)
def test_attribute_says_what_is_wrong(
    tokens: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attribute", *tokens]) == 2
    assert reason in capsys.readouterr().err


def test_effects_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attribute", "show", "--json"]) == 0
    document = said(capsys)
    assert "syncopation" in document["attributes"]  # type: ignore[operator]
    assert main(["attribute", "show"]) == 0
    assert "laid-back" in capsys.readouterr().out


def test_a_direction_is_learned_from_folders_or_a_table(
    loops: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "odd.json"
    line = ["attribute", "fit", str(loops), "--model", model]
    assert main([*line, "--name", "odd", "-o", str(out)]) == 0
    assert "12 windows of 6 files" in capsys.readouterr().out
    assert json.loads(out.read_text())["mean"] == 0.5
    table = tmp_path / "heavy.csv"
    rows = [f"{path.relative_to(loops).as_posix()},{len(path.name)}{n},x" for n, path in
            enumerate(sorted(loops.rglob("*.mid"))[:5])]  # fmt: skip
    table.write_text("\n".join(["file,heavy,other", *rows]) + "\n")
    heavy = [*line, "--name", "heavy", "-o", str(tmp_path / "heavy.json")]
    assert main([*heavy, "--labels", f"{table}:heavy"]) == 0
    assert "1 files have no label" in capsys.readouterr().out
    assert main([*heavy, "--force", "--labels", f"{table}:light"]) == 1
    assert "heavy, other" in capsys.readouterr().err
    assert main([*heavy, "--force"]) == 2
    assert "--positive: even, odd" in capsys.readouterr().err
    one = str(next(loops.rglob("1.mid")))
    moved = ["attribute", "odd=1", one, "--direction", str(out), "--model", model]
    assert main([*moved, "-o", str(tmp_path)]) == 0
    assert (tmp_path / "1.mid").is_file()


def test_search_finds_and_keeps_its_index(
    loops: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    query, index = loops / "odd" / "1.mid", tmp_path / "my.index"
    line = ["search", str(query), "--in", str(loops), "-n", "3", "--model", model]
    line += ["--index", str(index)]
    assert main([*line, "--json"]) == 0
    document = said(capsys)
    found = document["found"]
    assert isinstance(found, list)
    assert len(found) == 3
    assert str(query.resolve()) not in {one["file"] for one in found}
    assert [one["distance"] for one in found] == sorted(one["distance"] for one in found)
    assert document["update"]["read"] == 6  # type: ignore[index]
    assert main(line) == 0
    shown = capsys.readouterr()
    assert "6 known" in shown.err
    assert shown.out.count(".mid") == 3
    shutil.rmtree(loops / "even")
    assert main([*line, "--as-it-is", "--json"]) == 0
    assert said(capsys)["update"] is None


def test_search_refuses(loops: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    query = str(loops / "odd" / "1.mid")
    assert main(["search", query, "--in", str(loops / "none"), "--model", model]) == 1
    assert "cannot be searched" in capsys.readouterr().err
    assert main(["search", query, "--in", str(loops), "-n", "0", "--model", model]) == 2
    assert "0 grooves" in capsys.readouterr().err


def test_map_of_a_folder_has_its_styles(
    loops: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "map.svg"
    assert main(["map", str(loops), "-o", str(picture), "--model", model, "--json"]) == 0
    assert said(capsys)["points"] == 12
    root = ET.fromstring(picture.read_bytes())
    assert sum(element.get("class") == "hit" for element in root.iter()) == 12
    assert "odd, 6" in "".join(root.itertext())
    points = tmp_path / "map.csv"
    assert main(["map", str(loops), "-o", str(points), "--model", model]) == 0
    rows = list(csv.DictReader(points.read_text().splitlines()))
    assert len(rows) == 12
    assert {row["style"] for row in rows} == {"odd", "even"}
    assert main(["map", str(loops), "-o", str(points), "--model", model]) == 1
    assert "--force" in capsys.readouterr().err


def test_map_of_the_prior(tmp_path: Path, model: str) -> None:
    for name in ("prior.json", "prior.png"):
        if name.endswith("png"):
            pytest.importorskip("matplotlib")
        line = ["map", "--prior", "30", "-o", str(tmp_path / name), "--layout", "neighbours"]
        assert main([*line, "--model", model, "-q"]) == 0
    document = json.loads((tmp_path / "prior.json").read_text())
    assert len(document["points"]) == 30
    assert (tmp_path / "prior.png").read_bytes()[:4] == b"\x89PNG"


def test_map_refuses(loops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", str(loops), "--prior", "9"]) == 2
    assert "two maps" in capsys.readouterr().err
    assert main(["map", "--prior", "9", "-o", "map.jpg"]) == 2
    assert "svg, png, csv, json" in capsys.readouterr().err
