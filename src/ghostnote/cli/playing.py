"""What the commands share that make one MIDI file out of another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
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
from ghostnote.cli.loops import PIPE
from ghostnote.errors import ConfigError

if TYPE_CHECKING:
    from ghostnote.cli.options import Writing
    from ghostnote.music.song import Song
    from ghostnote.pipeline.songs import SongReport

Files = Annotated[
    Sequence[Path],
    Parameter(name="files", negative=(), json_list=False, allow_leading_hyphen=True),
]
"""What such a command is given."""


class Outcome(NamedTuple):
    """What a file was made into.

    Attributes:
        content: the new file.
        remarks: what there is to say about it, in lines.
        plain: the same as values that JSON can hold.
    """

    content: bytes
    remarks: Sequence[str]
    plain: Mapping[str, object]


class Made(NamedTuple):
    """A file that was written."""

    source: Path | None
    file: Path
    outcome: Outcome


Make = Callable[[bytes, str], Outcome]
"""Out of the bytes of a file, and its name for messages."""


def make_files(
    files: Sequence[Path],
    make: Make,
    writing: Writing,
    about: Mapping[str, object],
    *,
    word: str,
    doing: str,
    done: str,
) -> int:
    """Each of `files` sent through `make` and written; ``-`` is read and written by pipes.

    Args:
        files: MIDI files, folders, or ``-`` alone.
        make: what is done.
        writing: where to.
        about: what is said of all: the model, the seed and so on.
        word: what is added to the names of files that are written beside others.
        doing: as in "Humanising".
        done: as in "humanised".

    Returns:
        1 if any file failed, otherwise 0.

    Raises:
        ConfigError: ``-`` stands beside other files, or with `--out` or `--json`; or a file looks
            like an option.
        GhostnoteError: as `make` does, for standard input.
    """
    for path in files:
        if path != PIPE and str(path).startswith("-"):
            raise ConfigError(
                f"unknown option {path}", remedy=f"see --help; a file so called is ./{path}"
            )
    if PIPE in files:
        _piped(files, make, writing)
        return 0
    suffix = ".mid" if writing.out is not None else f"-{word}.mid"
    sources = midi_files(files)
    targets = [target for (target,) in outputs(sources, writing.out, [suffix])]
    pairs = list(zip((source.path for source in sources), targets, strict=True))
    return _batch(pairs, make, writing, about, doing=doing, done=done)


def make_from_nothing(
    name: str, make: Make, writing: Writing, about: Mapping[str, object], *, doing: str, done: str
) -> int:
    """As `make_files`, for one file that has no source, and its name."""
    target = (writing.out or Path()) / f"{name}.mid"
    return _batch([(None, target)], make, writing, about, doing=doing, done=done)


def _batch(
    pairs: Sequence[tuple[Path | None, Path]],
    make: Make,
    writing: Writing,
    about: Mapping[str, object],
    *,
    doing: str,
    done: str,
) -> int:
    there = [target for _, target in pairs if writing.skip_existing and target.exists()]
    batch = process(
        [pair for pair in pairs if pair[1] not in there],
        lambda pair: _made(*pair, make, force=writing.force),
        what=doing,
        quiet=writing.silent,
    )
    if writing.as_json:
        document = {
            **about,
            done: [
                {
                    **({} if made.source is None else {"source": str(made.source)}),
                    "file": str(made.file),
                    **made.outcome.plain,
                }
                for made in batch.done
            ],
            "existing": [str(target) for target in there],
            "failed": failures(batch),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif not writing.quiet:
        console = Console()
        for made in batch.done:
            for remark in made.outcome.remarks:
                say(console, f"{made.file}: {remark}")
        if batch.done:
            say(console, ", ".join(f"{name} {value}" for name, value in about.items()))
        if there:
            say(console, f"{len(there)} left out, since they exist already")
    summarise(batch, done, quiet=writing.silent)
    return batch.exit_code


def _made(source: Path | None, target: Path, make: Make, *, force: bool) -> Made:
    from ghostnote.errors import GhostnoteError
    from ghostnote.files import write_bytes
    from ghostnote.music.midi import read_bytes

    refuse_existing([target], force=force)
    if source is None:
        outcome = make(b"", str(target))
    else:
        data = read_bytes(source)
        try:
            outcome = make(data, str(source))
        except GhostnoteError as error:
            raise error if error.source else error.at(source) from None
    write_bytes(target, outcome.content, overwrite=force)
    return Made(source, target, outcome)


def _piped(files: Sequence[Path], make: Make, writing: Writing) -> None:
    if len(files) > 1 or writing.out is not None or writing.as_json:
        raise ConfigError(
            "- reads standard input and writes standard output, and stands alone",
            remedy="leave out --out, --json and other files, or give files instead",
        )
    outcome = make(sys.stdin.buffer.read(), "standard input")
    sys.stdout.buffer.write(outcome.content)
    sys.stdout.buffer.flush()
    if not writing.quiet:
        for remark in outcome.remarks:
            say(Console(stderr=True), remark)


Played = tuple["Song", "SongReport"]


class More(NamedTuple):
    """A song that was played, and what there is to say besides its report, twice."""

    played: Played
    remarks: Sequence[str]
    plain: Mapping[str, object]


def of_song(play: Callable[[Song], Played | More]) -> Make:
    """Made out of a song: the song, played."""

    def make(data: bytes, source: str) -> Outcome:
        from ghostnote.music.song import parse_song

        song = parse_song(data, source=source)
        made = play(song)
        (played, report), remarks, more = made if isinstance(made, More) else More(made, (), {})
        warnings = song.performance.warnings
        plain = {**plain_song(report), **more, "warnings": list(warnings)}
        return Outcome(bytes(played), (*warnings, str(report), *remarks), plain)

    return make


def plain_song(report: SongReport) -> dict[str, object]:
    """What was done to a song, as values that JSON can hold."""
    others = {f"{above}/{below}": bars for (above, below), bars in report.other_meters.items()}
    return {**vars(report), "other_meters": others, "grid": plain_grid(report.grid)}


def listed(texts: Sequence[str]) -> list[str]:
    """The words in `texts`, each a list separated by commas."""
    return [name.strip() for text in texts for name in text.split(",")]
