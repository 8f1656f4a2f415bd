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
    beat without a hit. As many bars stand side by side as the terminal is wide, at least one.
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
        per_bar = groove.steps_per_bar
        side_by_side = max(1, (options.max_width - width - 2) // (per_bar + 1))
        for first in range(0, groove.bars, side_by_side):
            bars = range(first, min(first + side_by_side, groove.bars))
            numbers = "".join(f" {bar + 1:<{per_bar}}" for bar in bars).rstrip()
            yield _line(Text(f"{'':{width}} {numbers}", style="dim"))
            for voice in voices:
                line = Text(f"{names[voice]:>{width}} {wall}")
                for bar in bars:
                    line.append_text(self._cells(bar, voice, ascii_only=options.ascii_only))
                    line.append(wall)
                yield _line(line)

    def _cells(self, bar: int, voice: int, *, ascii_only: bool) -> Text:
        """One voice in one bar, a character a step."""
        groove, text = self.groove, Text()
        marks, dot = (_DIGITS, ".") if ascii_only else (_BLOCKS, "·")
        beat = beat_steps(groove.meter)
        begin = bar * groove.steps_per_bar
        for step in range(groove.steps_per_bar):
            velocity = float(groove.velocity[begin + step, voice])
            if velocity:
                style = "dim" if velocity < 0.3 else "bold" if velocity >= 0.8 else ""
                text.append(marks[ceil(velocity * len(marks)) - 1], style=style)
            else:
                text.append(" " if step % beat else dot, style="dim")
        return text


def _line(text: Text) -> Text:
    """Never folded in the middle of a bar."""
    text.no_wrap, text.overflow = True, "ignore"
    return text
