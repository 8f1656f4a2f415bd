"""``ghostnote render``: files and folders in, audio out, and every file accounted for."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from ghostnote.cli import main
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import N_VOICES, builtin_map
from ghostnote.music.midi import Performance, write_midi


def write_loop(path: Path) -> Path:
    velocity = np.zeros((16, N_VOICES), np.float32)
    velocity[::4, 0] = 0.8
    groove = Groove.from_cells(velocity > 0, velocity, np.zeros_like(velocity), bpm=240)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(path, to_performance(groove, builtin_map("gm")))
    return path


def performance(pitch: list[int], *, channel: int = 9) -> Performance:
    n = len(pitch)
    return Performance(
        480,
        np.arange(n) * 480,
        np.array(pitch, np.uint8),
        np.full(n, 100, np.uint8),
        np.full(n, channel, np.uint8),
        np.zeros(n, np.int32),
        np.full(n, 120),
        end=n * 480,
    )


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    return write_loop(tmp_path / "in" / "loop.mid")


def everything(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def test_one_file_beside_it(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", str(loop)]) == 0
    with wave.open(str(loop.with_suffix(".wav"))) as audio:
        assert audio.getnframes() >= audio.getframerate()
    shown = capsys.readouterr()
    assert "1 rendered" in shown.out
    assert not shown.err
    assert everything(loop.parent) == ["loop.mid", "loop.wav"]


def test_folder_is_mirrored_in_several_formats(loop: Path, tmp_path: Path) -> None:
    write_loop(loop.parent / "sub" / "other.midi")
    out = tmp_path / "out"
    assert main(["render", str(loop.parent), "-o", str(out), "--format", "wav,flac"]) == 0
    expected = ["loop.flac", "loop.wav", "sub/other.flac", "sub/other.wav"]
    assert everything(out) == expected


def test_out_may_name_the_file(loop: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "beat.flac"
    assert main(["render", str(loop), "-o", str(out)]) == 0
    assert everything(tmp_path / "new") == ["beat.flac"]


@pytest.mark.parametrize("options", [("{other}",), ("--format", "flac")])
def test_out_names_a_file_and_something_else_is_asked(
    loop: Path, tmp_path: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_loop(tmp_path / "other.mid")
    extra = [option.format(other=other) for option in options]
    assert main(["render", str(loop), *extra, "-o", str(tmp_path / "beat.wav")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert everything(tmp_path) == ["in/loop.mid", "other.mid"]


def test_bad_files_among_good_ones(
    loop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (loop.parent / "a.mid").write_bytes(b"no midi")
    write_midi(loop.parent / "melody.mid", performance([60, 62], channel=0))
    out = tmp_path / "out"
    assert main(["render", str(loop.parent), str(tmp_path / "none.mid"), "-o", str(out)]) == 1
    shown = capsys.readouterr()
    head, *errors = shown.err.splitlines()
    assert head == "1 rendered, 3 skipped:"
    assert ["a.mid" in errors[0], "melody.mid" in errors[1], "none.mid" in errors[2]] == [True] * 3
    assert "channel" in errors[1]
    assert everything(out) == ["loop.wav"]


def test_existing_output(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audio = loop.with_suffix(".wav")
    audio.write_bytes(b"mine")
    both = ["render", str(loop), "--format", "flac,wav"]
    assert main(both) == 1
    assert "exists already" in capsys.readouterr().err
    assert audio.read_bytes() == b"mine"
    assert everything(loop.parent) == ["loop.mid", "loop.wav"]
    assert main([*both, "--force"]) == 0
    assert audio.read_bytes()[:4] == b"RIFF"


def test_unmapped_pitches_and_warnings_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "odd.mid"
    write_midi(odd, performance([36, 3, 3, 38]))
    odd.write_bytes(odd.read_bytes() + b"junk")
    assert main(["render", str(odd)]) == 0
    shown = capsys.readouterr().out
    assert "3 (2)" in shown
    assert "4 bytes" in shown


def test_json(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = loop.parent / "bad.mid"
    bad.touch()
    assert main(["render", str(loop), str(bad), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    (rendered,), (failed,) = document["rendered"], document["failed"]
    assert rendered["hits"] == 4
    assert rendered["seconds"] >= 1
    assert rendered["files"] == [str(loop.with_suffix(".wav"))]
    assert failed["source"] == str(bad)
    assert failed["reason"] == "is empty"


def test_quiet(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", str(loop), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_name_with_brackets_is_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_loop(Path("[red]x.mid"))
    assert main(["render", "[red]x.mid"]) == 0
    assert "[red]x.wav" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--format", "aiff"), 2), (("--map", "nothing"), 1), (("--kit", "nowhere"), 1),
     (("--channel", "17"), 1)],
)  # fmt: skip
def test_bad_options(
    loop: Path, options: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", str(loop), *options]) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert everything(loop.parent) == ["loop.mid"]


def test_no_file_and_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render"]) == 2
    assert main(["render", str(tmp_path)]) == 1
    assert "holds no MIDI file" in capsys.readouterr().err
