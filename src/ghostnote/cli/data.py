"""``ghostnote data``: fetch the Groove MIDI Dataset, look into a corpus, add one's own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from ghostnote.data.corpus import COUNTS, Corpus, Remark, load_corpus
from ghostnote.data.home import GMD_NAME, name_for, register
from ghostnote.data.source import source_at
from ghostnote.data.table import SPLITS
from ghostnote.music.kit import DEFAULT_MAP

app = App(
    name="data",
    help="""Fetch the Groove MIDI Dataset, look into it, add your own.

Example: ghostnote data info --style rock --bpm 90:120""",
)

_REMARKS_SHOWN = 10


@Parameter(name="*", negative_iterable=())
@dataclass(frozen=True)
class Filters:
    """Which takes; without any, all of them."""

    drummer: tuple[str, ...] | None = None
    """Drummer; like every filter on text, it may be given several times, for any of them."""
    session: tuple[str, ...] | None = None
    """Recording session, such as drummer1/session2."""
    id: tuple[str, ...] | None = None
    """Id of a single take."""
    style: tuple[str, ...] | None = None
    """Style, primary (rock) or in full (rock/halftime)."""
    bpm: str | None = None
    """Tempo: 120, or a range 90:120, 90: or :120."""
    beat_type: tuple[str, ...] | None = None
    """beat or fill."""
    time_signature: tuple[str, ...] | None = None
    """Meter, such as 4-4."""
    midi_filename: tuple[str, ...] | None = None
    """MIDI file, as the corpus names it."""
    audio_filename: tuple[str, ...] | None = None
    """Recording, as the corpus names it."""
    duration: str | None = None
    """Length in seconds: a range such as 10:60."""
    split: tuple[str, ...] | None = None
    """train, validation or test."""

    def select(self, corpus: Corpus) -> Corpus:
        """The takes of `corpus` that pass. Raises as `Corpus.select` does."""
        return corpus.select(**{name: value or None for name, value in asdict(self).items()})


@app.command
def fetch(
    *,
    source: Annotated[Path | None, Parameter(name="--from")] = None,
    to: Path | None = None,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Download the Groove MIDI Dataset (3 MB), check it, and unpack it.

    A download that broke off is resumed. What is there already is left alone.

    Parameters
    ----------
    source
        A zip or unpacked folder on this machine to take instead of downloading.
    to
        Folder to put it into, in place of ghostnote's own.
    quiet
        Print nothing but errors.
    """
    from ghostnote.data.fetch import fetch as fetch_gmd

    with _progress("Fetching", DownloadColumn(), TransferSpeedColumn(), quiet=quiet) as report:
        folder = fetch_gmd(to, source=source, progress=report)
    if not quiet:
        Console().print(f"The Groove MIDI Dataset is in {folder}", soft_wrap=True, highlight=False)


@app.command
def add(
    folder: Path,
    /,
    *,
    name: str | None = None,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Give a folder or zip of drum MIDI files a name, to use it in place of GMD.

    Its files are parsed now, and again when they change. An info.csv in it is honoured.

    Parameters
    ----------
    folder
        The folder, searched at any depth, or zip.
    name
        What to call it. [default: the folder's name]
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer, magenta-full (61 classes) or a TOML file.
    force
        Take the name from another folder that has it.
    quiet
        Print nothing but errors.
    """
    source = source_at(folder)
    with _progress("Parsing", MofNCompleteColumn(), quiet=quiet) as report:
        corpus = load_corpus(source.path, drum_map=drum_map, progress=report)
    chosen = name_for(source.path) if name is None else name
    register(chosen, source.path, replace=force)
    if quiet:
        return
    console = Console()
    splits = Counter(corpus.texts("split"))
    console.print(
        f"{chosen}: {len(corpus):,} takes, {int(corpus.bars.sum()):,} bars "
        f"({', '.join(f'{splits[split]:,} {split}' for split in SPLITS)})",
        highlight=False,
        soft_wrap=True,
    )
    _print_remarks(console, "skipped", corpus.skipped)
    _print_remarks(console, "repaired", corpus.repaired)


@app.command
def info(
    corpus: str = GMD_NAME,
    /,
    *,
    filters: Filters = Filters(),
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Print what a corpus holds, and what the grid drops of it.

    Parameters
    ----------
    corpus
        gmd, a name that was added, or the path of a folder or zip.
    filters
        Which takes to count.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer, magenta-full (61 classes) or a TOML file.
    as_json
        Print one JSON object.
    """
    with _progress("Parsing", MofNCompleteColumn(), quiet=as_json) as report:
        loaded = load_corpus(corpus, drum_map=drum_map, progress=report)
    selected = filters.select(loaded)
    summary = summarise(selected)
    console = Console()
    if as_json:
        # Not through rich, which would wrap lines.
        console.file.write(json.dumps(summary, indent=2) + "\n")
    else:
        _print_summary(console, summary)
        _print_remarks(console, "skipped", selected.skipped)
        _print_remarks(console, "repaired", selected.repaired)


def summarise(corpus: Corpus) -> dict[str, Any]:
    """What ``info`` prints, as values that JSON can hold."""
    bpm = corpus.numbers("bpm")
    per_voice = corpus.hits_per_voice().tolist()
    return {
        "corpus": corpus.name,
        "source": str(corpus.source.path),
        "takes": len(corpus),
        "bars": int(corpus.bars.sum()),
        "hours": round(float(corpus.numbers("duration").sum()) / 3600, 2),
        "splits": _counted(corpus.texts("split")),
        "beat_types": _counted(corpus.texts("beat_type")),
        "meters": _counted(corpus.texts("time_signature")),
        "bpm": {"lowest": float(bpm.min()), "highest": float(bpm.max())},
        "drummers": _counted(corpus.texts("drummer")),
        "styles": _counted(corpus.texts("style")),
        "hits_per_voice": dict(zip(corpus.drum_map.voices, per_voice, strict=True)),
        **{name: int(corpus.numbers(name).sum()) for name in COUNTS},
        "skipped": [remark._asdict() for remark in corpus.skipped],
        "repaired": [remark._asdict() for remark in corpus.repaired],
    }


def _counted(values: list[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _print_summary(console: Console, summary: dict[str, Any]) -> None:
    bpm, notes = summary["bpm"], summary["notes"]
    console.print(
        f"{summary['corpus']}: {summary['takes']:,} takes, {summary['bars']:,} bars, "
        f"{summary['hours']:.1f} hours, {bpm['lowest']:g} to {bpm['highest']:g} bpm",
        highlight=False,
        soft_wrap=True,
    )
    for title, key in (
        ("splits", "splits"), ("beat types", "beat_types"), ("meters", "meters"),
        ("drummers", "drummers"), ("styles", "styles"),
    ):  # fmt: skip
        entries = ", ".join(f"{value} {count:,}" for value, count in summary[key].items())
        console.print(f"[bold]{title}[/]: {entries}", highlight=False)
    table = Table("voice", box=None, header_style="bold", pad_edge=False)
    table.add_column("hits", justify="right")
    table.add_column("share", justify="right")
    for voice, hits in summary["hits_per_voice"].items():
        table.add_row(voice, f"{hits:,}", f"{hits / max(summary['hits'], 1):.1%}")
    console.print(table)
    lost = notes - summary["hits"]
    console.print(
        f"{notes:,} notes played; the grid keeps {summary['hits']:,} and drops {lost:,} "
        f"({lost / max(notes, 1):.1%}): {summary['merged']:,} merged with a louder one in the same "
        f"step, {summary['unmapped']:,} of a pitch that the drum map does not know, "
        f"{summary['outside']:,} before the first bar; {summary['tempo_changes']:,} tempo changes "
        "are ignored",
        highlight=False,
    )


def _print_remarks(console: Console, what: str, remarks: Sequence[Remark]) -> None:
    if not remarks:
        return
    console.print(f"{len(remarks):,} file{'s' * (len(remarks) != 1)} {what}:", highlight=False)
    for remark in remarks[:_REMARKS_SHOWN]:
        console.print(f"  {remark.name}: {remark.reason}", highlight=False, markup=False)
    if len(remarks) > _REMARKS_SHOWN:
        console.print(f"  … and {len(remarks) - _REMARKS_SHOWN:,} more; --json lists all")


@contextmanager
def _progress(what: str, *columns: Any, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error that appears when there is something to do."""
    bar = Progress(
        TextColumn(what), BarColumn(), *columns, TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, disable=quiet,
    )  # fmt: skip
    task = bar.add_task(what, start=True, visible=False)

    def report(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total, visible=True)

    with bar:
        yield report
