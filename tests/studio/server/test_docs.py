"""What docs/studio.md tells a reader to paste is pasted here, and asks the studio of the tests."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ghostnote.cli.commands import command_line
from ghostnote.cli.studio import PORT
from ghostnote.studio.settings import MAX_BARS, MAX_LOOPS, MAX_SECONDS, Settings

MANUAL = (Path(__file__).parents[3] / "docs" / "studio.md").read_text("utf-8")
FENCE = re.compile(r"(<!-- test: parse -->\n)?^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(bool(match[1]), match[2]) for match in FENCE.finditer(MANUAL)]


@pytest.fixture(scope="module")
def pasted(
    address: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """A folder in which every command of the manual has been run."""
    if shutil.which("curl") is None:
        if request.config.getoption("--require-browser"):
            pytest.fail("curl is not installed")
        pytest.skip("curl is not installed")
    folder = tmp_path_factory.mktemp("pasted")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for only_parse, block in BLOCKS:
        if not only_parse:
            here = block.replace(f"http://127.0.0.1:{PORT}/", address)
            subprocess.run(
                ["bash", "-euc", here], cwd=folder, env=os.environ | {"PATH": path}, check=True
            )
    return folder


def test_what_is_pasted_works(pasted: Path) -> None:
    def read(name: str) -> Any:
        return json.loads((pasted / name).read_text("utf-8"))

    assert [groove["bpm"] for groove in read("loops.json")["grooves"]] == [140, 140]
    assert {hit[1] for hit in read("filled.json")["groove"]["hits"]} > {0}
    assert [hit[0] for hit in read("played.json")["groove"]["hits"]] == [0, 4, 8, 12]
    assert read("tapped.json")["groove"]["bpm"] == 120
    assert [hit[:2] for hit in read("read.json")["groove"]["hits"]] == [[0, 0], [8, 1]]
    assert (pasted / "beat.wav").read_bytes().startswith(b"RIFF")
    assert (pasted / "site" / "index.html").is_file()
    assert read("map.json")["points"]
    assert set(re.findall(r"`(\w+)`", MANUAL)) >= {
        route.rpartition("/")[2] for route in read("openapi.json")["paths"]
    }


def test_commands_are_understood() -> None:
    for _, block in BLOCKS:
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("ghostnote"):
                _, *tokens = shlex.split(line)
                command_line(tokens[0]).parse_args(tokens)


def test_limits_are_what_the_manual_says() -> None:
    settings = Settings()
    for said in (
        f"| bars of a groove, grooves of a request | {MAX_BARS} |",
        f"| JSON, MIDI | {settings.json_bytes >> 20} MiB, {settings.midi_bytes >> 20} MiB |",
        f"| a request, waiting and work together | {settings.seconds:g} s |",
        f"| requests that wait | {settings.waiting_each} a client, {settings.waiting_host} an "
        f"address, {settings.waiting} in all |",
        f"| audio | {MAX_SECONDS / 60:g} minutes |",
    ):
        assert said in MANUAL
    assert MAX_BARS == MAX_LOOPS
