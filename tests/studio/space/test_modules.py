"""What the page computes without a page: files, links, paths, and the tray's list."""

from __future__ import annotations

import base64
import io
import math
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest

from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import midi_bytes, parse_midi

from .conftest import from_plain, make_groove, plain

DRUMS = builtin_map("ghostnote")


def grooves() -> list[Groove]:
    """Of several meters, lengths and tempos; sparse, dense and silent; early and on the edge."""
    edge = np.zeros((16, 9), bool)
    edge[0] = edge[-1] = edge[7:9, 0] = True
    halves = np.where(edge, np.linspace(-0.5, 0.49999, 144).reshape(16, 9), 0)
    return [
        *(make_groove(seed, bpm=60 + 17.3 * seed) for seed in range(8)),
        make_groove(20, meter=(3, 4), bars=3),
        make_groove(21, meter=(7, 8), bars=5, bpm=1000),
        make_groove(22, bars=64, bpm=3.6),
        Groove.silent(2, bpm=120.5),
        Groove.from_cells(edge, edge * 0.001, halves, bpm=133.33),
        Groove.from_cells(edge, edge * 1.0, edge * -0.5),
    ]


# -- MIDI files ------------------------------------------------------------------------------


def test_midi_files_are_those_of_python(call: Any) -> None:
    results = call([("files/midi", "midiBytes", plain(groove)) for groove in grooves()])
    for result, groove in zip(results, grooves(), strict=True):
        assert result["value"] == midi_bytes(to_performance(groove, DRUMS))


def test_halves_are_rounded_as_numpy_rounds(call: Any) -> None:
    values = [*np.arange(-5, 5, 0.25).tolist(), 0.49999999999999994, 2.5, 3.5]
    results = call([("midi/pitches", "halfEven", value) for value in values])
    assert [result["value"] for result in results] == [round(value) for value in values]


def test_pitches_are_those_of_the_drum_map(call: Any) -> None:
    assert tuple(call([("midi/pitches", "PITCHES")])[0]["value"]) == DRUMS.written


def test_a_tempo_that_midi_lacks_is_refused(call: Any) -> None:
    result = call([("files/midi", "midiBytes", plain(make_groove(bpm=3.5)))])[0]
    assert "at least 3.6 bpm" in result["error"]


def test_archives_are_read_by_others(call: Any) -> None:
    files = {"one.mid": b"MThd", "zwölf.mid": bytes(range(256)) * 40, "empty.mid": b""}
    named = [{"name": name, "bytes": content} for name, content in files.items()]
    data = call([("files/zip", "zipBytes", named)])[0]["value"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


# -- links -----------------------------------------------------------------------------------


def test_a_link_gives_the_groove_back_to_its_rounding(call: Any) -> None:
    made = [result["value"] for result in call(
        [("files/link", "toFragment", plain(groove)) for groove in grooves()])]  # fmt: skip
    assert all(set(link) <= set("#=") | set(map(chr, range(45, 123))) for link in made)
    opened = call([("files/link", "fromFragment", link) for link in made])
    for result, groove in zip(opened, grooves(), strict=True):
        back = from_plain(result["value"])
        assert (back.hits == groove.hits).all()
        assert (back.bpm, back.meter) == (groove.bpm, groove.meter)
        most = np.where(groove.velocity < 1 / 254, 1, 0.51) / 127  # hits are never written as 0
        assert (np.abs(back.velocity - groove.velocity) <= most).all()
        assert np.abs(back.offset - groove.offset).max() <= 1.001 / 240


def test_what_was_a_midi_file_goes_through_a_link_unchanged(call: Any) -> None:
    for groove in grooves()[:3]:
        once, _ = to_groove(parse_midi(midi_bytes(to_performance(groove, DRUMS))), DRUMS)
        link = call([("files/link", "toFragment", plain(once))])[0]["value"]
        back = call([("files/link", "fromFragment", link)])[0]["value"]
        assert back == plain(once)


def test_a_link_is_short(call: Any) -> None:
    groove = make_groove(3)
    link = call([("files/link", "toFragment", plain(groove))])[0]["value"]
    assert len(link) < 130 + 2.7 * groove.n_hits


def test_other_fragments_are_left_alone(call: Any) -> None:
    results = call([("files/link", "fromFragment", text) for text in ("", "#", "#help")])
    assert [result["value"] for result in results] == [None] * 3


def test_damaged_links_say_so(call: Any) -> None:
    link: str = call([("files/link", "toFragment", plain(make_groove(5, bars=1)))])[0]["value"]
    prefix = "#groove="
    body = link.removeprefix(prefix)
    bad = [
        *(prefix + body[:end] for end in range(len(body) - 1)),
        *(prefix + body[:at] + ("A" if body[at] != "A" else "B") + body[at + 1 :]
          for at in range(len(body) - 1)),
        prefix + body + "!", prefix + body.replace("A", "%20"), link + ".", prefix + "é",
    ]  # fmt: skip
    for result in call([("files/link", "fromFragment", text) for text in bad]):
        assert "damaged" in result.get("error", "it was opened")


def sealed(content: bytes) -> str:
    whole = content + zlib.crc32(content).to_bytes(4, "little")
    return "#groove=" + base64.urlsafe_b64encode(whole).decode().rstrip("=")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (b"\x02\4\4\1\0" + np.float64(120).tobytes() + bytes(18), "another version"),
        (b"\x01\0\4\1\0" + np.float64(120).tobytes() + bytes(18), "damaged"),
        (b"\x01\4\3\1\0" + np.float64(120).tobytes() + bytes(18), "damaged"),
        (b"\x01\4\4\0\0" + np.float64(120).tobytes() + bytes(18), "damaged"),
        (b"\x01\4\4\xff\xff" + np.float64(120).tobytes() + bytes(18), "damaged"),
        (b"\x01\4\4\1\0" + np.float64(math.nan).tobytes() + bytes(18), "damaged"),
        (b"\x01\4\4\1\0" + np.float64(-1).tobytes() + bytes(18), "damaged"),
        (b"\x01\4\4\1\0" + np.float64(120).tobytes() + b"\1" + bytes(17), "damaged"),
        (b"\x01\4\4\1\0" + np.float64(120).tobytes() + b"\1" + bytes(17) + b"\0\0", "damaged"),
        (b"\x01\4\4\1\0" + np.float64(120).tobytes() + b"\1" + bytes(17) + b"\5\x80", "damaged"),
        (b"\x01\4\4\1\0" + np.float64(120).tobytes() + b"\1" + bytes(17) + b"\xff\0", "damaged"),
    ],
)
def test_links_made_by_others_are_checked(call: Any, content: bytes, message: str) -> None:
    assert message in call([("files/link", "fromFragment", sealed(content))])[0]["error"]


def test_links_have_an_end(call: Any) -> None:
    result = call([("files/link", "toFragment", plain(make_groove(bars=65)))])[0]
    assert "64 bars" in result["error"]


# -- paths -----------------------------------------------------------------------------------

CORNER = [{"x": 0, "y": 0}, {"x": 0, "y": 0.5}, {"x": 0, "y": 0.5}, {"x": 0.5, "y": 0.5}]


def test_stations_lie_evenly_along_a_path(call: Any) -> None:
    five, one, stay = (result["value"] for result in call([
        ("space/path", "stations", CORNER, 5),
        ("space/path", "stations", CORNER, 1),
        ("space/path", "stations", CORNER[:1], 3),
    ]))  # fmt: skip
    assert [point["x"] for point in five] == pytest.approx([0, 0, 0, 0.25, 0.5])
    assert [point["y"] for point in five] == pytest.approx([0, 0.25, 0.5, 0.5, 0.5])
    assert one == CORNER[:1]
    assert stay == CORNER[:1] * 3


def test_a_pen_leaves_points_on_the_pad_that_are_apart(call: Any) -> None:
    end = [{"x": 0, "y": 1}]
    outside, hardly, away = (result["value"] for result in call([
        ("space/path", "drawn", [], {"x": -0.2, "y": 2}),
        ("space/path", "drawn", end, {"x": 0.005, "y": 1}),
        ("space/path", "drawn", end, {"x": 1.3, "y": 0.5}),
    ]))  # fmt: skip
    assert outside == hardly == end
    assert away == [*end, {"x": 1, "y": 0.5}]


# -- the tray's list -------------------------------------------------------------------------


def test_names_in_the_tray_and_of_files_differ(call: Any) -> None:
    loops = [{"id": str(number), "name": name} for number, name in
             enumerate(["Loop", "Loop 2", "loop!", "…", "Größe 1"])]  # fmt: skip
    free, long, files, renamed = (result["value"] for result in call([
        ("tray/store", "freeName", loops, "Loop"),
        ("tray/store", "freeName", loops, "x" * 100),
        ("tray/store", "fileNames", loops, ".mid"),
        ("tray/store", "renamed", loops, "1", "  "),
    ]))  # fmt: skip
    assert free == "Loop 3"
    assert len(long) <= 60
    assert files == ["loop.mid", "loop-2.mid", "loop-3.mid", "loop-4.mid", "größe-1.mid"]
    assert renamed == loops


def test_the_tray_is_bounded(call: Any) -> None:
    loop = {"id": "a", "name": "a"}
    fits, full = call([("tray/store", "kept", [loop] * 99, loop),
                       ("tray/store", "kept", [loop] * 100, loop)])  # fmt: skip
    assert len(fits["value"]) == 100
    assert "Delete some" in full["error"]


def test_only_grooves_are_taken_from_outside(call: Any) -> None:
    good = plain(make_groove(1))
    bad = [
        None, 3, "groove", {}, {**good, "bars": 0}, {**good, "bars": 1.5}, {**good, "bpm": "x"},
        {**good, "meter": [4]}, {**good, "meter": [4, 0]}, {**good, "hits": [[64, 0, 1, 0]]},
        {**good, "hits": [[0, 9, 1, 0]]}, {**good, "hits": [[0, 0, 0, 0]]},
        {**good, "hits": [[0, 0, 1, 0.5]]}, {**good, "hits": [[0, 0, 1]]},
    ]  # fmt: skip
    results = call([("tray/store", "isGroove", value) for value in (good, *bad)])
    assert [bool(result["value"]) for result in results] == [True] + [False] * len(bad)
