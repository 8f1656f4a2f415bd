"""Kept loops: what is done with them, and that they stay."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ghostnote.music.grid import to_performance
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import midi_bytes

from .conftest import current, done, from_plain, heard, make_groove, plain, press, put, saved

DRUMS = builtin_map("ghostnote")


def names(page: Any) -> list[str]:
    loops = page.get_by_role("list", name="Loops").get_by_role("textbox")
    return [box.input_value() for box in loops.all()]


def keep(page: Any, seed: int, name: str) -> None:
    put(page, make_groove(seed))
    press(page, "Keep this loop")
    box = page.get_by_role("textbox", name="Name of put", exact=True)
    box.fill(name)
    box.press("Enter")


def test_loops_are_kept_named_loaded_and_survive(page: Any) -> None:
    keep(page, 1, "Verse")
    keep(page, 2, "Chorus")
    put(page, make_groove(3), mutes=[0], swing=0.6)
    sounded = heard(page)
    press(page, "Keep this loop")
    assert names(page) == ["put", "Chorus", "Verse"]
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert names(page) == ["put", "Chorus", "Verse"]
    press(page, "Load Verse")
    assert current(page) == plain(make_groove(1))
    assert done(page)[-1] == "Verse"
    press(page, "Load put")
    assert heard(page) == sounded
    page.get_by_text("3 of 100").wait_for()
    assert page.locator(".loops rect").count() == sounded.n_hits + sum(
        make_groove(seed).n_hits for seed in (1, 2)
    )


def test_a_loop_is_heard_without_loading_it(page: Any) -> None:
    keep(page, 4, "Other")
    before = put(page, make_groove(5))
    page.evaluate("() => { window.steps = []; studio.transport.on('step', (s) => steps.push(s)); }")
    press(page, "Play Other")
    page.wait_for_function("() => steps.length > 2")
    assert page.evaluate("steps[0].hits.map(({voice}) => voice).sort()") == [
        voice for step, voice, *_ in plain(make_groove(4))["hits"] if step == 0
    ]
    press(page, "Stop Other")
    assert not page.evaluate("studio.transport.playing")
    assert page.get_by_role("button", name="Play Other").is_visible()
    assert current(page) == before


def test_a_deleted_loop_can_be_put_back(page: Any) -> None:
    for seed, name in enumerate(["One", "Two", "Three"]):
        keep(page, seed, name)
    press(page, "Delete Two")
    assert names(page) == ["Three", "One"]
    press(page, "Put back")
    assert names(page) == ["Three", "Two", "One"]


def test_loops_are_downloaded(page: Any) -> None:
    keep(page, 6, "Intro!")
    keep(page, 7, "Größe")
    name, content = saved(page, "Download Größe as MIDI")
    assert name == "größe.mid"
    assert content == midi_bytes(to_performance(make_groove(7), DRUMS))
    name, content = saved(page, "Download all")
    assert name == "ghostnote-loops.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["größe.mid", "intro.mid"]
        assert archive.read("intro.mid") == midi_bytes(to_performance(make_groove(6), DRUMS))


def test_another_page_sees_what_is_kept(open_studio: Any) -> None:
    page = open_studio()
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("html[data-ready]")
    keep(page, 8, "Shared")
    other.get_by_role("textbox", name="Name of Shared").wait_for()


def test_a_drag_fills_the_tray(page: Any) -> None:
    put(page, make_groove(9))
    page.drag_and_drop(".chip", "[data-panel=tray]")
    page.get_by_role("textbox", name="Name of put-110-bpm").wait_for()
    kept = page.evaluate("JSON.parse(localStorage.getItem('ghostnote.tray'))[0].groove")
    assert from_plain(kept) == make_groove(9)


def test_full_or_forbidden_storage_says_so(open_studio: Any) -> None:
    page = open_studio()
    page.evaluate(
        """() => { Storage.prototype.setItem = () => {
            throw new DOMException("full", "QuotaExceededError"); }; }"""
    )
    press(page, "Keep this loop")
    notice = page.get_by_role("alert")
    assert "no room" in notice.inner_text()
    assert "Delete some" in notice.inner_text()
    assert names(page) == []
    page = open_studio(prepare=lambda page: page.add_init_script(
        """Object.defineProperty(window, "localStorage", {get() {
            throw new DOMException("no", "SecurityError"); }});"""))  # fmt: skip
    press(page, "Keep this loop")
    assert "does not let this page store" in page.get_by_role("alert").inner_text()


def test_damaged_storage_is_an_empty_tray(open_studio: Any) -> None:
    page = open_studio(prepare=lambda page: page.add_init_script(
        """localStorage.setItem("ghostnote.tray", '[{"id": "x", "name": "y", "groove": {}}')"""
    ))  # fmt: skip
    assert names(page) == []
