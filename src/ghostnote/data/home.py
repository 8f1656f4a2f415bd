"""Where ghostnote keeps what it downloads and computes, and which corpora have a name."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Final

from ghostnote.errors import DataError, OutputError
from ghostnote.files import write_bytes

GMD_NAME: Final = "gmd"
"""The name of the Groove MIDI Dataset, which needs no registration."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def data_home() -> Path:
    """The folder for downloads, caches and names: `GHOSTNOTE_HOME`, or a folder ``ghostnote`` in
    the place where the platform keeps caches. It need not exist yet.
    """
    explicit = os.environ.get("GHOSTNOTE_HOME")
    if explicit:
        return Path(explicit).expanduser()
    if sys.platform == "win32":
        default, variable = Path.home() / "AppData" / "Local", "LOCALAPPDATA"
    elif sys.platform == "darwin":
        default, variable = Path.home() / "Library" / "Caches", ""
    else:
        default, variable = Path.home() / ".cache", "XDG_CACHE_HOME"
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else default) / "ghostnote"


def register(name: str, path: Path, *, replace: bool = False) -> None:
    """Remember the folder or zip at `path` as the corpus `name`.

    Raises:
        DataError: `name` is no name, is taken by another path (unless `replace`), or is GMD's.
        OutputError: the data home cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot name a corpus",
            remedy="use up to 64 small letters, digits, '.', '_' and '-'; give one with --name",
        )
    if name == GMD_NAME:
        raise DataError(
            f"{name!r} is the Groove MIDI Dataset's name", remedy="choose another with --name"
        )
    taken = registered().get(name)
    if taken is not None and taken != path.resolve() and not replace:
        raise DataError(
            f"the name {name!r} is taken by {taken}",
            source=path,
            remedy="choose another with --name, or use --force",
        )
    content = json.dumps({"path": str(path.resolve())}, indent=2) + "\n"
    try:
        write_bytes(_names_folder() / f"{name}.json", content.encode())
    except OutputError as error:
        raise OutputError(
            error.reason,
            source=error.source,
            remedy="set GHOSTNOTE_HOME to a folder that you may write to",
        ) from error


def registered() -> dict[str, Path]:
    """The corpora that `register` remembers, by name."""
    corpora = {}
    for entry in sorted(_names_folder().glob("*.json")):
        try:
            corpora[entry.stem] = Path(json.loads(entry.read_text("utf-8"))["path"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"cannot be read: {error}", source=entry, remedy="delete it and add the data again"
            ) from error
    return corpora


def name_for(path: Path) -> str:
    """A name for the corpus at `path`, made from the name of its folder or file."""
    stem = path.stem if path.is_file() else path.name
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:64] or "corpus"


def _names_folder() -> Path:
    return data_home() / "corpora"
