"""A small writer of TensorFlow checkpoints, so that the reader meets what it should survive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Pairs = Sequence[tuple[bytes, bytes]]
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
DTYPES = {"f4": 1, "f8": 2, "i4": 3, "u1": 4, "i2": 5, "i1": 6, "i8": 9, "b1": 10, "u2": 17} | {
    "f2": 19,
    "u4": 22,
    "u8": 23,
}


def checksum(data: bytes) -> bytes:
    """Bit by bit, and masked, as files of TensorFlow store it."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x82F63B78 * (register & 1)
    register ^= 0xFFFFFFFF
    rotated = (register >> 15 | register << 17) & 0xFFFFFFFF
    return ((rotated + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def varint(number: int) -> bytes:
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + varint(high) if high else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def fixed32(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 5) + value


def header(shards: int = 1, endianness: int = 0, needed: int = 0) -> bytes:
    return field(1, shards) + field(2, endianness) + field(3, field(1, 1) + field(2, needed))


def entry(
    content: bytes, *, dtype: int, shape: Sequence[int], shard: int = 0, offset: int = 0
) -> bytes:
    dims = b"".join(field(2, field(1, length)) for length in shape)
    return (
        field(1, dtype)
        + field(2, dims)
        + (field(3, shard) if shard else b"")
        + field(4, offset)
        + field(5, len(content))
        + fixed32(6, checksum(content))
    )


def block(pairs: Pairs, interval: int = 4) -> bytes:
    content, restarts, last = b"", [], b""
    for i, (key, value) in enumerate(pairs):
        shared = 0
        if i % interval:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        else:
            restarts.append(len(content))
        content += varint(shared) + varint(len(key) - shared) + varint(len(value))
        content += key[shared:] + value
        last = key
    restarts = restarts or [0]
    ends = b"".join(start.to_bytes(4, "little") for start in (*restarts, len(restarts)))
    return content + ends


def table(blocks: Sequence[bytes], separators: Sequence[bytes], compression: int = 0) -> bytes:
    """An index of these data blocks, each of them found under one of `separators`."""
    content = b""

    def put(block_: bytes) -> bytes:
        nonlocal content
        handle = varint(len(content)) + varint(len(block_))
        sealed = block_ + bytes([compression])
        content += sealed + checksum(sealed)
        return handle

    handles = [put(block_) for block_ in blocks]
    filters = put(block([]))
    index = put(block(list(zip(separators, handles, strict=True)), interval=1))
    return content + (filters + index).ljust(40, b"\0") + MAGIC


def index_of(pairs: Pairs, *, per_block: int = 5) -> bytes:
    groups = [pairs[i : i + per_block] for i in range(0, len(pairs), per_block)]
    return table([block(group) for group in groups], [group[-1][0] + b"~" for group in groups])


def save(
    prefix: Path, tensors: Mapping[str, npt.NDArray[Any]], *, shards: int = 1, per_block: int = 5
) -> Path:
    """Write a checkpoint, the tensors dealt to its shards in turn, and give `prefix` back."""
    contents = [b""] * shards
    pairs = [(b"", header(shards))]
    for i, name in enumerate(sorted(tensors, key=str.encode)):
        array, shard = tensors[name], i % shards
        content = array.tobytes()
        dtype = DTYPES[f"{array.dtype.kind}{array.dtype.itemsize}"]
        described = entry(
            content, dtype=dtype, shape=array.shape, shard=shard, offset=len(contents[shard])
        )
        pairs.append((name.encode(), described))
        contents[shard] += content
    prefix.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{prefix}.index").write_bytes(index_of(pairs, per_block=per_block))
    for shard, content in enumerate(contents):
        Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)
    return prefix


@pytest.fixture(scope="session")
def parts() -> SimpleNamespace:
    """What checkpoints are made of, to make bad ones."""
    return SimpleNamespace(
        block=block,
        checksum=checksum,
        entry=entry,
        field=field,
        fixed32=fixed32,
        header=header,
        index_of=index_of,
        table=table,
        varint=varint,
    )


@pytest.fixture(scope="session")
def save_checkpoint() -> Callable[..., Path]:
    return save


@pytest.fixture(scope="session")
def some_tensors() -> dict[str, npt.NDArray[Any]]:
    random = np.random.default_rng(7)
    return {
        "decoder/output_projection/bias": random.normal(size=5).astype("f4"),
        "decoder/output_projection/bias/Adam": random.normal(size=5).astype("f4"),
        "decoder/output_projection/kernel": random.normal(size=(3, 5)).astype("f4"),
        "encoder/mu/kernel": random.normal(size=(2, 3)).astype("f4"),
        "global_step": np.array(1234567890123, "i8"),
    }
