"""``ghostnote reconstruct``: files through a model and back, and what became of their hits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.cli import main
from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove, Meter, steps_per_bar
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import read_midi, write_midi

Import = Callable[[str], Bundle]


def beat(bars: int, *, meter: Meter = (4, 4), seed: int = 0, bpm: float = 100) -> Groove:
    random = np.random.default_rng(seed)
    hits = random.random((bars * steps_per_bar(meter), 9)) < 0.2
    hits[0, 0] = hits[-1, 1] = True
    velocity = random.integers(20, 128, hits.shape) / 127
    offset = random.integers(-50, 50, hits.shape) / 120
    offset[0] = 0.1
    return Groove.from_cells(hits, velocity * hits, offset * hits, bpm=bpm, meter=meter)


def write(path: Path, groove: Groove) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(path, to_performance(groove, builtin_map("gm")))
    return path


def read(path: Path) -> Groove:
    groove, report = to_groove(read_midi(path), builtin_map("ghostnote"))
    assert report.hits + report.merged == report.notes  # flams stay together
    return groove


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    return write(tmp_path / "in" / "loop.mid", beat(2))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tiny_bundle: Bundle) -> Callable[..., dict[str, Any]]:
    """``ghostnote reconstruct … --json`` with the tiny model, or another one."""

    def command(*arguments: object, model: Bundle = tiny_bundle, code: int = 0) -> dict[str, Any]:
        words = ["reconstruct", *arguments, "--model", model.path, "--json"]
        assert main([str(word) for word in words]) == code
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return command


def files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_a_file_goes_through_and_stands_beside_itself(
    loop: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reconstruct", str(loop), "--model", str(tiny_bundle.path)]) == 0
    shown = capsys.readouterr()
    assert "1 reconstructed" in shown.out
    assert "drums on channel 10; 2 bars" in shown.out
    assert shown.err == ""
    assert files(loop.parent) == ["loop-tiny.mid", "loop.mid"]
    assert read(loop.with_name("loop-tiny.mid")).bars == 2


def test_json_says_what_became_of_the_hits(
    loop: Path, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    found = run(loop, "-o", tmp_path / "out")
    assert (found["model"], found["failed"]) == ("tiny", [])
    (one,) = found["reconstructed"]
    assert (one["source"], one["file"]) == (str(loop), str(tmp_path / "out" / "loop.mid"))
    before, after = read(loop), read(tmp_path / "out" / "loop.mid")
    both = before.hits & after.hits
    assert (one["bars"], len(one["bits"])) == (2, 1)
    assert one["bits"][0] > 0
    assert one["kept"] == both.sum()
    assert one["kept"] + one["lost"] == before.n_hits == one["grid"]["hits"]
    assert one["kept"] + one["added"] == after.n_hits
    error = 127 * np.abs(before.velocity - after.velocity)[both].mean() if both.any() else 0
    assert one["velocity_error"] == pytest.approx(error, abs=1)  # whole MIDI velocities


def test_folders_are_mirrored(
    loop: Path, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    write(loop.parent / "more" / "other.mid", beat(3, seed=1))
    found = run(loop.parent, "-o", tmp_path / "out")
    assert [Path(one["file"]).name for one in found["reconstructed"]] == ["loop.mid", "other.mid"]
    assert files(tmp_path / "out") == ["loop.mid", "more/other.mid"]


@pytest.mark.parametrize("bars", [1, 2, 3, 5])
def test_any_number_of_bars(run: Callable[..., dict[str, Any]], tmp_path: Path, bars: int) -> None:
    source = write(tmp_path / "beat.mid", beat(bars, bpm=87))
    (one,) = run(source, "-o", tmp_path / "out")["reconstructed"]
    assert one["bars"] == bars
    assert len(one["bits"]) == -(-bars // 2)
    groove = read(tmp_path / "out" / "beat.mid")
    assert (groove.bars, groove.meter) == (bars, (4, 4))
    assert groove.bpm == pytest.approx(87, abs=1e-3)


def test_a_window_does_not_know_the_others(
    run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    long = beat(4)
    for name, groove in {"all": long, "first": long[:2]}.items():
        write(tmp_path / "in" / f"{name}.mid", groove)
    run(tmp_path / "in", "-o", tmp_path / "out")
    together, alone = (read(tmp_path / "out" / f"{name}.mid") for name in ("all", "first"))
    assert np.array_equal(together.hits[:32], alone.hits)


@pytest.mark.parametrize("meter", [(3, 4), (7, 8), (6, 8)])
def test_another_meter_is_refused(
    run: Callable[..., dict[str, Any]],
    loop: Path,
    tmp_path: Path,
    meter: Meter,
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = write(tmp_path / "odd.mid", beat(2, meter=meter))
    found = run(odd, loop, "-o", tmp_path / "out", code=1)
    (reason,) = found["failed"]
    assert reason["source"] == str(odd)
    assert reason["reason"] == f"is in {meter[0]}/{meter[1]}; the model knows 4/4 alone"
    assert files(tmp_path / "out") == ["loop.mid"]
    capsys.readouterr()


def test_bad_files_among_good_ones(
    loop: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (loop.parent / "bad.mid").write_bytes(b"MThd")
    words = ["reconstruct", loop.parent, "-o", tmp_path / "out", "--model", tiny_bundle.path]
    assert main([str(word) for word in words]) == 1
    shown = capsys.readouterr()
    assert f"1 reconstructed, 1 skipped: {loop.parent / 'bad.mid'}: " in shown.err
    assert files(tmp_path / "out") == ["loop.mid"]


def test_what_exists_is_kept(
    loop: Path, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    target = tmp_path / "out" / "loop.mid"
    run(loop, "-o", target.parent)
    before = target.read_bytes()
    target.write_bytes(b"mine")
    (reason,) = run(loop, "-o", target.parent, code=1)["failed"]
    assert reason["source"] == str(target)
    assert target.read_bytes() == b"mine"
    run(loop, "-o", target.parent, "--force")
    assert target.read_bytes() == before
    assert files(target.parent) == ["loop.mid"]


def test_seeds_matter_when_something_is_drawn(
    loop: Path, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    def played(*options: object) -> bytes:
        run(loop, "-o", tmp_path / "out", "--force", *options)
        return (tmp_path / "out" / "loop.mid").read_bytes()

    assert played() == played("--seed", 5) == played("--temperature", 0)
    assert played("--temperature", 1) == played("--temperature", 1)
    assert played("--temperature", 1) != played("--temperature", 1, "--seed", 5)


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--temperature", "11"], 2, "temperature 11 is not in 0 to 10"),
        (["--temperature", "nan"], 2, "temperature nan is not in 0 to 10"),
        (["--seed", "-1"], 2, "seed -1 is not in 0 to 2^63 - 1"),
        (["--map", "none"], 1, "none: no such drum map"),
        (["--map", "magenta-full"], 1, "has 61 classes of its own"),
        (["--model", "none"], 1, "none: no such model bundle"),
        (["--sed", "1"], 2, "--seed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_bad_option_is_one_line_however_many_files(
    loop: Path,
    tiny_bundle: Bundle,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    reason: str,
) -> None:
    out = loop.parents[1] / "out"
    write(loop.with_name("other.mid"), beat(2, seed=3))
    model = [] if "--model" in options else ["--model", str(tiny_bundle.path)]
    assert main(["reconstruct", str(loop.parent), "-o", str(out), *model, *options]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not out.exists()


def test_a_file_that_cannot_be_written_leaves_nothing(
    loop: Path, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    found = run(loop, "-o", tmp_path / "out", code=1)
    assert len(found["failed"]) == 1
    assert (tmp_path / "out").read_text() == "a file"
    assert files(loop.parent) == ["loop.mid"]


def test_quiet_and_no_file(
    loop: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_bundle.path)]
    assert main(["reconstruct", str(loop), *model, "-q", "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr() == ("", "")
    (tmp_path / "empty").mkdir()
    assert main(["reconstruct", str(tmp_path / "empty"), *model]) == 1
    assert "holds no MIDI file" in capsys.readouterr().err


# -- models that were taught a task ----------------------------------------------------------


def flattened(groove: Groove) -> Groove:
    hits = groove.hits
    return Groove.from_cells(hits, 0.5 * hits, 0.0 * hits, bpm=groove.bpm)


def test_humanising_does_not_hear_how_hits_were_played(
    imported: Import, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    human, plain = beat(4), flattened(beat(4))
    assert human != plain
    write(tmp_path / "in" / "human.mid", human)
    write(tmp_path / "in" / "plain.mid", plain)
    for name, alike in {"groovae_2bar_humanize": True, "groovae_4bar": False}.items():
        out = tmp_path / name
        found = run(tmp_path / "in", "-o", out, model=imported(name))["reconstructed"]
        same = read(out / "human.mid") == read(out / "plain.mid")
        assert same == alike
        assert (found[0]["bits"] == found[1]["bits"]) == alike


def test_a_model_of_hits_controls_is_told_them(
    imported: Import, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    source = write(tmp_path / "beat.mid", beat(3))
    model = imported("groovae_2bar_hits_control_tfds")
    (one,) = run(source, "-o", tmp_path / "out", model=model)["reconstructed"]
    assert one["bars"] == 3
    assert read(tmp_path / "out" / "beat.mid").bars == 3


@pytest.mark.parametrize("name", ["cat-drums_2bar_small", "nade-drums_2bar_reduced"])
def test_models_of_hits_alone(
    imported: Import, run: Callable[..., dict[str, Any]], tmp_path: Path, name: str
) -> None:
    source = write(tmp_path / "beat.mid", beat(2))
    run(source, "-o", tmp_path / "out", model=imported(name))
    groove = read(tmp_path / "out" / "beat.mid")
    assert len(np.unique(groove.velocity[groove.hits])) <= 1
    assert not groove.offset.any()


def test_a_take_of_a_drummer(
    gmd_takes: list[tuple[dict[str, str], bytes]],
    imported: Import,
    run: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    row, content = next(
        (row, content)
        for row, content in gmd_takes
        if row["time_signature"] == "4-4" and row["beat_type"] == "beat"
    )
    source = tmp_path / "take.mid"
    source.write_bytes(content)
    (one,) = run(source, "-o", tmp_path / "out", model=imported("groovae_4bar"))["reconstructed"]
    assert one["grid"]["hits"] == one["kept"] + one["lost"] > 0
    groove = read(tmp_path / "out" / "take.mid")
    assert groove.bars == one["bars"]
    assert groove.bpm == pytest.approx(float(row["bpm"]), abs=1)
