"""What commands over many files share: finding them, naming outputs, and going on after errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from rich.console import Console
from rich.text import Text

from ghostnote.errors import (
    BundleError,
    ConfigError,
    GhostnoteError,
    MidiError,
    MissingExtraError,
    OutputError,
)

if TYPE_CHECKING:
    from ghostnote.music.grid import GridReport

MIDI_SUFFIXES: Final = (".mid", ".midi")

Result_co = TypeVar("Result_co", covariant=True)


class Source(NamedTuple):
    """An input file, and its path below the folder that was asked for (a name, for a file)."""

    path: Path
    below: Path


@dataclass(frozen=True)
class Batch(Generic[Result_co]):
    """What came of many files: a result, or an error, for each."""

    done: tuple[Result_co, ...]
    failed: tuple[GhostnoteError, ...]

    @property
    def exit_code(self) -> int:
        """1 if any file failed, otherwise 0."""
        return 1 if self.failed else 0


def midi_files(paths: Iterable[Path]) -> list[Source]:
    """The files among `paths`, and the MIDI files at any depth in the folders, in sorted order.

    A file is taken whatever its name, and once, however often it is named.

    Raises:
        MidiError: nothing is given, or a folder holds no MIDI file.
    """
    found: dict[Path, Source] = {}
    for path in paths:
        sources = _inside(path) if path.is_dir() else [Source(path, Path(path.name))]
        for source in sources:
            found.setdefault(source.path.resolve(), source)
    if not found:
        raise MidiError("no file is given", remedy="give MIDI files, or folders of them")
    return list(found.values())


def _inside(folder: Path) -> list[Source]:
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in MIDI_SUFFIXES and path.is_file()
    )
    if not files:
        raise MidiError(
            f"holds no MIDI file ({', '.join(MIDI_SUFFIXES)})",
            source=folder,
            remedy="give another folder, or the files by name",
        )
    return [Source(path, path.relative_to(folder)) for path in files]


def outputs(
    sources: Sequence[Source], out: Path | None, suffixes: Sequence[str]
) -> list[tuple[Path, ...]]:
    """For each source the files to write, one a suffix (such as ``.wav``).

    They stand beside the source, or in the folder `out` as the source does in the folder that
    was asked for.

    Raises:
        OutputError: two sources would be written to one file.
    """
    writers: dict[Path, Path] = {}
    targets = []
    for path, below in sources:
        place = path if out is None else out / below
        stem = place.stem if place.suffix.lower() in MIDI_SUFFIXES else place.name
        files = tuple(place.with_name(stem + suffix) for suffix in suffixes)
        for file in files:
            if writers.setdefault(file, path) != path:
                raise OutputError(
                    f"both {writers[file]} and {path} would be written to it",
                    source=file,
                    remedy="convert them one by one, with different --out",
                )
        targets.append(files)
    return targets


def refuse_existing(files: Iterable[Path], *, force: bool) -> None:
    """Look before the work is done, which writing would find out only after it.

    Raises:
        OutputError: one of `files` exists, and `force` is false.
    """
    for file in files:
        if not force and file.exists():
            raise OutputError("exists already", source=file, remedy="use --force to overwrite it")


def named(choices: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """The formats in `choices`, each a list separated by commas; each once.

    Raises:
        ConfigError: one is not in `allowed`, or there is none.
    """
    names = [name.strip().lower() for text in choices for name in text.split(",") if name.strip()]
    for name in names:
        if name not in allowed:
            raise ConfigError(f"unknown format {name!r}", remedy=f"one of: {', '.join(allowed)}")
    if not names:
        raise ConfigError("no format is given", remedy=f"one of: {', '.join(allowed)}")
    return list(dict.fromkeys(names))


Item = TypeVar("Item")


def process(
    items: Sequence[Item], work: Callable[[Item], Result_co], *, what: str, quiet: bool
) -> Batch[Result_co]:
    """`work` on each item, whatever becomes of the others; a progress bar on standard error.

    Raises:
        MissingExtraError, ConfigError, BundleError: as soon as `work` does, since it would for
            every item.
    """
    from rich.progress import track

    done, failed = [], []
    console = Console(stderr=True)
    silent = quiet or len(items) == 1 or not console.is_terminal
    shown = track(items, what, console=console, transient=True, disable=silent)
    for item in shown:
        try:
            done.append(work(item))
        except (MissingExtraError, ConfigError, BundleError):
            raise
        except GhostnoteError as error:
            failed.append(error)
    return Batch(tuple(done), tuple(failed))


def summarise(batch: Batch[object], done: str, *, quiet: bool) -> None:
    """One line, ``12 written, 1 skipped: FILE: reason``, or a line for each of several errors.

    Errors go to standard error even if `quiet`.
    """
    if not batch.failed:
        if not quiet:
            say(Console(), f"{len(batch.done):,} {done}")
        return
    head = f"{len(batch.done):,} {done}, {len(batch.failed):,} skipped:"
    errors = [" ".join(str(error).splitlines()) for error in batch.failed]
    console = Console(stderr=True)
    if len(errors) == 1:
        say(console, f"{head} {errors[0]}")
    else:
        say(console, "\n  ".join((head, *errors)))


def say(console: Console, text: str) -> None:
    """Print `text` as it is: file names are no markup, and lines are for grep."""
    console.print(Text(text), soft_wrap=True, highlight=False)


def failures(batch: Batch[object]) -> list[dict[str, str | None]]:
    """The errors as values that JSON can hold."""
    return [
        {"source": error.source, "reason": error.reason, "remedy": error.remedy}
        for error in batch.failed
    ]


def plain_grid(report: GridReport) -> dict[str, object]:
    """What did not fit the grid or the map, as values that JSON can hold."""
    return {**vars(report), "unmapped": dict(report.unmapped)}
