"""Fixtures that several tests of the music share."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def gmd_takes(gmd_zip: Path) -> list[tuple[dict[str, str], bytes]]:
    """All takes of the Groove MIDI Dataset: (row of `info.csv`, bytes of the file)."""
    root = gmd_zip if gmd_zip.is_dir() else zipfile.Path(zipfile.ZipFile(gmd_zip))
    folder = next(folder for folder in (root, root / "groove") if (folder / "info.csv").exists())
    rows = csv.DictReader((folder / "info.csv").read_text(encoding="utf-8").splitlines())
    return [(row, (folder / row["midi_filename"]).read_bytes()) for row in rows]
