"""``ghostnote vary``: variations of drum MIDI files."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import failures, midi_files, named, outputs, process, say, summarise
from ghostnote.cli.loops import FORMATS, Plan, Read, print_json, read_groove
from ghostnote.music.kit import DEFAULT_MAP, load_map
from ghostnote.music.midi import DRUM_CHANNEL

if TYPE_CHECKING:
    from ghostnote.music.groove import Groove


class Varied(NamedTuple):
    """A file, its variations, and how many hits of each had come before its first beat."""

    read: Read
    plan: Plan
    grooves: list[Groove]
    moved: int

    @property
    def changed(self) -> list[int]:
        """How many hits of each variation differ from the file's."""
        hits = self.read.groove.hits
        return [int((groove.hits != hits).sum()) for groove in self.grooves]


def vary(
    files: Annotated[Sequence[Path], Parameter(name="files", negative=(), json_list=False)],
    /,
    *,
    n: Annotated[int, Parameter(name=("-n", "--number"))] = 4,
    distance: float = 0.5,
    temperature: float = 0.0,
    seed: int | None = None,
    out: Annotated[Path, Parameter(name=("--out", "-o"))] = Path("variations"),
    formats: Annotated[
        Sequence[str], Parameter(name="--format", negative=(), show_default=False)
    ] = ("mid,wav,svg",),
    model: str = "groove-4bar",
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int = DRUM_CHANNEL,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Write variations of drum MIDI files, from subtle to far.

    A variation begins on its first beat, as a sampled loop does.

    Example: ghostnote vary beat.mid -n 8 --distance 0.7 --out variations

    Parameters
    ----------
    files
        MIDI files, or folders of them.
    n
        How many of each file.
    distance
        How far the farthest goes, from 0, what the model makes of the file itself, to 1, another
        groove.
    temperature
        0, the default, plays the most likely cells.
    seed
        Which variations; chosen at random, and printed, where not given.
    out
        The folder to write to, laid out as the folders given.
    formats
        What to write, separated by commas: mid, wav, flac, ogg, mp3 for each variation, svg, png
        for a picture of all of a file; mid,wav,svg by default.
    model
        A model bundle by name, or its folder.
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
    from ghostnote.errors import GrooveError
    from ghostnote.music.grid import on_the_beat
    from ghostnote.pipeline.variation import vary as varied
    from ghostnote.runtime import Runtime

    kinds, pitches = named(formats, FORMATS), load_map(drum_map).of_nine()
    chosen = secrets.randbelow(10**6) if seed is None else seed
    runtime = Runtime(load_bundle(model))
    sources = midi_files(files)
    places = [place for (place,) in outputs(sources, out, [f"-vary-{chosen}"])]
    width = max(2, len(str(n)))

    def work(item: tuple[Path, Path]) -> Varied:
        source, place = item
        names = [f"{place.name}-{index:0{width}}" for index in range(1, n + 1)]
        plan = Plan.of(place.parent, names, place.name, kinds, force=force)
        read = read_groove(source, pitches, channel)
        try:
            made = varied(
                read.groove,
                n,
                distance=distance,
                temperature=temperature,
                seed=chosen,
                model=runtime,
            )
        except GrooveError as error:
            raise error.at(source) from None
        loops = [on_the_beat(groove) for groove in made]
        grooves = [groove for groove, _ in loops]
        plan.write(grooves, force=force)
        return Varied(read, plan, grooves, sum(moved for _, moved in loops))

    pairs = [(source.path, place) for source, place in zip(sources, places, strict=True)]
    batch = process(pairs, work, what="Varying", quiet=quiet or as_json)
    if as_json:
        print_json(
            {
                "model": runtime.bundle.name,
                "seed": chosen,
                "distance": distance,
                "temperature": temperature,
                "varied": [_plain(done) for done in batch.done],
                "failed": failures(batch),
            }
        )
    elif not quiet:
        _print_table(batch.done)
    summarise(batch, f"varied with seed {chosen}", quiet=quiet or as_json)
    return batch.exit_code


def _plain(done: Varied) -> dict[str, object]:
    variations = zip(done.plan.files, done.grooves, done.changed, strict=True)
    return {
        **done.read.plain,
        "pictures": [str(picture) for picture in done.plan.pictures],
        "moved_onto_first_beat": done.moved,
        "variations": [
            {"files": [str(file) for file in group], "hits": groove.n_hits, "changed": changed}
            for group, groove, changed in variations
        ],
    }


def _print_table(done: Sequence[Varied]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    for one in done:
        for remark in one.read.remarks:
            say(console, f"{one.read.source}: {remark}")
    if not done:
        return
    table = Table(box=None, header_style="bold")
    for column in ("variation", "bars", "hits", "hits changed"):
        table.add_column(column, justify="left" if column == "variation" else "right")
    for one in done:
        for name, groove, changed in zip(one.plan.names, one.grooves, one.changed, strict=True):
            table.add_row(Text(name), str(groove.bars), str(groove.n_hits), str(changed))
    console.print(table)
    moved = sum(one.moved for one in done)
    if moved:
        console.print(f"hits moved onto a first beat: {moved}")
