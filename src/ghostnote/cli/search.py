"""``ghostnote search``: the grooves of a folder that are nearest to one."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import say
from ghostnote.cli.loops import read_groove
from ghostnote.music.kit import DEFAULT_MAP, load_map

if TYPE_CHECKING:
    from ghostnote.pipeline.search import Index, Match, Progress, Update
    from ghostnote.runtime import Runtime

_REASONS_SHOWN = 5


def search(
    query: Path,
    /,
    *,
    folder: Annotated[Path, Parameter(name="--in")],
    n: Annotated[int, Parameter(name=("-n", "--number"))] = 10,
    index: Path | None = None,
    as_it_is: Annotated[bool, Parameter(negative=())] = False,
    model: str = "groove-4bar",
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Find the grooves of a folder that are nearest to one, in the latent space of a model.

    The folder is indexed once; after that, only files that are new or changed are read. An
    interrupted indexing goes on where it was. The query itself is not among what is found.

    Example: ghostnote search beat.mid --in loops -n 5

    Parameters
    ----------
    query
        A drum MIDI file.
    folder
        The folder to search, at any depth.
    n
        How many files.
    index
        The file that keeps the index; one in ghostnote's cache by default.
    as_it_is
        Do not look whether files have changed since they were indexed.
    model
        A model bundle by name, or its folder.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
        or the only one.
    quiet
        Print nothing but what is found, and errors.
    as_json
        Print what is found as JSON.
    """
    from ghostnote.bundle import load_bundle
    from ghostnote.errors import GrooveError
    from ghostnote.pipeline.search import search as find
    from ghostnote.runtime import Runtime

    runtime = Runtime(load_bundle(model))
    groove = read_groove(query, load_map(drum_map).of_nine(), channel).groove
    found, update = indexed(
        folder, index, runtime, drum_map, channel, as_it_is=as_it_is, quiet=quiet or as_json
    )
    try:
        matches = find(groove, found, n, model=runtime, without=query.resolve())
    except GrooveError as error:
        raise error.at(query) from None
    if as_json:
        sys.stdout.write(json.dumps(_plain(query, found, update, matches), indent=2) + "\n")
        return
    if not quiet and update is not None:
        tell(update)
    _print_found(folder, matches)


def indexed(
    folder: Path,
    file: Path | None,
    runtime: Runtime,
    drum_map: str,
    channel: int | None,
    *,
    as_it_is: bool,
    quiet: bool,
) -> tuple[Index, Update | None]:
    """The index of `folder`, brought up to date unless `as_it_is`, with progress."""
    from ghostnote.pipeline.search import open_index, update_index

    place = file or _cached(folder, runtime, drum_map, channel)
    if as_it_is and place.exists():
        return open_index(place), None
    with _progress(quiet=quiet) as progress:
        return update_index(
            place,
            folder,
            model=runtime,
            drum_map=load_map(drum_map),
            channel=channel,
            progress=progress,
        )


def tell(update: Update) -> None:
    """Say what became of the files: one line, and a few of the reasons."""
    console = Console(stderr=True)
    counts = [
        f"{update.kept:,} known",
        *(f"{count:,} {word}" for count, word in (
            (update.read, "read"), (update.moved, "moved"), (update.removed, "gone"),
            (len(update.failed), "without a groove to compare"),
        ) if count),
    ]  # fmt: skip
    say(console, f"files: {', '.join(counts)}")
    for name, reason in update.failed[:_REASONS_SHOWN]:
        say(console, f"  {name}: {reason}")
    if len(update.failed) > _REASONS_SHOWN:
        say(console, f"  … and {len(update.failed) - _REASONS_SHOWN:,} more")


def _cached(folder: Path, runtime: Runtime, drum_map: str, channel: int | None) -> Path:
    from ghostnote.bundle import ENCODER
    from ghostnote.data.home import data_home

    pitches = load_map(drum_map).pitches
    parts = (str(folder.resolve()), runtime.bundle.config["files"].get(ENCODER), pitches, channel)
    key = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogateescape")).hexdigest()
    return data_home() / "cache" / f"{key[:32]}.index"


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress | None]:
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("Indexing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(
    query: Path, index: Index, update: Update | None, matches: list[Match]
) -> dict[str, object]:
    return {
        "query": str(query),
        "folder": str(index.folder),
        "files": len(index.size),
        "windows": len(index),
        "update": None
        if update is None
        else {**update._asdict(), "failed": [list(item) for item in update.failed]},
        "found": [
            {
                "file": str(match.path),
                "distance": match.distance,
                "bar": match.bar + 1,
                "query_bar": match.query_bar + 1,
            }
            for match in matches
        ],
    }


def _print_found(folder: Path, matches: list[Match]) -> None:
    """A line a file, which is never wrapped or cut: paths are for pasting."""
    console = Console()
    for match in matches:
        below = folder / match.path.relative_to(folder.resolve())
        say(console, f"{match.distance:7.2f}  bar {match.bar + 1:<4} {below}")
    if not matches:
        say(console, "nothing else is there")
