"""``ghostnote attribute``: grooves with more or less density, swing and the like."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import App, Parameter
from rich.console import Console

from ghostnote.cli.batch import (
    failures,
    midi_files,
    outputs,
    plain_grid,
    process,
    refuse_existing,
    say,
    summarise,
)
from ghostnote.cli.labels import labels_of
from ghostnote.cli.loops import read_groove
from ghostnote.errors import ConfigError, DataError, GrooveError
from ghostnote.music.kit import DEFAULT_MAP, builtin_map, load_map
from ghostnote.music.midi import DRUM_CHANNEL, write_midi

if TYPE_CHECKING:
    from ghostnote.directions import Direction
    from ghostnote.music.groove import Groove

app = App(
    name="attribute",
    help="""Give grooves more or less density, swing and the like.

Example: ghostnote attribute density=+1.5 swing=-1 beat.mid""",
)

_MOVE = re.compile(r"([^=]+)=([+-]?(?:\d+\.?\d*|\.\d+))")


@app.default
def move(
    what: Annotated[Sequence[str], Parameter(name="what", negative=(), json_list=False)],
    /,
    *,
    n: Annotated[int | None, Parameter(name=("-n", "--number"))] = None,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    direction: Annotated[Sequence[Path], Parameter(negative=())] = (),
    model: str = "groove-4bar",
    temperature: float | None = None,
    seed: int = 0,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int = DRUM_CHANNEL,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Give grooves more or less of an attribute, and leave all else as it was played.

    Attributes are density, syncopation, swing, dynamics, laid-back, openness and fill, and those
    of --direction. Amounts are in standard deviations of real grooves: -2 to 2 is usual.
    `ghostnote attribute show` says how far the model follows.

    Example: ghostnote attribute density=+1.5 swing=-1 beat.mid -o denser

    Parameters
    ----------
    what
        First one or more of NAME=AMOUNT, then MIDI files, or folders of them.
    n
        In place of files: so many new loops, as sample draws them.
    out
        The folder to write to, laid out as the folders given; beside each file, as
        NAME-moved.mid, by default. New loops go to the folder loops.
    direction
        A file of `ghostnote attribute fit`; what it is called can then be moved.
    model
        A model bundle by name, or its folder.
    temperature
        Of what is drawn; 1 by default, and the model's own for new loops.
    seed
        Of what is drawn.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16.
    force
        Overwrite files that exist.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from ghostnote.bundle import load_bundle
    from ghostnote.directions import read_direction
    from ghostnote.pipeline.attributes import direction_of, moved, moved_samples
    from ghostnote.runtime import Runtime

    amounts, files = _moves(what)
    runtime = Runtime(load_bundle(model))
    own = {one.name: one for one in map(read_direction, direction)}
    shift = np.zeros(runtime.bundle.latent, np.float32)
    for name, amount in amounts.items():
        shift += direction_of(own.get(name, name), runtime.bundle).shift(amount)
    written: list[dict[str, object]] = []
    failed: list[dict[str, str | None]] = []
    code = 0
    if n is not None:
        if files:
            raise ConfigError("files and -n are two things", remedy="give one of them")
        folder = out or Path("loops")
        stem = f"{runtime.bundle.name}-{seed}-" + "-".join(
            f"{name}{amount:+g}" for name, amount in amounts.items()
        )
        targets = [folder / f"{stem}-{index:02}.mid" for index in range(max(n, 0))]
        refuse_existing(targets, force=force)
        loops = moved_samples(n, shift, model=runtime, temperature=temperature, seed=seed)
        for loop, target in zip(loops, targets, strict=True):
            write_midi(target, _first_beat(loop), overwrite=force)
            written.append({"file": str(target), "hits": loop.n_hits})
        if not (quiet or as_json):
            say(Console(), f"{n:,} loops in {folder}")
    else:
        pitches = load_map(drum_map).of_nine()
        sources = midi_files(files)
        suffix = ".mid" if out is not None else "-moved.mid"
        targets = [target for (target,) in outputs(sources, out, [suffix])]

        def work(item: tuple[Path, Path]) -> dict[str, object]:
            source, target = item
            refuse_existing([target], force=force)
            read = read_groove(source, pitches, channel)
            try:
                result = moved(
                    read.groove, shift, model=runtime, temperature=temperature, seed=seed
                )
            except GrooveError as error:
                raise error.at(source) from None
            from ghostnote.music.grid import to_performance

            write_midi(target, to_performance(result, builtin_map("gm")), overwrite=force)
            return {
                "source": str(source),
                "file": str(target),
                "before": _measured(read.groove),
                "after": _measured(result),
                "grid": plain_grid(read.report),
                "warnings": list(read.warnings),
                "remarks": list(read.remarks),
            }

        items = list(zip([source.path for source in sources], targets, strict=True))
        batch = process(items, work, what="Moving", quiet=quiet or as_json)
        written = [{k: v for k, v in one.items() if k != "remarks"} for one in batch.done]
        failed, code = failures(batch), batch.exit_code
        if not (quiet or as_json):
            _print_moved(batch.done)
        summarise(batch, "written", quiet=quiet or as_json)
    if as_json:
        document = {
            "model": runtime.bundle.name, "moves": amounts, "seed": seed,
            "written": written, "failed": failed,
        }  # fmt: skip
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return code


@app.command
def show(
    *,
    direction: Annotated[Sequence[Path], Parameter(negative=())] = (),
    model: str = "groove-4bar",
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Show what moving along each attribute does to it, and to the others.

    Figures are mean changes in standard deviations, measured when the directions were learned, on
    grooves that they were learned from.

    Example: ghostnote attribute show

    Parameters
    ----------
    direction
        A file of `ghostnote attribute fit` to show in place of the model's attributes.
    model
        A model bundle by name, or its folder.
    as_json
        Print the figures as JSON.
    """
    from ghostnote.bundle import load_bundle
    from ghostnote.directions import AMOUNTS, read_direction

    shown: Mapping[str, Direction]
    if direction:
        shown = {one.name: one for one in map(read_direction, direction)}
    else:
        bundle = load_bundle(model)
        shown = bundle.directions
        if not shown:
            raise ConfigError(
                f"{bundle.name} has no attributes", remedy="use groove-4bar, or fit a direction"
            )
    if as_json:
        document = {
            "amounts": list(AMOUNTS),
            "attributes": {
                name: {"mean": one.mean, "std": one.std, "effects": dict(one.effects)}
                for name, one in shown.items()
            },
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    _print_effects(shown)


@app.command
def fit(
    folder: Path,
    /,
    *,
    name: str,
    labels: str | None = None,
    positive: str | None = None,
    hold: Annotated[Sequence[str], Parameter(negative=())] = (),
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    model: str = "groove-4bar",
    seed: int = 0,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int = DRUM_CHANNEL,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> int:
    """Learn a direction of your own from a folder of labelled grooves.

    Labels are numbers, or names of which --positive is on the one side and all others on the
    other. Without --labels, a file's label is the folder that it lies in.

    Example: ghostnote attribute fit my-drums --name heavy --labels heavy.csv

    Parameters
    ----------
    folder
        A folder of drum MIDI files.
    name
        What the direction is called.
    labels
        A CSV file with a column of file names and one of labels: FILE.csv or FILE.csv:COLUMN.
    positive
        Of labels that are names, the one to move towards; that of the direction's name by default.
    hold
        An attribute that the direction is to leave alone.
    out
        The file to write; NAME.json by default.
    model
        A model bundle by name, or its folder.
    seed
        Of what is drawn to measure the direction's effect.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16.
    force
        Overwrite the file if it exists.
    quiet
        Print nothing but errors.
    """
    from ghostnote.bundle import load_bundle
    from ghostnote.directions import write_direction
    from ghostnote.pipeline.attributes import fit_direction
    from ghostnote.pipeline.windows import in_meter
    from ghostnote.runtime import Runtime

    target = out or Path(f"{name}.json")
    refuse_existing([target], force=force)
    runtime, pitches = Runtime(load_bundle(model)), load_map(drum_map).of_nine()
    sources = midi_files([folder])
    told = labels_of(sources, labels)
    chosen = [source.path for source in sources if source.path in told]
    if not chosen:
        raise DataError(
            "holds no file that has a label",
            source=folder,
            remedy="give --labels FILE.csv, or put the files into folders named by their labels",
        )
    numbers = _numbers({path: told[path] for path in chosen}, positive or name)

    def read(path: Path) -> tuple[Groove, float]:
        groove = read_groove(path, pitches, channel).groove
        try:
            in_meter(groove, runtime.bundle)
        except GrooveError as error:
            raise error.at(path) from None
        return groove, numbers[path]

    batch = process(chosen, read, what="Reading", quiet=quiet)
    grooves, values = [one for one, _ in batch.done], [value for _, value in batch.done]
    fitted = fit_direction(grooves, values, name=name, hold=hold, model=runtime, seed=seed)
    write_direction(target, fitted.direction, overwrite=force)
    if not quiet:
        console = Console()
        without = len(sources) - len(chosen)
        if without:
            say(console, f"{without:,} files have no label")
        say(
            console,
            f"{name}: {fitted.windows:,} windows of {len(grooves):,} files, "
            f"R² {fitted.explained:.2f} on windows left out; written to {target}",
        )
        _print_effects({name: fitted.direction})
    summarise(batch, "learned from", quiet=quiet)
    return batch.exit_code


# -- what the commands share -----------------------------------------------------------------


def _moves(what: Sequence[str]) -> tuple[dict[str, float], list[Path]]:
    amounts: dict[str, float] = {}
    rest = list(what)
    while rest and (match := _MOVE.fullmatch(rest[0])) and not Path(rest[0]).exists():
        if match[1] in amounts:
            raise ConfigError(f"{match[1]} is moved twice", remedy="say it once")
        amounts[match[1]] = float(match[2])
        rest.pop(0)
    if not amounts:
        raise ConfigError(
            f"{rest[0] if rest else 'nothing'} says no attribute and amount",
            remedy="such as density=+1.5, before the files",
        )
    return amounts, [Path(name) for name in rest]


def _first_beat(loop: Groove) -> Any:
    from ghostnote.music.grid import on_the_beat, to_performance

    return to_performance(on_the_beat(loop)[0], builtin_map("gm"))


def _measured(groove: Groove) -> dict[str, float]:
    from ghostnote.music.attributes import ATTRIBUTES, measure
    from ghostnote.runtime import to_x

    values = measure(to_x([groove]), groove.meter)[0].tolist()
    return dict(zip(ATTRIBUTES, values, strict=True))


def _numbers(told: Mapping[Path, str], positive: str) -> dict[Path, float]:
    """Labels as numbers: as they stand if all are, otherwise 1 for `positive` and 0 for others."""
    try:
        numbers = {path: float(label) for path, label in told.items()}
    except ValueError:
        if positive not in told.values():
            raise ConfigError(
                f"no file has the label {positive!r}",
                remedy=f"say which with --positive: {', '.join(sorted(set(told.values()))[:12])}",
            ) from None
        return {path: float(label == positive) for path, label in told.items()}
    if not np.isfinite(list(numbers.values())).all():
        raise DataError("a label is no finite number", remedy="correct it, or leave it empty")
    return numbers


def _print_moved(done: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    for one in done:
        for remark in one["remarks"]:
            say(console, f"{one['source']}: {remark}")
    if not done:
        return
    table = Table(box=None, header_style="bold")
    for column in ("file", *done[0]["before"]):
        table.add_column(column, justify="left" if column == "file" else "right")
    for one in done:
        cells = [
            f"{before:.2f} → {after:.2f}"
            for before, after in zip(one["before"].values(), one["after"].values(), strict=True)
        ]
        table.add_row(Text(str(one["file"])), *cells)
    console.print(table)


def _print_effects(directions: Mapping[str, Direction]) -> None:
    from rich.table import Table

    from ghostnote.directions import AMOUNTS

    console = Console(highlight=False, emoji=False)
    curves = Table(box=None, header_style="bold", title="effect of each amount, in std")
    for column in ("attribute", *(f"{amount:+g}" for amount in AMOUNTS), "one std is"):
        curves.add_column(column, justify="left" if column == "attribute" else "right")
    for name, one in directions.items():
        cells = [f"{value:+.2f}" for value in one.effects.get(name, ())]
        curves.add_row(name, *cells, f"{one.std:.3f}")
    console.print(curves)
    others = list(next(iter(directions.values())).effects)
    crossed = Table(box=None, header_style="bold", title="from -1 to +1, in std of each")
    for column in ("moved", *others):
        crossed.add_column(column, justify="left" if column == "moved" else "right")
    low, high = AMOUNTS.index(-1.0), AMOUNTS.index(1.0)
    for name, one in directions.items():
        changes = [(other, one.effects[other][high] - one.effects[other][low]) for other in others]
        crossed.add_row(
            name, *(f"[b]{value:+.2f}[/b]" if other == name else f"{value:+.2f}"
            for other, value in changes),
        )  # fmt: skip
    console.print(crossed)
