"""Reports as tables: the same rows and columns for a page, for Markdown and for a model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from ghostnote.music.kit import VOICES

Kind = Literal["model", "baseline", "floor", "paper"]


class Column(NamedTuple):
    """A figure: how it is called, where it is in its part, and how it is written."""

    label: str
    path: tuple[str, ...]
    form: str = "{:.3f}"


class Cell(NamedTuple):
    """A figure and its interval as text; empty where there is none."""

    value: str = ""
    interval: str = ""


class Row(NamedTuple):
    """One model, baseline or floor."""

    name: str
    kind: Kind
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """Figures side by side.

    Attributes:
        title: what it is of.
        about: how to read it, a sentence or two.
        columns: the figures' labels.
        rows: models first, then baselines, then floors.
    """

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Found(NamedTuple):
    """What a row is made of: the figures of one part, and their intervals."""

    name: str
    kind: Kind
    values: Mapping[str, Any]
    intervals: Mapping[str, Any]


_PERCENT: Final = "{:.2%}"
_WHOLE: Final = "{:,.0f}"
_ONE: Final = "{:.1f}"
_TWO: Final = "{:.2f}"

RECONSTRUCTION: Final = (
    Column("hits F1, free-running", ("f1",)),
    Column("precision", ("precision",)),
    Column("recall", ("recall",)),
    Column("hits F1, teacher-forced", ("f1_forced",)),
    Column("bits a window", ("bits",), _ONE),
    Column("velocity MAE of 127", ("velocity_error",), _ONE),
    Column("offset MAE, steps", ("offset_error",)),
    Column("offset MAE, ms", ("offset_error_ms",), _TWO),
    Column("velocity KL", ("velocity_kl",)),
    Column("offset KL", ("offset_kl",)),
)
COVERAGE: Final = tuple(
    Column(f"{what} {level}", ("coverage", what, level), _PERCENT)
    for what in ("velocity", "offset")
    for level in ("0.5", "0.8", "0.9", "0.95")
)
SAMPLES: Final = (
    Column("hits a bar", ("hits_per_bar",), _TWO),
    Column("÷ training", ("relative", "hits_per_bar")),
    *(
        Column(f"{voice} ÷ training", ("relative", voice))
        for voice in ("kick", "snare", "closed hat", "ride")
    ),
    Column("empty bars", ("empty_bars",), "{:.3%}"),
    Column("duplicates", ("duplicates",), _PERCENT),
    Column("copies", ("copies",), _WHOLE),
    Column("of", ("judged_for_copies",), _WHOLE),
    Column("cells to the nearest", ("nearest_median",), _WHOLE),
    Column("two-sample, hits", ("two_sample_hits",)),
    Column("two-sample, all", ("two_sample_all",)),
)
DISTRIBUTIONS: Final = (
    "velocity",
    "offset",
    "density",
    "syncopation",
    "swing",
    "dynamics",
    "laid-back",
    "openness",
    "fill",
)
LATENT: Final = (
    Column("active dimensions", ("active",), _WHOLE),
    Column("of", ("dimensions",), _WHOLE),
    Column("F1 of the ends", ("interpolation", "ends_f1")),
    Column("cells a step", ("interpolation", "step"), _ONE),
    Column("largest step", ("interpolation", "jump"), _ONE),
    Column("between bars, played", ("interpolation", "neighbours"), _ONE),
    Column("style by a linear probe", ("probe", "accuracy")),
    Column("by the commonest style", ("probe", "usual")),
)
EXPRESSION: Final = (
    Column("timing MAE, ms", ("offset_error_ms",), _TWO),
    Column("MSE, squared steps", ("offset_mse",), "{:.4f}"),
    Column("timing KL", ("offset_kl",)),
    Column("velocity MAE of 127", ("velocity_error",), _ONE),
    Column("velocity KL", ("velocity_kl",)),
)
WRITTEN: Final = (
    Column("F1", ("f1",)),
    Column("precision", ("precision",)),
    Column("recall", ("recall",)),
    Column("hits ÷ played", ("density",), _TWO),
    Column("velocity MAE of 127", ("velocity_error",), _ONE),
    Column("timing MAE, ms", ("offset_error_ms",), _TWO),
)
CLOSED_HAT: Final = (
    Column("closed hat: F1", ("f1_per_voice", "closed hat")),
    Column("closed hat: velocity MAE of 127", ("velocity_error_per_voice", "closed hat"), _ONE),
    Column("closed hat: timing MAE, ms", ("offset_error_ms_per_voice", "closed hat"), _TWO),
)


def per_voice(name: str, form: str = "{:.3f}") -> tuple[Column, ...]:
    """A column a voice of the figures `name`."""
    return tuple(Column(voice, (name, voice), form) for voice in VOICES)


def tables(report: Mapping[str, Any]) -> list[Table]:
    """All tables of a report that have a row."""
    judged = report["bundles"]

    def table(
        title: str, about: str, columns: Sequence[Column], rows: Iterator[Found]
    ) -> list[Table]:
        made = [Row(row.name, row.kind, _cells(columns, row)) for row in rows]
        full = tuple(row for row in made if any(cell.value for cell in row.cells))
        labels = tuple(column.label for column in columns)
        return [Table(title, about, labels, full)] if full else []

    def expressed(what: str, title: str, about: str, part: str) -> list[Table]:
        return [
            *table(f"{title}: F1 of each voice", "", per_voice("f1_per_voice"), rows(judged, part)),
            *table(
                f"{title}: velocity MAE of each voice",
                f"Of 127, {what}.",
                per_voice("velocity_error_per_voice", _ONE),
                rows(judged, part),
            ),
            *table(
                f"{title}: timing MAE of each voice",
                f"In ms, {what}.",
                per_voice("offset_error_ms_per_voice", _ONE),
                rows(judged, part),
            ),
        ]

    return [
        *table(
            "Humanising",
            "Hits are given, velocity and timing are not. A point estimate keeps errors small, a "
            "draw keeps the spread: both are ways of one model.",
            EXPRESSION,
            _humanised(report),
        ),
        *table(
            "Tapping",
            "All hits of a step are one tap; the kit is to be written. Velocity and timing are "
            "those of hits that were found.",
            WRITTEN,
            rows(judged, "tap"),
        ),
        *expressed("of hits that were found", "Tapping", "", "tap"),
        *table(
            "Infilling",
            "Each voice in its turn is to be written for all the others. Velocity and timing are "
            "those of hits that were found.",
            (*WRITTEN, *CLOSED_HAT),
            rows(judged, "infill"),
        ),
        *expressed("of hits that were found", "Infilling", "", "infill"),
        *table(
            "Reconstruction",
            "From the posterior mean, beside what it says: a point on a curve of rate and "
            "distortion. Velocity and offset are teacher-forced, on true hits.",
            RECONSTRUCTION,
            rows(judged, "reconstruction"),
        ),
        *expressed("teacher-forced, on true hits", "Reconstruction", "", "reconstruction"),
        *table(
            "Coverage",
            "How many true values lie inside the central interval of a model that should hold so "
            "many.",
            COVERAGE,
            rows(judged, "reconstruction"),
        ),
        *table(
            "Samples of the prior",
            "Two-sample: how often a classifier tells samples from played windows that it has not "
            "seen; one half is indistinguishable. The copies of the training row are those of the "
            "split's own windows.",
            SAMPLES,
            rows(judged, "samples"),
        ),
        *table(
            "Distributions of samples: Jensen–Shannon distance",
            "0 is the same distribution as that of played windows, 1 shares nothing with it.",
            [Column(name, ("distributions", name, "js")) for name in DISTRIBUTIONS],
            rows(judged, "samples"),
        ),
        *table(
            "Distributions of samples: overlapped area",
            "Of the distances within the samples and from them to played windows; 1 is all.",
            [Column(name, ("distributions", name, "overlap")) for name in DISTRIBUTIONS],
            rows(judged, "samples"),
        ),
        *table(
            "Latent space",
            "Spherical interpolation between pairs of windows: cells that change from a point to "
            "the next of eleven, and the most that do; beside them, from a played window to that "
            "of a bar later.",
            LATENT,
            rows(judged, "latent"),
        ),
    ]


def rows(judged: Sequence[Mapping[str, Any]], part: str) -> Iterator[Found]:
    """The rows of a part: models, baselines, and for samples the training windows."""
    for model in judged:
        if part in model:
            yield Found(model["bundle"], "model", model[part], model["intervals"][part])
    seen: dict[str, list[Any]] = {}
    for model in judged:
        others = {
            name: (row[part], model["intervals"]["beside"][name][part])
            for name, row in model["beside"].items()
            if part in row
        }
        if part == "samples":
            others["training data"] = (model["real"], model["intervals"]["real"])
        for name, (values, intervals) in others.items():
            if values in seen.get(name, []):
                continue
            again = f" ({model['bars']} bars)" if name in seen else ""
            seen.setdefault(name, []).append(values)
            kind: Kind = "floor" if name == "training data" else "baseline"
            yield Found(f"{name}{again}", kind, values, intervals)


def _humanised(report: Mapping[str, Any]) -> Iterator[Found]:
    for row in rows(report["bundles"], "humanize"):
        for way in ("point", "sample"):
            if way in row.values:
                name = f"{row.name}, {way}" if row.kind == "model" else row.name
                yield Found(name, row.kind, row.values[way], row.intervals[way])
    if report["corpus"] == "gmd":
        for name, values in report["paper"].items():
            yield Found(f"paper, test: {name}", "paper", values, {})


def figure(tree: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What is at `path` in a tree of mappings; None where nothing is."""
    found: Any = tree
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def cell(column: Column, values: Mapping[str, Any], intervals: Mapping[str, Any]) -> Cell:
    """A figure and its interval as text."""
    value, interval = figure(values, column.path), figure(intervals, column.path)
    if value is None:
        return Cell()
    between = ""
    if interval is not None and None not in interval:
        low, high = (column.form.format(end) for end in interval)
        between = f"{low}–{high}"
    return Cell(column.form.format(value), between)


def _cells(columns: Sequence[Column], row: Found) -> tuple[Cell, ...]:
    return tuple(cell(column, row.values, row.intervals) for column in columns)


def markdown(table: Table) -> str:
    """`table` in Markdown, without its title; columns that no row has anything in are left out."""
    kept = [
        column
        for column in range(len(table.columns))
        if any(row.cells[column].value for row in table.rows)
    ]
    head = ("", *(table.columns[column] for column in kept))
    lines = [_line(head), _line(["---"] * len(head))]
    for row in table.rows:
        texts = [
            f"{each.value} ({each.interval})" if each.interval else each.value
            for each in (row.cells[column] for column in kept)
        ]
        lines.append(_line([row.name, *texts]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
