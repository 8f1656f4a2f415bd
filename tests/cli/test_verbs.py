"""The commands that make one MIDI file out of another."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.cli import main
from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import read_midi, write_midi
from ghostnote.music.song import read_song


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a folder with another, and a file that is no MIDI."""
    hits = np.zeros((48, 9), bool)
    hits[::4, 0] = hits[2::4, 2] = True
    beat = to_performance(Groove.from_cells(hits, hits * 0.5, hits * 0.0), builtin_map("gm"))
    for name in ("a.mid", "inner/b.mid"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_midi(tmp_path / "in" / name, beat)
    return tmp_path


def groove_of(path: Path) -> Groove:
    return to_groove(read_midi(path), builtin_map("gm"))[0]


def bundle(tiny: Bundle, folder: Path, kind: str) -> str:
    """The small bundle, said to have been taught another task, as a folder."""
    target = folder / f"taught-{kind}"
    target.mkdir()
    for file in tiny.path.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    config = {**tiny.config, "task": {"kind": kind}}
    (target / "config.json").write_text(json.dumps(config))
    return str(target)


COMMANDS = {
    "humanize": ("humanize", "humanised", "humanized", []),
    "infill": ("infill", "infilled", "infilled", ["--keep", "kick"]),
    "continue": ("infill", "continued", "continued", ["--bars", "3"]),
    "tap": ("tap", "tapped", "tapped", []),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_is_mirrored_and_one_bad_file_stops_nothing(
    command: str, folder: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, done, suffix, options = COMMANDS[command]
    model = bundle(tiny_bundle, folder, kind)
    call = [command, str(folder / "in"), "--model", model, *options]
    out = ["--out", str(folder / "out")]
    assert main([*call, *out, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(one["file"]).relative_to(folder) for one in told[done]] == [
        Path("out/a.mid"), Path("out/inner/b.mid"),
    ]  # fmt: skip
    assert told["model"] == "tiny"
    assert groove_of(folder / "out/a.mid") == groove_of(folder / "out/inner/b.mid")
    assert main([*call, *out]) == 1
    assert "exists already" in capsys.readouterr().err
    (folder / "out/a.mid").unlink()
    (folder / "in/c.mid").write_bytes(b"nothing")
    assert main([*call, *out, "--skip-existing"]) == 1
    captured = capsys.readouterr()
    assert "1 left out, since they exist already" in captured.out
    assert f"1 {done}, 1 skipped" in captured.err
    assert "is no MIDI file" in captured.err
    assert not (folder / "out/c.mid").exists()
    (folder / "in/c.mid").unlink()
    assert main([*call, "--quiet"]) == 0
    assert not capsys.readouterr().out
    assert (folder / f"in/a-{suffix}.mid").read_bytes() == (folder / "out/a.mid").read_bytes()


@pytest.mark.parametrize("command", COMMANDS)
def test_pipes(
    command: str, folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, _, suffix, options = COMMANDS[command]
    call = [command, "--model", bundle(tiny_bundle, folder, kind), *options]
    written = io.BytesIO()
    given = io.BytesIO((folder / "in/a.mid").read_bytes())
    pipes = io.TextIOWrapper(given), io.TextIOWrapper(written)
    monkeypatch.setattr(sys, "stdin", pipes[0])
    monkeypatch.setattr(sys, "stdout", pipes[1])
    assert main([*call, "-", "--quiet"]) == 0
    assert main([*call, "-", "--quiet", "--out", str(folder)]) == 2
    monkeypatch.undo()
    assert main([*call, str(folder / "in/a.mid"), "--quiet"]) == 0
    assert (folder / f"in/a-{suffix}.mid").read_bytes() == written.getvalue()


def test_what_the_options_mean(folder: Path, tiny_bundle: Bundle) -> None:
    source, out = folder / "in/a.mid", folder / "out"
    groove = groove_of(source)

    def made(*call: str, kind: str) -> Groove:
        model = bundle(tiny_bundle, folder, kind) if kind else str(folder / "taught-infill")
        assert main([call[0], str(source), *call[1:], "--model", model, "-o", str(out), "-q"]) == 0
        result = groove_of(out / "a.mid")
        (out / "a.mid").unlink()
        return result

    played = made("humanize", "--strength", "0.5", "--keep", "timing", kind="humanize")
    assert np.array_equal(played.hits, groove.hits)
    assert np.array_equal(played.offset, groove.offset)
    assert not np.array_equal(played.velocity, groove.velocity)
    bars = made("infill", "--bars", "1,3", kind="infill")
    assert bars[0] == groove[0]
    assert bars[2] == groove[2]
    both = made("infill", "--bars", "2-3", "--keep", "kick,HH", "--seed", "5", kind="")
    assert np.array_equal(both.hits[:, [0, 2]], groove.hits[:, [0, 2]])
    longer = made("continue", "--bars", "5", "--fill-every", "2", kind="")
    assert longer.bars == 8
    assert longer[:3] == groove


def test_a_humanised_file_says_the_rest_as_before(folder: Path, tiny_bundle: Bundle) -> None:
    model = bundle(tiny_bundle, folder, "humanize")
    call = ["humanize", str(folder / "in/a.mid"), "--model", model, "-q", "--strength"]
    assert main([*call, "0", "-o", str(folder / "none")]) == 0
    before = read_song(folder / "in/a.mid")
    assert bytes(read_song(folder / "none/a.mid")) == bytes(before)


def test_tapped_times(
    folder: Path,
    tiny_bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    model = bundle(tiny_bundle, folder, "tap")
    call = ["tap", "--times", "0,0.5,1.0,1.02,2.5", "--model", model]
    assert main([*call, "--bpm", "120"]) == 0
    assert "1 taps fell onto the step of another" in capsys.readouterr().out
    part = groove_of(folder / "taps-tapped.mid")
    assert (part.bars, part.bpm) == (2, 120)
    assert main([*call, "--bpm", "120"]) == 1
    assert main([*call, "--force", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["tapped"][0]
    assert told["bpm_heard"]
    assert told["bpm"] == pytest.approx(120, rel=0.02)
    assert main([*call, "--force"]) == 0
    assert f"a tempo of {told['bpm']:g} bpm is heard" in capsys.readouterr().out
    assert main(["tap", "--times", "0,0.01", "--force", "--model", model]) == 2
    assert "--bpm" in capsys.readouterr().err
    assert main(["tap", "--model", model]) == 2
    assert main([*call, "--keyboard"]) == 2
    assert main([*call, "in/a.mid", "--bpm", "120"]) == 2
    assert main(["tap", "--times", "0,x", "--bpm", "9", "--model", model]) == 2


@pytest.mark.parametrize(
    "call",
    [
        ["humanize", "--strength", "2"],
        ["humanize", "--keep", "hits"],
        ["humanize", "--strenght", "0.5"],
        ["infill"],
        ["infill", "--bars", "0"],
        ["infill", "--bars", "3-2"],
        ["infill", "--bars", "x"],
        ["continue", "--bars", "0"],
        ["continue", "--fill-every", "1"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_said_once(
    call: list[str], folder: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bundle(tiny_bundle, folder, "humanize" if call[0] == "humanize" else "infill")
    assert main([*call, str(folder / "in"), "--model", model]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_longer_samples(tmp_path: Path, tiny_bundle: Bundle) -> None:
    call = ["sample", "-n", "2", "--seed", "3", "--model", str(tiny_bundle.path), "-q",
            "--format", "mid"]  # fmt: skip
    assert main([*call, "-o", str(tmp_path / "short")]) == 0
    assert main([*call, "--bars", "7", "-o", str(tmp_path / "long")]) == 0
    assert main([*call, "--fill-every", "2", "-o", str(tmp_path / "fills")]) == 0
    for name in ("tiny-3-00.mid", "tiny-3-01.mid"):
        short, long = groove_of(tmp_path / "short" / name), groove_of(tmp_path / "long" / name)
        assert (short.bars, long.bars) == (2, 7)
        assert long[:2] == short
        filled = groove_of(tmp_path / "fills" / name)
        assert filled[0] == short[0]
