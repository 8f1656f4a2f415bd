"""The verbs of the latent space, in grooves a second, against a bare decode of as many steps.

    python benchmarks/latent_verbs.py [--model groove-4bar]

At 1 and at 256 grooves of one window each, on one thread, with a runtime that is loaded. The bare
decode is the graph alone, of latents and noise that are there already; a verb also encodes what it
is given, draws its random numbers, and makes grooves. `score` decodes nothing: it runs the encoder
and the scorer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from ghostnote.bundle import load_bundle
from ghostnote.music.groove import concatenate
from ghostnote.pipeline.interpolation import grid, interpolate
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import draws, sample
from ghostnote.pipeline.scoring import score
from ghostnote.pipeline.variation import vary
from ghostnote.runtime import Runtime


def seconds(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median time of each, called in turns, so that all see the same moments."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(taken)) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="groove-4bar")
    bundle = load_bundle(parser.parse_args().model)
    runtime = Runtime(bundle, threads=1)
    played = sample(256, model=runtime)
    style = next(str(part.value) for part in bundle.parts if part.kind == "style")
    print("| grooves | verb | grooves/s | ms | × bare decode |")
    print("|---|---|---|---|---|")
    for n, rounds in ((1, 41), (256, 7)):
        z, noise = draws(bundle, 0, range(n))
        some = concatenate(played[:n])
        a, b = played[:2]
        calls: dict[str, Callable[[], object]] = {
            "bare decode": partial(runtime.decode, z, noise, 0.7),
            "sample": partial(sample, n, model=runtime),
            f"sample --style {style}": partial(sample, n, style=style, model=runtime),
            "sample --near": partial(sample, n, near=a, model=runtime),
            "vary": partial(vary, a, n, model=runtime),
            "reconstruct": partial(reconstruct, some, model=runtime),
            "score": partial(score, some, model=runtime),
        }
        if n > 1:
            calls["interpolate"] = partial(interpolate, a, b, n, model=runtime)
            side = round(n**0.5)
            corners = played[:4]
            calls["interpolate --grid"] = partial(grid, corners, side, side, model=runtime)
        taken = seconds(calls, rounds)
        for name, spent in taken.items():
            ratio = spent / taken["bare decode"]
            print(f"| {n} | {name} | {n / spent:,.0f} | {spent * 1e3:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
