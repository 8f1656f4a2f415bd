"""The comparison with the original, as far as it goes without the original and without network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import DEFAULT, load_bundle
from ghostnote.runtime import Runtime

ROOT = Path(__file__).parents[2]
PEER = ROOT / "benchmarks" / "peer_magenta"


def run(module: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**environment, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


# -- where the original cannot be set up ---------------------------------------------------


def assert_says_so(done: subprocess.CompletedProcess[str], reason: str) -> None:
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith("magenta 2.1.4 cannot be set up here, so nothing is compared: ")
    assert reason in first
    assert "Traceback" not in done.stdout + done.stderr


def test_without_the_python_that_it_needs(tmp_path: Path) -> None:
    env, python = tmp_path / "env", tmp_path / "python3.11"
    done = run("benchmarks.peer_magenta", "--env", env, "--python", python)
    assert_says_so(done, f"{python} cannot be run: No such file or directory")
    assert not env.exists()


def test_with_another_python(tmp_path: Path) -> None:
    env, python = tmp_path / "env", tmp_path / "python"
    python.write_text("#!/bin/sh\necho 3.13\n")
    python.chmod(0o755)
    done = run("benchmarks.peer_magenta", "--env", env, "--python", python)
    assert_says_so(done, f"it needs Python 3.11, and {python} is 3.13")
    assert not env.exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the original needs Python 3.11")
def test_without_a_package_index(tmp_path: Path) -> None:
    env = tmp_path / "env"
    done = run(
        "benchmarks.peer_magenta", "--env", env, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull
    )
    assert_says_so(done, "No matching distribution found for setuptools==69.5.1")
    assert "    ERROR: Could not find a version that satisfies" in done.stdout
    assert not (env / "requirements.txt").exists(), "it would be taken for whole the next time"


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = run("benchmarks.peer_magenta", "--env", tmp_path, "--python", sys.executable)
    assert done.returncode == 1
    assert f"{tmp_path} is not empty, and no virtual environment" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_all_requirements_are_pinned() -> None:
    lines = (PEER / "requirements.txt").read_text("utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith(("#", "--"))]
    pins = dict(line.split("==") for line in packages)
    assert len(pins) == len(packages)
    assert (pins["magenta"], pins["note-seq"]) == ("2.1.4", "0.0.5")


# -- golden vectors ------------------------------------------------------------------------


def test_golden_vectors_without_the_original(tmp_path: Path) -> None:
    env, python, out = tmp_path / "env", tmp_path / "python3.11", tmp_path / "golden"
    options = ("-o", out, "--env", env, "--python", python)
    done = run("benchmarks.peer_magenta.golden", "hier-mel_16bar", "boolean", *options)
    assert done.returncode == 0, done.stderr
    reason = f"{python} cannot be run: No such file or directory"
    assert done.stdout.strip() == (
        f"magenta 2.1.4 cannot be set up here, so nothing is made: {reason}"
    )
    assert not out.exists()


def test_golden_vectors_are_not_overwritten(tmp_path: Path) -> None:
    there = tmp_path / "boolean.small"
    there.mkdir()
    done = run("benchmarks.peer_magenta.golden", "boolean", "-o", tmp_path, "--env", tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == f"--out: there already: {there}"


def golden_model(**sizes: object) -> Any:
    """A model of symbols as `theirs_golden` has it, without the original."""
    from benchmarks.peer_magenta.theirs_golden import Model

    vae = SimpleNamespace(encoder=SimpleNamespace(), decoder=SimpleNamespace())
    hparams = {"batch_size": 4, "max_seq_len": 64}
    given = {"seen": 7, "depth": 7, "controls": 0, "segments": 4, "end": 6, "about": {}}
    return Model(vae, hparams, **{**given, **sizes})


def test_golden_segments_end_with_their_symbol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.peer_magenta.theirs_golden import given

    made = given(golden_model(), np.random.default_rng(0))
    assert made.lengths.shape == made.shorter.shape == (4, 4)
    assert (made.shorter <= made.lengths).all()
    assert (made.lengths.min(), made.shorter.min()) == (0, 0)
    assert made.lengths.max() <= 16
    for window, lengths in zip(made.outputs.reshape(4, 4, 16, 7), made.lengths, strict=True):
        for segment, length in zip(window, lengths, strict=True):
            ends = [length - 1] if length else []
            assert np.flatnonzero(segment[:, 6]).tolist() == ends
            assert segment[:length].sum(-1).tolist() == [1.0] * length
            assert not segment[length:].any()
    np.testing.assert_array_equal(made.inputs, made.outputs)


def test_golden_decisions_are_as_clear_as_the_closest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.peer_magenta.theirs_golden import clearness

    logits = np.zeros((1, 2, 7))
    logits[0, :, :3] = [[1.0, 3.0, 2.5], [0.0, 5.0, 1.0]]
    assert clearness(golden_model(), logits) == 0.5


# -- our side ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(drumming: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 windows of a small corpus, and 5 of its files."""
    folder = tmp_path_factory.mktemp("data")
    options = ("--data", folder, "--windows", 8, "--files", 5)
    done = run("benchmarks.peer_magenta.ours", "prepare", *options, GHOSTNOTE_GMD=str(drumming))
    assert done.returncode == 0, done.stderr
    return folder


def measure(data: Path, task: str, *options: object) -> dict[str, float]:
    bundle = load_bundle(DEFAULT).path
    arguments = ("--bundle", bundle, "--data", data, "--repeats", 1, *options)
    done = run("benchmarks.peer_magenta.ours", task, *arguments)
    assert done.returncode == 0, done.stderr
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    assert 10 < measured["peak"] < 10_000
    return measured


def test_both_sides_get_windows_and_files(data: Path, drumming: Path) -> None:
    with np.load(data / "windows.npz") as windows:
        assert windows["velocity"].shape == windows["offset"].shape == (8, 64, 9)
        assert windows["velocity"].dtype == np.uint8
        assert windows["velocity"].any(axis=(1, 2)).all()
    played = {file.read_bytes() for file in drumming.glob("*.mid")}
    files = list((data / "midi").iterdir())
    assert len(files) == 5
    assert all(file.read_bytes() in played for file in files)


@pytest.mark.slow
def test_start(data: Path) -> None:
    measured = measure(data, "start")
    assert 0 < measured["imports"] < 60
    assert 0 < measured["load"] < 60


@pytest.mark.slow
@pytest.mark.parametrize("task", ["sample", "train"])
def test_a_call_takes_time(data: Path, task: str) -> None:
    measured = measure(data, task, "--n", 2)
    assert 0 < measured["seconds"] < 60
    assert 0 < measured["busy"] < 1.5, "one thread was asked for"


@pytest.mark.slow
def test_encode_leaves_its_posteriors_for_comparison(data: Path) -> None:
    assert 0 < measure(data, "encode", "--n", 3)["seconds"] < 60
    with np.load(data / "windows.npz") as windows:
        velocity, offset = windows["velocity"][:3], windows["offset"][:3]
    x = np.concatenate([velocity > 0, velocity / 127, offset], -1, dtype=np.float32)
    mu, sigma = Runtime(load_bundle(DEFAULT)).encode(x)
    with np.load(data / "ours.npz") as ours:
        np.testing.assert_array_equal(ours["mu"], mu)
        np.testing.assert_array_equal(ours["sigma"], sigma)


def test_midi(data: Path) -> None:
    measured = measure(data, "midi")
    assert measured["rate"] > 1
    assert (measured["windows"], measured["failed"]) == (5, 0)


# -- the table -----------------------------------------------------------------------------


def test_better_is_above_one_for_times_and_for_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.peer_magenta.__main__ import Row, table

    rows = [Row("time, ms", "a", "seconds", 1e3, ""), Row("files/s", "b", "rate", 1.0, "")]
    measured = {
        "theirs": {"a": [{"seconds": s} for s in (4.0, 2.0, 3.0)], "b": [{"rate": 50.0}] * 3},
        "ours": {"a": [{"seconds": s} for s in (1.0, 2.0, 0.5)], "b": [{"rate": 1000.0}] * 3},
    }
    assert table(measured, rows).splitlines()[2:] == [
        "| time, ms | 3,000 | 1,000 | 3.00 | 1.00 – 6.00 |",
        "| files/s | 50.0 | 1,000 | 20.0 | 20.0 – 20.0 |",
    ]
