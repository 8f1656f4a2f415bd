"""A report as a page: one HTML file with tables, plots and audio, that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from ghostnote.evaluate.plots import Axis, Line, Point, chart, curve_of, forest, point_of, steps
from ghostnote.evaluate.tables import Table, figure, rows, tables
from ghostnote.music.groove import Groove
from ghostnote.notebook import show


class Heard(NamedTuple):
    """Grooves to compare by ear, each with its name, under a heading."""

    heading: str
    about: str
    grooves: Sequence[tuple[str, Groove]]


def page(report: Mapping[str, Any], heard: Sequence[Heard] = ()) -> str:
    """The whole page as HTML. The same report and grooves give the same bytes."""
    names = ", ".join(judged["bundle"] for judged in report["bundles"])
    title = f"{names or 'Baselines'} on the {report['split']} split"
    pictures = dict(_pictures(report))
    sections = []
    made = tables(report)
    for section in _SECTIONS:
        own = [table for table in made if table.title.split(":")[0] == section]
        if not own:
            continue
        first, *more = own
        named = f"<h3>{escape(first.title)}</h3>" if first.title != section else ""
        body = _table(first) + "".join(pictures.get(section, []))
        if more:
            inside = "".join(f"<h3>{escape(each.title)}</h3>{_table(each)}" for each in more)
            body += f"<details><summary>More of {section.lower()}</summary>{inside}</details>"
        sections.append(
            f'<section id="{_slug(section)}"><h2>{escape(section)}</h2>'
            f"{named}<p>{escape(first.about)}</p>{body}</section>"
        )
    links = "".join(
        f'<a href="#{_slug(name)}">{escape(name)}</a>'
        for name in (*_SECTIONS, *(("Listen",) if heard else ()))
        if name == "Listen" or any(table.title.split(":")[0] == name for table in made)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{_introduction(report)}<nav>{links}</nav>"
        f"{''.join(sections)}{_listen(heard)}</main></body></html>\n"
    )


_SECTIONS: Final = (
    "Humanising",
    "Tapping",
    "Infilling",
    "Reconstruction",
    "Coverage",
    "Samples of the prior",
    "Distributions of samples",
    "Latent space",
)


def _introduction(report: Mapping[str, Any]) -> str:
    settings = report["settings"]
    same: dict[str, list[str]] = {}
    for judged in report["bundles"]:
        on = (
            f"on {judged['windows']:,} windows of {judged['bars']} bars of {judged['takes']} "
            f"takes, and at tasks on {judged['whole_takes']:,} whole takes"
        )
        same.setdefault(on, []).append(judged["bundle"])
    lines = [f"{', '.join(names)} {on}" for on, names in same.items()]
    checked = "".join(
        f"<li>{escape(split)}: {row['offset_error_ms']:.2f} ms, {row['offset_mse']:.4f} squared "
        f"steps, over {row['hits']:,} hits</li>"
        for split, row in report["quantised"].items()
    )
    share = f"{settings['level']:.0%}"
    drummers = (
        " Splits of the Groove MIDI Dataset share drummers: these are other takes, not other "
        "drummers."
        if report["corpus"] == "gmd"
        else ""
    )
    return (
        f"<p>{'; '.join(escape(line) for line in lines)}. {settings['samples']:,} samples, seed "
        f"{settings['seed']}; small figures are {share} intervals of a bootstrap over takes "
        f"({settings['resamples']:,} resamples).{drummers} Made by ghostnote "
        f"{escape(report['ghostnote'])}.</p>"
        f"<details><summary>The quantised row, which came out first</summary><ul>{checked}</ul>"
        "</details>"
    )


def _table(table: Table) -> str:
    kept = [
        column
        for column in range(len(table.columns))
        if any(row.cells[column].value for row in table.rows)
    ]
    head = "".join(f'<th scope="col">{escape(table.columns[column])}</th>' for column in kept)
    body = "".join(
        f'<tr class="{row.kind}"><th scope="row">{escape(row.name)}</th>'
        + "".join(_cell(*row.cells[column]) for column in kept)
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(table.title)}"><table>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: str, interval: str) -> str:
    small = f"<small>{escape(interval)}</small>" if interval else ""
    return f"<td>{escape(value)}{small}</td>"


# -- plots -----------------------------------------------------------------------------------


def _pictures(report: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    judged = report["bundles"]
    if marks := _trade(report):
        highest = max(mark[1] for mark in marks) * 1.05
        lowest = min(mark[1] for mark in marks) * 0.97
        errors, spread = Axis(lowest, highest, "timing MAE, ms"), Axis(0.001, 30, "timing KL", True)
        drawn = chart([], errors, spread, marks=marks)
        yield "Humanising", [_figure("Error against spread", drawn)]
    for part, section, path, label in (
        ("tap", "Tapping", ("f1",), "hits F1"),
        ("infill", "Infilling", ("f1",), "hits F1"),
        ("reconstruction", "Reconstruction", ("f1_forced",), "hits F1, teacher-forced"),
    ):
        if points := _points(judged, part, path):
            more = _rates(judged) if part == "reconstruction" else []
            yield section, [_figure(label, forest(points, label)), *more]
    even = Line("as it should be", [(0.45, 0.45), (1.0, 1.0)], dashed=True)
    axes = Axis(0.45, 1.0, "nominal"), Axis(0.45, 1.0, "inside")
    covered = [
        _figure(f"Coverage of {what}", chart([*lines, even], *axes))
        for what in ("velocity", "offset")
        if (lines := list(_coverage(judged, what)))
    ]
    if covered:
        yield "Coverage", covered
    samples = [
        _figure(label, forest(points, label))
        for path, label in (
            (("two_sample_hits",), "two-sample accuracy, hits"),
            (("two_sample_all",), "two-sample accuracy, with velocity and offset"),
        )
        if (points := _points(judged, "samples", path))
    ]
    for name, label in (
        ("velocity", "velocity"),
        ("offset", "offset, steps"),
        ("density", "hits a bar"),
        ("syncopation", "syncopation a bar"),
    ):
        if lines := _histograms(judged, name):
            most = max(value for line in lines for _, value in line.points)
            ends = lines[0].points[0][0], lines[0].points[-1][0]
            axes = Axis(*ends, label), Axis(0, most * 1.05, "share")
            samples.append(_figure(label, chart(lines, *axes)))
    if samples:
        yield "Samples of the prior", samples
    curves = [
        Line(model["bundle"], curve_of(model["latent"]["interpolation"]["from_start"]))
        for model in judged
        if figure(model, ("latent", "interpolation", "from_start"))
    ]
    if curves:
        most = max(value for line in curves for _, value in line.points)
        axes = Axis(0, 1, "share of the way"), Axis(0, most * 1.05 or 1, "cells from the start")
        yield "Latent space", [_figure("Interpolation", chart(curves, *axes))]


def _rates(judged: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rate and distortion: how much is told, and what comes of it."""
    marks = [
        (model["bundle"], float(told["bits"]), float(told["f1"]), False)
        for model in judged
        if (told := model.get("reconstruction")) and told["f1"] is not None
    ]
    if not marks:
        return []
    most = max(bits for _, bits, _, _ in marks)
    axes = Axis(0, most * 1.3 or 1, "bits a window"), Axis(0, 1, "hits F1, free-running")
    return [_figure("Rate and distortion", chart([], *axes, marks=marks))]


def _trade(report: Mapping[str, Any]) -> list[tuple[str, float, float, bool]]:
    marks = []
    for row in rows(report["bundles"], "humanize"):
        for way in ("point", "sample"):
            error = figure(row.values, (way, "offset_error_ms"))
            spread = figure(row.values, (way, "offset_kl"))
            if error is not None and spread is not None:
                name = f"{row.name}, {way}" if row.kind == "model" else row.name
                marks.append((name, float(error), float(spread), row.kind != "model"))
    if report["corpus"] == "gmd":
        for name, paper in report["paper"].items():
            if paper["offset_kl"] is not None:
                mark = (f"paper: {name}", paper["offset_error_ms"], paper["offset_kl"], True)
                marks.append(mark)
    return marks


def _points(judged: Sequence[Mapping[str, Any]], part: str, path: tuple[str, ...]) -> list[Point]:
    found = (
        point_of(
            row.name,
            figure(row.values, path),
            figure(row.intervals, path),
            faded=row.kind != "model",
        )
        for row in rows(judged, part)
    )
    return [point for point in found if point is not None]


def _coverage(judged: Sequence[Mapping[str, Any]], what: str) -> Iterator[Line]:
    for model in judged:
        covered = figure(model, ("reconstruction", "coverage", what))
        if covered:
            levels = {name: value for name, value in covered.items() if name != "off"}
            yield Line(model["bundle"], curve_of(levels))


def _histograms(judged: Sequence[Mapping[str, Any]], name: str) -> list[Line]:
    lines = []
    played: Line | None = None
    for model in judged:
        found = figure(model, ("samples", "histograms", name))
        if found:
            lines.append(Line(model["bundle"], steps(found["drawn"], found["edges"])))
            played = played or Line("played", steps(found["real"], found["edges"]), dashed=True)
    return [*lines, played] if played else []


def _figure(caption: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


# -- audio -----------------------------------------------------------------------------------


def _listen(heard: Sequence[Heard]) -> str:
    if not heard:
        return ""
    parts = []
    for each in heard:
        names, grooves = zip(*each.grooves, strict=True)
        shown = show(list(grooves), list(names))._repr_html_()
        parts.append(f"<h3>{escape(each.heading)}</h3><p>{escape(each.about)}</p>{shown}")
    return f'<section id="listen"><h2>Listen</h2>{"".join(parts)}</section>'


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


_STYLE: Final = """
:root{color-scheme:light dark;--page:#f7f6f3;--paper:#fff;--ink:#24211d;--faded:#6f6a62;
--rule:#e3dfd8;--c0:#3465a4;--c1:#c8553d;--c2:#2e7d4f;--c3:#8a6d1f;--c4:#7a3b8f;--c5:#2a7f8c}
@media(prefers-color-scheme:dark){:root{--page:#171614;--paper:#211f1c;--ink:#ece8e1;
--faded:#a49e94;--rule:#3a3733;--c0:#7fb0f0;--c1:#f0907a;--c2:#7fce9f;--c3:#e0c060;--c4:#cf95e0;
--c5:#7fd0dc}.ghostnote svg{filter:invert(.92) hue-rotate(180deg)}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;line-height:1.2;margin:0 0 10px}h2{font-size:20px;margin:36px 0 4px}
h3{font-size:15px;margin:22px 0 4px}p{max-width:78ch;margin:6px 0 12px;color:var(--faded)}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;margin:14px 0}a{color:var(--c0)}
.wide{overflow-x:auto;background:var(--paper);border:1px solid var(--rule);border-radius:8px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;text-align:right;border-bottom:1px solid var(--rule);vertical-align:top;
white-space:nowrap}thead th{font-weight:600;font-size:13px;white-space:normal;min-width:84px;
vertical-align:bottom;color:var(--faded)}tbody th{text-align:left;font-weight:400;position:sticky;
left:0;background:var(--paper)}tr.model th{font-weight:650}tbody tr:last-child>*{border-bottom:0}
tr.baseline,tr.paper,tr.floor{color:var(--faded)}tr.floor th{font-style:italic}
td small{display:block;font-size:11.5px;color:var(--faded)}
figure{margin:0}section>figure{display:inline-block;width:min(100%,556px);margin:16px 12px 0 0;
vertical-align:top;background:var(--paper);border:1px solid var(--rule);border-radius:8px;
padding:12px 14px}figcaption{font-size:13px;font-weight:600;margin-bottom:4px}
svg.plot{display:block;width:100%;height:auto;fill:var(--ink);font-size:12px}
svg.plot .grid{stroke:var(--rule)}svg.plot .tick{fill:var(--faded);font-size:11px}
.legend{list-style:none;margin:4px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:2px 16px;
font-size:12.5px}.legend li::before{content:"";display:inline-block;width:14px;height:3px;
margin:0 6px 3px 0;background:var(--own)}
details{margin:12px 0}summary{cursor:pointer;color:var(--c0)}
"""
