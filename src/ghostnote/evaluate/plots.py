"""Plots of a report as SVG elements that take their colours from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

COLOURS: Final = 6
"""How many colours the page has for series, ``--c0`` and so on."""

_WIDTH: Final = 560.0
_HEIGHT: Final = 280.0
_LEFT: Final = 52.0
_BOTTOM: Final = 42.0
_TOP: Final = 14.0
_RIGHT: Final = 16.0
_ROW: Final = 26.0
_NAMES: Final = 210.0
_LETTER: Final = 6.0
_LINE: Final = 12.0
"""The size of a mark's name, about."""


class Point(NamedTuple):
    """A value with its interval, if it has one."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    faded: bool = False


class Line(NamedTuple):
    """A curve of a series."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


class Axis(NamedTuple):
    """From which value to which, evenly or, where `log`, by factors."""

    low: float
    high: float
    label: str
    log: bool = False

    def share(self, value: float) -> float:
        """Where `value` is, from 0 to 1; ends for what lies outside."""
        along: Callable[[float], float] = math.log10 if self.log else float
        if self.log and value <= 0:
            return 0.0
        low, high = along(self.low), along(self.high)
        return min(max((along(value) - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Round values to write at the axis."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            decades = [10.0**power for power in range(first, last + 1)]
            return [tick for tick in decades if self.low <= tick <= self.high * 1.0001]
        size = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(size))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= size * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + index) * step, 10) for index in range(count)]


def forest(points: Sequence[Point], label: str, *, log: bool = False) -> str:
    """Values one below the other, with their intervals as whiskers."""
    ends = [end for point in points for end in (point.value, *(point.interval or ()))]
    if log:
        positive = [end for end in ends if end > 0] or [1.0]
        axis = Axis(min(positive) / 1.5, max(positive) * 1.5, label, log=True)
    else:
        room = (max(ends) - min(ends) or abs(max(ends)) or 1.0) * 0.06
        low = min(ends) - room
        axis = Axis(max(low, 0.0) if min(ends) >= 0 else low, max(ends) + room, label)
    height = _TOP + _ROW * len(points) + _BOTTOM
    inner = _WIDTH - _NAMES - _RIGHT

    def x(value: float) -> float:
        return _NAMES + inner * axis.share(value)

    parts = _grid_x(axis, x, _TOP, height - _BOTTOM)
    for row, point in enumerate(points):
        y = _TOP + _ROW * (row + 0.5)
        colour = "var(--faded)" if point.faded else "var(--c0)"
        parts.append(
            f'<text x="{_NAMES - 10:.1f}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(point.name)}</text>"
        )
        if point.interval is not None:
            low, high = point.interval
            parts.append(
                f'<line x1="{x(low):.1f}" y1="{y:.1f}" x2="{x(high):.1f}" y2="{y:.1f}" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
        parts.append(f'<circle cx="{x(point.value):.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
    told = "; ".join(f"{point.name} {point.value:.4g}" for point in points)
    return _svg(_WIDTH, height, f"{label}: {told}", parts)


def chart(
    lines: Sequence[Line],
    across: Axis,
    up: Axis,
    *,
    marks: Sequence[tuple[str, float, float, bool]] = (),
) -> str:
    """Curves, and marks with a name (``name, x, y, faded``), between two axes."""
    inner, deep = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + inner * across.share(value)

    def y(value: float) -> float:
        return _TOP + deep * (1 - up.share(value))

    parts = _grid_x(across, x, _TOP, _HEIGHT - _BOTTOM)
    for tick in up.ticks():
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" '
            f'y2="{y(tick):.1f}"/><text class="tick" x="{_LEFT - 6}" y="{y(tick) + 4:.1f}" '
            f'text-anchor="end">{tick:g}</text>'
        )
    parts.append(
        f'<text class="tick" transform="translate(12 {_TOP + deep / 2:.1f}) rotate(-90)" '
        f'text-anchor="middle">{escape(up.label)}</text>'
    )
    for number, line in enumerate(lines):
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line.points)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        colour = "var(--faded)" if line.dashed else f"var(--c{number % COLOURS})"
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        )
    taken: list[tuple[float, float, float]] = []
    for name, a, b, faded in sorted(marks, key=lambda mark: y(mark[2])):
        colour = "var(--faded)" if faded else "var(--c0)"
        anchor, beside = ("end", -7.0) if across.share(a) > 0.7 else ("start", 7.0)
        begin = x(a) + beside
        wide = _LETTER * len(name) * (1 if anchor == "start" else -1)
        ends = min(begin, begin + wide), max(begin, begin + wide)
        # From the top down, a name that would cover another's goes below it.
        height = y(b) + 4
        for other, left, right in sorted(taken):
            if ends[0] < right and left < ends[1] and abs(height - other) < _LINE:
                height = other + _LINE
        taken.append((height, *ends))
        parts.append(
            f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="4" fill="{colour}"/>'
            f'<text class="tick" x="{begin:.1f}" y="{height:.1f}" '
            f'text-anchor="{anchor}">{escape(name)}</text>'
        )
    names = ", ".join([*(line.name for line in lines), *(mark[0] for mark in marks)])
    drawn = _svg(_WIDTH, _HEIGHT, f"{up.label} over {across.label}: {names}", parts)
    return drawn + _legend(lines)


def steps(counts: Sequence[float], edges: Sequence[float]) -> list[tuple[float, float]]:
    """A histogram's outline as points of a curve."""
    points = [(edges[0], 0.0)]
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        points += [(left, count), (right, count)]
    return [*points, (edges[-1], 0.0)]


def point_of(name: str, value: Any, interval: Any, *, faded: bool = False) -> Point | None:
    """A point of figures as a report has them; None where there is none."""
    if not isinstance(value, int | float):
        return None
    known = isinstance(interval, Sequence) and None not in interval
    return Point(name, float(value), (interval[0], interval[1]) if known else None, faded)


def _grid_x(axis: Axis, x: Callable[[float], float], top: float, bottom: float) -> list[str]:
    parts = [
        f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top}" y2="{bottom:.1f}"/>'
        f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 16:.1f}" text-anchor="middle">'
        f"{tick:g}</text>"
        for tick in axis.ticks()
    ]
    middle = x(axis.low) / 2 + x(axis.high) / 2
    parts.append(
        f'<text class="tick" x="{middle:.1f}" y="{bottom + 34:.1f}" text-anchor="middle">'
        f"{escape(axis.label)}</text>"
    )
    return parts


def _legend(lines: Sequence[Line]) -> str:
    if len(lines) < 2:
        return ""
    entries = [
        f'<li style="--own:var(--{"faded" if line.dashed else f"c{number % COLOURS}"})">'
        f"{escape(line.name)}</li>"
        for number, line in enumerate(lines)
    ]
    return f'<ul class="legend">{"".join(entries)}</ul>'


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="plot" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {width:g} {height:g}">{"".join(parts)}</svg>'
    )


def curve_of(curve: Mapping[str, Any]) -> list[tuple[float, float]]:
    """A curve as a report has it, by the value across."""
    return [(float(at), float(value)) for at, value in curve.items() if value is not None]
