"""Windows that a model learns in a moment."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ghostnote.data.bars import Bars


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


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
