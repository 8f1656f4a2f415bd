"""How quick every verb is, in grooves a second, against a bare decode of the same number of steps.

    python -m benchmarks.verbs [--batches 1 256] [--budget 4] [--no-hour]

Grooves of one window, on one thread, with runtimes that are loaded; `humanize`, `tap`, `infill` and
`continue` with the models that were taught them. `continue` adds a window to each groove. The bare
decode is the same model's graph alone, from latents and noise that are there already; a verb also
encodes what it is given, draws its random numbers, and makes grooves. `score` decodes nothing: it
runs the encoder and the scorer. Last, an hour of drums, as one MIDI file, through ``ghostnote
humanize`` in a process of its own.
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
from typing import NamedTuple

import numpy as np

from ghostnote.bundle import Bundle, load_bundle
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove, concatenate
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import write_midi
from ghostnote.pipeline.attributes import attribute
from ghostnote.pipeline.continuing import continue_all
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.infilling import cells, infill_all
from ghostnote.pipeline.interpolation import grid, interpolate
from ghostnote.pipeline.models import model_for
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import draws, sample
from ghostnote.pipeline.scoring import score
from ghostnote.pipeline.tapping import tap_all
from ghostnote.pipeline.variation import vary
from ghostnote.runtime import Runtime

HOUR_BPM = 120.0
HOUR_BARS = 1800


class Verb(NamedTuple):
    """How many windows a call of a verb makes, and the task that its model was taught, if any."""

    windows: int
    call: Callable[[Runtime], object]
    task: str | None = None


def in_turns(calls: Sequence[Callable[[], object]], budget: float) -> list[float]:
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


def verbs(grooves: Sequence[Groove], n: int, runtime: Runtime) -> dict[str, Verb]:
    """What each verb is called to make `n` grooves; of `interpolate` at least both ends.

    What takes one groove is given as many as one song.
    """
    a, b, *_ = grooves
    some, song = grooves[:n], concatenate(grooves[:n])
    style = next(str(part.value) for part in runtime.bundle.parts if part.kind == "style")
    keep = [cells(groove, voices=["kick", "snare"]) for groove in some]
    way, side = max(n, 2), max(round(n**0.5), 2)
    return {
        "sample": Verb(n, lambda model: sample(n, model=model)),
        f"sample --style {style}": Verb(n, lambda model: sample(n, style=style, model=model)),
        "sample --near": Verb(n, lambda model: sample(n, near=a, model=model)),
        "vary": Verb(n, lambda model: vary(a, n, model=model)),
        "interpolate": Verb(way, lambda model: interpolate(a, b, way, model=model)),
        "interpolate --grid": Verb(
            side**2, lambda model: grid(grooves[:4], side, side, model=model)
        ),
        "reconstruct": Verb(n, lambda model: reconstruct(song, model=model)),
        "attribute": Verb(n, lambda model: attribute(song, "density", 1, model=model)),
        "score": Verb(n, lambda model: score(song, model=model)),
        "humanize": Verb(n, lambda model: humanize_all(some, model=model), "humanize"),
        "tap": Verb(n, lambda model: tap_all(some, model=model), "tap"),
        "infill": Verb(n, lambda model: infill_all(some, keep, model=model), "infill"),
        "continue": Verb(n, lambda model: continue_all(some, a.bars, model=model), "infill"),
    }


def bare(bundle: Bundle, n: int) -> Callable[[], object]:
    """A decode of `n` windows."""
    runtime = Runtime(bundle)
    return partial(runtime.decode, *draws(bundle, 0, range(n)), bundle.temperature)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 256])
    parser.add_argument("--budget", type=float, default=4.0, help="seconds for each verb")
    parser.add_argument("--no-hour", action="store_true")
    asked = parser.parse_args()
    plain = Runtime(load_bundle())
    print("| grooves | verb | model | grooves/s | bare decode/s | × bare decode |")
    print("|---|---|---|---|---|---|")
    for n in asked.batches:
        grooves = sample(max(n, 4), seed=1, model=plain)
        for name, verb in verbs(grooves, n, plain).items():
            runtime = plain if verb.task is None else Runtime(model_for(verb.task))
            bundle, made = runtime.bundle, verb.windows
            call = partial(verb.call, runtime)
            ours, floor = in_turns([call, bare(bundle, made)], asked.budget)
            print(
                f"| {made} | {name} | {bundle.name} | {made / ours:,.0f} | {made / floor:,.0f} "
                f"| {ours / floor:.2f} |",
                flush=True,
            )
    if not asked.no_hour:
        print(hour())


def hour() -> str:
    """How long an hour of drums takes through ``ghostnote humanize``."""
    whole = concatenate(sample(HOUR_BARS // 4, seed=2, bpm=HOUR_BPM))
    stiff = Groove.from_cells(whole.hits, 0.7 * whole.hits, 0.0 * whole.hits, bpm=HOUR_BPM)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hour.mid"
        write_midi(file, to_performance(stiff, builtin_map("gm")))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ghostnote", "humanize", file, "-q"], check=True)
        spent = time.perf_counter() - start
    return (
        f"\n{stiff.seconds / 60:.0f} minutes of drums, {stiff.n_hits:,} hits, humanised by "
        f"{model_for('humanize').name} in {spent:.1f} s: {stiff.seconds / spent:.0f} × real time"
    )


if __name__ == "__main__":
    main()
