"""``ghostnote interpolate``: from one groove to another, or between four."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import named, say
from ghostnote.cli.loops import FORMATS, Plan, print_json, read_groove
from ghostnote.errors import ConfigError
from ghostnote.music.kit import DEFAULT_MAP, load_map

if TYPE_CHECKING:
    from ghostnote.bundle import Bundle
    from ghostnote.music.groove import Groove


def interpolate(
    files: Annotated[Sequence[Path], Parameter(name="files", negative=(), json_list=False)],
    /,
    *,
    n: Annotated[int, Parameter(name=("-n", "--number"))] = 5,
    grid: str | None = None,
    join: Annotated[bool, Parameter(negative=())] = False,
    bpm: float | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    out: Annotated[Path, Parameter(name=("--out", "-o"))] = Path("morph"),
    formats: Annotated[
        Sequence[str], Parameter(name="--format", negative=(), show_default=False)
    ] = ("mid,wav,svg",),
    model: str = "groove-4bar",
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Go from one drum MIDI file to another, step by step, or fill a grid between four.

    The ends are what the model makes of the files themselves. Files of different lengths are cut
    to the shortest. A loop begins on its first beat, as a sampled one does.

    Example: ghostnote interpolate a.mid b.mid -n 9 --join --out morph

    Parameters
    ----------
    files
        Two MIDI files, from one to the other; with --grid four: top left, top right, bottom
        left, bottom right.
    n
        How many steps, both ends included.
    grid
        Rows and columns of the grid, such as 4x4. Files are named for two of its corners.
    join
        Write all steps as one piece, one after the other.
    bpm
        The tempo of all steps. By default it goes from one file's to the other's, and what is
        joined has the first file's.
    temperature
        0, the default, plays the most likely cells.
    seed
        Of what is drawn.
    out
        The folder to write to.
    formats
        What to write, separated by commas: mid, wav, flac, ogg, mp3 for each step, svg, png for
        the picture of all; mid,wav,svg by default.
    model
        A model bundle by name, or its folder.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
        or the only one.
    force
        Overwrite files that exist.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from ghostnote.bundle import load_bundle
    from ghostnote.music.grid import on_the_beat
    from ghostnote.music.groove import concatenate
    from ghostnote.pipeline import interpolation

    size = _size(grid)
    wanted = 2 if size is None else 4
    if len(files) != wanted:
        remedy = "give two, or four with --grid" if size is None else "a grid has four corners"
        raise ConfigError(f"{len(files)} files", remedy=remedy)
    kinds, bundle = named(formats, FORMATS), load_bundle(model)
    name = f"{files[0].stem}-{files[-1].stem}"
    count = n if size is None else size[0] * size[1]
    width = max(2, len(str(count)))
    steps = [f"{name}-{index:0{width}}" for index in range(1, count + 1)]
    if size is not None:
        steps = [f"{name}-{row}-{column}" for row in range(1, size[0] + 1)
                 for column in range(1, size[1] + 1)]  # fmt: skip
    plan = Plan.of(out, [name] if join else steps, name, kinds, force=force)
    pitches = load_map(drum_map).of_nine()
    reads = [read_groove(file, pitches, channel) for file in files]
    bars = min(read.groove.bars for read in reads)
    ends = _in_meter([(read.source, read.groove[:bars]) for read in reads], bundle)
    if size is None:
        first, last = ends
        played = interpolation.interpolate(
            first, last, n, temperature=temperature, seed=seed, model=bundle
        )
    else:
        rows = interpolation.grid(ends, *size, temperature=temperature, seed=seed, model=bundle)
        played = [groove for row in rows for groove in row]
    changed = [int((groove.hits != played[0].hits).sum()) for groove in played]
    tempo = played[0].bpm if join and bpm is None else bpm
    if tempo is not None:
        played = [groove.replace(bpm=tempo) for groove in played]
    loops = [on_the_beat(groove) for groove in ([concatenate(played)] if join else played)]
    plan.write([groove for groove, _ in loops], force=force)
    moved = sum(count for _, count in loops)
    if as_json:
        print_json(
            {
                "model": bundle.name,
                "seed": seed,
                "temperature": temperature,
                "sources": [read.plain for read in reads],
                "bars": bars,
                "grid": size,
                "pictures": [str(picture) for picture in plan.pictures],
                "files": [[str(file) for file in group] for group in plan.files],
                "steps": [
                    {"bpm": groove.bpm, "hits": groove.n_hits, "changed": change}
                    for groove, change in zip(played, changed, strict=True)
                ],
                "moved_onto_first_beat": moved,
            }
        )
    elif not quiet:
        console = Console(highlight=False, emoji=False)
        for read in reads:
            cut = read.groove.bars - bars
            rest = (f"cut to the {bars} bars that all have; {cut} left out",) if cut else ()
            for remark in (*read.remarks, *rest):
                say(console, f"{read.source}: {remark}")
        _print_table(console, steps, played, changed)
        early = f"; hits moved onto a first beat: {moved}" if moved else ""
        what = f"{len(played)} steps in one piece" if join else f"{len(played)} loops"
        say(console, f"{what} in {out}{early}")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    rows, _, columns = text.lower().partition("x")
    if not (rows.isdecimal() and columns.isdecimal()) or min(int(rows), int(columns)) < 2:
        raise ConfigError(f"--grid is {text!r}", remedy="rows and columns, such as 4x4, 2 or more")
    return int(rows), int(columns)


def _in_meter(ends: Sequence[tuple[Path, Groove]], bundle: Bundle) -> list[Groove]:
    """The grooves, each of which the model has bars for, or an error that names the file."""
    from ghostnote.errors import GrooveError
    from ghostnote.pipeline.windows import in_meter

    for source, groove in ends:
        try:
            in_meter(groove, bundle)
        except GrooveError as error:
            raise error.at(source) from None
    return [groove for _, groove in ends]


def _print_table(
    console: Console, names: Sequence[str], played: Sequence[Groove], changed: Sequence[int]
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for column in ("step", "bpm", "hits", "hits changed"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, groove, change in zip(names, played, changed, strict=True):
        table.add_row(Text(name), f"{groove.bpm:g}", str(groove.n_hits), str(change))
    console.print(table)
