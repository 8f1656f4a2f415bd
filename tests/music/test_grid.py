"""The grid: what a groove keeps of a performance, and that writing and reading are inverse."""

from __future__ import annotations

import io
from collections import Counter

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import DrumMapError, MidiError
from ghostnote.music.grid import (
    MAX_STEPS,
    GridReport,
    grid_arrays,
    on_the_beat,
    to_grid,
    to_groove,
    to_grooves,
    to_performance,
)
from ghostnote.music.groove import Groove, Meter, steps_per_bar
from ghostnote.music.kit import N_VOICES, builtin_map
from ghostnote.music.midi import Performance, midi_bytes, parse_midi
from ghostnote.music.tensors import fold, folding

MAP = builtin_map("ghostnote")
KICK, SNARE, HAT = 0, 1, 2
METERS = [(4, 4), (3, 4), (6, 8), (5, 4), (7, 8)]
Take = tuple[dict[str, str], bytes]
RESOLUTIONS = [24, 96, 480, 960, 9600]


def played(*rows: tuple[float, int, int], **others: object) -> Performance:
    """Drums from (time in steps, pitch, velocity), at 480 ticks per beat."""
    onset = np.array([round(step * 120) for step, _, _ in rows], np.int64)
    values: dict[str, object] = {
        "ticks_per_beat": 480,
        "onset": onset,
        "pitch": np.array([pitch for _, pitch, _ in rows], np.uint8),
        "velocity": np.array([velocity for _, _, velocity in rows], np.uint8),
        "channel": np.full(len(rows), 9),
        "track": np.zeros(len(rows), int),
        "duration": np.full(len(rows), 10),
        "end": 1_000_000,
        "source": "take.mid",
    }
    return Performance(**(values | others))  # type: ignore[arg-type]


def groove_of(
    cells: dict[tuple[int, int], tuple[float, float]],
    *,
    bars: int = 1,
    bpm: float = 120,
    meter: Meter = (4, 4),
) -> Groove:
    """A groove from (step, voice) → (velocity, offset)."""
    velocity = np.zeros((bars * steps_per_bar(meter), N_VOICES), np.float32)
    offset = np.zeros_like(velocity)
    for cell, values in cells.items():
        velocity[cell], offset[cell] = values
    return Groove(velocity > 0, velocity, offset, bpm, meter)


# -- reading ---------------------------------------------------------------------------------


def test_a_hit_belongs_to_the_nearest_step() -> None:
    rows = [(0, 36, 127), (1.25, 38, 64), (3.75, 42, 1), (5.5, 36, 10), (7.4917, 36, 10)]
    groove, report = to_groove(played(*rows), MAP)
    assert np.argwhere(groove.hits).tolist() == [[0, 0], [1, 1], [4, 2], [6, 0], [7, 0]]
    assert groove.velocity[groove.hits].tolist() == pytest.approx(
        [1, 64 / 127, 1 / 127, 10 / 127, 10 / 127]
    )
    assert groove.offset[groove.hits].tolist() == pytest.approx([0, 0.25, -0.25, -0.5, 59 / 120])
    assert report == GridReport(notes=5, hits=5)


def test_the_loudest_of_a_cell_counts_and_of_equals_the_first() -> None:
    rows = [(0, 38, 50), (0.1, 40, 90), (0.2, 37, 90), (0.3, 38, 20), (1, 36, 3)]
    groove, report = to_groove(played(*rows), MAP)
    assert groove.velocity[0, SNARE] == pytest.approx(90 / 127)
    assert groove.offset[0, SNARE] == pytest.approx(0.1)
    assert report == GridReport(notes=5, hits=2, merged=3)
    assert "3 merged with a louder one" in str(report)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.integers(0, 4000), st.integers(30, 60), st.integers(1, 127)), max_size=60
    ),
    st.sampled_from([1, 7, 24, 96, 480, 9600]),
    st.sampled_from([12, 14, 16]),
    st.integers(0, 500),
)
def test_the_grid_does_what_a_plain_loop_does(
    rows: list[tuple[int, int, int]], ticks_per_beat: int, bar: int, start: int
) -> None:
    rows.sort(key=lambda row: row[0])
    cells: dict[tuple[int, int], tuple[int, float]] = {}
    outside, unmapped = 0, Counter[int]()
    for tick, pitch, velocity in rows:
        at = (tick - start) * 4 / ticks_per_beat
        step = int(np.floor(at + 0.5))
        if pitch not in MAP.voice_of:
            unmapped[pitch] += 1
        elif step < 0:
            outside += 1
        else:
            cell = step, MAP.voice_of[pitch]
            if velocity > cells.get(cell, (0, 0))[0]:
                cells[cell] = velocity, at - step
    onset, pitch, velocity = np.array(rows, np.int64).reshape(-1, 3).T
    loudness, offset, report = grid_arrays(
        onset, pitch.astype(np.uint8), velocity.astype(np.uint8), ticks_per_beat, MAP,
        bar=bar, start=start,
    )  # fmt: skip
    assert loudness.dtype == np.uint8
    assert offset.dtype == np.float32
    assert {tuple(cell): loudness[tuple(cell)] for cell in np.argwhere(loudness).tolist()} == {
        cell: value for cell, (value, _) in cells.items()
    }
    for cell, (_, late) in cells.items():
        assert offset[cell] == pytest.approx(late, abs=1e-6)
    assert not offset[loudness == 0].any()
    assert (offset >= -0.5).all()
    assert (offset < 0.5).all()
    last = max((step for step, _ in cells), default=-1)
    assert len(loudness) == -(-(last + 1) // bar) * bar
    assert (report.outside, report.unmapped) == (outside, unmapped)
    assert report.notes == len(rows)
    assert report.notes == report.hits + report.merged + report.outside + sum(unmapped.values())


@pytest.mark.parametrize(
    ("last", "bars"), [(0, 1), (15, 1), (15.49, 1), (15.5, 2), (16, 2), (31.4, 2), (32, 3)]
)
def test_bars_reach_to_the_last_hit(last: float, bars: int) -> None:
    assert to_groove(played((last, 36, 100)), MAP)[0].bars == bars


def test_pitches_that_the_map_does_not_know_are_counted() -> None:
    groove, report = to_groove(played((0, 36, 1), (1, 76, 1), (2, 56, 1), (3, 76, 1)), MAP)
    assert groove.n_hits == 1
    assert report.unmapped == {56: 1, 76: 2}
    assert str(report) == "1 of 4 notes on the grid; 3 of unknown pitches: 56 (×1), 76 (×2)"


def test_a_grid_has_the_voices_of_its_map() -> None:
    full = builtin_map("magenta-full")
    performance = played((0, 36, 100), (1.25, 56, 90), (2, 22, 80), (16, 82, 1))
    grid, report = to_grid(performance, full)
    assert (grid.velocity.shape, grid.offset.shape) == ((32, 61), (32, 61))
    assert (grid.bpm, grid.meter, grid.start) == (120, (4, 4), 0)
    assert [full.voices[voice] for voice in grid.velocity.nonzero()[1]] == [
        "bass drum 1", "cowbell", "shaker",
    ]  # fmt: skip
    assert grid.velocity[1, full.voices.index("cowbell")] == 90
    assert grid.offset[1, full.voices.index("cowbell")] == np.float32(0.25)
    assert report.unmapped == {22: 1}


def test_a_grid_folds_onto_the_groove(gmd_takes: list[Take]) -> None:
    """What 61 classes and nine voices both know is the same in both."""
    full, default = builtin_map("magenta-full"), builtin_map("ghostnote")
    voice = folding(full, default)
    assert voice.shape == (61,)
    assert (voice >= 0).sum() == len(set(default.voice_of) - {22, 26})
    for _, data in gmd_takes[:40]:
        performance = parse_midi(data)
        known = ~np.isin(performance.pitch, [22, 26])
        notes = (performance.onset[known], performance.pitch[known], performance.velocity[known])
        classes, _, _ = grid_arrays(*notes, performance.ticks_per_beat, full)
        voices, _, _ = grid_arrays(*notes, performance.ticks_per_beat, default)
        assert np.array_equal(fold(classes, voice), voices > 0)


def test_a_groove_has_nine_voices() -> None:
    full = builtin_map("magenta-full")
    performance = played((0, 36, 100))
    for read in (to_groove, to_grooves):
        with pytest.raises(DrumMapError, match="61 classes of its own"):
            read(performance, full)
    with pytest.raises(DrumMapError, match="61 classes of its own"):
        to_performance(Groove.silent(1), full)


def test_notes_before_the_first_bar_are_counted() -> None:
    performance = played((15.4, 36, 1), (15.5, 38, 1), (16, 36, 1), start=16 * 120)
    groove, report = to_groove(performance, MAP)
    assert (groove.bars, groove.n_hits, report.outside) == (1, 2, 1)
    assert groove.offset[0, SNARE] == -0.5
    assert "1 before the first bar" in str(report)


def test_tempo_changes_are_counted() -> None:
    tempos = ((0, 500_000), (960, 500_000), (1920, 400_000), (2000, 500_000))
    groove, report = to_groove(played((0, 36, 1), tempos=tempos), MAP)
    assert (groove.bpm, report.tempo_changes) == (120, 2)
    assert str(report).endswith("2 tempo changes ignored")
    late, report = to_groove(played((0, 36, 1), tempos=((960, 400_000),)), MAP)
    assert (late.bpm, report.tempo_changes) == (150, 0)
    assert to_groove(played((0, 36, 1)), MAP)[0].bpm == 120


def test_reports_add_up() -> None:
    one = GridReport(10, 5, 2, 1, {60: 2}, 1)
    two = GridReport(4, 3, 0, 0, {60: 1, 30: 0}, 0)
    assert one + two == GridReport(14, 8, 2, 1, {60: 3}, 1)
    assert sum([one, two], GridReport()) == one + two
    assert "\n" not in str(one)


def test_other_channels_are_no_drums() -> None:
    performance = played((0, 36, 1), (1, 38, 1), channel=np.array([9, 0]))
    assert to_groove(performance, MAP)[1].notes == 1
    assert to_groove(performance, MAP, channel=1)[0].hits[1, SNARE]
    assert to_groove(performance, MAP, channel=None)[1].hits == 2


@pytest.mark.parametrize(
    ("performance", "message"),
    [
        (played(), "has no notes on channel 10 (give a MIDI file with drums)"),
        (
            played((0, 36, 1), (1, 36, 1), channel=np.array([0, 2])),
            "has no notes on channel 10 (give a MIDI file with drums, "
            "or choose --channel: there are notes on 1, 3)",
        ),
        (
            played((0, 60, 1)),
            "has no drums on channel 10 that the map ghostnote knows: 0 of 1 notes on the grid; "
            "1 of unknown pitches: 60 (×1) (use another drum map)",
        ),
        (
            played((0, 36, 1), meters=((0, 3, 32),)),
            "a bar of 3/32 is not a whole number of 16ths "
            "(bars must be whole 16ths, tempos at most 1000 bpm)",
        ),
        (
            played((0, 36, 1), tempos=((0, 6000),)),
            "bpm 10000 is not in (0, 1000] (bars must be whole 16ths, tempos at most 1000 bpm)",
        ),
        (
            played((0, 36, 1), (16, 36, 1), meters=((0, 4, 4), (1920, 3, 4))),
            "changes its meter: 4/4, 3/4 (cut the file where the meter changes, and use the parts)",
        ),
        (
            played((MAX_STEPS, 36, 1), end=1 << 40),
            "lasts 1048592 16th notes, more than the 1048576 that are read "
            "(check the file, or cut it into shorter ones)",
        ),
    ],
)
def test_refused(performance: Performance, message: str) -> None:
    with pytest.raises(MidiError) as caught:
        to_groove(performance, MAP)
    assert str(caught.value) == f"take.mid: {message}"


# -- meters ----------------------------------------------------------------------------------


def test_without_a_meter_it_is_four_four() -> None:
    assert to_groove(played((0, 36, 1)), MAP)[0].meter == (4, 4)


@pytest.mark.parametrize("meter", METERS)
def test_meters(meter: Meter) -> None:
    groove, _ = to_groove(played((0, 36, 1), (20, 36, 1), meters=((0, *meter),)), MAP)
    assert groove.meter == meter
    assert groove.steps % steps_per_bar(meter) == 0


def test_each_stretch_of_a_meter_is_a_groove() -> None:
    meters = ((0, 4, 4), (0, 4, 4), (1920, 4, 4), (3840, 3, 4), (3840 + 2880, 4, 4))
    rows = [(0, 36, 1), (31.6, 38, 1), (32, 36, 1), (50, 76, 1), (56, 42, 1), (74, 36, 1)]
    performance = played(*rows, meters=meters, tempos=((0, 500_000), (3840, 400_000)))
    sections, report = to_grooves(performance, MAP)
    assert [section.start for section in sections] == [0, 3840, 3840 + 2880]
    assert [section.groove.meter for section in sections] == [(4, 4), (3, 4), (4, 4)]
    assert [section.groove.bars for section in sections] == [2, 2, 2]
    assert [section.groove.bpm for section in sections] == [120, 150, 150]
    second = sections[1].groove
    assert second.offset[0, SNARE] == pytest.approx(-0.4, abs=0.01)
    assert np.argwhere(sections[2].groove.hits).tolist() == [[0, HAT], [18, KICK]]
    assert report == GridReport(6, 5, unmapped={76: 1})  # the tempo changes with the meter


def test_stretches_without_hits_are_left_out() -> None:
    meters = ((0, 1, 4), (480, 4, 4), (480 + 1920, 2, 4))
    groove, _ = to_groove(played((4, 36, 1), meters=meters), MAP)
    assert (groove.meter, groove.bars) == ((4, 4), 1)
    assert groove.hits[0, KICK]


def test_a_meter_that_is_a_little_late_is_there_from_the_start() -> None:
    groove, _ = to_groove(played((0, 36, 1), meters=((30, 3, 4),)), MAP)
    assert groove.meter == (3, 4)


def test_a_meter_that_changes_and_changes_back_at_once_does_not_change() -> None:
    meters = ((0, 4, 4), (1920, 3, 4), (1920, 4, 4))
    assert to_groove(played((0, 36, 1), (16, 36, 1), meters=meters), MAP)[0].bars == 2


# -- writing and reading back ----------------------------------------------------------------


@st.composite
def grooves(draw: st.DrawFn) -> Groove:
    """Any groove: any meter, silence, trailing silence, hits at the very ends of their cells."""
    meter = draw(st.sampled_from(METERS))
    bars = draw(st.integers(1, 3))
    steps = bars * steps_per_bar(meter)
    offsets = st.floats(-0.5, 0.5, width=32, exclude_max=True) | st.sampled_from(
        [-0.5, -0.4999, 0.0, 0.4999, float(np.nextafter(np.float32(0.5), np.float32(0)))]
    )
    velocities = st.floats(0, 1, width=32, exclude_min=True) | st.integers(1, 127).map(
        lambda velocity: velocity / 127
    )
    cells = draw(
        st.dictionaries(
            st.tuples(st.integers(0, steps - 1), st.integers(0, N_VOICES - 1)),
            st.tuples(velocities, offsets),
            max_size=20,
        )
    )
    return groove_of(cells, bars=bars, bpm=draw(st.floats(4, 1000)), meter=meter)


@settings(deadline=None, max_examples=300)
@given(grooves(), st.sampled_from(RESOLUTIONS), st.sampled_from([0, 1]))
def test_what_is_written_is_read(groove: Groove, ticks_per_beat: int, midi_format: int) -> None:
    performance = to_performance(groove, MAP, ticks_per_beat=ticks_per_beat)
    data = midi_bytes(performance, format=midi_format)  # type: ignore[arg-type]
    again, report = to_groove(parse_midi(data), MAP)
    assert again.meter == groove.meter
    assert (again.hits == groove.hits).all()
    assert np.abs(again.velocity - groove.velocity).max() <= 1 / 127
    assert np.abs(again.offset - groove.offset).max() <= 4 / ticks_per_beat + 1e-6
    assert 6e7 / again.bpm == pytest.approx(6e7 / groove.bpm, abs=0.5 + 1e-6)
    assert report == GridReport(groove.n_hits, groove.n_hits)
    # Once written, nothing is lost any more.
    assert to_performance(again, MAP, ticks_per_beat=ticks_per_beat) == performance


@settings(deadline=None, max_examples=100)
@given(grooves(), st.sampled_from(RESOLUTIONS))
def test_what_is_written_is_sound_midi(groove: Groove, ticks_per_beat: int) -> None:
    performance = to_performance(groove, MAP, ticks_per_beat=ticks_per_beat)
    assert len(performance) == groove.n_hits
    assert set(performance.channel.tolist()) <= {9}
    assert (performance.duration >= 1).all()
    assert (performance.onset + performance.duration <= performance.end).all()
    bar = ticks_per_beat * groove.steps_per_bar // 4
    assert performance.start in (0, bar)
    assert performance.end - performance.start == bar * groove.bars
    file = mido.MidiFile(file=io.BytesIO(midi_bytes(performance)))
    assert sum(message.time for message in file.tracks[0]) == performance.end


def test_an_early_first_hit_gets_an_empty_bar_before_it() -> None:
    early = groove_of({(0, KICK): (1, -0.25), (4, SNARE): (0.5, 0.1)})
    performance = to_performance(early, MAP)
    assert performance.start == 1920
    assert performance.onset.tolist() == [1920 - 30, 1920 + 492]
    assert performance.end == performance.stop == 3840
    assert to_performance(groove_of({(4, KICK): (1, -0.25)}), MAP).start == 0
    # Less than half a tick is not early.
    assert to_performance(groove_of({(0, KICK): (1, -0.004)}), MAP).start == 0


def test_hits_can_be_moved_onto_the_beat() -> None:
    early = groove_of({(0, KICK): (1, -0.25), (0, HAT): (1, 0.3), (4, SNARE): (0.5, -0.1)})
    moved, count = on_the_beat(early)
    assert count == 1
    assert moved.offset[0].tolist()[:3] == pytest.approx([0, 0, 0.3])
    assert moved.offset[4, SNARE] == early.offset[4, SNARE]
    assert to_performance(moved, MAP).start == 0
    assert on_the_beat(moved) == (moved, 0)


def test_a_silent_groove_keeps_its_length() -> None:
    silent = Groove.silent(3, bpm=90, meter=(3, 4))
    again, report = to_groove(parse_midi(midi_bytes(to_performance(silent, MAP))), MAP)
    assert again.bars == 3
    assert again.meter == (3, 4)
    assert report == GridReport()


def test_a_quiet_hit_is_not_lost() -> None:
    performance = to_performance(groove_of({(0, KICK): (1e-6, 0)}), MAP)
    assert performance.velocity.tolist() == [1]


def test_a_file_that_was_lengthened_elsewhere_keeps_its_hits() -> None:
    performance = played((0, 36, 1), (20, 36, 1), stop=1920)
    assert to_groove(performance, MAP)[0].bars == 2


@pytest.mark.parametrize("ticks_per_beat", [0, 20, 25, 32768])
def test_ticks_that_hold_no_16ths(ticks_per_beat: int) -> None:
    with pytest.raises(MidiError, match="cannot hold 16th notes"):
        to_performance(Groove.silent(1), MAP, ticks_per_beat=ticks_per_beat)


def test_tempos_and_meters_that_midi_does_not_have() -> None:
    with pytest.raises(MidiError, match="slower than MIDI can express"):
        to_performance(Groove.silent(1, bpm=3), MAP)
    with pytest.raises(MidiError, match="meter"):
        to_performance(Groove.silent(1, meter=(256, 16)), MAP)


# -- the Groove MIDI Dataset -----------------------------------------------------------------


def test_the_grid_of_gmd(gmd_takes: list[Take]) -> None:
    windows: Counter[str] = Counter()
    report = GridReport()
    for row, data in gmd_takes:
        groove, counts = to_groove(parse_midi(data), builtin_map("td11"))
        report += counts
        assert "{}-{}".format(*groove.meter) == row["time_signature"]
        assert abs(groove.bpm - float(row["bpm"])) <= 0.5
        if groove.meter == (4, 4):
            windows[row["split"]] += max(0, groove.bars - 1)
    # The 2-bar windows of train are one more than the 16,536 that were published: the last note of
    # drummer7/session3/126_rock_93_fill_4-4.mid is exactly halfway to bar 2 (tick 1860), and a
    # tempo rounded to whole bpm takes it just below.
    assert windows == {"train": 16_537, "validation": 2_055, "test": 2_084}
    assert (report.notes, report.outside, report.unmapped) == (446_312, 0, {})
    assert 0.066 < report.merged / report.notes < 0.0705
