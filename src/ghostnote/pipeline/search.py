"""Nearest grooves of a folder in the latent space, by an index that is kept in a file.

The index holds the posterior mean of every window of every file. The distance of two windows is
that of their means, each number of z measured in what a posterior's standard deviation is on
average: it finds other windows of the same take as well as the symmetrised divergence of the two
posteriors does, and much better than the plain distance, and is no more than a matrix product
(`benchmarks/search.py --distances`).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import ENCODER
from ghostnote.errors import ConfigError, DataError, GhostnoteError
from ghostnote.files import write_bytes
from ghostnote.music.grid import to_groove
from ghostnote.music.groove import Groove
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, builtin_map
from ghostnote.music.midi import parse_midi
from ghostnote.music.song import drum_channel_of
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.pipeline.sampling import draw_windows
from ghostnote.pipeline.windows import windows_of
from ghostnote.runtime import FloatArray, Runtime

Progress = Callable[[int, int], None]
"""Called with how many files are done, and how many there are to do."""

SUFFIXES: Final = (".mid", ".midi")

_FORMAT: Final = "ghostnote index 1"
_CHUNK: Final = 16384
"""Rows that are compared at once, so that what is computed stays in the processor's cache."""
_ENCODED: Final = 256
_SAVED_EVERY: Final = 20.0
"""Seconds of work that an interruption may cost."""
_LARGEST_HEADER: Final = 2**24
_DRAWN: Final = 256


class Match(NamedTuple):
    """A file that is near: its bars from `bar` on are, to those of the query from `query_bar` on.

    Bars are counted from 0. `distance` is that of the posterior means, in standard deviations.
    """

    path: Path
    distance: float
    bar: int
    query_bar: int


class Update(NamedTuple):
    """What became of the files of a folder: `read` were new or changed, `kept` were not.

    `moved` were known under another name or time, `removed` are gone; `failed` are those among all
    that hold nothing to search for, with the reason.
    """

    read: int
    kept: int
    moved: int
    removed: int
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Index:
    """Windows of the files of a folder: `N` windows of `F` files.

    Attributes:
        folder: where the files are.
        about: which model, drum map and channel they were read with.
        mu: `[N, Z]` float32, posterior means; file by file.
        sigma: `[Z]` float32, in what the numbers of z are measured.
        bar: `[N]` int32, the first bar of each window.
        start: `[F + 1]` int64; file `i` has the windows ``start[i]:start[i + 1]``.
        names: UTF-8 of all names, below `folder`; ``name_end`` `[F]` says where each ends.
        size, mtime: `[F]` int64, bytes and nanoseconds.
        sha256: `[F, 32]` uint8.
        reasons: name → why a file has no windows.
    """

    folder: Path
    about: Mapping[str, str]
    mu: FloatArray
    sigma: FloatArray
    bar: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    names: npt.NDArray[np.uint8]
    name_end: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    mtime: npt.NDArray[np.int64]
    sha256: npt.NDArray[np.uint8]
    reasons: Mapping[str, str]

    def __len__(self) -> int:
        """`N`."""
        return len(self.mu)

    def name(self, file: int) -> str:
        """The name of a file, below `folder`."""
        begin = int(self.name_end[file - 1]) if file else 0
        return (
            self.names[begin : int(self.name_end[file])]
            .tobytes()
            .decode("utf-8", "surrogateescape")
        )

    def nearest(self, z: npt.NDArray[Any], n: int, *, without: Path | None = None) -> list[Match]:
        """The `n` files with a window nearest to any of `z` `[Q, Z]`, the nearest first.

        The file `without` is left out. Equal distances are in the order of the names.
        """
        query, weight = z.astype(np.float32), self.sigma**-2
        squares = np.empty(len(self), np.float32)
        own = query**2 @ weight
        for begin in range(0, len(self), _CHUNK):
            rows = self.mu[begin : begin + _CHUNK]
            apart = (rows @ (-2 * weight[:, None] * query.T) + own).min(1)
            squares[begin : begin + _CHUNK] = apart + rows**2 @ weight
        filled = np.flatnonzero(np.diff(self.start))
        if not len(filled):
            return []
        best = np.minimum.reduceat(squares, self.start[filled])
        # What a sum of squares rounds away is made good on more candidates than are asked for.
        wanted = min(2 * n + 16, len(filled))
        found = []
        for place in np.argpartition(best, wanted - 1)[:wanted].tolist():
            file = int(filled[place])
            own_rows = slice(int(self.start[file]), int(self.start[file + 1]))
            apart = (self.mu[own_rows, None].astype(np.float64) - query) / self.sigma
            distance = np.sqrt((apart**2).sum(-1))
            window, asked = np.unravel_index(distance.argmin(), distance.shape)
            path = self.folder / self.name(file)
            bar = int(self.bar[own_rows][window])
            found.append((float(distance[window, asked]), file, path, bar, int(asked)))
        ordered = [item for item in sorted(found) if item[2] != without]
        return [Match(path, apart, bar, asked) for apart, _, path, bar, asked in ordered[:n]]


def search(
    groove: Groove,
    index: Index,
    n: int = 10,
    *,
    model: Model = DEFAULT,
    without: Path | None = None,
) -> list[Match]:
    """The `n` files of `index` that hold the windows nearest to one of `groove`, nearest first.

    Args:
        groove: in the model's meter, of any length.
        index: made by the same model.
        n: how many.
        model: a bundle, its name or its folder; or a `Runtime`.
        without: a file to leave out, such as the groove's own.

    Raises:
        ConfigError: `n` is less than 1, or the index was made by another model.
        GrooveError: `groove` is in another meter.
    """
    if n < 1:
        raise ConfigError(f"{n} grooves cannot be searched for", remedy="ask for 1 or more")
    runtime = runtime_of(model)
    if index.about["encoder"] != runtime.bundle.config["files"].get(ENCODER):
        raise ConfigError(
            f"the index was made by {index.about['model']}, not by this {runtime.bundle.name}",
            remedy="search with that model, or make another index",
        )
    mu, _ = runtime.encode(windows_of(groove, runtime.bundle))
    matches = index.nearest(mu, n, without=without)
    return [match._replace(query_bar=match.query_bar * runtime.bundle.bars) for match in matches]


# -- making and keeping an index -------------------------------------------------------------


class _File(NamedTuple):
    """What an index knows of a file."""

    name: str
    size: int
    mtime: int
    sha256: bytes
    mu: FloatArray
    bar: npt.NDArray[np.int32]
    reason: str = ""


def update_index(
    file: Path,
    folder: Path,
    *,
    model: Model = DEFAULT,
    drum_map: DrumMap | None = None,
    channel: int | None = None,
    progress: Progress | None = None,
) -> tuple[Index, Update]:
    """The index of the MIDI files at any depth in `folder`, kept in `file` and brought up to date.

    A file whose size and time are as they were is not read again, one whose content is known is
    not encoded again. What is done is saved now and then, and when the work is interrupted, so
    that the next call goes on from there.

    Args:
        file: where the index is, or will be.
        folder: where the grooves are.
        model: a bundle, its name or its folder; or a `Runtime`.
        drum_map: which pitches play which voice; the default map, if not given.
        channel: of the drums, 1 to 16; of each file found by `drum_channel` where None.
        progress: called with how many files are done, and how many there are to do.

    Raises:
        DataError: `folder` holds no MIDI file, or `file` is no index of it by this model.
        OutputError: `file` cannot be written.
    """
    runtime = runtime_of(model)
    pitches = (drum_map or builtin_map(DEFAULT_MAP)).of_nine()
    about = {
        "model": runtime.bundle.name,
        "encoder": str(runtime.bundle.config["files"].get(ENCODER)),
        "pitches": json.dumps(pitches.pitches),
        "channel": "found" if channel is None else str(channel),
    }
    folder = folder.resolve()
    try:
        listed = dict(sorted(_listed(folder)))
    except OSError as error:
        raise DataError(
            f"cannot be searched: {error.strerror}", source=folder, remedy="give another folder"
        ) from error
    if not listed:
        raise DataError(
            f"holds no MIDI file ({', '.join(SUFFIXES)})",
            source=folder,
            remedy="give another folder",
        )
    old: dict[str, _File] = {}
    if file.exists():
        index = open_index(file)
        if index.folder != folder or dict(index.about) != about:
            raise DataError(
                f"is the index of {index.folder} by {index.about['model']}, or was read otherwise",
                source=file,
                remedy="name another file with --index, or delete this one",
            )
        if _is_of(index, listed):
            return index, Update(0, len(listed), 0, 0, tuple(sorted(index.reasons.items())))
        old = {one.name: one for one in _files(index)}
        sigma = index.sigma
    else:
        sigma = spread(runtime)
    new = {
        name: old[name]
        for name, (size, mtime) in listed.items()
        if name in old and (old[name].size, old[name].mtime) == (size, mtime)
    }
    kept = len(new)
    known = {one.sha256: one for one in old.values()}
    todo = [name for name in listed if name not in new]
    moved = 0
    saved = time.monotonic()
    try:
        for done, part in _parts(todo, folder, listed, known, runtime, pitches, channel):
            new |= {one.name: one for one in part}
            moved += sum(one.sha256 in known for one in part)
            if progress is not None:
                progress(done, len(todo))
            if time.monotonic() - saved > _SAVED_EVERY:
                _save(file, folder, about, sigma, new)
                saved = time.monotonic()
    except KeyboardInterrupt:
        _save(file, folder, about, sigma, new)
        raise
    removed = len(old.keys() - listed.keys())
    if todo or removed or not file.exists():
        _save(file, folder, about, sigma, new)
    failed = tuple((one.name, one.reason) for _, one in sorted(new.items()) if one.reason)
    report = Update(len(todo) - moved, kept, moved, removed, failed)
    return open_index(file), report


def spread(runtime: Runtime) -> FloatArray:
    """The mean standard deviation of a model's posteriors `[Z]`, over windows that it drew itself.

    It depends on the model alone, so that distances mean the same in every index.
    """
    bundle = runtime.bundle
    x, _ = draw_windows(runtime, 0, range(_DRAWN), bundle.temperature)
    _, sigma = runtime.encode(x)
    return np.asarray(sigma.mean(0))


def _listed(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names below `folder`, with sizes and times. Links to folders are not followed."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as entries:
            for entry in entries:
                name = f"{below}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif name.lower().endswith(SUFFIXES) and entry.is_file():
                    status = entry.stat()
                    yield name, (status.st_size, status.st_mtime_ns)


def _is_of(index: Index, listed: Mapping[str, tuple[int, int]]) -> bool:
    """Whether the files are those of the index, and as they were; `listed` is sorted by name."""
    stamps = np.array(list(listed.values()), np.int64).reshape(-1, 2)
    names = [_encoded(name) for name in listed]
    return (
        np.array_equal(index.size, stamps[:, 0])
        and np.array_equal(index.mtime, stamps[:, 1])
        and np.array_equal(index.name_end, np.cumsum([len(name) for name in names]))
        and index.names.tobytes() == b"".join(names)
    )


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _parts(  # noqa: PLR0917 - what one file is read with
    names: Sequence[str],
    folder: Path,
    listed: Mapping[str, tuple[int, int]],
    known: Mapping[bytes, _File],
    runtime: Runtime,
    drum_map: DrumMap,
    channel: int | None,
) -> Iterator[tuple[int, list[_File]]]:
    """The files `names`, some at a time: how many are done, and what they are."""
    part: list[_File] = []
    waiting: list[FloatArray] = []

    def encoded() -> list[_File]:
        if not waiting:
            return part
        mu, _ = runtime.encode(np.concatenate(waiting))
        ends = np.cumsum([len(x) for x in waiting])
        rows = iter(np.split(mu, ends[:-1]))
        return [one if one.reason or len(one.mu) else one._replace(mu=next(rows)) for one in part]

    for done, name in enumerate(names, start=1):
        size, mtime = listed[name]
        silent = _File(name, size, mtime, b"", _none(runtime), np.zeros(0, np.int32))
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            part.append(silent._replace(sha256=bytes(32), reason=error.strerror or str(error)))
            continue
        digest = hashlib.sha256(content).digest()
        if digest in known:
            part.append(known[digest]._replace(name=name, size=size, mtime=mtime))
            continue
        try:
            performance = parse_midi(content, source=name)
            chosen = drum_channel_of(performance, content, drum_map, channel)
            groove, _ = to_groove(performance, drum_map, channel=chosen)
            x = windows_of(groove, runtime.bundle)
        except GhostnoteError as error:
            part.append(silent._replace(sha256=digest, reason=error.reason))
            continue
        waiting.append(x)
        bars = np.arange(len(x), dtype=np.int32) * runtime.bundle.bars
        part.append(silent._replace(sha256=digest, bar=bars))
        if sum(map(len, waiting)) >= _ENCODED:
            yield done, encoded()
            part, waiting = [], []
    yield len(names), encoded()


def _none(runtime: Runtime) -> FloatArray:
    return np.zeros((0, runtime.bundle.latent), np.float32)


def _files(index: Index) -> Iterator[_File]:
    for file, (begin, end) in enumerate(pairwise(index.start.tolist())):
        name = index.name(file)
        yield _File(
            name,
            int(index.size[file]),
            int(index.mtime[file]),
            index.sha256[file].tobytes(),
            index.mu[begin:end],
            index.bar[begin:end],
            index.reasons.get(name, ""),
        )


_ARRAYS: Final[dict[str, Any]] = {
    "start": np.int64,
    "name_end": np.int64,
    "size": np.int64,
    "mtime": np.int64,
    "mu": np.float32,
    "sigma": np.float32,
    "bar": np.int32,
    "names": np.uint8,
    "sha256": np.uint8,
}
"""Of the file, in their order: wide elements first, so that each array is aligned."""


def _save(
    file: Path,
    folder: Path,
    about: Mapping[str, str],
    sigma: FloatArray,
    files: Mapping[str, _File],
) -> None:
    ordered = [one for _, one in sorted(files.items())]
    texts = [_encoded(one.name) for one in ordered]
    counts = np.array([len(one.mu) for one in ordered], np.int64)
    none = np.zeros((0, len(sigma)), np.float32)
    save_index(
        file,
        Index(
            folder=folder,
            about=about,
            mu=np.concatenate([none, *(one.mu for one in ordered)]),
            sigma=sigma,
            bar=np.concatenate([np.zeros(0, np.int32), *(one.bar for one in ordered)]),
            start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            names=np.frombuffer(b"".join(texts), np.uint8),
            name_end=np.cumsum([len(text) for text in texts]).astype(np.int64),
            size=np.array([one.size for one in ordered], np.int64),
            mtime=np.array([one.mtime for one in ordered], np.int64),
            sha256=np.frombuffer(b"".join(one.sha256 for one in ordered), np.uint8).reshape(-1, 32),
            reasons={one.name: one.reason for one in ordered if one.reason},
        ),
    )


def save_index(file: Path, index: Index) -> None:
    """Write `index` to `file`, atomically, in the layout of safetensors.

    Raises:
        OutputError: it cannot be written.
    """
    from safetensors.numpy import save

    metadata = {
        "format": _FORMAT,
        "folder": str(index.folder),
        "about": json.dumps(dict(index.about)),
        "reasons": json.dumps(dict(index.reasons)),
    }
    tensors = {
        name: np.ascontiguousarray(getattr(index, name), kind) for name, kind in _ARRAYS.items()
    }
    write_bytes(file, save(tensors, metadata))


def open_index(file: Path) -> Index:
    """The index in `file`, memory-mapped.

    Raises:
        DataError: there is none, or it is damaged.
    """
    remedy = "name another file, or delete this one, and the index is made anew"
    try:
        data: npt.NDArray[np.uint8] = np.asarray(np.memmap(file, np.uint8, mode="r"))
        length = int.from_bytes(data[:8].tobytes(), "little")
        if not 2 <= length <= min(_LARGEST_HEADER, len(data) - 8):
            raise ValueError("it has no header")
        header = json.loads(data[8 : 8 + length].tobytes())
        metadata = header.pop("__metadata__")
        if metadata["format"] != _FORMAT:
            raise ValueError(f"its format is {metadata['format']!r}")
        arrays = {}
        for name, kind in _ARRAYS.items():
            begin, end = header[name]["data_offsets"]
            raw = data[8 + length + begin : 8 + length + end]
            arrays[name] = raw.view(kind).reshape(header[name]["shape"])
        index = Index(
            folder=Path(metadata["folder"]),
            about=json.loads(metadata["about"]),
            reasons=json.loads(metadata["reasons"]),
            **arrays,
        )
        files = len(index.size)
        fits = (
            len(index.start) == files + 1
            and len(index.name_end) == len(index.mtime) == len(index.sha256) == files
            and len(index.bar) == len(index.mu) == index.start[-1]
            and index.mu.shape[1:] == index.sigma.shape
        )
        if not fits:
            raise ValueError("its parts do not fit one another")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", source=file, remedy=remedy) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"is no index: {error}", source=file, remedy=remedy) from error
    return index
