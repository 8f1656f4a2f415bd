"""Runs that benchmarks train: once, and on from where they were."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import laboratory as module
from benchmarks.cells import Cells
from benchmarks.laboratory import Job, Laboratory, carried_out, chosen, of_length
from ghostnote.data.corpus import load_corpus
from ghostnote.errors import ConfigError, TrainingError
from ghostnote.train.checkpoint import Checkpoint
from ghostnote.train.config import RunConfig, from_table
from ghostnote.train.loop import LAST, Machine

RUN = from_table(
    RunConfig,
    {
        "model": {
            **{"bars": 2, "latent": 4, "encoder": {"size": 6}},
            "decoder": {"size": 6, "conductor": 6},
        },
        "optimiser": {"batch": 8},
        "epochs": 2,
        "interval": 2,
    },
)


def fingerprint(best: Checkpoint, lab: Laboratory) -> Mapping[str, Any]:
    del lab
    return {"step": best.step, "sum": sum(float(w.double().sum()) for w in best.average.values())}


@pytest.fixture
def lab(drumming: Path, tmp_path: Path) -> Laboratory:
    machine = Machine(torch.device("cpu"), bf16=False)
    return Laboratory(tmp_path / "runs", machine, load_corpus(drumming))


def test_a_cell_is_trained_once(
    lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("a: cell", RUN, fingerprint)
    found = lab.cell(job, Cells(tmp_path / "cells.json"))
    assert found.cost["steps"] == 8
    assert (tmp_path / "runs" / "a-cell-seed-0" / LAST).exists()
    assert (found.seed, found.cost["ended"]) == (0, "finished")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it is trained again")

    monkeypatch.setattr(module, "train", refuse)
    assert lab.cell(job, Cells(tmp_path / "cells.json")) == found


def test_a_cell_that_was_stopped_goes_on_where_it_was(
    lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lab.cell(Job("whole", RUN, fingerprint), Cells(tmp_path / "whole.json"))
    job, cells = Job("stopped", RUN, fingerprint), Cells(tmp_path / "cells.json")

    def stop(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(module._Lines, "validation", stop)
        with pytest.raises(KeyboardInterrupt):
            lab.cell(job, cells)
    assert not list(cells)
    assert lab.cell(job, cells).figures == whole.figures


def test_a_run_of_another_length_needs_another_folder(lab: Laboratory, tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.json")
    lab.cell(Job("a", RUN, fingerprint), cells)
    with pytest.raises(TrainingError, match="another epochs"):
        lab.cell(Job("a", of_length(RUN, 4, None, 32, 1), fingerprint), cells)


def test_lengths_are_steps_or_epochs() -> None:
    run = of_length(RUN, 100, None, 33, 4)  # 33 windows in batches of 8 are 4 steps an epoch
    assert (run.epochs, run.interval) == (25, 25)
    run = of_length(RUN, 100, 0.5, 33, 4)
    assert (run.epochs, run.interval) == (0.5, 1)
    with pytest.raises(ConfigError, match="--epochs is 0"):
        of_length(RUN, 100, 0, 33, 4)


def test_cells_are_chosen_by_parts_of_their_names() -> None:
    names = ["x: flat", "x: tall", "y: flat"]
    assert chosen(names, argparse.Namespace(cells=[""])) == names
    assert chosen(names, argparse.Namespace(cells=["flat"])) == ["x: flat", "y: flat"]
    with pytest.raises(ConfigError, match="no cell is called round or square") as caught:
        chosen(names, argparse.Namespace(cells=["round", "square"]))
    assert "x: flat; x: tall" in str(caught.value)


def test_errors_are_a_line_and_ctrl_c_is_a_pause(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ConfigError("is wrong", source="this", remedy="do that")

    def stop() -> None:
        raise KeyboardInterrupt

    assert (carried_out(fail), carried_out(stop), carried_out(lambda: None)) == (2, 130, 0)
    assert capsys.readouterr().err.splitlines() == [
        "error: this: is wrong (do that)",
        "stopped; the same command goes on from here",
    ]
