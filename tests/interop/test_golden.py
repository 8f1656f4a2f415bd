"""Parity: our models compute what the original computed, to 1e-5, and what does not is found."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "golden_parity.py"

SETS = (
    "cat-drums_2bar_small",
    "groovae_2bar_hits_control_tfds",
    "groovae_2bar_humanize",
    "groovae_4bar",
    "hierdec-mel_16bar",
    "nade-drums_2bar_reduced",
)
BOTH = {f"{prefix}/{name}" for prefix in ("eval", "zfix") for name in ("rnn_output", "r_loss")}
POSTERIOR = {f"eval/{name}" for name in ("encoder_output", "mu", "sigma", "kl_bits")}
LOSSES = {f"{step}/{name}" for step in ("eval", "eval1000") for name in ("loss", "kl_cost", "beta")}
SAMPLE = {"sample: hits or symbols", "sample/samples", "sample/rnn_output", "sample/final_state"}
STEPS = {f"train/{name}" for name in ("loss", "global_norm", "lr", "grad_norms", "after5")}
TRAINING = STEPS | {"train/grad_step0", "train/grad_step1", "train/r_loss_mean"}
EVERYWHERE = {"inputs", "outputs"} | BOTH | POSTERIOR | LOSSES | SAMPLE | TRAINING
SHORTER = {"varlen/mu", "varlen/sigma", "varlen/r_loss", "varlen/loss"}
GROOVE = {f"zfix/{part}_loss" for part in ("hits", "velocities", "offsets")}


@pytest.fixture(scope="module")
def parity() -> Iterator[ModuleType]:
    """`benchmarks/golden_parity.py`, which is a script and part of no package."""
    spec = importlib.util.spec_from_file_location("golden_parity", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def errors(golden: Path, parity: ModuleType) -> Callable[[str], dict[str, float]]:
    """The relative error of every quantity of a set, by its name."""

    @cache
    def of(name: str) -> dict[str, float]:
        return dict(parity.Golden(golden / f"{name}.small").errors())

    return of


@pytest.mark.parametrize("name", SETS)
def test_every_quantity_is_the_original_s(
    errors: Callable[[str], dict[str, float]], name: str
) -> None:
    found = errors(name)
    assert found.keys() >= EVERYWHERE
    if name != "hierdec-mel_16bar":
        assert found.keys() >= SHORTER
    if name.startswith("groovae"):
        assert found.keys() >= GROOVE
    judged = {quantity: error for quantity, error in found.items() if quantity[0] != "("}
    assert {quantity: error for quantity, error in judged.items() if not error <= 1e-5} == {}


@pytest.mark.parametrize("name", SETS)
def test_decodes_are_the_very_same(errors: Callable[[str], dict[str, float]], name: str) -> None:
    assert errors(name)["sample: hits or symbols"] == 0
    assert errors(name)["inputs"] == errors(name)["outputs"] == 0


def test_all_sets_that_there_are_are_compared(golden: Path) -> None:
    assert sorted(path.name for path in golden.glob("*.small")) == [
        f"{set_}.small" for set_ in SETS
    ]


# -- what is not equal is found ------------------------------------------------------------


@pytest.fixture
def compare(
    parity: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the script on folders: its exit code, and what it printed."""

    def run(*folders: Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["golden_parity.py", *map(str, folders)])
        code = parity.main()
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def copied(golden: Path, tmp_path: Path) -> Path:
    """A golden set of one's own, without its training steps, which take the longest."""
    folder = tmp_path / "nade-drums_2bar_reduced.small"
    shutil.copytree(golden / folder.name, folder)
    with np.load(folder / "golden.npz") as file:
        arrays = {name: file[name] for name in file.files if not name.startswith("train/")}
    np.savez(folder / "golden.npz", **arrays)
    return folder


def change(
    folder: Path, name: str, how: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
) -> None:
    with np.load(folder / "golden.npz") as file:
        arrays = dict(file)
    arrays[name] = how(arrays[name])
    np.savez(folder / "golden.npz", **arrays)


def test_a_set_that_is_equal_ends_well(
    compare: Callable[..., tuple[int, str]], copied: Path
) -> None:
    code, shown = compare(copied)
    assert code == 0
    assert "no quantities are past 1e-05" in shown
    assert "PAST THE LIMIT" not in shown


def off_by(share: float) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    def moved(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        changed = array.copy()
        changed.reshape(-1)[array.size // 2] += share * np.abs(array).max()
        return changed

    return moved


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("eval/mu", off_by(3e-5)),
        ("eval/sigma", off_by(float("nan"))),
        ("eval/mu", lambda array: array[:, :-1]),
        ("zfix/rnn_output", off_by(-3e-5)),
        ("eval/kl_cost", off_by(float("inf"))),
        ("varlen/mu", off_by(1e-4)),
    ],
    ids=["number", "no-number", "shape", "output", "infinite", "shorter"],
)
def test_one_changed_number_is_past_the_limit(
    compare: Callable[..., tuple[int, str]],
    copied: Path,
    name: str,
    how: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
) -> None:
    change(copied, name, how)
    code, shown = compare(copied)
    past = [line.split()[0] for line in shown.splitlines() if line.endswith("PAST THE LIMIT")]
    assert (code, past) == (1, [name])


def test_one_other_hit_is_past_the_limit(
    compare: Callable[..., tuple[int, str]], copied: Path
) -> None:
    def flipped(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        samples[-1, -1, -1] = 1 - samples[-1, -1, -1]
        return samples

    change(copied, "sample/samples", flipped)
    code, shown = compare(copied)
    assert code == 1
    assert sum(line.endswith("PAST THE LIMIT") for line in shown.splitlines()) == 2


def test_what_is_no_golden_set_is_one_line_and_does_not_stop_the_others(
    compare: Callable[..., tuple[int, str]], copied: Path, tmp_path: Path
) -> None:
    bad = {name: tmp_path / name for name in ("empty", "cut", "no-array", "no-ckpt", "shape")}
    bad["empty"].mkdir()
    for name in bad.keys() - {"empty"}:
        shutil.copytree(copied, bad[name])
    arrays = (copied / "golden.npz").read_bytes()
    (bad["cut"] / "golden.npz").write_bytes(arrays[: len(arrays) // 2])
    np.savez(bad["no-array"] / "golden.npz", inputs=np.zeros(3))
    (bad["no-ckpt"] / "model.ckpt.index").unlink()
    change(bad["shape"], "z_fixed", lambda z: z[:, 1:])
    code, shown = compare(*bad.values(), tmp_path / "none", copied)
    assert code == 1
    assert shown.count("cannot be compared: ") == len(bad) + 1
    assert "6 quantities are past" in shown
    assert "eval/mu" in shown.split(f"\n{copied.name}\n")[1]
