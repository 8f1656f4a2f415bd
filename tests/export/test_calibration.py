"""Calibration: the scales that make held-out hits likeliest, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ghostnote.data.bars import Bars
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
from ghostnote.evaluate.report import all_windows
from ghostnote.export.calibration import STEPS, calibrate
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.tasks import Humanize


@pytest.fixture(scope="module")
def held_out(drumming: Path) -> Bars:
    return Bars.of(windows(load_corpus(drumming).select(split="validation"), bars=2))


def nats(model: GrooveVAE, bars: Bars) -> tuple[float, float]:
    """Of velocity and offset, at the mean of the posterior."""
    x = torch.from_numpy(all_windows(bars))
    with torch.no_grad():
        parts = model.decode(model.encode(x).mean).parts(x)
    return -float(parts.velocity.sum()), -float(parts.offset.sum())


def scales(model: GrooveVAE) -> list[torch.Tensor]:
    voices = model.config.voices
    bias = model.decoder.core.project.bias.detach()
    return [bias[group * voices : (group + 1) * voices].clone() for group in (2, 4)]


@pytest.mark.parametrize("kind", ["flat", "hierarchical"])
def test_no_other_step_is_likelier(
    make_model: Callable[..., GrooveVAE], held_out: Bars, kind: str
) -> None:
    model = make_model(kind)
    found = calibrate(model, held_out)
    assert found is not None
    assert found.windows == len(held_out)
    best = nats(model, held_out)
    voices = model.config.voices
    for step in STEPS[::4]:
        other = make_model(kind)
        with torch.no_grad():
            for group in (2, 4):
                other.decoder.core.project.bias[group * voices : (group + 1) * voices] += step
        for ours, theirs in zip(best, nats(other, held_out), strict=True):
            assert ours <= theirs + 1e-3 * abs(theirs)


def test_only_scales_change_and_all_by_the_same(
    make_model: Callable[..., GrooveVAE], held_out: Bars
) -> None:
    model, before = make_model("flat"), make_model("flat")
    found = calibrate(model, held_out)
    assert found is not None
    for moved, were, step in zip(
        scales(model), scales(before), (found.velocity, found.offset), strict=True
    ):
        assert moved.numpy() == pytest.approx((were + step).half().float().numpy())
    x = torch.from_numpy(all_windows(held_out))
    with torch.no_grad():
        assert torch.equal(model.encode(x).mean, before.encode(x).mean)
        z = before.encode(x).mean
        ours, theirs = (one.decode(z).given(x).point() for one in (model, before))
    voices = model.config.voices
    assert torch.equal(ours[..., : 2 * voices], theirs[..., : 2 * voices]), "hits and velocity"


def test_a_model_that_is_too_sure_gets_wider(
    make_model: Callable[..., GrooveVAE], held_out: Bars
) -> None:
    """What was added is found again, to a step: calibrating undoes it."""
    model, narrowed = make_model("flat"), make_model("flat")
    voices = model.config.voices
    first = calibrate(model, held_out)
    with torch.no_grad():
        narrowed.decoder.core.project.bias[2 * voices : 3 * voices] -= 0.4
    second = calibrate(narrowed, held_out)
    assert first is not None
    assert second is not None
    assert second.velocity == pytest.approx(min(first.velocity + 0.4, STEPS.max()), abs=0.051)
    assert second.offset == pytest.approx(first.offset)


def test_what_a_task_hides_is_hidden(make_model: Callable[..., GrooveVAE], held_out: Bars) -> None:
    model = make_model("hierarchical")
    assert calibrate(model, held_out, task=Humanize()) == calibrate(
        make_model("hierarchical"), held_out, task=Humanize()
    )


@pytest.mark.parametrize("head", ["categorical", "squared-error"])
def test_heads_without_scales_are_left_alone(
    make_model: Callable[..., GrooveVAE], held_out: Bars, head: str
) -> None:
    model, before = make_model("flat", head), make_model("flat", head)
    assert calibrate(model, held_out) is None
    for name, weight in before.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight)


def test_steps_are_even() -> None:
    assert np.diff(STEPS) == pytest.approx(0.05)
    assert 0 in STEPS
