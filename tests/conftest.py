"""Where the tests find data that is not in the repository.

`GHOSTNOTE_SHARED` names a folder laid out like the project's shared data (`midi/`, `golden/`, the
GMD zip); without it, the folder `shared/data` beside the checkout is tried. `GHOSTNOTE_GMD` names
the GMD zip, or its unpacked folder, alone. Tests skip, with that reason, where there is nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data"
_SHARED = Path(os.environ.get("GHOSTNOTE_SHARED", _BESIDE))


def _existing(path: Path, what: str, variable: str) -> Path:
    if not path.exists():
        pytest.skip(f"{what} not found: set {variable}")
    return path


@pytest.fixture(scope="session")
def gmd_zip() -> Path:
    """The official `groove-v1.0.0-midionly.zip`."""
    default = _SHARED / "groove-v1.0.0-midionly.zip"
    path = Path(os.environ.get("GHOSTNOTE_GMD", default))
    return _existing(path, "the Groove MIDI Dataset", "GHOSTNOTE_GMD")


@pytest.fixture(scope="session")
def shared_midi() -> Path:
    """A folder of odd, malformed and full-band MIDI files."""
    return _existing(_SHARED / "midi", "the folder of odd MIDI files", "GHOSTNOTE_SHARED")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Golden vectors made by the original implementation."""
    return _existing(_SHARED / "golden", "golden vectors", "GHOSTNOTE_SHARED")
