"""Between a `Performance`, in ticks, and a `Groove`, on the grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import GhostnoteError, MidiError
from ghostnote.music.groove import (
    MAX_BPM,
    STEPS_PER_QUARTER,
    FloatArray,
    Groove,
    Meter,
    steps_per_bar,
    valid_bpm,
)
from ghostnote.music.kit import DrumMap
from ghostnote.music.midi import (
    DEFAULT_TEMPO,
    DRUM_CHANNEL,
    MAX_TEMPO,
    ByteArray,
    IntArray,
    Performance,
)

MAX_STEPS: Final = 1 << 20
"""The longest grid that is made, 65,536 bars of 4/4: a longer file is a damaged one."""


# -- what the grid leaves out ----------------------------------------------------------------


@dataclass(frozen=True)
class GridReport:
    """What became of the notes: `notes` = `hits` + `merged` + `outside` + all `unmapped`.

    Attributes:
        notes: notes on the chosen channel.
        hits: those that are on the grid.
        merged: those that gave way to a louder one of the same voice and step.
        outside: those more than half a step before the first bar.
        unmapped: pitch → notes of that pitch, for pitches that the drum map does not know.
        tempo_changes: changes of tempo after the first, which a groove cannot hold.

    Reports add up: ``report + report``, ``sum(reports, GridReport())``. `str` is one line.
    """

    notes: int = 0
    hits: int = 0
    merged: int = 0
    outside: int = 0
    unmapped: Mapping[int, int] = field(default_factory=dict)
    tempo_changes: int = 0

    def __add__(self, other: GridReport) -> GridReport:
        return GridReport(
            self.notes + other.notes,
            self.hits + other.hits,
            self.merged + other.merged,
            self.outside + other.outside,
            dict(sorted((Counter(self.unmapped) + Counter(other.unmapped)).items())),
            self.tempo_changes + other.tempo_changes,
        )

    def __str__(self) -> str:
        parts = [f"{self.hits} of {self.notes} notes on the grid"]
        if self.merged:
            parts.append(f"{self.merged} merged with a louder one of their voice and step")
        if self.outside:
            parts.append(f"{self.outside} before the first bar")
        if self.unmapped:
            pitches = ", ".join(f"{pitch} (×{count})" for pitch, count in self.unmapped.items())
            parts.append(f"{sum(self.unmapped.values())} of unknown pitches: {pitches}")
        if self.tempo_changes:
            changes = "tempo change" + "s" * (self.tempo_changes != 1)
            parts.append(f"{self.tempo_changes} {changes} ignored")
        return "; ".join(parts)


# -- reading ---------------------------------------------------------------------------------


def grid_arrays(
    onset: IntArray,
    pitch: ByteArray,
    velocity: ByteArray,
    ticks_per_beat: int,
    drum_map: DrumMap,
    *,
    bar: int = 16,
    start: int = 0,
    stop: int | None = None,
) -> tuple[ByteArray, FloatArray, GridReport]:
    """Notes put on the grid: velocity `[T, V]` uint8, 0 to 127, and offset `[T, V]` float32.

    A note belongs to the step that it is nearest to, halfway to the later one; of several notes of
    one voice in one step the loudest counts, the first of equals. `V` is how many voices the map
    has. `T` is the whole bars of `bar` steps from tick `start` on that hold all hits, and reach to
    tick `stop` if it is given; it may be 0. `onset` (ascending ticks), `pitch` and `velocity` are
    `[N]`, as in a `Performance`.

    Raises:
        MidiError: the hits reach over more than `MAX_STEPS` steps.
    """
    voice = voice_table(drum_map)[pitch]
    quarters = STEPS_PER_QUARTER * (onset - start)  # steps × ticks per beat, in whole numbers
    step = (2 * quarters + ticks_per_beat) // (2 * ticks_per_beat)
    known = voice >= 0
    inside = np.flatnonzero(known & (step >= 0))
    inside = inside[by_loudness(velocity[inside])]
    step, voice, quarters = step[inside], voice[inside], quarters[inside]
    steps = int(step.max(initial=-1)) + 1
    if stop is not None:
        steps = max(steps, -(-STEPS_PER_QUARTER * (stop - start) // ticks_per_beat))
    steps = -(-steps // bar) * bar
    if steps > MAX_STEPS:
        raise MidiError(
            f"lasts {steps} 16th notes, more than the {MAX_STEPS} that are read",
            remedy="check the file, or cut it into shorter ones",
        )
    voices = len(drum_map.pitches)
    loudness = np.zeros((steps, voices), np.uint8)
    offset = np.zeros((steps, voices), np.float32)
    loudness[step, voice] = velocity[inside]
    offset[step, voice] = (quarters - step * ticks_per_beat) / ticks_per_beat
    hits = int(np.count_nonzero(loudness))
    mapped = int(np.count_nonzero(known))
    unmapped = {} if mapped == len(pitch) else _count(pitch[~known])
    report = GridReport(len(pitch), hits, len(inside) - hits, mapped - len(inside), unmapped)
    return loudness, offset, report


def by_loudness(velocity: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """The order `[N]` in which notes are put into cells: numpy keeps the last of several values
    for one cell, which is to be the loudest, and of equals the first.
    """
    return len(velocity) - 1 - np.argsort(velocity[::-1], kind="stable")


@lru_cache(maxsize=16)
def voice_table(drum_map: DrumMap) -> npt.NDArray[np.intp]:
    """`[128]`: pitch → voice, -1 where the map knows none."""
    table = np.full(128, -1, np.intp)
    for pitch, voice in drum_map.voice_of.items():
        table[pitch] = voice
    return table


def _count(pitch: ByteArray) -> dict[int, int]:
    values, counts = np.unique(pitch, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


class Grid(NamedTuple):
    """A stretch of a file in one meter, with the voices of any drum map.

    Attributes:
        start: the tick where its first bar begins.
        velocity: `[T, V]` uint8, 1 to 127 where there is a hit and 0 elsewhere.
        offset: `[T, V]` float32 in steps, positive is late; 0 where there is no hit.
        bpm: the tempo at its start.
        meter: (numerator, denominator).
    """

    start: int
    velocity: ByteArray
    offset: FloatArray
    bpm: float
    meter: Meter


class Section(NamedTuple):
    """A stretch of a file in one meter, and the tick where its first bar begins."""

    start: int
    groove: Groove


def to_groove(
    performance: Performance, drum_map: DrumMap, *, channel: int | None = DRUM_CHANNEL
) -> tuple[Groove, GridReport]:
    """The drums of a file that keeps to one meter, and what became of its notes.

    Bars are counted from the performance's `start` and reach to the last hit, or to `stop` if the
    file says where that is. The tempo is the one at the start. `channel` is counted from 1; with
    None, the notes of all channels are drums.

    Raises:
        MidiError: there are hits in several meters; no notes on the channel; none whose pitch the
            map knows; or a meter, tempo or length that a groove cannot have.
        DrumMapError: the map has classes of its own.
    """
    grid, report = to_grid(performance, drum_map.of_nine(), channel=channel)
    return _groove(grid), report


def to_grid(
    performance: Performance, drum_map: DrumMap, *, channel: int | None = DRUM_CHANNEL
) -> tuple[Grid, GridReport]:
    """As `to_groove`, but arrays with the voices of any drum map.

    Raises:
        MidiError: as `to_groove`.
    """
    grids, report = to_grids(performance, drum_map, channel=channel)
    if len(grids) > 1:
        meters = ", ".join("{}/{}".format(*grid.meter) for grid in grids)
        raise MidiError(
            f"changes its meter: {meters}",
            source=performance.source,
            remedy="cut the file where the meter changes, and use the parts",
        )
    return grids[0], report


def to_grooves(
    performance: Performance, drum_map: DrumMap, *, channel: int | None = DRUM_CHANNEL
) -> tuple[list[Section], GridReport]:
    """A groove for each stretch of constant meter that has hits, and one report of them all.

    A bar line is wherever the meter changes; otherwise as `to_groove`.

    Raises:
        MidiError, DrumMapError: as `to_groove`, but for several meters.
    """
    grids, report = to_grids(performance, drum_map.of_nine(), channel=channel)
    return [Section(grid.start, _groove(grid)) for grid in grids], report


def to_grids(
    performance: Performance, drum_map: DrumMap, *, channel: int | None = DRUM_CHANNEL
) -> tuple[list[Grid], GridReport]:
    """As `to_grooves`, but arrays with the voices of any drum map.

    Raises:
        MidiError: as `to_groove`, but for several meters.
    """
    drums = performance if channel is None else performance.channels(channel)
    silent = not len(drums) and performance.stop is not None
    grids: list[Grid] = []
    total = GridReport()
    for start, stop, meter, notes in stretches(drums):
        bpm, tempo_changes = _tempo(drums, start, stop)
        try:
            velocity, offset, report = grid_arrays(
                drums.onset[notes],
                drums.pitch[notes],
                drums.velocity[notes],
                drums.ticks_per_beat,
                drum_map,
                bar=steps_per_bar(meter),
                start=start,
                stop=stop,
            )
            if report.hits or (silent and len(velocity)):
                grids.append(Grid(start, velocity, offset, valid_bpm(bpm), meter))
        except GhostnoteError as error:
            remedy = error.remedy or f"bars must be whole 16ths, tempos at most {MAX_BPM:g} bpm"
            raise MidiError(error.reason, source=drums.source, remedy=remedy) from None
        total += replace(report, tempo_changes=tempo_changes)
    if not grids:
        raise _no_hits(performance, channel, drum_map, total)
    return grids, total


def _groove(grid: Grid) -> Groove:
    return Groove.from_cells(
        grid.velocity > 0, grid.velocity / 127, grid.offset, bpm=grid.bpm, meter=grid.meter
    )


def stretches(performance: Performance) -> list[tuple[int, int | None, Meter, slice]]:
    """Where the meter stays the same: first tick, end (None if unknown), meter, and the notes.

    What is up to half a step early belongs to the stretch that it is early for.
    """
    half_step = performance.ticks_per_beat / (2 * STEPS_PER_QUARTER)
    at_tick: dict[int, Meter] = {performance.start: (4, 4)}
    for tick, above, below in performance.meters:
        at = performance.start if tick <= performance.start + half_step else tick
        at_tick[at] = (above, below)
    given = list(at_tick.items())
    changes = given[:1] + [new for old, new in pairwise(given) if new[1] != old[1]]
    starts, meters = zip(*changes, strict=True)
    inner = np.searchsorted(performance.onset, np.array(starts[1:]) - half_step).tolist()
    notes = [slice(*cut) for cut in pairwise([0, *inner, len(performance)])]
    return list(zip(starts, [*starts[1:], performance.stop], meters, notes, strict=True))


def _tempo(performance: Performance, start: int, stop: int | None) -> tuple[float, int]:
    """The tempo at `start`, in bpm, and how often it changes from there to `stop`."""
    half_step = performance.ticks_per_beat / (2 * STEPS_PER_QUARTER)
    before = [tempo for tick, tempo in performance.tempos if tick <= start + half_step]
    after = [
        tempo
        for tick, tempo in performance.tempos
        if start + half_step < tick and (stop is None or tick < stop)
    ]
    first = (before[-1:] or after[:1] or [DEFAULT_TEMPO])[0]
    return 6e7 / first, sum(old != new for old, new in pairwise([first, *after]))


def _no_hits(
    performance: Performance, channel: int | None, drum_map: DrumMap, report: GridReport
) -> MidiError:
    where = "" if channel is None else f" on channel {channel}"
    others = [number for number in performance.notes_per_channel if number != channel]
    if report.notes:
        reason = f"has no drums{where} that the map {drum_map.name} knows: {report}"
        remedy = "use another drum map"
    else:
        reason = f"has no notes{where}"
        remedy = "give a MIDI file with drums"
    if channel is not None and others:
        remedy += f", or choose --channel: there are notes on {', '.join(map(str, others))}"
    return MidiError(reason, source=performance.source, remedy=remedy)


# -- writing ---------------------------------------------------------------------------------


def to_performance(groove: Groove, drum_map: DrumMap, *, ticks_per_beat: int = 480) -> Performance:
    """The groove as notes on channel 10, in track 1, with its tempo, meter and length.

    Read back with the same map it is the same groove: hits, meter and length exactly, velocity to
    1/127 (and never 0), offset to a tick, tempo to a microsecond per quarter note. Where a hit
    comes before the first beat, an empty bar is put in front, and the performance's `start` says
    so; `on_the_beat` avoids it.

    Raises:
        MidiError: `ticks_per_beat` is not a multiple of 4 from 24 to 32,764, or MIDI has no such
            tempo or meter.
        DrumMapError: the map has classes of its own.
    """
    if ticks_per_beat % STEPS_PER_QUARTER or not 24 <= ticks_per_beat <= 0x7FFF:
        raise MidiError(
            f"{ticks_per_beat} ticks per beat cannot hold 16th notes",
            remedy="use a multiple of 4 from 24 to 32764, such as 480",
        )
    tempo = round(6e7 / groove.bpm)
    if tempo > MAX_TEMPO:
        raise MidiError(
            f"{groove.bpm:g} bpm is slower than MIDI can express", remedy="use at least 3.6 bpm"
        )
    per_step = ticks_per_beat // STEPS_PER_QUARTER
    voice, step = np.nonzero(groove.hits.T)  # voice by voice, and by time within each
    played = np.rint((step + groove.offset[step, voice].astype(np.float64)) * per_step)
    earliest = step * per_step - per_step // 2
    tick = np.clip(played.astype(np.int64), earliest, earliest + per_step - 1)
    start = groove.steps_per_bar * per_step if tick.min(initial=0) < 0 else 0
    stop = start + groove.steps * per_step
    onset = start + tick
    next_of_voice = np.where(np.diff(voice, append=-1), stop, np.append(onset[1:], stop))
    duration = np.minimum(next_of_voice - onset, max(1, per_step // 2))
    loudness = np.clip(np.rint(groove.velocity[step, voice] * 127), 1, 127).astype(np.uint8)
    by_time = np.argsort(onset, kind="stable")
    return Performance(
        ticks_per_beat,
        onset[by_time],
        np.array(drum_map.of_nine().written, np.uint8)[voice[by_time]],
        loudness[by_time],
        np.full(len(step), DRUM_CHANNEL - 1, np.uint8),
        np.ones(len(step), np.int32),
        duration[by_time],
        tempos=((0, tempo),),
        meters=((0, *groove.meter),),
        end=stop,
        start=start,
        stop=stop,
    )


def on_the_beat(groove: Groove) -> tuple[Groove, int]:
    """The groove with hits before its first beat moved onto it, and how many they are."""
    offset = groove.offset.copy()
    early = int(np.count_nonzero(offset[0] < 0))
    offset[0] = np.maximum(offset[0], 0)
    return Groove(groove.hits, groove.velocity, offset, groove.bpm, groove.meter), early
