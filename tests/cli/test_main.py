"""How every command ends: exit codes, and one line for whatever a user can act on."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ghostnote import __version__
from ghostnote.cli import main
from ghostnote.cli.commands import command_line
from ghostnote.errors import ConfigError, GhostnoteError, MidiError

COMMANDS = (
    *("sample", "vary", "interpolate", "humanize", "infill", "tap", "continue", "reconstruct"),
    *("score", "render", "plot", "data", "presets", "train", "evaluate", "export", "import"),
)


@pytest.fixture
def sample_does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Puts another function in the place of ``ghostnote sample``."""

    def replace(body: Callable[[], object]) -> None:
        def sample(n: int = 1, *, bpm: float = 120.0) -> object:
            return body()

        monkeypatch.setitem(sys.modules, "ghostnote.cli.sample", SimpleNamespace(sample=sample))

    return replace


def raiser(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def run(*arguments: str, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ghostnote", *arguments],
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_overview_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from ghostnote.cli import main; status = main(['--help']);"
        "print([name for name in sys.modules if name.startswith('ghostnote.')]); sys.exit(status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    *overview, modules = result.stdout.splitlines()
    shown = {words[1] for line in overview if len(words := line.split()) > 1}
    assert shown >= set(COMMANDS)
    assert modules == "['ghostnote.errors', 'ghostnote.cli', 'ghostnote.cli.commands']"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"ghostnote {command}" in shown
    assert len(shown.splitlines()) > 3


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist_where_they_are_registered(command: str) -> None:
    assert command_line(command)[command].name == (command,)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3)])
def test_what_a_command_returns_is_the_exit_code(
    sample_does: Callable[[Callable[[], object]], None], returned: int | None, code: int
) -> None:
    sample_does(lambda: returned)
    assert main(["sample"]) == code


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MidiError("is empty", source="a.mid", remedy="try b"), 1, "a.mid: is empty (try b)"),
        (ConfigError("unknown preset 'x'"), 2, "unknown preset 'x'"),
        (GhostnoteError("bad", source="two\nlines.mid"), 1, "two lines.mid: bad"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out.wav"),
            1,
            "out.wav: No space left on device",
        ),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/root"),
            1,
            "/root: Permission denied",
        ),
    ],
)
def test_what_a_user_can_act_on_is_one_line(
    sample_does: Callable[[Callable[[], object]], None],
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    line: str,
) -> None:
    sample_does(raiser(error))
    assert main(["sample"]) == code
    captured = capsys.readouterr()
    assert captured.err == f"ghostnote: {line}\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["smaple"], "sample"),
        (["--nothing"], "--nothing"),
        (["sample", "--bpn", "90"], "--bpm"),
        (["sample", "--bpm", "fast"], "fast"),
        (["sample", "--bpm"], "--bpm"),
        (["sample", "1", "2"], "2"),
    ],
)
def test_a_command_line_that_is_not_understood_is_one_line_and_a_hint(
    sample_does: Callable[[Callable[[], object]], None],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    wrong: str,
) -> None:
    sample_does(lambda: None)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("ghostnote: ")
    assert wrong in line
    assert line.endswith("--help)")
    assert captured.out == ""


def test_control_c_is_quiet(
    sample_does: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    sample_does(raiser(KeyboardInterrupt()))
    assert main(["sample"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_keeps_its_traceback(sample_does: Callable[[Callable[[], object]], None]) -> None:
    sample_does(raiser(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        main(["sample"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = run("--help", stdout=writer)
    finally:
        os.close(writer)
    assert result.returncode == 1
    assert result.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full exists on Linux only")
def test_output_that_does_not_fit_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        result = run("--help", stdout=full.fileno())
    assert result.returncode == 1
    assert result.stderr == "ghostnote: No space left on device\n"
