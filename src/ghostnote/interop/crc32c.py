"""CRC-32C (Castagnoli), the checksum of TensorFlow's files, at the speed of numpy.

A CRC is the remainder of a polynomial over GF(2), and so is linear in the data: what two
neighbouring blocks leave is ``left * x^n + right``, n being the bits of the right one. Neighbours
combine in pairs, the pairs in pairs, and so on: one array operation for each level of that tree,
in which the product by ``x^n`` is four look-ups of a byte in a table.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

_POLYNOMIAL: Final = np.uint32(0x82F63B78)
_PREFIX: Final = (0x641F6454).to_bytes(4, "little")
"""The word that leaves 0xFFFFFFFF, which is what the checksum's register starts with."""

_LEVELS: Final = 16
"""Levels of the tree that are computed at a time, so that 4 << 16 bytes stay in the cache."""


def crc32c(data: bytes | memoryview) -> int:
    """The CRC-32C of `data`, in [0, 2^32)."""
    # Zeros in front change nothing, and fill up the first word, or the first block.
    block = 4 << _LEVELS if len(data) > 4 << _LEVELS else 4
    padded = np.zeros(-(-(len(data) + 4) // block) * block, np.uint8)
    message = padded[len(padded) - len(data) - 4 :]
    message[:4] = np.frombuffer(_PREFIX, np.uint8)
    message[4:] = np.frombuffer(data, np.uint8)
    words: Words = padded.view("<u4").astype(np.uint32, copy=False)
    level = 0
    if block > 4:
        blocks = words.reshape(-1, 1 << _LEVELS)
        words, level = np.array([_remainder(part, 0) for part in blocks]), _LEVELS
    remainder = np.array([_remainder(words, level)])
    return int(_times(_table(0), remainder)[0]) ^ 0xFFFFFFFF


def _remainder(words: Words, level: int) -> np.uint32:
    """What `words`, each standing for ``4 << level`` bytes, leave together."""
    while len(words) > 1:
        if len(words) % 2:
            words = np.concatenate([np.zeros(1, np.uint32), words])
        words = _times(_table(level), words[0::2]) ^ words[1::2]
        level += 1
    return np.uint32(words[0])


@cache
def _table(level: int) -> Words:
    """`[4, 256]`: each byte, at each place in a word, times ``x^n`` for ``4 << level`` bytes."""
    if level:
        half = _table(level - 1)
        return _times(half, half)
    places = np.arange(0, 32, 8, dtype=np.uint32)
    words: Words = np.arange(256, dtype=np.uint32) << places[:, None]
    for _ in range(32):
        words = np.where(words & 1, words >> 1 ^ _POLYNOMIAL, words >> 1)
    return words


def _times(table: Words, words: Words) -> Words:
    product: Words = (
        table[0].take(words & 255)
        ^ table[1].take(words >> 8 & 255)
        ^ table[2].take(words >> 16 & 255)
        ^ table[3].take(words >> 24)
    )
    return product
