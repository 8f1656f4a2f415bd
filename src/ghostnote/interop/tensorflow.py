"""Reading TensorFlow's V2 checkpoints without TensorFlow.

A checkpoint ``PREFIX`` is a table of contents, ``PREFIX.index``, and the bytes of all tensors end
to end in ``PREFIX.data-00000-of-00001`` and so on. The index is a sorted table as LevelDB writes
them: blocks of entries, a block that finds them, and a footer that finds that one. Its first
entry, under the empty key, describes the checkpoint, and every other one a tensor; both are
protocol buffers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import WeightsError
from ghostnote.interop.crc32c import crc32c
from ghostnote.interop.source import Read, Tensors, is_shape, read_file

_DTYPES: Final = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    10: "?",
    14: "bfloat16",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
"""By the number that TensorFlow's `DataType` gives them."""

_MAGIC: Final = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER: Final = 48
_TRAILER: Final = 5
"""After each block: how it is compressed, and a checksum."""

_VERSION: Final = 1
_MAX_INDEX: Final = 64 << 20
_MAX_TENSORS: Final = 1 << 16
_MAX_NAME: Final = 4096
_MAX_SHARDS: Final = 99_999
_AGAIN: Final = "fetch or copy the checkpoint again"


def read_checkpoint(prefix: Path, read: Read = read_file) -> Tensors:
    """Every tensor of the checkpoint ``prefix.index``, checked against its checksum.

    Slots of optimizers (``…/Adam``) and `global_step` are among them. bfloat16, which numpy does
    not know, comes as float32.

    Args:
        prefix: path of the checkpoint without ``.index``.
        read: gives the content of ``prefix.index`` and of the ``prefix.data-…`` that it names.

    Raises:
        WeightsError: a file is missing or damaged, or holds what is not read here: text, complex
            or quantised numbers, partitioned variables, big-endian or compressed files.
    """
    index = Path(f"{prefix}.index")
    content = read(index)
    try:
        shards, entries = _contents(content)
    except WeightsError as error:
        raise error.at(index) from None
    tensors: Tensors = {}
    for number in sorted({entry.shard for entry in entries}):
        path = Path(f"{prefix}.data-{number:05d}-of-{shards:05d}")
        shard = memoryview(read(path))
        try:
            chosen = [entry for entry in entries if entry.shard == number]
            _check_places(chosen, len(shard))
            tensors |= {entry.name: _tensor(entry, shard) for entry in chosen}
        except WeightsError as error:
            raise error.at(path) from None
    return {entry.name: tensors[entry.name] for entry in entries}


@dataclass(frozen=True)
class _Entry:
    """What the index says about one tensor; `dtype` is one of the values of `_DTYPES`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


# -- the tensors ---------------------------------------------------------------------------


def _contents(index: bytes) -> tuple[int, list[_Entry]]:
    """The number of shards, and what is in them."""
    pairs = list(_table(index))
    if not pairs or pairs[0][0]:
        raise _damaged("no description of the checkpoint")
    header = _Message(pairs[0][1])
    if header.number(2):
        raise WeightsError(
            "was written on a big-endian machine", remedy="save it on a little-endian one"
        )
    if (needed := _Message(header.bytes(3)).number(2)) > _VERSION:
        raise WeightsError(
            f"needs a reader of version {needed}; this one is of version {_VERSION}",
            remedy="save it as a V2 checkpoint of TensorFlow 1 or 2",
        )
    shards = header.number(1)
    if not 1 <= shards <= _MAX_SHARDS:
        raise _damaged(f"{shards} shards")
    entries = [_entry(key, _Message(value)) for key, value in pairs[1:]]
    for entry in entries:
        if entry.shard >= shards:
            raise _damaged(f"{entry.name!r} is in shard {entry.shard} of {shards}")
    return shards, entries


def _entry(key: bytes, message: _Message) -> _Entry:
    if key.startswith(b"\0") or message.all(7):
        # The parts have keys of their own, which no variable's name looks like.
        raise WeightsError(
            "holds a partitioned variable, which is not read here",
            remedy="save the checkpoint without a partitioner",
        )
    try:
        name = key.decode()
    except UnicodeDecodeError:
        raise _damaged("a name is no text") from None
    number = message.number(1)
    if number not in _DTYPES:
        raise WeightsError(
            f"{name!r} holds no plain numbers (TensorFlow's data type {number})",
            remedy="save the model's variables alone, with tf.compat.v1.train.Saver",
        )
    dtype = _DTYPES[number]
    shape_message = _Message(message.bytes(2))
    shape = tuple(_Message(_bytes(dim)).number(1) for dim in shape_message.all(2))
    size = message.number(5)
    if shape_message.number(3) or not is_shape(shape):
        raise _damaged(f"the shape of {name!r}")
    if math.prod(shape) * _item_size(dtype) != size:
        raise _damaged(f"{size} bytes of {name!r} for the shape {list(shape)}")
    return _Entry(name, dtype, shape, message.number(3), message.number(4), size, message.number(6))


def _check_places(entries: list[_Entry], length: int) -> None:
    """Every tensor lies in the shard, and none in another one."""
    end = 0
    for entry in sorted(entries, key=lambda entry: (entry.offset, entry.size)):
        if entry.offset < end:
            raise _damaged(f"{entry.name!r} begins inside of another tensor")
        end = entry.offset + entry.size
        if end > length:
            raise WeightsError(
                f"is cut off: {entry.name!r} ends at byte {end:,}, the file at {length:,}",
                remedy=_AGAIN,
            )


def _tensor(entry: _Entry, shard: memoryview) -> npt.NDArray[Any]:
    content = shard[entry.offset : entry.offset + entry.size]
    if _masked(crc32c(content)) != entry.checksum:
        raise _damaged(f"the checksum of {entry.name!r}")
    if entry.dtype == "bfloat16":
        # The upper half of a float32.
        halves = np.frombuffer(content, "<u2").astype(np.uint32)
        return (halves << 16).view(np.float32).reshape(entry.shape)
    if entry.dtype == "?" and np.frombuffer(content, np.uint8).max(initial=0) > 1:
        raise _damaged(f"{entry.name!r} is neither true nor false")
    stored = np.frombuffer(content, entry.dtype).reshape(entry.shape)
    return stored.astype(stored.dtype.newbyteorder("="))


def _item_size(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


# -- the table -----------------------------------------------------------------------------


def _table(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values in order."""
    if table[-len(_MAGIC) :] != _MAGIC:
        raise WeightsError(
            "is no index of a checkpoint, or is cut off",
            remedy="name a V2 checkpoint of TensorFlow: PREFIX.index with its PREFIX.data-… files",
        )
    if not _FOOTER <= len(table) <= _MAX_INDEX:
        raise _damaged(f"an index of {len(table):,} bytes")
    footer = _Cursor(table[-_FOOTER : -len(_MAGIC)])
    _block(table, footer)  # of filters, which are not needed; read for its checksum
    last = None
    count = 0
    for _, handle in _pairs(_block(table, footer)):
        for key, value in _pairs(_block(table, _Cursor(handle))):
            if last is not None and key <= last:
                raise _damaged("names out of order")
            if count > _MAX_TENSORS:
                raise _damaged(f"more than {_MAX_TENSORS:,} tensors")
            yield key, value
            last = key
            count += 1


def _block(table: bytes, handle: _Cursor) -> bytes:
    offset, size = handle.varint(), handle.varint()
    end = offset + size
    if end + _TRAILER > len(table) - _FOOTER:
        raise _damaged("a block ends past the end")
    checksum = int.from_bytes(table[end + 1 : end + _TRAILER], "little")
    if _masked(crc32c(table[offset : end + 1])) != checksum:
        raise _damaged("the checksum of a block")
    if table[end]:
        raise WeightsError(
            "is compressed, which TensorFlow's own indexes are not",
            remedy="save the checkpoint again with TensorFlow",
        )
    return table[offset:end]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each key is what it shares with the one before, and a rest.

    At the block's end stands where keys share nothing, so that a search can begin there.
    """
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise _damaged("a block without an end")
    cursor = _Cursor(block[:end])
    key = b""
    while cursor.rest:
        shared, unshared, length = cursor.varint(), cursor.varint(), cursor.varint()
        if shared > len(key) or shared + unshared > _MAX_NAME:
            raise _damaged("the length of a name")
        key = key[:shared] + cursor.take(unshared)
        yield key, cursor.take(length)


def _masked(checksum: int) -> int:
    """As checksums are stored, since a checksum of data with a checksum in it is a poor one."""
    rotated = checksum >> 15 | checksum << 17 & 0xFFFFFFFF
    return (rotated + 0xA282EAD8) & 0xFFFFFFFF


# -- protocol buffers ----------------------------------------------------------------------


class _Cursor:
    """Reads bytes from the front, and never past their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def rest(self) -> int:
        return len(self._data) - self._place

    def take(self, count: int) -> bytes:
        if count > self.rest:
            raise _damaged(f"{count} bytes where {self.rest} are left")
        self._place += count
        return self._data[self._place - count : self._place]

    def varint(self) -> int:
        """A number below 2^64, seven bits a byte, the lowest first."""
        number = 0
        for shift in range(0, 70, 7):
            (byte,) = self.take(1)
            number |= (byte & 127) << shift
            if byte < 128:
                break
        else:
            raise _damaged("a number without an end")
        if number >> 64:
            raise _damaged("a number of more than 64 bits")
        return number


class _Message:
    """A protocol buffer's values by field number, not interpreted further."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        cursor = _Cursor(data)
        while cursor.rest:
            tag = cursor.varint()
            self._fields.setdefault(tag >> 3, []).append(self._value(cursor, tag & 7))

    @staticmethod
    def _value(cursor: _Cursor, wire_type: int) -> int | bytes:
        if wire_type == 0:
            return cursor.varint()
        if wire_type == 2:
            return cursor.take(cursor.varint())
        if wire_type in {1, 5}:
            return int.from_bytes(cursor.take(8 if wire_type == 1 else 4), "little")
        raise _damaged(f"a value of the unknown kind {wire_type}")

    def all(self, field: int) -> list[int | bytes]:
        return self._fields.get(field, [])

    def number(self, field: int) -> int:
        """The last one counts, and none is 0. Negative ones, which nothing here is, are huge."""
        value = (self.all(field) or [0])[-1]
        if isinstance(value, bytes):
            raise _damaged("bytes in place of a number")
        return value

    def bytes(self, field: int) -> bytes:
        return _bytes((self.all(field) or [b""])[-1])


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _damaged("a number in place of bytes")
    return value


def _damaged(what: str) -> WeightsError:
    return WeightsError(f"is damaged: {what}", remedy=_AGAIN)
