"""Reconstruction: what a model says of windows, summed up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ghostnote.data.bars import Bars, to_x
from ghostnote.evaluate.metrics import Confusion
from ghostnote.evaluate.reconstruction import reconstruct
from ghostnote.model.vae import GrooveVAE, kl_from_prior
from ghostnote.music.kit import N_VOICES

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def bars() -> Bars:
    """30 windows of two bars."""
    random = np.random.default_rng(0)
    hits = random.random((31, 16, N_VOICES)) < 0.2
    return Bars(
        (hits * random.integers(1, 128, hits.shape)).astype(np.uint8),
        (hits * random.uniform(-0.5, 0.49, hits.shape)).astype(np.float32),
        np.arange(30),
        np.tile([0, 31], (30, 1)),
        2,
    )


@pytest.fixture(params=["likelihood", "squared-error"])
def model(request: pytest.FixtureRequest, make_model: Callable[..., GrooveVAE]) -> GrooveVAE:
    return make_model("hierarchical", request.param)


@torch.no_grad()
def test_figures_are_those_of_the_windows_one_by_one(model: GrooveVAE, bars: Bars) -> None:
    scores = reconstruct(model, bars, device=CPU)
    x = torch.from_numpy(to_x(bars.cells(bars.bars_of(np.arange(30)))))
    true = x[..., :N_VOICES].numpy() == 1
    q = model.encode(x)
    p = model.decode(q.mean)
    free = p.mode()[..., :N_VOICES].numpy() == 1
    point = p.given(x).point().numpy()
    assert scores.f1 == pytest.approx(Confusion.of(free, true).f1())
    assert scores.f1_forced == pytest.approx(Confusion.of(point[..., :N_VOICES] == 1, true).f1())
    assert scores.bits == pytest.approx(float(kl_from_prior(q).sum(-1).mean()) / math.log(2))
    assert scores.elbo == pytest.approx(
        float((p.log_prob(x) - kl_from_prior(q).sum(-1)).mean()), rel=1e-5
    )
    wrong = np.abs(point - x.numpy())
    velocity, offset = wrong[..., 9:18][true].mean(), wrong[..., 18:][true].mean()
    assert scores.velocity_error == pytest.approx(127 * velocity, rel=1e-5)
    assert scores.offset_error == pytest.approx(offset, rel=1e-5)
    assert scores.active == int((q.mean.numpy().var(0) > 0.01).sum())


def test_neither_batch_nor_mode_of_training_matters(model: GrooveVAE, bars: Bars) -> None:
    whole = dataclasses.asdict(reconstruct(model, bars, device=CPU))
    parts = dataclasses.asdict(reconstruct(model.train(), bars, device=CPU, batch=7))
    assert parts == pytest.approx(whole, rel=1e-5)


def test_one_window_has_figures(model: GrooveVAE, bars: Bars) -> None:
    one = dataclasses.replace(bars, first=bars.first[:1], span=bars.span[:1])
    scores = reconstruct(model, one, device=CPU)
    assert scores.active == 0
    assert all(math.isfinite(value) for value in dataclasses.asdict(scores).values())
    silent = dataclasses.replace(one, velocity=0 * bars.velocity, offset=0 * bars.offset)
    assert reconstruct(model, silent, device=CPU).velocity_error == 0
