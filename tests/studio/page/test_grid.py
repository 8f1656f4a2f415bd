"""The grid by mouse, by finger and by keyboard; what it shows and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

KICK, SNARE, HAT = 0, 1, 2


# -- by mouse ----------------------------------------------------------------------------------


def test_a_click_sets_and_clears(desk: Any) -> None:
    desk.cell(4, SNARE).click()
    assert desk.cells == {(4, SNARE): (0.75, 0.0)}
    assert desk.cell(4, SNARE).get_attribute("aria-label") == (
        "snare, bar 1 step 5, hit, velocity 95, on time"
    )
    desk.cell(4, SNARE).click()
    assert desk.cells == {}
    assert desk.cell(4, SNARE).get_attribute("aria-label") == "snare, bar 1 step 5, empty"


def test_a_drag_along_the_row_paints(desk: Any) -> None:
    width = desk.cell(0, HAT).bounding_box()["width"]
    desk.drag(8, HAT, 5 * width, 2)
    assert sorted(desk.cells) == [(step, HAT) for step in range(8, 14)]
    assert desk.done[-2:] == ["put", "Set closed hat 1.9"]


def test_a_drag_from_a_hit_wipes(desk: Any) -> None:
    desk.put([(step, HAT, 0.5, 0.0) for step in range(16)])
    width = desk.cell(0, HAT).bounding_box()["width"]
    desk.drag(10, HAT, -6 * width, 0)
    assert sorted(step for step, _ in desk.cells) == [0, 1, 2, 3, 11, 12, 13, 14, 15]
    desk.page.keyboard.press("Control+z")
    assert len(desk.cells) == 16


def test_a_drag_up_and_down_is_velocity(desk: Any) -> None:
    desk.put([(4, SNARE, 0.5, 0.125)])
    desk.drag(4, SNARE, 1, 22)
    velocity, offset = desk.cells[4, SNARE]
    assert velocity == np.float32(0.5 + 22 / 110)
    assert offset == 0.125
    desk.drag(4, SNARE, 0, -300)
    assert desk.cells[4, SNARE][0] == np.float32(1 / 127)
    desk.drag(4, SNARE, 0, 300)
    assert desk.cells[4, SNARE][0] == 1


def test_a_new_hit_can_be_dragged_to_its_velocity(desk: Any) -> None:
    desk.drag(3, KICK, 0, -33)
    assert desk.cells == {(3, KICK): (np.float32(0.75 - 0.3), 0.0)}


def test_velocity_is_height_and_timing_is_place(desk: Any) -> None:
    desk.put([(0, KICK, 1.0, 0.0), (1, KICK, 0.25, 0.25)])
    look = "element => { const s = getComputedStyle(element, '::after');"
    look += "return [parseFloat(s.height), new DOMMatrix(s.transform).e, parseFloat(s.width)]; }"
    (loud, middle, _), (soft, late, width) = (desk.cell(s, KICK).evaluate(look) for s in (0, 1))
    assert loud > 2 * soft
    assert middle == 0
    assert late == pytest.approx(width / 4, abs=0.1)


@pytest.mark.parametrize("way", ["alt", "tool"])
def test_a_drag_sideways_is_timing(desk: Any, way: str) -> None:
    desk.put([(4, SNARE, 0.5, 0.0)])
    width = desk.cell(4, SNARE).bounding_box()["width"]
    if way == "tool":
        desk.page.get_by_text("Timing", exact=True).click()
    else:
        desk.page.keyboard.down("Alt")
    desk.drag(4, SNARE, width / 4, 0)
    assert desk.cells[4, SNARE] == (0.5, pytest.approx(0.25, abs=1e-6))
    desk.drag(4, SNARE, -9 * width, 0)
    assert desk.cells[4, SNARE] == (0.5, -0.5)
    desk.drag(4, SNARE, 9 * width, 0)
    assert desk.cells[4, SNARE][1] == np.nextafter(np.float32(0.5), np.float32(0))
    desk.drag(5, SNARE, 5, 0)
    assert len(desk.cells) == 1


def test_the_loudness_tool_brushes(desk: Any) -> None:
    desk.put([(step, HAT, 0.5, 0.0) for step in (0, 2, 4, 6)])
    width = desk.cell(0, HAT).bounding_box()["width"]
    desk.page.get_by_text("Loudness", exact=True).click()
    desk.drag(0, HAT, 4 * width, 22, pieces=20)
    assert desk.cells[4, HAT][0] == np.float32(0.7)
    assert desk.cells[2, HAT][0] > 0.5
    assert desk.cells[6, HAT][0] == 0.5
    assert len(desk.cells) == 4


def test_the_cell_under_the_pointer_is_told(desk: Any) -> None:
    facts = desk.page.locator(".facts")
    assert facts.text_content() == "4 bars, 0 hits"
    desk.drag(4, SNARE, 0, 22)
    assert facts.text_content() == "snare, bar 1 step 5, hit, velocity 121, on time"
    desk.page.mouse.move(5, 5)
    assert facts.text_content() == "4 bars, 1 hit"


def test_a_drag_is_one_step_to_undo(desk: Any) -> None:
    desk.put([(4, SNARE, 0.5, 0.0)])
    desk.drag(4, SNARE, 0, 40, pieces=20)
    desk.drag(4, SNARE, 0, -20, pieces=20)
    desk.button("Undo: Velocity of snare 1.5").click()
    assert desk.cells[4, SNARE][0] == np.float32(0.5 + 40 / 110)
    desk.button("Undo: Velocity of snare 1.5").click()
    assert desk.cells[4, SNARE] == (0.5, 0)
    desk.button("Redo: Velocity of snare 1.5").click()
    desk.page.keyboard.press("Control+y")
    assert desk.cells[4, SNARE][0] == pytest.approx(0.5 + 20 / 110, abs=1e-6)


# -- voices and bars ---------------------------------------------------------------------------


def test_mute_and_solo(desk: Any) -> None:
    desk.put([(0, KICK, 1.0, 0.0), (4, SNARE, 1.0, 0.0), (8, HAT, 1.0, 0.0)])

    def heard() -> list[int]:
        return [hit[1] for hit in desk.heard["hits"]]

    desk.button("Mute snare").click()
    assert desk.button("Mute snare").get_attribute("aria-pressed") == "true"
    assert heard() == [KICK, HAT]
    desk.button("Solo snare").click()
    desk.button("Solo kick").click()
    assert heard() == [KICK]
    desk.button("Mute snare").click()
    assert heard() == [KICK, SNARE]
    desk.page.keyboard.press("Control+z")
    assert desk.button("Mute snare").get_attribute("aria-pressed") == "true"
    assert len(desk.cells) == 3


def test_locks(desk: Any) -> None:
    desk.button("Lock snare").click()
    desk.button("Lock bar 3").click()
    locks = "({voices: [...studio.locks.voices], bars: [...studio.locks.bars]})"
    assert desk.page.evaluate(locks) == {"voices": [SNARE], "bars": [2]}
    assert desk.button("Lock bar 3").get_attribute("aria-pressed") == "true"
    desk.button("Lock snare").click()
    desk.button("Undo: Unlock snare").click()
    assert desk.page.evaluate(locks) == {"voices": [SNARE], "bars": [2]}


def test_clear_leaves_what_is_locked(desk: Any) -> None:
    desk.put([(0, KICK, 1.0, 0.0), (4, SNARE, 1.0, 0.0), (36, KICK, 1.0, 0.0), (50, HAT, 1.0, 0)])
    desk.button("Lock snare").click()
    desk.button("Lock bar 3").click()
    desk.button("Clear", of="Groove").click()
    assert sorted(desk.cells) == [(4, SNARE), (36, KICK)]
    desk.page.keyboard.press("Control+z")
    assert len(desk.cells) == 4


def test_a_voice_can_be_heard(desk: Any) -> None:
    desk.page.evaluate(
        "(() => { const hit = studio.transport.hit; window.struck = []; studio.transport.hit = "
        "function (...how) { struck.push(how); return hit.apply(this, how); }; })()"
    )
    desk.button("Hear ride").click()
    assert desk.page.evaluate("struck") == [[8, 0.8]]
    desk.page.wait_for_function("studio.transport.time > 0")


# -- by keyboard -------------------------------------------------------------------------------


def focused(desk: Any) -> str:
    found: str = desk.page.evaluate("document.activeElement.getAttribute('aria-label')")
    return found


def test_one_cell_can_be_tabbed_to(desk: Any) -> None:
    desk.cell(0, KICK).focus()
    desk.cell(20, HAT).click()
    assert desk.page.locator("[role=gridcell][tabindex='0']").count() == 1
    desk.button("Clear", of="Groove").focus()
    for _ in range(5):  # the locks of four bars are between
        desk.page.keyboard.press("Tab")
    assert focused(desk).startswith("closed hat, bar 2 step 5, hit")
    desk.page.keyboard.press("Tab")
    assert desk.page.evaluate("document.activeElement.closest('[role=grid]')") is None


def test_keys_move(desk: Any) -> None:
    press = desk.page.keyboard.press
    desk.cell(0, KICK).focus()
    moves = [
        ("ArrowRight", "kick, bar 1 step 2"), ("ArrowUp", "snare, bar 1 step 2"),
        ("End", "snare, bar 1 step 16"), ("PageDown", "snare, bar 2 step 16"),
        ("ArrowRight", "snare, bar 3 step 1"), ("ArrowLeft", "snare, bar 2 step 16"),
        ("Home", "snare, bar 2 step 1"), ("ArrowDown", "kick, bar 2 step 1"),
        ("ArrowDown", "kick, bar 2 step 1"), ("PageUp", "kick, bar 1 step 1"),
        ("ArrowLeft", "kick, bar 1 step 1"),
    ]  # fmt: skip
    for key, place in moves:
        press(key)
        assert focused(desk) == f"{place}, empty", key


def test_keys_edit(desk: Any) -> None:
    press = desk.page.keyboard.press
    desk.cell(4, SNARE).focus()
    press(" ")
    assert desk.cells == {(4, SNARE): (0.75, 0.0)}
    press("+")
    press("+")
    press("-")
    assert desk.cells[4, SNARE][0] == pytest.approx(0.75 + 5 / 127, abs=1e-6)
    for _ in range(3):
        press(">")
    press("<")
    assert desk.cells[4, SNARE][1] == pytest.approx(0.04, abs=1e-6)
    assert focused(desk) == "snare, bar 1 step 5, hit, velocity 100, 4 % late"
    said = desk.page.locator("#status").text_content()
    assert said == "snare, bar 1 step 5, hit, velocity 100, 4 % late"
    press("m")
    press("s")
    press("l")
    press("Shift+L")
    state = desk.page.evaluate(
        "[[...studio.state.mutes], [...studio.state.solos], [...studio.locks.voices],"
        "[...studio.locks.bars]]"
    )
    assert state == [[SNARE], [SNARE], [SNARE], [0]]
    press("Delete")
    assert desk.cells == {}
    press("Enter")
    assert desk.cells == {(4, SNARE): (0.75, 0.0)}


def test_everything_can_be_undone_to_the_start(desk: Any) -> None:
    start = desk.page.evaluate("studio.past.length")
    desk.cell(4, SNARE).focus()
    for key in (" ", "+", ">", "m", "s", "l", "Shift+L", " "):
        desk.page.keyboard.press(key)
    assert desk.page.evaluate("studio.past.length") == start + 8
    for _ in range(8):
        desk.page.keyboard.press("Control+z")
    assert desk.cells == {}
    assert desk.page.evaluate("studio.past.length") == start
    assert desk.page.locator("[aria-pressed=true].mute, [aria-pressed=true].lock").count() == 0
    for _ in range(7):
        desk.page.keyboard.press("Control+Shift+z")
    assert desk.cells[4, SNARE] == (
        pytest.approx(0.75 + 5 / 127, abs=1e-6), pytest.approx(0.02, abs=1e-6)
    )  # fmt: skip


# -- sizes -------------------------------------------------------------------------------------


def test_rows_and_names(desk: Any) -> None:
    grid = desk.page.get_by_role("grid")
    assert grid.get_by_role("row").count() == 9
    assert desk.page.get_by_role("gridcell").count() == 9 * 64
    rows = [row.get_attribute("aria-label") for row in grid.get_by_role("rowheader").all()]
    assert rows == ["ride", "crash", "high tom", "mid tom", "low tom", "open hat", "closed hat",
                    "snare", "kick"]  # fmt: skip


def test_a_phone_shows_a_bar_at_a_time(
    open_studio: Callable[..., Any], hold: Callable[..., Any]
) -> None:
    page = open_studio(size="phone", has_touch=True)
    desk = hold(page)
    desk.put()
    assert page.get_by_role("gridcell").count() == 9 * 16
    desk.button("Bar 3").click()
    desk.cell(2, SNARE).tap()
    assert desk.cells == {(34, SNARE): (0.75, 0.0)}
    assert desk.cell(2, SNARE).get_attribute("aria-label").startswith("snare, bar 3 step 3, hit")
    desk.cell(15, SNARE).focus()
    page.keyboard.press("ArrowRight")
    assert focused(desk) == "snare, bar 4 step 1, empty"
    assert desk.button("Bar 4").get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_finger_drags(open_studio: Callable[..., Any], hold: Callable[..., Any]) -> None:
    """Up is louder, along the row paints, and neither scrolls the page."""
    page = open_studio(size="phone", has_touch=True, is_mobile=True)
    desk = hold(page)
    desk.put([(4, SNARE, 0.5, 0.0)])
    touch = page.context.new_cdp_session(page)

    def drag(step: int, voice: int, across: float, up: float) -> None:
        box = desk.cell(step, voice).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for share in (0, 0.25, 0.5, 0.75, 1):
            points = [{"x": x + share * across, "y": y - share * up}]
            kind = "touchMove" if share else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    drag(4, SNARE, 0, 33)
    assert desk.cells[4, SNARE][0] == pytest.approx(0.8, abs=0.01)
    drag(8, HAT, 3 * desk.cell(8, HAT).bounding_box()["width"], 0)
    assert [step for step, voice in desk.cells if voice == HAT] == [8, 9, 10, 11]
    page.get_by_text("Timing", exact=True).click()
    drag(4, SNARE, desk.cell(4, SNARE).bounding_box()["width"] / 4, 0)
    assert desk.cells[4, SNARE][1] == pytest.approx(0.25, abs=0.05)
    assert page.evaluate("scrollY") == 0


def test_a_long_groove_is_shown_in_windows(desk: Any) -> None:
    desk.put([(100, SNARE, 0.5, 0.0)], bars=10)
    assert desk.page.locator(".bar-tabs button").all_inner_texts() == ["1–4", "5–8", "7–10"]
    desk.button("Bars 5–8").click()
    assert desk.cell(36, SNARE).get_attribute("aria-label").startswith("snare, bar 7 step 5, hit")
    desk.put([(3, KICK, 0.5, 0.0)], bars=1)
    assert desk.page.get_by_role("gridcell").count() == 9 * 16
    assert desk.page.locator(".cell.hit").count() == 1
    assert not desk.page.locator(".bar-tabs").is_visible()


def test_a_long_groove_is_cropped_to_the_bars_that_are_shown(desk: Any) -> None:
    desk.put([(3, KICK, 0.5, 0.1), (100, SNARE, 0.5, 0.1), (127, HAT, 0.5, 0.1)], bars=8)
    desk.button("Bars 5–8").click()
    desk.button("Lock bar 7").click()
    desk.button("Crop").click()
    assert desk.groove["bars"] == 4
    assert sorted(desk.cells) == [(36, SNARE), (63, HAT)]
    assert desk.button("Lock bar 3").get_attribute("aria-pressed") == "true"
    assert not desk.button("Crop").is_visible()
    desk.button("Undo: Crop to bars 5–8").click()
    assert desk.groove["bars"] == 8
    desk.button("Bars 5–8").click()
    assert desk.button("Lock bar 7").get_attribute("aria-pressed") == "true"


def test_other_meters(desk: Any) -> None:
    desk.page.evaluate(
        "studio.set({bpm: 120, meter: [3, 4], bars: 4, hits: [[13, 2, 0.5, 0]]}, {label: 'waltz'})"
    )
    assert desk.page.get_by_role("gridcell").count() == 9 * 48
    assert (
        desk.cell(13, HAT).get_attribute("aria-label").startswith("closed hat, bar 2 step 2, hit")
    )
    assert desk.page.locator(".facts").text_content() == "4 bars of 3/4, 1 hit"
    desk.button("Lock bar 2").click()
    assert desk.page.locator(".cell.kept").count() == 9 * 12
    assert desk.cell(12, HAT).evaluate("cell => cell.matches('.bar-line.kept')")


def test_only_cells_that_change_are_touched(desk: Any) -> None:
    desk.put([(step, HAT, 0.5, 0.0) for step in range(64)])
    desk.page.evaluate(
        "(() => { window.touched = new Set(); new MutationObserver((all) => all.forEach("
        "({target}) => target.matches('.cell') && touched.add(target))).observe("
        "document.querySelector('[role=grid]'), {attributes: true, subtree: true}); })()"
    )
    desk.cell(5, KICK).click()
    desk.page.wait_for_function("touched.size > 0")
    # The cell itself, and the one that could be tabbed to before.
    assert desk.page.evaluate("touched.size") <= 2
