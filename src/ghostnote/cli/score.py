"""``ghostnote score``: how usual a groove is, and where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import failures, midi_files, process, say, summarise
from ghostnote.cli.loops import PIPE, Read, print_json, read_groove
from ghostnote.cli.playing import Files
from ghostnote.errors import ConfigError
from ghostnote.music.kit import DEFAULT_MAP, VOICES, load_map

if TYPE_CHECKING:
    from ghostnote.pipeline.scoring import Cell, Score


class Scored(NamedTuple):
    """A file, and what the model makes of it."""

    read: Read
    score: Score


def score(
    files: Files,
    /,
    *,
    n: Annotated[int, Parameter(name=("-n", "--number"))] = 5,
    model: str = "groove-4bar",
    seed: int = 0,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Say how many bits each bar of drum MIDI files takes, and which cells are the most unusual.

    Of each cell, the model knows what came before it, and one point of its space that stands for
    the whole. Bits of timing are compared with any time in the step being as likely, and below 0
    where the model knows better.

    Example: ghostnote score beat.mid

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input.
    n
        How many unusual cells of each file to name.
    model
        A model bundle by name, or its folder.
    seed
        Of what the model's task hides, where it hides at random.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
        or the only one.
    quiet
        Print nothing but errors.
    as_json
        Print everything, cell by cell, as JSON.
    """
    from ghostnote.bundle import SCORER, load_bundle
    from ghostnote.errors import GrooveError
    from ghostnote.pipeline.scoring import score as judge
    from ghostnote.runtime import Runtime

    if n < 0:
        raise ConfigError(f"{n} cells", remedy="0 or more")
    bundle = load_bundle(model)
    bundle.read(SCORER)  # before anything else is done
    runtime, pitches = Runtime(bundle), load_map(drum_map).of_nine()

    def work(source: Path) -> Scored:
        read = read_groove(source, pitches, channel)
        try:
            return Scored(read, judge(read.groove, model=runtime, seed=seed))
        except GrooveError as error:
            raise error.at(read.source) from None

    sources = [PIPE] if list(files) == [PIPE] else [one.path for one in midi_files(files)]
    batch = process(sources, work, what="Scoring", quiet=quiet or as_json)
    if as_json:
        print_json(
            {
                "model": bundle.name,
                "scored": [_plain(done, n) for done in batch.done],
                "failed": failures(batch),
            }
        )
    elif not quiet:
        console = Console(highlight=False, emoji=False)
        for done in batch.done:
            _print_score(console, done, n)
    summarise(batch, "scored", quiet=quiet or as_json)
    return batch.exit_code


def _plain(done: Scored, n: int) -> dict[str, object]:
    found = done.score
    return {
        **done.read.plain,
        "bits_per_bar": found.bits_per_bar,
        "rate": found.rate,
        "bars": [
            dict(zip(("hits", "velocity", "offset"), bar, strict=True))
            for bar in found.by_bar.tolist()
        ],
        "voices": dict(zip(VOICES, found.by_voice.tolist(), strict=True)),
        "steps": found.by_step.tolist(),
        "unusual": [{**cell._asdict(), "voice": VOICES[cell.voice]} for cell in found.unusual(n)],
        "cells": {
            "hits": found.hits.tolist(),
            "velocity": found.velocity.tolist(),
            "offset": found.offset.tolist(),
        },
    }


def _print_score(console: Console, done: Scored, n: int) -> None:
    from rich.table import Table

    found = done.score
    for remark in done.read.remarks:
        say(console, f"{done.read.source}: {remark}")
    cells = found.unusual(n)
    table = Table(box=None, header_style="bold")
    for column in ("bar", "bits", "hits", "velocity", "timing"):
        table.add_column(column, justify="right")
    table.add_column("most unusual")
    for bar, parts in enumerate(found.by_bar.tolist()):
        marks = ", ".join(_where(cell, found) for cell in cells if cell.bar == bar)
        numbers = (sum(parts), *parts)
        table.add_row(str(bar + 1), *(f"{bits:.1f}" for bits in numbers), marks)
    console.print(table)
    voices = sorted(zip(found.by_voice.tolist(), VOICES, strict=True), reverse=True)
    shares = ", ".join(f"{voice} {bits:.1f}" for bits, voice in voices if bits >= 0.05)
    say(console, f"bits a bar: {found.bits_per_bar:.1f}; by voice: {shares}")
    rate = sum(found.rate) / len(found.rate)
    say(console, f"bits of z, a window: {rate:.1f}")


def _where(cell: Cell, found: Score) -> str:
    """A cell as musicians count: beat and 16th from 1, such as ``snare 2.3 (9 bits)``."""
    per_beat = 16 // found.groove.meter[1]
    beat, sixteenth = divmod(cell.step, per_beat)
    what = VOICES[cell.voice] if cell.hit else f"no {VOICES[cell.voice]}"
    return f"{what} {beat + 1}.{sixteenth + 1} ({cell.bits:.0f} bits)"
