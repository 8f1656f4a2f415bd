"""Calibration: what a model says of held-out hits covers as many of them as it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ghostnote.bundle import Bundle
from ghostnote.data.bars import Bars, to_x
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import ConfigError
from ghostnote.evaluate.reconstruction import LEVELS, forced
from ghostnote.evaluate.takes import Takes, takes_of
from ghostnote.evaluate.tasks import humanize_model
from ghostnote.export import calibration
from ghostnote.export.calibration import timing_slope, widen
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.tasks import NOTHING_HIDDEN
from ghostnote.runtime import Runtime


@pytest.fixture(scope="module")
def held_out(drumming: Path) -> Windows:
    return windows(load_corpus(drumming).select(split="validation"), bars=2)


BIAS = "decoder.core.project.bias"


@pytest.fixture(scope="module")
def takes(drumming: Path) -> Takes:
    return takes_of(load_corpus(drumming), "validation")


def excess(model: GrooveVAE, bars: Bars) -> np.ndarray:
    """By how much more than they should intervals hold, on average: velocity and offset."""
    x = to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))
    given = NOTHING_HIDDEN.apply(x, np.random.default_rng(0))
    ranks = forced(model, x, given, device=torch.device("cpu"), draws=256).ranks
    assert ranks is not None
    held = [(np.abs(ranks - 0.5) <= level / 2).mean(1) - level for level in LEVELS]
    mean: np.ndarray = np.mean(held, axis=0)
    return mean


@pytest.mark.parametrize("too_wide", [-1.5, 2.0])
def test_intervals_hold_what_they_should(
    make_model: Callable[..., GrooveVAE],
    held_out: Windows,
    too_wide: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration, "FEWEST", 1)
    model, bars = make_model("flat"), Bars.of(held_out)
    with torch.no_grad():
        model.get_parameter(BIAS).view(5, -1)[[2, 4]] += too_wide
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    wrong = excess(model, bars)
    widened = widen(model, bars)
    assert np.all(np.abs(excess(model, bars)) < 0.02)
    assert np.all(np.abs(wrong) > 0.02)
    after = model.state_dict()
    changed = [name for name in before if not torch.equal(after[name], before[name])]
    assert changed == [BIAS]
    moved = (after[BIAS] - before[BIAS]).view(5, -1)
    assert not moved[[0, 1, 3]].any()
    for row, name in ((2, "velocity"), (4, "offset")):
        assert moved[row].numpy() == pytest.approx(widened[name], abs=2e-3)
    assert torch.equal(after[BIAS], after[BIAS].half().float())
    again = widen(model, bars)
    assert max(map(abs, again.values())) < 0.02


def test_it_is_fitted_to_hits_and_to_enough_of_them(
    make_model: Callable[..., GrooveVAE], held_out: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = Bars.of(held_out)
    monkeypatch.setattr(calibration, "FEWEST", 10**9)
    with pytest.raises(ConfigError, match="too few"):
        widen(make_model("flat"), bars)


def test_the_slope_of_the_timing_has_the_least_error(tiny_bundle: Bundle, takes: Takes) -> None:
    config = {**tiny_bundle.config, "task": {"kind": "humanize"}}
    best = timing_slope(Runtime(Bundle(tiny_bundle.path, config)), takes)
    assert 0 <= best <= 1

    def error(slope: float) -> float:
        sampling = {**config["sampling"], "timing": slope}
        runtime = Runtime(Bundle(tiny_bundle.path, {**config, "sampling": sampling}))
        found: float = humanize_model(runtime, takes).values["point"]["offset_error_ms"]
        return found

    least = error(best)
    assert all(least <= error(other) + 1e-6 for other in np.linspace(0, 1, 9))
