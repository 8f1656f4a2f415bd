"""What the readers of weight files share: where the bytes come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ghostnote.errors import WeightsError

Tensors = dict[str, npt.NDArray[Any]]
"""Arrays by the name that the other program gave them."""

Read = Callable[[Path], bytes]
"""Gives the content of a file, on disk or in an archive; raises `WeightsError`."""


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
