"""What a benchmark has found so far: cells in a JSON file that grows, and the page made of it.

A benchmark is a number of cells. Each is kept as soon as it is measured, with the configuration
that it was measured with, so that a command that was stopped goes on with the cells that are
missing, and a page can be written from those there are.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ghostnote.errors import ConfigError, DataError
from ghostnote.files import write_bytes
from ghostnote.train.config import RunConfig, from_table


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        name: of what.
        setting: all that decides the figures, as plain values; a training run is under ``run``.
        figures: what was measured.
        cost: what it took: seconds, device, commit and the like.
    """

    name: str
    setting: Mapping[str, Any]
    figures: Mapping[str, Any]
    cost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """Of the run, or else of what was drawn."""
        return int(self.setting.get("run", self.setting)["seed"])


class Cells:
    """The cells of one benchmark, in a file.

    Raises:
        DataError: the file is there, and is none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read()

    def _read(self) -> None:
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            self._cells: list[Cell] = []
            return
        try:
            self._cells = [Cell(**cell) for cell in json.loads(text)["cells"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"holds no results of a benchmark: {error}",
                source=self.path,
                remedy="move it away, or name another folder with --results",
            ) from error

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells)

    def find(self, name: str, setting: Mapping[str, Any]) -> Cell | None:
        """The cell `name` that was measured with just this `setting`."""
        return next(
            (cell for cell in self._cells if cell.name == name and same(cell.setting, setting)),
            None,
        )

    def keep(self, cell: Cell) -> None:
        """Write `cell` into the file, in the place of one of that name and seed.

        The file is read again first, since another process may measure other cells.

        Raises:
            OutputError: it cannot be written.
        """
        self._read()
        others = [
            other for other in self._cells if (other.name, other.seed) != (cell.name, cell.seed)
        ]
        self._cells = [*others, cell]
        document = {"cells": [asdict(each) for each in self._cells]}
        write_bytes(self.path, json.dumps(document, indent=1).encode() + b"\n")


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two settings are the same, once both have been through JSON.

    Runs are compared as runs: a key that did not exist when one was measured has its default.
    """
    mine, theirs = (json.loads(json.dumps(dict(setting))) for setting in (one, other))
    try:
        runs = [
            from_table(RunConfig, setting.pop("run")) if "run" in setting else None
            for setting in (mine, theirs)
        ]
    except ConfigError:
        return False
    return bool(mine == theirs and runs[0] == runs[1])


# -- pages -----------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Sequence[float], digits: int) -> str:
    """The mean of what several seeds gave, and from where to where they lie; – for none."""
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def origin(cells: Sequence[Cell]) -> str:
    """Where cells were measured, and with which seeds, in a sentence."""
    seeds = sorted({cell.seed for cell in cells})
    places = sorted({str(cell.cost["machine"]) for cell in cells})
    commits = sorted({str(cell.cost["commit"])[:7] for cell in cells})
    return (
        f"Seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}; {'; '.join(places)}; "
        f"commit {', '.join(commits)}."
    )


def write_page(path: Path, *parts: str) -> None:
    """Write the parts of a page, with an empty line between them.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, ("\n\n".join(part.strip() for part in parts) + "\n").encode())
