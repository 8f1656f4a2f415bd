"""The table of levers: what can be tried, and what is said of what was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.cells import Cell, Cells
from benchmarks.laboratory import Laboratory, shrunk
from benchmarks.levers import (
    COMPONENTS,
    LEVERS,
    QUOTED,
    TEMPERATURE,
    Lever,
    job_of,
    page,
    result,
)
from ghostnote.data.corpus import load_corpus
from ghostnote.model.size import n_parameters
from ghostnote.model.vae import GrooveVAE
from ghostnote.train.config import refuse_contradictions
from ghostnote.train.loop import Machine
from ghostnote.train.objective import Step

BASE = LEVERS[0]


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_each_lever_can_be_run_and_changes_something(lever: Lever) -> None:
    run = lever.run(3, 16)
    refuse_contradictions(run)
    assert (run.seed, run.epochs) == (3, 16)
    assert lever.expectation
    changed = run != BASE.run(3, 16)
    changed |= (lever.components, lever.temperature) != (COMPONENTS, TEMPERATURE)
    assert changed == (lever is not BASE)
    assert (lever.changes == "–") == (lever is BASE)


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_each_lever_has_a_model_and_an_objective(lever: Lever) -> None:
    run = shrunk(job_of(lever, 0, 16, 8)).run
    model = GrooveVAE(run.model)
    assert model.n_parameters < 100_000
    x = torch.zeros(2, run.model.steps, 27)
    step = Step(model, run.objective, run.corruption)
    assert torch.isfinite(step(x, 10, torch.Generator().manual_seed(0)).loss)


def test_names_are_folders_of_their_own() -> None:
    assert len({lever.name for lever in LEVERS}) == len(LEVERS)
    folders = [job_of(lever, 0, 16, 8).folder for lever in LEVERS]
    prior_only = [lever for lever in LEVERS if lever.run(0, 1) == BASE.run(0, 1)]
    assert len(set(folders)) == len(LEVERS) - len(prior_only) + 1
    assert len(prior_only) == 4


def test_the_flat_decoder_is_of_the_size_of_the_other() -> None:
    flat = next(lever for lever in LEVERS if lever.name == "flat decoder")
    sizes = [n_parameters(lever.run(0, 1).model) for lever in (BASE, flat)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


def cell(name: str, f1: float, seed: int = 0) -> Cell:
    names = ("bits", "velocity_error", "offset_error", "told_apart_hits", "told_apart_all")
    return Cell(name, {"run": {"seed": seed}}, {"f1": f1, **dict.fromkeys(names, f1)})


def test_results_are_against_the_base() -> None:
    base, one = [cell("base", 0.5)], [cell("one", 0.75)]
    assert result(base, base).startswith("F1 0.500 at 0.5 bits")
    assert result(one, base).startswith("F1 0.750 (+0.250) at 0.8 (+0.2) bits")
    assert result(one, []).startswith("F1 0.750 at 0.8 bits")
    assert result([], base) == "not run"


def test_results_are_against_the_base_with_the_same_seeds() -> None:
    base = [cell("base", 0.5), cell("base", 0.25, seed=1)]
    assert result([cell("one", 0.75)], base).startswith("F1 0.750 (+0.250)")
    assert result([cell("one", 0.75, seed=1)], base).startswith("F1 0.750 (+0.500)")
    both = [cell("one", 0.75), cell("one", 0.5, seed=1)]
    assert result(both, base).startswith("F1 0.625 (+0.250)")
    assert result([cell("one", 0.75, seed=2)], base).startswith("F1 0.750 at")


def test_a_page_of_nothing_has_the_expectations_and_what_was_tried_before() -> None:
    text = "\n".join(page([]))
    assert text.count("| not run | – |") == len(LEVERS)
    for lever in LEVERS:
        assert f"| {lever.name} | {lever.changes} | {lever.expectation} | not run |" in text
    for quoted in QUOTED:
        assert quoted.result in text


@pytest.mark.slow
def test_levers_of_the_prior_share_a_training(drumming: Path, tmp_path: Path) -> None:
    machine = Machine(torch.device("cpu"), bf16=False)
    lab = Laboratory(tmp_path / "runs", machine, load_corpus(drumming))
    cells = Cells(tmp_path / "levers.json")
    one, other = replace(BASE, components=1), Lever("two", "more alike", components=2)
    found = []
    for lever in (one, other):
        job = shrunk(job_of(lever, 0, 1, 32))
        small = replace(job.run, model=replace(job.run.model, bars=2))
        found.append(lab.cell(replace(job, run=small), cells))
    assert [entry.name for entry in (tmp_path / "runs").iterdir()] == ["base-seed-0"]
    assert found[0].figures["f1"] == found[1].figures["f1"]
    assert found[1].figures["expectation"] == "more alike"
    assert 0 <= found[0].figures["told_apart_all"] <= 1
    assert found[0].cost["steps"] == found[1].cost["steps"] == 4
    assert "| two | " not in "\n".join(page(list(cells))), "it is none of the levers"
    assert f"{len(LEVERS) - 1} of {len(LEVERS)}" in "\n".join(page(list(cells)))


def test_the_command_lists_what_there_is(benchmark: Callable[..., Any]) -> None:
    done = benchmark("levers", "--list")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2 * len(LEVERS)
