"""What the commands share that make one MIDI file out of another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

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


class Output(NamedTuple):
    """Where files go, and what is said of them."""

    folder: Path | None
    suffix: str
    force: bool
    skip_existing: bool
    quiet: bool
    as_json: bool


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
    output: Output,
    about: Mapping[str, object],
    *,
    doing: str,
    done: str,
) -> int:
    """Each of `files` sent through `make` and written; ``-`` is read and written by pipes.

    Args:
        files: MIDI files, folders, or ``-`` alone.
        make: what is done.
        output: where to.
        about: what is said of all: the model, the seed and so on.
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
        _piped(files, make, output)
        return 0
    suffix = ".mid" if output.folder is not None else f"{output.suffix}.mid"
    sources = midi_files(files)
    targets = [target for (target,) in outputs(sources, output.folder, [suffix])]
    pairs = list(zip((source.path for source in sources), targets, strict=True))
    return _batch(pairs, make, output, about, doing=doing, done=done)


def make_from_nothing(
    name: str, make: Make, output: Output, about: Mapping[str, object], *, doing: str, done: str
) -> int:
    """As `make_files`, for one file that has no source, and the name that it would have."""
    target = (output.folder or Path()) / f"{name}{output.suffix}.mid"
    return _batch([(None, target)], make, output, about, doing=doing, done=done)


def _batch(
    pairs: Sequence[tuple[Path | None, Path]],
    make: Make,
    output: Output,
    about: Mapping[str, object],
    *,
    doing: str,
    done: str,
) -> int:
    there = [target for _, target in pairs if output.skip_existing and target.exists()]
    quiet = output.quiet or output.as_json
    batch = process(
        [pair for pair in pairs if pair[1] not in there],
        lambda pair: _made(*pair, make, force=output.force),
        what=doing,
        quiet=quiet,
    )
    if output.as_json:
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
    elif not quiet:
        console = Console()
        for made in batch.done:
            for remark in made.outcome.remarks:
                say(console, f"{made.file}: {remark}")
        if batch.done:
            say(console, ", ".join(f"{name} {value}" for name, value in about.items()))
        if there:
            say(console, f"{len(there)} left out, since they exist already")
    summarise(batch, done, quiet=quiet)
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


def _piped(files: Sequence[Path], make: Make, output: Output) -> None:
    if len(files) > 1 or output.folder is not None or output.as_json:
        raise ConfigError(
            "- reads standard input and writes standard output, and stands alone",
            remedy="leave out --out, --json and other files, or give files instead",
        )
    outcome = make(sys.stdin.buffer.read(), "standard input")
    sys.stdout.buffer.write(outcome.content)
    sys.stdout.buffer.flush()
    if not output.quiet:
        for remark in outcome.remarks:
            say(Console(stderr=True), remark)


def of_song(play: Callable[[Song], tuple[Song, SongReport]]) -> Make:
    """Made out of a song: the song, played."""

    def make(data: bytes, source: str) -> Outcome:
        from ghostnote.music.song import parse_song

        song = parse_song(data, source=source)
        played, report = play(song)
        warnings = song.performance.warnings
        others = {f"{above}/{below}": bars for (above, below), bars in report.other_meters.items()}
        plain = {
            "channel": report.channel,
            "bars": report.bars,
            "hits": report.hits,
            "kept": report.kept,
            "other_meters": others,
            "grid": plain_grid(report.grid),
            "warnings": list(warnings),
        }
        return Outcome(bytes(played), (*warnings, str(report)), plain)

    return make


def listed(texts: Sequence[str]) -> list[str]:
    """The words in `texts`, each a list separated by commas."""
    return [name.strip() for text in texts for name in text.split(",")]
