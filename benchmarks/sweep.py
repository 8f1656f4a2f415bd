"""The sweep that `groove-4bar` was chosen by: short runs, one setting changed at a time.

    python benchmarks/sweep.py --runs runs/sweep --jobs 2 > docs/sweep.md

Every run is judged on the validation split only. A run that was cut off goes on where it was, so
the command can be repeated; finished runs are only read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EPOCHS = 6

BASE = (
    f"epochs={EPOCHS}",
    "model.latent=128",
    "model.encoder.size=256",
    "model.layer_dropout=0.1",
    "objective.beta=0.2",
    "objective.free_bits=56",
    "objective.hit_weight=1",
    "optimiser.weight_decay=0.01",
    "augmentation.other_bars=0.3",
)
"""What all runs have in common, where it is not what the preset has become since."""

RUNS: dict[str, tuple[str, ...]] = {
    "base": (),
    "hit weight 1.4": ("objective.hit_weight=1.4",),
    "beta 0.5": ("objective.beta=0.5",),
    "free bits 44": ("objective.free_bits=44",),
    "dropout 0.3": ("model.layer_dropout=0.3",),
    "no scheduled sampling": ("corruption.sampling=0",),
    "no augmentation": (
        "augmentation.other_bars=0",
        "augmentation.velocity_gain=0",
        "augmentation.velocity_noise=0",
        "augmentation.offset_shift=0",
        "augmentation.offset_noise=0",
    ),
    "latent 64": ("model.latent=64",),
    "size 128": ("model.decoder.size=128", "model.decoder.conductor=128", "model.encoder.size=128"),
}
"""What each run changes against `BASE`."""


HEADER = f"""# The sweep of `groove-4bar`

Made by `python benchmarks/sweep.py`: {EPOCHS} epochs each, seed 0, judged on the validation split;
the best validation of each run. Settings of the base: {" ".join(f"`{each}`" for each in BASE)}
and what the preset has.

| run | change | F1 free | F1 forced | bits | velocity MAE, of 127 | offset MAE, steps | active z \\
| hits, nats: training / validation |
|---|---|---|---|---|---|---|---|---|""".replace("\\\n", "")


def command(name: str, runs: Path) -> list[str]:
    """The command line of one run."""
    settings = (*BASE, *RUNS[name])
    return [
        *("ghostnote", "train", "groove-4bar", "--threads", "1", "--resume", "auto", "--quiet"),
        *(part for setting in settings for part in ("--set", setting)),
        *("--out", str(runs / name.replace(" ", "-"))),
    ]


def row(name: str, runs: Path) -> str:
    """The table's line of a finished run: its best validation."""
    log = (runs / name.replace(" ", "-") / "log.jsonl").read_text("utf-8")
    best = max((json.loads(line) for line in log.splitlines()), key=lambda record: record["f1"])
    changes = " ".join(f"`{setting}`" for setting in RUNS[name]) or "–"
    return (
        f"| {name} | {changes} | {best['f1']:.4f} | {best['f1_forced']:.4f} | {best['bits']:.1f} "
        f"| {best['velocity_error']:.2f} | {best['offset_error']:.4f} | {best['active']} "
        f"| {best['train_hits']:.0f} / {best['nll_hits']:.0f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/sweep"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(RUNS), choices=list(RUNS))
    chosen = parser.parse_args()

    def run(name: str) -> int:
        return subprocess.run(command(name, chosen.runs), check=False).returncode

    with ThreadPoolExecutor(chosen.jobs) as pool:
        codes = list(pool.map(run, chosen.only))
    print(HEADER)
    for name, code in zip(chosen.only, codes, strict=True):
        print(row(name, chosen.runs) if code == 0 else f"| {name} | failed with code {code} |")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
