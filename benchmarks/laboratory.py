"""What benchmarks that train have in common: options, data, and runs that go on where they were."""

from __future__ import annotations

import argparse
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.cells import Cell, Cells
from ghostnote.bundle import WEIGHTS, load_bundle
from ghostnote.data.bars import Bars, to_x
from ghostnote.data.corpus import Corpus, load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import ConfigError, GhostnoteError
from ghostnote.export.bundle import commit
from ghostnote.model.config import HierarchicalConfig
from ghostnote.model.size import n_parameters
from ghostnote.train.checkpoint import Checkpoint, load_checkpoint
from ghostnote.train.config import (
    RunConfig,
    assignment,
    refuse_contradictions,
    to_table,
    update,
)
from ghostnote.train.loop import BEST, LAST, Machine, train

FloatArray = npt.NDArray[np.float32]

RESULTS = Path("docs/results")


@dataclass(frozen=True)
class Job:
    """A cell that is still to be measured: a training run, and what is measured of it.

    Attributes:
        name: of the cell.
        run: what is trained.
        measure: gives the figures of a checkpoint.
        training: the run's folder; cells that differ in what is measured alone share one.
        hop: bars between the windows that it is judged on.
        others: what else decides the figures, as plain values.
        judged: which checkpoint is measured, the best or the last.
    """

    name: str
    run: RunConfig
    measure: Callable[[Checkpoint, Laboratory], Mapping[str, Any]]
    training: str = ""
    hop: int = 1
    others: Mapping[str, Any] = field(default_factory=dict)
    judged: str = BEST

    @property
    def setting(self) -> dict[str, Any]:
        """All that decides the figures."""
        return {"run": to_table(self.run), "hop": self.hop, **self.others}

    @property
    def folder(self) -> str:
        """The name of the run's folder."""
        name = re.sub(r"[^a-z0-9.]+", "-", (self.training or self.name).lower())
        return f"{name}-seed-{self.run.seed}"


@dataclass(frozen=True)
class Laboratory:
    """Where runs are kept, the machine that trains them, and the corpus."""

    runs: Path
    machine: Machine
    corpus: Corpus

    def windows(self, run: RunConfig, split: str, hop: int) -> Windows:
        """The windows of a split that a model of `run` takes."""
        return windows(
            self.corpus.select(split=split),
            bars=run.model.bars,
            hop=hop,
            meter=run.model.signature,
        )

    def cell(self, job: Job, cells: Cells) -> Cell:
        """The cell of `job`: as it was kept, or trained, measured and kept now.

        Raises:
            KeyboardInterrupt: Ctrl-C or a termination signal came; the run's state is saved.
            TrainingError: the run's folder holds another run.
        """
        found = cells.find(job.name, job.setting)
        if found:
            return found
        refuse_contradictions(job.run)
        folder = self.runs / job.folder
        training = Bars.of(self.windows(job.run, "train", job.run.hop))
        outcome = train(
            job.run,
            training,
            Bars.of(self.windows(job.run, "validation", job.hop)),
            folder,
            machine=self.machine,
            resume=(folder / LAST).exists(),
            reporter=_Lines(job.name),
        )
        if outcome.reason == "interrupted":
            raise KeyboardInterrupt
        began = time.monotonic()
        figures = job.measure(load_checkpoint(folder / job.judged), self)
        cell = Cell(
            job.name,
            job.setting,
            figures,
            {
                "seconds": round(load_checkpoint(folder / LAST).seconds, 1),
                "measuring_seconds": round(time.monotonic() - began, 1),
                "steps": outcome.step,
                "best_step": outcome.best_step,
                "ended": outcome.reason,
                "parameters": n_parameters(job.run.model),
                "windows": len(training),
                "machine": self.described(),
                "commit": commit(),
            },
        )
        cells.keep(cell)
        return cell

    def described(self) -> str:
        """The machine in words."""
        device = self.machine.device
        name = (
            torch.cuda.get_device_name(device)
            if device.type == "cuda"
            else f"{torch.get_num_threads()} thread(s) of a {platform.machine()} CPU"
        )
        return f"{name}, {'bf16' if self.machine.bf16 else 'fp32'}, torch {torch.__version__}"


class _Lines:
    """A `Reporter` that prints a line for each validation."""

    def __init__(self, name: str) -> None:
        self._name = name

    def step(self, step: int, total: int, record: Mapping[str, float]) -> None:
        self._total = total

    def validation(self, step: int, record: Mapping[str, float], *, better: bool) -> None:
        del better
        print(
            f"{self._name}: step {step:,} of {self._total:,}, F1 {record['f1']:.4f}, "
            f"{record['bits']:.1f} bits",
            flush=True,
        )


def cells_of(some: Windows) -> FloatArray:
    """All windows as the models take them, `[W, T, 3V]`."""
    bars = Bars.of(some)
    return to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))


def lasting(run: RunConfig, seed: int, epochs: float) -> RunConfig:
    """`run` with another seed and number of epochs.

    Raises:
        ConfigError: a number of epochs that is not above 0.
    """
    if not epochs > 0:
        raise ConfigError(f"--epochs is {epochs:g}", remedy="more than 0")
    return replace(run, seed=seed, epochs=epochs)


def shrunk(job: Job) -> Job:
    """The same job on a network that is trained in a moment, to see that it can be run."""
    small = [
        *("model.encoder.size=8", "model.decoder.size=8", "optimiser.batch=8"),
        *("model.latent=6", "corruption.sampling_rise=2"),
    ]
    if isinstance(job.run.model.decoder, HierarchicalConfig):
        small.append("model.decoder.conductor=8")
    run = job.run
    for text in small:
        run = update(run, assignment(text))
    return replace(job, run=run)


def of_length(run: RunConfig, updates: int, epochs: float | None, n: int, checks: int) -> RunConfig:
    """`run` for `updates` steps over `n` windows, or for `epochs`, with `checks` validations.

    Raises:
        ConfigError: a length that is not above 0.
    """
    per_epoch = max(n // run.optimiser.batch, 1)
    run = lasting(run, run.seed, updates / per_epoch if epochs is None else epochs)
    steps = max(round(run.epochs * per_epoch), 1)
    return replace(run, interval=max(-(-steps // checks), 1))


# -- the command line ------------------------------------------------------------------------


def parser(doc: str | None, name: str, *, trains: bool = True) -> argparse.ArgumentParser:
    """The options that the benchmarks share; `name` is of their folder and files."""
    options = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--results",
        type=Path,
        default=RESULTS,
        help="where results are kept and pages written: docs/results by default",
    )
    if trains:
        add = options.add_argument
        add("--runs", type=Path, default=Path("runs") / name, help="where runs are trained")
        add("--seeds", type=int, nargs="+", default=[0])
        add("--cells", nargs="+", default=[""], metavar="TEXT", help="those whose names hold it")
        add("--epochs", type=float, help="in the place of the length that is set")
        add("--device", default="auto")
        add("--precision", default="auto", choices=["auto", "fp32", "bf16"])
        add("--threads", type=int, help="CPU threads; all cores by default")
        add("--page", action="store_true", help="train nothing, write the page from what there is")
    return options


def add_tiny(options: argparse.ArgumentParser) -> None:
    """The option to try the command."""
    options.add_argument(
        "--tiny",
        action="store_true",
        help="tiny networks, and files of their own: tries the command",
    )


def laboratory(asked: argparse.Namespace) -> Laboratory:
    """The laboratory that the command line asks for.

    Raises:
        ConfigError: fewer than one thread.
        TrainingError: the device is not there.
        DataError: the Groove MIDI Dataset is not there.
    """
    if asked.threads is not None:
        if asked.threads < 1:
            raise ConfigError(f"--threads is {asked.threads}", remedy="1 or more")
        torch.set_num_threads(asked.threads)
    return Laboratory(asked.runs, Machine.of(asked.device, asked.precision), load_corpus())


def chosen(names: Iterable[str], asked: argparse.Namespace) -> list[str]:
    """The cells that ``--cells`` asks for, of those that there are.

    Raises:
        ConfigError: it asks for none.
    """
    every = list(names)
    found = [name for name in every if any(text in name for text in asked.cells)]
    if not found:
        raise ConfigError(
            f"no cell is called {' or '.join(asked.cells)}", remedy=f"of: {'; '.join(every)}"
        )
    return found


def local(
    asked: argparse.Namespace,
    cells: Cells,
    names: Sequence[str],
    measured: Callable[[argparse.Namespace], Mapping[str, Any]],
) -> None:
    """The cell of a benchmark of a bundle, that trains nothing: as it was kept, or measured now.

    `names` are the options that decide the figures, beside the bundle's own weights.
    """
    bundle = load_bundle(asked.model)
    weights = bundle.config["files"][WEIGHTS]
    setting = {**{name: getattr(asked, name) for name in names}, "weights": weights}
    if not cells.find(bundle.name, setting):
        began = time.monotonic()
        figures = measured(asked)
        cost = {"seconds": round(time.monotonic() - began, 1), "commit": commit()}
        cells.keep(Cell(bundle.name, setting, figures, cost))


def carried_out(main: Callable[[], None]) -> int:
    """The exit code of a benchmark: errors as one line, and Ctrl-C as a pause."""
    try:
        main()
    except GhostnoteError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0
