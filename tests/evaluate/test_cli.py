"""The laboratory's commands: train, export, evaluate, and how they fail."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ghostnote.bundle import CARD, CONFIG, load_bundle
from ghostnote.cli import main
from ghostnote.cli import train as module
from ghostnote.train.loop import BEST, LAST, LOG

Command = Callable[..., int]


@pytest.fixture(scope="session")
def train(drumming: Path, tiny_settings: list[str]) -> Command:
    """``ghostnote train`` on a small scale."""
    sets = [word for setting in tiny_settings for word in ("--set", setting)]
    torch.set_num_threads(1)

    def command(*arguments: object, preset: str = "groove-4bar") -> int:
        words = ["train", preset, "--data", drumming, "--device", "cpu", *sets, *arguments]
        return main([str(word) for word in words])

    return command


@pytest.fixture(scope="session")
def run(train: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    assert train("-o", folder, "--quiet") == 0
    return folder


def failed(capsys: pytest.CaptureFixture[str], code: int, wanted: int) -> str:
    """The one line with which a command failed."""
    assert code == wanted
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("ghostnote: ")
    assert "Traceback" not in captured.out
    return line


def test_a_run_becomes_a_bundle_that_is_judged_and_plays(
    run: Path, drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {LAST, BEST, LOG} <= {entry.name for entry in run.iterdir()}
    out = tmp_path / "model"
    assert main(["export", str(run), "-o", str(out), "--data", str(drumming)]) == 0
    shown = capsys.readouterr().out.replace("\n", "")
    assert shown.startswith("groove-4bar: ")
    assert shown.endswith(f" MiB in {out}")

    before = load_bundle(out)
    options = ["--data", str(drumming), "--samples", "16", "--save"]
    assert main(["evaluate", str(out), *options, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (judged,) = document["bundles"]
    after = load_bundle(out)
    kept = after.config["scores"]["validation"]
    assert kept["reconstruction"] == judged["reconstruction"]
    assert kept["intervals"]["samples"] == judged["intervals"]["samples"]
    assert {**after.config, "scores": {}} == before.config
    assert "On the validation split" in (out / CARD).read_text()

    assert main(["evaluate", str(out), *options, "--split", "test"]) == 0
    shown = capsys.readouterr().out
    assert "on test (12 windows)" in shown
    assert "offset MAE, ms" in shown
    assert load_bundle(out).config["scores"].keys() == {"validation", "test"}

    loops = tmp_path / "loops"
    words = ["sample", "--model", str(out), "-n", "2", "--seed", "1", "--format", "mid"]
    assert main([*words, "-o", str(loops), "--quiet"]) == 0
    assert [entry.name for entry in sorted(loops.iterdir())] == [
        "groove-4bar-1-00.mid",
        "groove-4bar-1-01.mid",
    ]


def test_progress_and_outcome_are_printed(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("-o", tmp_path / "run", "--set", "epochs=1") == 0
    captured = capsys.readouterr()
    assert "groove-4bar: 36 windows to train on, 12 to judge by" in captured.out
    assert "step      4  F1 0." in captured.out
    assert "finished at step 4; best f1 0." in captured.out
    assert train("-o", tmp_path / "other", "--set", "epochs=1", "--json") == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["step"], outcome["reason"]) == (4, "finished")
    assert outcome["folder"] == str(tmp_path / "other")


def test_control_c_saves_and_the_run_goes_on(
    train: Command, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = tmp_path / "run"

    def interrupt(_self: Any, step: int, *_: object) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(module._Bar, "step", interrupt)
        assert train("-o", folder, "--json") == 130
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["step"], outcome["reason"], outcome["best"]) == (2, "interrupted", None)

    assert "holds a run already" in failed(capsys, train("-o", folder), 1)
    assert train("-o", folder, "--resume", "auto") == 0
    assert "on from" in capsys.readouterr().out
    assert (folder / LOG).read_text() == (run / LOG).read_text()


def test_a_toml_file_is_overruled_by_the_command_line(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "my.toml"
    config.write_text('epochs = 1\nname = "mine"\n[model]\nlatent = 1000\n')
    # --set model.latent=6 stands on the command line, and epochs=3 as well.
    assert train("-o", tmp_path / "run", "--config", config, "--set", "epochs=0.5") == 0
    shown = capsys.readouterr().out
    assert "mine: 36 windows" in shown
    assert "finished at step 2;" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "model.latnet=3"], ["model.latnet", "model.latent"]),
        (["--set", "model.latent=many"], ["model.latent", "many"]),
        (["--set", "optimiser.batch=0"], ["optimiser.batch"]),
        (["--set", "model.latent"], ["key=value"]),
        (["--set", "model.meter=4/3"], ["model.meter", "4/4"]),
        (["--threads", "0"], ["--threads", "1 or more"]),
        (["--precision", "fp64"], ["fp64"]),
        (["--config", "/no/such/file.toml"], ["/no/such/file.toml", "No such file"]),
    ],
    ids=" ".join,
)
def test_settings_that_are_wrong_are_named(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str],
    words: list[str],
) -> None:  # fmt: skip
    line = failed(capsys, train("-o", tmp_path / "run", *options), 2)
    assert all(word in line for word in words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("latent = ", "cannot be read as TOML"),
        ("[model]\nlatnet = 3", "model.latnet"),
        ("model = 3", "model is a table"),
        ("\x00", "cannot be read as TOML"),
    ],
)
def test_a_wrong_toml_file_is_named(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    path = tmp_path / "my.toml"
    path.write_text(content)
    line = failed(capsys, train("-o", tmp_path / "run", "--config", path), 2)
    assert str(path) in line
    assert words in line


def test_an_unknown_preset_is_answered_with_the_known(
    train: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    line = failed(capsys, train(preset="groovae_16bar"), 2)
    assert "unknown preset 'groovae_16bar' (one of: groove-4bar" in line


def test_takes_that_are_too_short_are_said_to_be(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = failed(capsys, train("-o", tmp_path / "run", "--set", "model.bars=8"), 1)
    assert "no take has 8 bars of 4/4" in line


def test_a_run_with_other_settings_does_not_go_on(
    train: Command, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("-o", run, "--resume", "auto", "--set", "seed=1")
    # The first line on standard output says what is about to be done; the error is the other.
    line = failed(capsys, train(*options), 1)
    assert "was made with another seed" in line
    assert str(run / LAST) in line


def test_what_cannot_be_exported_is_one_line(
    run: Path, drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def export(source: Path, *options: str) -> str:
        words = ["export", str(source), "-o", str(tmp_path / "b"), "--data", str(drumming)]
        code = main([*words, *options])
        wanted = 2 if options else 1
        return failed(capsys, code, wanted)

    assert str(tmp_path / "none" / BEST) in export(tmp_path / "none")
    (tmp_path / BEST).write_bytes((run / BEST).read_bytes()[:1000])
    assert "no whole checkpoint" in export(tmp_path)
    assert "--components" in export(run, "--components", "0")
    assert "--temperature" in export(run, "--temperature", "11")
    assert "1 to 36" in export(run, "--components", "37")
    assert not (tmp_path / "b").exists()
    (tmp_path / "b").mkdir()
    assert "exists already" in export(run)


def test_what_cannot_be_judged_is_one_line(
    drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tmp_path), "--data", str(drumming)]
    assert "no such model bundle" in failed(capsys, main(words), 1)
    (tmp_path / CONFIG).write_text("{}")
    assert "format None" in failed(capsys, main(words), 1)
    assert "dev" in failed(capsys, main([*words, "--split", "dev"]), 2)


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    assert "groovae_4bar" in capsys.readouterr().out.replace("\n", "")
    assert main(["presets", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["groove-4bar"]["run"]["model"]["latent"] == 128
    assert table["groove-4bar-flat"]["aliases"] == ["groovae_4bar"]
