"""Tapping on the keys of a terminal, which is as it was afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostnote.cli import main

pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

pytestmark = pytest.mark.slow


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: ours, and the program's."""
    ends: tuple[int, int] = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def tap_call() -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "ghostnote", "tap", "--keyboard"]


def start(call: list[str], end: int, folder: Path) -> subprocess.Popen[str]:
    """The command, once it waits for keys."""
    running = subprocess.Popen(
        call, stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    assert running.stderr is not None
    assert "Enter ends" in running.stderr.readline()
    until = time.monotonic() + 60
    while termios.tcgetattr(end)[3] & termios.ICANON:
        assert time.monotonic() < until
        time.sleep(0.01)
    return running


def test_keys_are_taps_until_enter(
    terminal: tuple[int, int], tap_call: list[str], tmp_path: Path
) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)
    running = start(tap_call, theirs, tmp_path)
    for key in (b"a", b" ", b"\x1b[A", b"z"):
        os.write(ours, key)
        time.sleep(0.4)
    os.write(ours, b"\r")
    out, told = running.communicate(timeout=60)
    assert running.returncode == 0, told
    assert "4 taps" in told
    assert "bpm is heard" in out
    assert (tmp_path / "taps-tapped.mid").exists()
    assert termios.tcgetattr(theirs) == before


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_giving_up_writes_nothing(
    terminal: tuple[int, int], tap_call: list[str], tmp_path: Path, ending: int, code: int
) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)
    running = start(tap_call, theirs, tmp_path)
    os.write(ours, b"a")
    running.send_signal(ending)
    running.communicate(timeout=60)
    assert running.returncode == code
    assert not list(tmp_path.iterdir())
    assert termios.tcgetattr(theirs) == before


def test_without_a_terminal_nothing_is_heard(tap_call: list[str], tmp_path: Path) -> None:
    result = subprocess.run(
        tap_call,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 2
    assert "there is none (give MIDI files or --times)" in result.stderr
    assert not list(tmp_path.iterdir())


def test_without_termios_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, tap_call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "termios", None)
    assert main(tap_call[3:]) == 2
    assert "does not work on this system" in capsys.readouterr().err
