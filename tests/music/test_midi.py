"""The reader and writer of MIDI files: what every file must give, and what is refused."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import GhostnoteError, MidiError, OutputError
from ghostnote.music.midi import Performance, midi_bytes, parse_midi, read_midi, write_midi

END = b"\x00\xff\x2f\x00"
Note = tuple[int, int, int, int]
Take = tuple[dict[str, str], bytes]


def smf(*tracks: bytes, midi_format: int = 0, division: int = 96) -> bytes:
    """A MIDI file around the events of each track."""
    header = b"".join(value.to_bytes(2) for value in (midi_format, len(tracks), division))
    chunks = [b"MThd" + len(header).to_bytes(4) + header]
    chunks += [b"MTrk" + len(track).to_bytes(4) + track for track in tracks]
    return b"".join(chunks)


def notes(performance: Performance) -> list[Note]:
    """(tick, pitch, velocity, channel) in the order of the performance."""
    columns = (
        performance.onset, performance.pitch, performance.velocity, performance.channel,
    )  # fmt: skip
    return list(zip(*(column.tolist() for column in columns), strict=True))


def mido_notes(data: bytes) -> list[Note]:
    """The same, as mido reads the file: ordered by tick, then by track."""
    found = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                found.append((tick, message.note, message.velocity, message.channel))
    return sorted(found, key=lambda note: note[0])


def performance_of(rows: list[tuple[int, int, int]], **others: object) -> Performance:
    """Notes on channel 10 from (onset, pitch, duration)."""
    onset, pitch, duration = np.array(rows, np.int64).reshape(-1, 3).T
    count = len(rows)
    values: dict[str, object] = {
        "ticks_per_beat": 96, "onset": onset, "pitch": pitch, "duration": duration,
        "velocity": np.full(count, 100), "channel": np.full(count, 9),
        "track": np.zeros(count, int), "end": 10_000,
    }  # fmt: skip
    return Performance(**(values | others))  # type: ignore[arg-type]


# -- every note-on is a note -----------------------------------------------------------------

EVENTS = {
    "plain": (b"\x00\x99\x24\x64\x60\x89\x24\x40", [(0, 36, 100, 9)], [96]),
    "velocity 0 is a note-off": (b"\x00\x99\x24\x64\x60\x99\x24\x00", [(0, 36, 100, 9)], [96]),
    "no note-off": (b"\x05\x99\x24\x64", [(5, 36, 100, 9)], [-1]),
    "zero length": (b"\x00\x99\x24\x64\x00\x89\x24\x40", [(0, 36, 100, 9)], [0]),
    "note-off of another pitch": (b"\x00\x99\x24\x64\x01\x89\x25\x40", [(0, 36, 100, 9)], [-1]),
    "note-off of another channel": (b"\x00\x99\x24\x64\x01\x88\x24\x40", [(0, 36, 100, 9)], [-1]),
    "note-off before any note": (b"\x00\x89\x24\x40\x01\x99\x24\x64", [(1, 36, 100, 9)], [-1]),
    "struck again": (
        b"\x00\x99\x24\x64\x0a\x99\x24\x32\x00\x89\x24\x40\x0a\x89\x24\x40",
        [(0, 36, 100, 9), (10, 36, 50, 9)],
        [10, 10],
    ),
    "running status": (
        b"\x00\x99\x24\x64\x0a\x26\x32\x0a\x24\x00",
        [(0, 36, 100, 9), (10, 38, 50, 9)],
        [20, -1],
    ),
    "running status over a meta event": (
        b"\x00\x99\x24\x64\x01\xff\x01\x01x\x01\x26\x32",
        [(0, 36, 100, 9), (2, 38, 50, 9)],
        [-1, -1],
    ),
    "running status over a system exclusive": (
        b"\x00\x99\x24\x64\x01\xf0\x02\x7e\xf7\x01\x26\x32",
        [(0, 36, 100, 9), (2, 38, 50, 9)],
        [-1, -1],
    ),
    "running status of one data byte": (
        b"\x00\xc9\x01\x01\x02\x01\x03\x01\x99\x24\x64\x01\xd9\x05\x01\x06\x01\x99\x26\x32",
        [(3, 36, 100, 9), (6, 38, 50, 9)],
        [-1, -1],
    ),
    "delta times of 1 to 4 bytes": (
        b"\x7f\x99\x24\x01\x81\x00\x24\x02\x81\x80\x00\x24\x03\x81\x80\x80\x00\x24\x04"
        b"\x80\x80\x80\x05\x99\x24\x05",
        [
            (tick, 36, velocity, 9)
            for velocity, tick in enumerate((127, 255, 16639, 2113791, 2113796), start=1)
        ],
        [-1] * 5,
    ),
    "nothing but a controller": (b"\x00\xb9\x04\x40\x01\x04\x41", [], []),
}


@pytest.mark.parametrize("name", EVENTS)
def test_events(name: str) -> None:
    events, expected, durations = EVENTS[name]
    performance = parse_midi(smf(events + END))
    assert notes(performance) == expected
    assert performance.duration.tolist() == durations
    assert not performance.warnings
    if "exclusive" not in name:  # which mido refuses
        assert expected == mido_notes(smf(events + END))


def test_tempos_meters_and_end() -> None:
    tempo, meter = b"\xff\x51\x03\x06\x1a\x80", b"\xff\x58\x04\x06\x03\x18\x08"
    events = b"\x00" + meter + b"\x0a" + tempo + b"\x0a\xff\x58\x02\x03\x02"
    performance = parse_midi(smf(events + b"\x30\xff\x2f\x00"))
    assert performance.tempos == ((10, 400_000),)
    assert performance.bpm == 150
    assert performance.meters == ((0, 6, 8), (20, 3, 4))
    assert performance.end == 68


@pytest.mark.parametrize(
    ("event", "warning"),
    [
        (b"\xff\x51\x03\x00\x00\x00", "unreadable tempo"),
        (b"\xff\x51\x02\x07\xa1", "unreadable tempo"),
        (b"\xff\x58\x04\x00\x02\x18\x08", "unreadable meter"),
        (b"\xff\x58\x04\x04\x40\x18\x08", "unreadable meter"),
        (b"\xff\x58\x01\x04", "unreadable meter"),
        (b"\xf1\x01", "illegal message"),
        (b"\xf5", "illegal message"),
    ],
)
def test_what_cannot_be_used_is_reported(event: bytes, warning: str) -> None:
    performance = parse_midi(smf(b"\x00\x99\x24\x64\x00" + event + b"\x00\x26\x64" + END))
    assert len(performance) == 2
    assert performance.tempos == performance.meters == ()
    assert performance.warnings == (f"track 1: 1 × {warning} ignored",)


@pytest.mark.parametrize(
    ("events", "warning"),
    [
        (b"\x00\x99", "track 1 is cut short: 1 notes kept, 2 bytes lost"),
        (b"\x00\x99\x90\x24", "track 1 holds a status where data should be: 1 notes"),
        (b"\x81\x81\x81\x81\x01\x99\x24\x64", "track 1 holds a number of more than four bytes"),
        (b"\x00\xff\x01\x7fabc", "track 1 is cut short"),
    ],
)
def test_damage_keeps_the_notes_before_it(events: bytes, warning: str) -> None:
    performance = parse_midi(smf(b"\x00\x99\x24\x64" + events))
    assert notes(performance) == [(0, 36, 100, 9)]
    assert performance.warnings[0].startswith(warning)


def test_a_damaged_track_does_not_harm_the_next() -> None:
    hurt, whole = b"\x00\x99\x24\x64\x00\x99", b"\x07\x99\x26\x64" + END
    performance = parse_midi(smf(hurt, whole, midi_format=1))
    assert [(tick, pitch) for tick, pitch, _, _ in notes(performance)] == [(0, 36), (7, 38)]
    assert performance.track.tolist() == [0, 1]


@pytest.mark.parametrize("wrong", [-2, 2, 12, 40, 10_000_000])
def test_wrong_track_lengths(wrong: int) -> None:
    first, second = (b"\x00\x99" + pitch + b"\x64" + END for pitch in (b"\x24", b"\x26"))
    data = bytearray(smf(first, second, midi_format=1))
    data[18:22] = (len(first) + wrong).to_bytes(4)
    performance = parse_midi(bytes(data))
    assert performance.pitch.tolist() == [36, 38]
    assert performance.warnings


def test_foreign_chunks_and_a_riff_shell() -> None:
    plain = smf(b"\x00\x99\x24\x64" + END)
    foreign = plain[:14] + b"XFIH\0\0\0\2ab" + plain[14:]
    riff = b"RIFF" + (len(plain) + 12).to_bytes(4, "little") + b"RMIDdata"
    riff += len(plain).to_bytes(4, "little") + plain
    assert parse_midi(foreign) == parse_midi(plain) == parse_midi(riff)
    assert parse_midi(foreign).warnings == ("10 bytes outside of any track skipped",)


def test_tracks_are_merged_in_the_order_of_time() -> None:
    first, second = b"\x00\x99\x24\x01\x0a\x24\x02" + END, b"\x00\x99\x26\x03\x05\x26\x04" + END
    performance = parse_midi(smf(first, second, midi_format=1))
    assert performance.velocity.tolist() == [1, 3, 4, 2]
    assert performance.track.tolist() == [0, 1, 1, 0]


def test_patterns_of_format_2_follow_one_another_at_bar_lines() -> None:
    in_four = b"\x00\x99\x24\x01\x60\x24\x00" + END
    in_three = b"\x00\xff\x58\x04\x03\x02\x18\x08\x00\x99\x24\x02" + END
    performance = parse_midi(smf(in_four, in_three, in_four, midi_format=2))
    assert performance.onset.tolist() == [0, 4 * 96, 4 * 96]
    longer = in_three[:-4] + b"\x60\x24\x00" + END
    performance = parse_midi(smf(in_four, longer, in_four, midi_format=2))
    assert performance.onset.tolist() == [0, 4 * 96, (4 + 3) * 96]
    assert performance.meters == ((4 * 96, 3, 4),)


@pytest.mark.parametrize(("frames", "rate"), [(24, 24), (25, 25), (29, 30000 / 1001), (30, 30)])
def test_smpte_times_become_beats(frames: int, rate: float) -> None:
    tempo = b"\x00\xff\x51\x03\x06\x1a\x80"
    events = tempo + b"\x83\x74\x99\x24\x64\x0a\x24\x00" + END  # at tick 500
    performance = parse_midi(smf(events, division=(256 - frames) << 8 | 40))
    assert performance.bpm == 150
    assert performance.tempos[0][0] == 0
    assert float(performance.seconds(performance.onset)[0]) == pytest.approx(
        500 / 40 / rate, abs=3e-5
    )
    assert "SMPTE" in performance.warnings[0]
    assert "rounded by at most 0.021 ms" in performance.warnings[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"not a midi file", "is no MIDI file"),
        (b"RIFF\0\0\0\0RMIDdata", "is no MIDI file"),
        (b"MThd\0\0\0\6\0\0\0\1", "is cut off in its header"),
        (smf(), "holds no track"),
        (smf(END, division=0), "has 0 ticks per beat"),
        (smf(END, division=0xF060), "16 frames a second"),
        (smf(END, division=0xE700), "25 frames a second"),
        (smf(b"\x00\x24\x64"), "is damaged before its first note"),
    ],
)
def test_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MidiError, match=reason) as caught:
        parse_midi(data, source="take.mid")
    assert caught.value.source == "take.mid"
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match="no such file"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(MidiError, match="cannot be read"):
        read_midi(tmp_path)


# -- for any bytes ---------------------------------------------------------------------------


def result(data: bytes) -> Performance | MidiError:
    try:
        return parse_midi(data, source="x")
    except MidiError as error:
        return error


def survives(data: bytes) -> None:
    """A performance that can be written and read again, or one clear line."""
    read = result(data)
    if isinstance(read, MidiError):
        assert read.remedy
        assert "\n" not in str(read)
    elif not len(read) or np.diff(read.onset, prepend=0).max() < 1 << 28 > read.end:
        assert notes(parse_midi(midi_bytes(read))) == notes(read)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    survives(data)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.binary(max_size=120), min_size=1, max_size=3),
    st.integers(0, 3),
    st.integers(0, 0xFFFF),
)
def test_any_bytes_in_tracks(tracks: list[bytes], midi_format: int, division: int) -> None:
    survives(smf(*tracks, midi_format=midi_format, division=division))


VALID = [smf(events + END) for events, _, _ in EVENTS.values()] + [
    smf(*(events + END for events, _, _ in EVENTS.values()), midi_format=1)
]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4),
    st.integers(0, 600),
)
def test_mutated_files(data: bytes, changes: list[tuple[int, int]], length: int) -> None:
    mutated = bytearray(data)
    for at, byte in changes:
        mutated[at % len(mutated)] = byte
    survives(bytes(mutated))
    survives(bytes(mutated[:length]))


channel_message = st.one_of(
    st.tuples(
        st.sampled_from([0x80, 0x90, 0x99, 0xA0, 0xB9, 0xE0]),
        st.integers(0, 127),
        st.integers(0, 127),
    ),
    st.tuples(st.sampled_from([0xC9, 0xD0]), st.integers(0, 127)),
).map(bytes)
other_message = st.sampled_from([b"\xff\x01\x02hi", b"\xff\x51\x03\x07\xa1\x20"])


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 70_000), st.one_of(channel_message, other_message), st.booleans())
    )
)
def test_reads_what_mido_reads(events: list[tuple[int, bytes, bool]]) -> None:
    body, status = bytearray(), None
    for delta, message, leave_out in events:
        body += bytes(mido.midifiles.meta.encode_variable_int(delta))
        body += message[1:] if leave_out and message[0] == status else message
        status = message[0] if message[0] < 0xF0 else status
    data = smf(bytes(body) + END)
    performance = parse_midi(data)
    assert not performance.warnings
    assert notes(performance) == mido_notes(data)
    assert performance.end == sum(delta for delta, _, _ in events)


# -- a folder of odd files -------------------------------------------------------------------

REFUSED = {
    "test-empty-file": "is empty",
    "test-not-a-midi-file": "is no MIDI file",
    "MIDIBadHeaderChunk": "is no MIDI file",
    "MIDIBadHeaderSMTPE": "16 frames a second",
    "MIDIBadTrackHdr": "holds no track",
    "header-type-00-single": "holds no track",
    "header-type-01-multi-track": "holds no track",
    "header-type-02-multi-song": "holds no track",
}
READ = {  # file → notes, and a part of the warning (None: not one)
    "test-running-status-metaevent": (8, None),
    "test-running-status-sysex": (8, None),
    "test-vlq-2-byte": (8, None),
    "test-vlq-3-byte": (8, None),
    "test-vlq-4-byte": (8, None),
    "test-smpte-offset": (8, None),
    "test-2-tracks-type-0": (16, None),
    "test-2-tracks-type-1": (16, None),
    "test-2-tracks-type-2": (16, None),
    "test-empty": (0, None),
    "test-corrupt-file-extra-byte": (8, "1 byte after the last track skipped"),
    "test-corrupt-file-missing-byte": (8, "track 1 is cut short: 8 notes kept, 3 bytes lost"),
    "test-non-midi-track": (8, "35 bytes outside of any track skipped"),
    "test-illegal-message-all": (8, "13 × illegal message"),
    **{
        f"test-illegal-message-{name}": (8, "1 × illegal message")
        for name in (
            "f1-xx", "f2-xx-xx", "f3-xx", "f4", "f5", "f6", "f8", "f9", "fa", "fb", "fc", "fd", "fe"
        )
    },
    "0x09-NoteOn": (1, None),
    "SysExTest": (0, None),
    "Levels": (280, None),
    "PiDamaged": (8532, "track 3 is cut short: 8532 notes kept, 3 bytes lost"),
    "MIDIOkFormat0": (4, None),
    "MIDIOkFormat1": (4, None),
    "MIDIOkFormat1-lyrics": (6, None),
    "MIDIOkFormat2": (8, None),
    "MIDIBadFormat1": (4, None),
    "MIDIBadHeaderFormat": (4, "format 3 is unknown"),
    "MIDIBadHeaderLength": (4, "does not have the length of 6 bytes"),
    "MIDIBadHeaderTracksNum": (4, "announces 2 tracks, the file holds 1"),
    "MIDIBadTrackLength": (4, "track 1 is shorter than it says"),
    "example_is_drum": (40, None),
}  # fmt: skip


def test_odd_files_are_read_or_refused(shared_midi: Path) -> None:
    paths = {path.stem: path for path in shared_midi.rglob("*.mid")}
    assert REFUSED.keys() | READ.keys() <= paths.keys()
    for name, path in paths.items():
        if name in REFUSED:
            with pytest.raises(MidiError, match=REFUSED[name]) as caught:
                read_midi(path)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)
            continue
        performance = read_midi(path)
        warnings = " / ".join(performance.warnings)
        if name in READ:
            count, warning = READ[name]
            assert (name, len(performance)) == (name, count)
            assert (warning or "") in warnings
            assert bool(warning) == bool(warnings)
        else:
            assert not warnings, name


def test_odd_files_are_read_as_by_mido(shared_midi: Path) -> None:
    agreed = 0
    for path in shared_midi.rglob("*.mid"):
        data = path.read_bytes()
        if data[9:10] == b"\2" or path.stem in REFUSED:
            continue
        try:
            expected = mido_notes(data)
        except (OSError, EOFError, ValueError, IndexError):
            continue
        assert notes(parse_midi(data)) == expected, path.name
        agreed += 1
    assert agreed > 90


# -- the Groove MIDI Dataset -----------------------------------------------------------------


def test_every_note_of_gmd(gmd_takes: list[Take]) -> None:
    totals: Counter[str] = Counter()
    without_off = 0
    for row, data in gmd_takes:
        performance = parse_midi(data)
        assert not performance.warnings
        totals[row["split"]] += len(performance)
        without_off += int(np.count_nonzero(performance.duration < 0))
    assert totals == {"train": 358_290, "validation": 44_128, "test": 43_894}
    assert without_off == 1


def test_gmd_is_read_as_by_mido(gmd_takes: list[Take]) -> None:
    for row, data in gmd_takes[::29]:
        assert notes(parse_midi(data)) == mido_notes(data), row["midi_filename"]


def test_pretty_midi_loses_notes_of_zero_length(gmd_takes: list[Take]) -> None:
    """Why published counts of GMD (357,618 in train) are lower than the number of note-ons."""
    losing = []
    for _, data in gmd_takes:
        performance = parse_midi(data)
        last_of_pitch = {pitch: at for at, pitch in enumerate(performance.pitch.tolist())}
        if not performance.duration[list(last_of_pitch.values())].all():
            losing.append(data)
    smallest = sorted(losing, key=len)[:3]
    assert len(smallest) == 3
    for data in smallest:
        file = pretty_midi.PrettyMIDI(io.BytesIO(data))
        theirs = sum(len(instrument.notes) for instrument in file.instruments)
        assert theirs < len(parse_midi(data)) == len(mido_notes(data))


# -- writing ---------------------------------------------------------------------------------


@st.composite
def performances(draw: st.DrawFn) -> Performance:
    """Any performance in which notes of one key do not overlap, so that note-offs are clear."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 400), st.integers(0, 127), st.integers(1, 127),
                st.integers(0, 15), st.integers(0, 2),
            ),
            unique_by=lambda row: (row[0], row[1], row[3], row[4]),
            max_size=25,
        )
    )  # fmt: skip
    rows.sort(key=lambda row: (row[0], row[4]))
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    key = [row[1:2] + row[3:] for row in rows]
    following = [
        min((row[0] for row, k in zip(rows[i + 1 :], key[i + 1 :], strict=True) if k == key[i]),
            default=450)
        for i in range(len(rows))
    ]  # fmt: skip
    duration = [
        draw(st.integers(0, after - row[0])) for row, after in zip(rows, following, strict=True)
    ]
    ticks = st.integers(0, 400)
    tempos = draw(st.lists(st.tuples(ticks, st.integers(1, 0xFFFFFF)), max_size=3))
    meters = draw(
        st.lists(st.tuples(ticks, st.integers(1, 255), st.sampled_from([1, 4, 16])), max_size=3)
    )
    start = draw(st.sampled_from([0, 0, 96]))
    return Performance(
        draw(st.integers(1, 32767)),
        *(columns[i] for i in range(5)),
        np.array(duration, np.int64),
        tempos=tuple(sorted(tempos, key=lambda change: change[0])),
        meters=tuple(sorted(meters, key=lambda change: change[0])),
        end=draw(st.integers(450, 600)),
        start=start,
        stop=draw(st.none() | st.integers(start, 450)),
    )


@settings(deadline=None, max_examples=150)
@given(performances())
def test_what_is_written_is_read(performance: Performance) -> None:
    assert parse_midi(midi_bytes(performance, format=1)) == performance
    one_track = parse_midi(midi_bytes(performance, format=0))
    assert not one_track.track.any()
    assert notes(one_track) == notes(performance)
    assert one_track.tempos == performance.tempos
    assert one_track.meters == performance.meters
    assert (one_track.start, one_track.stop) == (performance.start, performance.stop)


def test_others_read_what_is_written() -> None:
    rows = [(0, 36, 24), (0, 42, -1), (96, 38, 24), (96 * 3, 42, -1)]
    performance = performance_of(
        rows, tempos=((0, 500_000), (192, 250_000)), meters=((0, 3, 4),), end=96 * 4, stop=96 * 3
    )
    for midi_format in (0, 1):
        data = midi_bytes(performance, format=midi_format)  # type: ignore[arg-type]
        assert mido_notes(data) == notes(performance)
        file = pretty_midi.PrettyMIDI(io.BytesIO(data))
        (drums,) = file.instruments
        assert drums.is_drum
        assert [(note.start, note.pitch) for note in sorted(drums.notes, key=lambda n: n.start)]
        starts = sorted(note.start for note in drums.notes)
        assert starts == pytest.approx(performance.seconds(performance.onset).tolist())
        assert all(note.end > note.start for note in drums.notes)
        (meter,) = file.time_signature_changes
        assert (meter.numerator, meter.denominator) == (3, 4)
        read = mido.MidiFile(file=io.BytesIO(data))
        assert read.tracks[0][0].type == "track_name"
        assert read.ticks_per_beat == 96
        assert sum(message.time for message in read.tracks[0]) == performance.end


def test_the_same_values_give_the_same_bytes() -> None:
    rows = [(0, 36, 24), (50, 38, -1)]
    assert midi_bytes(performance_of(rows)) == midi_bytes(performance_of(rows))


def test_a_pause_can_be_too_long() -> None:
    performance = performance_of([(1 << 30, 36, 1)], end=1 << 31)
    with pytest.raises(MidiError, match="longer than a MIDI file can express"):
        midi_bytes(performance)


def test_files_are_written_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "loop.mid"
    performance = performance_of([(0, 36, 24)])
    write_midi(path, performance)
    before = path.read_bytes()
    assert read_midi(path) == performance
    assert read_midi(path).source == str(path)
    with pytest.raises(OutputError, match="exists already"):
        write_midi(path, performance_of([]), overwrite=False)
    with pytest.raises(MidiError) as caught:
        write_midi(path, performance_of([(1 << 30, 36, 1)], end=1 << 31))
    assert caught.value.source == str(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["loop.mid"]


# -- the value -------------------------------------------------------------------------------


def test_seconds_follow_every_tempo() -> None:
    performance = performance_of([], tempos=((96, 1_000_000), (192, 250_000), (192, 2_000_000)))
    ticks = [0, 48, 96, 144, 192, 240]
    assert performance.seconds(ticks).tolist() == pytest.approx([0, 0.25, 0.5, 1, 1.5, 2.5])
    assert performance_of([]).seconds(192) == 1
    assert performance_of([]).bpm == 120


@settings(deadline=None, max_examples=50)
@given(performances())
def test_seconds_as_pretty_midi_has_them(performance: Performance) -> None:
    tempos = {0: 500_000} | dict(
        performance.tempos
    )  # pretty_midi keeps only one of several at a tick
    file = mido.MidiFile(ticks_per_beat=performance.ticks_per_beat)
    track = mido.MidiTrack()
    now = 0
    for tick, tempo in tempos.items():
        track.append(mido.MetaMessage("set_tempo", tempo=tempo, time=tick - now))
        now = tick
    file.tracks.append(track)
    theirs = pretty_midi.PrettyMIDI(mido_object=file)
    ticks = np.arange(0, max(tempos, default=0) + 1)
    expected = [theirs.tick_to_time(int(tick)) for tick in ticks]
    assert performance.seconds(ticks).tolist() == pytest.approx(expected, rel=1e-6)


def test_channels_are_counted_from_one() -> None:
    data = smf(b"\x00\x90\x24\x01\x00\x99\x26\x02\x00\x9f\x28\x03" + END)
    performance = parse_midi(data, source="band.mid")
    assert performance.notes_per_channel == {1: 1, 10: 1, 16: 1}
    assert performance.channels(10).velocity.tolist() == [2]
    assert performance.channels(1, 16).velocity.tolist() == [1, 3]
    assert performance.channels(10).end == performance.end
    for number in (0, 17):
        with pytest.raises(MidiError, match=f"no MIDI channel {number}"):
            performance.channels(number)


def test_a_performance_is_a_value() -> None:
    rows = [(0, 36, 24), (50, 38, -1)]
    one, same = performance_of(rows), performance_of(rows, source="a", warnings=("b",))
    assert one == same
    assert hash(one) == hash(same)
    assert one != performance_of(rows, end=10_001)
    assert one != "a performance"
    assert len({one, same}) == 1
    assert "2 notes on channels 10, 120 bpm" in repr(one)
    with pytest.raises(ValueError, match="read-only"):
        one.onset[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.end = 3  # type: ignore[misc]


def test_the_arrays_are_copies() -> None:
    onset = np.array([0, 10])
    performance = performance_of([(0, 36, 1), (10, 36, 1)], onset=onset)
    onset[1] = 99
    assert performance.onset.tolist() == [0, 10]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ticks_per_beat": 0}, "ticks per beat"),
        ({"ticks_per_beat": 32768}, "ticks per beat"),
        ({"onset": [10, 0]}, "not in order of time"),
        ({"onset": [-1, 0]}, "onset is not in"),
        ({"onset": [0.0, 1.0]}, "float64"),
        ({"pitch": [0]}, "shape"),
        ({"pitch": [0, 128]}, "pitch is not in"),
        ({"velocity": [0, 1]}, "velocity is not in"),
        ({"channel": [0, 16]}, "channel is not in"),
        ({"duration": [0, -2]}, "duration is not in"),
        ({"tempos": ((0, 0),)}, "tempo"),
        ({"tempos": ((5, 1), (0, 1))}, "the tempos and the end"),
        ({"meters": ((0, 4, 3),)}, "meter"),
        ({"meters": ((0, 256, 4),)}, "meter"),
        ({"meters": ((-1, 4, 4),)}, "the meters and the end"),
        ({"end": 49}, "the last onset and the end"),
        ({"start": -1}, "the start, the stop"),
        ({"stop": 10_001}, "the start, the stop"),
        ({"start": 5, "stop": 4}, "the start, the stop"),
    ],
)
def test_rules(change: dict[str, object], reason: str) -> None:
    with pytest.raises(GhostnoteError, match=reason):
        performance_of([(0, 36, 24), (50, 38, -1)], **change)
