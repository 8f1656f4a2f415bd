"""How many times faster than real time the mixer is, on one thread, limiter included.

    python benchmarks/mixer.py [--bars 4] [--bpm 120]

Three made-up loops: a plain beat, the same with every 16th note played, and one so loud that the
limiter works throughout. The kit is loaded beforehand; what loading costs is timed on its own.
Times are medians of CPU time, so that other programs on the machine do not count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from ghostnote.music.groove import Groove
from ghostnote.music.kit import voice_index
from ghostnote.render.audio import mix, timed_hits
from ghostnote.render.kit import load_kit


def seconds(call: Callable[[], object], *, budget: float = 1.0) -> float:
    """The median CPU time of `call`, over the calls that fit in `budget` seconds, at least five."""
    call()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - began < budget:
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return float(np.median(times))


def beat(bars: int, bpm: float, *, hat_every: int, velocity: float) -> Groove:
    """Kick and snare on the quarters, hats in between, a crash on the first beat."""
    steps = np.arange(bars * 16)
    hits = np.zeros((len(steps), 9), bool)
    hits[:, voice_index("kick")] = steps % 8 == 0
    hits[:, voice_index("snare")] = (steps % 8 == 4) | (steps % 16 == 9)
    hits[:, voice_index("closed hat")] = steps % hat_every == 0
    hits[:, voice_index("open hat")] = steps % 16 == 14
    hits[0, voice_index("crash")] = True
    return Groove.from_cells(hits, np.full(hits.shape, velocity), np.zeros(hits.shape), bpm=bpm)


def busy(bars: int, bpm: float, *, velocity: float) -> Groove:
    """Every voice but the crash on every second step."""
    hits = np.zeros((bars * 16, 9), bool)
    hits[::2] = True
    hits[:, voice_index("crash")] = False
    return Groove.from_cells(hits, np.full(hits.shape, velocity), np.zeros(hits.shape), bpm=bpm)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=4)
    parser.add_argument("--bpm", type=float, default=120.0)
    arguments = parser.parse_args()
    bars, bpm = arguments.bars, arguments.bpm
    kit = load_kit()
    table = Table("loop", "hits", "loop s", "audio s", "CPU ms", "× real time")
    for name, groove in (
        ("beat, hats in 8ths", beat(bars, bpm, hat_every=2, velocity=0.7)),
        ("beat, hats in 16ths", beat(bars, bpm, hat_every=1, velocity=0.7)),
        ("8 voices in 8ths, limited", busy(bars, bpm, velocity=1.0)),
    ):
        hits = timed_hits(groove)
        took = seconds(lambda hits=hits: mix(hits, kit))  # type: ignore[misc]
        table.add_row(
            name,
            f"{len(hits)}",
            f"{hits.length:.2f}",
            f"{mix(hits, kit).seconds:.2f}",
            f"{took * 1e3:.2f}",
            f"{hits.length / took:,.0f}",
        )
    console = Console()
    console.print(table)
    plain = timed_hits(beat(bars, bpm, hat_every=2, velocity=0.7))
    loading = seconds(lambda: mix(plain, load_kit())) - seconds(lambda: mix(plain, kit))
    console.print(f"loading the voices of the first loop: {loading * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
