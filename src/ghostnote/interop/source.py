"""What the readers of weight files share: where the bytes come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from ghostnote.errors import WeightsError

Tensors = dict[str, npt.NDArray[Any]]
"""Arrays by the name that the other program gave them."""

Read = Callable[[Path], bytes]
"""Gives the content of a file, on disk or in an archive; raises `WeightsError`."""


_MAX_RANK: Final = 32
_MAX_CELLS: Final = 1 << 48


def is_shape(lengths: Sequence[int]) -> bool:
    """Whether an array can have this shape, in any numpy, were there the memory for it."""
    if len(lengths) > _MAX_RANK or any(length < 0 for length in lengths):
        return False
    return math.prod(max(length, 1) for length in lengths) < _MAX_CELLS


def read_file(path: Path) -> bytes:
    """The content of a file on disk.

    Raises:
        WeightsError: it is missing, cannot be read, or does not fit into memory.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(
            "does not exist", source=path, remedy="keep the files of a checkpoint together"
        ) from None
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "larger than the memory"
        raise WeightsError(f"cannot be read: {reason}", source=path) from error
