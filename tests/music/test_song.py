"""Songs: the drums are changed, and nothing else is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ghostnote.errors import MidiError
from ghostnote.music.grid import to_grooves
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import Message, messages_bytes, parse_messages
from ghostnote.music.song import (
    Song,
    drum_channel,
    find_drums,
    parse_song,
    read_song,
    with_drums,
    write_song,
)

MAP = builtin_map("ghostnote")
DRUMS = 9


def note(tick: int, pitch: int, velocity: int, length: int, channel: int = DRUMS) -> list[Message]:
    on, off = bytes((0x90 | channel, pitch, velocity)), bytes((0x80 | channel, pitch, 64))
    return [(tick, on), (tick + length, off)]


def made(*tracks: list[Message], per_beat: int = 480) -> Song:
    """A song of format 1 of these tracks."""
    in_order = [sorted(track, key=lambda message: message[0]) for track in tracks]
    ends = [max((tick for tick, _ in track), default=0) + 7 for track in tracks]
    return parse_song(
        messages_bytes(zip(in_order, ends, strict=True), ticks_per_beat=per_beat, format=1)
    )


def band(seed: int = 0, *, bars: int = 4, per_beat: int = 480) -> Song:
    """Tempos, meters, markers, lyrics, sysex; a bass; and drums with a flam and a cowbell."""
    random = np.random.default_rng(seed)
    step = per_beat // 4
    conductor: list[Message] = [
        (0, b"\xff\x51\x03\x07\xa1\x20"),
        (0, b"\xff\x58\x04\x04\x02\x18\x08"),
        (0, b"\xff\x59\x02\xfd\x01"),
        (8 * step, b"\xff\x51\x03\x06\x00\x00"),
        (16 * step, b"\xff\x06\x05verse"),
    ]
    bass: list[Message] = [(0, b"\xff\x03\x04Bass"), (0, b"\xc1\x22"), (3, b"\xb1\x07\x50")]
    for beat in range(4 * bars):
        bass += note(beat * per_beat, 36, 90, per_beat, channel=1)
        bass.append((beat * per_beat + 5, b"\xe1\x10\x40"))
    drums: list[Message] = [(0, b"\xc9\x08"), (0, b"\xf0\x03\x7e\x09\xf7"), (1, b"\xb9\x5b\x10")]
    half = step // 2
    for cell in np.flatnonzero(random.random(16 * bars) < 0.6):
        for pitch in random.choice([36, 38, 42, 46, 51], 2, replace=False):
            tick = max(0, int(cell) * step + int(random.integers(-half + 1, half)))
            drums += note(
                tick, int(pitch), int(random.integers(1, 128)), int(random.integers(1, 2 * step))
            )
    drums += note(20 * step - 3, 40, 30, 4) + note(20 * step, 38, 120, step)  # a flam
    drums += note(5 * step, 56, 99, step)  # a cowbell
    return made(conductor, bass, drums, per_beat=per_beat)


def others(song: Song) -> list[list[Message]]:
    """Every message that is not of a drum."""
    return [
        [one for one in track if one[1][0] not in (0x80 | DRUMS, 0x90 | DRUMS)]
        for track in song.tracks
    ]


def in_place(song: Song, change: int = 1) -> Song:
    """The song with its drums played at random, in the same cells."""
    drums = find_drums(song, MAP)
    random = np.random.default_rng(change)
    new = {}
    for number, passage in enumerate(drums.passages):
        old = passage.groove
        new[number] = Groove.from_cells(
            old.hits,
            random.uniform(0.01, 1, old.hits.shape),
            random.uniform(-0.5, 0.4999, old.hits.shape),
            bpm=old.bpm,
        )
    return with_drums(song, drums, new)


def test_a_song_is_what_the_file_says() -> None:
    song = band()
    assert parse_song(bytes(song)).tracks == song.tracks
    assert parse_song(bytes(song)).performance == song.performance
    assert [len(track) for track in song.tracks] == [5, 3 + 3 * 16, len(song.tracks[2])]


def test_running_status_is_written_out() -> None:
    body = b"\x00\x99\x24\x40\x10\x24\x00\x00\xff\x06\x01x\x00\x26\x50\x10\x26\x00\x00\xff\x2f\x00"
    data = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + len(body).to_bytes(4) + body
    ((messages, end),) = parse_messages(data)
    assert messages == [
        (0, b"\x99\x24\x40"), (16, b"\x99\x24\x00"), (16, b"\xff\x06\x01x"),
        (16, b"\x99\x26\x50"), (32, b"\x99\x26\x00"),
    ]  # fmt: skip
    assert end == 32
    assert parse_song(bytes(parse_song(data))).performance == parse_song(data).performance


@pytest.mark.parametrize("per_beat", [24, 96, 120, 480, 960])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_played_anew_the_hits_are_the_same_and_so_is_all_else(seed: int, per_beat: int) -> None:
    song = band(seed, per_beat=per_beat)
    new = in_place(song)
    assert others(new) == others(song)
    assert new.performance.tempos == song.performance.tempos
    assert new.performance.meters == song.performance.meters
    before, _ = to_grooves(song.performance, MAP)
    after, _ = to_grooves(new.performance, MAP)
    assert [section.start for section in after] == [section.start for section in before]
    for old, played in zip(before, after, strict=True):
        assert np.array_equal(old.groove.hits, played.groove.hits)
    count = Counter(song.performance.channels(10).pitch.tolist())
    assert Counter(new.performance.channels(10).pitch.tolist()) == count
    assert (new.performance.duration >= 0).all()


def test_the_new_playing_is_what_was_asked_for() -> None:
    song = band()
    drums = find_drums(song, MAP)
    (old,) = (passage.groove for passage in drums.passages)
    velocity = np.where(old.hits, np.float32(90 / 127), 0)
    offset = np.where(old.hits, np.float32(0.25), 0)
    new = with_drums(song, drums, {0: Groove(old.hits, velocity, offset, old.bpm)})
    (section,), _ = to_grooves(new.performance, MAP)
    assert np.array_equal(section.groove.velocity, velocity)
    assert np.abs(section.groove.offset - offset).max() <= 0.51 / 120


def test_nothing_changed_is_nothing_changed() -> None:
    song = band()
    drums = find_drums(song, MAP)
    same = {number: passage.groove for number, passage in enumerate(drums.passages)}
    assert bytes(with_drums(song, drums, same)) == bytes(song)
    assert bytes(with_drums(song, drums, {})) == bytes(song)


def test_notes_of_one_cell_stay_together() -> None:
    song = made([*note(470, 38, 40, 5), *note(480, 38, 100, 60), *note(0, 36, 90, 60)])
    drums = find_drums(song, MAP)
    (old,) = (passage.groove for passage in drums.passages)
    new = Groove.from_cells(old.hits, old.velocity / 2, old.offset + 0.1 * old.hits)
    played = with_drums(song, drums, {0: new}).performance
    assert played.onset.tolist() == [12, 482, 492]
    assert played.velocity.tolist() == [45, 20, 50]
    assert played.duration.tolist() == [60, 5, 60]


def test_a_note_ends_where_the_next_one_begins() -> None:
    song = made([*note(0, 36, 90, 120), *note(120, 36, 90, 120), *note(240, 36, 90, 200)])
    drums = find_drums(song, MAP)
    (old,) = (passage.groove for passage in drums.passages)
    offset = old.offset.copy()
    offset[[0, 1, 2], 0] = 0.25, -0.25, 0.25
    played = with_drums(song, drums, {0: Groove(old.hits, old.velocity, offset)}).performance
    assert played.onset.tolist() == [30, 90, 270]
    assert played.duration.tolist() == [60, 120, 200]


def test_other_drums_take_the_place_of_the_old() -> None:
    song = band()
    drums = find_drums(song, MAP)
    (old,) = (passage.groove for passage in drums.passages)
    random = np.random.default_rng(5)
    hits = random.random(old.hits.shape) < 0.3
    wanted = Groove.from_cells(
        hits, random.integers(1, 128, hits.shape) / 127, random.integers(0, 30, hits.shape) / 120
    )
    new = with_drums(song, drums, {0: wanted})
    assert others(new) == others(song)
    (section,), report = to_grooves(new.performance, MAP)
    assert np.array_equal(section.groove.hits, hits)
    assert np.abs(section.groove.velocity - wanted.velocity).max() < 0.51 / 127
    assert np.abs(section.groove.offset - wanted.offset).max() < 0.51 / 120
    assert report.unmapped == {56: 1}  # the cowbell stays
    silent = with_drums(song, drums, {0: Groove.silent(old.bars)})
    assert silent.performance.channels(10).pitch.tolist() == [56]


def test_new_hits_have_the_pitches_of_the_song() -> None:
    song = made([*note(0, 40, 90, 60), *note(480, 40, 90, 60), *note(960, 38, 90, 60)])
    drums = find_drums(song, MAP)
    hits = np.zeros((16, 9), bool)
    hits[2, 1] = hits[3, 0] = True
    new = with_drums(song, drums, {0: Groove.from_cells(hits, hits * 1.0, hits * 0.0)})
    assert new.performance.pitch.tolist() == [40, 36]


def test_meters_are_passages() -> None:
    waltz = b"\xff\x58\x04\x03\x02\x18\x08"
    common = b"\xff\x58\x04\x04\x02\x18\x08"
    bar = 4 * 480
    drums = [one for at in (0, bar, 2 * bar + 3 * 480, 3 * bar) for one in note(at, 36, 90, 60)]
    drums += note(2 * bar - 10, 38, 77, 60)  # early, and so of the waltz
    song = made([(0, common), (2 * bar, waltz), (2 * bar + 6 * 480, common)], drums)
    found = find_drums(song, MAP)
    assert [(one.start, one.bar, one.groove.meter) for one in found.passages] == [
        (0, 0, (4, 4)), (2 * bar, 2, (3, 4)), (2 * bar + 6 * 480, 4, (4, 4)),
    ][:2]  # fmt: skip
    new = with_drums(song, found, {0: Groove.silent(2)})
    kept = new.performance
    assert kept.onset.tolist() == [2 * bar - 10, 2 * bar + 3 * 480, 3 * bar]


@pytest.mark.parametrize(
    ("tracks", "channel"),
    [
        ([note(0, 60, 90, 9, channel=0), note(0, 36, 90, 9)], 10),
        (
            [note(0, 60, 90, 9, channel=0), [(0, b"\xff\x03\x05Drums"), *note(0, 36, 90, 9, 3)]],
            4,
        ),
        ([note(0, 36, 90, 9, channel=4)], 5),
    ],
)
def test_drums_are_found(tracks: list[list[Message]], channel: int) -> None:
    song = made(*tracks)
    assert drum_channel(song, MAP) == channel
    assert find_drums(song, MAP).channel == channel


def test_drums_that_are_not_found_are_asked_for() -> None:
    song = made(note(0, 36, 90, 9, channel=0), note(0, 36, 90, 9, channel=2))
    with pytest.raises(MidiError, match="named after drums") as caught:
        drum_channel(song, MAP)
    assert "1, 3" in str(caught.value)
    assert find_drums(song, MAP, channel=3).channel == 3
    with pytest.raises(MidiError, match="named after drums"):
        drum_channel(made([*note(0, 72, 90, 9, channel=0), *note(9, 38, 90, 9, channel=0)]), MAP)


def test_what_has_no_bars_is_refused() -> None:
    data = bytearray(bytes(band()))
    data[9] = 2
    with pytest.raises(MidiError, match="patterns"):
        parse_song(bytes(data))
    data[9], data[12] = 1, 0xE7
    with pytest.raises(MidiError, match="SMPTE"):
        parse_song(bytes(data))


def test_files(tmp_path: Path) -> None:
    song = band()
    write_song(tmp_path / "song.mid", song)
    assert bytes(read_song(tmp_path / "song.mid")) == bytes(song)
    with pytest.raises(MidiError, match="no such file"):
        read_song(tmp_path / "none.mid")


def test_real_songs(shared_midi: Path) -> None:
    files = sorted((shared_midi / "fullband").glob("*.mid"))
    assert files
    for file in files:
        song = read_song(file)
        assert parse_song(bytes(song)).performance == song.performance
        new = in_place(song)
        assert others(new) == others(song)
        before, _ = to_grooves(song.performance, MAP)
        after, _ = to_grooves(new.performance, MAP)
        for old, played in zip(before, after, strict=True):
            assert np.array_equal(old.groove.hits, played.groove.hits)


def test_damaged_songs_are_songs_or_refused(shared_midi: Path) -> None:
    """What can be read is written again and says the same."""
    songs = 0
    for file in sorted((shared_midi / "malformed").rglob("*.mid")):
        try:
            song = read_song(file)
        except MidiError:
            continue
        again = parse_song(bytes(song)).performance
        for name in ("onset", "pitch", "velocity", "channel", "duration"):
            assert np.array_equal(getattr(again, name), getattr(song.performance, name)), file
        songs += 1
    assert songs > 20
