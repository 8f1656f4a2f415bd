"""The rate–distortion curve, in small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cells import Cell
from benchmarks.rate_distortion import POINTS, by_point, cell_name, plot


def point(beta: float, free: float, seed: int, bits: float) -> Cell:
    figures = {"bits": bits, "distortion": 100 - bits, "f1": bits / 200, "f1_forced": bits / 100}
    return Cell(cell_name("small", beta, free), {"run": {"seed": seed}}, figures)


def test_points_are_in_the_order_of_their_rates() -> None:
    cells = [point(0.2, 0, 0, 40.0), point(2, 0, 0, 5.0), point(0.2, 0, 1, 20.0)]
    points = by_point("small", cells)
    assert list(points) == [(2, 0), (0.2, 0)]
    assert [cell.seed for cell in points[0.2, 0]] == [0, 1]
    assert by_point("full", cells) == {}


def test_the_plot_is_the_same_for_the_same_points(tmp_path: Path) -> None:
    points = by_point("small", [point(*each, 0, 10.0 * i) for i, each in enumerate(POINTS)])
    for name in ("a.svg", "b.svg"):
        plot(tmp_path / name, points)
    drawn = (tmp_path / "a.svg").read_bytes()
    assert drawn == (tmp_path / "b.svg").read_bytes()
    assert all(f"β {beta:g}" in drawn.decode() for beta, _ in POINTS)


@pytest.mark.slow
def test_the_command_trains_points_and_draws_them(
    benchmark: Callable[..., Any], tmp_path: Path
) -> None:
    options = ("--scale", "tiny", "--threads", 1, "--runs", tmp_path / "runs")
    done = benchmark("rate_distortion", *options, "--results", tmp_path, "--cells", "beta 2")
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((tmp_path / "rate_distortion.json").read_text())["cells"]
    figures = cell["figures"]
    parts = [figures[f"nll_{part}"] for part in ("hits", "velocity", "offset")]
    assert figures["distortion"] == pytest.approx(sum(parts))
    assert cell["setting"]["run"]["objective"]["beta"] == 2
    page = (tmp_path / "rate_distortion.md").read_text()
    assert "](rate_distortion_tiny.svg)" in page
    assert "<svg" in (tmp_path / "rate_distortion_tiny.svg").read_text("utf-8")
    assert "Missing: tiny: beta 4, 0 free bits; " in page
