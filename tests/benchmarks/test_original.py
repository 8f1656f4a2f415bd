"""Our objective against the original's: what is trained, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.original import KINDS, METHODS, TASKS, TRIALS, run_of
from ghostnote.export.card import _leaves
from ghostnote.model.size import n_parameters
from ghostnote.train.config import refuse_contradictions, to_table
from ghostnote.train.presets import preset


def test_none_but_ours_is_cut_short() -> None:
    assert run_of("tap", "ours", 0, 40).patience == preset("tap-4bar").run.patience
    for kind in (*KINDS[1:], *TRIALS):
        assert run_of("tap", kind, 0, 40).patience == 40
        assert run_of("tap", kind, 0, 8).patience == run_of("tap", "ours", 0, 8).patience


@pytest.mark.parametrize("task", TASKS)
def test_the_objectives_differ_and_the_task_does_not(task: str) -> None:
    runs = {kind: run_of(task, kind, 3, 8) for kind in KINDS}
    for run in runs.values():
        refuse_contradictions(run)
        assert run.task.kind == task
        assert (run.seed, run.epochs) == (3, 8)
    ours, objective, original = runs.values()
    assert objective.objective.free_bits == original.objective.free_bits == 48
    assert ours.model.head.kind != objective.model.head.kind == original.model.head.kind
    # But for what the head gives, the network is the same.
    assert n_parameters(objective.model) == pytest.approx(n_parameters(ours.model), rel=0.01)
    assert objective.optimiser == ours.optimiser != original.optimiser


def test_a_trial_changes_ours_in_what_it_says_alone() -> None:
    ours = run_of("tap", "ours", 3, 8)
    for kind, trial in TRIALS.items():
        run = run_of("tap", kind, 3, 8)
        refuse_contradictions(run)
        keys = {text.partition("=")[0] for text in trial.settings}
        before, after = (dict(_leaves(to_table(each))) for each in (ours, run))
        assert {key for key in before if before[key] != after[key]} == keys


@pytest.mark.slow
def test_it_is_run_and_goes_on_where_it_was(benchmark: Callable, tmp_path: Path) -> None:
    words = ("--tiny", "--results", tmp_path, "--runs", tmp_path / "runs", "--epochs", 1,
             "--device", "cpu", "--precision", "fp32", "--cells", "tap")  # fmt: skip
    done = benchmark("original", *words)
    assert done.returncode == 0, done.stderr
    kept = (tmp_path / "original-tiny.json").read_text()
    names = [cell["name"] for cell in json.loads(kept)["cells"]]
    models = [f"{kind}, 1 epochs" for kind in (*KINDS, *TRIALS)]
    assert names == [f"tap: {name}" for name in (*METHODS_OF_TAP, *models)]
    page = (tmp_path / "original-tiny.md").read_text()
    assert all(f"| {model} |" in page for model in models)
    assert benchmark("original", *words).returncode == 0
    assert (tmp_path / "original-tiny.json").read_text() == kept


METHODS_OF_TAP = ("silent", "marginal", "nearest neighbour")


def test_both_tasks_have_methods_without_a_model() -> None:
    assert tuple(METHODS) == TASKS
