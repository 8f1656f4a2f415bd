"""``ghostnote train``: train a preset, or go on training a run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from ghostnote.errors import ConfigError, MissingExtraError, TrainingError

if TYPE_CHECKING:
    from rich.progress import Progress
    from torch import Tensor

    from ghostnote.train.config import RunConfig
    from ghostnote.train.loop import Reporter


def train(
    preset: str,
    *,
    data: str | None = None,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    assignments: Annotated[
        Sequence[str], Parameter(name="--set", negative=(), show_default=False)
    ] = (),
    config: Path | None = None,
    init_from: str | None = None,
    resume: Literal["never", "auto"] = "never",
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    threads: int | None = None,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Train a preset, or go on training a run.

    Ctrl-C saves and stops; the same command with ``--resume auto`` goes on, as it also does
    after a crash. Several GPUs: ``torchrun --nproc-per-node 4 -m ghostnote train …``.

    Example: ghostnote train groove-4bar --set model.latent=64 --set epochs=10 -o runs/small

    Parameters
    ----------
    preset
        Which preset to begin from; see ``ghostnote presets``.
    data
        A corpus by name, or a folder or zip of MIDI; the Groove MIDI Dataset by default.
    out
        The run's folder; runs/PRESET by default.
    assignments
        A setting, as key=value; may be given several times, and wins over --config.
    config
        A TOML file of settings.
    init_from
        A bundle to begin from, by name or folder: its weights and its model take the place of
        the preset's, which says how they are trained.
    resume
        auto goes on from the folder's last checkpoint where there is one.
    device
        auto, cpu, cuda, cuda:1, mps.
    precision
        Of the arithmetic of training: auto is bf16 where the machine has it.
    threads
        CPU threads; all cores by default.
    quiet
        Print nothing but errors.
    as_json
        Print the outcome as JSON.
    """
    from ghostnote.data.bars import Bars
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.model.config import map_of

    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "train", "training") from None
    from ghostnote.train.config import refuse_contradictions
    from ghostnote.train.loop import LAST, Machine
    from ghostnote.train.loop import train as fit

    initial = None
    run = settings(preset, config, assignments)
    if init_from is not None:
        run, initial = _begun_from(init_from, run, preset)
    refuse_contradictions(run)
    folder = out or Path("runs") / run.name
    if threads is not None:
        if threads < 1:
            raise ConfigError(f"--threads is {threads}", remedy="1 or more")
        torch.set_num_threads(threads)
    saved = (folder / LAST).exists()
    if saved and resume == "never":
        raise TrainingError(
            "holds a run already",
            source=folder,
            remedy="--resume auto to go on with it, or another --out",
        )
    machine = Machine.of(device, precision)
    console = Console(quiet=quiet or as_json or machine.rank > 0)
    corpus = load_corpus(data, drum_map=map_of(run.model))
    bars, meter = run.model.bars, run.model.signature
    training = Bars.of(windows(corpus.select(split="train"), bars=bars, hop=run.hop, meter=meter))
    validation = Bars.of(windows(corpus.select(split="validation"), bars=bars, meter=meter))
    console.print(
        f"{run.name}: {len(training):,} windows to train on, {len(validation):,} to judge by, "
        f"{'on from' if saved else 'into'} {folder}"
    )
    with reporting(console) as reporter:
        outcome = fit(
            run,
            training,
            validation,
            folder,
            machine=machine,
            resume=saved,
            initial=initial,
            reporter=reporter,
        )
    judged = outcome.best_step > 0
    if as_json and machine.rank == 0:
        best = outcome.best if judged else None
        table = {"folder": str(folder), **vars(outcome), "best": best}
        Console().print_json(json.dumps(table))
    best_of_all = f"best {run.select} {outcome.best:.4f} at step {outcome.best_step:,}"
    console.print(
        f"{outcome.reason} at step {outcome.step:,}; {best_of_all if judged else 'not judged yet'}"
    )
    return 130 if outcome.reason == "interrupted" else 0


def _begun_from(name: str, run: RunConfig, preset: str) -> tuple[RunConfig, dict[str, Tensor]]:
    """`run` with the model of a bundle, and that model's weights."""
    from dataclasses import replace

    from ghostnote.bundle import load_bundle
    from ghostnote.export.bundle import load_model
    from ghostnote.export.card import command
    from ghostnote.train.presets import preset as find

    bundle = load_bundle(name)
    model = load_model(bundle)
    dropout = {
        rate: getattr(run.model, rate)
        for rate in ("input_dropout", "layer_dropout", "latent_dropout")
    }
    begun, wanted, of_preset = map(vars, (model.config, run.model, find(preset).run.model))
    changed = [
        key
        for key in begun.keys() - dropout.keys()
        if wanted[key] not in (of_preset[key], begun[key])
    ]
    if changed:
        raise ConfigError(
            f"model.{min(changed)} is set, and the model of {name} has another",
            remedy="leave it out: --init-from brings its own model",
        )
    if model.config.controls != run.model.controls:
        raise ConfigError(
            f"the model of {name} takes {model.config.controls} controls, that of the preset "
            f"{run.model.controls}",
            remedy="choose the preset that it was made by; see ghostnote presets",
        )
    trained = bundle.config.get("training")
    began = command(trained["run"]) if trained else bundle.name
    begun_run = replace(run, model=replace(model.config, **dropout), begun_with=began)
    return begun_run, dict(model.state_dict())


def settings(preset: str, config: Path | None, assignments: Sequence[str]) -> RunConfig:
    """The run that the command line asks for: preset, then file, then ``--set``."""
    from ghostnote.train.config import assignment, update
    from ghostnote.train.presets import preset as find

    run = find(preset).run
    if config is not None:
        try:
            run = update(run, tomllib.loads(config.read_text("utf-8")))
        except ConfigError as error:
            raise error.at(config) from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot be read as TOML: {error}", source=config) from error
    for text in assignments:
        run = update(run, assignment(text))
    return run


@contextmanager
def reporting(console: Console) -> Iterator[Reporter]:
    """A progress bar with losses, speed and time left, and a line for each validation."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.completed:,}/{task.total:,}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(console, progress)


class _Bar:
    """A `Reporter` that prints."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._task = progress.add_task("", total=1)
        self._f1 = ""

    def step(self, step: int, total: int, record: Mapping[str, float]) -> None:
        self._progress.update(
            self._task,
            completed=step,
            total=total,
            description=f"loss {record['loss']:.1f}  {record['train_bits']:.1f} bits{self._f1}  "
            f"{record['examples/s']:.0f} examples/s",
        )

    def validation(self, step: int, record: Mapping[str, float], *, better: bool) -> None:
        self._f1 = f"  F1 {record['f1']:.3f}"
        self._console.print(
            f"step {step:>6,}  F1 {record['f1']:.4f} free, {record['f1_forced']:.4f} forced  "
            f"{record['bits']:.1f} bits  velocity {record['velocity_error']:.2f}/127  "
            f"offset {record['offset_error']:.4f} step{'  ← best' if better else ''}",
            highlight=False,
        )
