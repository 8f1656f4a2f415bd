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
        temperature: divides the hit logits; the bundle's own by default.
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
