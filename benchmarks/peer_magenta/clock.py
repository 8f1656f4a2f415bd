"""What both sides measure with. It runs in either environment: standard library only."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

ENOUGH = 0.5
"""Seconds of calls that a median is taken over, at the least."""


def timed(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """`seconds`: the median time of `repeats` calls, or more where they are short, after one
    unmeasured; and `busy`: how many processors they kept busy, all threads counted.
    """
    call()
    times: list[float] = []
    before = time.process_time()
    while len(times) < repeats or sum(times) < ENOUGH:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    busy = (time.process_time() - before) / sum(times)
    return {"seconds": statistics.median(times), "busy": busy}


def peak() -> float:
    """The most memory that this process has held at once, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def report(**measured: float) -> None:
    """Print what was measured, and the peak of memory, as one line of JSON."""
    print(json.dumps({**measured, "peak": peak()}), flush=True)
