"""``ghostnote evaluate``: measure model bundles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from ghostnote.errors import MissingExtraError


def evaluate(
    bundles: Sequence[str] = ("groove-4bar",),
    *,
    split: Literal["train", "validation", "test"] = "validation",
    data: str | None = None,
    samples: int = 2048,
    seed: int = 0,
    temperature: float | None = None,
    save: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Measure model bundles: reconstruction, prior samples, and the floor of real data.

    Tune on validation. The test split is for the figures of a finished model, once.

    Example: ghostnote evaluate groove-4bar --split test --json

    Parameters
    ----------
    bundles
        Bundles by name or folder; the shipped one by default.
    split
        Which part of the corpus to judge on.
    data
        A corpus by name, or a folder or zip of MIDI; the Groove MIDI Dataset by default.
    samples
        How many draws of the prior.
    seed
        Of the draws and of the classifier's folds.
    temperature
        Of the draws; the bundle's own by default.
    save
        Keep the figures in the bundle's config and card.
    as_json
        Print the figures as JSON.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("torch", "train", "evaluating") from None
    from ghostnote.bundle import load_bundle
    from ghostnote.data.corpus import load_corpus
    from ghostnote.evaluate.report import judge
    from ghostnote.export.bundle import write_description

    corpus = load_corpus(data)
    reports = []
    console = Console(stderr=True)
    for name in bundles:
        bundle = load_bundle(name)
        with console.status(name) as status:
            report = judge(
                bundle,
                corpus,
                split,
                samples=samples,
                seed=seed,
                temperature=temperature,
                notice=lambda stage, name=name: status.update(f"{name}: {stage}"),  # type: ignore[misc]
            )
        reports.append(report)
        if save:
            scores = {**bundle.config["scores"], split: report}
            write_description(bundle.path, {**bundle.config, "scores": scores})
    if as_json:
        Console().print_json(json.dumps(reports))
        return
    for report in reports:
        Console().print(_table(report))


def _table(report: dict[str, Any]) -> Table:
    rec, drawn, real = report["reconstruction"], report["samples"], report["real"]
    table = Table(
        title=f"{report['bundle']} on {report['split']} ({report['windows']:,} windows)",
        header_style="bold",
    )
    for column in ("figure", "model", "real training data"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    table.add_row("hits F1, free-running", f"{rec['f1']:.4f}")
    table.add_row("hits F1, teacher-forced", f"{rec['f1_forced']:.4f}")
    table.add_row("bits per window", f"{rec['bits']:.2f}")
    table.add_row("velocity MAE / 127", f"{rec['velocity_error']:.2f}")
    table.add_row("offset MAE, step", f"{rec['offset_error']:.4f}")
    table.add_row("offset MAE, ms", f"{rec['offset_error_ms']:.2f}")
    table.add_row("active dimensions", str(rec["active"]))
    for name, ratio in drawn["relative"].items():
        table.add_row(f"samples: {name} ÷ training", f"{ratio:.3f}", "1")
    table.add_row("samples: empty bars", f"{drawn['empty_bars']:.3%}", f"{real['empty_bars']:.3%}")
    table.add_row("samples: copies of training", str(drawn["copies"]))
    table.add_row("samples: drawn again, since they were", str(drawn["drawn_again"]))
    table.add_row("samples: duplicates", f"{drawn['duplicates']:.2%}", f"{real['duplicates']:.2%}")
    for key, label in (("two_sample_hits", "hits"), ("two_sample_all", "all")):
        table.add_row(f"two-sample test, {label}", f"{drawn[key]:.3f}", f"{real[key]:.3f}")
    return table
