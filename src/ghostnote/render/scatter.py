"""Maps as pictures: points in a plane, with styles as colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import GrooveError
from ghostnote.render.plot import Box, Drawing, Shape, Text, svg_of, write_drawing

COLOURS: Final = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377",
    "#e07b39", "#7b68c8", "#8a6d3b", "#2f9e8f", "#b0457b", "#5b7f95",
)  # fmt: skip
"""Of the styles, the most frequent first: they can be told apart by colour-blind eyes too, as far
as so many can (after Tol 2021)."""

_OTHERS: Final = "#b5b0a8"
_PAGE, _PAPER, _INK, _FADED = "#f7f6f3", "#ffffff", "#24211d", "#6f6a62"
_SIZE: Final = 720.0
_MARGIN: Final = 24.0
_LEGEND: Final = 190.0
_HEAD: Final = 34.0
_LINE: Final = 18.0


def scatter_svg(
    points: npt.NDArray[Any],
    styles: Sequence[str] = (),
    labels: Sequence[str] = (),
    *,
    title: str = "",
    note: str = "",
) -> str:
    """Points `[N, 2]` as an SVG document. `labels` are shown under the pointer.

    The most frequent styles have a colour of their own; the rest share a grey.

    Raises:
        GrooveError: there are no points, or not as many styles or labels as points.
    """
    shown = f"map of {len(points):,} points"
    return svg_of(_scatter(points, styles, labels, title, note), shown)


def write_scatter(
    path: str | Path,
    points: npt.NDArray[Any],
    styles: Sequence[str] = (),
    labels: Sequence[str] = (),
    *,
    title: str = "",
    note: str = "",
    overwrite: bool = False,
) -> None:
    """Write the points to `path`, as SVG or PNG by its suffix, atomically.

    Raises:
        ConfigError: the suffix is neither.
        GrooveError: as `scatter_svg`.
        OutputError: `path` exists and `overwrite` is false, or it cannot be written.
        MissingExtraError: PNG is asked for and matplotlib is not installed.
    """
    write_drawing(path, _scatter(points, styles, labels, title, note), overwrite=overwrite)


def _scatter(
    points: npt.NDArray[Any], styles: Sequence[str], labels: Sequence[str], title: str, note: str
) -> Drawing:
    if not len(points):
        raise GrooveError("there is nothing to draw")
    for name, values in (("styles", styles), ("labels", labels)):
        if values and len(values) != len(points):
            raise GrooveError(f"{len(values)} {name} were given for {len(points)} points")
    counts = Counter(styles)
    ranked = sorted(counts, key=lambda style: (-counts[style], style))
    colour = dict(zip(ranked, COLOURS, strict=False))
    width = 2 * _MARGIN + _SIZE + (_LEGEND if styles else 0)
    height = 2 * _MARGIN + _HEAD + _SIZE
    shapes: list[Shape] = [
        Box(0, 0, width, height, _PAGE),
        Box(_MARGIN, _MARGIN + _HEAD, _SIZE, _SIZE, _PAPER),
        Text(_MARGIN, _MARGIN + 12, _plain(title), 13, _INK, bold=True),
        Text(_MARGIN + _SIZE, _MARGIN + 12, _plain(note), 10.5, _FADED, "end"),
    ]
    size = 3.0 if len(points) > 4000 else 4.5 if len(points) > 800 else 6.5
    low, high = points.min(0), points.max(0)
    # One scale for both axes: what is far on the map must look far in every direction.
    span = max(float((high - low).max()), 1e-9)
    room = _SIZE - 40
    middle = np.array([_MARGIN + _SIZE / 2, _MARGIN + _HEAD + _SIZE / 2])
    places = middle + (points - (low + high) / 2) * np.array([1, -1]) * room / span
    for index, (x, y) in enumerate(places.tolist()):
        style = styles[index] if styles else ""
        hint = " · ".join(_plain(text) for text in (labels[index] if labels else "", style) if text)
        fill = colour.get(style, _OTHERS) if styles else COLOURS[0]
        shapes.append(Box(x - size / 2, y - size / 2, size, size, fill, hint))
    shapes += _legend(ranked, counts, colour)
    return Drawing(width, height, tuple(shapes))


def _legend(ranked: Sequence[str], counts: Counter[str], colour: dict[str, str]) -> Iterator[Shape]:
    left, top = _MARGIN + _SIZE + 18, _MARGIN + _HEAD + 12
    shown = list(colour)
    for line, style in enumerate(shown):
        yield Box(left, top + line * _LINE - 8, 9, 9, colour[style])
        name = _plain(style)
        name = name if len(name) <= 20 else f"{name[:19]}…"
        yield Text(left + 16, top + line * _LINE, f"{name}, {counts[style]:,}", 11, _INK)
    rest = ranked[len(shown) :]
    if rest:
        number = sum(counts[style] for style in rest)
        y = top + len(shown) * _LINE
        yield Box(left, y - 8, 9, 9, _OTHERS)
        yield Text(left + 16, y, f"{len(rest)} others, {number:,}", 11, _INK)


def _plain(text: str) -> str:
    """`text` in one line, without the characters that XML cannot hold."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
