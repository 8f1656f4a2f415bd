"""The image starts what the command line understands, as nobody who may do harm."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from ghostnote.cli.commands import command_line
from ghostnote.studio.gate import HEALTH

ROOT = Path(__file__).parents[3]
IMAGE = (ROOT / "Dockerfile").read_text("utf-8")
SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"][
    "studio"
]


def test_what_it_starts_is_understood() -> None:
    (started,) = re.findall(r"^ENTRYPOINT (.*)$", IMAGE, re.MULTILINE)
    program, *tokens = [*json.loads(started), "--token", "abcdefgh1"]
    assert program == "ghostnote"
    _, bound, _ = command_line("serve").parse_args(tokens)
    assert bound.arguments["host"] == "0.0.0.0"
    (port,) = re.findall(r"^EXPOSE (\d+)$", IMAGE, re.MULTILINE)
    assert bound.arguments["port"] == int(port)
    assert SERVICE["ports"] == [f"${{GHOSTNOTE_PORT:-{port}}}:{port}"]
    assert SERVICE["command"][0] == "--token"
    assert f"http://127.0.0.1:{port}{HEALTH}" in IMAGE


def test_it_runs_as_nobody_who_may_do_harm() -> None:
    assert re.search(r"^USER 10001$", IMAGE, re.MULTILINE)
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]


def test_what_is_copied_is_there_and_let_through() -> None:
    let_through = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", IMAGE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == let_through
    assert all((ROOT / name).exists() for name in names)
