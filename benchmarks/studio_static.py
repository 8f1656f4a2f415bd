"""The studio as a folder, whose models run in the browser, beside the one that a server serves.

    python -m benchmarks.studio_static [--rounds 15] [--loops 2048]

Both are opened in Chromium from 127.0.0.1, in turns, each time with an empty cache: until the page
is ready, with a first loop, and from the click on *New beat* until there is one. With `--loops`,
so many loops are made in the browser and by the pipeline, from the same seeds, and compared hit by
hit. Exits with 1 if a hit differs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.studio import served
from ghostnote.pipeline.models import runtime_of
from ghostnote.pipeline.sampling import sample
from ghostnote.studio.static import write_static
from ghostnote.studio.values import plain

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
CLICKS: Final = 10
AT_ONCE: Final = 64
NEAR: Final = 1e-5

_CLICK: Final = """async () => {
    const made = new Promise((resolve) => {
        const stop = studio.on("change", ({label}) => {
            stop?.();
            resolve(performance.now());
        });
    });
    const begun = performance.now();
    [...document.querySelectorAll("button")]
        .find(({textContent}) => textContent.trim() === "New beat").click();
    return (await made) - begun;
}"""


class _Host(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def hosted() -> Iterator[tuple[str, int]]:
    """The address of the folder on a plain host, and how many bytes it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "studio"
        size = write_static(folder).size
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Host, directory=str(folder)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", size
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def opened(browser: Browser, address: str) -> tuple[float, list[float]]:
    """Seconds until a page is ready, and milliseconds from a click to a new beat, of some."""
    context = browser.new_context()
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    ready = time.perf_counter() - begun
    clicks = [float(page.evaluate(_CLICK)) for _ in range(CLICKS)]
    context.close()
    return ready, clicks


def differences(page: Page, loops: int) -> tuple[int, int, list[float]]:
    """Hits, those that only one of browser and pipeline has, and how far apart the others are."""
    runtime = runtime_of("groove-4bar")
    hits, other, apart = 0, 0, [0.0]
    for start in range(0, loops, AT_ONCE):
        n = min(AT_ONCE, loops - start)
        ours = page.evaluate(
            "([n, start]) => studio.engine.call('sample', {n, start, seed: 0})", [n, start]
        )["grooves"]
        theirs = [plain(groove) for groove in sample(n, start=start, seed=0, model=runtime)]
        for one, two in zip(ours, theirs, strict=True):
            cells, known = (
                {(step, voice): values for step, voice, *values in groove["hits"]}
                for groove in (one, two)
            )
            hits += len(known)
            other += len(cells.keys() ^ known.keys())
            apart += [
                abs(a - b)
                for cell in cells.keys() & known.keys()
                for a, b in zip(cells[cell], known[cell], strict=True)
            ]
    return hits, other, apart


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--loops", type=int, default=0)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with served() as server, hosted() as (host, size), sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(ARGUMENTS)
        )
        places = {"served": server, "folder": host}
        ready: dict[str, list[float]] = {name: [] for name in places}
        clicks: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(given.rounds):
            for name, address in places.items():
                seconds, waits = opened(chromium, address)
                ready[name].append(seconds)
                clicks[name] += waits
        print(f"the folder is {size / 1e6:.1f} MB\n")
        print("| studio | page ready, median s | slowest | new beat, median ms | slowest |")
        print("|---|--:|--:|--:|--:|")
        for name in places:
            print(f"| {name} | {np.median(ready[name]):.2f} | {max(ready[name]):.2f} "
                  f"| {np.median(clicks[name]):.0f} | {max(clicks[name]):.0f} |")  # fmt: skip
        other = 0
        if given.loops:
            page = chromium.new_page()
            page.goto(host)
            page.wait_for_selector("html[data-ready]", timeout=60_000)
            hits, other, apart = differences(page, given.loops)
            near = np.mean(np.array(apart) <= NEAR)
            print(f"\n{given.loops} loops, {hits} hits: {other} differ; {near:.2%} of velocities "
                  f"and offsets within {NEAR:g}, the farthest {max(apart):.1e}")  # fmt: skip
        chromium.close()
    return int(other > 0)


if __name__ == "__main__":
    sys.exit(main())
