"""A rhythm, tapped with one finger, as a part for the whole kit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, MidiError
from ghostnote.music.grid import MAX_STEPS, GridReport, to_grid
from ghostnote.music.groove import STEPS_PER_QUARTER, Groove, Meter, steps_per_bar, valid_bpm
from ghostnote.music.kit import N_VOICES, DrumMap, voice_index
from ghostnote.music.midi import DRUM_CHANNEL, Performance
from ghostnote.music.tasks import Mixture, Tap
from ghostnote.pipeline.models import Model, model_for, runtime_of
from ghostnote.pipeline.windows import in_meter
from ghostnote.pipeline.writing import Page, in_grooves, lesson, write
from ghostnote.runtime import to_x

_ANY_PITCH: Final = DrumMap("taps", (tuple(range(128)),), ("tap",))
_VOICE: Final = voice_index(Tap().voice)
_TAP: Final = 0.8
"""The velocity of a tap that has none."""

SLOWEST, FASTEST = 60.0, 200.0
"""The tempos that are heard in taps, in quarter notes per minute."""

_USUAL: Final = 105.0
_SPREAD: Final = 0.45
"""Of the tempos that are heard, the middle and the natural logarithm's standard deviation."""
_LEVELS: Final = {0.25: 0.25, 0.5: 0.5, 1.0: 1.0, 2.0: 1.0, 4.0: 1.0}
"""Beats between taps that speak for a tempo, and how much: a 16th, an eighth, up to a bar."""
_BLUR: Final = 0.02
"""How unevenly taps are played, in seconds."""
_FLAM: Final = 0.05
"""Taps that are no further apart, in seconds, say nothing of the tempo."""
_REACH: Final = 8.0
"""Nor do those further apart than this, in seconds."""
_NEAR: Final = 0.03
"""How far a tempo is corrected at most, as a part of it."""
_LISTENED: Final = 512
"""The taps whose distances are compared, from the first one on."""


def tap(
    rhythm: Groove,
    *,
    temperature: float | None = None,
    spread: float = 0.0,
    seed: int = 0,
    index: int = 0,
    model: Model | None = None,
) -> Groove:
    """A part for the whole kit in the rhythm of `rhythm`.

    Args:
        rhythm: whose hits are taps, in whatever voices; of a step with several, the loudest. In the
            model's meter, of any length. Shorter than the model's window it is heard as a loop.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            the bundle's own by default.
        spread: how far z is drawn from the likeliest; 1 is the model's own doubt.
        seed: which random numbers.
        index: which draw of the seed.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls. By
            default the shipped one that was taught to tap.

    Raises:
        ConfigError: a number is out of range.
        GrooveError: `rhythm` is in another meter than the model's.
        BundleError: the bundle cannot be loaded, or was not taught to tap.
    """
    return tap_all(
        [rhythm], temperature=temperature, spread=spread, seed=seed, start=index, model=model
    )[0]


def tap_all(
    rhythms: Sequence[Groove],
    *,
    temperature: float | None = None,
    spread: float = 0.0,
    seed: int = 0,
    start: int = 0,
    model: Model | None = None,
) -> list[Groove]:
    """Many rhythms at once: rhythm `i` as ``tap(…, index=start + i)`` gives it."""
    runtime = runtime_of(model_for("tap") if model is None else model)
    bundle = runtime.bundle
    how = lesson(bundle, "tap")
    task = bundle.task
    if isinstance(task, Mixture):
        task = task.TASKS[how.number or 0]
    if isinstance(task, Tap):
        task = replace(task, note_dropout=0.0)  # which was to make learning harder
    pages = []
    for rhythm in rhythms:
        in_meter(rhythm, bundle)
        x = to_x([rhythm])
        (told,) = task.apply(x, np.random.default_rng(0)).x
        nothing = np.zeros_like(told)
        pages.append(Page(nothing, nothing, told=told))
    written = write(
        runtime, pages, how, seed=seed, start=start, temperature=temperature, spread=spread
    )
    return in_grooves(written, rhythms, bundle)


def rhythm_at(times: npt.ArrayLike, bpm: float, *, meter: Meter = (4, 4)) -> tuple[Groove, int]:
    """Taps at these seconds as a rhythm of whole bars, and how many fell onto a step twice.

    Args:
        times: seconds from the first beat on.
        bpm: quarter notes per minute.
        meter: of the bars.

    Raises:
        ConfigError: there is no tap, or one is before the first beat or after a day.
        GrooveError: `bpm` or `meter` is none.
    """
    seconds = np.sort(np.asarray(times, np.float64).ravel())
    if not seconds.size:
        raise ConfigError("there is no tap", remedy="give the seconds of some")
    place = seconds * (valid_bpm(bpm) / 60 * STEPS_PER_QUARTER)
    if not (seconds[0] >= 0 and place[-1] < MAX_STEPS):
        raise ConfigError(
            "a tap is before the first beat, or much too late",
            remedy="times are seconds from the first beat on, from 0",
        )
    step = np.floor(place + 0.5).astype(np.int64)
    bar = steps_per_bar(meter)
    velocity = np.zeros((-(-(int(step[-1]) + 1) // bar) * bar, 1))
    offset = np.zeros_like(velocity)
    velocity[step[::-1], 0] = _TAP  # the first tap of a step counts
    offset[step[::-1], 0] = (place - step)[::-1]
    return _rhythm(velocity, offset, bpm, meter), len(step) - len(np.unique(step))


def tempo_of(times: npt.ArrayLike) -> float:
    """The tempo of taps at these seconds, in quarter notes per minute, to 1/100.

    Only distances between taps count. A tempo is likely if many pairs of taps are a 16th, an
    eighth, one, two or four of its beats apart, and tempos near 105 are preferred: the same taps
    are heard at twice or half the tempo as well. The taps are then taken as steps of that tempo,
    each as far from the one before as is nearest, so that a player may slow down or hurry a
    little, and the tempo is the slope of the line that fits them best.

    Args:
        times: seconds, at an even tempo from 60 to 200, in quarters, eighths and 16ths. Of takes
            of the Groove MIDI Dataset, all voices of eight bars, about 78 in 100 are right to 2 %,
            and 5 more are half or double. A rhythm mostly of dotted notes, tapped unevenly, may be
            heard a third too fast or too slow.

    Raises:
        ConfigError: a time is no number, or fewer than two taps are between 1/20 and 8 s apart.
    """
    seconds = np.sort(np.asarray(times, np.float64).ravel())
    if not np.isfinite(seconds).all():
        raise ConfigError("a time is no number", remedy="give seconds")
    first = seconds[:_LISTENED]
    apart = (first[None, :] - first[:, None])[np.triu_indices(len(first), 1)]
    apart = apart[(apart > _FLAM) & (apart < _REACH)]
    if not apart.size:
        raise ConfigError(
            "no tempo is heard: no taps are between 1/20 and 8 seconds apart",
            remedy="give more of them, or the tempo with --bpm",
        )
    tempos = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), 0.002))
    likely = np.exp(-0.5 * (np.log(tempos / _USUAL) / _SPREAD) ** 2)
    likely *= sum(
        weight * _how_many(apart, 60 / tempos * beats) for beats, weight in _LEVELS.items()
    )
    return round(_fitted(seconds, float(tempos[likely.argmax()])), 2)


def _how_many(
    apart: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How many of the seconds in `apart` are near those in `at`, blurred, and never quite 0."""
    fine = 0.001
    around = np.arange(-5 * _BLUR, 5 * _BLUR + fine / 2, fine)
    counts, edges = np.histogram(apart, np.arange(0, _REACH + fine, fine))
    blurred = np.convolve(counts, np.exp(-0.5 * (around / _BLUR) ** 2), mode="same")
    return np.asarray(np.interp(at, edges[:-1] + fine / 2, blurred) + 1e-9)


def _fitted(seconds: npt.NDArray[np.float64], bpm: float) -> float:
    """The tempo near `bpm` whose steps the taps are nearest to, or `bpm` where none is."""
    rate = bpm / 60 * STEPS_PER_QUARTER
    steps = np.concatenate(([0], np.cumsum(np.floor(np.diff(seconds) * rate + 0.5))))
    middle = seconds - seconds.mean()
    fitted = float(middle @ steps / (middle @ middle)) * 60 / STEPS_PER_QUARTER
    near = abs(fitted / bpm - 1) < _NEAR
    return min(max(fitted, SLOWEST), FASTEST) if near else bpm


def rhythm_of(performance: Performance, *, channel: int | None = None) -> tuple[Groove, GridReport]:
    """The notes of a channel, of whatever pitches, as a rhythm, and what became of them.

    Args:
        performance: in one meter.
        channel: from 1; where None it is 10, or the only one that has notes.

    Raises:
        MidiError: there are no notes, or on several channels; or as `to_groove`.
    """
    counts = performance.notes_per_channel
    if channel is None:
        if len(counts) > 1 and DRUM_CHANNEL not in counts:
            raise MidiError(
                f"has notes on channels {', '.join(map(str, counts))}",
                source=performance.source,
                remedy="say with --channel which of them are the taps",
            )
        channel = DRUM_CHANNEL if DRUM_CHANNEL in counts else next(iter(counts), DRUM_CHANNEL)
    grid, report = to_grid(performance, _ANY_PITCH, channel=channel)
    return _rhythm(grid.velocity / 127, grid.offset, grid.bpm, grid.meter), report


def _rhythm(velocity: npt.ArrayLike, offset: npt.ArrayLike, bpm: float, meter: Meter) -> Groove:
    """Velocity and offset `[T, 1]` of taps, as a groove."""
    parts = []
    for part in (velocity, offset):
        column = np.asarray(part, np.float32)
        wide = np.zeros((len(column), N_VOICES), np.float32)
        wide[:, _VOICE] = column[:, 0]
        parts.append(wide)
    return Groove.from_cells(parts[0] > 0, *parts, bpm=bpm, meter=meter)
