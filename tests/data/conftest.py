from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import midi_bytes


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home of one's own, and no GMD."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GHOSTNOTE_HOME", str(folder))
    monkeypatch.delenv("GHOSTNOTE_GMD", raising=False)
    return folder


def random_groove(seed: int, bars: int = 2, meter: tuple[int, int] = (4, 4)) -> Groove:
    """A random groove whose last bar has a hit, so that it is read back with all its bars."""
    random = np.random.default_rng(seed)
    silent = Groove.silent(bars, bpm=100 + seed % 50, meter=meter)
    hits = random.random(silent.hits.shape) < 0.2
    hits[-1, 0] = True
    velocity = random.integers(1, 128, hits.shape) / 127
    offset = np.maximum(random.integers(-60, 60, hits.shape) / 120, -0.5)
    offset[0] = 0
    return Groove.from_cells(hits, velocity, offset, bpm=silent.bpm, meter=meter)


def make_midi(seed: int, bars: int = 2, meter: tuple[int, int] = (4, 4)) -> bytes:
    """A MIDI file of `random_groove`."""
    return midi_bytes(to_performance(random_groove(seed, bars, meter), builtin_map("ghostnote")))


@pytest.fixture
def groove() -> Callable[..., Groove]:
    """`random_groove`, for tests to call."""
    return random_groove


@pytest.fixture
def midi() -> Callable[..., bytes]:
    """`make_midi`, for tests to call."""
    return make_midi


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve takes of one to four bars in two folders, one of them in 3/4, and a file that is
    no MIDI.
    """
    root = tmp_path / "takes"
    for style, seeds in (("rock", range(6)), ("jazz/slow", range(6, 12))):
        (root / style).mkdir(parents=True)
        for seed in seeds:
            meter = (3, 4) if seed == 3 else (4, 4)
            content = make_midi(seed, bars=1 + seed % 4, meter=meter)
            (root / style / f"take{seed}.mid").write_bytes(content)
    (root / "rock" / "broken.mid").write_bytes(b"no MIDI at all")
    (root / "rock" / "notes.txt").write_text("not looked at")
    return root
