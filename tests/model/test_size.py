"""The number of parameters that is told without torch is the one that torch finds."""

from __future__ import annotations

import pytest
import torch

from ghostnote.interop.configs import SYMBOLS
from ghostnote.model.config import ModelConfig
from ghostnote.model.size import n_parameters
from ghostnote.model.vae import GrooveVAE
from ghostnote.train.presets import PRESETS

KNOWN = SYMBOLS | {name: found.run.model for name, found in PRESETS.items()}


def counted(config: ModelConfig) -> int:
    with torch.device("meta"):
        return GrooveVAE(config).n_parameters


@pytest.mark.parametrize("name", KNOWN)
def test_of_every_configuration(name: str) -> None:
    assert n_parameters(KNOWN[name]) == counted(KNOWN[name])


def test_of_every_kind_of_model(model: GrooveVAE) -> None:
    assert n_parameters(model.config) == model.n_parameters
