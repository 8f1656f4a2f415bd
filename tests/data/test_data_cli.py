from __future__ import annotations

import json
from pathlib import Path

import pytest

from ghostnote.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in ("data", *arguments)])
    return code, *capsys.readouterr()


def test_info(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info", folder)
    assert code == 0
    for text in (
        "12 takes",
        "rock 6",
        "slow 6",
        "kick",
        "notes played",
        "1 file skipped",
        "broken",
    ):
        assert text in out


def test_info_as_json_and_filtered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "info", folder, "--json", "--style", "rock", "--bpm", "100:102")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["takes"] == 3
    assert found["styles"] == {"rock": 3}
    assert found["bpm"] == {"lowest": 100, "highest": pytest.approx(102, abs=0.01)}
    assert found["notes"] == found["hits"] == sum(found["hits_per_voice"].values())
    assert [skip["name"] for skip in found["skipped"]] == ["rock/broken.mid"]
    _, out, _ = run(capsys, "info", folder, "--json", "--style", "rock", "--style", "slow")
    assert json.loads(out)["takes"] == 12


@pytest.mark.parametrize(
    "arguments",
    [["--style", "pop"], ["--bpm", "fast"], ["--bpm", "10:20"], ["--split", "dev"],
     ["--map", "no such map"], ["--time-signature", "7-8"]],
)  # fmt: skip
def test_wrong_filters_are_one_line(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "info", folder, "--json", *arguments)
    assert code != 0
    assert not out
    assert err.count("\n") == 1


def test_add_and_use(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "add", folder, "--name", "mine")
    assert code == 0
    assert out.startswith("mine: 12 takes")
    assert "1 file skipped" in out
    assert json.loads(run(capsys, "info", "mine", "--json")[1])["takes"] == 12
    code, _, err = run(capsys, "add", folder / "rock", "--name", "mine")
    assert code == 1
    assert "--force" in err
    code, out, _ = run(capsys, "add", folder / "rock", "--name", "mine", "--force", "--quiet")
    assert (code, out) == (0, "")
    assert json.loads(run(capsys, "info", "mine", "--json")[1])["takes"] == 6
    assert run(capsys, "info", "takes")[0] == 1
    assert run(capsys, "add", folder)[0] == 0
    assert run(capsys, "info", "takes")[0] == 0


def test_add_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "void").mkdir()
    code, _, err = run(capsys, "add", tmp_path / "void")
    assert code == 1
    assert "holds no MIDI files" in err
    assert run(capsys, "info", "void")[0] == 1


def test_fetch_from_a_file(
    gmd_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "fetch", "--from", gmd_zip)
    assert code == 0
    assert "groove" in out
    code, out, _ = run(capsys, "info", "--json", "--split", "test")
    assert json.loads(out)["takes"] == 129
    (tmp_path / "wrong.zip").write_bytes(b"PK")
    code, _, err = run(capsys, "fetch", "--from", tmp_path / "wrong.zip", "--to", tmp_path / "x")
    assert code == 1
    assert "has 2 bytes" in err
