"""The page's modules keep what their JSDoc says, as TypeScript reads it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

VERSION = "5.9.3"
CONFIG = Path(__file__).parents[1] / "tsconfig.json"


@pytest.mark.slow
def test_types(npm: Callable[[str, str], Path]) -> None:
    compiler = npm("typescript", VERSION) / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        ["node", str(compiler), "--project", str(CONFIG), "--pretty", "false"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
