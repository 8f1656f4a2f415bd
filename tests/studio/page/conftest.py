"""The studio's page in a hand: what it holds, and where its cells are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ghostnote.music.groove import Groove
from ghostnote.music.kit import VOICES

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Desk:
    """A page, and words for what is done with it."""

    def __init__(self, page: Page, requests: list[tuple[str, dict[str, Any]]]) -> None:
        self.page = page
        self.requests = requests

    # -- what the page holds -------------------------------------------------------------------

    @property
    def groove(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("studio.groove")
        return found

    @property
    def heard(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("studio.heard")
        return found

    @property
    def cells(self) -> dict[tuple[int, int], tuple[float, float]]:
        """(step, voice) → velocity and offset."""
        return {(hit[0], hit[1]): (hit[2], hit[3]) for hit in self.groove["hits"]}

    @property
    def done(self) -> list[str]:
        """The labels of all that was done."""
        found: list[str] = self.page.evaluate("studio.past.map(({label}) => label)")
        return found

    def put(self, hits: Sequence[Sequence[float]] = (), *, bars: int = 4, bpm: float = 110) -> None:
        """Another groove, without locks, mutes, solos or swing."""
        groove = {"bpm": bpm, "meter": [4, 4], "bars": bars, "hits": sorted(map(list, hits))}
        self.page.evaluate(
            """(groove) => {
                studio.transport.stop();
                studio.update({groove, locks: {voices: new Set(), bars: new Set()},
                    mutes: new Set(), solos: new Set(), swing: 0.5}, {label: "put"});
            }""",
            groove,
        )

    # -- what is on it -------------------------------------------------------------------------

    def cell(self, step: int, voice: int) -> Locator:
        """A cell that is shown; steps count from the first bar that is."""
        return self.page.locator(f'[role=gridcell][data-column="{step}"][data-voice="{voice}"]')

    def panel(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def button(self, name: str, of: str | None = None) -> Locator:
        """A button, of a panel where others have one of that name."""
        place = self.page if of is None else self.panel(of)
        return place.get_by_role("button", name=name, exact=True)

    def drag(
        self, step: int, voice: int, across: float, up: float, *, pieces: int = 6
    ) -> tuple[float, float]:
        """From the middle of a cell by so many pixels; gives where it began."""
        box = self.cell(step, voice).bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across, y - up, steps=pieces)
        self.page.mouse.up()
        return x, y

    def slider(self, name: str, of: str = "Create") -> Locator:
        """A slider of a panel."""
        return self.panel(of).get_by_role("slider", name=name, exact=True)

    def slide(self, name: str, value: float, of: str = "Create") -> None:
        """Moves a slider by hand, as far as the page can tell."""
        self.slider(name, of).evaluate(
            """(input, value) => {
                input.value = value;
                input.dispatchEvent(new Event("input", {bubbles: true}));
                input.dispatchEvent(new Event("change", {bubbles: true}));
            }""",
            value,
        )

    def settled(self) -> None:
        """Waits until nothing is being made."""
        self.page.wait_for_function("() => !document.documentElement.hasAttribute('data-busy')")

    def make(self, action: Callable[[], Any], label: str) -> dict[str, Any]:
        """Does what makes a groove; waits for it, and gives the request."""
        self.page.evaluate("() => { window.before = studio.state; }")
        self.requests.clear()
        action()
        self.page.wait_for_function(
            "label => studio.state !== before && studio.past.at(-1).label.startsWith(label)",
            arg=label,
        )
        self.settled()
        assert len(self.requests) == 1
        return self.requests[0][1]

    def python(self, groove: dict[str, Any]) -> Groove:
        """The groove as Python has it."""
        shape = (groove["bars"] * 16, len(VOICES))
        hits = np.zeros(shape, bool)
        velocity, offset = np.zeros(shape, "f4"), np.zeros(shape, "f4")
        for step, voice, loud, late in groove["hits"]:
            hits[step, voice] = True
            velocity[step, voice], offset[step, voice] = loud, late
        return Groove(hits, velocity, offset, groove["bpm"], tuple(groove["meter"]))


_TRIES, _OVERLOADED = 3, 3.0


@pytest.fixture
def in_time() -> Callable[[Callable[[], bool]], None]:
    """Checks what takes a quick enough machine: true in one of three tries.

    Where so much other work runs that this says nothing about the page, it skips.
    """

    def check(quick: Callable[[], bool]) -> None:
        if any(quick() for _ in range(_TRIES)):
            return
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        if load > _OVERLOADED:
            pytest.skip(f"the machine is overloaded: {load:.1f} processes wait for each core")
        pytest.fail(f"not in time in {_TRIES} tries")

    return check


@pytest.fixture(scope="session")
def hold() -> Callable[[Page], Desk]:
    """A `Desk` of a page, which notes the requests of verbs."""

    def hold_(page: Page) -> Desk:
        requests: list[tuple[str, dict[str, Any]]] = []
        page.on(
            "request",
            lambda request: (
                requests.append((request.url.rsplit("/", 1)[-1], json.loads(request.post_data)))
                if request.method == "POST" and request.post_data
                else None
            ),
        )
        return Desk(page, requests)

    return hold_


@pytest.fixture(scope="session")
def _one_desk(_one_page: tuple[Any, Page], hold: Callable[[Page], Desk]) -> Desk:
    return hold(_one_page[1])


@pytest.fixture
def desk(shared_page: Page, _one_desk: Desk) -> Desk:
    """The shared page with an empty groove, and all controls as they were at first."""
    shared_page.evaluate(
        """() => {
            for (const dialog of document.querySelectorAll("dialog")) dialog.close();
            const create = document.querySelector("[data-panel=create]");
            for (const slider of create.querySelectorAll("[type=range]")) {
                if (slider.value === slider.defaultValue) continue;
                slider.value = slider.defaultValue;
                slider.dispatchEvent(new Event("input"));
            }
            for (const select of create.querySelectorAll("select")) {
                select.selectedIndex = 0;
            }
            for (const box of document.querySelectorAll("[type=checkbox], [type=radio]")) {
                if (box.checked !== box.defaultChecked && box.defaultChecked) box.click();
                if (box.checked !== box.defaultChecked && box.type === "checkbox") box.click();
            }
            for (const held of document.querySelectorAll(".seed-field [aria-pressed=true]")) {
                held.click();
            }
            studio.transport.loop = true;
            studio.transport.metronome = false;
            document.activeElement.blur();
        }"""
    )
    shared_page.mouse.move(1, 1)
    shared_page.keyboard.up("Alt")
    _one_desk.put()
    return _one_desk
