"""The benchmarks are no part of the package: they are found where the checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def benchmark(drumming: Path) -> Run:
    """Runs a benchmark in a process of its own, on the small corpus `drumming`."""

    def run(name: str, *options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *map(str, options)],
            cwd=ROOT,
            env={**os.environ, "GHOSTNOTE_GMD": str(drumming), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
