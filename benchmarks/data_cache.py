"""From the zip of the Groove MIDI Dataset to cached windows, beside pretty_midi's parsing alone.

    python benchmarks/data_cache.py [ZIP]

Ours is a whole process, interpreter start and imports included, with nothing cached: it hashes
the zip, reads and grids every file in it, writes the cache and cuts 4-bar windows. The peer is
timed on parsing alone, without its imports. Beside the wall time stands the time that the
processor spent, which other programs on the machine disturb less. Neither uses threads, so numpy
is told to start none. They run in turns, and the least of several runs counts. Opening is measured
on GMD and on a corpus twenty times its size: its files twenty times over.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ghostnote.data import gmd

FROM_NOTHING = """
import sys
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import windows
corpus = load_corpus(sys.argv[1])
print(len(corpus), len(windows(corpus)))
"""

OPEN = """
import json, sys, time
import ghostnote.data.windows as w
from ghostnote.data.corpus import load_corpus
begin = time.perf_counter()
corpus = load_corpus(sys.argv[1])
opened = time.perf_counter()
windows = w.windows(corpus)
cut = time.perf_counter()
windows.batch(range(0, len(windows), len(windows) // 63))
print(json.dumps([opened - begin, cut - opened, time.perf_counter() - cut, len(corpus)]))
"""

PEER = """
import pathlib, sys, time
import pretty_midi
files = sorted(pathlib.Path(sys.argv[1]).rglob("*.mid"))
wall, processor = time.perf_counter(), time.process_time()
for file in files:
    pretty_midi.PrettyMIDI(str(file))
print(time.perf_counter() - wall, time.process_time() - processor)
"""

Seconds = tuple[float, float]
"""Wall and processor."""


def run(code: str, argument: Path, home: Path) -> tuple[Seconds, str]:
    """How long a fresh interpreter takes for `code`, and what it prints."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(
        [sys.executable, "-c", code, str(argument)],
        env={**os.environ, "GHOSTNOTE_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime), output


def replicate(archive: Path, times: int, target: Path) -> None:
    """A zip with everything in `archive` `times` times over, in as many folders."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as copies:
        rows = list(csv.DictReader(io.StringIO(source.read("groove/info.csv").decode())))
        index = io.StringIO()
        writer = csv.DictWriter(index, rows[0])
        writer.writeheader()
        for copy in range(times):
            for row in rows:
                name = f"copy{copy}/{row['midi_filename']}"
                writer.writerow({**row, "midi_filename": name, "id": f"copy{copy}/{row['id']}"})
                copies.writestr(name, source.read(f"groove/{row['midi_filename']}"))
        copies.writestr("info.csv", index.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zip", type=Path, nargs="?", help="GMD's zip; by default the one in use")
    parser.add_argument("--runs", type=int, default=2, help="runs of the peer; of ours, 3×")
    parser.add_argument("--times", type=int, default=20, help="size of the larger corpus")
    options = parser.parse_args()
    archive = options.zip or gmd.locate().path

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with zipfile.ZipFile(archive) as source:
            source.extractall(folder / "unpacked")
        times, peer_times = [], []
        for index in range(options.runs):
            for once in range(3):
                seconds, output = run(FROM_NOTHING, archive, folder / f"home{index}-{once}")
                times.append(seconds)
            _, printed = run(PEER, folder / "unpacked", folder)
            peer_times.append([float(text) for text in printed.split()])
        files, windows = map(int, output.split())
        ours = [min(values) for values in zip(*times, strict=True)]
        peer = [min(values) for values in zip(*peer_times, strict=True)]

        large = folder / "large.zip"
        replicate(archive, options.times, large)
        time.sleep(2.5)  # what is quite new is hashed again, see ghostnote.data.corpus
        opened = {}
        for size, path in ((1, archive), (options.times, large)):
            runs = [json.loads(run(OPEN, path, folder / "home")[1]) for _ in range(8)]
            opened[size] = [min(values) for values in zip(*runs, strict=True)]

    table = Table(title=f"GMD, {files:,} files, {windows:,} windows", title_justify="left")
    table.add_column()
    for column in ("wall s", "files/s", "ratio", "processor s", "ratio"):
        table.add_column(column, justify="right")
    for name, (wall, processor) in (
        ("pretty_midi, parsing alone", peer),
        ("ghostnote, zip to cached windows", ours),
    ):
        table.add_row(
            name,
            f"{wall:.2f}",
            f"{files / wall:,.0f}",
            f"{peer[0] / wall:.1f}",
            f"{processor:.2f}",
            f"{peer[1] / processor:.1f}",
        )
    console = Console()
    console.print(table)
    table = Table(title="Opening an existing cache, ms", title_justify="left")
    for column in ("takes", "load_corpus", "windows", "first batch of 64"):
        table.add_column(column, justify="right")
    for *durations, takes in opened.values():
        table.add_row(f"{takes:,}", *(f"{1000 * value:.2f}" for value in durations))
    console.print(table)


if __name__ == "__main__":
    main()
