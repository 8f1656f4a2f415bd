"""Tapping: only the rhythm is read, and a kit part is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote import rhythm_at, rhythm_of, tap, tempo_of
from ghostnote.bundle import Bundle, load_bundle
from ghostnote.errors import BundleError, ConfigError, GrooveError, MidiError
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import Performance, parse_midi
from ghostnote.pipeline.tapping import tap_all
from ghostnote.runtime import Runtime

Play = Callable[..., Groove]
Taught = Callable[..., Bundle]
LENGTHS = (1, 2, 3, 5, 8)


@pytest.fixture(scope="module", params=["tap", "mixture"])
def runtime(request: pytest.FixtureRequest, taught: Taught) -> Runtime:
    if request.param == "mixture":
        return Runtime(request.getfixturevalue("mixture_bundle"))
    return Runtime(taught(request.param, note_dropout=0.5))


@pytest.mark.parametrize("bars", LENGTHS)
def test_a_rhythm_becomes_a_part_as_long(runtime: Runtime, played: Play, bars: int) -> None:
    rhythm = played(bars, bpm=101)
    part = tap(rhythm, seed=1, model=runtime)
    assert (part.bars, part.bpm, part.meter) == (bars, 101, (4, 4))
    assert part == tap(rhythm, seed=1, model=runtime)
    assert part != tap(rhythm, seed=2, model=runtime)


@pytest.mark.parametrize("bars", LENGTHS)
def test_neither_voices_nor_loudness_are_read(runtime: Runtime, played: Play, bars: int) -> None:
    rhythm = played(bars)
    loudest = rhythm.velocity.argmax(1)
    taps = rhythm.hits.any(1)
    hits = taps[:, None] & (np.arange(9) == 6)
    offset = rhythm.offset[np.arange(len(taps)), loudest][:, None] * hits
    one_voice = Groove.from_cells(hits, hits * 0.3, offset)
    assert tap(one_voice, model=runtime) == tap(rhythm, model=runtime)


def test_the_rhythm_is_read(played: Play) -> None:
    shipped = load_bundle()
    model = Bundle(shipped.path, {**shipped.config, "task": {"kind": "tap"}})
    one, two = (tap(played(4, seed=seed), model=model) for seed in (0, 1))
    assert not np.array_equal(one.hits, two.hits)


@pytest.mark.parametrize("batch", [1, 2, 256])
def test_each_rhythm_is_what_it_is_alone(runtime: Runtime, played: Play, batch: int) -> None:
    rhythms = [played(bars, seed=bars) for bars in (5, 1, 4)]
    together = tap_all(rhythms, seed=2, start=3, model=Runtime(runtime.bundle, batch=batch))
    for place, rhythm in enumerate(rhythms):
        assert together[place] == tap(rhythm, seed=2, index=3 + place, model=runtime)


def test_what_cannot_be_done_is_refused(taught: Taught, played: Play) -> None:
    with pytest.raises(BundleError, match="tap"):
        tap(played(2), model=taught("identity"))
    with pytest.raises(GrooveError, match="3/4"):
        tap(Groove.silent(2, meter=(3, 4)), model=taught("tap"))


# -- rhythms ---------------------------------------------------------------------------------


def test_times_are_seconds_from_the_first_beat() -> None:
    rhythm, merged = rhythm_at([1.5, 0, 0.51, 0.24, 2.0], 120)
    assert (rhythm.bars, rhythm.bpm, merged) == (2, 120, 0)
    step, _ = np.nonzero(rhythm.hits)
    assert step.tolist() == [0, 2, 4, 12, 16]
    assert np.allclose(rhythm.offset[rhythm.hits], [0, -0.08, 0.08, 0, 0], atol=1e-6)


def test_of_two_taps_in_a_step_the_first_counts() -> None:
    rhythm, merged = rhythm_at([0.01, 0.02, 0.05, 0.5], 120)
    assert merged == 2
    assert rhythm.n_hits == 2
    assert rhythm.offset[0].max() == pytest.approx(0.08)


def test_a_tap_just_before_a_bar_is_early_for_it() -> None:
    rhythm, _ = rhythm_at([1.99], 120)
    assert rhythm.bars == 2
    assert rhythm.offset[16].min() == pytest.approx(-0.08)


@pytest.mark.parametrize("times", [[], [-0.1, 1], [float("nan")], [1e9], [float("inf")]])
def test_times_that_are_none_are_refused(times: list[float]) -> None:
    with pytest.raises(ConfigError):
        rhythm_at(times, 120)
    with pytest.raises(GrooveError):
        rhythm_at([0], 0)


def test_notes_of_any_pitch_are_taps() -> None:
    def notes(channel: list[int]) -> Performance:
        return Performance(
            480, [0, 121, 240, 245], [60, 72, 100, 20], [90, 80, 70, 75], channel, [0] * 4, [9] * 4,
            end=400,
        )  # fmt: skip

    rhythm, report = rhythm_of(notes([3] * 4))
    step, _ = np.nonzero(rhythm.hits)
    assert step.tolist() == [0, 1, 2]
    assert report.merged == 1
    assert rhythm.offset.max() == pytest.approx(5 / 120)
    assert rhythm_of(notes([0, 0, 9, 9]))[0].n_hits == 1
    assert rhythm_of(notes([0, 0, 9, 9]), channel=1)[0].n_hits == 2
    with pytest.raises(MidiError, match="1, 3"):
        rhythm_of(notes([0, 0, 2, 2]))


def test_all_voices_of_a_kit_are_taps(played: Play) -> None:
    groove = played(2)
    rhythm, _ = rhythm_of(to_performance(groove, builtin_map("gm")))
    taps = rhythm.hits.any(1)
    # An early hit may be nearer to the step before by a tick.
    assert np.mean(taps == groove.hits.any(1)) > 0.95


# -- tempos ----------------------------------------------------------------------------------

QUARTERS = np.arange(8) * 4
EIGHTHS = np.arange(16) * 2
SYNCOPATED = np.array([0, 3, 6, 8, 10, 12, 16, 19, 22, 24, 26, 28])


@pytest.mark.parametrize("bpm", [80, 93.7, 120, 150])
@pytest.mark.parametrize("steps", [QUARTERS, EIGHTHS, SYNCOPATED])
def test_an_even_rhythm_has_its_tempo(steps: npt.NDArray[np.int64], bpm: float) -> None:
    times = steps * 15 / bpm
    assert tempo_of(times) == pytest.approx(bpm, abs=0.01)
    assert tempo_of(times[::-1] + 5) == tempo_of(times)  # neither order nor beginning count


@pytest.mark.parametrize("bpm", [80, 93.7, 120, 150])
@pytest.mark.parametrize("steps", [QUARTERS, EIGHTHS])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_straight_rhythm_may_be_uneven(
    steps: npt.NDArray[np.int64], bpm: float, seed: int
) -> None:
    uneven = steps * 15 / bpm + np.random.default_rng(seed).uniform(-0.01, 0.01, len(steps))
    assert tempo_of(uneven) == pytest.approx(bpm, rel=0.02)


def test_a_long_rhythm_stays_on_its_steps() -> None:
    times = np.arange(2000) * 15 / 101.3 * 2
    rhythm, merged = rhythm_at(times, tempo_of(times))
    assert merged == 0
    assert np.array_equal(np.flatnonzero(rhythm.hits.any(1)), np.arange(2000) * 2)


@pytest.mark.parametrize("gap", [0.06, 0.11, 0.4, 1.7, 7.9])
def test_no_tempo_is_out_of_range(gap: float) -> None:
    assert 60 <= tempo_of([0, gap]) <= 200


@pytest.mark.parametrize("times", [[], [1], [0, 0.01], [0, 9], [0, float("nan")]])
def test_taps_without_a_tempo_are_refused(times: list[float]) -> None:
    with pytest.raises(ConfigError):
        tempo_of(times)


@pytest.mark.parametrize(("pitches", "right"), [(range(128), 0.7), ((36, 37, 38, 40), 0.7)])
def test_tempos_of_drummers_are_heard(
    gmd_takes: list[tuple[dict[str, str], bytes]], pitches: Sequence[int], right: float
) -> None:
    """The first eight bars of every fourth take of the training split, of all voices or two."""
    beats = [
        (row, data)
        for row, data in gmd_takes
        if (row["split"], row["beat_type"], row["time_signature"]) == ("train", "beat", "4-4")
    ]
    ratios = []
    for row, data in beats[::4]:
        performance = parse_midi(data)
        quarter = performance.onset[np.isin(performance.pitch, pitches)]
        quarter = quarter / performance.ticks_per_beat
        quarter = quarter[quarter < quarter[:1].sum() + 32]
        if len(quarter) >= 4:
            bpm = float(row["bpm"])
            ratios.append(tempo_of(quarter * 60 / bpm) / bpm)
    ratio = np.array(ratios)
    exact = np.abs(ratio - 1) < 0.02
    octave = (np.abs(ratio - 2) < 0.04) | (np.abs(ratio - 0.5) < 0.01)
    said = f"{len(ratio)} takes: right {exact.mean():.3f}, half or double {octave.mean():.3f}"
    assert exact.mean() > right, said
