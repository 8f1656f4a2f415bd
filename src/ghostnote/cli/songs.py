"""What the commands that give whole songs back share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import (
    Batch,
    failures,
    midi_files,
    outputs,
    process,
    refuse_existing,
    say,
    summarise,
)
from ghostnote.errors import ConfigError

if TYPE_CHECKING:
    from ghostnote.music.song import Song
    from ghostnote.pipeline.songs import SongReport

PIPE: Final = Path("-")
"""Standard input, and with it standard output."""

Files = Annotated[
    Sequence[Path],
    Parameter(name="files", negative=(), json_list=False, allow_leading_hyphen=True),
]
"""What such a command is given."""


class Played(NamedTuple):
    """A song that was played anew."""

    source: Path
    file: Path
    report: SongReport
    warnings: tuple[str, ...]


class Output(NamedTuple):
    """Where files go, and what is said of them."""

    folder: Path | None
    suffix: str
    force: bool
    skip_existing: bool
    quiet: bool
    as_json: bool


def play_songs(
    files: Sequence[Path],
    play: Callable[[Song], tuple[Song, SongReport]],
    output: Output,
    about: Mapping[str, object],
    *,
    doing: str,
    done: str,
) -> int:
    """Each of `files` sent through `play` and written; ``-`` is read and written by pipes.

    Args:
        files: MIDI files, folders, or ``-`` alone.
        play: what is done to a song.
        output: where to.
        about: what JSON says of all: the model, the seed and so on.
        doing: as in "Humanising".
        done: as in "humanised".

    Returns:
        1 if any file failed, otherwise 0.

    Raises:
        ConfigError: ``-`` stands beside other files, or with `--out` or `--json`.
        GhostnoteError: as `play` does, for standard input.
    """
    if PIPE in files:
        _piped(files, play, output)
        return 0
    from ghostnote.errors import GhostnoteError
    from ghostnote.music.song import read_song, write_song

    suffix = ".mid" if output.folder is not None else f"{output.suffix}.mid"
    sources = midi_files(files)
    targets = [target for (target,) in outputs(sources, output.folder, [suffix])]
    pairs = list(zip((source.path for source in sources), targets, strict=True))
    there = [target for _, target in pairs if output.skip_existing and target.exists()]

    def one(pair: tuple[Path, Path]) -> Played:
        source, target = pair
        refuse_existing([target], force=output.force)
        song = read_song(source)
        try:
            played, report = play(song)
        except GhostnoteError as error:
            raise error.at(source) from None
        write_song(target, played, overwrite=output.force)
        return Played(source, target, report, song.performance.warnings)

    quiet = output.quiet or output.as_json
    batch = process([pair for pair in pairs if pair[1] not in there], one, what=doing, quiet=quiet)
    if output.as_json:
        document = {
            **about,
            done: [_plain(song) for song in batch.done],
            "existing": [str(target) for target in there],
            "failed": failures(batch),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif not quiet:
        _print(batch, there, about)
    summarise(batch, done, quiet=quiet)
    return batch.exit_code


def _piped(
    files: Sequence[Path], play: Callable[[Song], tuple[Song, SongReport]], output: Output
) -> None:
    from ghostnote.music.song import parse_song

    if len(files) > 1 or output.folder is not None or output.as_json:
        raise ConfigError(
            "- reads standard input and writes standard output, and stands alone",
            remedy="leave out --out, --json and other files, or give files instead",
        )
    song = parse_song(sys.stdin.buffer.read(), source="standard input")
    played, report = play(song)
    sys.stdout.buffer.write(bytes(played))
    sys.stdout.buffer.flush()
    if not output.quiet:
        console = Console(stderr=True)
        for remark in (*song.performance.warnings, str(report)):
            say(console, remark)


def _print(batch: Batch[Played], there: Sequence[Path], about: Mapping[str, object]) -> None:
    console = Console()
    for song in batch.done:
        for remark in song.warnings:
            say(console, f"{song.source}: {remark}")
        say(console, f"{song.file}: {song.report}")
    if there:
        say(console, f"{len(there)} left out, since they exist already")
    if batch.done:
        say(console, ", ".join(f"{name} {value}" for name, value in about.items()))


def _plain(song: Played) -> dict[str, object]:
    report = song.report
    return {
        "source": str(song.source),
        "file": str(song.file),
        "channel": report.channel,
        "bars": report.bars,
        "hits": report.hits,
        "kept": report.kept,
        "other_meters": {
            f"{above}/{below}": bars for (above, below), bars in report.other_meters.items()
        },
        "grid": {**vars(report.grid), "unmapped": dict(report.grid.unmapped)},
        "warnings": list(song.warnings),
    }
