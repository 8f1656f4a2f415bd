"""Drum rolls as pictures: SVG by a writer of our own, PNG through matplotlib.

A picture is laid out once, as boxes and texts in CSS pixels from the top left; the two formats
draw the same list, and so look the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ghostnote.errors import ConfigError, GrooveError, MissingExtraError
from ghostnote.files import atomic_path, write_bytes
from ghostnote.music.groove import Groove, Meter
from ghostnote.music.kit import N_VOICES, VOICES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_FORMATS: Final = ("svg", "png")

PALETTE: Final = ("#f7c66f", "#f0904d", "#d6524f", "#9c2863", "#571560", "#1d0b3a")
"""Soft to loud. Lightness falls evenly, so that the order survives greyscale."""

_PAGE, _PAPER, _STRIPE = "#f7f6f3", "#ffffff", "#f8f7f5"
_STEP_LINE, _BEAT_LINE, _BAR_LINE = "#ebe8e3", "#d3cfc8", "#8a857d"
_INK, _FADED = "#24211d", "#6f6a62"
_FONTS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_MARGIN: Final = 24.0
_SEAM: Final = 8.0
"""Page around bars that stand alone."""
_COLUMN_GAP: Final = 30.0
_NAMES: Final = 66.0
_ROW: Final = 16.0
_HEAD: Final = 24.0
_NUMBERS: Final = 14.0
_LINE_GAP: Final = 10.0
_PANEL_GAP: Final = 22.0
_LEGEND: Final = 34.0
_EDGE: Final = 0.6
"""Steps of paper before the first bar line and after the last, for early hits."""
_WIDEST_STEP: Final = 22.0
_NARROWEST_STEP: Final = 6.0
_NARROWEST_PANEL: Final = 380.0
"""Room for a title, and for the legend."""
_WIDE: Final = 1040.0
_NARROW: Final = 560.0
"""The width to fill with the steps of a line, in one column and in each of two."""
_BARS_A_LINE: Final = 8
_STEPS_A_LINE: Final = 128


# -- the picture as a value ------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A filled rectangle; a `hint`, which is shown under the pointer, marks a hit."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    hint: str = ""


@dataclass(frozen=True)
class Text:
    """A line of text whose baseline is at `y`."""

    x: float
    y: float
    text: str
    size: float = 10.0
    fill: str = _FADED
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Shape = Box | Text


@dataclass(frozen=True)
class Drawing:
    """Shapes on a page, from the back to the front."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def drum_roll_svg(grooves: Sequence[Groove], titles: Sequence[str] = ()) -> str:
    """The grooves as drum rolls, a panel each, in an SVG document that needs nothing else.

    Voices are rows. A mark stands at its onset: it is centred on its step's line where it is on
    time, to the right of it where it is late. Colour and height are velocity. `titles` are the
    panels' headings; without them the panels are numbered.

    Raises:
        GrooveError: there is no groove, or there are not as many titles as grooves.
    """
    return svg_of(_layout(grooves, titles))


def bars_svg(groove: Groove, *, width: float, label: str) -> str:
    """The bars of one groove as a drum roll without heading and legend, as an SVG element.

    `width` in pixels is what the lines of bars are chosen to fill; steps that would be too narrow
    to tell apart make the picture wider. `label` says to those who cannot see it what it shows.
    """
    fit = int((width - _NAMES - 2 * _SEAM) / _NARROWEST_STEP - 2 * _EDGE) // groove.steps_per_bar
    a_line = max(1, min(_bars_a_line(groove), fit))
    steps = a_line * groove.steps_per_bar + 2 * _EDGE
    room = (width - _NAMES - 2 * _SEAM) / steps
    step = round(min(max(room, _NARROWEST_STEP), _WIDEST_STEP), 2)
    wide = round(_NAMES + steps * step + 2 * _SEAM)
    tall = round(_SEAM + _lines_height(groove, a_line) + _SEAM)
    shapes = _lines(groove, a_line, _SEAM, _SEAM, step)
    return svg_of(Drawing(wide, tall, (Box(0, 0, wide, tall, _PAGE), *shapes)), label)


def svg_of(drawing: Drawing, label: str = "") -> str:
    """A drawing as an SVG document that needs nothing else; `label` says what it shows."""
    size = f"{drawing.width:g} {drawing.height:g}"
    width, height = size.split()
    described = f' role="img" aria-label="{escape(_printable(label))}"' if label else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {size}" font-family="{_FONTS}"{described}>',
        *(_element(shape) for shape in drawing.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def drum_roll_figure(grooves: Sequence[Groove], titles: Sequence[str] = ()) -> Figure:
    """The picture of `drum_roll_svg` as a matplotlib figure, at 72 dots per inch a pixel each.

    Raises:
        GrooveError: as `drum_roll_svg`.
        MissingExtraError: matplotlib is not installed.
    """
    return figure_of(_layout(grooves, titles))


def figure_of(drawing: Drawing) -> Figure:
    """A drawing as a matplotlib figure.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.collections import PatchCollection
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", "a PNG picture") from None
    figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), dpi=72)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.axis("off")
    boxes = [shape for shape in drawing.shapes if isinstance(shape, Box)]
    axes.add_collection(
        PatchCollection(
            [Rectangle((box.x, box.y), box.width, box.height) for box in boxes],
            facecolors=[box.fill for box in boxes],
            linewidths=0,
        )
    )
    anchors = {"start": "left", "middle": "center", "end": "right"}
    for shape in drawing.shapes:
        if isinstance(shape, Text):
            axes.text(
                shape.x,
                shape.y,
                shape.text,
                size=shape.size * 0.92,  # matplotlib's own font is wider than the systems' are
                color=shape.fill,
                ha=anchors[shape.anchor],
                va="baseline",
                weight="bold" if shape.bold else "normal",
                parse_math=False,
            )
    return figure


def write_picture(
    path: str | Path,
    grooves: Sequence[Groove],
    titles: Sequence[str] = (),
    *,
    overwrite: bool = False,
) -> None:
    """Write the drum rolls to `path`, as SVG or PNG by its suffix, atomically.

    Raises:
        ConfigError: the suffix is neither.
        GrooveError: as `drum_roll_svg`.
        OutputError: `path` exists and `overwrite` is false, or it cannot be written.
        MissingExtraError: PNG is asked for and matplotlib is not installed.
    """
    picture_format(path)
    write_drawing(path, _layout(grooves, titles), overwrite=overwrite)


def write_drawing(path: str | Path, drawing: Drawing, *, overwrite: bool = False) -> None:
    """Write a drawing as SVG or PNG. Raises as `write_picture`."""
    kind = picture_format(path)
    if kind == "svg":
        write_bytes(path, svg_of(drawing).encode(), overwrite=overwrite)
        return
    figure = figure_of(drawing)
    with atomic_path(path, overwrite=overwrite) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(temporary, format=kind, dpi=144)


def picture_format(path: str | Path) -> str:
    """The one of `PICTURE_FORMATS` that the suffix of `path` stands for.

    Raises:
        ConfigError: none does.
    """
    kind = Path(path).suffix[1:].lower()
    if kind not in PICTURE_FORMATS:
        raise ConfigError(
            f"unknown picture format {kind!r}" if kind else "has no suffix to choose a format by",
            source=path,
            remedy=f"one of: {', '.join(PICTURE_FORMATS)}",
        )
    return kind


def velocity_colour(velocity: float) -> str:
    """The colour of a hit of `velocity`, in (0, 1], as ``#rrggbb``."""
    place = min(max(velocity, 0.0), 1.0) * (len(PALETTE) - 1)
    below = min(int(place), len(PALETTE) - 2)
    pair = zip(_rgb(PALETTE[below]), _rgb(PALETTE[below + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - below)):02x}" for a, b in pair)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


# -- layout ----------------------------------------------------------------------------------


def _layout(grooves: Sequence[Groove], titles: Sequence[str]) -> Drawing:
    if not grooves:
        raise GrooveError("there is nothing to draw")
    if titles and len(titles) != len(grooves):
        raise GrooveError(f"{len(titles)} titles were given for {len(grooves)} grooves")
    headings = [_printable(title) for title in titles] or [
        str(number) for number in range(1, len(grooves) + 1)
    ]
    longest = max(_bars_a_line(groove) * groove.steps_per_bar for groove in grooves)
    columns = 2 if len(grooves) > 3 and longest <= _STEPS_A_LINE // 2 else 1
    room = (_NARROW if columns == 2 else _WIDE) / (longest + 2 * _EDGE)
    step = round(min(max(room, _NARROWEST_STEP), _WIDEST_STEP), 2)
    column = _NAMES + max((longest + 2 * _EDGE) * step, _NARROWEST_PANEL)
    shapes: list[Shape] = []
    top = _MARGIN
    for first in range(0, len(grooves), columns):
        row = range(first, min(first + columns, len(grooves)))
        for index in row:
            left = _MARGIN + (index - first) * (column + _COLUMN_GAP)
            shapes += _panel(grooves[index], headings[index], left, top, step)
        top += max(_panel_height(grooves[index]) for index in row) + _PANEL_GAP
    shapes += _legend(_MARGIN + _NAMES, top, step)
    width = round(2 * _MARGIN + columns * column + (columns - 1) * _COLUMN_GAP)
    height = round(top + _LEGEND + _MARGIN / 2)
    return Drawing(width, height, (Box(0, 0, width, height, _PAGE), *shapes))


def _bars_a_line(groove: Groove) -> int:
    fit = max(1, min(_BARS_A_LINE, _STEPS_A_LINE // groove.steps_per_bar))
    return min(groove.bars, fit)


def _panel_height(groove: Groove) -> float:
    return _HEAD + _lines_height(groove, _bars_a_line(groove))


def _lines_height(groove: Groove, a_line: int) -> float:
    lines = -(-groove.bars // a_line)
    return lines * (_NUMBERS + N_VOICES * _ROW) + (lines - 1) * _LINE_GAP


def _panel(groove: Groove, heading: str, left: float, top: float, step: float) -> Iterator[Shape]:
    """Title, and below it the bars, as many in a line as there is room for."""
    hits = f"{groove.n_hits:,} hit" + "s" * (groove.n_hits != 1)
    facts = f"{round(groove.bpm, 1):g} bpm · {groove.meter[0]}/{groove.meter[1]} · {hits}"
    baseline = top + 12
    a_line = _bars_a_line(groove)
    paper = (a_line * groove.steps_per_bar + 2 * _EDGE) * step
    width = _NAMES + max(paper, _NARROWEST_PANEL)
    room = int((width - _NAMES - len(facts) * 5.8 - 12) / 7.4)
    yield Text(left + _NAMES, baseline, _shortened(heading, room), 13, _INK, bold=True)
    yield Text(left + width, baseline, facts, 10.5, anchor="end")
    yield from _lines(groove, a_line, left, top + _HEAD, step)


def _lines(groove: Groove, a_line: int, left: float, top: float, step: float) -> Iterator[Shape]:
    """All bars, `a_line` of them in each line."""
    for line, bar in enumerate(range(0, groove.bars, a_line)):
        y = top + line * (_NUMBERS + N_VOICES * _ROW + _LINE_GAP)
        yield from _bars(groove, bar, min(bar + a_line, groove.bars), left, y, step)


def _bars(
    groove: Groove, first: int, stop: int, left: float, top: float, step: float
) -> Iterator[Shape]:
    """The bars from `first` up to `stop` as one line: numbers, paper, grid, names and hits."""
    per_bar = groove.steps_per_bar
    steps = (stop - first) * per_bar
    edge = left + _NAMES
    zero = edge + _EDGE * step
    paper = top + _NUMBERS
    height = N_VOICES * _ROW
    for bar in range(first, stop):
        yield Text(zero + (bar - first) * per_bar * step, paper - 4, str(bar + 1), 9)
    yield Box(edge, paper, (steps + 2 * _EDGE) * step, height, _PAPER)
    played = np.flatnonzero(groove.hits.any(axis=0))
    for voice, name in enumerate(VOICES):
        y = paper + (N_VOICES - 1 - voice) * _ROW
        if voice % 2:
            yield Box(edge, y, (steps + 2 * _EDGE) * step, _ROW, _STRIPE)
        ink = _INK if voice in played else _FADED
        yield Text(edge - 8, y + _ROW - 4, name, 10, ink, "end")
    beat = beat_steps(groove.meter)
    for at in range(steps + 1):
        weight, colour = (1.0, _STEP_LINE)
        if at % per_bar == 0:
            weight, colour = (1.4, _BAR_LINE)
        elif at % per_bar % beat == 0:
            weight, colour = (1.0, _BEAT_LINE)
        yield Box(zero + at * step - weight / 2, paper, weight, height, colour)
    mark = _mark_width(step)
    cells = slice(first * per_bar, stop * per_bar)
    for at, voice in np.argwhere(groove.hits[cells]).tolist():
        velocity = float(groove.velocity[cells][at, voice])
        offset = float(groove.offset[cells][at, voice])
        tall = _mark_height(velocity)
        yield Box(
            zero + (at + offset) * step - mark / 2,
            paper + (N_VOICES - voice) * _ROW - 1.0 - tall,
            mark,
            tall,
            velocity_colour(velocity),
            _hint(groove, first * per_bar + at, voice, velocity, offset),
        )


def _mark_width(step: float) -> float:
    return min(max(0.36 * step, 3.0), 6.0)


def _mark_height(velocity: float) -> float:
    return (_ROW - 2.5) * (0.4 + 0.6 * velocity)


def _hint(groove: Groove, step: int, voice: int, velocity: float, offset: float) -> str:
    bar, within = divmod(step, groove.steps_per_bar)
    beat, part = divmod(within, beat_steps(groove.meter))
    late = round(offset * groove.seconds_per_step * 1000)
    timing = f"{abs(late)} ms {'late' if late > 0 else 'early'}" if late else "on time"
    return (
        f"{VOICES[voice]} at {bar + 1}.{beat + 1}.{part + 1}, "
        f"velocity {round(velocity * 127)}, {timing}"
    )


def _legend(left: float, top: float, step: float) -> Iterator[Shape]:
    """What colour and height mean, and what the distance from a line means."""
    baseline = top + 14
    yield Text(left, baseline, "velocity", 10)
    x = left + 50
    for low, high in pairwise(range(0, 129, 8)):
        velocity = min(high, 127) / 127
        tall = _mark_height(velocity)
        yield Box(x + low * 0.75, baseline + 2.5 - tall, 5, tall, velocity_colour(velocity))
    for value in (1, 64, 127):
        yield Text(x + value * 0.75 - 1, baseline + 14, str(value), 8.5, anchor="middle")
    x += 130
    mark, tall = _mark_width(step), _mark_height(0.6)
    for words, shift in (("early", -6.0), ("on time", 0.0), ("late", 6.0)):
        yield Box(x - 0.5, baseline - 10, 1, 15, _BAR_LINE)
        yield Box(x + shift - mark / 2, baseline + 2.5 - tall, mark, tall, velocity_colour(0.6))
        yield Text(x + 14, baseline, words, 10)
        x += 36 + 5.5 * len(words)


def beat_steps(meter: Meter) -> int:
    """The steps from one beat to the next: 4 in 4/4; 6 in 6/8, which is counted in two."""
    numerator, denominator = meter
    unit = max(1, 16 // denominator)
    compound = denominator >= 8 and numerator > 3 and numerator % 3 == 0
    return 3 * unit if compound else unit


# -- SVG -------------------------------------------------------------------------------------


def _element(shape: Shape) -> str:
    if isinstance(shape, Text):
        anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
        weight = ' font-weight="600"' if shape.bold else ""
        return (
            f'<text x="{_px(shape.x)}" y="{_px(shape.y)}" font-size="{_px(shape.size)}" '
            f'fill="{shape.fill}"{anchor}{weight}>{escape(shape.text)}</text>'
        )
    box = (
        f'x="{_px(shape.x)}" y="{_px(shape.y)}" width="{_px(shape.width)}" '
        f'height="{_px(shape.height)}" fill="{shape.fill}"'
    )
    if not shape.hint:
        return f"<rect {box}/>"
    return f'<rect class="hit" {box}><title>{escape(shape.hint)}</title></rect>'


def _px(length: float) -> str:
    return f"{round(length, 2):.10g}"


def _printable(text: str) -> str:
    """`text` in one line, without the characters that XML cannot hold."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _shortened(text: str, room: int) -> str:
    room = max(room, 8)
    return text if len(text) <= room else f"{text[: room - 1]}…"
