"""A rhythm, tapped on the keys of a terminal."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ghostnote.errors import ConfigError

_ENTER = (b"\r", b"\n")
_REMEDY = "give MIDI files or --times"


def tapped(heard: Callable[[list[float]], None]) -> list[float]:
    """When keys were pressed, in seconds from the first on, until Enter was.

    Args:
        heard: is told the seconds so far after each key.

    Raises:
        ConfigError: standard input is no terminal, or the system has none that can be listened to.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    seconds: list[float] = []
    with _single_keys() as terminal:
        while True:
            # A key that sends several bytes, such as an arrow, is read at once and is one tap.
            key = os.read(terminal, 64)
            now = time.perf_counter()
            if not key or key.startswith(_ENTER):
                return [one - seconds[0] for one in seconds]
            seconds.append(now)
            heard([one - seconds[0] for one in seconds])
            if key.endswith(_ENTER):
                return [one - seconds[0] for one in seconds]


@contextmanager
def _single_keys() -> Iterator[int]:
    """Standard input as a terminal that gives every key at once and shows none."""
    try:
        import termios
        import tty
    except ImportError:
        raise ConfigError("--keyboard does not work on this system", remedy=_REMEDY) from None
    if not sys.stdin.isatty():
        raise ConfigError("--keyboard listens to a terminal, and there is none", remedy=_REMEDY)
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    ended = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        for one in ended:
            signal.signal(one, _leave)
        tty.setcbreak(terminal)  # Ctrl-C still interrupts
        yield terminal
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        for one, handler in ended.items():
            signal.signal(one, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    """As a signal ends a process, but not before the terminal is as it was."""
    del frame
    raise SystemExit(128 + number)
