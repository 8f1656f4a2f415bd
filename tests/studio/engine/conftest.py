"""The studio as a folder, its engine under Node, and a server to compare it with."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import httpx
import numpy as np
import pytest

from ghostnote.studio.api import create_app
from ghostnote.studio.gate import API
from ghostnote.studio.server import running
from ghostnote.studio.static import write_static

Json = dict[str, Any]
Job = tuple[str, Json]
"""A verb, and what is asked."""

HERE = Path(__file__).parent
NODE_SECONDS = 120
READING = ("models", "map", "kit")
EXACT, FARTHEST, TAIL = 1e-5, 2e-3, 0.02
"""Velocity and offset agree to the first, but for a share of them, that agrees to the second:
float32 tails, since WebAssembly adds up in another order."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ghostnote studio --static` writes, as Node takes it: its scripts are modules."""
    target = tmp_path_factory.mktemp("static") / "studio"
    write_static(target)
    (target / "package.json").write_text('{"type": "module"}')
    return target


@pytest.fixture(scope="session")
def node(without_browser: Callable[[str], NoReturn]) -> str:
    """The program."""
    return shutil.which("node") or without_browser("the engine's tests need node")


def run(command: Sequence[str | Path], told: Any) -> Any:
    done = subprocess.run(
        command, input=json.dumps(told, default=_plain), capture_output=True, text=True,
        timeout=NODE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(
        done.stdout, object_hook=lambda value: bytes(value["raw"]) if "raw" in value else value
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"raw": list(value)}
    if isinstance(value, np.ndarray):
        return {"array": str(value.dtype), "values": value.ravel().tolist()}
    raise TypeError(value)


@pytest.fixture(scope="session")
def engine(node: str, folder: Path) -> Callable[..., list[Json]]:
    """Has jobs done by the engine's worker, each (verb, request); gives values or problems."""

    def engine_(jobs: Sequence[Job], *, cancel: Sequence[int] = ()) -> list[Json]:
        told = [
            {"verb": verb, "request": asked, "cancel": number in cancel}
            for number, (verb, asked) in enumerate(jobs)
        ]
        results: list[Json] = run([node, HERE / "worker.mjs", folder], told)
        return results

    return engine_


@pytest.fixture(scope="session")
def call(node: str, folder: Path) -> Callable[..., list[Any]]:
    """Calls functions of the engine's modules, each (module, function, *arguments)."""

    def call_(*calls: Sequence[Any]) -> list[Any]:
        found: list[Any] = run([node, HERE / "call.mjs", folder / "engine"], calls)
        return found

    return call_


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """A studio's server."""
    with running(create_app()) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def serve(client: httpx.Client) -> Callable[[str, Json], httpx.Response]:
    """What the server answers to a job."""

    def serve_(verb: str, asked: Json) -> httpx.Response:
        if verb in READING:
            return client.get(f"{API}{verb}", params=asked)
        if verb == "read":
            headers = {"Content-Type": "audio/midi"}
            return client.post(f"{API}read", content=asked["bytes"], headers=headers)
        return client.post(f"{API}{verb}", json=asked)

    return serve_


def same(ours: Any, theirs: Any) -> None:
    """The same answer: grooves hit for hit, and numbers as near as float32 in another order is."""
    tails: list[float] = []
    _same(ours, theirs, "", tails)
    far = [apart for apart in tails if apart > EXACT]
    assert len(far) <= TAIL * len(tails) + 1, (len(far), len(tails), max(tails))
    assert max(far, default=0) <= FARTHEST, max(far)


def _same(ours: Any, theirs: Any, place: str, tails: list[float]) -> None:
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), place
        if "hits" in theirs and "bars" in theirs:
            cells = [[hit[:2] for hit in groove["hits"]] for groove in (ours, theirs)]
            assert cells[0] == cells[1], place
        for key, value in theirs.items():
            _same(ours[key], value, f"{place}.{key}", tails)
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), place
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            _same(one, other, f"{place}.{index}", tails)
    elif isinstance(theirs, float) and not isinstance(theirs, bool):
        tails.append(abs(ours - theirs) / max(1.0, abs(theirs)))
    else:
        assert ours == theirs, place


# -- grooves -----------------------------------------------------------------------------------


def beat(seed: int = 0, *, bars: int = 4, bpm: float = 110.0, **changes: Any) -> Json:
    """A rock beat, played by a different hand for each seed."""
    random = np.random.default_rng(seed)
    cells = {(16 * bar + step, 2) for bar in range(bars) for step in range(0, 16, 2)}
    cells |= {(16 * bar + step, 0) for bar in range(bars) for step in (0, 7, 8, 10)}
    cells |= {(16 * bar + step, 1) for bar in range(bars) for step in (4, 12, 15)}
    kept = sorted(cell for cell in cells if random.random() < 0.9)
    return _groove(kept, random, bars, bpm) | changes


def scattered(seed: int = 0, *, bars: int = 4, bpm: float = 110.0, density: float = 0.2) -> Json:
    """Hits anywhere, which no drummer would play."""
    random = np.random.default_rng(seed)
    found = np.argwhere(random.random((16 * bars, 9)) < density).tolist()
    return _groove([(step, voice) for step, voice in found], random, bars, bpm)


def _groove(
    cells: Sequence[tuple[int, int]], random: np.random.Generator, bars: int, bpm: float
) -> Json:
    hits = [
        [step, voice, float(np.float32(random.uniform(0.05, 1))),
         float(np.float32(np.clip(random.normal(0, 0.15), -0.5, 0.49)))]
        for step, voice in cells
    ]  # fmt: skip
    return {"bpm": bpm, "meter": [4, 4], "bars": bars, "hits": hits}
