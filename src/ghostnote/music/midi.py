"""Standard MIDI files, read into a `Performance` and written from one.

The reader is our own because no library meets the contract: symusic drops note-ons without a
note-off and hides channels, mido is ten times slower and rejects files that can be read.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import MidiError
from ghostnote.files import write_bytes

DRUM_CHANNEL: Final = 10
"""Where General MIDI has its drums, counted from 1 as users do."""

DEFAULT_TEMPO: Final = 500_000
"""Microseconds per quarter note (120 bpm), which MIDI prescribes where a file says nothing."""

MAX_TEMPO: Final = 0xFFFFFF
"""The longest quarter note that MIDI can express, in microseconds."""

IntArray = npt.NDArray[np.int64]
ByteArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
Tempo = tuple[int, int]
Message = tuple[int, bytes]
"""A tick, and a message as it stands in a file, with its status."""

MeterChange = tuple[int, int, int]

_MAX_DELTA: Final = 0x0FFFFFFF
_MAX_TICK: Final = 1 << 60
_SMPTE_TICKS_PER_BEAT: Final = 9600
_START_MARK: Final = b"ghostnote start"
END_MARK: Final = b"ghostnote end"
_NAME, _MARKER, _END_OF_TRACK, _TEMPO, _METER = 0x03, 0x06, 0x2F, 0x51, 0x58
_ILLEGAL: Final = 0x100


# -- the value -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Performance:
    """The notes, tempos and meters of a MIDI file, in ticks, exactly as the file says.

    Attributes:
        ticks_per_beat: ticks in a quarter note, 1 to 32,767.
        onset: `[N]` int64 ticks, ascending; notes at the same tick are in the file's order.
        pitch: `[N]` uint8, 0 to 127.
        velocity: `[N]` uint8, 1 to 127.
        channel: `[N]` uint8, 0 to 15; everything else counts channels from 1, as users do.
        track: `[N]` int32, from 0.
        duration: `[N]` int64 ticks to the note-off; -1 where none came. Of several notes of one
            pitch, channel and track that sound at once, the first to begin is the first to end.
        tempos: (tick, microseconds per quarter note), by tick.
        meters: (tick, numerator, denominator), by tick.
        end: the last tick of the file; everything else is up to there.
        start: where bar 1 of the music begins. Not 0 only where a file of ours says so, because
            an empty bar makes room for a hit before the first beat.
        stop: where the last bar ends, where a file of ours says so.
        source: the file, for messages.
        warnings: what was damaged, unreadable or rounded when the file was read.

    Immutable and hashable: the arrays are private, read-only copies. Two performances are equal
    when they say the same, wherever they come from: `source` and `warnings` do not count.

    Raises:
        MidiError: on creation, when a value breaks one of the rules above.
    """

    ticks_per_beat: int
    onset: IntArray
    pitch: ByteArray
    velocity: ByteArray
    channel: ByteArray
    track: npt.NDArray[np.int32]
    duration: IntArray
    tempos: tuple[Tempo, ...] = ()
    meters: tuple[MeterChange, ...] = ()
    end: int = 0
    start: int = 0
    stop: int | None = None
    source: str | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (dtype, low, high) in _NOTE_FIELDS.items():
            values = np.asarray(getattr(self, name))
            if values.size and values.dtype.kind not in "iu":
                raise self._error(f"{name} is {values.dtype}, not whole numbers")
            if values.shape != (len(self.onset),):
                raise self._error(f"{name} has shape {values.shape}, not ({len(self.onset)},)")
            if values.size and not (low <= values.min() and values.max() <= high):
                raise self._error(f"{name} is not in {low} to {high}")
            values = values.astype(dtype)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        if not 1 <= self.ticks_per_beat <= 0x7FFF:
            raise self._error(f"{self.ticks_per_beat} ticks per beat is not in 1 to 32767")
        if not all(1 <= tempo <= MAX_TEMPO for _, tempo in self.tempos):
            raise self._error(f"a tempo is not in 1 to {MAX_TEMPO} microseconds per quarter note")
        if not all(_is_meter(above, below) for _, above, below in self.meters):
            raise self._error("a meter is not in 1/1 to 255/32768")
        stop = self.end if self.stop is None else self.stop
        for name, ticks in (
            ("the start, the stop", [self.start, stop]),
            ("the tempos", [change[0] for change in self.tempos]),
            ("the meters", [change[0] for change in self.meters]),
            ("the last onset", self.onset[-1:].tolist()),
        ):
            if any(after < before for before, after in pairwise((0, *ticks, self.end))):
                raise self._error(f"{name} and the end are not in order of time")
        if (self.onset[1:] < self.onset[:-1]).any():
            raise self._error("onsets are not in order of time")

    def _error(self, reason: str) -> MidiError:
        return MidiError(reason, source=self.source)

    def __len__(self) -> int:
        """How many notes."""
        return len(self.onset)

    @property
    def bpm(self) -> float:
        """The first tempo, in quarter notes per minute; 120 if there is none."""
        return 6e7 / (self.tempos[0][1] if self.tempos else DEFAULT_TEMPO)

    @property
    def notes_per_channel(self) -> dict[int, int]:
        """Channel, counted from 1 → how many notes it has; channels without notes are left out."""
        counts = np.bincount(self.channel, minlength=16).tolist()
        return {number: count for number, count in enumerate(counts, start=1) if count}

    def channels(self, *numbers: int) -> Performance:
        """Only the notes on these channels, which are counted from 1 to 16.

        Raises:
            MidiError: a number out of range.
        """
        for number in numbers:
            if not 1 <= number <= 16:
                raise MidiError(
                    f"there is no MIDI channel {number}",
                    source=self.source,
                    remedy="channels are counted from 1 to 16; drums are usually on 10",
                )
        chosen = np.isin(self.channel, np.array(numbers, np.int64) - 1)
        notes = {name: getattr(self, name)[chosen] for name in _NOTE_FIELDS}
        return replace(self, **notes)

    def seconds(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """When `ticks` (any shape) sound, in seconds from tick 0, following every tempo."""
        changes = np.array([(0, DEFAULT_TEMPO), *self.tempos], np.float64)
        per_tick = changes[:, 1] / 1e6 / self.ticks_per_beat
        reached = np.concatenate(([0.0], np.cumsum(np.diff(changes[:, 0]) * per_tick[:-1])))
        at = np.asarray(ticks, np.float64)
        last = np.maximum(np.searchsorted(changes[:, 0], at, side="right") - 1, 0)
        seconds: npt.NDArray[np.float64] = reached[last] + (at - changes[last, 0]) * per_tick[last]
        return seconds

    def _key(self) -> tuple[object, ...]:
        return (
            *(getattr(self, name).tobytes() for name in _NOTE_FIELDS),
            self.ticks_per_beat, self.tempos, self.meters, self.end, self.start, self.stop,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Performance) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        channels = ", ".join(map(str, self.notes_per_channel)) or "none"
        return (
            f"Performance: {len(self)} notes on channels {channels}, {self.bpm:g} bpm, "
            f"{float(self.seconds(self.end)):.1f} s, {self.ticks_per_beat} ticks per beat"
        )


_NOTE_FIELDS: Final[dict[str, tuple[type[np.integer], int, int]]] = {
    "onset": (np.int64, 0, _MAX_TICK),
    "pitch": (np.uint8, 0, 127),
    "velocity": (np.uint8, 1, 127),
    "channel": (np.uint8, 0, 15),
    "track": (np.int32, 0, 0xFFFF),
    "duration": (np.int64, -1, _MAX_TICK),
}


def _is_meter(numerator: int, denominator: int) -> bool:
    power_of_two = denominator > 0 and not denominator & (denominator - 1)
    return 1 <= numerator <= 255 and power_of_two and denominator <= 1 << 15


# -- reading: the file -----------------------------------------------------------------------


def read_midi(path: str | Path) -> Performance:
    """The performance in a MIDI file. Raises as `parse_midi` does, and where it cannot be read."""
    return parse_midi(read_bytes(path), source=str(path))


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a MIDI file.

    Raises:
        MidiError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise MidiError("no such file", source=path, remedy="check the path") from None
    except OSError as error:
        raise MidiError(
            f"cannot be read: {error.strerror or error}",
            source=path,
            remedy="give a MIDI file (.mid) that you may read",
        ) from error


def parse_midi(data: bytes, *, source: str | None = None) -> Performance:
    """The performance in the bytes of a MIDI file of format 0, 1 or 2.

    Every note-on with velocity > 0 is a note, whether or not a note-off follows. A track that is
    cut short or damaged keeps its notes before the damage. Format 2, whose tracks are patterns of
    their own, is read as these patterns one after another, each from the next bar line on. Times
    in SMPTE frames are brought to 9,600 ticks per beat of the file's first tempo. Whatever was
    repaired, skipped or rounded stands in `Performance.warnings`.

    Raises:
        MidiError: `data` is no MIDI file, or nothing in it can be used.
    """
    data = _unwrapped(data)
    if data[:4] != b"MThd":
        reason = "is no MIDI file" if data else "is empty"
        raise MidiError(reason, source=source, remedy="give a standard MIDI file (.mid)")
    if len(data) < 14:
        raise MidiError("is cut off in its header", source=source, remedy=_EXPORT_AGAIN)
    midi_format, n_tracks, division = (int.from_bytes(data[at : at + 2]) for at in (8, 10, 12))
    tracks, warnings = _read_tracks(data)
    damaged = any(track.damage for track in tracks)
    if not tracks:
        raise MidiError("holds no track", source=source, remedy=_EXPORT_AGAIN)
    if damaged and not any(len(track.notes.onset) for track in tracks):
        raise MidiError("is damaged before its first note", source=source, remedy=_EXPORT_AGAIN)
    if not division:
        raise MidiError("has 0 ticks per beat", source=source, remedy=_EXPORT_AGAIN)
    if data[4:8] != b"\0\0\0\6":
        warnings.append("the header does not have the length of 6 bytes")
    if midi_format > 2:
        warnings.append(f"format {midi_format} is unknown: read as format 1")
    if n_tracks != len(tracks):
        warnings.append(f"the header announces {n_tracks} tracks, the file holds {len(tracks)}")
    if division & 0x8000:
        tracks = _from_smpte(tracks, division, warnings, source)
        division = _SMPTE_TICKS_PER_BEAT
    if midi_format == 2:
        tracks = _one_after_another(tracks, division)
    return _join(tracks, division, warnings, source)


def _unwrapped(data: bytes) -> bytes:
    wrapped = data[:4] == b"RIFF" and data[8:12] == b"RMID"
    return data[data.find(b"MThd") :] if wrapped else data


def parse_messages(data: bytes) -> list[tuple[list[Message], int]]:
    """Every message of each track of a file that `parse_midi` reads, and the tick of its end.

    The notes of a track of its performance are the note-ons here, in the same order. Running
    statuses are written out, and the message that ends the track is left out.
    """
    return [(_messages(track), track.end) for track in _read_tracks(_unwrapped(data))[0]]


def _messages(track: _Track) -> list[Message]:
    messages: list[Message] = []
    body, running = track.body, 0
    places = [*track.places.tolist(), track.size]
    for (at, end), tick in zip(pairwise(places), track.ticks.tolist(), strict=True):
        begin = at
        while body[begin] >= 0x80:
            begin += 1
        begin += 1
        status = body[begin]
        if status < 0x80:
            messages.append((tick, bytes((running,)) + body[begin:end]))
            continue
        if status < 0xF0:
            running = status
        messages.append((tick, body[begin:end]))
    if messages and messages[-1][1][:2] == bytes((0xFF, _END_OF_TRACK)):
        messages.pop()
    return messages


_EXPORT_AGAIN: Final = "export the file again from the program that made it"


def _read_tracks(data: bytes) -> tuple[list[_Track], list[str]]:
    """All tracks, and what was wrong with them or between them.

    Lengths in real files cannot be trusted: a track begins where ``MTrk`` stands, and the next one
    is looked for where the last one turned out to end.
    """
    tracks: list[_Track] = []
    warnings: list[str] = []
    place = 14
    while (found := data.find(b"MTrk", place)) >= 0:
        if found > place:
            warnings.append(f"{_bytes(found - place)} outside of any track skipped")
        begin, name = found + 8, f"track {len(tracks) + 1}"
        end = begin + int.from_bytes(data[found + 4 : begin])
        short = end > len(data)
        if short:
            following = data.find(b"MTrk", begin)
            end = len(data) if following < 0 else following
        track = _read_track(data[begin:end])
        tracks.append(track)
        left = end - begin - track.size
        if track.damage:
            kept = len(track.notes.onset)
            warnings.append(f"{name} {track.damage}: {kept} notes kept, {_bytes(left)} lost")
        elif short:
            warnings.append(f"{name} is shorter than it says")
        elif left:
            warnings.append(f"{_bytes(left)} after the end of {name} skipped")
        warnings += (f"{name}: {count} × {what} ignored" for what, count in track.ignored.items())
        within = data.find(b"MTrk", begin + track.size, end + 3)
        place = end if within < 0 else within
    if place < len(data):
        warnings.append(f"{_bytes(len(data) - place)} after the last track skipped")
    return tracks, warnings


def _bytes(count: int) -> str:
    return f"{count} byte{'s' * (count != 1)}"


def _one_after_another(tracks: Sequence[_Track], division: int) -> list[_Track]:
    """Each track moved to the bar line at or after the end of the one before."""
    moved, begin, bar = [], 0, 4 * division
    for track in tracks:
        moved.append(track.moved(partial(np.add, begin)))
        if track.meters:
            _, numerator, denominator = track.meters[-1]
            bar = max(1, 4 * division * numerator // denominator)
        begin += -(-track.end // bar) * bar
    return moved


def _from_smpte(
    tracks: Sequence[_Track], division: int, warnings: list[str], source: str | None
) -> list[_Track]:
    """Ticks that are fractions of a second, brought to ticks per beat of the first tempo."""
    frames, parts = 256 - (division >> 8), division & 0xFF
    if frames not in _FRAME_RATES or not parts:
        raise MidiError(
            f"counts time in {parts} parts of {frames} frames a second, which is no MIDI time",
            source=source,
            remedy=_EXPORT_AGAIN,
        )
    tempos = sorted((change for track in tracks for change in track.tempos), key=_tick)
    tempo = tempos[0][1] if tempos else DEFAULT_TEMPO
    ticks_per_second = _SMPTE_TICKS_PER_BEAT / tempo * 1e6
    scale = ticks_per_second / (_FRAME_RATES[frames] * parts)
    warnings.append(
        f"times in SMPTE frames ({frames} a second) brought to {6e7 / tempo:g} bpm, "
        f"rounded by at most {500 / ticks_per_second:.2g} ms"
    )
    if any(other != tempo for _, other in tempos):
        warnings.append("tempo changes ignored, since times in SMPTE frames do not depend on them")
    moved = [track.moved(lambda ticks: np.rint(ticks * scale).astype(np.int64)) for track in tracks]
    return [moved[0]._replace(tempos=[(0, tempo)])] + [
        track._replace(tempos=[]) for track in moved[1:]
    ]


_FRAME_RATES: Final = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}


def _join(
    tracks: Sequence[_Track], ticks_per_beat: int, warnings: list[str], source: str | None
) -> Performance:
    notes = [
        np.concatenate(values) for values in zip(*(track.notes for track in tracks), strict=True)
    ]
    number = np.repeat(
        np.arange(len(tracks), dtype=np.int32), [len(track.notes.onset) for track in tracks]
    )
    if len(tracks) > 1:
        order = np.argsort(notes[0], kind="stable")
        notes, number = [values[order] for values in notes], number[order]
    marks = {text: tick for track in tracks for tick, text in track.marks}
    start, stop = marks.get(_START_MARK, 0), marks.get(END_MARK)
    if stop is not None and stop < start:
        warnings.append("ghostnote's marks of the first and the last bar are mixed up: ignored")
        start, stop = 0, None
    onset, pitch, velocity, channel, duration = notes
    return Performance(
        ticks_per_beat,
        onset,
        pitch,
        velocity,
        channel,
        number,
        duration,
        tempos=tuple(sorted((change for track in tracks for change in track.tempos), key=_tick)),
        meters=tuple(sorted((change for track in tracks for change in track.meters), key=_tick)),
        end=max(track.end for track in tracks),
        start=start,
        stop=stop,
        source=source,
        warnings=tuple(warnings),
    )


def _tick(change: tuple[int, ...]) -> int:
    return change[0]


# -- reading: one track ----------------------------------------------------------------------


class _Notes(NamedTuple):
    """As the attributes of a `Performance`."""

    onset: IntArray
    pitch: ByteArray
    velocity: ByteArray
    channel: ByteArray
    duration: IntArray


class _Track(NamedTuple):
    """One track: what it says, how many of its bytes were understood, and why not all were.

    `places` and `ticks` are of all its events, in its `body`.
    """

    notes: _Notes
    tempos: list[Tempo]
    meters: list[MeterChange]
    marks: list[tuple[int, bytes]]
    end: int
    size: int
    damage: str | None
    ignored: Counter[str]
    body: bytes
    places: IntArray
    ticks: IntArray

    def moved(self, move: Callable[[IntArray], IntArray]) -> _Track:
        """The same track with every tick sent through `move`."""

        def at(tick: int) -> int:
            return int(move(np.array([tick]))[0])

        old = self.notes
        onset = move(old.onset)
        lasting = move(old.onset + old.duration) - onset
        return self._replace(
            notes=old._replace(onset=onset, duration=np.where(old.duration < 0, -1, lasting)),
            tempos=[(at(tick), tempo) for tick, tempo in self.tempos],
            meters=[(at(tick), above, below) for tick, above, below in self.meters],
            marks=[(at(tick), text) for tick, text in self.marks],
            end=at(self.end),
        )


class _DamageError(Exception):
    """What makes the rest of a track unreadable."""


class _Event(NamedTuple):
    """One event: `kind` is the type of a meta event, `_ILLEGAL`, or 0 for anything else."""

    kind: int
    payload: bytes
    end: int
    running: int


def _read_track(body: bytes) -> _Track:
    padded = np.frombuffer(body + b"\xff\xff\xff\xff", np.uint8)
    begins = array("q")
    metas: list[tuple[int, _Event]] = []
    ignored: Counter[str] = Counter()
    size, damage = _walk(body, _ordinary_sizes(padded), begins, metas, ignored)
    places = np.frombuffer(begins, np.int64)
    tick, notes = _decode(padded, places)
    tempos: list[Tempo] = []
    meters: list[MeterChange] = []
    marks: list[tuple[int, bytes]] = []
    for index, (kind, payload, _, _) in metas:
        at = int(tick[index])
        if kind == _TEMPO:
            if len(payload) == 3 and any(payload):
                tempos.append((at, int.from_bytes(payload)))
            else:
                ignored["unreadable tempo"] += 1
        elif kind == _METER:
            if len(payload) >= 2 and payload[1] < 16 and _is_meter(payload[0], 1 << payload[1]):
                meters.append((at, payload[0], 1 << payload[1]))
            else:
                ignored["unreadable meter"] += 1
        else:
            marks.append((at, payload))
    end = int(tick[-1]) if len(tick) else 0
    return _Track(notes, tempos, meters, marks, end, size, damage, ignored, body, places, tick)


def _ordinary_sizes(padded: ByteArray) -> bytes:
    """For every byte, how long the event is that begins there if it is an ordinary one, else 0.

    Ordinary are a delta time of one or two bytes and a channel message of two data bytes, with
    its status or, running, without it: nearly all of a drum track. Working this out for every
    byte at once, though most begin nothing, leaves one look-up per event to the loop in Python.
    """
    low = padded < 0x80
    status = (padded >= 0x80) & (padded < 0xF0) & ((padded & 0xE0) != 0xC0)
    pair = low[:-1] & low[1:]
    message = pair[:-1] * np.uint8(2) + (status[:-2] & pair[1:]) * np.uint8(3)
    sizes = np.where(low[:-4], message[1:-1] + np.uint8(1), low[1:-3] * (message[2:] + np.uint8(2)))
    sizes *= sizes > 2  # up to 2 is a delta time with no message behind it
    return bytes(sizes) + b"\0"


def _walk(
    body: bytes,
    sizes: bytes,
    places: array[int],
    metas: list[tuple[int, _Event]],
    ignored: Counter[str],
) -> tuple[int, str | None]:
    """Note in `places` where each event begins, up to the end of the track or the first damage.

    Tempos, meters and markers go to `metas`, with the index of their place. Returns where reading
    ended, and what the damage is.
    """
    at, running, append = 0, 0, places.append
    while True:
        if running == 2:
            while size := sizes[at]:
                append(at)
                at += size
        try:
            event = _read_event(body, at, running)
        except IndexError:
            return at, None if at == len(body) else "is cut short"
        except _DamageError as damage:
            return at, str(damage)
        if event.kind in (_TEMPO, _METER) or event.payload in (_START_MARK, END_MARK):
            metas.append((len(places), event))
        append(at)
        at, running = event.end, event.running
        if event.kind == _END_OF_TRACK:
            return at, None
        if event.kind == _ILLEGAL:
            ignored["illegal message"] += 1


def _read_event(body: bytes, at: int, running: int) -> _Event:
    """The event of any kind at `at`; without a status of its own it has `running` data bytes.

    Raises:
        IndexError: the track ends within the event.
        _DamageError: there can be no such event.
    """
    _, at = _read_number(body, at)
    status = body[at]
    at += status >= 0x80
    kind, largest = 0, 0x7F
    if status < 0x80:
        length = running
        if not running:
            raise _DamageError("holds data without a status")
    elif status < 0xF0:
        length = running = 1 if status & 0xE0 == 0xC0 else 2
    elif status in (0xF0, 0xF7, 0xFF):  # in real files, a running status survives these
        if status == 0xFF:
            kind = body[at]
            at += 1
        length, at = _read_number(body, at)
        largest = 0xFF
    else:
        kind = _ILLEGAL
        length = {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0)
    payload = body[at : at + length]
    if len(payload) < length:
        raise IndexError
    if max(payload, default=0) > largest:
        raise _DamageError("holds a status where data should be")
    return _Event(kind, payload, at + length, running)


def _read_number(body: bytes, at: int) -> tuple[int, int]:
    """A variable-length number, and where it ends. Raises as `_read_event` does."""
    value = 0
    for end in range(at + 1, at + 5):
        byte = body[end - 1]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, end
    raise _DamageError("holds a number of more than four bytes")


def _decode(padded: ByteArray, places: IntArray) -> tuple[IntArray, _Notes]:
    """The ticks of all events, and the notes among them, from where the events begin."""
    here = places.copy()
    delta = padded[here].astype(np.int64)
    longer = np.flatnonzero(delta >= 0x80)
    delta[longer] &= 0x7F
    while len(longer):
        here[longer] += 1
        byte = padded[here[longer]].astype(np.int64)
        delta[longer] = delta[longer] << 7 | byte & 0x7F
        longer = longer[byte >= 0x80]
    tick = np.cumsum(delta)
    here += 1
    own = padded[here]
    has_status = own >= 0x80
    # An event without a status has that of the last channel message before it.
    given = np.where(has_status & (own < 0xF0), np.arange(len(own)), 0)
    status = own[np.maximum.accumulate(given)]
    note = np.flatnonzero(((status & 0xE0) == 0x80) & (own < 0xF0))
    data = here[note] + has_status[note]
    status, pitch, velocity, at = status[note], padded[data], padded[data + 1], tick[note]
    on = (status >= 0x90) & (velocity > 0)
    channel: ByteArray = status & np.uint8(0x0F)
    duration = _durations(channel.astype(np.int16) << 7 | pitch, at, on)
    return tick, _Notes(at[on], pitch[on], velocity[on], channel[on], duration)


def _durations(key: npt.NDArray[np.int16], tick: IntArray, on: BoolArray) -> IntArray:
    """Ticks from each note-on to its note-off; -1 where there is none.

    Notes of one key are ended in the order in which they began: the k-th note-on has the first
    note-off that is after it and after that of note-on k - 1.
    """
    order = np.argsort(key, kind="stable")
    ons, offs = order[on[order]], order[~on[order]]
    first_after = np.cumsum(~on[order])[on[order]] - np.arange(len(ons))
    apart = key[ons] * np.int64(2 * len(key) + 1)  # so that no key pushes the next one's along
    pair = np.maximum.accumulate(first_after + apart) - apart + np.arange(len(ons))
    paired = np.flatnonzero(pair < len(offs))
    paired = paired[key[offs[pair[paired]]] == key[ons[paired]]]
    duration = np.full(len(key), -1)
    duration[ons[paired]] = tick[offs[pair[paired]]] - tick[ons[paired]]
    return duration[on]


# -- writing ---------------------------------------------------------------------------------


def write_midi(
    path: str | Path,
    performance: Performance,
    *,
    overwrite: bool = True,
    format: Literal[0, 1] = 0,  # noqa: A002 (the word of the standard)
) -> None:
    """Write a MIDI file, whole or not at all.

    Raises:
        MidiError: as `midi_bytes`.
        OutputError: the file exists and `overwrite` is false, or it cannot be written.
    """
    try:
        content = midi_bytes(performance, format=format)
    except MidiError as error:
        raise error.at(path) from None
    write_bytes(path, content, overwrite=overwrite)


def midi_bytes(
    performance: Performance,
    *,
    format: Literal[0, 1] = 0,  # noqa: A002 (the word of the standard)
) -> bytes:
    """The bytes of a MIDI file that says what `performance` says; equal values give equal bytes.

    Format 0 puts everything into one track. Format 1 puts tempos, meters and marks into the first
    track and every note into its own. A note that has no duration is given that of a 32nd note.

    Raises:
        MidiError: a pause is longer than MIDI can express.
    """
    track = performance.track if format else np.zeros_like(performance.track)
    tracks = [
        _note_events(performance, np.flatnonzero(track == number))
        for number in range(int(track.max(initial=0)) + 1)
    ]
    tracks[0] += _meta_events(performance)
    names = ["Drums"] if len(tracks) == 1 else ["ghostnote"] + ["Drums"] * (len(tracks) - 1)
    header = (format, len(tracks), performance.ticks_per_beat)
    chunks = [_chunk(b"MThd", b"".join(value.to_bytes(2) for value in header))]
    for name, events in zip(names, tracks, strict=True):
        named = [((0, -1, 0), _meta(_NAME, name.encode())), *sorted(events)]
        chunks.append(_chunk(b"MTrk", _track_bytes(named, performance)))
    return b"".join(chunks)


_Timed = tuple[tuple[int, int, int], bytes]
"""(tick, rank among the events of a tick, number among those of a rank), and the message."""


def _note_events(performance: Performance, chosen: IntArray) -> list[_Timed]:
    """Note-ons and note-offs. An off comes before the ons of its tick, unless its on is there."""
    events: list[_Timed] = []
    default = max(1, performance.ticks_per_beat // 8)
    rows = zip(
        *(getattr(performance, name)[chosen].tolist() for name in _Notes._fields), strict=True
    )
    for number, (onset, pitch, velocity, channel, given) in enumerate(rows):
        duration = max(1, min(default, performance.end - onset)) if given < 0 else given
        events.append(((onset, 2, 2 * number), bytes((0x90 | channel, pitch, velocity))))
        rank = (1, number) if duration else (2, 2 * number + 1)
        events.append(((onset + duration, *rank), bytes((0x80 | channel, pitch, 0))))
    return events


def _meta_events(performance: Performance) -> list[_Timed]:
    marks = [] if performance.stop is None else [(performance.stop, END_MARK)]
    if performance.start:
        marks.append((performance.start, _START_MARK))
    metas = [
        *((tick, _meta(_TEMPO, tempo.to_bytes(3))) for tick, tempo in performance.tempos),
        *(
            (tick, _meta(_METER, bytes((above, below.bit_length() - 1, 24, 8))))
            for tick, above, below in performance.meters
        ),
        *((tick, _meta(_MARKER, text)) for tick, text in marks),
    ]
    return [((tick, 0, number), message) for number, (tick, message) in enumerate(metas)]


def _track_bytes(events: Iterable[_Timed], performance: Performance) -> bytes:
    messages = ((tick, message) for (tick, _, _), message in events)
    return _content(messages, performance.end, performance.source)


def messages_bytes(
    tracks: Iterable[tuple[Iterable[Message], int]],
    *,
    ticks_per_beat: int,
    format: int,  # noqa: A002 (the word of the standard)
    source: str | None = None,
) -> bytes:
    """The bytes of a MIDI file of these tracks: each its messages, by tick, and its last tick.

    Raises:
        MidiError: a pause is longer than MIDI can express.
    """
    chunks = [_chunk(b"MTrk", _content(messages, end, source)) for messages, end in tracks]
    header = (format, len(chunks), ticks_per_beat)
    return _chunk(b"MThd", b"".join(value.to_bytes(2) for value in header)) + b"".join(chunks)


def _content(messages: Iterable[Message], end: int, source: str | None) -> bytes:
    content = bytearray()
    now = 0
    for tick, message in messages:
        content += _number(tick - now, source) + message
        now = tick
    content += _number(max(end - now, 0), source) + _meta(_END_OF_TRACK, b"")
    return bytes(content)


def _number(value: int, source: str | None) -> bytes:
    """A delta time as a variable-length number."""
    if value > _MAX_DELTA:
        raise MidiError(
            f"a pause of {value} ticks is longer than a MIDI file can express",
            source=source,
            remedy="write fewer ticks per beat, or cut the file in two",
        )
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def _meta(kind: int, payload: bytes) -> bytes:
    return bytes((0xFF, kind, len(payload))) + payload


def _chunk(tag: bytes, content: bytes) -> bytes:
    return tag + len(content).to_bytes(4) + content
