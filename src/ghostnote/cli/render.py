"""``ghostnote render``: drum MIDI files as audio."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console

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
from ghostnote.errors import ConfigError
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, load_map
from ghostnote.music.midi import parse_midi, read_bytes
from ghostnote.music.song import drum_channel_of

if TYPE_CHECKING:
    from ghostnote.render.kit import Kit

_FORMATS = ("wav", "flac", "ogg", "mp3")


class Rendered(NamedTuple):
    """What became of one file. `lead` are the seconds of sound before the first bar."""

    source: Path
    files: tuple[Path, ...]
    seconds: float
    lead: float
    hits: int
    unmapped: dict[int, int]
    warnings: tuple[str, ...]


def render(
    files: Annotated[Sequence[Path], Parameter(name="files", negative=(), json_list=False)],
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    formats: Annotated[
        Sequence[str], Parameter(name="--format", negative=(), show_default=False)
    ] = (),
    kit: Path | None = None,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Turn drum MIDI files into audio, played as they are: on no grid, with all their tempos.

    A file that cannot be used is reported, and does not stop the others.

    Example: ghostnote render takes --out audio --format wav,flac

    Parameters
    ----------
    files
        MIDI files, or folders of them.
    out
        The folder to write to, laid out as the folders given, or for a single file the audio
        file; beside each file by default.
    formats
        Audio formats, separated by commas: wav (the default), flac, ogg, mp3.
    kit
        A folder with a kit.toml and samples of your own.
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
    from ghostnote.render.kit import load_kit

    pitches, drums = load_map(drum_map), load_kit(kit)
    sources = midi_files(files)
    batch = process(
        list(zip(sources, _targets(sources, out, formats), strict=True)),
        lambda item: _render(item[0].path, item[1], drums, pitches, channel, force),
        what="Rendering",
        quiet=quiet or as_json,
    )
    if as_json:
        document = {
            "rendered": [_plain(rendered) for rendered in batch.done],
            "failed": failures(batch),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif not quiet:
        _print_table(batch.done)
    summarise(batch, "rendered", quiet=quiet or as_json)
    return batch.exit_code


def _targets(
    sources: Sequence[Source], out: Path | None, formats: Sequence[str]
) -> list[tuple[Path, ...]]:
    """The files to write for each source: in the folder `out`, or the one file that it names."""
    if out is None or out.suffix[1:].lower() not in _FORMATS or out.is_dir():
        suffixes = [f".{name}" for name in named(formats or ("wav",), _FORMATS)]
        return outputs(sources, out, suffixes)
    if len(sources) > 1:
        raise ConfigError(
            f"is one file, for {len(sources)} inputs", source=out, remedy="give a folder as --out"
        )
    if formats and named(formats, _FORMATS) != [out.suffix[1:].lower()]:
        raise ConfigError(
            f"is not of the format {','.join(formats)}", source=out, remedy="leave out --format"
        )
    return [(out,)]


def _render(
    source: Path,
    files: tuple[Path, ...],
    kit: Kit,
    drum_map: DrumMap,
    channel: int | None,
    force: bool,
) -> Rendered:
    from ghostnote.errors import OutputError
    from ghostnote.render.audio import mix, performance_hits, write_audio

    refuse_existing(files, force=force)
    data = read_bytes(source)
    performance = parse_midi(data, source=str(source))
    chosen = drum_channel_of(performance, data, drum_map, channel)
    hits, unmapped = performance_hits(performance, drum_map, channel=chosen)
    try:
        audio = mix(hits, kit)
    except OutputError as error:
        raise error.at(source) from None
    for file in files:
        write_audio(file, audio, overwrite=force)
    return Rendered(
        source, files, audio.seconds, audio.lead, len(hits), unmapped, performance.warnings
    )


def _plain(rendered: Rendered) -> dict[str, object]:
    return {
        **rendered._asdict(),
        "source": str(rendered.source),
        "files": [str(file) for file in rendered.files],
    }


def _print_table(done: Sequence[Rendered]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    for rendered in done:
        unknown = ", ".join(f"{pitch} ({count})" for pitch, count in rendered.unmapped.items())
        for remark in (
            *rendered.warnings,
            *([f"notes that the drum map does not know: {unknown}"] if unknown else []),
        ):
            say(console, f"{rendered.source}: {remark}")
    if not done:
        return
    table = Table(box=None, header_style="bold")
    for column in ("file", "seconds", "hits", "unmapped"):
        table.add_column(column, justify="left" if column == "file" else "right")
    for rendered in done:
        unmapped = sum(rendered.unmapped.values())
        for file in rendered.files:
            seconds = f"{rendered.seconds:.1f}"
            table.add_row(Text(str(file)), seconds, str(rendered.hits), str(unmapped))
    console.print(table)
