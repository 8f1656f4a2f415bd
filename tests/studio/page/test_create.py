"""Making grooves: what is asked for, what comes of it, and that each can be undone and repeated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ghostnote.music.kit import VOICES

KICK, SNARE, HAT = 0, 1, 2
BEAT = [
    *((step, HAT, 0.5, 0.0) for step in range(0, 64, 2)),
    *((step, SNARE, 0.75, 0.0) for step in range(4, 64, 8)),
    *((step, KICK, 0.75, 0.0) for step in range(0, 64, 8)),
]


@pytest.fixture
def beat(desk: Any) -> Any:
    """A desk with a plain beat."""
    desk.put(BEAT)
    return desk


def last(desk: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk.page.evaluate(
        "(({label, seed}) => ({label, seed}))(studio.past.at(-1))"
    )
    return found


def seed_shown(desk: Any) -> int:
    return int(desk.panel("Create").get_by_label("Seed", exact=True).input_value())


def choose(desk: Any, name: str, option: str) -> None:
    desk.page.get_by_role("combobox", name=name, exact=True).select_option(label=option)


# -- each action -------------------------------------------------------------------------------


def test_a_new_beat(beat: Any) -> None:
    before = beat.groove
    asked = beat.make(beat.button("New beat").click, "New beat")
    assert beat.requests[0][0] == "sample"
    assert asked == {"n": 1, "seed": asked["seed"], "temperature": None, "bpm": 110}
    assert last(beat) == {"label": "New beat", "seed": asked["seed"]}
    assert seed_shown(beat) == asked["seed"]
    assert beat.groove["hits"] != before["hits"]
    beat.button("Undo: New beat").click()
    assert beat.groove == before


def test_a_new_beat_in_a_style_at_a_tempo(beat: Any) -> None:
    choose(beat, "Style", "Jazz")
    choose(beat, "Beat or fill", "Beat")
    choose(beat, "Tempo", "140 bpm and above")
    asked = beat.make(beat.button("New beat").click, "New beat, jazz")
    assert (asked["style"], asked["beat_type"], asked["bpm"]) == ("jazz", "beat", 155)
    assert beat.groove["bpm"] == 155
    styles = beat.page.get_by_role("combobox", name="Style", exact=True).locator("option")
    assert {"Any style", "Funk", "Hip-hop", "New Orleans"} <= set(styles.all_inner_texts())


def test_vary(beat: Any) -> None:
    before = beat.groove
    beat.slide("Distance", 0.6)
    asked = beat.make(beat.button("Vary").click, "Vary by 60 %")
    assert (asked["groove"], asked["distance"], asked["n"]) == (before, 0.6, 1)
    assert beat.groove != before
    beat.page.keyboard.press("Control+z")
    assert beat.groove == before


def test_temperature(beat: Any) -> None:
    temperature = beat.slider("Temperature")
    assert temperature.get_attribute("aria-valuetext") == "auto"
    beat.slide("Temperature", 1.2)
    assert beat.make(beat.button("New beat").click, "New beat")["temperature"] == 1.2
    own = beat.page.get_by_role("checkbox", name="Auto")
    assert not own.is_checked()
    own.check()
    assert beat.make(beat.button("New beat").click, "New beat")["temperature"] is None


def test_humanise(beat: Any) -> None:
    before = beat.cells
    choose(beat, "What is humanised", "Timing only")
    beat.slide("Strength", 0.5)
    asked = beat.make(beat.button("Humanise").click, "Humanise by 50 %")
    assert (asked["strength"], asked["keep"]) == (0.5, ["velocity"])
    after = beat.cells
    assert after.keys() == before.keys()
    assert all(after[cell][0] == before[cell][0] for cell in before)
    assert any(after[cell][1] != 0 for cell in before)


def test_the_rest_is_written_around_what_is_locked(beat: Any) -> None:
    before = beat.cells
    beat.button("Lock kick").click()
    beat.button("Lock bar 2").click()
    assert beat.page.get_by_text("Keeps kick, bar 2.").is_visible()
    asked = beat.make(beat.button("Write the rest").click, "Write the rest")
    assert asked["keep"] == {"voices": ["kick"], "bars": [1]}
    after = beat.cells

    def kept(cells: dict[tuple[int, int], Any]) -> dict[tuple[int, int], Any]:
        return {c: value for c, value in cells.items() if c[1] == KICK or 16 <= c[0] < 32}

    assert kept(after) == kept(before)
    assert after != before


def test_nothing_to_keep_is_nothing_to_write_around(beat: Any) -> None:
    write = beat.button("Write the rest")
    assert write.is_disabled()
    beat.button("Lock snare").click()
    assert write.is_enabled()
    beat.button("Undo: Lock snare").click()
    assert write.is_disabled()


def test_every_hit_can_be_kept(beat: Any) -> None:
    before = beat.cells
    beat.page.get_by_role("checkbox", name="Keep every hit").check()
    asked = beat.make(beat.button("Write the rest").click, "Write the rest")
    assert asked["keep"] == {"voices": [], "bars": [], "cells": [list(cell) for cell in before]}
    after = beat.cells
    assert {cell: after[cell] for cell in before} == before
    assert len(after) > len(before)


def test_locks_hold_whatever_is_made(beat: Any) -> None:
    before = {cell: value for cell, value in beat.cells.items() if cell[1] == SNARE}
    beat.button("Lock snare").click()
    for name in ("New beat", "Vary", "Humanise"):
        beat.make(beat.button(name).click, name)
        assert {c: v for c, v in beat.cells.items() if c[1] == SNARE} == before


@pytest.mark.parametrize("bars", [8, 16, 32])
def test_continue(beat: Any, bars: int) -> None:
    before = beat.groove
    choose(beat, "Fills", "Fill every 4")
    asked = beat.make(beat.button(f"Continue to {bars} bars").click, "Continue")
    assert (asked["bars"], asked["fill_every"]) == (bars - 4, 4)
    assert beat.groove["bars"] == bars
    assert [hit for hit in beat.groove["hits"] if hit[0] < 64] == before["hits"]
    assert any(hit[0] >= 64 for hit in beat.groove["hits"])
    disabled = [beat.button(f"Continue to {n} bars").is_disabled() for n in (8, 16, 32)]
    assert disabled == [n <= bars for n in (8, 16, 32)]
    beat.page.keyboard.press("Control+z")
    assert beat.groove == before


def test_the_attributes_move_the_groove(beat: Any) -> None:
    before = beat.groove
    asked = beat.make(lambda: beat.slide("Density", 1.5), "Shape: density +1.5")
    assert asked["amounts"] == {"density": 1.5}
    more = beat.groove
    assert len(more["hits"]) > len(before["hits"])
    asked = beat.make(lambda: beat.slide("Openness", -1), "Shape: density +1.5, openness −1")
    assert asked["amounts"] == {"density": 1.5, "openness": -1}
    assert asked["groove"] == before
    beat.page.keyboard.press("Control+z")
    assert beat.groove == before
    assert beat.slider("Density").input_value() == "0"


def test_attributes_back_at_0_give_the_groove_back(beat: Any) -> None:
    before = beat.groove
    beat.make(lambda: beat.slide("Fill", 2), "Shape: fill +2")
    beat.slide("Fill", 0)
    assert beat.groove == before


def test_every_attribute_has_a_slider(beat: Any) -> None:
    sliders = beat.page.get_by_role("group", name="Shape").get_by_role("slider")
    assert sliders.count() == 7
    assert beat.slider("Laid-back").is_visible()


# -- seeds and journal -------------------------------------------------------------------------


def test_again_with_a_seed(beat: Any) -> None:
    before = beat.groove
    first = beat.make(beat.button("Vary").click, "Vary")
    made = beat.groove
    seed = beat.panel("Create").get_by_label("Seed", exact=True)
    seed.fill("12345")
    other = beat.make(lambda: seed.press("Enter"), "Vary")
    assert other["seed"] == 12345
    assert other["groove"] == before
    assert beat.groove != made
    seed.fill(str(first["seed"]))
    seed.blur()
    beat.make(beat.button("Again").click, "Vary")
    assert beat.groove == made


def test_a_seed_that_is_held_is_used_again(beat: Any) -> None:
    beat.panel("Create").get_by_label("Seed", exact=True).fill("77")
    beat.panel("Create").get_by_label("Seed", exact=True).blur()
    hold = beat.button("Hold the seed")
    assert hold.get_attribute("aria-pressed") == "true"
    assert beat.make(beat.button("New beat").click, "New beat")["seed"] == 77
    groove = beat.groove
    assert beat.make(beat.button("New beat").click, "New beat")["seed"] == 77
    assert beat.groove == groove
    hold.click()
    assert beat.make(beat.button("New beat").click, "New beat")["seed"] != 77


@pytest.mark.parametrize("wrong", ["", "seven", "-1", "1.5", "9007199254740993"])
def test_what_is_no_seed_is_put_back(beat: Any, wrong: str) -> None:
    shown = seed_shown(beat)
    beat.panel("Create").get_by_label("Seed", exact=True).fill(wrong)
    beat.panel("Create").get_by_label("Seed", exact=True).blur()
    assert seed_shown(beat) == shown


def test_the_journal_tells_what_was_made_and_gives_its_seed(beat: Any) -> None:
    asked = beat.make(beat.button("Vary").click, "Vary")
    beat.make(beat.button("New beat").click, "New beat")
    journal = beat.page.get_by_role("list", name="What was made")
    rows = journal.get_by_role("listitem").all_inner_texts()
    assert rows[0].startswith("New beat")
    assert rows[1].split("\n")[-1] == f"seed {asked['seed']}"
    beat.button(f"Take seed {asked['seed']} of Vary by 35 %").click()
    assert seed_shown(beat) == asked["seed"]
    assert beat.make(beat.button("New beat").click, "New beat")["seed"] == asked["seed"]


# -- requests that meet ------------------------------------------------------------------------


@pytest.fixture
def slow_vary(beat: Any) -> Iterator[tuple[Any, list[str]]]:
    """A desk whose server never answers `vary`, and the requests that were given up."""
    given_up: list[str] = []

    def failed(request: Any) -> None:
        given_up.append(request.url.rsplit("/", 1)[-1])

    beat.page.route("**/api/v1/vary", lambda route: None)
    beat.page.on("requestfailed", failed)
    beat.button("Vary").click()
    beat.page.wait_for_function("() => document.documentElement.hasAttribute('data-busy')")
    yield beat, given_up
    beat.page.remove_listener("requestfailed", failed)


def test_a_later_request_cancels_an_earlier_one(slow_vary: tuple[Any, list[str]]) -> None:
    desk, given_up = slow_vary
    desk.make(desk.button("New beat").click, "New beat")
    assert given_up == ["vary"]
    assert "Vary by 35 %" not in desk.done[-2:]
    assert desk.page.get_by_role("alert").count() == 0


def test_escape_stops_what_is_being_made(slow_vary: tuple[Any, list[str]]) -> None:
    desk, given_up = slow_vary
    before = desk.groove
    desk.page.wait_for_function(
        "() => document.getElementById('status').textContent === 'Vary by 35 % …'"
    )
    with desk.page.expect_event("requestfailed"):
        desk.page.keyboard.press("Escape")
    desk.settled()
    assert given_up == ["vary"]
    assert desk.groove == before
    assert desk.page.get_by_role("alert").count() == 0


def test_letters_are_shortcuts_unless_they_are_not_wanted(beat: Any) -> None:
    beat.button("Lock snare").click()
    beat.make(lambda: beat.page.keyboard.press("n"), "New beat")
    beat.make(lambda: beat.page.keyboard.press("v"), "Vary")
    beat.make(lambda: beat.page.keyboard.press("h"), "Humanise")
    beat.make(lambda: beat.page.keyboard.press("w"), "Write the rest")
    beat.make(lambda: beat.page.keyboard.press("r"), "Write the rest")
    beat.page.keyboard.press("?")
    letters = beat.page.get_by_role("checkbox", name="Letters are shortcuts")
    letters.uncheck()
    beat.button("Close").click()
    count = len(beat.done)
    beat.page.keyboard.press("n")
    beat.page.wait_for_timeout(50)
    assert len(beat.done) == count
    beat.button("Keys and help").click()
    letters.check()
    beat.page.keyboard.press("Escape")


# -- tapping -----------------------------------------------------------------------------------


def rhythm(desk: Any, taps: list[float], *, quantised: bool = False, bars: int = 4) -> Any:
    return desk.page.evaluate(
        """async ([taps, how]) => {
            const {rhythmOf} = await import(new URL("create/tap.js", document.baseURI));
            return rhythmOf(taps.map((seconds) => ({seconds, velocity: 0.5})), how).hits;
        }""",
        [taps, {"bpm": 120, "bars": bars, "quantised": quantised}],
    )


def test_taps_on_the_grid(desk: Any) -> None:
    taps = [-0.05, 0.13, 0.5, 0.51, 1.0 - 0.05, 7.99]
    assert [hit[0] for hit in rhythm(desk, taps)] == [0, 1, 4, 8]
    assert [hit[3] for hit in rhythm(desk, taps)] == pytest.approx([0, 0.04, 0, -0.4], abs=1e-6)
    assert [hit[3] for hit in rhythm(desk, taps, quantised=True)] == [0, 0, 0, 0]


@pytest.fixture
def armed(desk: Any) -> Iterator[Any]:
    """A desk that listens for taps at 200 bpm; `began` is when its first beat is."""
    desk.put(bpm=200)
    desk.requests.clear()
    desk.page.evaluate(
        "() => { const off = studio.transport.on('start', ({time}) => {"
        "window.began = time; off(); }); }"
    )
    desk.button("Tap").click()
    assert desk.button("Tap").get_attribute("aria-pressed") == "true"
    desk.page.wait_for_function("() => studio.transport.position >= 0.5")
    yield desk
    desk.page.evaluate("studio.transport.stop()")


def tapped(desk: Any) -> list[list[float]]:
    """Ends the tapping; gives the rhythm that was asked for, and waits for the part."""
    count = len(desk.done)
    desk.page.keyboard.press("Escape")
    desk.page.wait_for_function("count => studio.past.length > count", arg=count)
    (verb, asked), *_ = desk.requests
    assert verb == "tap"
    assert last(desk) == {"label": "Tap", "seed": asked["seed"]}
    desk.button("Stop").wait_for()  # the part is played
    hits: list[list[float]] = asked["groove"]["hits"]
    return hits


@pytest.mark.parametrize("quantised", [False, True])
def test_taps_of_a_midi_pad(armed: Any, quantised: bool) -> None:
    """They are where they were heard, with their velocities; one bar is enough, and is repeated."""
    armed.page.get_by_role("checkbox", name="Quantise").set_checked(quantised)
    armed.page.evaluate(
        """() => {
            for (const [step, velocity] of [[0, 1], [4.25, 0.5], [8, 0.25]]) {
                const time = studio.transport.toPerformance(began + step * 15 / 200);
                studio.emit("tap", {time, velocity});
            }
        }"""
    )
    assert armed.page.locator(".tap-pad").inner_text() == "3 taps"
    hits = tapped(armed)
    bar = hits[:3]
    assert hits == [[hit[0] + 16 * n, *hit[1:]] for n in range(4) for hit in bar]
    assert [(hit[0], hit[2]) for hit in bar] == [(0, 1), (4, 0.5), (8, 0.25)]
    late = 0 if quantised else 0.25
    # The browser tells its clocks to some microseconds.
    assert [hit[3] for hit in bar] == pytest.approx([0, late, 0], abs=0.02)
    assert len({hit[1] for hit in armed.groove["hits"]}) > 1


def test_taps_of_the_space_bar_and_of_the_pad_on_the_page(armed: Any) -> None:
    armed.page.keyboard.press(" ")
    assert armed.page.locator(".tap-pad").inner_text() == "1 tap"
    armed.page.wait_for_function("() => studio.transport.position >= 4")
    armed.page.locator(".tap-pad").dispatch_event("pointerdown")
    assert armed.page.locator(".tap-pad").inner_text() == "2 taps"
    hits = tapped(armed)
    assert hits
    assert all(hit[2] == 0.75 for hit in hits)


def test_no_taps_make_nothing(desk: Any) -> None:
    desk.put(bpm=300)
    count = len(desk.done)
    desk.page.keyboard.press("t")
    desk.page.wait_for_function("() => studio.transport.playing")
    desk.page.keyboard.press("Escape")
    desk.page.wait_for_function(
        "() => document.getElementById('status').textContent === 'Nothing was tapped'"
    )
    assert len(desk.done) == count
    assert not desk.page.locator(".tap-pad").is_visible()


def test_seeds_are_told_to_screen_readers(beat: Any) -> None:
    asked = beat.make(beat.button("New beat").click, "New beat")
    told = beat.page.locator("#status").text_content()
    assert re.fullmatch(rf"New beat: 4 bars, \d+ hits, seed {asked['seed']}", told)


def test_grooves_from_the_page_are_grooves(beat: Any) -> None:
    """What the page sends and shows keeps the rules of `Groove`."""
    beat.make(beat.button("Humanise").click, "Humanise")
    groove = beat.python(beat.groove)
    assert groove.bars == 4
    assert json.loads(json.dumps(beat.groove)) == beat.groove
    assert len(VOICES) == groove.hits.shape[1]
