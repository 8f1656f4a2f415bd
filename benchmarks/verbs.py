"""How quick the verbs that play are, against a bare decode of the same number of steps.

    python benchmarks/verbs.py [--bars 4] [--batches 1 256]

A bare decode takes z and noise as they are, without an encoder, for as many windows as the grooves
have. A model that was taught no task reads and writes each window some times over ("rounds"), and a
groove that is longer than the window has twice as many windows less one. Last, an hour of drums, as
one MIDI file, through the command line in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove, concatenate
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import write_midi
from ghostnote.pipeline.continuing import continue_all
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.infilling import cells, infill_all
from ghostnote.pipeline.models import model_for
from ghostnote.pipeline.sampling import draws, sample
from ghostnote.pipeline.tapping import tap_all
from ghostnote.pipeline.writing import lesson
from ghostnote.runtime import Runtime

HOUR_BPM = 120.0
HOUR_BARS = 1800


def in_turns(*calls: Callable[[], object], budget: float = 4.0) -> list[float]:
    """The median time of each call, in turns, so that a slow moment of the machine is everyone's.

    As many turns as fit in `budget` seconds, at least five.
    """
    for call in calls:
        call()
    times: list[list[float]] = []
    began = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - began < budget:
        turn = []
        for call in calls:
            start = time.perf_counter()
            call()
            turn.append(time.perf_counter() - start)
        times.append(turn)
    return [float(median) for median in np.median(times, axis=0)]


def verbs(grooves: Sequence[Groove]) -> dict[str, tuple[str, Callable[[Runtime], object]]]:
    """Verb → the task that it needs, and the call."""
    keep = [cells(groove, voices=["kick", "snare"]) for groove in grooves]
    return {
        "humanize": ("humanize", lambda runtime: humanize_all(grooves, model=runtime)),
        "tap": ("tap", lambda runtime: tap_all(grooves, model=runtime)),
        "infill": ("infill", lambda runtime: infill_all(grooves, keep, model=runtime)),
        "continue": (
            "infill",
            lambda runtime: continue_all(grooves, grooves[0].bars, model=runtime),
        ),
    }


def bare(bundle: Bundle, n: int, bars: int) -> Callable[[], object]:
    """A decode of `n` grooves of `bars` bars, window after window."""
    runtime = Runtime(bundle)
    z, noise = draws(bundle, 0, range(n))
    heat = bundle.temperature
    return lambda: [runtime.decode(z, noise, heat) for _ in range(-(-bars // bundle.bars))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=4)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 256])
    arguments = parser.parse_args()
    console = Console()
    table = Table(title=f"grooves of {arguments.bars} bars, one thread")
    for column in ("verb", "model", "rounds", "batch", "grooves/s", "bare decode/s", "ratio"):
        table.add_column(column, justify="left" if column in {"verb", "model"} else "right")
    for batch in arguments.batches:
        loops = sample(batch * -(-arguments.bars // 4), seed=1)
        size = len(loops) // batch
        grooves = [
            concatenate(loops[first : first + size])[: arguments.bars]
            for first in range(0, len(loops), size)
        ]
        for verb, (kind, call) in verbs(grooves).items():
            bundle = model_for(kind)
            try:
                rounds = lesson(bundle, kind).rounds
            except BundleError as error:
                console.print(f"{verb}: {error}")
                continue
            runtime = Runtime(bundle)
            ours, floor = in_turns(partial(call, runtime), bare(bundle, batch, arguments.bars))
            table.add_row(
                verb, bundle.name, str(rounds), str(batch), f"{batch / ours:.0f}",
                f"{batch / floor:.0f}", f"{ours / floor:.2f}",
            )  # fmt: skip
    console.print(table)
    hour(console)


def hour(console: Console) -> None:
    """An hour of drums through ``ghostnote humanize``."""
    loops = sample(HOUR_BARS // 4, seed=2, bpm=HOUR_BPM)
    whole = concatenate(loops)
    stiff = Groove.from_cells(whole.hits, 0.7 * whole.hits, 0.0 * whole.hits, bpm=HOUR_BPM)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hour.mid"
        write_midi(file, to_performance(stiff, builtin_map("gm")))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ghostnote", "humanize", file], check=True)
        spent = time.perf_counter() - start
    console.print(
        f"{stiff.seconds / 60:.0f} minutes of drums, {stiff.n_hits:,} hits, humanised by "
        f"{model_for('humanize').name} in {spent:.1f} s: {stiff.seconds / spent:.0f} × real time"
    )


if __name__ == "__main__":
    main()
