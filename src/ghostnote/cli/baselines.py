"""``ghostnote baselines``: what a model has to beat."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from ghostnote.cli.batch import refuse_existing, say
from ghostnote.cli.evaluate import progress
from ghostnote.errors import ConfigError, MissingExtraError


def baselines(
    *,
    split: Literal["train", "validation", "test"] = "validation",
    bars: int = 4,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    data: str | None = None,
    samples: int = 2048,
    seed: int = 0,
    anew: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Fit baselines on the training split, and measure them as models are measured.

    On the Groove MIDI Dataset the distance of played hits from the grid has to be what is published
    before anything else is printed.

    Example: ghostnote baselines --split validation

    Parameters
    ----------
    split
        Which part of the corpus to judge on.
    bars
        Bars of the windows that hits and samples are judged on.
    out
        A Markdown file to write the tables to.
    data
        A corpus by name, or a folder or zip of MIDI; the Groove MIDI Dataset by default.
    samples
        How many draws of the Markov chain.
    seed
        Of everything that is drawn.
    anew
        Measure everything again.
    force
        Overwrite the file if it exists.
    quiet
        Print nothing but errors.
    as_json
        Print all figures as JSON.
    """
    try:
        import sklearn  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        name = "scikit-learn" if error.name == "sklearn" else str(error.name)
        raise MissingExtraError(name, "train", "measuring baselines") from None
    from ghostnote.data.corpus import load_corpus
    from ghostnote.evaluate.report import Court, report, surroundings
    from ghostnote.files import write_bytes

    if bars < 1:
        raise ConfigError(f"--bars is {bars}", remedy="1 or more")
    refuse_existing([] if out is None else [out], force=force)
    with progress(quiet=quiet or as_json) as notice:
        corpus = load_corpus(data)
        court = Court(corpus, split, samples=samples, seed=seed, anew=anew, notice=notice)
        document = report(court, [surroundings(court, bars, (4, 4))])
    if out is not None:
        command = f"ghostnote baselines --split {split}" + (f" --bars {bars}" if bars != 4 else "")
        write_bytes(out, _markdown(document, command).encode())
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    elif not quiet:
        console = Console()
        for table in _tables(document):
            console.print(table)
        if out is not None:
            say(console, f"written to {out}")


def _quantised(document: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Split, hits, ms and squared steps, and what is published, for GMD."""
    from ghostnote.baselines.published import QUANTISED

    rows = []
    for split, row in document["quantised"].items():
        known = document["corpus"] == "gmd" and split in QUANTISED
        told = "{:.2f} ms, {:.4f}".format(*QUANTISED[split]) if known else ""
        error, squared = (row[name] or 0.0 for name in ("offset_error_ms", "offset_mse"))
        rows.append((split, f"{row['hits']:,}", f"{error:.2f}", f"{squared:.4f}", told))
    return rows


_HEAD = ("split", "hits", "ms", "squared steps", "published")


def _tables(document: Mapping[str, Any]) -> list[Table]:
    from ghostnote.evaluate.tables import tables

    first = Table(title="Quantised: how far hits are from the grid", header_style="bold")
    for name in _HEAD:
        first.add_column(name, justify="left" if name == "split" else "right")
    for texts in _quantised(document):
        first.add_row(*texts)
    made = [first]
    for each in tables(document):
        if ":" in each.title:  # what goes into detail is for the file
            continue
        kept = [
            column
            for column in range(len(each.columns))
            if any(row.cells[column].value for row in each.rows)
        ]
        table = Table(title=each.title, header_style="bold")
        table.add_column("", no_wrap=True)
        for column in kept:
            table.add_column(each.columns[column], justify="right")
        for row in each.rows:
            table.add_row(row.name, *(row.cells[column].value for column in kept))
        made.append(table)
    return made


def _markdown(document: Mapping[str, Any], command: str) -> str:
    from ghostnote.evaluate.tables import markdown, tables

    (row,) = document["bundles"]
    settings = document["settings"]
    head = (
        f"`{command}` wrote this file: methods that are no models, fitted on the training split "
        f"and judged on the {document['split']} split of `{document['corpus']}` "
        f"({row['whole_takes']:,} whole takes, {row['windows']:,} windows of {row['bars']} bars). "
        "Brackets are 95% intervals of a bootstrap over takes. Seed "
        f"{settings['seed']}; [evaluation.md](../evaluation.md) defines every figure."
    )
    quantised = [
        f"| {' | '.join(_HEAD)} |",
        f"|{'---|' * len(_HEAD)}",
        *(f"| {' | '.join(each)} |" for each in _quantised(document)),
    ]
    parts = ["# Baselines", head, "## Quantised", "\n".join(quantised)]
    for table in tables(document):
        parts += [f"## {table.title}", *([table.about] if table.about else []), markdown(table)]
    return "\n\n".join(parts) + "\n"
