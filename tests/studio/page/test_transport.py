"""Playing: what is put onto the audio clock, and when."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

KICK, SNARE, HAT = 0, 1, 2

SPY = """() => {
    if (window.spied) return;
    window.spied = {hits: [], steps: [], clicks: []};
    const {transport} = studio;
    const started = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (when) {
        if (this.context instanceof AudioContext) {
            spied.hits.push({when, now: this.context.currentTime, length: this.buffer.length});
        }
        return started.call(this, when);
    };
    const clicked = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (when) {
        spied.clicks.push({when, pitch: this.frequency.value});
        return clicked.call(this, when);
    };
    transport.on("start", ({time}) => { spied.start = time; });
    transport.on("step", (step) => spied.steps.push(structuredClone(step)));
}"""


@pytest.fixture
def player(desk: Any) -> Iterator[Any]:
    """A desk whose every start on the audio clock is noted."""
    desk.page.evaluate(SPY)
    desk.page.evaluate("Object.assign(spied, {hits: [], steps: [], clicks: [], start: undefined})")
    yield desk
    desk.page.evaluate("studio.transport.stop()")


def spied(player: Any, what: str) -> Any:
    return player.page.evaluate(f"spied.{what}")


def wait_steps(player: Any, count: int) -> None:
    player.page.wait_for_function("count => spied.steps.length >= count", arg=count)


def test_hits_are_on_the_audio_clock_to_the_frame(
    player: Any, in_time: Callable[..., None]
) -> None:
    hits = [(step, step % 3, 0.5, round(0.02 * step - 0.3, 3)) for step in range(16)]
    seconds = 15 / 240

    def all_are_there() -> bool:
        player.put(hits, bars=1, bpm=240)
        player.page.evaluate("Object.assign(spied, {hits: [], steps: []})")
        player.button("Play").click()
        wait_steps(player, 40)
        player.button("Stop").click()
        start, steps = spied(player, "start"), spied(player, "steps")
        for index, step in enumerate(steps):
            assert step["step"] == index % 16
            assert step["time"] == pytest.approx(start + index * seconds, abs=1e-9)
        expected = {
            round((start + (index + hits[index % 16][3]) * seconds) * 44100)
            for index in range(len(steps))
        }
        played = [hit["when"] * 44100 for hit in spied(player, "hits")]
        for frame in played:
            assert frame == pytest.approx(round(frame), abs=1e-4)
            assert expected & {round(frame) + near for near in (-1, 0, 1)}
        return len(played) == len(expected)

    in_time(all_are_there)


def test_the_playhead_goes_and_hits_glow(player: Any) -> None:
    player.put([(step, HAT, 0.5, 0.0) for step in range(64)], bpm=240)
    player.button("Play").click()
    player.page.locator(".playhead.shown").wait_for()
    player.page.locator(".cell.lit").first.wait_for()
    place = "new DOMMatrix(getComputedStyle(document.querySelector('.playhead')).transform).e"
    before = player.page.evaluate(place)
    player.page.wait_for_function(f"before => {place} > before + 20", arg=before)
    player.page.wait_for_function("() => document.querySelector('.place').textContent >= '1.3'")
    player.button("Stop").click()
    assert player.page.locator(".playhead.shown, .cell.lit").count() == 0
    assert player.page.locator(".place").text_content() == "1.1"


def test_a_new_groove_waits_for_the_bar_line(player: Any) -> None:
    player.put([(step, KICK, 0.5, 0.0) for step in range(0, 64, 2)], bpm=240)
    player.button("Play").click()
    wait_steps(player, 6)
    player.page.evaluate(
        "studio.set({...studio.groove, hits: studio.groove.hits.map("
        "([step, , velocity, offset]) => [step, 8, velocity, offset])}, {label: 'other'})"
    )
    wait_steps(player, len(spied(player, "steps")) + 36)
    voices = [{hit["voice"] for hit in step["hits"]} for step in spied(player, "steps")]
    bar_line = next(index for index, heard in enumerate(voices) if heard == {8})
    assert bar_line % 16 == 0
    assert bar_line > 0
    assert all(heard <= {KICK} for heard in voices[:bar_line])
    assert all(heard <= {8} for heard in voices[bar_line:])
    times = [step["time"] for step in spied(player, "steps")]
    gaps = {round(b - a, 9) for a, b in itertools.pairwise(times)}
    assert gaps == {15 / 240}


def test_a_hand_is_heard_at_once(player: Any) -> None:
    player.put([], bars=1, bpm=120)
    player.button("Play").click()
    wait_steps(player, 2)
    player.cell(12, SNARE).click()
    after = len(spied(player, "steps"))
    wait_steps(player, after + 16)
    heard = [s["hits"] for s in spied(player, "steps")[after:] if s["step"] == 12]
    assert heard
    assert all([hit["voice"] for hit in hits] == [SNARE] for hits in heard)


def test_tempo(player: Any) -> None:
    player.put([], bpm=120)
    tempo = player.page.get_by_role("spinbutton", name="Tempo", exact=True)
    assert tempo.input_value() == "120"
    player.button("Play").click()
    wait_steps(player, 3)
    tempo.fill("240")
    tempo.press("Enter")
    assert player.groove["bpm"] == 240
    wait_steps(player, len(spied(player, "steps")) + 8)
    times = [step["time"] for step in spied(player, "steps")]
    gaps = [round(b - a, 6) for a, b in itertools.pairwise(times)]
    slow = gaps.count(0.125)
    assert gaps == [0.125] * slow + [0.0625] * (len(gaps) - slow)
    assert 0 < slow < len(gaps)
    player.button("Undo: Tempo 240").click()
    assert player.groove["bpm"] == 120
    assert tempo.input_value() == "120"
    tempo.fill("9999")
    tempo.press("Enter")
    assert player.groove["bpm"] == 300
    assert tempo.input_value() == "300"


def test_swing(player: Any) -> None:
    player.put([(step, HAT, 0.5, 0.0) for step in range(16)], bars=1, bpm=240)
    player.slide("Swing", 60, of="Transport")
    player.button("Play").click()
    wait_steps(player, 12)
    for step in spied(player, "steps"):
        late = 0.2 * 15 / 240 if step["step"] % 2 else 0
        assert step["hits"][0]["time"] == pytest.approx(step["time"] + late, abs=1e-7)
    player.page.keyboard.press("Control+z")
    assert player.page.evaluate("studio.transport.swing") == 0.5
    assert player.slider("Swing", of="Transport").input_value() == "50"


def test_without_loop_it_ends(player: Any) -> None:
    player.put([(0, KICK, 0.5, 0.0)], bars=1, bpm=300)
    player.button("Loop").click()
    assert player.button("Loop").get_attribute("aria-pressed") == "false"
    player.button("Play").click()
    player.button("Stop").wait_for()
    player.button("Play").wait_for()
    assert len(spied(player, "steps")) == 16
    player.button("Loop").click()
    player.button("Play").click()
    wait_steps(player, 34)
    assert spied(player, "steps")[32]["step"] == 0


def test_metronome(player: Any) -> None:
    player.put([], bars=1, bpm=300)
    player.button("Metronome").click()
    player.button("Play").click()
    wait_steps(player, 20)
    player.button("Metronome").click()
    clicks, start = spied(player, "clicks"), spied(player, "start")
    for index, click in enumerate(clicks):
        assert click["when"] == pytest.approx(start + index * 0.2, abs=1e-9)
        assert (click["pitch"] > 1200) == (index % 4 == 0)
    count = len(clicks)
    assert count >= 5
    wait_steps(player, 32)
    assert len(spied(player, "clicks")) == count


def test_volume(player: Any) -> None:
    player.button("Play").click()
    player.button("Stop").wait_for()
    player.page.evaluate(
        """() => {
            const set = AudioParam.prototype.setTargetAtTime;
            AudioParam.prototype.setTargetAtTime = function (...how) {
                window.volume = how[0];
                return set.apply(this, how);
            };
        }"""
    )
    player.slide("Volume", 0.5, of="Transport")
    assert player.page.evaluate("volume") == 0.25
    player.slide("Volume", 0, of="Transport")
    assert player.page.evaluate("volume") == 0
    player.slide("Volume", 0.8, of="Transport")


def test_the_grid_follows_unless_someone_is_at_work_in_it(player: Any) -> None:
    def shown(bars: str) -> bool:
        pressed: str | None = player.button(f"Bars {bars}").get_attribute("aria-pressed")
        return pressed == "true"

    def play_into_the_last_bar() -> None:
        player.page.evaluate("studio.transport.play({from: 60})")
        player.page.wait_for_function("() => studio.transport.position > 65")

    player.put([], bars=5, bpm=150)
    play_into_the_last_bar()
    player.page.locator(".bar-tabs button[aria-pressed=true]", has_text="2–5").wait_for()
    player.cell(3, KICK).focus()
    player.page.wait_for_function("() => studio.transport.position < 16")
    assert shown("2–5")
    player.page.evaluate("document.activeElement.blur()")
    player.page.locator(".bar-tabs button[aria-pressed=true]", has_text="1–4").wait_for()
    player.button("Follow").click()
    play_into_the_last_bar()
    assert shown("1–4")
    player.button("Follow").click()


def test_a_late_hit_is_left_out(player: Any) -> None:
    """Where the page could not work for a while, hits come in time or not at all."""
    player.put([(step, HAT, 0.5, 0.0) for step in range(64)], bpm=300)
    player.button("Play").click()
    wait_steps(player, 4)
    player.page.evaluate("() => { const end = Date.now() + 600; while (Date.now() < end); }")
    wait_steps(player, 30)
    hits, steps = spied(player, "hits"), spied(player, "steps")
    assert len(hits) < len(steps)
    assert all(hit["when"] > hit["now"] - 0.031 for hit in hits)
    times = [step["time"] for step in steps]
    assert {round(b - a, 9) for a, b in itertools.pairwise(times)} == {15 / 300}


def test_no_stutter_while_generating(player: Any, in_time: Callable[..., None]) -> None:
    """Beats are made all the time, and no hit is put onto the clock too late."""

    def in_time_always() -> bool:
        player.put([(step, HAT, 0.5, 0.0) for step in range(64)], bpm=200)
        player.page.evaluate("Object.assign(spied, {hits: [], steps: []})")
        player.button("Play").click()
        for _ in range(8):
            player.make(player.button("New beat").click, "New beat")
        wait_steps(player, 40)
        times = [step["time"] for step in spied(player, "steps")]
        assert {round(b - a, 9) for a, b in itertools.pairwise(times)} == {15 / 200}
        hits = spied(player, "hits")
        assert hits
        return all(hit["when"] > hit["now"] for hit in hits)

    in_time(in_time_always)


def test_keys(player: Any) -> None:
    player.page.keyboard.press("p")
    player.button("Stop").wait_for()
    player.page.keyboard.press(" ")
    player.button("Play").wait_for()


def test_stopping_silences_what_is_to_come(player: Any) -> None:
    player.put([(step, 8, 1.0, 0.0) for step in range(64)], bpm=300)
    player.button("Play").click()
    wait_steps(player, 8)
    player.button("Stop").click()
    count = len(spied(player, "hits"))
    player.page.wait_for_timeout(150)
    assert len(spied(player, "hits")) == count
    assert player.page.evaluate("studio.transport.position") is None
