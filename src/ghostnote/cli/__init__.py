"""The command line: how every command begins and ends.

Whatever goes wrong in a way that a user can act on is one line on standard error, ``ghostnote:
…``, and an exit code: 2 for a command line that cannot be understood or a value out of range, 130
for Ctrl-C, 1 for the rest. A traceback is always a bug.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from ghostnote.errors import GhostnoteError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (the process's own arguments by default) asks for.

    Returns the exit code. Only bugs raise.
    """
    # What starting makes is kept, so looking for garbage in it all the time is a tenth of the wait.
    gc.set_threshold(100_000, 20, 20)
    if argv is None:  # the process ends with this: what it leaves behind need not be searched
        atexit.register(gc.freeze)
    from cyclopts import CycloptsError

    from ghostnote.cli.commands import command_line

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
