"""What files are labelled with: by a column of a CSV file, or by the folder they lie in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ghostnote.cli.batch import Source
from ghostnote.errors import DataError

_NAMES = ("midi_filename", "filename", "file", "path", "name")


def labels_of(sources: Sequence[Source], labels: str | None) -> dict[Path, str]:
    """The label of each file that has one.

    Args:
        sources: files, with their paths below the folder that was asked for.
        labels: ``FILE.csv`` or ``FILE.csv:COLUMN``, of which one column names files by their paths
            below the folder; without it, the first folder below the one asked for is the label.

    Raises:
        DataError: the CSV file cannot be read, or has no such columns.
    """
    if labels is None:
        return {
            source.path: source.below.parts[0] for source in sources if len(source.below.parts) > 1
        }
    path, column = _split(labels)
    told = _read(path, column)
    found = {source.path: told.get(source.below.as_posix()) for source in sources}
    return {file: label for file, label in found.items() if label is not None}


def _split(labels: str) -> tuple[Path, str | None]:
    whole = Path(labels)
    if whole.exists() or ":" not in labels:
        return whole, None
    path, _, column = labels.rpartition(":")
    return Path(path), column


def _read(path: Path, column: str | None) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), list(reader.fieldnames or ())
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror}", source=path, remedy="give a CSV file"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"is no CSV file: {error}", source=path, remedy="save it as UTF-8"
        ) from error
    name = next((each for each in _NAMES if each in columns), columns[0] if columns else None)
    others = [each for each in columns if each != name]
    chosen = column or ("label" if "label" in others else others[0] if len(others) == 1 else None)
    if name is None or chosen not in others:
        raise DataError(
            f"has no column {column!r}" if column else "has several columns, or none",
            source=path,
            remedy=f"say which: --labels {path.name}:COLUMN, one of {', '.join(others) or 'none'}",
        )
    return {row[name]: row[chosen] for row in rows if row[name] and row[chosen]}
