"""MIDI in and out, audio, and links, as one uses them."""

from __future__ import annotations

import base64
import io
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import midi_bytes, parse_midi

from .conftest import (
    current,
    done,
    from_plain,
    heard,
    make_groove,
    plain,
    press,
    put,
    saved,
    settled,
)

DRUMS = builtin_map("ghostnote")


def groove_in(content: bytes) -> Groove:
    return to_groove(parse_midi(content), DRUMS)[0]


def midi_file(groove: Groove, name: str = "mine.mid") -> dict[str, Any]:
    content = midi_bytes(to_performance(groove, DRUMS))
    return {"name": name, "mimeType": "audio/midi", "buffer": content}


def drop(page: Any, files: list[dict[str, Any]]) -> None:
    """Drags files over the page and drops them, as far as the page can tell."""
    page.evaluate(
        """(files) => {
            const dataTransfer = new DataTransfer();
            for (const {name, base64} of files) {
                const bytes = Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
                dataTransfer.items.add(new File([bytes], name));
            }
            window.veiled = [];
            for (const type of ["dragenter", "dragover", "drop"]) {
                const event = new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true});
                document.querySelector("main").dispatchEvent(event);
                veiled.push(!document.querySelector(".drop-veil").hidden);
            }
        }""",
        [
            {"name": file["name"], "base64": base64.b64encode(file["buffer"]).decode()}
            for file in files
        ],
    )


# -- in --------------------------------------------------------------------------------------


def test_a_file_is_opened(page: Any) -> None:
    groove = make_groove(1, bars=2, bpm=93)
    put(page, make_groove(2), mutes=[0], swing=0.6, locks=[1])
    with page.expect_file_chooser() as chooser:
        press(page, "Open MIDI…")
    chooser.value.set_files(midi_file(groove))
    page.get_by_text("mine.mid: 2 bars").wait_for()
    file = midi_file(groove)["buffer"]
    assert from_plain(current(page)) == heard(page) == groove_in(file)
    assert done(page)[-1] == "mine.mid"
    page.evaluate("studio.undo()")
    assert current(page) == plain(make_groove(2))


def test_what_a_file_holds_beside_is_told(page: Any) -> None:
    song = mido.MidiFile()
    track = mido.MidiTrack()
    song.tracks.append(track)
    for pitch in (36, 38, 99, 42):
        track.append(mido.Message("note_on", channel=9, note=pitch, velocity=90, time=0))
        track.append(mido.Message("note_off", channel=9, note=pitch, time=240))
    content = io.BytesIO()
    song.save(file=content)
    drop(page, [{"name": "odd.mid", "buffer": content.getvalue()}])
    page.get_by_text("odd.mid: 1 bar, 3 hits").wait_for()
    assert "99" in page.get_by_role("status", name="What became of the file").inner_text()


def test_files_are_dropped_anywhere(page: Any) -> None:
    one, two = make_groove(4), make_groove(5)
    drop(page, [midi_file(one, "one.mid"), midi_file(two, "two.mid")])
    page.get_by_text("one.mid: 4 bars").wait_for()
    assert page.evaluate("veiled") == [True, True, False]
    assert from_plain(current(page)) == groove_in(midi_file(one)["buffer"])
    assert "Of 2 files, one.mid was opened" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("size", [64, 4 * 2**20 + 1])
def test_other_files_are_refused(open_studio: Any, size: int) -> None:
    page = open_studio()
    before = current(page)
    drop(page, [{"name": "cat.jpg", "buffer": bytes(size)}])
    notice = page.get_by_role("alert")
    notice.wait_for()
    assert "MIDI file" in notice.inner_text()
    assert current(page) == before
    # Chromium itself notes an answer that is an error.
    open_studio.said[:] = [line for line in open_studio.said if "status of 4" not in line]


# -- out -------------------------------------------------------------------------------------


def test_what_is_downloaded_is_what_sounds(page: Any) -> None:
    put(page, make_groove(6), mutes=[0, 3], swing=0.62)
    name, content = saved(page, "Download MIDI")
    assert name == "put-110-bpm.mid"
    assert content == midi_bytes(to_performance(heard(page), DRUMS))
    notes = [
        message for message in mido.MidiFile(file=io.BytesIO(content)) if message.type == "note_on"
    ]
    assert len(notes) == heard(page).n_hits < make_groove(6).n_hits
    assert {note.channel for note in notes} == {9}


def test_a_drag_carries_the_file_at_once(page: Any) -> None:
    put(page, make_groove(7), mutes=[2])
    carried = page.evaluate(
        """async () => {
            const dataTransfer = new DataTransfer();
            const chip = document.querySelector(".chip");
            chip.dispatchEvent(new DragEvent("dragstart", {dataTransfer, bubbles: true}));
            const [type, name, ...address] = dataTransfer.getData("DownloadURL").split(":");
            const file = dataTransfer.files[0];
            return {type, name, address: address.join(":"), fileName: file.name,
                bytes: Array.from(new Uint8Array(await file.arrayBuffer())),
                draggable: chip.draggable};
        }"""
    )
    expected = midi_bytes(to_performance(heard(page), DRUMS))
    assert carried["draggable"]
    assert bytes(carried["bytes"]) == expected
    assert (carried["type"], carried["name"]) == ("audio/midi", "put-110-bpm.mid")
    assert carried["fileName"] == carried["name"]
    with page.expect_download() as download:  # as the browser fetches it where the drag ends
        page.evaluate(
            """(href) => Object.assign(document.createElement("a"),
                {href, download: "x.mid"}).click()""",
            carried["address"],
        )
    with open(download.value.path(), "rb") as file:  # noqa: PTH123 (Playwright's own path)
        assert file.read() == expected


def test_audio_has_its_onsets_where_the_groove_has_them(page: Any) -> None:
    hits = np.zeros((16, 9), bool)
    hits[[0, 6, 11], [0, 1, 0]] = True
    late = hits * np.array([[0.0], *[[0.0]] * 5, [0.25], *[[0.0]] * 4, [-0.3], *[[0.0]] * 4])
    groove = Groove.from_cells(hits, hits * 0.9, late, bpm=96)
    put(page, groove)
    name, content = saved(page, "Download WAV")
    assert name == "put-96-bpm.wav"
    sound, rate = soundfile.read(io.BytesIO(content))
    assert soundfile.info(io.BytesIO(content)).subtype == "PCM_16"
    assert sound.shape[1] == 2
    assert len(sound) >= groove.seconds * rate
    level = np.abs(sound).max(axis=1)
    step = groove.seconds_per_step
    for time in (0, 6.25 * step, 10.7 * step):
        at = round(time * rate)
        before = level[max(0, at - 400) : max(1, at - 8)].max() if at else 0
        assert level[at : at + 800].max() > max(0.1, 3 * before)


# -- links -----------------------------------------------------------------------------------


def test_a_link_is_copied_and_opens_the_groove(open_studio: Any) -> None:
    page = open_studio(permissions=["clipboard-read", "clipboard-write"])
    put(page, make_groove(8, bpm=123.4), mutes=[1], swing=0.55)
    press(page, "Copy link")
    page.get_by_text("Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(page.url.split("#")[0] + "#groove=")
    other = open_studio(link.removeprefix(page.url.split("#")[0]))
    sounded, opened = heard(page), heard(other)
    assert (opened.hits == sounded.hits).all()
    assert opened.bpm == sounded.bpm
    assert np.abs(opened.velocity - sounded.velocity).max() <= 1 / 127
    assert np.abs(opened.offset - sounded.offset).max() <= 1.001 / 240
    assert done(other) == ["Start", "From a link"]


def test_a_link_is_shown_where_it_cannot_be_copied(open_studio: Any) -> None:
    page = open_studio(prepare=lambda page: page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined})"))  # fmt: skip
    press(page, "Copy link")
    field = page.get_by_role("textbox", name="Link")
    field.wait_for()
    assert "#groove=" in field.input_value()
    page.get_by_text("copy the link yourself").wait_for()


def test_a_damaged_link_says_so_and_there_is_a_beat(open_studio: Any) -> None:
    page = open_studio("#groove=AQQEBAAAAAAA")
    assert "damaged" in page.get_by_role("alert").inner_text()
    assert done(page) == ["Start", "First beat"]


def test_a_link_opens_in_a_page_that_is_open(page: Any) -> None:
    groove = make_groove(9)
    page.evaluate(
        """async (groove) => {
            const {toFragment} = await import("./files/link.js");
            location.hash = toFragment(groove);
        }""",
        plain(groove),
    )
    page.wait_for_function("() => studio.past.at(-1).label === 'From a link'")
    assert (heard(page).hits == groove.hits).all()
    settled(page)
