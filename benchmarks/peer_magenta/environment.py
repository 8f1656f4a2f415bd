"""The original in a virtual environment of its own, set up once and then kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PYTHON = (3, 11)
"""What the pins are for."""

_BUILT_WITH = ("setuptools==", "wheel==")
_TRY = "from magenta.models.music_vae import TrainedModel, configs; import note_seq"


class SetUpError(Exception):
    """The original cannot be set up. `lines` are the last that the step which failed printed."""

    def __init__(self, reason: str, lines: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.lines = tuple(lines)


def set_up(folder: Path, python: str | None = None) -> Path:
    """The interpreter of an environment with the original in it, at `folder`.

    An environment that is there already, whole and of the same requirements, is taken as it is.

    Args:
        folder: where it is, or is to be.
        python: the interpreter to make it with; one of the right version is looked for by default.

    Raises:
        SetUpError: it cannot be made.
        FileExistsError: `folder` holds something that is no virtual environment.
    """
    wanted = REQUIREMENTS.read_text("utf-8")
    installed, interpreter = folder / REQUIREMENTS.name, folder / "bin" / "python"
    if installed.is_file() and installed.read_text("utf-8") == wanted and interpreter.exists():
        return interpreter
    if folder.exists() and not (folder / "pyvenv.cfg").is_file() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty, and no virtual environment")
    _run([_find(python), "-m", "venv", "--clear", str(folder)])
    pip = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
    _run([*pip, *(line for line in wanted.splitlines() if line.startswith(_BUILT_WITH))])
    _run([*pip, "--no-build-isolation", "--requirement", str(REQUIREMENTS)])
    _run([str(interpreter), "-c", _TRY])
    installed.write_text(wanted, "utf-8")  # last: only now is the environment whole
    return interpreter


def _find(python: str | None) -> str:
    """An interpreter of version `PYTHON`: the one that was asked for, this one, or one on PATH."""
    version = ".".join(map(str, PYTHON))
    if python is None:
        here = sys.executable if sys.version_info[:2] == PYTHON else None
        python = here or shutil.which(f"python{version}")
    if python is None:
        raise SetUpError(f"it needs Python {version}, and no python{version} was found")
    try:
        found = _run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    except OSError as error:
        raise SetUpError(f"{python} cannot be run: {error.strerror}") from None
    if found != version:
        raise SetUpError(f"it needs Python {version}, and {python} is {found}")
    return python


def _run(command: Sequence[str]) -> str:
    """What `command` prints on standard output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR: ")]
        reason = (errors or lines or [f"exit code {done.returncode}"])[-1]
        raise SetUpError(reason.removeprefix("ERROR: "), lines[-10:])
    return done.stdout
