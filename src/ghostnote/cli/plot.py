"""``ghostnote plot``: drum MIDI files as one picture of drum rolls."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import (
    Source,
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
from ghostnote.errors import ConfigError
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, load_map


def plot(
    files: Annotated[Sequence[Path], Parameter(name="files", negative=(), json_list=False)],
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    bars: str | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Draw drum MIDI files as drum rolls, all in one picture.

    Colour and height are velocity; a mark to the right of its line is late. What the grid of
    16th notes leaves out is counted.

    Example: ghostnote plot takes --bars 1-4 -o takes.svg

    Parameters
    ----------
    files
        MIDI files, or folders of them.
    out
        The picture, .svg or .png; beside a single file, with its name, by default.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
        or the only one.
    bars
        Which bars: 3, or 1-4, as far as a file has them.
    force
        Overwrite the picture if it exists.
    quiet
        Print nothing but errors.
    as_json
        Print what was drawn as JSON.
    """
    from ghostnote.render.plot import picture_format, write_picture

    chosen = slice(None) if bars is None else _bars(bars)
    pitches = load_map(drum_map)
    sources = midi_files(files)
    picture = _picture(out, sources)
    picture_format(picture)
    refuse_existing([picture], force=force)
    batch = process(
        sources,
        lambda source: _read(source, pitches, channel, chosen),
        what="Reading",
        quiet=quiet or as_json,
    )
    panels = batch.done
    if panels:
        grooves = [panel.groove for panel in panels]
        titles = [panel.source.stem for panel in panels]
        write_picture(picture, grooves, titles, overwrite=force)
    console = Console(quiet=quiet or as_json)
    for panel in panels:
        for remark in panel.remarks:
            say(console, f"{panel.source}: {remark}")
    if panels:
        say(console, f"The picture is {picture}")
    if as_json:
        _print_json(picture, panels, failures(batch))
    summarise(batch, "drawn", quiet=quiet or as_json)
    return batch.exit_code


def _bars(text: str) -> slice:
    """``3`` or ``1-4``, counted from 1 and including the last."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last:
        raise ConfigError(f"--bars {text} is no range of bars", remedy="such as 3, or 1-4")
    return slice(first - 1, last)


def _picture(out: Path | None, sources: Sequence[Source]) -> Path:
    if out is not None:
        return out
    if len(sources) > 1:
        raise ConfigError(
            f"one picture of {len(sources)} files needs a name", remedy="--out NAME.svg"
        )
    return outputs(sources, None, [".svg"])[0][0]


def _read(source: Source, drum_map: DrumMap, channel: int | None, bars: slice) -> Read:
    from ghostnote.errors import GrooveError

    read = read_groove(source.path, drum_map, channel)
    try:
        return read._replace(groove=read.groove[bars])
    except GrooveError:
        raise GrooveError(
            f"has no bar {bars.start + 1}, only {read.groove.bars}",
            source=source.path,
            remedy="choose other --bars",
        ) from None


def _print_json(
    picture: Path, panels: Sequence[Read], failed: Sequence[dict[str, str | None]]
) -> None:
    document = {
        "picture": str(picture) if panels else None,
        "panels": [
            {
                "source": str(panel.source),
                "bpm": panel.groove.bpm,
                "meter": list(panel.groove.meter),
                "bars": panel.groove.bars,
                "hits": panel.groove.n_hits,
                "grid": plain_grid(panel.report),
                "warnings": list(panel.warnings),
            }
            for panel in panels
        ],
        "failed": list(failed),
    }
    # Not through rich, which would wrap lines.
    Console().file.write(json.dumps(document, indent=2) + "\n")
