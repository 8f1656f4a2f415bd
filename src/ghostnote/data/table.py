"""The columns of ``info.csv``: what is known about a take, and filters on it."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import DataError, GrooveError
from ghostnote.music.groove import MAX_BPM, Meter, steps_per_bar

COLUMNS: Final = (
    "drummer",
    "session",
    "id",
    "style",
    "bpm",
    "beat_type",
    "time_signature",
    "midi_filename",
    "audio_filename",
    "duration",
    "split",
)
"""The columns of GMD's ``info.csv``, in its order; every take has them and each is a filter."""

NUMBER_COLUMNS: Final = ("bpm", "duration")
TEXT_COLUMNS: Final = tuple(name for name in COLUMNS if name not in NUMBER_COLUMNS)

SPLITS: Final = ("train", "validation", "test")
_SPLIT_ENDS: Final = (0.8, 0.9, 1.0)
_MOST_NAMED: Final = 60
_TEMPO_ERROR: Final = 1e-5

Filter = str | float | Sequence[str] | tuple[float, float]
"""What a column is compared with: one text or several of them, a number, a range ``"90:120"``
(both ends included, either may be left out) or ``(90, 120)``."""


class Described(NamedTuple):
    """What a MIDI file itself says, for columns that no ``info.csv`` gives."""

    bpm: float
    meter: Meter
    duration: float


def read_index(content: bytes, source: str) -> list[dict[str, str]]:
    """The rows of an ``info.csv``, each with those of `COLUMNS` that the file has.

    Raises:
        DataError: not UTF-8, no CSV, or without a column ``midi_filename``.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        known = [name for name in reader.fieldnames or () if name in COLUMNS]
        rows = [{name: (row[name] or "").strip() for name in known} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot be read as CSV: {error}", source=source) from error
    if "midi_filename" not in known:
        raise DataError(
            "has no column midi_filename",
            source=source,
            remedy=f"its columns are {','.join(COLUMNS)}; or leave the file out",
        )
    return rows


def complete(
    row: Mapping[str, str], name: str, content: bytes, describe: Callable[[], Described]
) -> dict[str, str | float]:
    """All columns of the take in the file `name`: those of `row`, and sensible values for those
    that it lacks or leaves empty.

    These are: the folders for style, session and drummer; what the file says, by `describe`, for
    tempo, meter and duration; and a split that depends on the file's `content` alone.

    Raises:
        DataError: a value of `row` that is no value of its column.
    """
    given: dict[str, str | float] = {key: value for key, value in row.items() if value}
    if len(given) < len(COLUMNS):
        given = {**_defaults(name, describe()), **given}
    if "split" not in given:
        given["split"] = content_split(content)
    for column in NUMBER_COLUMNS:
        given[column] = _number(str(given[column]), column, name)
    if not 0 < float(given["bpm"]) <= MAX_BPM:
        raise DataError(f"bpm {given['bpm']:g} is not in (0, {MAX_BPM:g}]", source=name)
    if given["split"] not in SPLITS:
        raise DataError(f"split {given['split']!r} is not one of {', '.join(SPLITS)}", source=name)
    given["time_signature"] = "{}-{}".format(*parse_meter(str(given["time_signature"]), name))
    return given


def _defaults(name: str, described: Described) -> dict[str, str | float]:
    path = PurePosixPath(name)
    inside = len(path.parts) > 1
    return {
        "drummer": path.parts[0] if inside else "unknown",
        "session": path.parent.as_posix() if inside else "unknown",
        "id": path.with_suffix("").as_posix(),
        "style": path.parent.name if inside else "unknown",
        "bpm": described.bpm,
        "beat_type": "beat",
        "time_signature": "{}-{}".format(*described.meter),
        "midi_filename": name,
        "audio_filename": "",
        "duration": described.duration,
    }


def content_split(content: bytes) -> str:
    """The split of a file by a hash of its content: 80 % train, 10 % validation, 10 % test.

    Renaming or moving a file does not move it to another split, and neither does adding others;
    identical files are always in the same one.
    """
    share = int.from_bytes(hashlib.sha256(content).digest()[:4], "big") / 2**32
    return next(split for split, end in zip(SPLITS, _SPLIT_ENDS, strict=True) if share < end)


@cache
def parse_meter(text: str, source: str | None = None) -> Meter:
    """A meter written ``4-4``, as in ``info.csv``, or ``4/4``.

    Raises:
        DataError: no meter, or one whose bar is not a whole number of 16ths.
    """
    match = re.fullmatch(r"(\d{1,3})[-/](\d{1,3})", text)
    if match is None:
        raise DataError(f"{text!r} is no time signature", source=source, remedy="write 4-4")
    meter = (int(match[1]), int(match[2]))
    try:
        steps_per_bar(meter)
    except GrooveError as error:
        raise DataError(error.reason, source=source) from error
    return meter


def matches_text(column: str, values: Sequence[str], wanted: Filter) -> list[bool]:
    """Which of the distinct `values` of a column of text the filter `wanted` selects.

    A style is selected by its whole name (``rock/halftime``) and by its primary one (``rock``).

    Raises:
        DataError: something wanted is no value of the column; its values are named.
    """
    if isinstance(wanted, str):
        asked = [wanted]
    elif isinstance(wanted, Sequence):
        asked = [str(value) for value in wanted]
    else:
        asked = [str(wanted)]
    if column == "time_signature":
        asked = [value.replace("/", "-") for value in asked]
    names = [{value, primary_style(value)} if column == "style" else {value} for value in values]
    for value in asked:
        if not any(value in name for name in names):
            raise _unknown_value(column, value, values)
    return [not name.isdisjoint(asked) for name in names]


def matches_number(
    column: str, values: npt.NDArray[np.float64], wanted: Filter
) -> npt.NDArray[np.bool_]:
    """Which `values` of a column of numbers lie in the range that `wanted` gives.

    Raises:
        DataError: `wanted` is neither a number nor a range.
    """
    if isinstance(wanted, str):
        low_text, colon, high_text = wanted.partition(":")
        low = _number(low_text, column, None) if low_text or not colon else -math.inf
        high = _number(high_text, column, None) if high_text else math.inf if colon else low
    elif isinstance(wanted, Sequence):
        if len(wanted) != 2:
            raise DataError(f"{wanted!r} is no range of {column}", remedy="give (low, high)")
        low, high = float(wanted[0]), float(wanted[1])
    else:
        low = high = float(wanted)
    # MIDI counts whole microseconds per quarter note, which makes 90 bpm 89.999955.
    return (values >= low * (1 - _TEMPO_ERROR)) & (values <= high * (1 + _TEMPO_ERROR))


def primary_style(style: str) -> str:
    """``rock`` of ``rock/halftime``."""
    return style.partition("/")[0]


def unknown_column(name: str) -> DataError:
    """The error for a filter on a column that does not exist."""
    return DataError(f"unknown column {name!r}", remedy=f"one of: {', '.join(COLUMNS)}")


def _unknown_value(column: str, value: str, values: Sequence[str]) -> DataError:
    known = sorted({primary_style(name) for name in values} if column == "style" else values)
    remedy = f"one of: {', '.join(known)}"
    if len(known) > _MOST_NAMED:
        import difflib

        close = difflib.get_close_matches(value, known, 5, 0.3) or known[:5]
        remedy = f"one of {len(known):,}, such as {', '.join(close)}"
    elif column == "style" and (full := next((name for name in values if "/" in name), None)):
        remedy += f"; or in full, such as {full}"
    return DataError(f"unknown {column} {value!r}", remedy=remedy)


def _number(text: str, column: str, source: str | None) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise DataError(
            f"{column} {text!r} is no number",
            source=source,
            remedy=f"a number or, as a filter, a range such as {column} 90:120",
        )
    return value
