"""Hierarchical against flat decoder at 2, 4, 8 and 16 bars: MusicVAE's main table, on GMD.

    python -m benchmarks.hierarchy [--scale small] [--seeds 0 1 2] [--cells "groove, 16 bars"]

Both representations (sets of hits, and grooves with velocity and timing), teacher-forced and
free-running from the posterior mean, on the validation split. Within a pair, all but the decoder is
the same, and the flat one has as many units as give both the same number of parameters, about.
Every finished cell is kept, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

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
from ghostnote.data.bars import Bars, to_x
from ghostnote.evaluate.metrics import Confusion
from ghostnote.evaluate.reconstruction import reconstruct
from ghostnote.export.bundle import build_model
from ghostnote.model.config import (
    BidirectionalConfig,
    CategoricalConfig,
    FlatConfig,
    HeadConfig,
    HierarchicalConfig,
    LikelihoodConfig,
    ModelConfig,
)
from ghostnote.model.size import n_parameters
from ghostnote.model.vae import GrooveVAE
from ghostnote.train.checkpoint import Checkpoint
from ghostnote.train.config import ObjectiveConfig, OptimiserConfig, RunConfig, from_table

NAME = "hierarchy"
BARS = (2, 4, 8, 16)
HEADS: dict[str, HeadConfig] = {"groove": LikelihoodConfig(), "categorical": CategoricalConfig()}
DECODERS = ("flat", "hierarchical")
FREE_BITS_A_BAR = 16
"""The original gives 48 to 2 bars of drums and 256 to 16."""
CHECKS = 4


@dataclass(frozen=True)
class Scale:
    """How large the networks are, and for how long they are trained."""

    encoder: int
    decoder: int
    layers: int
    latent: int
    batch: int
    updates: int
    learning_rate: float


SCALES = {
    "tiny": Scale(8, 8, 1, 4, 8, 4, 3e-3),
    "small": Scale(96, 96, 1, 64, 32, 900, 3e-3),
    "full": Scale(512, 512, 2, 256, 128, 12_000, 1e-3),
}
"""`small` takes less than an hour of one CPU core for all cells of a seed; `full` is for a GPU."""

PAPER = {
    (2, "flat"): (0.979, 0.917),
    (16, "flat"): (0.884, 0.549),
    (16, "hierarchical"): (0.928, 0.879),
}
"""Accuracy of MusicVAE on drums, teacher-forced and sampled (Roberts et al. 2018), of models of the
`categorical` kind that were trained on 1.5 million MIDI files."""


def cell_name(scale: str, kind: str, bars: int, decoder: str) -> str:
    """The name of a cell."""
    return f"{scale}: {kind}, {bars} bars, {decoder}"


def run_of(scale: Scale, kind: str, bars: int, decoder: str, seed: int) -> RunConfig:
    """What is trained for a cell, but for its length."""
    model = ModelConfig(
        bars=bars,
        latent=scale.latent,
        encoder=BidirectionalConfig(size=scale.encoder),
        decoder=HierarchicalConfig(
            size=scale.decoder, layers=scale.layers, conductor=scale.decoder
        ),
        head=HEADS[kind],
    )
    return RunConfig(
        name=NAME,
        model=model if decoder == "hierarchical" else flattened(model),
        objective=ObjectiveConfig(beta=0.2, free_bits=FREE_BITS_A_BAR * bars),
        optimiser=OptimiserConfig(
            batch=scale.batch,
            learning_rate=scale.learning_rate,
            warmup=min(100, scale.updates // 4),
        ),
        patience=CHECKS + 1,
        seed=seed,
    )


def flattened(model: ModelConfig) -> ModelConfig:
    """`model` with a flat decoder of as many parameters, as nearly as units allow."""
    shape = model.decoder
    assert isinstance(shape, HierarchicalConfig)
    wanted = n_parameters(model)

    def with_units(size: int) -> ModelConfig:
        return replace(model, decoder=FlatConfig(size=size, layers=shape.layers))

    sizes = range(1, 4 * shape.size)
    return with_units(min(sizes, key=lambda size: abs(n_parameters(with_units(size)) - wanted)))


@torch.no_grad()
def accuracies(model: GrooveVAE, bars: Bars, *, batch: int = 256) -> dict[str, float]:
    """How much of the hits of `bars` comes back, `…_forced` given the true steps before each, and
    `…_free` given the model's own.

    ``steps`` is the share of steps with all voices right, which the paper calls accuracy, and
    ``cells`` that of cells; ``silent…`` is what silence scores there.
    """
    device = next(model.parameters()).device
    right = dict.fromkeys(("steps_forced", "steps_free", "cells_forced", "cells_free"), 0.0)
    right |= dict.fromkeys(("silent_steps", "silent_cells"), 0.0)
    counts: dict[str, Confusion] = {}
    for some in np.array_split(np.arange(len(bars)), -(-len(bars) // batch)):
        x = torch.from_numpy(to_x(bars.cells(bars.bars_of(some)))).to(device)
        p = model.decode(model.encode(x).mean)
        true, forced, free = (
            part[..., : model.config.voices].cpu().numpy() > 0.5
            for part in (x, p.given(x).point(), p.mode())
        )
        for name, guess in (("forced", forced), ("free", free)):
            right[f"steps_{name}"] += float((guess == true).all(-1).mean(-1).sum())
            right[f"cells_{name}"] += float((guess == true).mean((1, 2)).sum())
            found = Confusion.of(guess, true)
            counts[name] = counts[name].plus(found) if name in counts else found
        right["silent_steps"] += float((~true).all(-1).mean(-1).sum())
        right["silent_cells"] += float((~true).mean((1, 2)).sum())
    return {
        **{name: total / len(bars) for name, total in right.items()},
        **{f"f1_{name}": count.f1() for name, count in counts.items()},
    }


def measure(best: Checkpoint, lab: Laboratory, *, hop: int) -> Mapping[str, Any]:
    """The figures of a cell."""
    run = from_table(RunConfig, best.config)
    device = lab.machine.device
    model = build_model(best).to(device)
    judged = Bars.of(lab.windows(run, "validation", hop))
    scores = asdict(reconstruct(model, judged, device=device))
    kept = ["bits", "nll_hits", "nll_velocity", "nll_offset", "active"]
    if isinstance(run.model.head, LikelihoodConfig):
        kept += ["velocity_error", "offset_error"]
    return {
        **accuracies(model, judged),
        **{name: scores[name] for name in kept},
        "judged": len(judged),
    }


def names_of(scale: str) -> dict[str, tuple[str, int, str]]:
    """The names of all cells of a scale, each with representation, bars and decoder."""
    return {
        cell_name(scale, kind, bars, decoder): (kind, bars, decoder)
        for kind in HEADS
        for bars in BARS
        for decoder in DECODERS
    }


def job_of(name: str, scale: str, seed: int, epochs: float | None, lab: Laboratory) -> Job:
    """What is to be done for a cell."""
    kind, bars, decoder = names_of(scale)[name]
    run, hop = run_of(SCALES[scale], kind, bars, decoder, seed), bars // 2
    n = len(lab.windows(run, "train", run.hop))
    return Job(
        name,
        of_length(run, SCALES[scale].updates, epochs, n, CHECKS),
        partial(measure, hop=hop),
        hop=hop,
    )


# -- the page --------------------------------------------------------------------------------

ABOUT = f"""# Hierarchical against flat decoders

Made by `python -m benchmarks.hierarchy`; exact configurations and all figures are in
[{NAME}.json]({NAME}.json). Trained on GMD's training split, judged on its validation split, on
windows that begin every half of their length. The encoder is a bidirectional LSTM in all cells. The
hierarchical decoder has a conductor over bars that hears nothing of what was decoded, and one
decoder for all bars; the flat one has as many units as make its parameters as many. Both are
teacher-forced in training, without dropout, with {FREE_BITS_A_BAR} free bits a bar and β = 0.2.

*Steps right* is the paper's accuracy, the share of steps with all nine voices right; silence has
much of it. *F1* is of hits, micro-averaged. *Forced* is given the true steps before each, *free*
the model's own; both at temperature 0 from the posterior mean."""


def page(cells: Sequence[Cell]) -> list[str]:
    """The page, in parts."""
    parts = [ABOUT]
    for scale in SCALES:
        found = [cell for cell in cells if cell.name.startswith(f"{scale}: ")]
        if found:
            parts += section(scale, found)
    parts += [
        "## The paper's own",
        "MusicVAE's drums (Roberts et al. 2018), trained on 1.5 million MIDI files; accuracy, "
        "teacher-forced and sampled. Quoted, and not checked against the paper's PDF.",
        table(
            ["bars", "decoder", "forced", "free"],
            [
                [str(bars), decoder, f"{forced:.3f}", f"{free:.3f}"]
                for (bars, decoder), (forced, free) in PAPER.items()
            ],
        ),
    ]
    return parts


COLUMNS = (
    ("steps_forced", "steps right, forced"),
    ("steps_free", "free"),
    ("f1_forced", "F1, forced"),
    ("f1_free", "free"),
    ("cells_forced", "cells right, forced"),
    ("cells_free", "free"),
)


def section(scale: str, cells: Sequence[Cell]) -> list[str]:
    """The tables of one scale."""
    sizes = SCALES[scale]
    rows, gains, missing = [], [], []
    for kind in HEADS:
        for bars in BARS:
            pair = {
                decoder: [c for c in cells if c.name == cell_name(scale, kind, bars, decoder)]
                for decoder in DECODERS
            }
            for decoder, found in pair.items():
                label = [kind, str(bars), decoder]
                if not found:
                    missing.append(", ".join([kind, f"{bars} bars", decoder]))
                    continue
                rows.append(
                    [
                        *label,
                        *(figure(found, name) for name, _ in COLUMNS),
                        figure(found, "bits", 1),
                        f"{found[0].cost['parameters']:,}",
                        spread([cell.cost["seconds"] / 60 for cell in found], 1),
                    ]
                )
            known = [cell for found in pair.values() for cell in found]
            if known:
                silence = known[0].figures
                rows.append(
                    [
                        *(kind, str(bars), "*silence*"),
                        *[f"{silence['silent_steps']:.3f}"] * 2,
                        *["0"] * 2,
                        *[f"{silence['silent_cells']:.3f}"] * 2,
                        *["–"] * 3,
                    ]
                )
            if all(pair.values()):
                gains.append(gain(kind, bars, pair))
    steps = sorted({cell.cost["steps"] for cell in cells})
    return [
        f"## Scale `{scale}`",
        f"Encoder {sizes.encoder} units, decoder and conductor {sizes.decoder} in "
        f"{sizes.layers} layer(s), latent {sizes.latent}; {' or '.join(f'{n:,}' for n in steps)} "
        f"updates of {sizes.batch} windows. {origin(cells)}"
        + (
            ""
            if scale == "full"
            else " This is small and short, and says what such models do at this size, not where "
            "they end: the paper's are a hundred times larger."
        ),
        table(
            [
                *("representation", "bars", "decoder"),
                *(title for _, title in COLUMNS),
                *("bits", "parameters", "minutes"),
            ],
            rows,
        ),
        *([f"Missing: {'; '.join(missing)}."] if missing else []),
        *(
            [
                "Hierarchical minus flat:",
                table(["representation", "bars", *(title for _, title in COLUMNS), "bits"], gains),
            ]
            if gains
            else []
        ),
    ]


def figure(cells: Sequence[Cell], name: str, digits: int = 3) -> str:
    """One figure of the seeds of a cell."""
    return spread([cell.figures[name] for cell in cells], digits)


def gain(kind: str, bars: int, pair: Mapping[str, Sequence[Cell]]) -> list[str]:
    """What the hierarchical decoder has more than the flat one."""

    def mean(decoder: str, name: str) -> float:
        return float(np.mean([cell.figures[name] for cell in pair[decoder]]))

    names = [*(name for name, _ in COLUMNS), "bits"]
    differences = [mean("hierarchical", name) - mean("flat", name) for name in names]
    return [kind, str(bars), *(f"{d:+.3f}" for d in differences[:-1]), f"{differences[-1]:+.1f}"]


def main() -> None:
    options = parser(__doc__, NAME)
    options.add_argument("--scale", choices=list(SCALES), default="small")
    asked = options.parse_args()
    cells = Cells(asked.results / f"{NAME}.json")

    def write() -> None:
        write_page(asked.results / f"{NAME}.md", *page(list(cells)))

    if not asked.page:
        lab = laboratory(asked)
        for seed in asked.seeds:
            for name in chosen(names_of(asked.scale), asked):
                lab.cell(job_of(name, asked.scale, seed, asked.epochs, lab), cells)
                write()
    write()


if __name__ == "__main__":
    sys.exit(carried_out(main))
