"""Data and runs that are trained in a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ghostnote.data.augment import Augmentation
from ghostnote.data.bars import Bars
from ghostnote.model.config import HierarchicalConfig, ModelConfig
from ghostnote.train.config import CorruptionConfig, ObjectiveConfig, OptimiserConfig, RunConfig


def make_bars(takes: int, *, seed: int) -> Bars:
    """Windows of two bars over takes of three: kick, snare and hat, and some chance."""
    random = np.random.default_rng(seed)
    hits = np.zeros((3 * takes, 16, 9), bool)
    hits[:, ::8, 0] = hits[:, 4::8, 1] = hits[:, ::2, 2] = True
    hits ^= random.random(hits.shape) < 0.03
    first = np.sort(np.concatenate([3 * np.arange(takes), 3 * np.arange(takes) + 1]))
    return Bars(
        (hits * random.integers(40, 128, hits.shape)).astype(np.uint8),
        (hits * random.uniform(-0.3, 0.3, hits.shape)).astype(np.float32),
        first,
        np.stack([first // 3 * 3, np.full_like(first, 3)], axis=1),
        2,
    )


@pytest.fixture(scope="session")
def training() -> Bars:
    """32 windows."""
    return make_bars(16, seed=0)


@pytest.fixture(scope="session")
def validation() -> Bars:
    """8 windows."""
    return make_bars(4, seed=1)


@pytest.fixture(scope="session")
def run() -> RunConfig:
    """A run of 12 steps with a validation every fourth, in which all that is random is used."""
    return RunConfig(
        name="tiny",
        model=ModelConfig(
            bars=2,
            latent=4,
            encoder=6,
            decoder=HierarchicalConfig(size=8, conductor=6),
            layer_dropout=0.2,
            latent_dropout=0.1,
        ),
        objective=ObjectiveConfig(free_bits=1),
        corruption=CorruptionConfig(
            hide_cells=0.1, hide_steps=0.2, sampling=0.5, sampling_rise=4
        ),
        augmentation=Augmentation(
            other_bars=0.3, swap_voices=0.2, drop_voice=0.1, velocity_gain=0.1,
            velocity_noise=0.05, offset_shift=0.03, offset_noise=0.02,
        ),
        optimiser=OptimiserConfig(batch=8, warmup=3, average=0.9),
        epochs=3,
        seed=5,
    )  # fmt: skip


def changed(run: RunConfig, **parts: Mapping[str, Any] | Any) -> RunConfig:
    """`run` with some of its settings, or of those in one of its parts, replaced."""
    values = {
        name: dataclasses.replace(getattr(run, name), **value)
        if isinstance(value, Mapping)
        else value
        for name, value in parts.items()
    }
    return dataclasses.replace(run, **values)


@pytest.fixture(scope="session")
def with_settings() -> Any:
    """`changed`."""
    return changed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
