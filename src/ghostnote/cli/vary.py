"""``ghostnote vary``: variations of drum MIDI files."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import (
    Batch,
    failures,
    midi_files,
    named,
    outputs,
    plain_grid,
    process,
    say,
    summarise,
)
from ghostnote.cli.loops import FORMATS, Plan, print_json, write_music
from ghostnote.cli.options import Listening, Speech

if TYPE_CHECKING:
    from ghostnote.pipeline.songs import SongReport, Variation
    from ghostnote.render.audio import TimedHits


class Varied(NamedTuple):
    """A file, its variations, and how many hits of each are others than the file's.

    Variations are as often as they were written; of a file that was left out there are none.
    """

    source: Path
    plan: Plan
    reports: list[SongReport]
    changed: list[int]
    warnings: tuple[str, ...] = ()


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
    listening: Listening = Listening(),
    force: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    speech: Speech = Speech(),
) -> int:
    """Write variations of drum MIDI files, from subtle to far.

    Songs are given back whole: other channels, tempos and all else stay. Audio and pictures are of
    the drums. What would come before a file begins is on its first beat, and is counted.

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
    listening
        How the drums are found and read.
    force
        Overwrite files that exist.
    skip_existing
        Leave out files whose variations exist.
    speech
        What is said.
    """
    from ghostnote.pipeline.models import runtime_of

    kinds, pitches = named(formats, FORMATS), listening.pitches()
    chosen = secrets.randbelow(10**6) if seed is None else seed
    runtime = runtime_of(model)
    sources = midi_files(files)
    places = [place for (place,) in outputs(sources, out, [f"-vary-{chosen}"])]
    width = max(2, len(str(n)))

    def work(item: tuple[Path, Path]) -> Varied:
        from ghostnote.music.song import read_song
        from ghostnote.pipeline.songs import vary_song
        from ghostnote.render.audio import performance_hits

        source, place = item
        names = [f"{place.name}-{index:0{width}}" for index in range(1, n + 1)]
        kept = force or skip_existing
        plan = Plan.of(place.parent, names, place.name, kinds, force=kept)
        if skip_existing and plan.existing:
            return Varied(source, plan, [], [])
        song = read_song(source)
        varied = vary_song(
            song, n, distance=distance, channel=listening.channel, drum_map=pitches,
            temperature=temperature, seed=chosen, model=runtime,
        )  # fmt: skip
        for one, group in zip(varied, plan.files, strict=True):

            def hits(one: Variation = one) -> TimedHits:
                performance, channel = one.song.performance, one.report.channel
                return performance_hits(performance, pitches, channel=channel)[0]

            write_music(partial(bytes, one.song), hits, group, force=force)
        plan.draw([one.drums for one in varied], force=force)
        return Varied(
            source,
            plan,
            [one.report for one in varied],
            [one.changed for one in varied],
            song.performance.warnings,
        )

    pairs = [(source.path, place) for source, place in zip(sources, places, strict=True)]
    batch = process(pairs, work, what="Varying", quiet=speech.silent)
    done = [one for one in batch.done if one.reports]
    existing = [str(one.source) for one in batch.done if not one.reports]
    if speech.as_json:
        print_json(
            {
                "model": runtime.bundle.name,
                "seed": chosen,
                "distance": distance,
                "temperature": temperature,
                "varied": [_plain(one) for one in done],
                "existing": existing,
                "failed": failures(batch),
            }
        )
    elif not speech.quiet:
        _print_table(done)
        if existing:
            say(Console(), f"{len(existing)} left out, since variations exist already")
    left = Batch(tuple(done), batch.failed)
    summarise(left, f"varied with seed {chosen}", quiet=speech.silent)
    return batch.exit_code


def _plain(one: Varied) -> dict[str, object]:
    variations = zip(one.plan.files, one.reports, one.changed, strict=True)
    return {
        "source": str(one.source),
        "grid": plain_grid(one.reports[0].grid),
        "warnings": list(one.warnings),
        "pictures": [str(picture) for picture in one.plan.pictures],
        "moved_onto_first_beat": sum(report.moved_onto_first_beat for report in one.reports),
        "variations": [
            {"files": [str(file) for file in group], "hits": report.hits, "changed": changed}
            for group, report, changed in variations
        ],
    }


def _print_table(done: Sequence[Varied]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    for one in done:
        for remark in (*one.warnings, str(one.reports[0].grid)):
            say(console, f"{one.source}: {remark}")
    if not done:
        return
    table = Table(box=None, header_style="bold")
    for column in ("variation", "bars", "hits", "hits changed"):
        table.add_column(column, justify="left" if column == "variation" else "right")
    for one in done:
        for name, report, changed in zip(one.plan.names, one.reports, one.changed, strict=True):
            table.add_row(Text(name), str(report.bars), str(report.hits), str(changed))
    console.print(table)
    moved = sum(report.moved_onto_first_beat for one in done for report in one.reports)
    if moved:
        console.print(f"hits moved onto a first beat: {moved}")
