"""``ghostnote reconstruct``: drum MIDI files through a model and back."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter
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
from ghostnote.cli.loops import Read, read_groove
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, builtin_map, load_map
from ghostnote.music.midi import DRUM_CHANNEL, write_midi

if TYPE_CHECKING:
    from ghostnote.pipeline.reconstruction import Reconstruction
    from ghostnote.runtime import Runtime


class Reconstructed(NamedTuple):
    """A file that was sent through a model."""

    read: Read
    file: Path
    outcome: Reconstruction


def reconstruct(
    files: Annotated[Sequence[Path], Parameter(name="files", negative=(), json_list=False)],
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    model: str = "groove-4bar",
    temperature: float = 0.0,
    seed: int = 0,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int = DRUM_CHANNEL,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Send drum MIDI files through a model, and say what became of their hits.

    A model that was taught a task does it: one that humanises plays the hits anew.

    Example: ghostnote reconstruct beat.mid --model groove-4bar --out loops

    Parameters
    ----------
    files
        MIDI files, or folders of them.
    out
        The folder to write to, laid out as the folders given; beside each file, as
        NAME-MODEL.mid, by default.
    model
        A model bundle by name, or its folder.
    temperature
        Of what is drawn; 0, the default, takes the most likely cells.
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
    from ghostnote.runtime import Runtime

    pitches, runtime = load_map(drum_map).of_nine(), Runtime(load_bundle(model))
    suffix = ".mid" if out is not None else f"-{runtime.bundle.name}.mid"
    sources = midi_files(files)
    targets = [target for (target,) in outputs(sources, out, [suffix])]
    batch = process(
        list(zip(sources, targets, strict=True)),
        lambda item: _reconstruct(
            item[0].path, item[1], runtime, pitches, channel, temperature, seed, force=force
        ),
        what="Reconstructing",
        quiet=quiet or as_json,
    )
    if as_json:
        document = {
            "model": runtime.bundle.name,
            "reconstructed": [_plain(done) for done in batch.done],
            "failed": failures(batch),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif not quiet:
        _print_table(batch.done)
    summarise(batch, "reconstructed", quiet=quiet or as_json)
    return batch.exit_code


def _reconstruct(  # noqa: PLR0917 - one call, of which every option is a part
    source: Path,
    target: Path,
    runtime: Runtime,
    drum_map: DrumMap,
    channel: int,
    temperature: float,
    seed: int,
    *,
    force: bool,
) -> Reconstructed:
    from ghostnote.errors import GrooveError
    from ghostnote.music.grid import to_performance
    from ghostnote.pipeline.reconstruction import reconstruct as send

    refuse_existing([target], force=force)
    read = read_groove(source, drum_map, channel)
    try:
        outcome = send(read.groove, model=runtime, temperature=temperature, seed=seed)
    except GrooveError as error:
        raise error.at(source) from None
    write_midi(target, to_performance(outcome.groove, builtin_map("gm")), overwrite=force)
    return Reconstructed(read, target, outcome)


def _plain(done: Reconstructed) -> dict[str, object]:
    outcome = done.outcome
    return {
        "source": str(done.read.source),
        "file": str(done.file),
        "bars": outcome.groove.bars,
        "bits": outcome.bits,
        "kept": outcome.kept,
        "lost": outcome.lost,
        "added": outcome.added,
        "velocity_error": outcome.velocity_error,
        "offset_error": outcome.offset_error,
        "grid": plain_grid(done.read.report),
        "warnings": list(done.read.warnings),
    }


def _print_table(done: Sequence[Reconstructed]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    for one in done:
        for remark in one.read.remarks:
            say(console, f"{one.read.source}: {remark}")
    if not done:
        return
    table = Table(box=None, header_style="bold")
    for column in ("file", "bars", "bits a window", "kept", "lost", "added", "velocity", "timing"):
        table.add_column(column, justify="left" if column == "file" else "right", overflow="fold")
    for one in done:
        outcome = one.outcome
        table.add_row(
            Text(str(one.file)),
            str(outcome.groove.bars),
            f"{sum(outcome.bits) / len(outcome.bits):.1f}",
            *(str(count) for count in (outcome.kept, outcome.lost, outcome.added)),
            f"±{outcome.velocity_error:.1f}/127",
            f"±{outcome.offset_error:.3f} step",
        )
    console.print(table)
