"""The weights of a MusicVAE, in whichever of its programs' files they are."""

from __future__ import annotations

import gzip
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Literal

from ghostnote.errors import WeightsError
from ghostnote.interop.magentajs import MANIFEST, read_folder
from ghostnote.interop.source import Read, Tensors
from ghostnote.interop.tensorflow import read_checkpoint

INDEX: Final = ".index"
STATE: Final = "checkpoint"
"""The file in which TensorFlow notes which of a folder's checkpoints is the latest."""

MAX_ARCHIVE: Final = 8 << 30
"""Bytes that an archive may have when it is unpacked."""

_MAX_MEMBERS: Final = 10_000
_IN_MEMORY: Final = 1 << 28
_GZIP: Final = b"\x1f\x8b"
_NO_ARCHIVE: Final = (
    *(tarfile.TarError, EOFError, zlib.error),
    # What `tarfile` lets through of headers with absurd numbers in them.
    *(ValueError, OverflowError, MemoryError, RecursionError),
)
_WHAT_TO_NAME: Final = (
    "name a TensorFlow V2 checkpoint (PREFIX.index or its PREFIX), the folder or .tar that holds "
    "one, or a magenta.js folder"
)


@dataclass(frozen=True, eq=False)
class Weights:
    """Tensors by the original's variable names, and where they are from."""

    tensors: Tensors
    kind: Literal["tensorflow", "magenta.js"]
    config: dict[str, Any] | None
    """The `config.json` of magenta.js; a TensorFlow checkpoint has nothing like it."""
    source: Path

    def __repr__(self) -> str:
        return f"Weights({len(self.tensors)} tensors, {self.kind}, {self.source})"


def read_weights(path: Path) -> Weights:
    """Read the weights that `path` leads to.

    Args:
        path: a TensorFlow checkpoint, with or without ``.index``; a folder with one checkpoint, or
            whose `checkpoint` file says which is the latest; a ``.tar``, ``.tar.gz`` or ``.tgz``
            with one checkpoint; or a magenta.js folder.

    Raises:
        WeightsError: there are no such weights, more than one, or damaged ones.
    """
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.suffix == INDEX:
            return _checkpoint(path.with_suffix(""))
        if Path(f"{path}{INDEX}").is_file():
            return _checkpoint(path)
        if path.is_file():
            return Weights(_from_archive(path), "tensorflow", None, path)
    except OSError as error:
        raise WeightsError(
            f"cannot be read: {error.strerror or error}", source=path, remedy=_WHAT_TO_NAME
        ) from error
    raise WeightsError("does not exist", source=path, remedy=_WHAT_TO_NAME)


def _checkpoint(prefix: Path) -> Weights:
    return Weights(read_checkpoint(prefix), "tensorflow", None, prefix)


def _in_folder(folder: Path) -> Weights:
    names = sorted(
        entry.name for entry in folder.iterdir() if _is_index(entry.name) or entry.name == MANIFEST
    )
    latest = _latest(folder / STATE) + INDEX
    name = _only([latest] if len(names) > 1 and latest in names else names, folder)
    if name == MANIFEST:
        config, tensors = read_folder(folder)
        return Weights(tensors, "magenta.js", config, folder)
    return _checkpoint(folder / name.removesuffix(INDEX))


def _latest(state: Path) -> str:
    """The name of the checkpoint that TensorFlow wrote last, if it says so.

    Its path may be one of the machine that it was written on.
    """
    try:
        text = state.read_text("utf-8")
    except (OSError, ValueError):
        return ""
    found = re.search(r'^model_checkpoint_path: "([^"]+)"$', text, re.MULTILINE)
    return found[1].replace("\\", "/").rpartition("/")[2] if found else ""


def _only(names: list[str], source: Path) -> str:
    if not names:
        raise WeightsError("holds no checkpoint", source=source, remedy=_WHAT_TO_NAME)
    if len(names) > 1:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        raise WeightsError(
            f"holds {len(names)} checkpoints: {shown}",
            source=source,
            remedy="name the one to read, unpacked if it is in an archive",
        )
    return names[0]


def _is_index(name: str) -> bool:
    # What begins with ``._`` is what macOS puts beside every file of an archive.
    return name.endswith(INDEX) and not name.startswith("._")


# -- archives ------------------------------------------------------------------------------


def _from_archive(path: Path) -> Tensors:
    """The tensors of the one checkpoint in a tar. No name in it is ever one of this machine."""
    try:
        with _opened(path) as archive:
            members = _members(archive, path)
            names = sorted(str(name) for name in members if _is_index(name.name))
            prefix = _only(names, path).removesuffix(INDEX)
            return read_checkpoint(path / prefix, _reader(archive, members, path))
    except _NO_ARCHIVE as error:
        raise WeightsError(
            f"is no archive that can be read: {error or 'it makes no sense'}",
            source=path,
            remedy=_WHAT_TO_NAME,
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as file, tempfile.SpooledTemporaryFile(_IN_MEMORY) as unpacked:
        start = file.read(len(_GZIP))
        file.seek(0)
        content: IO[bytes] = file
        if start == _GZIP:
            with gzip.open(file) as packed:
                _copy(packed, unpacked, path)
            unpacked.seek(0)
            content = unpacked
        with tarfile.open(fileobj=content, mode="r:") as archive:
            yield archive


def _copy(packed: gzip.GzipFile, unpacked: IO[bytes], path: Path) -> None:
    size = 0
    while chunk := packed.read(1 << 20):
        size += len(chunk)
        if size > MAX_ARCHIVE:
            raise _too_large(path)
        unpacked.write(chunk)


def _members(archive: tarfile.TarFile, path: Path) -> dict[PurePosixPath, tarfile.TarInfo]:
    """The archive's files by name, all of them plain ones in it."""
    members: dict[PurePosixPath, tarfile.TarInfo] = {}
    size = 0
    for count, member in enumerate(archive):
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise _refused(path, f"{member.name!r} leads out of it")
        if not member.isdir() and member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
            raise _refused(path, f"{member.name!r} is neither a file nor a folder")
        size += member.size
        if size > MAX_ARCHIVE or count >= _MAX_MEMBERS:
            raise _too_large(path)
        if not member.isdir():
            members[name] = member
    return members


def _reader(
    archive: tarfile.TarFile, members: dict[PurePosixPath, tarfile.TarInfo], path: Path
) -> Read:
    def read(file: Path) -> bytes:
        member = members.get(PurePosixPath(file.relative_to(path).as_posix()))
        if member is None:
            raise WeightsError("is not in the archive", source=file, remedy="fetch it again")
        content = archive.extractfile(member)
        assert content is not None  # of a plain file there is always one
        return content.read()

    return read


def _refused(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"is not read: {reason}",
        source=path,
        remedy="unpack it yourself, if you trust it, and name the checkpoint in it",
    )


def _too_large(path: Path) -> WeightsError:
    return _refused(path, f"unpacked it has more than {MAX_ARCHIVE >> 30} GiB or too many files")
