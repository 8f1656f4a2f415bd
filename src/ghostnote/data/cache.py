"""One file that holds a parsed corpus, memory-mapped: the layout of safetensors.

Eight bytes with the header's length, a JSON header, then the arrays: any safetensors reader opens
it, and nothing in it can run. Opening reads the header alone, whatever the size of the corpus.
Damage is found when the damaged part is first read, and healed by parsing the source again.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.files import atomic_path

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

logger = logging.getLogger(__name__)

_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "F32": np.dtype("<f4"),
    "U8": np.dtype("u1"),
}
_CODES: Final = {dtype: code for code, dtype in _DTYPES.items()}
_LARGEST_HEADER: Final = 2**24

VELOCITY: Final = "velocity"
OFFSET: Final = "offset"
TAKE_START: Final = "take_start"
TAKE_CRC: Final = "take_crc32"
_CELLS: Final = (VELOCITY, OFFSET)
_COLUMN_CRCS: Final = "crc32"


class DamagedCacheError(Exception):
    """A cache file that is not what it says it is. Never leaves the data package."""


def write_cache(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> None:
    """Write `arrays` to `path` atomically, with a checksum of each.

    Raises:
        OutputError: `path` cannot be written.
    """
    # Wide elements first, so that every array is aligned to its own elements.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    checksums = {name: _crc32(array) for name, array in ordered if name not in _CELLS}
    header: dict[str, object] = {
        "__metadata__": {**metadata, _COLUMN_CRCS: json.dumps(checksums, separators=(",", ":"))}
    }
    end = 0
    for name, array in ordered:
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _CODES[array.dtype], "shape": array.shape, "data_offsets": (start, end),
        }  # fmt: skip
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_path(path, sync=False) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in ordered:
            file.write(_buffer(array))


def map_cache(path: Path, metadata: Mapping[str, str]) -> Store:
    """Open a cache file without reading more than its header.

    `metadata` is what the file must have been written with.

    Raises:
        OSError: there is none, or it cannot be read.
        DamagedCacheError: it is cut short, garbled, or not the cache that is wanted.
    """
    try:
        data: npt.NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, mode="r"))
    except ValueError as error:
        raise DamagedCacheError("is empty") from error
    length = int.from_bytes(data[:8].tobytes(), "little")
    if not 2 <= length <= min(_LARGEST_HEADER, len(data) - 8):
        raise DamagedCacheError("has no header")
    try:
        header = json.loads(data[8 : 8 + length].tobytes())
        found = dict(header.pop("__metadata__"))
        checksums = json.loads(found.pop(_COLUMN_CRCS))
        arrays, end = {}, 0
        for name, entry in header.items():
            dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
            start, stop = entry["data_offsets"]
            if start != end:
                raise DamagedCacheError("has a hole between its arrays")
            arrays[name] = data[8 + length + start : 8 + length + stop].view(dtype).reshape(shape)
            end = stop
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedCacheError(f"has a garbled header: {error}") from error
    if 8 + length + end != len(data):
        raise DamagedCacheError(f"has {len(data):,} bytes, not {8 + length + end:,}")
    if found != dict(metadata):
        raise DamagedCacheError("was made from something else")
    if set(checksums) | set(_CELLS) != set(arrays):
        raise DamagedCacheError("lacks an array")
    return Store(arrays, checksums)


class Store:
    """The arrays of a corpus of `N` takes, `S` steps and `V` voices.

    - ``velocity`` `[S, V]` uint8, 0 where there is no hit, and ``offset`` `[S, V]` float32, in
      steps: all takes, one after another;
    - ``take_start`` `[N + 1]` int64: take `i` is the rows ``take_start[i]:take_start[i + 1]``;
    - ``take_crc32`` `[N]` uint32: the checksum of a take's rows;
    - one array per column of numbers, and three per column of text (see `pack_text`).

    With `checksums`, as a mapped file has them, every array is checked when it is first read, and
    the rows of a take when that take is first read. `heal` parses the source again and gives
    whole arrays; it is called, with a logged warning, when something does not match.
    """

    def __init__(self, arrays: Arrays, checksums: Mapping[str, int] | None = None) -> None:
        self._arrays = arrays
        self._unchecked = dict(checksums or {})
        self._takes_checked: npt.NDArray[np.bool_] | None = None
        self._trusted = checksums is None
        self._texts: dict[str, tuple[str, ...]] = {}
        self.heal: Callable[[], Arrays] | None = None

    def column(self, name: str) -> Array:
        """A whole array other than the rows of the takes, which `cells` gives."""
        expected = self._unchecked.pop(name, None)
        if expected is not None and _crc32(self._arrays[name]) != expected:
            self._replace(f"the column {name!r} is damaged")
        return self._arrays[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """The distinct values of a column of text; its array holds indices into them."""
        if name not in self._texts:
            self._texts[name] = unpack_text(
                self.column(f"{name}.text"), self.column(f"{name}.ends")
            )
        return self._texts[name]

    def cells(
        self, takes: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """``velocity`` and ``offset`` whole, of which the rows of `takes` are sure to be right."""
        if not self._trusted:
            self._check(takes)
        return self._arrays[VELOCITY], self._arrays[OFFSET]

    def _check(self, takes: npt.NDArray[np.int64]) -> None:
        start, expected = self.column(TAKE_START), self.column(TAKE_CRC)
        if self._takes_checked is None:
            self._takes_checked = np.zeros(len(expected), bool)
        for take in np.unique(takes[~self._takes_checked[takes]]):
            rows = slice(start[take], start[take + 1])
            if take_crc32(self._arrays[VELOCITY][rows], self._arrays[OFFSET][rows]) != int(
                expected[take]
            ):
                self._replace(f"take {take} is damaged")
                return
            self._takes_checked[take] = True

    def _replace(self, reason: str) -> None:
        if self.heal is None:
            raise DamagedCacheError(reason)
        logger.warning("cache: %s; parsing the source again", reason)
        self._arrays, self._unchecked, self._trusted = self.heal(), {}, True


def pack_text(name: str, values: list[str]) -> dict[str, Array]:
    """A column of text as three arrays.

    ``name`` int32 holds an index into the distinct values, sorted; ``name.text`` uint8 their
    UTF-8 bytes one after another; ``name.ends`` int64 where each of them ends.
    """
    distinct = sorted(set(values))
    index = {value: code for code, value in enumerate(distinct)}
    # File names on POSIX may hold any bytes, which Python keeps as lone surrogates.
    encoded = [value.encode("utf-8", "surrogateescape") for value in distinct]
    return {
        name: np.array([index[value] for value in values], np.int32),
        f"{name}.text": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}.ends": np.cumsum([len(value) for value in encoded], dtype=np.int64),
    }


def unpack_text(text: Array, ends: Array) -> tuple[str, ...]:
    """The distinct values that `pack_text` packed."""
    whole, bounds = text.tobytes(), [0, *ends.tolist()]
    return tuple(
        whole[start:end].decode("utf-8", "surrogateescape") for start, end in pairwise(bounds)
    )


def take_crc32(velocity: npt.NDArray[np.uint8], offset: npt.NDArray[np.float32]) -> int:
    """The checksum of the rows of one take."""
    return zlib.crc32(_buffer(offset), _crc32(velocity))


def _crc32(array: Array) -> int:
    return zlib.crc32(_buffer(array))


def _buffer(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
