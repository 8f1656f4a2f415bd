"""The table of hierarchical against flat decoders, in small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.hierarchy import BARS, DECODERS, HEADS, SCALES, accuracies, run_of
from ghostnote.data.bars import Bars
from ghostnote.model.size import n_parameters
from ghostnote.model.vae import GrooveVAE


@pytest.mark.parametrize("scale", ["small", "full"])
@pytest.mark.parametrize("kind", list(HEADS))
def test_both_decoders_have_as_many_parameters(scale: str, kind: str) -> None:
    for bars in BARS:
        sizes = [
            n_parameters(run_of(SCALES[scale], kind, bars, decoder, 0).model)
            for decoder in DECODERS
        ]
        assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


def test_a_pair_differs_in_its_decoder_alone() -> None:
    flat, tall = (
        run_of(SCALES["small"], "groove", 8, each, 3) for each in ("flat", "hierarchical")
    )
    assert flat.model.decoder != tall.model.decoder
    assert {n: v for n, v in vars(flat).items() if n != "model"} == {
        n: v for n, v in vars(tall).items() if n != "model"
    }
    mine, theirs = (
        {n: v for n, v in vars(run.model).items() if n != "decoder"} for run in (flat, tall)
    )
    assert mine == theirs


@pytest.fixture(scope="module")
def bars() -> Bars:
    random = np.random.default_rng(0)
    hits = random.random((12, 16, 9)) < 0.2
    hits[0] = False
    first = np.arange(11)
    return Bars(
        (hits * random.integers(1, 128, hits.shape)).astype(np.uint8),
        (hits * random.uniform(-0.4, 0.4, hits.shape)).astype(np.float32),
        first,
        np.tile([0, 12], (11, 1)),
        2,
    )


@pytest.mark.parametrize("head", ["likelihood", "categorical"])
def test_accuracies_are_what_counting_gives(
    head: str, bars: Bars, make_model: Callable[..., GrooveVAE]
) -> None:
    model = make_model("hierarchical", head)
    found = accuracies(model, bars, batch=4)
    assert found == pytest.approx(accuracies(model, bars, batch=512), abs=1e-6)
    velocity, offset = bars.cells(bars.bars_of(np.arange(11)))
    x = torch.from_numpy(
        np.concatenate([velocity > 0, velocity / 127, offset], -1, dtype=np.float32)
    )
    with torch.no_grad():
        p = model.decode(model.encode(x).mean)
        guesses = {"free": p.mode(), "forced": p.given(x).point()}
    steps = [(w, t) for w in range(11) for t in range(32)]
    for name, guess in guesses.items():
        right = [torch.equal(guess[w, t, :9] > 0.5, x[w, t, :9] > 0.5) for w, t in steps]
        assert found[f"steps_{name}"] == pytest.approx(np.mean(right), abs=1e-6)
        mine, true = guess[..., :9] > 0.5, x[..., :9] > 0.5
        assert found[f"cells_{name}"] == pytest.approx(float((mine == true).double().mean()))
        f1 = 2 * float((mine & true).sum()) / float(mine.sum() + true.sum())
        assert found[f"f1_{name}"] == pytest.approx(f1)
    silent = [not x[w, t].any() for w, t in steps]
    assert found["silent_steps"] == pytest.approx(np.mean(silent), abs=1e-6)


def test_a_model_that_is_silent_scores_what_silence_scores(
    bars: Bars, make_model: Callable[..., GrooveVAE]
) -> None:
    model = make_model("flat", seed=1)
    with torch.no_grad():
        model.decoder.core.project.bias[:9] = -1000
    found = accuracies(model, bars)
    assert found["steps_free"] == found["steps_forced"] == found["silent_steps"] > 0
    assert found["cells_free"] == found["silent_cells"]
    assert found["f1_free"] == 0


@pytest.mark.slow
def test_the_command_goes_on_with_what_is_missing(
    benchmark: Callable[..., Any], tmp_path: Path
) -> None:
    options = ("--scale", "tiny", "--threads", 1, "--runs", tmp_path / "runs")
    options += ("--results", tmp_path, "--precision", "fp32")
    done = benchmark("hierarchy", *options, "--cells", "groove, 2 bars, flat")
    assert done.returncode == 0, done.stderr
    assert "groove, 2 bars, flat: step 4 of 4" in done.stdout
    done = benchmark("hierarchy", *options, "--cells", "groove, 2 bars")
    assert done.returncode == 0, done.stderr
    assert "flat" not in done.stdout, "it was there already"
    cells = json.loads((tmp_path / "hierarchy.json").read_text())["cells"]
    assert [cell["name"].split(", ")[-1] for cell in cells] == ["flat", "hierarchical"]
    page = (tmp_path / "hierarchy.md").read_text()
    assert "Missing: groove, 4 bars, flat; groove, 4 bars, hierarchical; " in page
    assert f"| groove | 2 | flat | {cells[0]['figures']['steps_forced']:.3f} |" in page
    done = benchmark("hierarchy", "--page", "--results", tmp_path, "--device", "cuda:99")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "hierarchy.md").read_text() == page
    done = benchmark("hierarchy", *options, "--cells", "groove, 3 bars")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no cell is called groove, 3 bars (of: ")
