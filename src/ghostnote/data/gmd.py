"""The Groove MIDI Dataset: where it is, and how to be sure that it is whole.

J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman: "Learning to Groove with Inverse Sequence
Transformations", ICML 2019. Licence: CC BY 4.0.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ghostnote.data.home import GMD_NAME, data_home
from ghostnote.data.source import INDEX_NAME, FolderSource, Source, ZipSource
from ghostnote.errors import DataError


@dataclass(frozen=True)
class Archive:
    """A published zip: its address, size in bytes, sha256, and the one folder inside."""

    url: str
    size: int
    sha256: str
    folder: str

    @property
    def filename(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]


GMD: Final = Archive(
    url="https://storage.googleapis.com/magentadata/datasets/groove/groove-v1.0.0-midionly.zip",
    size=3_260_318,
    sha256="651cbc524ffb891be1a3e46d89dc82a1cecb09a57c748c7b45b844c4841dcc1e",
    folder="groove",
)
"""GMD v1.0.0, MIDI only: 1,150 takes, 13.6 hours."""

VARIABLE: Final = "GHOSTNOTE_GMD"
"""The environment variable that names a local zip or unpacked folder of GMD."""


def gmd_home() -> Path:
    """The folder that GMD is fetched into, and looked for."""
    return data_home() / GMD_NAME


def named_by_environment() -> Path | None:
    """What `GHOSTNOTE_GMD` names, if it is set."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else None


def locate(archive: Archive = GMD) -> Source:
    """GMD on this machine: what `GHOSTNOTE_GMD` names, or what was fetched.

    A zip's checksum is compared when it is first read.

    Raises:
        DataError: it is neither named nor fetched, or what is named is not GMD.
    """
    named = named_by_environment()
    if named is not None:
        return local(named, archive)
    for path in (gmd_home() / archive.filename, gmd_home() / archive.folder):
        if path.exists():
            return local(path, archive)
    raise DataError(
        "the Groove MIDI Dataset is not on this machine",
        source=gmd_home(),
        remedy=f"run `ghostnote data fetch`, or set {VARIABLE} to its zip or folder",
    )


def local(path: Path, archive: Archive = GMD) -> Source:
    """GMD at `path`, a zip or the folder that it unpacks to.

    Raises:
        DataError: nothing is there, or a folder without ``info.csv``.
    """
    if not path.exists():
        raise DataError(
            "no such file or folder",
            source=path,
            remedy=f"give {archive.filename} or the folder that it unpacks to",
        )
    if not path.is_dir():
        return ZipSource(path.resolve(), archive.sha256)
    source = FolderSource(path.resolve())
    with source.open() as files:
        if not any(name.rpartition("/")[2] == INDEX_NAME for name in files.names):
            raise DataError(
                f"is not the Groove MIDI Dataset: it has no {INDEX_NAME}",
                source=path,
                remedy="give its zip or the folder that it unpacks to; "
                "a folder of your own is added with `ghostnote data add`",
            )
    return source


def check(path: Path, archive: Archive = GMD) -> None:
    """Make sure that the file at `path` is `archive`, byte for byte.

    Raises:
        DataError: it has another size or checksum.
    """
    size = path.stat().st_size
    if size != archive.size:
        raise DataError(
            f"has {size:,} bytes where {archive.filename} has {archive.size:,}",
            source=path,
            remedy="download it again",
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != archive.sha256:
        raise wrong_checksum(path, found, archive.sha256)


def wrong_checksum(path: Path, found: str, expected: str) -> DataError:
    """The error for a file whose content is not what was published."""
    return DataError(
        f"has the wrong checksum: sha256 {found[:16]}…, not {expected[:16]}…",
        source=path,
        remedy="it is damaged or another file: download it again",
    )
