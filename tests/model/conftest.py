"""Small models of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ghostnote.model.vae import GrooveVAE
from ghostnote.music.kit import N_VOICES

HEADS = ("likelihood", "squared-error", "categorical", "nade", "boolean")

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    **{f"{kind}-{head}": (kind, head, {}) for kind in ("hierarchical", "flat") for head in HEADS},
    "hears-state": ("hierarchical", "likelihood", {"decoder": {"memory": "state"}}),
    "hears-outputs": (
        "hierarchical",
        "squared-error",
        {
            "decoder": {"memory": "outputs"},
            "encoder": {"kind": "hierarchical", "size": 8},
        },
    ),
    "deep": (
        "hierarchical",
        "nade",
        {
            "decoder": {"conductor_layers": 2, "layers": 3},
            "encoder": {"kind": "hierarchical", "size": 6, "layers": 2},
        },
    ),
}


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, make_model: Callable[..., GrooveVAE]) -> GrooveVAE:
    """A model of two bars; `T` = 32, z of 8 numbers."""
    kind, head, others = KINDS[request.param]
    return make_model(kind, head, **others)


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
