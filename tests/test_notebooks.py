"""The notebooks in ``docs/notebooks`` run, and show what is written in them.

Each is executed in a fresh kernel and an empty folder. What comes out must be what is in the file:
to the letter, but for the digits of cells that are tagged ``measured``, which depend on the
machine, for fractions of a pixel, and for audio, whose bytes depend on the encoder. After a change
that is meant, ``pytest tests/test_notebooks.py --write-notebooks`` writes the outputs anew.
"""

from __future__ import annotations

import copy
import re
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
NEED_GMD = {"3-for-researchers"}
LARGEST = 1_500_000

AUDIO = re.compile(r"data:audio/[a-z]+;base64,[A-Za-z0-9+/=]*")
FRACTION = re.compile(r"\.\d+")
NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


def pictured(outputs: list[Any]) -> list[str]:
    return [each["data"]["text/html"] for each in outputs if "text/html" in each.get("data", {})]


def comparable(cell: Any) -> list[tuple[str, str]]:
    """The outputs of a cell as kind and text, without what may differ from run to run."""
    found: list[tuple[str, str]] = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            parts = {output["name"]: output["text"]}
        else:
            parts = dict(output.get("data", {}))
        if "text/html" in parts:
            bare = AUDIO.sub("data:audio", parts["text/html"])
            parts["text/html"] = FRACTION.sub(".#", bare)
        found += sorted(parts.items())
    if "measured" not in cell["metadata"].get("tags", []):
        return found
    # Of a trained model's loops, not even the size of the tabs is the same everywhere.
    return [
        (kind, re.sub(" +", " ", NUMBER.sub("#", text)) if kind == "stdout" else "")
        for kind, text in found
    ]


def executed(notebook: Any, folder: Path) -> Any:
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        result,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's, which are not ours to heed
        client.execute()
    result.metadata.language_info = notebook.metadata.language_info
    return result


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_what_the_code_gives(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path.stem in NEED_GMD:
        pytest.importorskip("torch")
        monkeypatch.setenv("GHOSTNOTE_GMD", str(request.getfixturevalue("gmd_zip")))
    notebook = nbformat.read(path, as_version=4)
    now = executed(notebook, tmp_path)
    if request.config.getoption("--write-notebooks"):
        nbformat.write(now, path)
        return
    for cell, anew in zip(notebook.cells, now.cells, strict=True):
        if cell.cell_type == "code":
            assert comparable(cell) == comparable(anew), cell.source
            assert cell.execution_count == anew.execution_count


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_kept_is_small_whole_and_of_no_machine(path: Path) -> None:
    nbformat.validate(notebook := nbformat.read(path, as_version=4))
    assert path.stat().st_size < LARGEST
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        outputs = cell.get("outputs", [])
        assert cell.cell_type == "markdown" or cell.execution_count
        assert not [output for output in outputs if output.get("name") == "stderr"]
        assert not re.search(r"/(home|tmp|root|work|Users)/", str(outputs))
        for html in pictured(outputs):
            ET.fromstring(html)


def test_there_are_three_and_each_shows_grooves() -> None:
    assert [path.stem[0] for path in NOTEBOOKS] == ["1", "2", "3"]
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        assert "<audio" in str([pictured(cell.get("outputs", [])) for cell in cells])
