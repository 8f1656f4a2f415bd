"""``vary``, ``interpolate``, ``score`` and the new options of ``sample``: files in, files out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.cli import main
from ghostnote.music.grid import on_the_beat, to_groove, to_performance
from ghostnote.music.groove import Groove, concatenate
from ghostnote.music.kit import N_VOICES, builtin_map
from ghostnote.music.midi import read_midi, write_midi
from ghostnote.pipeline.interpolation import grid, interpolate
from ghostnote.pipeline.scoring import score
from ghostnote.pipeline.variation import vary


def write_loop(path: Path, seed: int, bars: int = 2, bpm: float = 100) -> Path:
    random = np.random.default_rng(seed)
    hits = random.random((16 * bars, N_VOICES)) < 0.2
    groove = Groove.from_cells(hits, hits * 0.5, hits * 0.1, bpm=bpm)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(path, to_performance(groove, builtin_map("gm")))
    return path


def read(path: Path) -> Groove:
    return to_groove(read_midi(path), builtin_map("ghostnote"))[0]


def written(groove: Groove, path: Path) -> Groove:
    """`groove` as it is read back from a file."""
    write_midi(path, to_performance(on_the_beat(groove)[0], builtin_map("gm")))
    return read(path)


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    """A folder of three loops of two bars, one of them in a folder of its own."""
    folder = tmp_path / "in"
    for index, name in enumerate(("a", "b", "more/c")):
        write_loop(folder / f"{name}.mid", index, bpm=100 + index)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def outcome(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


# -- vary --------------------------------------------------------------------------------------


def test_vary_mirrors_a_folder(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, model = tmp_path / "out", str(tiny_bundle.path)
    words = ["vary", str(loops), "-n", "2", "--seed", "5", "-o", str(out), "--model", model]
    assert main([*words, "--format", "mid,wav,svg"]) == 0
    stems = [f"{stem}-vary-5" for stem in ("a", "b", "more/c")]
    wanted = [f"{stem}-0{i}.{kind}" for stem in stems for i in (1, 2) for kind in ("mid", "wav")]
    assert names(out) == sorted([*wanted, *(f"{stem}.svg" for stem in stems)])
    shown = capsys.readouterr().out
    assert "3 varied with seed 5" in shown
    assert "notes on the grid" in shown
    made = vary(read(loops / "a.mid"), 2, seed=5, model=tiny_bundle)
    for index, groove in enumerate(made, 1):
        assert read(out / f"a-vary-5-0{index}.mid") == written(groove, tmp_path / "w.mid")


def test_the_same_seed_gives_the_same_bytes(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, beside = tmp_path / "1", tmp_path / "2"
    options = ["--seed", "5", "--model", str(tiny_bundle.path), "--format", "mid", "-q", "-o"]
    assert main(["vary", str(loops / "a.mid"), *options, str(alone)]) == 0
    assert main(["vary", str(loops), *options, str(beside)]) == 0
    for name in names(alone):
        assert (alone / name).read_bytes() == (beside / name).read_bytes()
    assert not capsys.readouterr().out


def test_vary_says_what_it_did_as_json(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (loops / "bad.mid").write_bytes(b"no midi")
    options = ["--model", str(tiny_bundle.path), "-o", str(tmp_path / "o"), "--format", "mid,svg"]
    assert main(["vary", str(loops), *options, "--json"]) == 1
    said = outcome(capsys)
    assert isinstance(said["seed"], int)
    assert [Path(one["source"]).name for one in said["varied"]] == ["a.mid", "b.mid", "c.mid"]
    assert [Path(one["source"]).name for one in said["failed"]] == ["bad.mid"]
    for one in said["varied"]:
        changes = [made["changed"] for made in one["variations"]]
        assert changes == sorted(changes)
        for file in (*one["pictures"], *(made["files"][0] for made in one["variations"])):
            assert Path(file).is_file()


def test_vary_overwrites_when_asked_to(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(tiny_bundle.path), "-o", str(tmp_path / "o"), "--format", "mid"]
    words = ["vary", str(loops / "a.mid"), "--seed", "1", *options]
    assert main(words) == 0
    assert main(words) == 1
    assert "--force" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0


# -- interpolate -------------------------------------------------------------------------------


def test_interpolate_writes_the_steps(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, out = loops / "a.mid", loops / "b.mid", tmp_path / "out"
    options = ["-n", "3", "--model", str(tiny_bundle.path), "-o", str(out), "--format", "mid,svg"]
    assert main(["interpolate", str(a), str(b), *options]) == 0
    assert names(out) == ["a-b-01.mid", "a-b-02.mid", "a-b-03.mid", "a-b.svg"]
    assert "3 loops in" in capsys.readouterr().out
    way = interpolate(read(a), read(b), 3, model=tiny_bundle)
    for index, groove in enumerate(way, 1):
        assert read(out / f"a-b-0{index}.mid") == written(groove, tmp_path / "w.mid")


def test_interpolate_joins_the_steps(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, out = loops / "a.mid", loops / "b.mid", tmp_path / "out"
    options = ["-n", "3", "--model", str(tiny_bundle.path), "-o", str(out), "--format", "mid"]
    assert main(["interpolate", str(a), str(b), "--join", *options, "--json"]) == 0
    assert outcome(capsys)["files"] == [[str(out / "a-b.mid")]]
    way = interpolate(read(a), read(b), 3, model=tiny_bundle)
    whole = concatenate([groove.replace(bpm=way[0].bpm) for groove in way])
    assert read(out / "a-b.mid") == written(whole, tmp_path / "w.mid")
    assert main(["interpolate", str(a), str(b), "--join", "--bpm", "90", "--force", *options]) == 0
    assert read(out / "a-b.mid").bpm == pytest.approx(90, abs=1e-3)


def test_a_grid_is_laid_out_by_rows_and_columns(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [loops / name for name in ("a.mid", "b.mid", "more/c.mid", "a.mid")]
    out = tmp_path / "out"
    options = ["--grid", "2x3", "--model", str(tiny_bundle.path), "-o", str(out)]
    words = ["interpolate", *map(str, files), *options, "--format", "mid"]
    assert main([*words, "--json"]) == 0
    assert outcome(capsys)["grid"] == [2, 3]
    rows = grid([read(file) for file in files], 2, 3, model=tiny_bundle)
    for row, grooves in enumerate(rows, 1):
        for column, groove in enumerate(grooves, 1):
            wanted = written(groove, tmp_path / "w.mid")
            assert read(out / f"a-a-{row}-{column}.mid") == wanted


def test_files_of_other_lengths_are_cut_and_that_is_said(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = write_loop(tmp_path / "long.mid", 7, bars=5)
    options = ["--model", str(tiny_bundle.path), "-o", str(tmp_path / "o"), "--format", "mid"]
    assert main(["interpolate", str(loops / "a.mid"), str(long), *options]) == 0
    assert f"{long}: cut to the 2 bars that all have; 3 left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a.mid"], "1 files"),
        (["a.mid", "b.mid", "a.mid"], "3 files"),
        (["a.mid", "b.mid", "--grid", "3x3"], "a grid has four corners"),
        (["a.mid", "b.mid", "--grid", "9"], "--grid is '9'"),
        (["a.mid", "b.mid", "--grid", "1x4"], "--grid is '1x4'"),
        (["a.mid", "b.mid", "-n", "1"], "1 steps"),
        (["a.mid", "b.mid", "--temperature", "-1"], "temperature -1"),
        (["a.mid", "b.mid", "--seed", "-1"], "seed -1"),
    ],
)
def test_bad_command_lines_are_one_line(
    loops: Path,
    tiny_bundle: Bundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    line: str,
) -> None:
    files = [str(loops / word) if word.endswith(".mid") else word for word in words]
    out = tmp_path / "o"
    assert main(["interpolate", *files, "--model", str(tiny_bundle.path), "-o", str(out)]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert len(error.splitlines()) == 1
    assert not out.exists()


# -- score -------------------------------------------------------------------------------------


def test_score_tells_bars_and_cells(
    loops: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", str(loops / "a.mid"), "--model", str(tiny_bundle.path)]
    assert main([*words, "--json", "-n", "3"]) == 0
    (said,) = outcome(capsys)["scored"]
    found = score(read(loops / "a.mid"), model=tiny_bundle)
    assert said["bits_per_bar"] == pytest.approx(found.bits_per_bar)
    assert np.array(said["cells"]["hits"]) == pytest.approx(found.hits)
    bars = np.array([list(bar.values()) for bar in said["bars"]])
    assert bars == pytest.approx(found.by_bar)
    assert [cell["bits"] for cell in said["unusual"]] == [cell.bits for cell in found.unusual(3)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert f"bits a bar: {found.bits_per_bar:.1f}" in shown
    assert shown.count(" bits)") == 5
    assert main([*words, "-n", "0"]) == 0
    assert " bits)" not in capsys.readouterr().out


def test_score_goes_on_after_a_bad_file(
    loops: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    (loops / "bad.mid").write_bytes(b"no midi")
    waltz = Groove.from_cells(np.eye(12, 9) > 0, np.eye(12, 9), np.zeros((12, 9)), meter=(3, 4))
    write_midi(loops / "waltz.mid", to_performance(waltz, builtin_map("gm")))
    assert main(["score", str(loops), "--model", str(tiny_bundle.path), "-q"]) == 1
    error = capsys.readouterr().err
    assert "3 scored, 2 skipped" in error
    assert f"{loops / 'waltz.mid'}: is in 3/4" in error


# -- sample ------------------------------------------------------------------------------------


def test_sample_near_a_file_and_like_a_style(
    loops: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    near, out = write_loop(tmp_path / "near.mid", 3, bars=3, bpm=95), tmp_path / "o"
    options = ["-n", "2", "--seed", "4", "--model", str(tiny_bundle.path), "-o", str(out)]
    words = ["sample", "--near", str(near), "--radius", "0.3", "--style", "any", *options]
    assert main([*words, "--format", "mid,svg"]) == 0
    stem = "tiny-near-any-4"
    assert names(out) == [f"{stem}-00.mid", f"{stem}-01.mid", f"{stem}.svg"]
    assert read(out / f"{stem}-00.mid").bpm == pytest.approx(95, abs=1e-3)
    assert "its first 2 bars; 1 left out" in capsys.readouterr().out
    assert main([*words, "--format", "mid", "--force", "--json"]) == 0
    said = outcome(capsys)
    assert said["near"]["radius"] == 0.3
    assert (said["style"], said["beat_type"]) == ("any", None)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--style", "polka"], "no style 'polka' (one of: any,"),
        (["--beat-type", "x"], "no beat type 'x' (one of: beat)"),
        (["--near", "a.mid", "--radius", "2"], "radius 2 is not in 0 to 1"),
    ],
)
def test_bad_samples_are_one_line(
    loops: Path,
    tiny_bundle: Bundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    line: str,
) -> None:
    files = [str(loops / word) if word.endswith(".mid") else word for word in words]
    out = tmp_path / "o"
    options = ["--model", str(tiny_bundle.path), "-o", str(out)]
    assert main(["sample", *files, *options]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert len(error.splitlines()) == 1
    assert not out.exists()
