"""Cells that are kept in a file, and pages of them."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cells import Cell, Cells, same, spread, table
from ghostnote.errors import DataError
from ghostnote.train.config import RunConfig, to_table

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def cell(name: str = "a", value: float = 1.0, **settings: object) -> Cell:
    run = replace(RunConfig(), **settings)
    return Cell(name, {"run": to_table(run), "hop": 2}, {"f1": value}, {"seconds": 3.0})


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cells.json"
    for kept in (cell(seed=1), cell("b")):
        Cells(path).keep(kept)
    cells = Cells(path)
    assert list(cells) == [cell(seed=1), cell("b")]
    assert cells.find("a", cell(seed=1).setting) == cell(seed=1)
    assert cells.find("a", cell().setting) is None
    assert cells.find("c", cell().setting) is None
    assert cells.find("b", {**cell().setting, "hop": 1}) is None


def test_a_cell_takes_the_place_of_one_of_its_name_and_seed(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.json")
    for kept in (cell(), cell(seed=1), cell(value=2.0, epochs=3.0)):
        cells.keep(kept)
    assert list(cells) == [cell(seed=1), cell(value=2.0, epochs=3.0)]


def test_cells_of_another_process_are_not_lost(tmp_path: Path) -> None:
    one, other = Cells(tmp_path / "cells.json"), Cells(tmp_path / "cells.json")
    one.keep(cell("a"))
    other.keep(cell("b"))
    assert [each.name for each in Cells(tmp_path / "cells.json")] == ["a", "b"]


def test_a_setting_that_did_not_exist_then_had_its_default() -> None:
    before = json.loads(json.dumps(cell().setting))
    del before["run"]["patience"], before["run"]["objective"]["hit_weight"]
    assert same(before, cell().setting)
    before["run"]["objective"]["hit_weight"] = 2.0
    assert not same(before, cell().setting)
    before["run"]["objective"] = {"gone": 1.0}
    assert not same(before, cell().setting)


@pytest.mark.parametrize("text", ["", "[]", '{"cells": [{"nome": 1}]}', '{"cells": 3}'])
def test_a_file_that_is_none_of_ours_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.json"
    path.write_text(text)
    with pytest.raises(DataError, match="holds no results of a benchmark") as caught:
        Cells(path)
    assert caught.value.remedy is not None
    assert path.read_text() == text


def test_tables_and_spreads() -> None:
    lines = ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    assert table(["a", "b"], [["1", "2"]]).splitlines() == lines
    assert [spread(values, 1) for values in ([], [1.0], [1.0, 2.0])] == [
        "–",
        "1.0",
        "1.5 (1.0–2.0)",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("hierarchy", "interpolation_spaces", "attribute_vectors", "levers", "original"),
        *("original_test", "rate_distortion"),
    ],
)
def test_pages_say_what_was_measured(name: str, tmp_path: Path) -> None:
    """The pages in the documents are those that the commands write of the cells beside them."""
    if not (RESULTS / f"{name}.md").exists():
        pytest.skip(f"docs/results has no {name} yet")
    benchmark = importlib.import_module(f"benchmarks.{name.removesuffix('_test')}")
    written = (RESULTS / f"{name}.md").read_text("utf-8")
    cells = list(Cells(RESULTS / f"{name}.json"))
    if name == "rate_distortion":
        pictures = {scale: f"{name}_{scale}.svg" for scale in benchmark.SCALES}
        parts = benchmark.page(cells, pictures)
    else:
        parts = benchmark.page(cells)
    assert written == "\n\n".join(part.strip() for part in parts) + "\n"
