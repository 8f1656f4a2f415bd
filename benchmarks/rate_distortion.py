"""The rate–distortion curve of a groove VAE over β and free bits, on the validation split.

    python -m benchmarks.rate_distortion [--scale small] [--seeds 0 1 2] [--cells "beta 1"]

One small model, trained anew for each point with nothing changed but the two numbers that weigh the
rate. Each point is a rate (KL, bits a window) and what that rate buys: nats of likelihood and
hits F1. Every finished point is kept, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import Cell, Cells, origin, spread, table, write_page
from benchmarks.laboratory import (
    Job,
    Laboratory,
    carried_out,
    chosen,
    laboratory,
    of_length,
    parser,
)
from ghostnote.data.bars import Bars
from ghostnote.evaluate.reconstruction import reconstruct
from ghostnote.export.bundle import build_model
from ghostnote.files import atomic_path
from ghostnote.model.config import BidirectionalConfig, HierarchicalConfig, ModelConfig
from ghostnote.train.checkpoint import Checkpoint
from ghostnote.train.config import ObjectiveConfig, OptimiserConfig, RunConfig, from_table
from ghostnote.train.loop import LAST

NAME = "rate_distortion"
BARS = 4
CHECKS = 4

POINTS = (
    (4.0, 0.0),
    (2.0, 0.0),
    (1.0, 0.0),
    (0.5, 0.0),
    (0.2, 0.0),
    (0.2, 24.0),
    (0.2, 48.0),
    (0.2, 96.0),
    (0.05, 0.0),
)
"""β and free bits of each point. At β = 1 without free bits, the objective is the bound itself."""


@dataclass(frozen=True)
class Scale:
    """How large the network is, and for how long it is trained."""

    size: int
    layers: int
    latent: int
    batch: int
    updates: int
    learning_rate: float


SCALES = {
    "tiny": Scale(8, 1, 4, 8, 4, 3e-3),
    "small": Scale(96, 1, 64, 32, 1200, 3e-3),
    "full": Scale(256, 2, 128, 64, 10_000, 2e-3),
}
"""`small` takes some ten minutes of a CPU core for a seed; `full` is for a GPU, or for a day."""


def cell_name(scale: str, beta: float, free_bits: float) -> str:
    """The name of a point."""
    return f"{scale}: beta {beta:g}, {free_bits:g} free bits"


def names_of(scale: str) -> dict[str, tuple[float, float]]:
    """The names of all points of a scale, each with β and free bits."""
    return {cell_name(scale, *point): point for point in POINTS}


def job_of(name: str, scale_name: str, seed: int, epochs: float | None, lab: Laboratory) -> Job:
    """What is to be done for a point."""
    scale = SCALES[scale_name]
    beta, free_bits = names_of(scale_name)[name]
    run = RunConfig(
        name=NAME,
        model=ModelConfig(
            bars=BARS,
            latent=scale.latent,
            encoder=BidirectionalConfig(size=scale.size),
            decoder=HierarchicalConfig(size=scale.size, layers=scale.layers, conductor=scale.size),
        ),
        objective=ObjectiveConfig(beta=beta, free_bits=free_bits),
        optimiser=OptimiserConfig(
            batch=scale.batch,
            learning_rate=scale.learning_rate,
            warmup=min(100, scale.updates // 4),
        ),
        patience=CHECKS + 1,
        seed=seed,
    )
    n = len(lab.windows(run, "train", run.hop))
    run = of_length(run, scale.updates, epochs, n, CHECKS)
    return Job(name, run, measure, hop=BARS // 2, judged=LAST)


def measure(last: Checkpoint, lab: Laboratory) -> Mapping[str, Any]:
    """The figures of a point."""
    run = from_table(RunConfig, last.config)
    judged = Bars.of(lab.windows(run, "validation", BARS // 2))
    device = lab.machine.device
    scores = reconstruct(build_model(last).to(device), judged, device=device)
    distortion = scores.nll_hits + scores.nll_velocity + scores.nll_offset
    return {**asdict(scores), "distortion": distortion, "elbo": scores.elbo, "judged": len(judged)}


# -- the page --------------------------------------------------------------------------------

ABOUT = f"""# Rate and distortion

Made by `python -m benchmarks.rate_distortion`; exact configurations and all figures are in
[{NAME}.json]({NAME}.json). Each point is a model of four bars, trained on GMD's training split
with `NLL + β·max(KL − free bits, 0)` and judged on windows of the validation split, one every two
bars.
*Rate* is the KL of a window from N(0, I); *distortion* its negative log-likelihood, teacher-forced
from the posterior mean, of which velocity and timing are densities and may be negative; *bound* is
minus rate and distortion together, in nats. All are judged as they are after the last step; F1 is
of hits, free-running and teacher-forced."""


def page(cells: Sequence[Cell], pictures: Mapping[str, str]) -> list[str]:
    """The page, in parts; `pictures` are the files of the scales' plots."""
    parts = [ABOUT]
    for scale in SCALES:
        found = by_point(scale, cells)
        if found:
            parts += section(scale, found, pictures.get(scale))
    return parts


def by_point(scale: str, cells: Sequence[Cell]) -> dict[tuple[float, float], list[Cell]]:
    """The cells of each point of a scale that has any, by rate."""
    points = {
        point: [cell for cell in cells if cell.name == cell_name(scale, *point)] for point in POINTS
    }
    found = {point: some for point, some in points.items() if some}
    return dict(sorted(found.items(), key=lambda item: mean(item[1], "bits")))


def mean(cells: Sequence[Cell], name: str) -> float:
    """A figure, averaged over seeds."""
    return float(np.mean([cell.figures[name] for cell in cells]))


def section(
    scale: str, points: Mapping[tuple[float, float], Sequence[Cell]], picture: str | None
) -> list[str]:
    """The table and the plot of one scale."""
    sizes = SCALES[scale]
    columns = (
        ("bits", 1),
        ("distortion", 1),
        ("nll_hits", 1),
        ("elbo", 1),
        ("f1", 3),
        ("f1_forced", 3),
        ("velocity_error", 2),
        ("offset_error", 4),
        ("active", 0),
    )
    every = [cell for some in points.values() for cell in some]
    steps = sorted({cell.cost["steps"] for cell in every})
    missing = [cell_name(scale, *point) for point in POINTS if point not in points]
    return [
        f"## Scale `{scale}`",
        f"LSTMs of {sizes.size} units in {sizes.layers} layer(s), hierarchical decoder, latent "
        f"{sizes.latent}; {' or '.join(f'{n:,}' for n in steps)} updates of {sizes.batch} windows. "
        f"{origin(every)}"
        + ("" if scale == "full" else " Small and short: the shape of the curve is what counts."),
        table(
            [
                *("β", "free bits", "rate, bits", "distortion, nats", "of hits", "bound, nats"),
                *("F1 free", "F1 forced", "velocity MAE, of 127", "offset MAE, steps"),
                *("active z", "minutes"),
            ],
            [
                [
                    *(f"{point[0]:g}", f"{point[1]:g}"),
                    *(spread([c.figures[name] for c in some], digits) for name, digits in columns),
                    spread([cell.cost["seconds"] / 60 for cell in some], 1),
                ]
                for point, some in points.items()
            ],
        ),
        *([f"![rate against distortion and F1]({picture})"] if picture else []),
        *([f"Missing: {'; '.join(missing)}."] if missing else []),
    ]


def plot(path: Path, points: Mapping[tuple[float, float], Sequence[Cell]]) -> None:
    """Rate against distortion and against F1, as SVG: the same bytes for the same points.

    Raises:
        OutputError: `path` cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": NAME, "svg.fonttype": "none", "font.size": 9}):
        drawing = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = drawing.subplots(1, 2)
        for axes, names in ((left, ("distortion",)), (right, ("f1", "f1_forced"))):
            for name in names:
                rates = [mean(some, "bits") for some in points.values()]
                values = [mean(some, name) for some in points.values()]
                label = {"f1": "free-running", "f1_forced": "teacher-forced"}.get(name)
                axes.plot(rates, values, "o-", markersize=4, linewidth=1, label=label)
                for (beta, free), x, y in zip(points, rates, values, strict=True):
                    text = f"β {beta:g}" + (f", {free:g} free" if free else "")
                    if name != "f1_forced":
                        axes.annotate(text, (x, y), (4, 4), textcoords="offset points", fontsize=7)
            axes.set_xlabel("rate, bits a window")
            axes.grid(alpha=0.3)
        left.set_ylabel("distortion, nats a window")
        right.set_ylabel("hits F1")
        right.legend(frameon=False)
        with atomic_path(path) as temporary:
            drawing.savefig(temporary, format="svg", metadata={"Date": None})


def main() -> None:
    options = parser(__doc__, NAME)
    options.add_argument("--scale", choices=list(SCALES), default="small")
    asked = options.parse_args()
    cells = Cells(asked.results / f"{NAME}.json")

    def write() -> None:
        pictures = {}
        for scale in SCALES:
            points = by_point(scale, list(cells))
            if points:
                pictures[scale] = f"{NAME}_{scale}.svg"
                plot(asked.results / pictures[scale], points)
        write_page(asked.results / f"{NAME}.md", *page(list(cells), pictures))

    if not asked.page:
        lab = laboratory(asked)
        for seed in asked.seeds:
            for name in chosen(names_of(asked.scale), asked):
                lab.cell(job_of(name, asked.scale, seed, asked.epochs, lab), cells)
                write()
    write()


if __name__ == "__main__":
    sys.exit(carried_out(main))
