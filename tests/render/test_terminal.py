"""The drum roll in the terminal: every cell of every bar, at any width, in any encoding."""

from __future__ import annotations

import io
from math import ceil

import numpy as np
import pytest

from ghostnote.music.groove import Groove, steps_per_bar
from ghostnote.music.kit import SHORT_NAMES, VOICES
from ghostnote.render.terminal import piano_roll

rich_console = pytest.importorskip("rich.console")


def printed(groove: Groove, *, width: int = 100, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    rich_console.Console(file=file, width=width).print(piano_roll(groove))
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def random_groove(bars: int, meter: tuple[int, int] = (4, 4)) -> Groove:
    random = np.random.default_rng(bars)
    shape = (bars * steps_per_bar(meter), len(VOICES))
    hits = random.random(shape) < 0.4
    hits[:, 4] = False
    return Groove.from_cells(hits, random.uniform(0.01, 1, shape), np.zeros(shape), meter=meter)


def cells(lines: list[str], name: str, wall: str) -> str:
    """What stands between the walls in all the lines of a voice."""
    rows = [line.split(wall)[1:-1] for line in lines if line.split(wall)[0].strip() == name]
    return "".join(part for row in rows for part in row)


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8), (7, 8), (15, 4)])
@pytest.mark.parametrize("width", [9, 20, 45, 60, 100, 300])
@pytest.mark.parametrize(("encoding", "ramp", "wall", "dot"), [
    ("utf-8", "▁▂▃▄▅▆▇█", "│", "·"), ("ascii", "12345678", "|", "."),
])  # fmt: skip
def test_every_cell_is_there(
    meter: tuple[int, int], width: int, encoding: str, ramp: str, wall: str, dot: str
) -> None:
    groove = random_groove(5, meter)
    lines = printed(groove, width=width, encoding=encoding)
    assert max(map(len, lines)) <= width
    names = SHORT_NAMES if width < 50 else VOICES
    for voice, name in enumerate(names):
        shown = cells(lines, name, wall)
        if not groove.hits[:, voice].any():
            assert not shown
            continue
        assert len(shown) == groove.steps
        for step, mark in enumerate(shown):
            velocity = float(groove.velocity[step, voice])
            assert mark == ramp[ceil(velocity * 8) - 1] if velocity else mark in (" ", dot)


def test_highest_voice_on_top_and_bars_side_by_side() -> None:
    velocity = np.zeros((32, len(VOICES)), np.float32)
    velocity[[0, 16], 0] = 1.0
    velocity[8, 1] = 0.1
    groove = Groove.from_cells(velocity > 0, velocity, np.zeros_like(velocity))
    assert printed(groove) == [
        "       1                2",
        "snare │·   ·   ▁   ·   │·   ·   ·   ·   │",
        " kick │█   ·   ·   ·   │█   ·   ·   ·   │",
    ]


def test_silence() -> None:
    assert printed(Groove.silent(2)) == ["no hits"]


def test_no_colour_is_needed() -> None:
    assert not any("\x1b" in line for line in printed(random_groove(2)))
