"""The checksum: published vectors, the definition, and that it is one for any length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.interop import crc32c as module
from ghostnote.interop.crc32c import crc32c


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_vectors(data: bytes, expected: int) -> None:
    """RFC 3720, B.4."""
    assert crc32c(data) == expected


def by_definition(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x82F63B78 * (register & 1)
    return register ^ 0xFFFFFFFF


@given(st.binary(max_size=300))
def test_definition(data: bytes) -> None:
    assert crc32c(data) == by_definition(data)
    assert crc32c(memoryview(data)) == crc32c(data)


@pytest.mark.parametrize("extra", [-9, -4, -1, 0, 1, 4, 4 << module._LEVELS])
def test_long_data_in_blocks(extra: int) -> None:
    """Against the checksums of two parts, combined by the textbook's bit matrices."""
    data = np.random.default_rng(3).bytes(3 * (4 << module._LEVELS) + extra)
    whole = crc32c(data)
    halves = crc32c(data[:1000]), crc32c(data[1000:])
    assert whole == combined(*halves, len(data) - 1000)


def combined(left: int, right: int, length: int) -> int:
    """The checksum of both parts, from theirs: `left` is shifted by `length` zero bytes."""

    def times(matrix: list[int], vector: int) -> int:
        total = 0
        for row in matrix:
            total ^= row * (vector & 1)
            vector >>= 1
        return total

    one_bit = [0x82F63B78, *(1 << i for i in range(31))]
    matrix, bits = one_bit, 8 * length
    while bits:
        if bits & 1:
            left = times(matrix, left)
        matrix = [times(matrix, row) for row in matrix]
        bits >>= 1
    return left ^ right
