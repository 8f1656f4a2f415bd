"""Ours against the original, on the same weights and the same machine, in one run.

    python -m benchmarks.peer_magenta [--quick] [--threads 1] [--rounds 3] [--env FOLDER]

From the root of a checkout. It sets magenta 2.1.4 up in an environment of its own (2 GB; kept for
the next time), lets it initialise and save a `groovae_4bar` of full size, imports that very
checkpoint, makes sure that both give the same posteriors, and prints a table for
``docs/benchmarks.md``. Where the original cannot be installed it says why, and ends.

Every measurement is a fresh process; the two sides take turns, round after round, so that a busy
machine slows them alike. Figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import ghostnote
from benchmarks.peer_magenta.environment import SetUpError, set_up
from ghostnote.data import gmd
from ghostnote.data.home import data_home
from ghostnote.errors import DataError

ROOT = Path(__file__).parents[2]
ORIGINAL, CONFIG = "magenta 2.1.4", "groovae_4bar"
SAME = 0.01
"""Weights are the same if posteriors differ by less than this share of the largest μ or σ: an
imported model may have been rounded to float16."""


class Row(NamedTuple):
    """A line of the table: `key` of what `task` reports, times `factor`."""

    title: str
    task: str
    key: str
    factor: float
    about: str


Measured = Mapping[str, float]


class Side(NamedTuple):
    """One of the two: how its measuring module is run."""

    command: list[str]
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> Measured:
        """Run the module in a fresh process, and read the last line that it prints."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = "\n".join(done.stderr.splitlines()[-15:])
            raise SystemExit(f"{' '.join([*self.command, *arguments])} failed:\n{last}")
        lines = done.stdout.splitlines()
        measured: Measured = json.loads(lines[-1]) if lines else {}
        return measured


def tasks(batch: int) -> dict[str, list[str]]:
    """What both sides are asked for, in this order."""
    return {
        "start": ["start"],
        **{f"sample {n}": ["sample", "--n", str(n)] for n in (1, 16, 256)},
        "encode": ["encode", "--n", "256"],
        "train": ["train", "--n", str(batch), "--precision", "fp32"],
        "train by default": ["train", "--n", str(batch), "--precision", "auto"],
        "midi": ["midi"],
    }


def rows(batch: int) -> list[Row]:
    """The lines of the table."""
    loops = "z drawn, decoded and made into notes in memory, after a first call; no file written"
    return [
        Row("import, ms", "start", "imports", 1e3, "all modules that sampling needs"),
        Row(
            "load, ms",
            "start",
            "load",
            1e3,
            "from the imports to a first posterior and a first loop, since some work is put off",
        ),
        Row("sample 1 loop, ms", "sample 1", "seconds", 1e3, loops),
        Row("sample 16 loops, ms", "sample 16", "seconds", 1e3, "as above, one batch of 16"),
        Row("sample 256 loops, ms", "sample 256", "seconds", 1e3, "as above, one batch of 256"),
        Row("encode 256 windows, ms", "encode", "seconds", 1e3, "arrays to μ and σ, one batch"),
        Row(
            f"train step, batch {batch}, ms",
            "train",
            "seconds",
            1e3,
            "batch, forward, backward, clipping, Adam, in float32 and with dropout; ours also "
            "keeps a running average; neither writes summaries or checkpoints",
        ),
        Row(
            f"train step, batch {batch}, default precision, ms",
            "train by default",
            "seconds",
            1e3,
            "as above, in the precision that each takes by itself: the original has float32, ours "
            "takes bfloat16 where the processor computes with it",
        ),
        Row(
            "MIDI → tensors, files/s",
            "midi",
            "rate",
            1.0,
            "files of GMD, read and cut into windows of four bars every four bars, without the "
            "imports; ours with nothing cached, and with writing its cache",
        ),
        Row("peak memory, 1 loop, MiB", "start", "peak", 1.0, "a process with the first two rows"),
        Row("peak memory, 256 loops, MiB", "sample 256", "peak", 1.0, "the process that sampled"),
        Row("peak memory, training, MiB", "train", "peak", 1.0, "the process that trained"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", type=Path, default=data_home() / "peer-magenta")
    parser.add_argument("--python", help="the Python 3.11 to make the environment with")
    parser.add_argument("--bundle", type=Path, help="measure this bundle, not the same weights")
    parser.add_argument("--threads", type=int, default=1, help="for each side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3, help="calls in a process, at the least")
    parser.add_argument("--batch", type=int, default=512, help="of the train step")
    parser.add_argument("--quick", action="store_true", help="1 round, batch 64, 100 files")
    options = parser.parse_args()
    rounds, batch = (1, 64) if options.quick else (options.rounds, options.batch)

    progress(f"the original's environment, made once (2 GB): {options.env}")
    try:
        interpreter = set_up(options.env.expanduser().resolve(), options.python)
    except SetUpError as error:
        print(f"{ORIGINAL} cannot be set up here, so nothing is compared: {error}")
        print(*(f"    {line}" for line in error.lines), sep="\n")
        return
    except FileExistsError as error:
        sys.exit(f"--env: {error}")
    try:
        gmd.locate()
    except DataError as error:
        sys.exit(str(error))

    theirs, ours = sides(interpreter, options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        ours.run("prepare", "--data", scratch, "--files", "100" if options.quick else "1000000")
        checkpoint = data / f"{CONFIG}.ckpt"
        theirs.run("checkpoint", "--checkpoint", str(checkpoint))
        bundle = options.bundle.resolve() if options.bundle else imported(checkpoint, ours)
        shared = ["--data", scratch, "--repeats", str(options.repeats)]
        runs = {
            "theirs": (theirs, ["--checkpoint", str(checkpoint), *shared]),
            "ours": (ours, ["--bundle", str(bundle), "--threads", str(options.threads), *shared]),
        }
        for side, arguments in runs.values():  # once unmeasured: byte code, the file cache
            side.run("start", *arguments)
        measured: dict[str, dict[str, list[Measured]]] = {
            name: {task: [] for task in tasks(batch)} for name in runs
        }
        for turn in range(rounds):
            for task, chosen in tasks(batch).items():
                for name in sorted(runs, reverse=bool(turn % 2)):
                    side, arguments = runs[name]
                    measured[name][task].append(side.run(*chosen, *arguments))
                    progress(f"round {turn + 1}: {task}, {name}")
        difference = posterior_difference(data)
    if difference > SAME and not options.bundle:
        sys.exit(f"the weights are not the same: posteriors differ by {difference:.1%}")
    print(table(measured, rows(batch)))
    print()
    print(notes(measured, rows(batch), options.threads, rounds, difference))


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sides(interpreter: Path, threads: int) -> tuple[Side, Side]:
    """The original and ours, each held to `threads` threads."""
    limits = dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        str(threads),
    )
    ours = {**os.environ, **limits}
    theirs = {**ours, "TF_CPP_MIN_LOG_LEVEL": "2"}
    theirs.pop("PYTHONPATH", None)  # what it names is for this interpreter
    module = "benchmarks.peer_magenta"
    return (
        Side([str(interpreter), "-m", f"{module}.theirs"], theirs),
        Side([sys.executable, "-m", f"{module}.ours"], ours),
    )


def imported(checkpoint: Path, ours: Side) -> Path:
    """The bundle that ``ghostnote import magenta`` makes of `checkpoint`, beside it."""
    bundle = checkpoint.parent / "bundle"
    command = [sys.executable, "-m", "ghostnote", "import", "magenta", str(checkpoint)]
    done = subprocess.run(
        [*command, "--config", CONFIG, "--out", str(bundle)],
        cwd=ROOT,
        env=ours.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"ghostnote import magenta failed:\n{done.stderr.strip()}")
    return bundle


def posterior_difference(data: Path) -> float:
    """The largest difference between our posteriors and theirs, over the largest μ or σ."""
    import numpy as np  # late: a process starts out with its parent's peak of memory

    with np.load(data / "ours.npz") as ours, np.load(data / "theirs.npz") as theirs:
        return max(
            float(np.abs(ours[name] - theirs[name]).max() / np.abs(theirs[name]).max())
            for name in ("mu", "sigma")
        )


def table(measured: Mapping[str, Mapping[str, list[Measured]]], lines: list[Row]) -> str:
    """The medians, and how many times better ours is, in Markdown."""
    text = [
        f"| | {ORIGINAL} | ghostnote | × better | in single rounds |",
        "|---|--:|--:|--:|--:|",
    ]
    for row in lines:
        theirs, ours = (
            [each[row.key] * row.factor for each in measured[name][row.task]]
            for name in ("theirs", "ours")
        )
        better = [
            b / a if row.key == "rate" else a / b
            for a, b in [
                (statistics.median(theirs), statistics.median(ours)),
                *zip(theirs, ours, strict=True),
            ]
        ]
        low, high = figure(min(better[1:])), figure(max(better[1:]))
        text.append(
            f"| {row.title} | {figure(statistics.median(theirs))} | "
            f"{figure(statistics.median(ours))} | {figure(better[0])} | {low} – {high} |"
        )
    return "\n".join(text)


def figure(value: float) -> str:
    """Three digits of `value`, or all of a larger whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def notes(
    measured: Mapping[str, Mapping[str, list[Measured]]],
    lines: list[Row],
    threads: int,
    rounds: int,
    difference: float,
) -> str:
    """When and where this was measured, and what each line includes."""
    theirs, ours = (measured[name]["midi"][-1] for name in ("theirs", "ours"))
    busy = [
        max(each["busy"] for runs in measured[name].values() for each in runs if "busy" in each)
        for name in ("theirs", "ours")
    ]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return "\n".join(
        (
            f"Measured on {today:%-d %B %Y} on {machine()}, Python {platform.python_version()}, "
            f"ghostnote {ghostnote.__version__}; threads for each side: {threads}, "
            f"processors kept busy: at most {busy[0]:.2f} and {busy[1]:.2f}; rounds: {rounds}. "
            f"{CONFIG} of full size; posteriors of the two differ by {difference:.1e} "
            f"of the largest. Windows out of the MIDI files: {theirs['windows']:,} and "
            f"{ours['windows']:,}; files that failed: {theirs['failed']} and {ours['failed']}.",
            "",
            *(f"- {row.title.rpartition(',')[0]}: {row.about}." for row in lines),
        )
    )


def machine() -> str:
    """The processor and how many of it, as the system names them."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    return f"{os.cpu_count()} processors ({name}), {platform.system()}"


if __name__ == "__main__":
    main()
