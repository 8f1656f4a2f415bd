"""How long the command line takes as a whole process, beside the imports that it cannot avoid.

The peer is ``python -c "import numpy, onnxruntime, soundfile, rich"``. All rows are run in turn,
round after round, so that a busy machine slows them alike; the figure is the median.

    python benchmarks/startup.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

PEER = "python -c 'import numpy, onnxruntime, soundfile, rich'"
GHOSTNOTE = [sys.executable, "-m", "ghostnote"]
ROWS = {
    PEER: [sys.executable, "-c", "import numpy, onnxruntime, soundfile, rich"],
    "ghostnote --help": [*GHOSTNOTE, "--help"],
    "ghostnote sample -n 1": [*GHOSTNOTE, "sample", "-n", "1", "--force"],
}


def seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds

    times: dict[str, list[float]] = {name: [] for name in ROWS}
    with tempfile.TemporaryDirectory() as folder:
        for command in ROWS.values():  # once unmeasured: byte code, the file cache
            seconds(command, Path(folder))
        for _ in range(rounds):
            for name, command in ROWS.items():
                times[name].append(seconds(command, Path(folder)))

    peer = statistics.median(times[PEER])
    table = Table(title=f"Whole process, median of {rounds}")
    for heading in ("process", "ms", "fastest", "ratio to the imports"):
        table.add_column(heading, justify="left" if heading == "process" else "right")
    for name, measured in times.items():
        median = statistics.median(measured)
        table.add_row(
            name, f"{median * 1e3:.0f}", f"{min(measured) * 1e3:.0f}", f"{median / peer:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
