"""Drums as the original's converters make them: MIDI → tensors and back, equal in every element.

Our own grid (`ghostnote.music.grid`) counts in ticks and takes offsets in steps, positive is late.
Magenta counts in seconds, takes offsets in half steps, positive is early, and corrupts its inputs
while it converts. What is needed to compare with it, or to feed its weights as it did, is here: the
differences stand at this border, and the layouts and corruptions are those of
`ghostnote.music.tensors` and `ghostnote.music.tasks`.

Where the original fails or is silent, this does something else, and its tests say so: a pitch that
the map does not know is counted (there a KeyError, or nothing); a file with several tempos gives
the windows of each of them (there none, from the groove converter); notes that its reader loses
are counted; all windows are given, in the order of their sets of voices (there at most five, in
any order); and binned outputs are read back whole (there a ninth of them).

Source: `GrooveConverter` and `DrumsConverter` of magenta 2.1.4 (music_vae/data.py), note-seq 0.0.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, GrooveError, MidiError
from ghostnote.music.grid import MAX_STEPS, by_loudness, voice_table
from ghostnote.music.groove import STEPS_PER_QUARTER, Meter, steps_per_bar
from ghostnote.music.kit import DrumMap, builtin_map, voice_index
from ghostnote.music.midi import DEFAULT_TEMPO, DRUM_CHANNEL, Performance
from ghostnote.music.tasks import hidden, moved_to, straight, without_velocity
from ghostnote.music.tensors import (
    from_binned,
    from_categories,
    from_groove_x,
    from_labels,
    from_voice_steps,
    to_binned,
    to_categories,
    to_labels,
    to_voice_steps,
    voice_turns,
)

Array = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]

BAR: Final = 16
"""Steps in a bar: the original knows 4/4 only."""
OUT_QPM: Final = 120.0
"""The tempo of everything that the original writes."""
OUT_VELOCITY: Final = 80
"""The velocity of hits that have none."""

_TAP: Final = voice_index("open hat")


# -- notes -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Notes:
    """Drum notes of one tempo and meter, in seconds from its first bar line.

    `pitch`, `velocity` (1 to 127), `start` and `end` are `[N]`. Of equally loud notes in one cell
    the first in this order counts. `lost` is how many others a file has that the original does not
    read: those without note-off, and most of no length.
    """

    pitch: Array
    velocity: Array
    start: Seconds
    end: Seconds
    qpm: float = OUT_QPM
    meter: Meter = (4, 4)
    lost: int = 0

    def __len__(self) -> int:
        """`N`."""
        return len(self.pitch)

    @classmethod
    def of(cls, rows: Array, *, qpm: float = OUT_QPM, meter: Meter = (4, 4)) -> Notes:
        """Notes from rows of pitch, velocity, start and end, `[N, 4]`."""
        pitch, velocity, start, end = np.asarray(rows, np.float64).reshape(-1, 4).T
        return cls(pitch.astype(np.int64), velocity.astype(np.int64), start, end, qpm, meter)

    @property
    def steps(self) -> IntArray:
        """`[N]`: the step that each note is nearest to, from 0; halfway is the later one."""
        per_second = STEPS_PER_QUARTER * self.qpm / 60.0
        return (self.start * per_second + 0.5).astype(np.int64)


def sections(performance: Performance, *, channel: int = DRUM_CHANNEL) -> list[Notes]:
    """The drums of a file, in stretches of one tempo and meter that have notes.

    Notes stand in the order in which they end, as the original reads them (where several end at
    once, in that in which they begin), and their seconds are its to the last bit. `channel` is
    counted from 1.
    """
    drums = performance.channels(channel)
    changes = _changes(drums)
    ticks = np.array([tick for tick, _, _ in changes])
    last = _ends(drums)
    order = np.lexsort((drums.onset, last, drums.track))
    begin = _seconds(drums, ticks)
    start, end = _seconds(drums, drums.onset), _seconds(drums, last)
    place = np.searchsorted(ticks, drums.onset, side="right") - 1
    found = []
    for index, (_, tempo, meter) in enumerate(changes):
        here = order[place[order] == index]
        read = here[last[here] >= 0]
        if len(here):
            found.append(
                Notes(
                    drums.pitch[read].astype(np.int64),
                    drums.velocity[read].astype(np.int64),
                    start[read] - begin[index],
                    end[read] - begin[index],
                    60.0 / (_tick_scale(tempo, drums) * drums.ticks_per_beat),
                    meter,
                    len(here) - len(read),
                )
            )
    return found


def _ends(performance: Performance) -> IntArray:
    """`[N]`: the tick at which the original's reader ends each note, -1 where it loses it.

    There a note-off ends all notes of its pitch that sound, and those that begin at its very tick
    are lost, if there are no others.
    """
    onset, ended = performance.onset, performance.duration >= 0
    off = (onset + performance.duration)[ended]
    key = performance.track.astype(np.int64) * 128 + performance.pitch
    # A key and a tick as one number, in the order of keys and then of ticks.
    ticks, rank = np.unique(np.concatenate([onset, off]), return_inverse=True)
    place = np.concatenate([key, key[ended]]) * (len(ticks) + 1) + rank
    begins, ends = place[: len(onset)], np.sort(place[len(onset) :])
    following = np.append(ends, np.iinfo(np.int64).max)[np.searchsorted(ends, begins, "right")]
    lost = following // (len(ticks) + 1) != key
    lost |= np.isin(begins, begins[performance.duration == 0])
    return np.where(lost, -1, np.append(ticks, -1)[following % (len(ticks) + 1)])


def _changes(performance: Performance) -> list[tuple[int, int, Meter]]:
    """(tick, tempo, meter) from each tick at which either becomes another."""
    tempos = dict(performance.tempos)
    meters = {tick: (above, below) for tick, above, below in performance.meters}
    tempo, meter = DEFAULT_TEMPO, (4, 4)
    changes: list[tuple[int, int, Meter]] = []
    for tick in sorted({0} | tempos.keys() | meters.keys()):
        tempo, meter = tempos.get(tick, tempo), meters.get(tick, meter)
        if not changes or changes[-1][1:] != (tempo, meter):
            changes.append((tick, tempo, meter))
    return changes


def _tick_scale(tempo: int, performance: Performance) -> float:
    """Seconds in a tick, rounded where the original's reader rounds."""
    return 60.0 / (6e7 / tempo * performance.ticks_per_beat)


def _seconds(performance: Performance, ticks: Array) -> Seconds:
    """As `Performance.seconds`, rounded where the original's reader rounds."""
    changes = [(0, DEFAULT_TEMPO)]
    for tick, tempo in performance.tempos:
        if not tick:
            changes = [(0, tempo)]
        elif tempo != changes[-1][1]:
            changes.append((tick, tempo))
    at = np.array([tick for tick, _ in changes])
    scale = np.array([_tick_scale(tempo, performance) for _, tempo in changes])
    reached = np.concatenate(([0.0], np.cumsum(np.diff(at) * scale[:-1])))
    last = np.searchsorted(at, ticks, side="right") - 1
    return np.asarray(reached[last] + scale[last] * (ticks - at[last]))


# -- tensors ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Tensors:
    """`W` windows of at most `T` steps.

    Attributes:
        inputs: `[W, T, D]`, what the encoder takes: float32 from grooves, bool from drums.
        outputs: `[W, T, E]`, what the decoder is to give, of the same type.
        controls: `[W, T, C]` bool, what both are told; `C` may be 0.
        lengths: `[W]` int32, the steps of each window; zeros follow.
        unmapped: pitch → notes of that pitch, for pitches that the map does not know.
    """

    inputs: Array
    outputs: Array
    controls: BoolArray
    lengths: npt.NDArray[np.int32]
    unmapped: Mapping[int, int]

    def __len__(self) -> int:
        """`W`."""
        return len(self.lengths)


def _known(notes: Notes, drum_map: DrumMap) -> tuple[BoolArray, Array, dict[int, int]]:
    """Which notes the map knows, the voice of each note, and how many of which others."""
    voice = voice_table(drum_map)[notes.pitch]
    pitches, counts = np.unique(notes.pitch[voice < 0], return_counts=True)
    return voice >= 0, voice, dict(zip(pitches.tolist(), counts.tolist(), strict=True))


def _in_four(notes: Notes) -> bool:
    try:
        return steps_per_bar(notes.meter) == BAR
    except GrooveError:
        return False


def _whole_bars(steps: IntArray) -> int:
    """The steps of the bars that hold `steps` `[N]`."""
    length = (int(steps.max()) // BAR + 1) * BAR
    if length > MAX_STEPS:
        raise MidiError(
            f"lasts {length} 16th notes, more than the {MAX_STEPS} that are converted",
            remedy="check the file, or cut it into shorter ones",
        )
    return length


def _cut(x: Array, width: int, hop: int) -> Array:
    """Windows `[W, width, D]` of `x` `[T, D]`, one every `hop` steps."""
    if not width or len(x) < width:
        return np.zeros((0, width, x.shape[1]), x.dtype)
    runs = np.lib.stride_tricks.sliding_window_view(x, width, axis=0)
    return runs[::hop].swapaxes(1, 2).copy()


# -- grooves ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GrooveConverter:
    """Hits, velocity and offset of each voice at each step, under the original's own settings.

    Raises:
        ConfigError: settings that exclude or lack each other.
    """

    drum_map: DrumMap = field(default_factory=lambda: builtin_map("magenta-train"))
    """In inference the original has ``magenta-infer``."""
    split_bars: int | None = None
    """Bars in a window; all of them by default."""
    hop_size: int | None = None
    """Steps between windows; a whole window by default."""
    humanize: bool = False
    """The input has neither velocity nor offset."""
    tapify: bool = False
    """The input has all hits of a step in one voice."""
    fixed_velocities: bool = False
    """The input has no velocity."""
    add_instruments: tuple[int, ...] = ()
    """Voices that the input does not have."""
    max_note_dropout_probability: float | None = None
    """The input lacks a share of hits, drawn for each file up to this."""
    num_velocity_bins: int | None = None
    num_offset_bins: int | None = None
    """Velocity and offset as one-hot bins; both or neither."""
    split_instruments: bool = False
    """One voice a step, in turns; the controls say which."""
    hits_as_controls: bool = False
    """The controls hold the hits."""

    def __post_init__(self) -> None:
        if (self.num_velocity_bins is None) != (self.num_offset_bins is None):
            raise ConfigError("bins of velocity or offset alone", remedy="give both, or neither")
        if self.hop_size is not None and self.split_bars is None:
            raise ConfigError("hop_size without split_bars")

    @property
    def _bins(self) -> tuple[int, int] | None:
        if self.num_velocity_bins is None or self.num_offset_bins is None:
            return None
        return self.num_velocity_bins, self.num_offset_bins

    @property
    def _depths(self) -> tuple[int, int, int]:
        """How many numbers a voice's hit, velocity and offset are."""
        return 1, *(self._bins or (1, 1))

    @property
    def _voices(self) -> int:
        return len(self.drum_map.pitches)

    def to_tensors(self, notes: Notes, random: np.random.RandomState | None = None) -> Tensors:
        """The windows of `notes`; none where the meter has no bars of 16 steps.

        `random` draws what is lost to `max_note_dropout_probability`; the original's numbers are
        those of numpy's old generator.

        Raises:
            ConfigError: there is something to draw and no `random`.
            MidiError: the notes reach over more than `MAX_STEPS` steps.
        """
        known, voice, unmapped = _known(notes, self.drum_map)
        x: Array = np.zeros((0, 3 * self._voices))
        if _in_four(notes) and known.any():
            x = _groove(notes, known, voice, self._voices)
        inputs, hits = self._corrupted(x, random), from_groove_x(x).hits > 0
        if self._bins is not None:
            x, inputs = to_binned(x, *self._bins), to_binned(inputs, *self._bins)
        told, turns = [hits] if self.hits_as_controls else [], 1
        if self.split_instruments:
            turns = self._voices
            x, inputs = to_voice_steps(x, self._depths), to_voice_steps(inputs, self._depths)
            told = [to_voice_steps(each, (1,)) for each in told]
            told.append(voice_turns(len(hits), turns))
        controls = np.concatenate([np.zeros((len(x), 0), bool), *told], axis=1)
        width = len(x) if self.split_bars is None else BAR * self.split_bars * turns
        hop = width if self.hop_size is None else self.hop_size * turns
        inputs, outputs, controls = (_cut(each, width, hop) for each in (inputs, x, controls))
        lengths = np.full(len(outputs), width, np.int32)
        return Tensors(
            inputs.astype(np.float32), outputs.astype(np.float32), controls, lengths, unmapped
        )

    def _corrupted(self, x: Array, random: np.random.RandomState | None) -> Array:
        """What the encoder is given of `x` `[T, 3V]`."""
        given = x
        if self.max_note_dropout_probability is not None:
            if random is None:
                raise ConfigError("hits are to be lost at random", remedy="give a RandomState")
            rate = random.uniform(0.0, self.max_note_dropout_probability)
            quiet = np.maximum(0.2, 1 - from_groove_x(x).velocity)
            given = hidden(x, random.binomial(1, quiet * rate) > 0)
        if self.tapify:
            # The loudest of what is left is read out of the whole, where it is the kick if nothing
            # is left: so it is in the original, and part of what was lost comes back.
            given = moved_to(x, from_groove_x(given).velocity.argmax(axis=-1), _TAP)
        if self.humanize:
            given = straight(given)
        if self.fixed_velocities:
            given = without_velocity(given)
        if self.add_instruments:
            given = hidden(given, np.isin(np.arange(self._voices), self.add_instruments))
        return given

    def to_notes(self, outputs: Array) -> Seconds:
        """Notes `[n, 5]` of `outputs` `[W, T, E]`: window, pitch, velocity, start and end, in
        seconds at 120 bpm. A start may be negative, and a velocity 0.
        """
        x: Array = np.asarray(outputs, np.float64)
        if self.split_instruments:
            x = from_voice_steps(x, self._voices, self._depths)
        if self._bins is not None:
            x = from_binned(x, *self._bins)
        hits, velocity, offset = from_groove_x(x)
        window, step, voice = np.nonzero(hits > 0.5)
        loudness = velocity[window, step, voice] * 127
        # Bins are cut off, not rounded; the margin keeps whole numbers whole in float32.
        loudness = np.round(loudness) if self._bins is None else np.trunc(loudness + 1e-4)
        early = np.clip(offset[window, step, voice].astype(np.float64) / 2, -0.5, 0.5)
        return _rows(window, voice, np.clip(loudness, 0, 127), step - early, self.drum_map)


def _groove(notes: Notes, known: BoolArray, voice: Array, voices: int) -> Array:
    """Whole bars `[T, 3V]` float64 of the notes that are known, with the original's offsets."""
    per_step = 60.0 / notes.qpm / STEPS_PER_QUARTER
    chosen = np.flatnonzero(known)
    chosen = chosen[by_loudness(notes.velocity[chosen])]
    step, voice = notes.steps[chosen], voice[chosen]
    x = np.zeros((_whole_bars(step), 3, voices))
    x[step, 0, voice] = 1
    x[step, 1, voice] = notes.velocity[chosen] / 127.0
    x[step, 2, voice] = (per_step * step - notes.start[chosen]) / per_step * 2
    return x.reshape(len(x), -1)


def _rows(window: Array, voice: Array, velocity: Array, step: Array, drum_map: DrumMap) -> Seconds:
    per_step = 60.0 / OUT_QPM / STEPS_PER_QUARTER
    start = step * per_step
    pitch = np.array(drum_map.written)[voice]
    return np.stack([window, pitch, velocity, start, start + per_step], axis=1).astype(np.float64)


# -- drums without velocity and offset -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DrumsConverter:
    """Which voices are hit at each step, under the original's own settings."""

    drum_map: DrumMap = field(default_factory=lambda: builtin_map("magenta-infer"))
    slice_bars: int | None = None
    """Bars in a window, one of which begins at each bar; a whole track by default."""
    max_bars: int | None = None
    """Bars of a track that are used."""
    gap_bars: float | None = 1.0
    """A track ends where so many bars are silent; never, with None."""
    add_end_token: bool = False
    """A step more, in which a class of its own marks the end."""
    roll_input: bool = False
    """The input is hits and silence; sets of voices by default."""
    roll_output: bool = False
    """The output is hits; sets of voices by default."""

    def to_tensors(self, notes: Notes) -> Tensors:
        """The windows of `notes` that differ, in the order of their sets of voices; none where the
        meter has no bars of 16 steps.

        Raises:
            GrooveError: the map has more classes than sets of them can have columns.
            MidiError: the notes reach over more than `MAX_STEPS` steps.
        """
        known, voice, unmapped = _known(notes, self.drum_map)
        voices = len(self.drum_map.pitches)
        windows: list[tuple[int, ...]] = []
        if _in_four(notes) and known.any():
            step = notes.steps[known]
            hits = np.zeros((_whole_bars(step), voices), bool)
            hits[step, voice[known]] = True
            labels = to_labels(hits)
            for start, stop in self._tracks(np.unique(step)):
                width = BAR * self.slice_bars if self.slice_bars else stop - start
                windows += (
                    tuple(labels[end - width : end].tolist())
                    for end in range(start + width, stop + 1, BAR)
                )
        distinct = sorted(set(windows))
        lengths = np.array([len(window) for window in distinct], np.int32) + self.add_end_token
        steps = int(lengths.max(initial=self.add_end_token + BAR * (self.slice_bars or 0)))
        rolls, sets = [], []
        for window in distinct:
            played = from_labels(np.array(window, np.int64), voices)
            if self.roll_input or self.roll_output:
                rolls.append(self._ended(played))
            if not (self.roll_input and self.roll_output):
                sets.append(self._ended(to_categories(played)))
        inputs = [_with_silence(roll) for roll in rolls] if self.roll_input else sets
        return Tensors(
            _padded(inputs, steps, self._depth(self.roll_input) + self.roll_input),
            _padded(rolls if self.roll_output else sets, steps, self._depth(self.roll_output)),
            np.zeros((len(distinct), steps, 0), bool),
            lengths,
            unmapped,
        )

    def _tracks(self, steps: IntArray) -> list[tuple[int, int]]:
        """Whole bars (first step, end) from a hit until a gap, `steps` `[N]` having hits."""
        gap = BAR * (self.gap_bars or math.inf)
        tracks: list[tuple[int, int]] = []
        searched = 0
        while len(steps := steps[steps >= searched]):
            breaks = np.flatnonzero(np.diff(steps) - 1 >= gap)
            last = int(steps[breaks[0]] if len(breaks) else steps[-1])
            start, searched = int(steps[0]) // BAR * BAR, (last // BAR + 1) * BAR
            longest = BAR * self.max_bars if self.max_bars else searched - start
            tracks.append((start, min(searched, start + longest)))
        return tracks

    def _depth(self, roll: bool) -> int:
        voices = len(self.drum_map.pitches)
        return (voices if roll else 1 << voices) + self.add_end_token

    def _ended(self, x: BoolArray) -> BoolArray:
        """`x` `[T, D]` with a last row and a last column for the end, if there is one."""
        if not self.add_end_token:
            return x
        ended = np.pad(x, [(0, 1), (0, 1)])
        ended[-1, -1] = True
        return ended

    def to_notes(self, outputs: Array) -> Seconds:
        """Notes `[n, 5]` of `outputs` `[W, T, E]`: window, pitch, velocity (80), start and end, in
        seconds at 120 bpm. What follows an end is left out.
        """
        played = outputs > 0.5 if self.roll_output else outputs
        if self.add_end_token:
            ends = (
                played[..., -1] > 0.5
                if self.roll_output
                else played.argmax(-1) == (played.shape[-1] - 1)
            )
            over = np.logical_or.accumulate(ends, axis=1)
            played = np.where(over[..., None], 0, played[..., :-1])
        hits = played if self.roll_output else from_categories(played)
        window, step, voice = np.nonzero(hits)
        return _rows(window, voice, np.full(len(step), OUT_VELOCITY), step, self.drum_map)


def _with_silence(roll: BoolArray) -> BoolArray:
    """A roll with a last column that is true where nothing else is, not even the end."""
    return np.concatenate([roll, ~roll.any(axis=1, keepdims=True)], axis=1)


def _padded(windows: Sequence[BoolArray], steps: int, depth: int) -> BoolArray:
    x = np.zeros((len(windows), steps, depth), bool)
    for row, window in zip(x, windows, strict=True):
        row[: len(window)] = window
    return x


# -- the original's configurations -----------------------------------------------------------

_TWO_BARS: Final[dict[str, Any]] = {"max_bars": 100, "slice_bars": 2, "roll_input": True}

CONVERTERS: Final[Mapping[str, GrooveConverter | DrumsConverter]] = {
    "cat-drums_2bar_small": DrumsConverter(**_TWO_BARS),
    "cat-drums_2bar_big": DrumsConverter(**_TWO_BARS),
    "nade-drums_2bar_reduced": DrumsConverter(**_TWO_BARS, roll_output=True),
    "nade-drums_2bar_full": DrumsConverter(
        **_TWO_BARS, roll_output=True, drum_map=builtin_map("magenta-full")
    ),
    "groovae_4bar": GrooveConverter(split_bars=4),
    "groovae_2bar_humanize": GrooveConverter(split_bars=2, humanize=True),
    "groovae_2bar_tap_fixed_velocity": GrooveConverter(
        split_bars=2, tapify=True, fixed_velocities=True
    ),
    "groovae_2bar_tap_fixed_velocity_note_dropout": GrooveConverter(
        split_bars=2, tapify=True, fixed_velocities=True, max_note_dropout_probability=0.8
    ),
    "groovae_2bar_add_closed_hh": GrooveConverter(split_bars=2, add_instruments=(2,)),
    "groovae_2bar_hits_control_tfds": GrooveConverter(split_bars=2, hits_as_controls=True),
}
"""How each of its drum configurations converts."""
