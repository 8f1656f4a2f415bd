"""``ghostnote evaluate``: measure model bundles."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from ghostnote.cli.batch import refuse_existing, say
from ghostnote.errors import MissingExtraError

if TYPE_CHECKING:
    from ghostnote.bundle import Bundle
    from ghostnote.evaluate.report import Court, Notice
    from ghostnote.evaluate.tables import Column

REPORT, PAGE = "report.json", "report.html"
"""The files of a report."""


def evaluate(
    bundles: Sequence[str] = ("groove-4bar",),
    *,
    split: Literal["train", "validation", "test"] = "validation",
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    data: str | None = None,
    samples: int = 2048,
    seed: int = 0,
    temperature: float | None = None,
    anew: Annotated[bool, Parameter(negative=())] = False,
    save: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Measure model bundles, side by side, beside baselines and the floor of real data.

    Tune on validation. The test split is for the figures of a finished model, once.

    What was measured is kept, part by part, and not measured again by the same code: after Ctrl-C
    the same command goes on.

    Example: ghostnote evaluate groove-4bar --split test -o report

    Parameters
    ----------
    bundles
        Bundles by name or folder; the shipped one by default.
    split
        Which part of the corpus to judge on.
    out
        A folder for report.json and report.html, a page with plots and audio that needs nothing
        else.
    data
        A corpus by name, or a folder or zip of MIDI; the Groove MIDI Dataset by default.
    samples
        How many draws of the prior.
    seed
        Of the draws, of the classifier's folds and of the resamples.
    temperature
        Of the draws of the prior; the bundle's own by default.
    anew
        Measure everything again.
    save
        Keep the figures in the bundle's config and card.
    force
        Overwrite a report that exists.
    quiet
        Print nothing but errors.
    as_json
        Print the report as JSON.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("torch", "train", "evaluating") from None
    from ghostnote.bundle import load_bundle
    from ghostnote.data.corpus import load_corpus
    from ghostnote.evaluate.report import Court, headline, judge, report
    from ghostnote.export.bundle import write_description

    files = [] if out is None else [out / REPORT, out / PAGE]
    refuse_existing(files, force=force)
    chosen = [load_bundle(name) for name in bundles]
    with progress(quiet=quiet or as_json) as notice:
        court = Court(
            load_corpus(data), split, samples=samples, seed=seed, temperature=temperature,
            anew=anew, notice=notice,
        )  # fmt: skip
        judged = []
        for bundle in chosen:
            judged.append(judge(bundle, court))
            if save:
                scores = {**bundle.config["scores"], split: headline(judged[-1])}
                write_description(bundle.path, {**bundle.config, "scores": scores})
        document = report(court, judged)
        if out is not None:
            notice("page")
            _write(out, document, chosen, court)
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    elif not quiet:
        Console().print(_table(document))
        if out is not None:
            say(Console(), f"more in {out / PAGE}")


@contextmanager
def progress(*, quiet: bool) -> Iterator[Notice]:
    """Gives a function that shows on standard error, on a terminal, what is being measured."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("reading") as status:
        yield status.update


def _write(out: Path, document: Mapping[str, Any], bundles: Sequence[Bundle], court: Court) -> None:
    from ghostnote.evaluate.examples import heard
    from ghostnote.evaluate.page import page
    from ghostnote.evaluate.subject import Subject
    from ghostnote.files import write_bytes

    listen = [
        each
        for bundle in bundles
        for each in heard(
            Subject(bundle, court.ground(bundle.bars, bundle.meter)),
            court.takes(court.split, bundle.meter),
            seed=court.seed,
        )
    ]
    write_bytes(out / REPORT, (json.dumps(document, indent=1) + "\n").encode())
    write_bytes(out / PAGE, page(document, listen).encode())


def _table(document: Mapping[str, Any]) -> Table:
    """The figures that matter most, a column a bundle, and the floor of real data.

    Of one bundle with intervals, for which there is no room beside several.
    """
    from ghostnote.evaluate.tables import cell

    judged = document["bundles"]
    first, alone = judged[0], len(judged) == 1
    table = Table(
        title=f"on {document['split']} ({first['windows']:,} windows)",
        header_style="bold",
        caption="in brackets: 95% intervals over takes" if len(judged) == 1 else None,
        caption_justify="left",
    )
    table.add_column("figure")
    for model in judged:
        table.add_column(model["bundle"], justify="right")
    table.add_column("real training data", justify="right")

    def text(column: Column, row: Mapping[str, Any], part: Sequence[str]) -> str:
        values, intervals = row, row["intervals"]
        for name in part:
            values, intervals = values.get(name, {}), intervals.get(name, {})
        found = cell(column, values, intervals)
        return f"{found.value} [{found.interval}]" if found.interval and alone else found.value

    for label, column, part, floor in _summary():
        cells = [text(column, model, part) for model in judged]
        if any(cells):
            real = text(column, first, floor) if floor else ""
            table.add_row(label, *cells, real)
    return table


def _summary() -> Iterator[tuple[str, Column, tuple[str, ...], tuple[str, ...]]]:
    """Label, figure, the part that it is of, and that of the floor, if there is one."""
    from ghostnote.evaluate.tables import (
        CLOSED_HAT,
        EXPRESSION,
        LATENT,
        RECONSTRUCTION,
        SAMPLES,
        WRITTEN,
    )

    for column in RECONSTRUCTION:
        yield column.label, column, ("reconstruction",), ()
    for column in LATENT:
        yield column.label, column, ("latent",), ()
    for column in SAMPLES:
        yield f"samples: {column.label}", column, ("samples",), ("real",)
    for way in ("point", "sample"):
        for column in EXPRESSION:
            floor = ("beside", "training data", "humanize", "point") if way == "sample" else ()
            yield f"humanising, {way}: {column.label}", column, ("humanize", way), floor
    for column in WRITTEN:
        yield f"tapping: {column.label}", column, ("tap",), ()
    for column in (*WRITTEN, *CLOSED_HAT):
        yield f"infilling: {column.label}", column, ("infill",), ()
