"""The command line: which commands there are, and how every one of them ends.

A command is registered by the dotted path of its function and imported when it is called, so
that ``ghostnote --help`` answers at once and ``ghostnote sample`` pays for sampling alone.

Whatever goes wrong in a way that a user can act on is one line on standard error, ``ghostnote:
…``, and an exit code: 2 for a command line that cannot be understood or a value out of range, 130
for Ctrl-C, 1 for the rest. A traceback is always a bug.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cyclopts import App, CycloptsError, Group

from ghostnote import __version__
from ghostnote.errors import GhostnoteError

_HELP: Final = """Drum loops out of a latent space: sample, hear, plot, and train your own.

Example: ghostnote sample -n 8 --bpm 96 --out loops"""

_MUSIC: Final = Group("Make music", sort_key=1)
_LABORATORY: Final = Group("Teach a model", sort_key=2)
_OPTIONS: Final = Group("Options", sort_key=3)

_COMMANDS: Final = (
    ("sample:sample", _MUSIC, "Write new drum loops as MIDI and audio, with a picture."),
    ("render:render", _MUSIC, "Turn drum MIDI files into audio."),
    ("plot:plot", _MUSIC, "Draw drum MIDI files as drum rolls."),
    ("data:app", _LABORATORY, "Fetch the Groove MIDI Dataset, look into it, add your own."),
    ("presets:presets", _LABORATORY, "List the presets that can be trained."),
    ("train:train", _LABORATORY, "Train a preset, or go on training a run."),
    ("evaluate:evaluate", _LABORATORY, "Measure a model, beside baselines and floors."),
    ("export:export", _LABORATORY, "Make a model bundle out of a run."),
)
"""Where each command is, its group, and its line in the overview."""


def command_line(called: str | None = None) -> App:
    """The whole command line, of which the command `called` is about to run.

    The overview's lines stand here, so that it imports no command. The one that is called is
    imported anyway, and describes itself at length.
    """
    app = App(
        name="ghostnote",
        help=_HELP,
        help_format="plaintext",
        version=__version__,
        version_flags=("--version",),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for flag in ("--help", "--version"):
        app[flag].group = (_OPTIONS,)
    for order, (path, group, line) in enumerate(_COMMANDS):
        name = path.partition(":")[0]
        app.command(
            f"ghostnote.cli.{path}",
            name=name,
            group=group,
            sort_key=order,
            help=None if name == called else line,
        )
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (the process's own arguments by default) asks for.

    Returns the exit code. Only bugs raise.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name or a drum roll that the terminal cannot spell is no reason to fail.
        sys.stdout.reconfigure(errors="replace")
    tokens = sys.argv[1:] if argv is None else list(argv)
    try:
        result = command_line(*tokens[:1])(tokens)
        sys.stdout.flush()
    except CycloptsError as error:
        command = " ".join(("ghostnote", *(error.command_chain or ()), "--help"))
        return _fail(f"{str(error).rstrip('.')} (see {command})", 2)
    except GhostnoteError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_stdout()
        return 1
    except OSError as error:
        _discard_stdout()
        reason = error.strerror or str(error)
        return _fail(reason if error.filename is None else f"{error.filename}: {reason}", 1)
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"ghostnote: {' '.join(message.splitlines())}\n")
    return code


def _discard_stdout() -> None:
    """Let what is still buffered go nowhere: the interpreter flushes once more when it exits."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
