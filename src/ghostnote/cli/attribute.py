"""``ghostnote attribute``: grooves with more or less density, swing and the like."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from cyclopts import App, Parameter
from rich.console import Console

from ghostnote.cli.batch import midi_files, process, refuse_existing, say, summarise
from ghostnote.cli.labels import labels_of
from ghostnote.cli.loops import print_json, read_groove
from ghostnote.cli.options import Listening, Writing
from ghostnote.cli.playing import More, make_files, of_song
from ghostnote.errors import ConfigError, DataError, GrooveError
from ghostnote.music.kit import DEFAULT_MAP, builtin_map, load_map
from ghostnote.music.midi import write_midi

if TYPE_CHECKING:
    import numpy.typing as npt

    from ghostnote.directions import Direction
    from ghostnote.music.groove import Groove
    from ghostnote.music.song import Passage, Song
    from ghostnote.runtime import Runtime

app = App(
    name="attribute",
    help="""Give grooves more or less density, swing and the like.

Example: ghostnote attribute density=+1.5 swing=-1 beat.mid""",
)

_MOVE = re.compile(r"([^=]+)=([+-]?(?:\d+\.?\d*|\.\d+))")


@app.default
def move(
    what: Annotated[
        Sequence[str],
        Parameter(name="what", negative=(), json_list=False, allow_leading_hyphen=True),
    ],
    /,
    *,
    n: Annotated[int | None, Parameter(name=("-n", "--number"))] = None,
    direction: Annotated[Sequence[Path], Parameter(negative=())] = (),
    model: str = "groove-4bar",
    temperature: float | None = None,
    seed: int = 0,
    listening: Listening = Listening(),
    writing: Writing = Writing(),
) -> int:
    """Give grooves more or less of an attribute, and leave all else as it was played.

    Attributes are density, syncopation, swing, dynamics, laid-back, openness and fill, and those
    of --direction. Amounts are in standard deviations of real grooves: -2 to 2 is usual.
    `ghostnote attribute show` says how far the model follows. Songs are given back whole: other
    channels, tempos and all else stay.

    Example: ghostnote attribute density=+1.5 swing=-1 beat.mid -o denser

    Parameters
    ----------
    what
        First one or more of NAME=AMOUNT, then MIDI files, or folders of them; - reads standard
        input and writes standard output.
    n
        In place of files: so many new loops, as sample draws them, by default in the folder loops.
    direction
        A file of `ghostnote attribute fit`; what it is called can then be moved.
    model
        A model bundle by name, or its folder.
    temperature
        Of what is drawn; 1 by default, and the model's own for new loops.
    seed
        Of what is drawn.
    listening
        How the drums are found and read.
    writing
        Where files go, and what is said.
    """
    from ghostnote.directions import read_direction
    from ghostnote.pipeline.attributes import direction_of, moved
    from ghostnote.pipeline.models import runtime_of
    from ghostnote.pipeline.songs import play_song

    amounts, files = _moves(what)
    runtime = runtime_of(model)
    own = {one.name: one for one in map(read_direction, direction)}
    shift = np.zeros(runtime.bundle.latent, np.float32)
    for name, amount in amounts.items():
        shift += direction_of(own.get(name, name), runtime.bundle).shift(amount)
    about: dict[str, object] = {"model": runtime.bundle.name, "moves": amounts, "seed": seed}
    if n is not None:
        if files:
            raise ConfigError("files and -n are two things", remedy="give one of them")
        _write_loops(n, shift, runtime, temperature, seed, about, writing)
        return 0
    pitches = listening.pitches()

    def make(song: Song) -> More:
        before: list[Groove] = []
        after: list[Groove] = []

        def play(passages: Sequence[Passage]) -> list[Groove]:
            before.extend(passage.groove for passage in passages)
            after.extend(
                moved(groove, shift, model=runtime, temperature=temperature, seed=seed)
                for groove in before
            )
            return after

        played = play_song(
            song, play, meter=runtime.bundle.meter, channel=listening.channel, drum_map=pitches
        )
        plain = {"before": _measured(before), "after": _measured(after)}
        pairs = zip(plain["before"].items(), plain["after"].values(), strict=True)
        told = ", ".join(f"{name} {was:.2f} → {now:.2f}" for (name, was), now in pairs)
        return More(played, [told], plain)

    return make_files(
        files, of_song(make), writing, about, word="moved", doing="Moving", done="moved"
    )


def _write_loops(  # noqa: PLR0917 - all that was asked for
    n: int,
    shift: npt.NDArray[np.float32],
    runtime: Runtime,
    temperature: float | None,
    seed: int,
    about: Mapping[str, object],
    writing: Writing,
) -> None:
    from ghostnote.music.grid import on_the_beat, to_performance
    from ghostnote.pipeline.attributes import moved_samples

    moves = about["moves"]
    assert isinstance(moves, dict)
    folder = writing.out or Path("loops")
    stem = f"{runtime.bundle.name}-{seed}-" + "-".join(
        f"{name}{amount:+g}" for name, amount in moves.items()
    )
    targets = [folder / f"{stem}-{index:02}.mid" for index in range(max(n, 0))]
    refuse_existing(targets, force=writing.force)
    loops = moved_samples(n, shift, model=runtime, temperature=temperature, seed=seed)
    written: list[dict[str, object]] = []
    moved = 0
    for loop, target in zip(loops, targets, strict=True):
        groove, early = on_the_beat(loop)
        moved += early
        write_midi(target, to_performance(groove, builtin_map("gm")), overwrite=writing.force)
        written.append({"file": str(target), "hits": groove.n_hits, "moved_onto_first_beat": early})
    if writing.as_json:
        print_json({**about, "moved": written, "failed": []})
    elif not writing.quiet:
        more = f"; hits moved onto a first beat: {moved}" if moved else ""
        say(Console(), f"{n:,} loops in {folder}{more}")


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
    channel: int | None = None,
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
        The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
        or the only one.
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


def _measured(grooves: Sequence[Groove]) -> dict[str, float]:
    """The attributes of all bars, each a mean over grooves by their length."""
    from ghostnote.music.attributes import ATTRIBUTES, measure
    from ghostnote.runtime import to_x

    values = [measure(to_x([groove]), groove.meter)[0] for groove in grooves]
    mean = np.average(values, axis=0, weights=[groove.bars for groove in grooves])
    return dict(zip(ATTRIBUTES, mean.tolist(), strict=True))


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
