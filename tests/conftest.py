"""Where the tests find data that is not in the repository.

`GHOSTNOTE_SHARED` names a folder laid out like the project's shared data (`midi/`, `golden/`, the
GMD zip); without it, the folder `shared/data` beside the checkout is tried. `GHOSTNOTE_GMD` names
the GMD zip, or its unpacked folder, alone. Tests skip, with that reason, where there is nothing;
with `--require-data`, as in CI, they fail.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data"
_SHARED = Path(os.environ.get("GHOSTNOTE_SHARED", _BESIDE))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-data",
        action="store_true",
        help="fail, rather than skip, where data outside the repository is not found",
    )


def _existing(request: pytest.FixtureRequest, path: Path, what: str, variable: str) -> Path:
    if not path.exists():
        missing = f"{what} not found: set {variable}"
        if request.config.getoption("--require-data"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return path


@pytest.fixture(scope="session")
def gmd_zip(request: pytest.FixtureRequest) -> Path:
    """The official `groove-v1.0.0-midionly.zip`."""
    default = _SHARED / "groove-v1.0.0-midionly.zip"
    path = Path(os.environ.get("GHOSTNOTE_GMD", default))
    return _existing(request, path, "the Groove MIDI Dataset", "GHOSTNOTE_GMD")


@pytest.fixture(scope="session")
def shared_midi(request: pytest.FixtureRequest) -> Path:
    """A folder of odd, malformed and full-band MIDI files."""
    return _existing(request, _SHARED / "midi", "the folder of odd MIDI files", "GHOSTNOTE_SHARED")


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Path:
    """Golden vectors made by the original implementation."""
    return _existing(request, _SHARED / "golden", "golden vectors", "GHOSTNOTE_SHARED")
