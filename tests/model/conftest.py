"""Small models of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
import torch
from torch import Tensor

from ghostnote.model.vae import GrooveVAE
from ghostnote.music.kit import N_VOICES

KINDS = [
    (kind, head) for kind in ("hierarchical", "flat") for head in ("likelihood", "squared-error")
]


@pytest.fixture(params=KINDS, ids="-".join)
def model(request: pytest.FixtureRequest, make_model: Callable[..., GrooveVAE]) -> GrooveVAE:
    """A model of two bars; `T` = 32, z of 8 numbers."""
    return make_model(*cast("tuple[str, str]", request.param))


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def z(random: torch.Generator) -> Tensor:
    """`[5, 8]`."""
    return torch.randn(5, 8, generator=random)


@pytest.fixture
def noise(random: torch.Generator) -> Tensor:
    """`[5, 32, 9, 3]`."""
    return torch.rand(5, 32, N_VOICES, 3, generator=random).clamp(1e-6, 1 - 1e-6)
