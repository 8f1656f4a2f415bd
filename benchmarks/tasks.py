"""One model for all tasks against a model for each: what to ship.

    python benchmarks/tasks.py --one runs/tasks-4bar --each runs/humanize-4bar --each …

All figures are of the validation split, teacher-forced or free-running from the posterior mean as
`ghostnote evaluate` has them. Every run is judged by its best checkpoint on the same corruptions.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from ghostnote.data.bars import Bars
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.evaluate.reconstruction import Reconstruction, reconstruct
from ghostnote.export.bundle import build_model
from ghostnote.music.tasks import Array, Given, Mixture, Task
from ghostnote.train.checkpoint import Checkpoint, load_checkpoint
from ghostnote.train.config import RunConfig, from_table
from ghostnote.train.loop import BEST


@dataclass(frozen=True)
class Told:
    """One of the tasks of a `Mixture`, for every row, and told to the model."""

    which: int

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        mixture = Mixture()
        rows = np.full(len(x), self.which)
        given = mixture.TASKS[self.which].apply(x, generator).x
        return Given(given, mixture.told(rows, x.shape[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--one", type=Path, required=True, help="the run of all tasks")
    parser.add_argument("--each", type=Path, action="append", default=[], help="a run of one task")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    validation = Bars.of(windows(load_corpus().select(split="validation"), bars=4))
    one = load_checkpoint(arguments.one / BEST)
    table = Table(header_style="bold", box=None)
    for column in (
        "task",
        "run",
        "epochs",
        "F1",
        "F1 forced",
        "bits",
        "velocity",
        "offset",
        "nats",
    ):
        table.add_column(column)
    for folder in arguments.each:
        special = load_checkpoint(folder / BEST)
        task = from_table(RunConfig, special.config).task
        which = [known.kind for known in Mixture.TASKS].index(task.kind)
        rows: list[tuple[str, Checkpoint, Task | Told]] = [
            (folder.name, special, task),
            (arguments.one.name, one, Told(which)),
        ]
        for name, checkpoint, given in rows:
            scores = reconstruct(
                build_model(checkpoint),
                validation,
                device=torch.device("cpu"),
                task=cast("Task", given),  # it does what a task does
            )
            epochs = from_table(RunConfig, checkpoint.config).epochs
            table.add_row(task.kind, name, f"{epochs:g}", *figures(scores))
    Console().print(table)


def figures(scores: Reconstruction) -> tuple[str, ...]:
    """One row of the table."""
    return (
        f"{scores.f1:.4f}",
        f"{scores.f1_forced:.4f}",
        f"{scores.bits:.1f}",
        f"{scores.velocity_error:.2f}",
        f"{scores.offset_error:.4f}",
        f"{-scores.elbo:.1f}",
    )


if __name__ == "__main__":
    main()
