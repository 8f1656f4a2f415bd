"""``ghostnote render``: drum MIDI files as audio."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ghostnote.cli.batch import (
    Source,
    failures,
    midi_files,
    named,
    outputs,
    process,
    refuse_existing,
    say,
    summarise,
)
from ghostnote.errors import ConfigError, GhostnoteError
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, load_map
from ghostnote.music.midi import DRUM_CHANNEL, read_midi

if TYPE_CHECKING:
    from ghostnote.render.kit import Kit


class Rendered(NamedTuple):
    """A file that was rendered."""

    source: Path
    files: tuple[Path, ...]
    seconds: float
    hits: int
    unmapped: Mapping[int, int]
    warnings: tuple[str, ...]


def render(
    files: Annotated[Sequence[Path], Parameter(name="files", negative=())],
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    formats: Annotated[Sequence[str], Parameter(name="--format", negative=())] = (),
    kit: Path | None = None,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int = DRUM_CHANNEL,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Turn drum MIDI files into audio.

    Every hit sounds when the file says, through all its tempos: nothing is quantised.

    Example: ghostnote render takes --format wav,mp3 -o audio

    Parameters
    ----------
    files
        MIDI files, or folders of them.
    out
        The folder to write to, with the folders that were given mirrored in it; or, for a single
        file, the audio file. Beside each file by default.
    formats
        What to write, separated by commas: wav, flac, ogg, mp3; wav by default.
    kit
        A folder of samples with a kit.toml; the kit that comes with ghostnote by default.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm or a TOML file.
    channel
        The channel of the drums, 1 to 16.
    force
        Overwrite files that exist.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from ghostnote.render.kit import load_kit

    pitches, drums = load_map(drum_map), load_kit(kit)
    sources = midi_files(files)
    targets = _targets(sources, out, formats)
    batch = process(
        list(zip(sources, targets, strict=True)),
        lambda job: _render(*job, drums, pitches, channel, force=force),
        what="Rendering",
        quiet=quiet or as_json,
    )
    if as_json:
        # Not through rich, which would wrap lines.
        document = {
            "rendered": [_as_json(rendered) for rendered in batch.done],
            "failed": failures(batch),
        }
        Console().file.write(json.dumps(document, indent=2) + "\n")
    elif not quiet:
        _print(Console(), batch.done)
    summarise(batch, "written", quiet=quiet or as_json)
    return batch.exit_code


def _targets(
    sources: Sequence[Source], out: Path | None, formats: Sequence[str]
) -> list[tuple[Path, ...]]:
    from ghostnote.render.audio import FORMATS

    known = [suffix[1:] for suffix in FORMATS]
    if out is None or out.suffix.lower() not in FORMATS or out.is_dir():
        kinds = named(formats or ("wav",), known)
        return outputs(sources, out, [f".{kind}" for kind in kinds])
    if len(sources) > 1:
        raise ConfigError(
            f"is one file for {len(sources)} inputs", source=out, remedy="give a folder as --out"
        )
    if formats and named(formats, known) != [out.suffix[1:].lower()]:
        raise ConfigError(
            f"is not of the format {', '.join(formats)}", source=out, remedy="leave out --format"
        )
    return [(out,)]


def _render(
    source: Source,
    targets: tuple[Path, ...],
    kit: Kit,
    drum_map: DrumMap,
    channel: int,
    *,
    force: bool,
) -> Rendered:
    from ghostnote.render.audio import mix, performance_hits, write_audio

    refuse_existing(targets, force=force)
    performance = read_midi(source.path)
    hits, unmapped = performance_hits(performance, drum_map, channel=channel)
    try:
        audio = mix(hits, kit)
    except GhostnoteError as error:
        raise error if error.source else error.at(source.path) from None
    for target in targets:
        write_audio(target, audio, overwrite=force)
    return Rendered(source.path, targets, audio.seconds, len(hits), unmapped, performance.warnings)


def _as_json(rendered: Rendered) -> dict[str, object]:
    return {
        "source": str(rendered.source),
        "files": [str(file) for file in rendered.files],
        "seconds": round(rendered.seconds, 3),
        "hits": rendered.hits,
        "unmapped": dict(rendered.unmapped),
        "warnings": list(rendered.warnings),
    }


def _print(console: Console, done: Sequence[Rendered]) -> None:
    if not done:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("file", overflow="fold")
    for name in ("seconds", "hits", "unmapped"):
        table.add_column(name, justify="right")
    for rendered in done:
        unmapped = sum(rendered.unmapped.values())
        for file in rendered.files:
            table.add_row(
                Text(str(file)), f"{rendered.seconds:.1f}", f"{rendered.hits:,}", f"{unmapped:,}"
            )
    console.print(table)
    for rendered in done:
        for warning in rendered.warnings:
            say(console, f"{rendered.source}: {warning}")
        if rendered.unmapped:
            pitches = ", ".join(f"{pitch} (×{n})" for pitch, n in rendered.unmapped.items())
            say(console, f"{rendered.source}: left out, since the map has no such pitch: {pitches}")
