"""How long the command line takes as a whole process, beside the imports that it cannot avoid.

The peer is ``python -c "import numpy, onnxruntime, soundfile, rich"``. All rows are run in turn,
round after round, so that a busy machine slows them alike; the figure is the median. Byte code is
cached, as it is for an installed package, in a folder of the benchmark's own. Columns of CPU time
are what a machine that does other things at the same time distorts least.

    python benchmarks/startup.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

PEER = "python -c 'import numpy, onnxruntime, soundfile, rich'"
GHOSTNOTE = [sys.executable, "-m", "ghostnote"]
ROWS = {
    PEER: [sys.executable, "-c", "import numpy, onnxruntime, soundfile, rich"],
    "ghostnote --help": [*GHOSTNOTE, "--help"],
    "ghostnote sample -n 1": [*GHOSTNOTE, "sample", "-n", "1", "--force"],
}


class Times(NamedTuple):
    """Seconds of one process: on the wall, and of processors."""

    wall: float
    cpu: float


def run(command: list[str], folder: Path) -> Times:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, start = _children(), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return Times(time.perf_counter() - start, _children() - before)


def _children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description="Times the start of ghostnote.")
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds

    times: dict[str, list[Times]] = {name: [] for name in ROWS}
    with tempfile.TemporaryDirectory() as folder:
        for command in ROWS.values():  # once unmeasured: byte code, the file cache
            run(command, Path(folder))
        for _ in range(rounds):
            for name, command in ROWS.items():
                times[name].append(run(command, Path(folder)))

    table = Table(title=f"Whole processes, median of {rounds}")
    table.add_column("process")
    for heading in ("ms", "ratio", "CPU ms", "ratio"):
        table.add_column(heading, justify="right")
    peer = median(times[PEER])
    for name in ROWS:
        here = median(times[name])
        table.add_row(
            name,
            f"{here.wall * 1e3:.0f}",
            f"{here.wall / peer.wall:.2f}",
            f"{here.cpu * 1e3:.0f}",
            f"{here.cpu / peer.cpu:.2f}",
        )
    Console().print(table)


def median(measured: list[Times]) -> Times:
    return Times(*(statistics.median(column) for column in zip(*measured, strict=True)))


if __name__ == "__main__":
    main()
