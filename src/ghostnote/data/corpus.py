"""A corpus: takes with their columns and their grids, out of a cache that is built once."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.data import gmd, table
from ghostnote.data.cache import (
    OFFSET,
    TAKE_CRC,
    TAKE_START,
    VELOCITY,
    Array,
    Arrays,
    DamagedCacheError,
    Store,
    map_cache,
    pack_text,
    take_crc32,
    write_cache,
)
from ghostnote.data.home import GMD_NAME, data_home, registered
from ghostnote.data.source import INDEX_NAME, Files, Source, ZipSource, source_at
from ghostnote.errors import DataError, GhostnoteError, OutputError
from ghostnote.files import write_bytes
from ghostnote.music.grid import GridReport, grid_arrays, to_grid
from ghostnote.music.groove import Groove, Meter, steps_per_bar
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, load_map
from ghostnote.music.midi import DRUM_CHANNEL, Performance, parse_midi

IntArray = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""

logger = logging.getLogger(__name__)

COUNTS: Final = ("notes", "hits", "merged", "unmapped", "outside", "tempo_changes")
"""What became of the note-ons of a take; see `Take`."""

_FORMAT: Final = "ghostnote corpus 1"
_CODE: Final = ("music/midi.py", "music/grid.py", "data/corpus.py", "data/table.py")
"""The modules that decide what a cache holds: a change in one of them makes a new cache."""


@dataclass(frozen=True)
class Take:
    """One recording: the columns of ``info.csv``, and what the grid made of its notes.

    `bars` is its length in bars of its own meter. `notes` note-ons were played on the drum
    channel: `hits` of them are on the grid, `merged` gave way to a louder one in the same cell,
    `unmapped` have a pitch that the drum map does not know, and `outside` come more than half a
    step before the first bar. `tempo_changes` is how often the file changes its tempo, which a
    take does not.
    """

    drummer: str
    session: str
    id: str
    style: str
    bpm: float
    beat_type: str
    time_signature: str
    midi_filename: str
    audio_filename: str
    duration: float
    split: str
    bars: int
    notes: int
    hits: int
    merged: int
    unmapped: int
    outside: int
    tempo_changes: int

    @property
    def meter(self) -> Meter:
        """`time_signature` as two numbers."""
        return table.parse_meter(self.time_signature)

    @property
    def primary_style(self) -> str:
        """``rock`` where `style` is ``rock/halftime``."""
        return table.primary_style(self.style)


class Remark(NamedTuple):
    """What was wrong with a file of the source."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Corpus:
    """Takes of one source; `select` gives a view of some of them.

    Attributes:
        name: what the corpus was asked for by.
        source: the folder or zip it comes from.
        drum_map: how its pitches were read.
        store: the arrays of all takes of the source.
        rows: `[N]` int64, which takes of the store are in this view.
    """

    name: str
    source: Source
    drum_map: DrumMap
    store: Store
    rows: IntArray

    def __len__(self) -> int:
        """`N`, how many takes."""
        return len(self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process maps the same file, rather than get a copy of what is in it.
        return _reopen, (self.name, self.source, self.drum_map, self.rows)

    def __repr__(self) -> str:
        return f"Corpus({self.name}: {len(self):,} takes, {int(self.bars.sum()):,} bars)"

    # -- columns ---------------------------------------------------------------------------

    def numbers(self, column: str) -> npt.NDArray[Any]:
        """`[N]`: ``bpm`` and ``duration`` as float64, the `COUNTS` as int64."""
        if column not in (*table.NUMBER_COLUMNS, *COUNTS):
            raise table.unknown_column(column)
        return self.store.column(column)[self.rows]

    def texts(self, column: str) -> list[str]:
        """`N` values of a column of text."""
        if column not in table.TEXT_COLUMNS:
            raise table.unknown_column(column)
        values = self.store.texts(column)
        return [values[code] for code in self.store.column(column)[self.rows].tolist()]

    @cached_property
    def bars(self) -> IntArray:
        """`[N]`, the length of each take in bars of its own meter."""
        steps = np.diff(self.store.column(TAKE_START))[self.rows]
        return np.asarray(steps // self.steps_per_bar, np.int64)

    @property
    def takes(self) -> tuple[Take, ...]:
        """All takes of this view as values."""
        columns: list[list[Any]] = [
            self.texts(name) if name in table.TEXT_COLUMNS else self.numbers(name).tolist()
            for name in table.COLUMNS
        ]
        columns += [self.bars.tolist(), *(self.numbers(name).tolist() for name in COUNTS)]
        return tuple(Take(*values) for values in zip(*columns, strict=True))

    @property
    def skipped(self) -> tuple[Remark, ...]:
        """The files of the whole source that gave no take, and why."""
        return self._remarks("skipped")

    @property
    def repaired(self) -> tuple[Remark, ...]:
        """The files of the whole source that gave a take in spite of some damage."""
        return self._remarks("repaired")

    def _remarks(self, kind: str) -> tuple[Remark, ...]:
        names, reasons = self._all_texts(f"{kind}.name"), self._all_texts(f"{kind}.reason")
        return tuple(map(Remark, names, reasons))

    def _all_texts(self, column: str) -> list[str]:
        values = self.store.texts(column)
        return [values[code] for code in self.store.column(column).tolist()]

    # -- views and cells -------------------------------------------------------------------

    def select(self, **filters: table.Filter | None) -> Corpus:
        """The takes that pass all `filters`, each named for a column of `table.COLUMNS`.

        Text is compared whole (``style`` also by its primary style), numbers by a range such as
        ``"90:120"``; several texts mean any of them; `None` means no filter.

        Raises:
            DataError: an unknown column or value, or nothing passes.
        """
        asked = {name: wanted for name, wanted in filters.items() if wanted is not None}
        passes = np.ones(len(self), bool)
        for name, wanted in asked.items():
            if name in table.TEXT_COLUMNS:
                chosen = np.array(table.matches_text(name, self.store.texts(name), wanted))
                passes &= chosen[self.store.column(name)[self.rows]]
            elif name in table.NUMBER_COLUMNS:
                passes &= table.matches_number(name, self.numbers(name), wanted)
            else:
                raise table.unknown_column(name)
        if not passes.any():
            wish = ", ".join(f"{name} {wanted}" for name, wanted in asked.items())
            raise DataError(
                f"no take has {wish}",
                source=self.name,
                remedy="leave out or widen a filter; `ghostnote data info` shows what there is",
            )
        return replace(self, rows=self.rows[passes])

    @property
    def steps_per_bar(self) -> IntArray:
        """`[N]`, the steps in a bar of each take."""
        meters = map(table.parse_meter, self.store.texts("time_signature"))
        per_bar = np.array([steps_per_bar(meter) for meter in meters], np.int64)
        return per_bar[self.store.column("time_signature")[self.rows]]

    def in_meter(self, meter: Meter) -> npt.NDArray[np.bool_]:
        """`[N]`, which takes are in `meter`."""
        meters = map(table.parse_meter, self.store.texts("time_signature"))
        same = np.array([other == meter for other in meters])
        return same[self.store.column("time_signature")[self.rows]]

    def groove(self, index: int) -> Groove:
        """Take `index` of this view as a groove, at its own tempo and meter.

        Raises:
            DrumMapError: the corpus was read with a map that has classes of its own.
        """
        self.drum_map.of_nine()
        row = int(self.rows[index])
        velocity, offset = self.store.cells(self.rows[[index]])
        start, end = self.store.column(TAKE_START)[row : row + 2].tolist()
        meters = self.store.texts("time_signature")
        return Groove(
            velocity[start:end] > 0,
            np.divide(velocity[start:end], 127, dtype=np.float32),
            offset[start:end],
            float(self.store.column("bpm")[row]),
            table.parse_meter(meters[self.store.column("time_signature")[row]]),
        )

    def cells(
        self, takes: IntArray
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], IntArray]:
        """What is needed to gather rows of `takes` of this view, without a copy.

        Returns:
            velocity, offset: `[S, V]`, the rows of the whole store.
            start: `[len(takes)]`, the first row of each of `takes`.
        """
        rows = self.rows[takes]
        velocity, offset = self.store.cells(rows)
        return velocity, offset, self.store.column(TAKE_START)[rows]

    def hits_per_voice(self) -> IntArray:
        """`[V]`, hits of each voice over the takes of this view."""
        velocity, _ = self.store.cells(self.rows)
        start = self.store.column(TAKE_START)[:-1]
        per_take = np.add.reduceat(velocity > 0, start, dtype=np.int64)
        return np.asarray(per_take[self.rows].sum(axis=0))


def load_corpus(
    name_or_path: str | Path | None = None,
    *,
    drum_map: str | Path | DrumMap = DEFAULT_MAP,
    progress: Progress | None = None,
) -> Corpus:
    """A corpus: GMD by default, one that was added by name, or any folder or zip of MIDI.

    The first time, or after a change of the source, its files are parsed (`progress` counts
    them) into a cache in `data_home`; later, that file is memory-mapped.

    Raises:
        DataError: no such corpus, or nothing in it can be used.
        DrumMapError: no such drum map.
    """
    name = GMD_NAME if name_or_path is None else str(name_or_path)
    if not isinstance(drum_map, DrumMap):
        drum_map = load_map(drum_map)
    source = _find(name)
    store = open_store(source, drum_map, progress=progress)
    rows = np.arange(len(store.column(TAKE_CRC)))
    return Corpus(name, source, drum_map, store, rows)


def _reopen(name: str, source: Source, drum_map: DrumMap, rows: IntArray) -> Corpus:
    return Corpus(name, source, drum_map, open_store(source, drum_map), rows)


def _find(name: str) -> Source:
    if name == GMD_NAME:
        return gmd.locate()
    known = registered()
    path = known.get(name, Path(name).expanduser())
    if not path.exists():
        raise DataError(
            "no such corpus, file or folder" if name not in known else f"has gone from {path}",
            source=name,
            remedy=f"one of: {', '.join((GMD_NAME, *known))}; or a folder or zip of MIDI files",
        )
    return source_at(path)


# -- the cache -----------------------------------------------------------------------------


def open_store(source: Source, drum_map: DrumMap, *, progress: Progress | None = None) -> Store:
    """The arrays of `source`: mapped from the cache if it is there and whole, else parsed.

    A cache that cannot be written costs a warning and the parsing, each time.

    Raises:
        DataError: nothing in `source` can be used.
    """
    digest = _digest(source)
    if isinstance(source, ZipSource) and source.sha256 not in (None, digest):
        raise gmd.wrong_checksum(source.path, digest, str(source.sha256))
    pitches = json.dumps(drum_map.pitches)
    key = hashlib.sha256("\0".join((_FORMAT, _code(), digest, pitches)).encode()).hexdigest()
    metadata = {"format": _FORMAT, "key": key, "source": digest, "drum_map": pitches}
    path = data_home() / "cache" / f"{key[:32]}.safetensors"

    def parse() -> Arrays:
        arrays = build(source, drum_map, progress)
        try:
            write_cache(path, arrays, metadata)
        except OutputError as error:
            logger.warning("no cache is kept, so that each start parses anew: %s", error)
        return arrays

    def heal() -> Arrays:
        if source.digest() != digest:
            raise DataError("has changed since it was opened", source=source.path)
        return parse()

    try:
        store = map_cache(path, metadata)
    except DamagedCacheError as error:
        logger.warning("cache: %s %s; parsing the source again", path, error)
        return Store(parse())
    except OSError:
        return Store(parse())
    store.heal = heal
    return store


def _digest(source: Source) -> str:
    """The content hash of `source`, remembered for as long as the file system says that nothing
    has changed.
    """
    place = hashlib.sha256(os.fsencode(source.path)).hexdigest()
    memo = data_home() / "cache" / f"{place[:32]}.json"
    stamp = source.stamp()
    with suppress(OSError, ValueError, KeyError, TypeError):
        remembered = json.loads(memo.read_text("utf-8"))
        if remembered["stamp"] == stamp.text:
            return str(remembered["digest"])
    digest = source.digest()
    # A file may be written twice within one tick of the clock: what is quite new is hashed again.
    if time.time() - stamp.newest > 2:
        content = json.dumps({"path": str(source.path), "stamp": stamp.text, "digest": digest})
        with suppress(OutputError):
            write_bytes(memo, content.encode())
    return digest


def _code() -> str:
    home = resources.files("ghostnote")
    code = b"".join(home.joinpath(name).read_bytes() for name in _CODE)
    return hashlib.sha256(code).hexdigest()


# -- parsing -------------------------------------------------------------------------------


def build(source: Source, drum_map: DrumMap, progress: Progress | None = None) -> dict[str, Array]:
    """Read and grid all files of `source`: the arrays of a `Store`.

    A file that cannot be used is left out and listed with the reason.

    Raises:
        DataError: there are no files, or none can be used.
    """
    read: list[_Read] = []
    with source.open() as files, _uncollected():
        listed, skipped = _listed(files)
        for done, (name, row) in enumerate(listed, start=1):
            try:
                read.append(_read_take(name, row, files.read(name), drum_map))
            except GhostnoteError as error:
                skipped.append(Remark(name, error.reason))
            if progress is not None:
                progress(done, len(listed))
    if not read:
        reason = "holds no MIDI files"
        if skipped:
            reason = f"none of its {len(skipped):,} files can be used; {skipped[0].name} "
            reason += skipped[0].reason
        raise DataError(reason, source=source.path, remedy="give a folder or zip of drum MIDI")
    steps = np.array([0, *(len(take.velocity) for take in read)], np.int64)
    arrays: dict[str, Array] = {
        VELOCITY: np.concatenate([take.velocity for take in read]),
        OFFSET: np.concatenate([take.offset for take in read]),
        TAKE_START: np.cumsum(steps),
        TAKE_CRC: np.array([take_crc32(take.velocity, take.offset) for take in read], np.uint32),
    }
    for name in table.NUMBER_COLUMNS:
        arrays[name] = np.array([take.columns[name] for take in read], np.float64)
    for name in table.TEXT_COLUMNS:
        arrays |= pack_text(name, [str(take.columns[name]) for take in read])
    for index, name in enumerate(COUNTS):
        arrays[name] = np.array([take.counts[index] for take in read], np.int64)
    repaired = [
        Remark(str(take.columns["midi_filename"]), "; ".join(take.warnings))
        for take in read
        if take.warnings
    ]
    for kind, remarks in (("skipped", skipped), ("repaired", repaired)):
        arrays |= pack_text(f"{kind}.name", [remark.name for remark in remarks])
        arrays |= pack_text(f"{kind}.reason", [remark.reason for remark in remarks])
    return arrays


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection, which would look through the growing heap of arrays again and
    again, a tenth of the time, and find nothing: parsing makes no cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Read(NamedTuple):
    columns: dict[str, str | float]
    velocity: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.float32]
    counts: tuple[int, ...]
    warnings: tuple[str, ...]


def _listed(files: Files) -> tuple[list[tuple[str, dict[str, str]]], list[Remark]]:
    """The files to read, each with its row of ``info.csv`` if there is one, and those not to."""
    indices = [name for name in files.names if PurePosixPath(name).name == INDEX_NAME]
    midi = [name for name in files.names if name not in indices]
    if not indices:
        return [(name, {}) for name in midi], []
    index = min(indices, key=lambda name: (name.count("/"), name))
    root = index.removesuffix(INDEX_NAME)
    rows: dict[str, dict[str, str]] = {}
    skipped: list[Remark] = []
    for row in table.read_index(files.read(index), index):
        name = root + row["midi_filename"]
        if name in rows:
            skipped.append(Remark(name, f"is listed twice in {INDEX_NAME}: the first row counts"))
        else:
            rows[name] = row
    there = set(midi)
    skipped += (
        Remark(name, f"is listed in {INDEX_NAME} but not there") for name in rows.keys() - there
    )
    skipped += (Remark(name, f"is not listed in {INDEX_NAME}") for name in there - rows.keys())
    listed = [(name, row) for name, row in rows.items() if name in there]
    return listed, sorted(skipped, key=lambda skip: skip.name)


def _read_take(name: str, row: dict[str, str], content: bytes, drum_map: DrumMap) -> _Read:
    performance = parse_midi(content, source=name)
    bpm = performance.bpm
    if row.get("time_signature"):
        meter = table.parse_meter(row["time_signature"])
        velocity, offset, report = _grid(performance, drum_map, meter)
    else:
        # The file decides, which takes a closer look: it may change its meter.
        grid, report = to_grid(performance, drum_map)
        velocity, offset, bpm, meter = grid.velocity, grid.offset, grid.bpm, grid.meter
    if not report.hits:
        raise DataError(f"has no hit that the drum map {drum_map.name} knows", source=name)
    unmapped = sum(report.unmapped.values())
    return _Read(
        table.complete(
            row,
            name,
            content,
            lambda: table.Described(bpm, meter, float(performance.seconds(performance.end))),
        ),
        velocity,
        offset,
        (report.notes, report.hits, report.merged, unmapped, report.outside, report.tempo_changes),
        performance.warnings,
    )


def _grid(
    performance: Performance, drum_map: DrumMap, meter: Meter
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], GridReport]:
    """The drums of a file in bars of `meter`, whatever the file itself says of meters."""
    if (performance.channel != DRUM_CHANNEL - 1).any():
        performance = performance.channels(DRUM_CHANNEL)
    velocity, offset, report = grid_arrays(
        performance.onset,
        performance.pitch,
        performance.velocity,
        performance.ticks_per_beat,
        drum_map,
        bar=steps_per_bar(meter),
        start=performance.start,
        stop=performance.stop,
    )
    tempos = [tempo for _, tempo in performance.tempos]
    changes = sum(before != after for before, after in pairwise(tempos))
    return velocity, offset, replace(report, tempo_changes=changes) if changes else report
