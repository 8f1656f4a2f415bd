"""Grooves to play with, and models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle, load_bundle
from ghostnote.music.groove import Groove
from ghostnote.runtime import Runtime


def groove_of(seed: int, bars: int = 2, *, bpm: float = 100.0) -> Groove:
    """A groove with hits here and there."""
    random = np.random.default_rng(seed)
    hits = random.random((16 * bars, 9)) < random.uniform(0.05, 0.3)
    velocity = random.integers(20, 128, hits.shape) / 127
    return Groove.from_cells(hits, velocity, random.uniform(-0.4, 0.4, hits.shape), bpm=bpm)


@pytest.fixture(scope="session")
def grooves() -> list[Groove]:
    """Four of two bars, a window of `lively`, at different tempos."""
    return [groove_of(seed, bpm=90 + 7 * seed) for seed in range(4)]


@pytest.fixture(scope="session")
def shipped() -> Runtime:
    """The model that is used where none is named: its latent space is smooth."""
    return Runtime(load_bundle())


@pytest.fixture(scope="session")
def lively(
    make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Runtime:
    """A model of two bars that was not trained: its hits depend on z and on the past."""
    return Runtime(untrained(make_model("hierarchical", latent=6), tiny_bundle, tmp_path_factory))


def untrained(
    model: Any, like: Bundle, folders: pytest.TempPathFactory, task: str = "identity"
) -> Bundle:
    """The bundle of `model`, with the latent space of `like`."""
    import hashlib

    from ghostnote.bundle import LATENT
    from ghostnote.export.bundle import graphs, write_bundle
    from ghostnote.train.config import to_table

    files = {LATENT: like.read(LATENT), **graphs(model)}
    config = {
        **like.config,
        "name": "lively",
        "model": to_table(model.config),
        "task": {"kind": task},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    target: Path = folders.mktemp("lively") / "model"
    write_bundle(target, config, files, overwrite=False)
    return load_bundle(target)


def distance(one: Groove, other: Groove) -> int:
    """In how many cells one of two has a hit and the other has none."""
    return int((one.hits != other.hits).sum())
