"""Web MIDI: what is sent and when, and what is struck."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map

from .conftest import make_groove, press, put

PITCHES = builtin_map("ghostnote").written

MOCK = """
window.sent = [];
const port = (id, type) => Object.assign(new EventTarget(), {
    id, type, name: `${type} ${id}`, state: "connected", open: async () => {},
    send: (bytes, time) => sent.push({id, bytes: [...bytes], time: time ?? performance.now(),
        now: performance.now()}),
});
window.midi = Object.assign(new EventTarget(), {
    outputs: new Map([["a", port("a", "output")], ["b", port("b", "output")]]),
    inputs: new Map([["pads", port("pads", "input")]]),
});
navigator.requestMIDIAccess = async () => midi;
"""


@pytest.fixture
def page(open_studio: Any) -> Any:
    page = open_studio(prepare=lambda page: page.add_init_script(MOCK))
    press(page, "Connect MIDI")
    page.get_by_label("Output").wait_for()
    return page


def play(page: Any, seconds: float) -> list[dict[str, Any]]:
    """What is sent while the loop plays, and after it was stopped.

    The clocks of sound and of the page run alike here: without a sound card, that of sound falls
    behind while the machine is busy.
    """
    page.evaluate("() => { sent.length = 0; }")
    page.evaluate(
        """async (seconds) => {
            await studio.transport.hit(0, 0.01);
            const zero = performance.now() - 1000 * studio.transport.time;
            studio.transport.toPerformance = (time) => zero + 1000 * time;
            studio.transport.on("step", ({step, time}) => {
                if (step === 0) window.began ??= studio.transport.toPerformance(time);
            });
            await studio.transport.play();
            await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
            studio.transport.stop();
            window.stopped = performance.now();
        }""",
        seconds,
    )
    page.wait_for_timeout(250)
    sent: list[dict[str, Any]] = page.evaluate("sent")
    return sent


def kind(sent: list[dict[str, Any]], status: int) -> list[dict[str, Any]]:
    return [message for message in sent if message["bytes"][0] == status]


def test_notes_have_the_grooves_timing_and_velocity(page: Any) -> None:
    hits = np.zeros((16, 9), bool)
    hits[[0, 2, 3, 5, 6], [0, 2, 1, 8, 0]] = True
    random = np.random.default_rng(3)
    groove = Groove.from_cells(
        hits, random.uniform(0.2, 1, hits.shape), random.uniform(-0.2, 0.4, hits.shape), bpm=160
    )
    put(page, groove)
    sent = play(page, 1.2)
    on, off = kind(sent, 0x99), kind(sent, 0x89)
    steps, voices = np.nonzero(hits)
    seconds = groove.seconds_per_step
    expected = sorted(
        (float(step + groove.offset[step, voice]) * seconds * 1000, PITCHES[voice],
         round(float(groove.velocity[step, voice]) * 127))
        for step, voice in zip(steps.tolist(), voices.tolist(), strict=True)
    )  # fmt: skip
    began = page.evaluate("began")
    assert len(on) >= len(expected)
    for message, (time, pitch, loud) in zip(on, expected, strict=False):
        assert message["bytes"][1:] == [pitch, loud]
        assert message["time"] - began == pytest.approx(time, abs=0.01)
    # What is sent too early could not be taken back by a stop.
    assert max(message["time"] - message["now"] for message in on) < 60
    assert {message["bytes"][1] for message in off} <= {message["bytes"][1] for message in on}


def test_the_clock_ticks_24_times_a_quarter(page: Any) -> None:
    put(page, make_groove(1, bpm=150))
    sent = play(page, 1.5)
    order = [message["bytes"][0] for message in sent if message["bytes"][0] >= 0xF0]
    assert order[0] == 0xFA
    assert order[-1] == 0xFC
    assert set(order[1:-1]) == {0xF8}
    ticks = np.array([message["time"] for message in kind(sent, 0xF8)])
    assert len(ticks) > 60
    assert np.diff(ticks) == pytest.approx(np.full(len(ticks) - 1, 60_000 / 150 / 24), abs=0.01)
    assert kind(sent, 0xFA)[0]["time"] == pytest.approx(ticks[0], abs=0.01)
    stopped = page.evaluate("stopped")
    assert max(message["now"] for message in sent) <= stopped + 1
    assert ticks.max() < stopped + 60


def test_it_goes_on_from_where_it_starts(page: Any) -> None:
    put(page, make_groove(2))
    page.evaluate("studio.transport.play({from: 20})")
    page.wait_for_function("() => sent.some(({bytes}) => bytes[0] === 0xfb)")
    page.evaluate("studio.transport.stop()")
    assert kind(page.evaluate("sent"), 0xF2)[0]["bytes"] == [0xF2, 20, 0]
    assert not kind(page.evaluate("sent"), 0xFA)


def test_what_is_sent_can_be_chosen(page: Any) -> None:
    put(page, make_groove(3))
    page.get_by_label("Clock").uncheck()
    assert {message["bytes"][0] for message in play(page, 0.5)} == {0x99, 0x89, 0xB9}
    page.get_by_label("Clock").check()
    page.get_by_label("Notes on channel 10").uncheck()
    assert {message["bytes"][0] for message in play(page, 0.5)} == {0xFA, 0xF8, 0xFC, 0xB9}
    page.get_by_label("Sound of the page, too").uncheck()
    assert page.evaluate("studio.transport.audible") is False


def test_ports_come_go_and_are_chosen(page: Any) -> None:
    put(page, make_groove(4))
    assert page.get_by_label("Output").input_value() == "a"
    page.get_by_label("Output").select_option("output b")
    assert {message["id"] for message in play(page, 0.4)} == {"b"}
    page.evaluate(
        """() => { midi.outputs.get("b").state = "disconnected";
            midi.dispatchEvent(new Event("statechange")); }"""
    )
    assert page.get_by_label("Output").input_value() == ""
    assert play(page, 0.3) == []


def test_any_note_is_a_tap(page: Any) -> None:
    page.evaluate(
        """() => {
            window.taps = [];
            studio.on("tap", (tap) => taps.push(tap));
            const others = [[0x95, 60, 0], [0x85, 60, 64], [0xb0, 1, 2], [0xf8]];
            for (const data of [[0x95, 60, 100], ...others]) {
                midi.inputs.get("pads").dispatchEvent(
                    Object.assign(new Event("midimessage"), {data: Uint8Array.from(data)}));
            }
        }"""
    )
    page.get_by_text("Heard note 60, velocity 100.").wait_for()
    taps = page.evaluate("taps")
    assert [tap["velocity"] for tap in taps] == [100 / 127]
    assert 0 < taps[0]["time"] <= page.evaluate("performance.now()")
    page.get_by_label("Input for tapping").select_option("No input")
    page.evaluate(
        """() => midi.inputs.get("pads").dispatchEvent(Object.assign(new Event("midimessage"),
            {data: Uint8Array.from([0x90, 60, 1])}))"""
    )
    assert len(page.evaluate("taps")) == 1


def test_taps_on_a_pad_become_a_beat(page: Any) -> None:
    press(page, "Tap")
    page.wait_for_function("() => studio.transport.playing")
    for _ in range(4):
        page.wait_for_timeout(300)
        page.evaluate(
            """() => midi.inputs.get("pads").dispatchEvent(Object.assign(
                new Event("midimessage"), {data: Uint8Array.from([0x99, 36, 110])}))"""
        )
    page.get_by_text("Heard note 36, velocity 110.").wait_for()


def test_a_browser_without_midi_says_so(open_studio: Any) -> None:
    page = open_studio(prepare=lambda page: page.add_init_script(
        "delete Navigator.prototype.requestMIDIAccess"))  # fmt: skip
    page.get_by_text("This browser has no Web MIDI.").wait_for()
    assert page.get_by_role("button", name="Connect MIDI").count() == 0


def test_forbidden_midi_says_so(open_studio: Any) -> None:
    page = open_studio(prepare=lambda page: page.add_init_script(
        "navigator.requestMIDIAccess = async () => { throw new DOMException('no'); }"))  # fmt: skip
    press(page, "Connect MIDI")
    notice = page.get_by_role("alert")
    notice.wait_for()
    assert "Allow MIDI" in notice.inner_text()
    assert page.get_by_role("button", name="Connect MIDI").is_visible()
