"""Grooves to test the page with, and its modules without a page."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

import ghostnote
from ghostnote.music.groove import Groove

PAGE = Path(ghostnote.__file__).parent / "studio" / "page"


def make_groove(
    seed: int = 0, *, bars: int = 4, meter: tuple[int, int] = (4, 4), bpm: float = 110.0
) -> Groove:
    """A groove of random hits, with velocities and offsets of any float32."""
    random = np.random.default_rng(seed)
    shape = (bars * 16 * meter[0] // meter[1], 9)
    hits = random.random(shape) < 0.3
    velocity = random.uniform(0.001, 1, shape)
    offset = random.uniform(-0.5, 0.4999, shape)
    return Groove.from_cells(hits, velocity, offset, bpm=bpm, meter=meter)


def plain(groove: Groove) -> dict[str, Any]:
    """The JSON of a groove, as it stands in requests, in links and in the tray."""
    steps, voices = np.nonzero(groove.hits)
    return {
        "bpm": groove.bpm,
        "meter": list(groove.meter),
        "bars": groove.bars,
        "hits": [
            [step, voice, float(groove.velocity[step, voice]), float(groove.offset[step, voice])]
            for step, voice in zip(steps.tolist(), voices.tolist(), strict=True)
        ],
    }


def from_plain(value: dict[str, Any]) -> Groove:
    shape = (value["bars"] * 16 * value["meter"][0] // value["meter"][1], 9)
    hits, velocity, offset = np.zeros(shape, bool), np.zeros(shape), np.zeros(shape)
    for step, voice, loud, late in value["hits"]:
        hits[step, voice], velocity[step, voice], offset[step, voice] = True, loud, late
    return Groove(hits, velocity, offset, value["bpm"], tuple(value["meter"]))


@pytest.fixture(scope="session")
def call(
    without_browser: Callable[[str], NoReturn],
) -> Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]:
    """Runs calls, each (module, function, *arguments), and gives their values or errors."""
    node = shutil.which("node")
    if node is None:
        without_browser("the page's modules are run with node, which is not installed")

    def run(calls: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        job = json.dumps(calls, default=lambda data: {"raw": list(data)})
        script = Path(__file__).with_name("modules.js")
        done = subprocess.run(
            [node, "--experimental-default-type=module", script, PAGE],
            input=job, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        results: list[dict[str, Any]] = json.loads(
            done.stdout,
            object_hook=lambda value: bytes(value["raw"]) if "raw" in value else value,
        )
        return results

    return run


# -- the page --------------------------------------------------------------------------------


def put(page: Any, groove: Groove | dict[str, Any], **state: Any) -> dict[str, Any]:
    """Sets the groove, with nothing muted, locked or swung but what `state` says; gives it."""
    value = plain(groove) if isinstance(groove, Groove) else groove
    page.evaluate(
        """([groove, state]) => {
            const none = () => new Set();
            studio.update({groove, swing: state.swing ?? 0.5, mutes: new Set(state.mutes ?? []),
                solos: none(), locks: {voices: new Set(state.locks ?? []), bars: none()}},
                {label: "put"});
        }""",
        [value, state],
    )
    return value


def current(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("studio.groove")
    return found


def heard(page: Any) -> Groove:
    return from_plain(page.evaluate("studio.heard"))


def done(page: Any) -> list[str]:
    """The labels of all that was done."""
    found: list[str] = page.evaluate("studio.past.map(({label}) => label)")
    return found


def settled(page: Any) -> None:
    page.wait_for_function("() => !document.documentElement.hasAttribute('data-busy')")


def ask(page: Any, verb: str, **request: Any) -> Any:
    """What the page's engine gives."""
    return page.evaluate("([verb, request]) => studio.engine.call(verb, request)", [verb, request])


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def saved(page: Any, name: str) -> tuple[str, bytes]:
    """The name and content of the file that a button downloads."""
    with page.expect_download() as download:
        press(page, name)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()
