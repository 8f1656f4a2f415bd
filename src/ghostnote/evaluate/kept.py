"""Parts of reports that were measured before, in files: what is done need not be done again.

A part is kept under all that it depends on, the code of the package included, so that it is never
taken for another's.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from ghostnote.data.home import data_home
from ghostnote.errors import OutputError
from ghostnote.evaluate.bootstrap import Estimate
from ghostnote.files import write_bytes

logger = logging.getLogger(__name__)

_FOLDER: Final = "figures"
_ABOVE: Final = ("cli", "studio", "bundles")
"""Parts of the package that no figure depends on: they stand above what measures, or are data."""

_SHOWING: Final = ("examples.py", "page.py", "plots.py", "tables.py")
"""Modules beside this one that show figures, and make none."""


def keep(key: object, measure: Callable[[], Estimate], *, anew: bool = False) -> Estimate:
    """What `measure` gives, or gave for the same `key` when it was last called.

    Args:
        key: all that the figures depend on but the code, as JSON can hold it.
        measure: makes the figures.
        anew: measure in any case.
    """
    text = json.dumps([code(), key], sort_keys=True)
    path = data_home() / _FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    if not anew and (found := _read(path)) is not None:
        return found
    made = measure()
    content = json.dumps({"values": made.values, "intervals": made.intervals})
    try:
        write_bytes(path, content.encode())
    except OutputError as error:
        logger.warning("figures are not kept, so that they are measured each time: %s", error)
    # As they come back from the file: the same, whether they were measured now or before.
    return _plain(content)


@cache
def code() -> str:
    """Identifies the code that measures: sha256 over the package."""
    here = Path(__file__)
    root, shown = here.parents[1], [here.with_name(name) for name in _SHOWING]
    hashed = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        below = path.relative_to(root)
        if below.parts[0] not in _ABOVE and path not in shown:
            hashed.update(below.as_posix().encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()


def _read(path: Path) -> Estimate | None:
    try:
        return _plain(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(content: str) -> Estimate:
    found: dict[str, Any] = json.loads(content)
    return Estimate(dict(found["values"]), dict(found["intervals"]))
