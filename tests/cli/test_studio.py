"""``ghostnote studio`` and ``ghostnote serve``: they open, say where, and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ghostnote.cli import main
from ghostnote.cli import studio as command
from ghostnote.studio.server import listen

PATIENCE = 60


@contextmanager
def opened(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with a studio, and the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ghostnote", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("The studio is at http://"), process.communicate(timeout=PATIENCE)
        yield process, line.split()[4]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("arguments", [["studio", "--no-open"], ["serve"]], ids=" ".join)
def test_it_opens_and_ends_with_ctrl_c(arguments: list[str]) -> None:
    with opened(*arguments, "--port", "0") as (process, address):
        assert "<title>ghostnote studio</title>" in httpx.get(address).text
        assert httpx.post(f"{address}api/v1/sample", json={}, timeout=PATIENCE).status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert out == "The studio is closed.\n"
        assert err == ""


def test_it_ends_at_once_where_a_client_stays(tmp_path: Path) -> None:
    with opened("serve", "--port", "0") as (process, address), httpx.Client() as client:
        client.get(address)  # the connection stays open
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode in {0, -signal.SIGTERM}


def test_a_token_is_made_where_others_can_reach_it() -> None:
    with opened("serve", "--port", "0", "--host", "0.0.0.0") as (_, address):
        root, _, token = address.partition("?token=")
        assert len(token) == 32
        assert root.startswith("http://127.0.0.1:")
        assert httpx.get(root).status_code == 401
        assert httpx.get(address).status_code == 303
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{root}api/v1/models", headers=bearer).status_code == 200


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What would be served, without serving it: `run` says at once that it is ready."""
    found: dict[str, Any] = {}

    def run(app: Any, bound: Any, ready: Any) -> None:
        found.update(app=app, port=bound.getsockname()[1])
        ready()

    monkeypatch.setattr("ghostnote.studio.server.run", run)
    return found


def test_the_browser_is_shown_the_address(
    served: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not shown.append(address))

    class AtOnce:
        def __init__(self, *, target: Any, args: Any, daemon: bool) -> None:
            self.start = lambda: target(*args)

    monkeypatch.setattr(command.threading, "Thread", AtOnce)
    assert main(["studio", "--port", "0"]) == 0
    assert shown == [f"http://127.0.0.1:{served['port']}/"]
    assert shown[0] in capsys.readouterr().out
    assert main(["studio", "--port", "0", "--token", "abcdefgh1"]) == 0
    assert shown[1].endswith("/?token=abcdefgh1")
    for quiet in (["studio", "--no-open"], ["serve"]):
        assert main([*quiet, "--port", "0"]) == 0
    assert len(shown) == 2


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ghostnote: nothing can listen at 127.0.0.1, port {port}: ")
    assert err.endswith("(choose another port with --port; 0 takes a free one)\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "-1"], "-1 is no port"),
        (["--port", "65536"], "65536 is no port"),
        (["--token", "short"], "this token is none"),
        (["--token", "with space"], "this token is none"),
        (["--token", ""], "this token is none"),
        (["--host", "no such host"], "there is no address no such host"),
        (["--force"], "--force goes with --static"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["studio", "--no-open", *arguments]) in {1, 2}
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ghostnote: {reason}")
    assert err.count("\n") == 1


def test_a_folder_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "studio"
    assert main(["studio", "--static", str(target)]) == 0
    out = capsys.readouterr().out
    files = sum(len(names) for _, _, names in os.walk(target))
    assert out.startswith(f"{files} files, ")
    assert f"python -m http.server -d {target}" in out
    assert main(["studio", "--static", str(target)]) == 1
    assert "use --force" in capsys.readouterr().err
    assert main(["studio", "--static", str(target), "--force"]) == 0
