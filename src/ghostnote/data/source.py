"""Where a corpus comes from: a zip, read in place, or a folder.

Nothing is unpacked to be read, so nothing in a zip can be written anywhere. A zip is still turned
down whole if one of its members has a name that climbs out, is a link, or would swell beyond
reason: no honest archive has any of these.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ghostnote.errors import DataError

INDEX_NAME: Final = "info.csv"
_MIDI_SUFFIXES: Final = (".mid", ".midi")
_LARGEST_FILE: Final = 16 * 2**20
_LARGEST_RATIO: Final = 100
"""A zip may grow this many times when unpacked. MIDI shrinks about five times, and a bomb grows
a thousand times and more."""


class Stamp(NamedTuple):
    """What the file system says about a source, to tell cheaply that its content is unchanged.

    `newest` is the time of the last change, in seconds since the epoch.
    """

    text: str
    newest: float


class Files(NamedTuple):
    """The MIDI files of a source, and its ``info.csv`` if there is one.

    Attributes:
        names: paths inside the source with ``/``, sorted.
        read: the content of one of them; raises `DataError` if it is damaged or unreadable.
    """

    names: tuple[str, ...]
    read: Callable[[str], bytes]


@dataclass(frozen=True)
class FolderSource:
    """A folder of MIDI files, at any depth; hidden files and folders are not looked at."""

    path: Path

    def stamp(self) -> Stamp:
        """Changes when a file is added, removed, renamed or written to; reads no content."""
        stamps = [(name, _stamp(self.path / name)) for name in self._names()]
        text = "\n".join(f"{name}\0{stamp.text}" for name, stamp in stamps)
        newest = max((stamp.newest for _, stamp in stamps), default=0.0)
        return Stamp(_sha256(os.fsencode(text)), newest)

    def digest(self) -> str:
        """A hash of the names and contents of all files."""
        entries = []
        for name in self._names():
            try:
                content = _sha256((self.path / name).read_bytes())
            except OSError:
                content = "unreadable"
            entries.append(f"{name}\0{content}")
        return _sha256(os.fsencode("\n".join(entries)))

    @contextmanager
    def open(self) -> Iterator[Files]:
        """The files, for as long as the block lasts."""
        yield Files(tuple(self._names()), self._read)

    def _names(self) -> list[str]:
        names = []
        for folder, folders, files in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inside = Path(folder).relative_to(self.path)
            names += [name for file in files if _wanted(name := (inside / file).as_posix())]
        return sorted(names)

    def _read(self, name: str) -> bytes:
        path = self.path / name
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise DataError(f"is larger than {_LARGEST_FILE >> 20} MiB", source=name)
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", source=name) from error


@dataclass(frozen=True)
class ZipSource:
    """A zip archive, read in place.

    `sha256` is the checksum that the archive must have, if it is known.
    """

    path: Path
    sha256: str | None = None

    def stamp(self) -> Stamp:
        """Changes when the archive is replaced or written to; reads no content."""
        return _stamp(self.path)

    def digest(self) -> str:
        """The archive's sha256."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def open(self) -> Iterator[Files]:
        """The files, for as long as the block lasts."""
        with open_zip(self.path) as archive:
            names = sorted(set(filter(_wanted, archive.namelist())))
            yield Files(tuple(names), lambda name: read_member(archive, name))


Source = FolderSource | ZipSource


def source_at(path: Path) -> Source:
    """The folder or zip at `path`.

    Raises:
        DataError: there is nothing, or a file that is no zip.
    """
    if path.is_dir():
        return FolderSource(path.resolve())
    if not path.exists():
        raise DataError("no such file or folder", source=path)
    if not zipfile.is_zipfile(path):
        raise DataError(
            "is no zip archive, or is cut short",
            source=path,
            remedy="give a folder of MIDI files, or a complete zip of one",
        )
    return ZipSource(path.resolve())


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose members all may be unpacked.

    Raises:
        DataError: no zip, cut short, or with a member that climbs out of the folder it is
            unpacked into, is a link, or swells beyond reason.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot be read as a zip archive: {error}",
            source=path,
            remedy="it may be cut short: download or copy it again",
        ) from error
    with archive:
        for member in archive.infolist():
            reason = _unsafe(member)
            if reason:
                raise DataError(
                    f"is not safe to unpack: {member.filename!r} {reason}",
                    source=path,
                    remedy="get the archive from a source that you trust",
                )
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > _LARGEST_RATIO * path.stat().st_size:
            raise DataError(
                f"is not safe to unpack: it would swell to {unpacked:,} bytes",
                source=path,
                remedy="get the archive from a source that you trust",
            )
        yield archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of one member.

    Raises:
        DataError: it is damaged, encrypted, or packed in a way that Python does not know.
    """
    try:
        if archive.getinfo(name).file_size > _LARGEST_FILE:
            raise DataError(f"is larger than {_LARGEST_FILE >> 20} MiB", source=name)
        return archive.read(name)
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"cannot be read from the archive: {error}", source=name) from error


def _unsafe(member: zipfile.ZipInfo) -> str | None:
    name = member.filename
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return "is an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "climbs out of its folder"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    return None


def _stamp(path: Path) -> Stamp:
    try:
        info = path.stat()
    except OSError as error:
        return Stamp(f"unreadable: {error.errno}", 0.0)
    # The change time cannot be set by a user, so that a copy with an old date is seen too.
    text = f"{info.st_size} {info.st_mtime_ns} {info.st_ctime_ns} {info.st_ino}"
    return Stamp(text, max(info.st_mtime, info.st_ctime))


def _wanted(name: str) -> bool:
    last = name.rpartition("/")[2]
    hidden = name.startswith((".", "__MACOSX/")) or "/." in name
    return not hidden and (last == INDEX_NAME or last.lower().endswith(_MIDI_SUFFIXES))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
