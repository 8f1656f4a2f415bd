"""A MIDI file whole, so that its drums can be changed and nothing else is.

A `Performance` holds what grooves are made of: notes, tempos, meters. A `Song` holds every message
of the file besides, and gives back all that is not a drum just as it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import GrooveError, MidiError
from ghostnote.files import write_bytes
from ghostnote.music.grid import GridReport, stretches, to_grooves, voice_table
from ghostnote.music.groove import STEPS_PER_QUARTER, Groove, steps_per_bar
from ghostnote.music.kit import DrumMap, builtin_map
from ghostnote.music.midi import (
    DRUM_CHANNEL,
    END_MARK,
    IntArray,
    Message,
    Performance,
    messages_bytes,
    parse_messages,
    parse_midi,
    read_bytes,
)

_TRACK_NAME: Final = b"\xff\x03"
_END: Final = bytes((0xFF, 0x06, len(END_MARK))) + END_MARK
"""The message by which a file of ours says where its last bar ends."""

_DRUM_WORDS: Final = ("drum", "percussion")
_MOSTLY: Final = 0.9


@dataclass(frozen=True, eq=False)
class Song:
    """A MIDI file of format 0 or 1, with every message that could be read.

    Attributes:
        format: 0 or 1.
        performance: its notes, tempos and meters.
        tracks: the messages of each track, by tick, but for its end.
        ends: the last tick of each track.
    """

    format: int
    performance: Performance
    tracks: tuple[tuple[Message, ...], ...]
    ends: tuple[int, ...]

    def __bytes__(self) -> bytes:
        """The file."""
        return messages_bytes(
            zip(self.tracks, self.ends, strict=True),
            ticks_per_beat=self.performance.ticks_per_beat,
            format=self.format,
            source=self.performance.source,
        )


def parse_song(data: bytes, *, source: str | None = None) -> Song:
    """The song in the bytes of a MIDI file.

    Raises:
        MidiError: as `parse_midi`; or the file counts time in SMPTE frames, or its tracks are
            patterns (format 2), and has no bars.
    """
    performance = parse_midi(data, source=source)
    header = data.find(b"MThd")
    midi_format, division = (int.from_bytes(data[header + at :][:2]) for at in (8, 12))
    if midi_format == 2 or division & 0x8000:
        what = "its tracks are patterns" if midi_format == 2 else "it counts time in SMPTE frames"
        raise MidiError(
            f"cannot be changed in place: {what}",
            source=source,
            remedy="export it as a MIDI file of format 0 or 1, in ticks per beat",
        )
    tracks, ends = zip(*parse_messages(data), strict=True)
    return Song(min(midi_format, 1), performance, tuple(map(tuple, tracks)), ends)


def read_song(path: str | Path) -> Song:
    """The song in a MIDI file. Raises as `parse_song` does, and where it cannot be read."""
    return parse_song(read_bytes(path), source=str(path))


def write_song(path: str | Path, song: Song, *, overwrite: bool = True) -> None:
    """Write a song's MIDI file, whole or not at all.

    Raises:
        MidiError: a pause is longer than MIDI can express.
        OutputError: the file exists and `overwrite` is false, or it cannot be written.
    """
    write_bytes(path, bytes(song), overwrite=overwrite)


# -- where the drums are ---------------------------------------------------------------------


class Passage(NamedTuple):
    """The drums of a song while its meter stays the same.

    Attributes:
        start: the tick where its first bar begins.
        bar: the number of that bar in the song, from 0.
        groove: what is played.
    """

    start: int
    bar: int
    groove: Groove


@dataclass(frozen=True, eq=False)
class Drums:
    """The drums of a song.

    Attributes:
        channel: the MIDI channel that they are on, from 1.
        passages: their grooves.
        report: what became of the notes of the channel.
        note: `[M]`, which notes of the performance are on a grid.
        passage, step, voice: `[M]`, and where.
    """

    channel: int
    passages: tuple[Passage, ...]
    report: GridReport
    note: IntArray = field(repr=False)
    passage: IntArray = field(repr=False)
    step: IntArray = field(repr=False)
    voice: IntArray = field(repr=False)


def drum_channel(song: Song, drum_map: DrumMap) -> int:
    """The channel of a song's drums, from 1.

    It is 10; or, where nothing is on 10, that of a track which is named after drums; or the only
    one that has notes, if nine of ten have pitches that the map knows.

    Raises:
        MidiError: it is none of these.
    """
    counts = song.performance.notes_per_channel
    if DRUM_CHANNEL in counts:
        return DRUM_CHANNEL
    of_track = song.performance.track
    for number, messages in enumerate(song.tracks):
        names = [text[3:].decode("latin-1").lower() for _, text in messages
                 if text[:2] == _TRACK_NAME]  # fmt: skip
        own = song.performance.channel[of_track == number]
        if len(own) and any(word in name for name in names for word in _DRUM_WORDS):
            return int(np.bincount(own).argmax()) + 1
    known = voice_table(drum_map)[song.performance.pitch] >= 0
    if len(counts) == 1 and known.mean() >= _MOSTLY:
        return next(iter(counts))
    where = f": there are notes on {', '.join(map(str, counts))}" if counts else ""
    raise MidiError(
        f"has no notes on channel {DRUM_CHANNEL}, and no track that is named after drums",
        source=song.performance.source,
        remedy=f"choose --channel{where}" if counts else "give a MIDI file with drums",
    )


def drum_channel_of(
    performance: Performance, data: bytes, drum_map: DrumMap, channel: int | None = None
) -> int:
    """The channel of the drums of the file `data`, which `performance` was read from.

    `channel` itself where it is one; otherwise as `drum_channel` finds it, for which the file is
    looked through once more where nothing is on 10.

    Raises:
        MidiError: as `drum_channel`, or `parse_song`.
    """
    if channel is not None:
        return channel
    if DRUM_CHANNEL in performance.notes_per_channel or performance.stop is not None:
        return DRUM_CHANNEL  # a file of ours may be silent
    return drum_channel(parse_song(data, source=performance.source), drum_map)


def find_drums(song: Song, drum_map: DrumMap, *, channel: int | None = None) -> Drums:
    """The drums of a song, on `channel` (from 1) or where `drum_channel` finds them.

    Raises:
        MidiError, DrumMapError: as `to_grooves`.
    """
    performance = song.performance
    chosen = drum_channel(song, drum_map) if channel is None else channel
    sections, report = to_grooves(performance, drum_map, channel=chosen)
    place = {section.start: number for number, section in enumerate(sections)}
    own = np.flatnonzero(performance.channel == chosen - 1)
    per_beat = performance.ticks_per_beat
    first_bar: dict[int, int] = {}
    bars = 0
    found: list[IntArray] = [np.zeros((4, 0), np.int64)]
    for start, stop, meter, cut in stretches(performance.channels(chosen)):
        first_bar[start] = bars
        if stop is not None:
            bars += -(-STEPS_PER_QUARTER * (stop - start) // (steps_per_bar(meter) * per_beat))
        if start not in place:
            continue
        note = own[cut]
        quarters = STEPS_PER_QUARTER * (performance.onset[note] - start)
        step = (2 * quarters + per_beat) // (2 * per_beat)
        voice = voice_table(drum_map)[performance.pitch[note]]
        where = np.full(len(note), place[start])
        found.append(np.stack([note, where, step, voice])[:, (voice >= 0) & (step >= 0)])
    return Drums(
        chosen,
        tuple(Passage(start, first_bar[start], groove) for start, groove in sections),
        report,
        *np.concatenate(found, axis=1),
    )


# -- other drums in their place --------------------------------------------------------------


def with_drums(song: Song, drums: Drums, grooves: Mapping[int, Groove]) -> Song:
    """The song with other grooves in some of its passages: number of the passage → groove.

    A groove that is longer than its passage goes on over what follows. Where there was a hit and is
    one still, all its notes are moved, and made louder or softer, as the hit is (those of a flam
    stay together); where there is none any more they are taken away; new hits get the pitch that
    the song plays their voice with. No note leaves its step. All else
    stays: messages of any kind, other channels, notes that are on no grid, and the length of notes
    unless the next one of their pitch begins earlier. What would come before the file begins is on
    its first tick; `too_early` counts it.

    Raises:
        MidiError: as `bytes(song)`.
        GrooveError: a groove is shorter than its passage.
    """
    performance = song.performance
    onset = performance.onset.copy()
    velocity = performance.velocity.astype(np.int64)
    gone = np.zeros(len(performance), bool)
    added: list[tuple[int, int, int]] = []
    written = _written(performance, drums)
    for number, new in grooves.items():
        start, _, old = drums.passages[number]
        if new.steps < old.steps:
            raise GrooveError(f"{new.bars} bars do not fill a passage of {old.bars}")
        mine = drums.passage == number
        note, step, voice = drums.note[mine], drums.step[mine], drums.voice[mine]
        gone[note] = ~new.hits[step, voice]
        kept = new.hits[step, voice]
        note, step, voice = note[kept], step[kept], voice[kept]
        ratio = new.velocity[step, voice].astype(np.float64) / old.velocity[step, voice]
        velocity[note] = np.clip(np.rint(velocity[note] * ratio), 1, 127)
        late = new.offset[step, voice].astype(np.float64) - old.offset[step, voice]
        moved = onset[note] + _ticks(late, performance)
        onset[note] = np.where(late == 0, onset[note], _inside(moved, step, start, performance))
        longer = ((0, new.steps - old.steps), (0, 0))
        step, voice = np.nonzero(new.hits & ~np.pad(old.hits, longer))
        exact = start + _ticks(new.offset[step, voice].astype(np.float64) + step, performance)
        loud = np.clip(np.rint(127 * new.velocity[step, voice]), 1, 127).astype(int)
        added += zip(
            _inside(exact, step, start, performance).tolist(),
            [written[one] for one in voice.tolist()],
            loud.tolist(),
            strict=True,
        )
    on_channel = performance.channel == drums.channel - 1
    busiest = int(np.bincount(performance.track[on_channel], minlength=1).argmax())
    notes = [_Note(pitch, tick, loud) for tick, pitch, loud in added]
    tracks, ends = [], []
    for number, messages in enumerate(song.tracks):
        ons, offs = _pairs(messages)
        own = np.flatnonzero(performance.track == number)
        changed = [
            _Note(
                int(performance.pitch[note]), int(onset[note]), int(velocity[note]),
                on, offs.get(on), messages, gone=bool(gone[note]),
            )
            for note, on in zip(own.tolist(), ons, strict=True)
            if on_channel[note]
        ]  # fmt: skip
        fresh = notes if number == busiest else []
        edited = _edited(
            messages, [*changed, *fresh], drums.channel - 1, performance.ticks_per_beat
        )
        tracks.append(edited)
        ends.append(max(song.ends[number], edited[-1][0] if edited else 0))
    if performance.stop is not None:
        last = [drums.passages[number].start + new.steps * performance.ticks_per_beat
                // STEPS_PER_QUARTER for number, new in grooves.items()]  # fmt: skip
        stop = max(performance.stop, *last)
        tracks = [_ending(messages, stop) for messages in tracks]
        ends = [max(end, stop) for end in ends]
    content = messages_bytes(
        zip(tracks, ends, strict=True),
        ticks_per_beat=performance.ticks_per_beat,
        format=song.format,
        source=performance.source,
    )
    return parse_song(content, source=performance.source)


def too_early(song: Song, drums: Drums, grooves: Mapping[int, Groove]) -> int:
    """How many hits of `grooves` would come before the file begins; see `with_drums`."""
    count = 0
    for number, new in grooves.items():
        step, voice = np.nonzero(new.hits)
        late = new.offset[step, voice].astype(np.float64) + step
        start = drums.passages[number].start
        count += int((start + _ticks(late, song.performance) < 0).sum())
    return count


def _ending(messages: Sequence[Message], stop: int) -> list[Message]:
    """The messages, the one that says where the last bar ends at `stop`."""
    moved = [(stop if text == _END else tick, text) for tick, text in messages]
    return sorted(moved, key=lambda message: message[0])


def _ticks(steps: npt.NDArray[np.float64], performance: Performance) -> IntArray:
    scaled = np.rint(steps * performance.ticks_per_beat / STEPS_PER_QUARTER)
    return np.asarray(scaled.astype(np.int64))


def _inside(tick: IntArray, step: IntArray, start: int, performance: Performance) -> IntArray:
    """The ticks nearest to `tick` that are read as `step`."""
    half_steps, per_beat = 2 * step, performance.ticks_per_beat
    first = -(-(half_steps - 1) * per_beat // (2 * STEPS_PER_QUARTER))
    last = -(-(half_steps + 1) * per_beat // (2 * STEPS_PER_QUARTER)) - 1
    return np.maximum(np.clip(tick, start + first, start + last), 0)


def _written(performance: Performance, drums: Drums) -> list[int]:
    """The pitch of each voice: the one most used, or that of General MIDI."""
    pitches = list(builtin_map("gm").written)
    used = Counter(zip(drums.voice.tolist(), performance.pitch[drums.note].tolist(), strict=True))
    for (voice, pitch), _ in reversed(used.most_common()):
        pitches[voice] = pitch
    return pitches


@dataclass(eq=False)
class _Note:
    """A note as it is to be; where its messages are in the track, unless it is new."""

    pitch: int
    onset: int
    velocity: int
    on: int = -1
    off: int | None = None
    messages: Sequence[Message] = ()
    gone: bool = False

    def __post_init__(self) -> None:
        self.was = self.messages[self.on][0] if self.messages else None
        self.ended = None if self.off is None else self.messages[self.off][0]
        self.end = (
            None if self.ended is None or self.was is None else self.ended + self.onset - self.was
        )

    def make_room(self, following: _Note) -> None:
        """End before the next note of the pitch begins, unless it sounded on into it before."""
        if self.end is None or self.end <= following.onset:
            return
        if self.ended is None or following.was is None or self.ended <= following.was:
            self.end = following.onset


def _edited(
    messages: Sequence[Message], notes: Sequence[_Note], channel: int, per_beat: int
) -> list[Message]:
    """The messages of a track with the notes of a channel as they are to be.

    At one tick, note-offs that were moved come first and note-ons last, so that no note ends the
    next one; what was not moved keeps its place.
    """
    default = max(1, per_beat // (2 * STEPS_PER_QUARTER))
    of_pitch: dict[int, list[_Note]] = defaultdict(list)
    for note in notes:
        if not note.gone:
            of_pitch[note.pitch].append(note)
            if note.was is None:
                note.end = note.onset + default
    entries: list[tuple[int, int, int, bytes]] = []
    for sounding in of_pitch.values():
        sounding.sort(key=lambda note: note.onset)
        for note, following in pairwise(sounding):
            note.make_room(following)
        for note in sounding:
            number = note.on if note.messages else len(messages) + len(entries)
            status = messages[note.on][1][0] if note.messages else 0x90 | channel
            message = bytes((status, note.pitch, note.velocity))
            entries.append((note.onset, 1 if note.onset == note.was else 2, number, message))
            if note.end is not None:
                rank = 1 if note.end == note.ended else 3 if note.end == note.onset else 0
                off = bytes((0x80 | channel, note.pitch, 0))
                if note.off is not None:
                    off, number = messages[note.off][1], note.off
                entries.append((note.end, rank, number, off))
    old = {place for note in notes if note.messages for place in (note.on, note.off)}
    entries += [
        (tick, 1, number, message)
        for number, (tick, message) in enumerate(messages)
        if number not in old
    ]
    return [(tick, message) for tick, _, _, message in sorted(entries)]


def _pairs(messages: Sequence[Message]) -> tuple[list[int], dict[int, int]]:
    """Where the note-ons are, and the note-off of each that has one; see `Performance`."""
    ons: list[int] = []
    offs: dict[int, int] = {}
    sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    for number, (_, message) in enumerate(messages):
        kind = message[0] & 0xF0
        if kind not in (0x80, 0x90) or len(message) != 3:
            continue
        key = (message[0] & 0x0F, message[1])
        if kind == 0x90 and message[2]:
            ons.append(number)
            sounding[key].append(number)
        elif sounding[key]:
            offs[sounding[key].popleft()] = number
    return ons, offs
