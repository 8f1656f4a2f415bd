"""The studio's round trip, beside the bare call of the pipeline, and twenty clients at once.

    python benchmarks/studio.py [--rounds 101]

The server is a process of its own, `ghostnote serve`, which is asked over HTTP at 127.0.0.1 on a
connection that stays open, as a browser does. Each round asks for four bars, and then makes them
in this process, with other seeds all the time; the two must be equal. Then twenty clients, each
with a cookie and a connection of its own, ask one request after another, all at the same time.
Exits with 1 if a median is over the limit of 150 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import numpy as np

from ghostnote.music.groove import Groove
from ghostnote.pipeline.humanising import humanize
from ghostnote.pipeline.interpolation import blend
from ghostnote.pipeline.map import map_styles, place
from ghostnote.pipeline.models import model_for, runtime_of
from ghostnote.pipeline.sampling import sample
from ghostnote.pipeline.variation import vary
from ghostnote.runtime import Runtime
from ghostnote.studio.values import plain

LIMIT_MS: Final = 150.0
CLIENTS: Final = 20
ASKS: Final = 25
API: Final = "api/v1/"


@contextmanager
def served() -> Iterator[str]:
    """The address of a studio in a process of its own."""
    command = [sys.executable, "-m", "ghostnote", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[4]
        finally:
            process.terminate()


def round_trips(address: str, rounds: int) -> list[tuple[str, float, float, float]]:
    """Each verb: the median round trip, its 95th percentile, and the pipeline's median, in ms."""
    main, human = runtime_of("groove-4bar"), Runtime(model_for("humanize"))
    corners = sample(4, seed=1, model=main)
    told = [plain(groove) for groove in corners]
    plane = map_styles(model=main)
    cases: dict[str, tuple[dict[str, Any], Any]] = {
        "sample": ({}, lambda seed: sample(seed=seed, model=main)),
        "vary": (
            {"groove": told[0], "n": 1},
            lambda seed: vary(corners[0], 1, seed=seed, model=main),
        ),
        "humanize": (
            {"groove": told[0]},
            lambda seed: humanize(corners[0], seed=seed, model=human),
        ),
        "blend": (
            {"corners": told, "x": 0.4, "y": 0.7},
            lambda seed: blend(corners, 0.4, 0.7, seed=seed, model=main),
        ),
        "place": ({"x": 1, "y": 1}, lambda seed: place(plane, 1, 1, seed=seed, model=main)),
    }
    found = []
    with httpx.Client(base_url=address, timeout=60) as client:
        for verb, (request, call) in cases.items():
            trips, bare = [], []
            for seed in range(rounds + 5):
                begun = time.perf_counter()
                response = client.post(f"{API}{verb}", json={**request, "seed": seed})
                answered = time.perf_counter()
                made = call(seed)
                done = time.perf_counter()
                answer = response.raise_for_status().json()
                assert (answer.get("grooves") or [answer["groove"]])[0] == _first(made)
                if seed >= 5:  # before, models are loaded
                    trips.append(1e3 * (answered - begun))
                    bare.append(1e3 * (done - answered))
            found.append(
                (
                    verb,
                    float(np.median(trips)),
                    float(np.quantile(trips, 0.95)),
                    float(np.median(bare)),
                )
            )
    return found


def _first(made: Groove | list[Groove]) -> dict[str, Any]:
    return plain(made if isinstance(made, Groove) else made[0])


def together(address: str) -> tuple[list[float], list[float]]:
    """The seconds that each of twenty clients took for all it asked for, and all trips in ms."""
    trips: list[float] = []

    async def one(name: int) -> float:
        cookies = {"ghostnote-client": f"benchmark-{name}"}
        async with httpx.AsyncClient(base_url=address, cookies=cookies, timeout=60) as client:
            begun = time.perf_counter()
            for index in range(ASKS):
                asked = time.perf_counter()
                response = await client.post(f"{API}sample", json={"seed": name * ASKS + index})
                response.raise_for_status()
                trips.append(1e3 * (time.perf_counter() - asked))
            return time.perf_counter() - begun

    async def everyone() -> list[float]:
        return await asyncio.gather(*map(one, range(CLIENTS)))

    return asyncio.run(everyone()), trips


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=101)
    rounds = parser.parse_args().rounds
    with served() as address:
        rows = round_trips(address, rounds)
        took, trips = together(address)
    print("| four bars | round trip, median ms | 95th percentile | pipeline alone | × |")
    print("|---|--:|--:|--:|--:|")
    for verb, trip, late, bare in rows:
        print(f"| {verb} | {trip:.1f} | {late:.1f} | {bare:.1f} | {trip / bare:.2f} |")
    print()
    print(f"{CLIENTS} clients, {ASKS} requests each: median {np.median(trips):.0f} ms, "
          f"slowest client ÷ quickest {max(took) / min(took):.2f}, "
          f"{CLIENTS * ASKS / max(took):.0f} grooves/s")  # fmt: skip
    slowest = max(trip for _, trip, _, _ in rows)
    print(f"slowest median {slowest:.1f} ms, limit {LIMIT_MS:g} ms")
    return int(slowest > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
