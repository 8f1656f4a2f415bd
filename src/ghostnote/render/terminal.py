"""Drum rolls in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.text import Text

from ghostnote.music.groove import Groove
from ghostnote.music.kit import SHORT_NAMES, VOICES
from ghostnote.render.plot import beat_steps

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_DIGITS: Final = "12345678"
_NARROW: Final = 50


def piano_roll(groove: Groove) -> RenderableType:
    """`groove` for rich to print: a line a voice that plays, a character a step.

    ``▁`` to ``█`` is velocity in eighths, or 1 to 8 where the encoding has no blocks; a dot is a
    beat without a hit. As many bars stand side by side as the terminal has room for; a bar that
    is wider than the terminal goes on in the next lines.
    """
    return _Roll(groove)


@dataclass(frozen=True)
class _Roll:
    groove: Groove

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        groove = self.groove
        voices = np.flatnonzero(groove.hits.any(axis=0))[::-1].tolist()
        if not voices:
            yield Text("no hits")
            return
        names = SHORT_NAMES if options.max_width < _NARROW else VOICES
        width = max(len(names[voice]) for voice in voices)
        wall = "|" if options.ascii_only else "│"
        room = max(options.max_width - width - 2, 2)
        for parts in _rows(groove, room):
            numbers = "".join(f" {_number(groove, part):<{len(part)}}" for part in parts)
            yield Text(f"{'':{width}} {numbers}".rstrip(), style="dim", no_wrap=True)
            for voice in voices:
                line = Text(f"{names[voice]:>{width}} {wall}", no_wrap=True)
                for part in parts:
                    line.append_text(_cells(groove, part, voice, ascii_only=options.ascii_only))
                    line.append(wall)
                yield line


def _rows(groove: Groove, room: int) -> list[list[range]]:
    """Ranges of steps, bars or parts of one, as they stand side by side in `room` characters."""
    per_bar = groove.steps_per_bar
    bars = [range(at, at + per_bar) for at in range(0, groove.steps, per_bar)]
    if per_bar < room:
        fit = room // (per_bar + 1)
        return [bars[first : first + fit] for first in range(0, len(bars), fit)]
    beat = beat_steps(groove.meter)
    size = (room - 1) // beat * beat or room - 1
    return [[bar[first : first + size]] for bar in bars for first in range(0, per_bar, size)]


def _number(groove: Groove, part: range) -> str:
    """The number of the bar that begins with `part`."""
    bar, within = divmod(part.start, groove.steps_per_bar)
    return "" if within else str(bar + 1)


def _cells(groove: Groove, part: range, voice: int, *, ascii_only: bool) -> Text:
    """What one voice plays in the steps of `part`, a character each."""
    text = Text()
    marks, dot = (_DIGITS, ".") if ascii_only else (_BLOCKS, "·")
    beat = beat_steps(groove.meter)
    for step in part:
        velocity = float(groove.velocity[step, voice])
        if velocity:
            style = "dim" if velocity < 0.3 else "bold" if velocity >= 0.8 else ""
            text.append(marks[ceil(velocity * len(marks)) - 1], style=style)
        else:
            text.append(" " if step % groove.steps_per_bar % beat else dot, style="dim")
    return text
