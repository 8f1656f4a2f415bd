"""The README cannot rot: what it tells a reader to paste is pasted here.

Every fenced `bash` block runs in a folder of its own that holds what the README calls the
reader's: `loop.mid` and the folder `my-drums`. Installing is left out, since the tests run in an
installation. A block after ``<!-- test: parse -->`` takes too long to run; its commands must
still be understood, to the last option. Fenced `python` blocks run as they stand.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from ghostnote.cli.commands import command_line
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import load_map
from ghostnote.music.midi import write_midi

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MANUALS = (ROOT / "docs" / "magenta.md",)
"""Documents whose commands must be understood, too."""


class Block(NamedTuple):
    """A fenced block of the README, and the test that a comment before it asks for."""

    line: int
    language: str
    text: str
    only_parse: bool


def blocks(language: str, text: str = README) -> list[Block]:
    fence = re.compile(r"(<!-- test: parse -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = [
        Block(text[: match.start(2)].count("\n") + 1, match[2], match[3], bool(match[1]))
        for match in fence.finditer(text)
    ]
    return [block for block in found if block.language == language]


def commands(block: Block) -> list[str]:
    """The block's commands, one a line, without those that install."""
    text = block.text.replace("\\\n", " ")
    parts = [part.strip() for line in text.splitlines() for part in line.split("&&")]
    return [part for part in parts if part and not part.startswith(("#", "pip install", "pytest"))]


def named(block: Block) -> str:
    return f"line-{block.line}"


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """The folder that a reader pastes into."""
    hits = Groove.silent(4).hits.copy()
    hits[::4, 0] = True
    loop = to_performance(Groove.from_cells(hits, hits * 0.8, hits * 0.0), load_map("gm"))
    write_midi(tmp_path / "loop.mid", loop)
    (tmp_path / "my-drums").mkdir()
    for name in ("one", "two", "three"):
        write_midi(tmp_path / "my-drums" / f"{name}.mid", loop)
    return tmp_path


@pytest.mark.parametrize(
    "block", [block for block in blocks("bash") if not block.only_parse], ids=named
)
def test_commands_work(block: Block, reader: Path, request: pytest.FixtureRequest) -> None:
    environment = os.environ | {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "GHOSTNOTE_HOME": str(reader / ".ghostnote"),
    }
    if "data fetch" in block.text:  # from the zip at hand, not from the network
        environment["GHOSTNOTE_GMD"] = str(request.getfixturevalue("gmd_zip"))
    for command in commands(block):
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=reader,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"


@pytest.mark.parametrize(
    "block",
    [
        *blocks("bash"),
        *(block for manual in MANUALS for block in blocks("bash", manual.read_text("utf-8"))),
    ],
    ids=named,
)
def test_commands_are_understood(block: Block) -> None:
    for command in commands(block):
        program, *tokens = shlex.split(command, comments=True)
        assert program in {"ghostnote", "python"}, command
        if program == "ghostnote":
            command_line(tokens[0]).parse_args(tokens)


@pytest.mark.parametrize("block", blocks("python"), ids=named)
def test_python_works(block: Block, reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(reader)
    exec(compile(block.text, f"README.md:{block.line}", "exec"), {})


def test_ci_runs_the_line_for_developers() -> None:
    (line,) = (block.text.strip() for block in blocks("bash") if "pytest" in block.text)
    assert line in (ROOT / ".ci" / "run").read_text("utf-8")
