"""Small bundles that were taught, or say that they were taught, a task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.music.groove import Groove


@pytest.fixture(scope="session")
def taught(tiny_bundle: Bundle) -> Callable[..., Bundle]:
    """The small bundle, said to have been taught another task."""

    def say(kind: str, **settings: Any) -> Bundle:
        return Bundle(tiny_bundle.path, {**tiny_bundle.config, "task": {"kind": kind, **settings}})

    return say


@pytest.fixture(scope="session")
def mixture_bundle(
    drumming: Path, tiny_settings: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """A small bundle that was taught all tasks, and has to be told which it is asked for."""
    torch = pytest.importorskip("torch")
    from ghostnote.cli.train import settings
    from ghostnote.data.bars import Bars
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.export.bundle import export_bundle
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.loop import BEST, Machine, train

    run = settings("tasks-4bar", None, tiny_settings)
    training, validation = (
        windows(load_corpus(drumming).select(split=split), bars=run.model.bars)
        for split in ("train", "validation")
    )
    folder = tmp_path_factory.mktemp("run-of-tasks")
    machine = Machine(torch.device("cpu"), bf16=False)
    train(run, Bars.of(training), Bars.of(validation), folder, machine=machine)
    target = tmp_path_factory.mktemp("bundles") / "tiny-tasks"

    return export_bundle(load_checkpoint(folder / BEST), training, target, name="tiny-tasks")


@pytest.fixture(scope="session")
def played() -> Callable[..., Groove]:
    """Makes grooves of so many bars."""

    def make(bars: int, *, seed: int = 0, bpm: float = 120.0) -> Groove:
        random = np.random.default_rng(seed)
        hits = random.random((16 * bars, 9)) < 0.2
        hits[::4, 0] = True
        return Groove.from_cells(
            hits,
            random.integers(1, 128, hits.shape) / 127,
            random.uniform(-0.5, 0.4999, hits.shape),
            bpm=bpm,
        )

    return make
