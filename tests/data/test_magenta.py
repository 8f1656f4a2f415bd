"""The original's converters: equal in every element to arrays that the original made.

Tensors are equal exactly, float32 ones to the last bit. Notes that are read back are equal exactly
in pitch and velocity, and in time to 2e-9 s: there they come from float64 outputs, of which the
arrays hold float32.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import pytest

from ghostnote.data.magenta import (
    BAR,
    CONVERTERS,
    DrumsConverter,
    GrooveConverter,
    Notes,
    Tensors,
    sections,
)
from ghostnote.errors import ConfigError, GrooveError, MidiError
from ghostnote.music.grid import to_groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import Performance, parse_midi
from ghostnote.music.tensors import from_magenta, to_groove_x, to_voice_steps

Converted = Callable[[str], dict[str, Any]]
Inputs = dict[int, Notes]
Takes = list[tuple[dict[str, str], bytes]]

MAPS = {"eval": builtin_map("magenta-train"), "infer": builtin_map("magenta-infer")}
GROOVES = {
    **{name: each for name, each in CONVERTERS.items() if isinstance(each, GrooveConverter)},
    "x_nosplit": GrooveConverter(),
    "x_2bar_hop16": GrooveConverter(split_bars=2, hop_size=16),
    "x_2bar_tapify_only": GrooveConverter(split_bars=2, tapify=True),
    "x_2bar_split_instruments": GrooveConverter(split_bars=2, split_instruments=True),
    "x_2bar_split_instruments_hits_controls": GrooveConverter(
        split_bars=2, split_instruments=True, hits_as_controls=True
    ),
    "x_2bar_categorical8x8": GrooveConverter(split_bars=2, num_velocity_bins=8, num_offset_bins=8),
    "x_2bar_split_categorical8x8": GrooveConverter(
        split_bars=2, num_velocity_bins=8, num_offset_bins=8, split_instruments=True
    ),
    "x_2bar_humanize_add_snare_hh": GrooveConverter(
        split_bars=2, humanize=True, add_instruments=(1, 2)
    ),
}
SMALL = CONVERTERS["cat-drums_2bar_small"]
DRUMS = {
    "cat-drums_2bar": SMALL,
    "cat-drums_4bar": replace(SMALL, slice_bars=4),
    "nade_2bar_reduced": CONVERTERS["nade-drums_2bar_reduced"],
    "nade_2bar_full61": CONVERTERS["nade-drums_2bar_full"],
    "onehot_2bar_endtoken": DrumsConverter(slice_bars=2, max_bars=100, add_end_token=True),
    "onehot_2bar_roland": DrumsConverter(slice_bars=2, max_bars=100, drum_map=MAPS["eval"]),
}


@pytest.fixture(scope="module")
def summary(golden: Path) -> dict[str, Any]:
    """Names, tempos and meters of the files, and how many windows the original found in each."""
    found: dict[str, Any] = json.loads((golden / "converters" / "summary.json").read_text())
    return found


@pytest.fixture(scope="module")
def inputs(converted: Converted, summary: dict[str, Any]) -> Inputs:
    """The notes of each file, as the original read them."""
    rows = converted("input_notes")
    return {
        file["index"]: Notes.of(
            rows[f"notes_{file['index']}"], qpm=file["qpm"], meter=tuple(file["time_signature"])
        )
        for file in summary["files"].values()
    }


def groove_tensors(name: str, mode: str, notes: Notes, seed: int = 0) -> Tensors:
    converter = replace(GROOVES[name], drum_map=MAPS[mode])
    return converter.to_tensors(notes, np.random.RandomState(seed))


def assert_same_notes(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.array_equal(ours[:, :3], theirs[:, :3])
    assert np.all(abs(ours[:, 3:] - theirs[:, 3:]) < 2e-9)


def in_order(notes: np.ndarray) -> np.ndarray:
    return notes[np.lexsort(notes.T[::-1])]


# -- the configurations ----------------------------------------------------------------------


def test_the_configurations_are_the_originals(golden: Path) -> None:
    configs = json.loads((golden / "configs.json").read_text())["configs"]
    theirs = {name: config["data_converter"] for name, config in configs.items()}
    of_drums = ("GrooveConverter", "DrumsConverter")
    assert {name for name in theirs if theirs[name]["class"] in of_drums} == set(CONVERTERS)
    for name, ours in CONVERTERS.items():
        assert theirs[name]["class"] == type(ours).__name__
        arguments = theirs[name]["all_args"]
        assert arguments["steps_per_quarter"] == arguments["quarters_per_bar"] == 4
        arguments["add_instruments"] = tuple(arguments.get("add_instruments") or ())
        settings = {key: value for key, value in vars(ours).items() if key != "drum_map"}
        assert settings == {key: arguments[key] for key in settings}
        if isinstance(ours, GrooveConverter):
            assert ours.drum_map.pitches == tuple(map(tuple, arguments["pitch_classes"]))
            infer = tuple(map(tuple, arguments["inference_pitch_classes"]))
            assert MAPS["infer"].pitches == infer
        elif arguments["pitch_classes"]:
            assert ours.drum_map.pitches == tuple(map(tuple, arguments["pitch_classes"]))


# -- grooves ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GROOVES)
def test_there_are_as_many_windows(name: str, summary: dict[str, Any], inputs: Inputs) -> None:
    counts = summary["counts_or_errors"][f"groove_{name}"]
    assert len(counts) >= 14
    for key, count in counts.items():
        mode, file = key.split("/")
        tensors = groove_tensors(name, mode, inputs[int(file)])
        assert len(tensors) == count, key
        assert not tensors.unmapped
        assert tensors.inputs.shape == tensors.outputs.shape
        assert tensors.controls.shape[:2] == tensors.outputs.shape[:2]


@pytest.mark.parametrize(
    "name",
    [
        "groovae_4bar",
        "groovae_2bar_humanize",
        "groovae_2bar_tap_fixed_velocity_note_dropout",
        "groovae_2bar_hits_control_tfds",
        "x_nosplit",
        "x_2bar_tapify_only",
        "x_2bar_split_instruments",
        "x_2bar_split_instruments_hits_controls",
        "x_2bar_categorical8x8",
    ],
)
def test_grooves_are_equal(name: str, converted: Converted, inputs: Inputs) -> None:
    theirs = converted(f"groove_{name}")
    found = [key.removesuffix("/outputs") for key in theirs if key.endswith("/outputs")]
    assert len(found) >= 12
    for key in found:
        mode, file = key.split("/")
        ours = groove_tensors(name, mode, inputs[int(file)], seed=int(file))
        outputs = theirs[f"{key}/outputs"]
        assert ours.outputs.dtype == ours.inputs.dtype == outputs.dtype == np.float32
        assert np.array_equal(ours.outputs, outputs)
        assert np.array_equal(ours.inputs, theirs.get(f"{key}/inputs", outputs))
        controls = theirs.get(f"{key}/controls", np.zeros((*outputs.shape[:2], 0)))
        assert ours.controls.dtype == np.bool_
        assert np.array_equal(ours.controls, controls)
        assert ours.lengths.dtype == np.int32
        assert np.array_equal(ours.lengths, theirs[f"{key}/lengths"])
        if f"{key}/from_notes" in theirs:
            if name == "x_2bar_categorical8x8":
                # It reads back a ninth of the steps: it divides by the voices, split or not.
                outputs = outputs[:, : outputs.shape[1] // 9]
            back = replace(GROOVES[name], drum_map=MAPS[mode]).to_notes(outputs)
            assert_same_notes(back, theirs[f"{key}/from_notes"])


def test_layouts_of_which_there_are_only_counts(converted: Converted, inputs: Inputs) -> None:
    """They follow from others of the original's arrays."""
    whole, binned = converted("groove_x_nosplit"), converted("groove_x_2bar_categorical8x8")
    humanized = converted("groove_groovae_2bar_humanize")
    for file in (0, 1, 2, 3, 4, 8):
        key = f"eval/{file}"
        x = whole[f"{key}/outputs"][0]
        hop = groove_tensors("x_2bar_hop16", "eval", inputs[file]).outputs
        assert len(hop) == len(x) // 16 - 1
        assert all(np.array_equal(each, x[16 * i :][:32]) for i, each in enumerate(hop))
        turns = groove_tensors("x_2bar_split_categorical8x8", "eval", inputs[file]).outputs
        assert np.array_equal(turns, to_voice_steps(binned[f"{key}/outputs"], (1, 8, 8)))
        added = groove_tensors("x_2bar_humanize_add_snare_hh", "eval", inputs[file]).inputs
        kept = np.tile(~np.isin(np.arange(9), [1, 2]), 3)
        assert np.array_equal(added, humanized[f"{key}/inputs"] * kept)
        added = groove_tensors("groovae_2bar_add_closed_hh", "eval", inputs[file]).inputs
        assert np.array_equal(added, humanized[f"{key}/outputs"] * np.tile(np.arange(9) != 2, 3))


def test_notes_of_any_tensors(converted: Converted) -> None:
    """Values out of range, and hits of exactly one half."""
    arrays = converted("groove_from_tensors_synthetic")
    for mode, drum_map in MAPS.items():
        ours = GrooveConverter(drum_map=drum_map).to_notes(arrays["tensors"])
        assert np.array_equal(ours, arrays[f"notes_{mode}"])
        assert ours[:, 3].min() < 0
        assert ours[:, 2].min() == 0


def edge_cases() -> list[str]:
    return [
        "two_same_velocity_same_class", "louder_second", "half_step_rounds_up",
        "last_step_rounds_into_next_bar", "late_note_only_bar5", "single_note_bar0_splits4",
        "velocity_1_and_127", "four_bars_exact", "unknown_pitch_35", "unknown_pitch_24",
        "pitch_58", "pitch_45_48", "empty",
    ]  # fmt: skip


@pytest.mark.parametrize("case", edge_cases())
def test_edge_cases(case: str, converted: Converted, summary: dict[str, Any]) -> None:
    arrays = converted("groove_edge_cases")
    counts = summary["counts_or_errors"]["groove_edge_cases"]
    assert {key.split("/")[0] for key in counts} == set(edge_cases())
    notes = Notes.of(arrays[f"notes/{case}"])
    for key, count in counts.items():
        named, name, mode = key.split("/")
        if named != case:
            continue
        ours = groove_tensors(name, mode, notes)
        if isinstance(count, str):
            # There one unknown pitch ends it all. Here it is counted, and the others are kept.
            assert count == f"KeyError: {notes.pitch[0]}"
            assert ours.unmapped == {notes.pitch[0]: 1}
            assert len(ours) == 0
            continue
        assert len(ours) == count
        assert not ours.unmapped
        if count:
            assert np.array_equal(ours.outputs, arrays[f"{key}/outputs"])
            assert np.array_equal(ours.inputs, arrays[f"{key}/inputs"])


def test_other_notes_survive_an_unknown_pitch() -> None:
    rows = [[36, 100, 0, 0.1], [24, 100, 0.5, 0.6], [24, 90, 0.5, 0.6], [38, 100, 1, 1.1]]
    ours = GrooveConverter().to_tensors(Notes.of(rows))
    assert ours.unmapped == {24: 2}
    assert ours.outputs[0, :, :9].sum() == 2


@pytest.mark.parametrize("bars", [2, 4])
def test_the_chunks_of_its_data_set(
    bars: int, converted: Converted, summary: dict[str, Any]
) -> None:
    """Windows from the chunks that tensorflow-datasets cuts, as its training sees them."""
    arrays = converted(f"tfds_{bars}bar")
    name = {2: "groovae_2bar_tap_fixed_velocity", 4: "groovae_4bar"}[bars]
    meters = {file["index"]: file["time_signature"] for file in summary["files"].values()}
    windows = 0
    for file in sorted(int(key.split("/")[0]) for key in arrays if key.endswith("chunk_notes")):
        rows = arrays[f"{file}/chunk_notes"]
        inputs, outputs, of = [], [], []
        for chunk, (qpm, _) in enumerate(arrays[f"{file}/chunk_qpm_total"]):
            notes = rows[rows[:, 0] == chunk, 1:]
            ours = groove_tensors(name, "eval", Notes.of(notes, qpm=qpm, meter=tuple(meters[file])))
            inputs += list(ours.inputs)
            outputs += list(ours.outputs)
            of += [chunk] * len(ours)
        windows += len(outputs)
        theirs = arrays.get(f"{file}/outputs", np.zeros(0))
        assert np.array_equal(outputs, theirs)
        assert np.array_equal(inputs, arrays.get(f"{file}/inputs", theirs))
        assert of == arrays.get(f"{file}/window_chunk", np.zeros(0)).tolist()
    assert windows > 40


# -- drums -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRUMS)
def test_there_are_as_many_drum_windows(name: str, summary: dict[str, Any], inputs: Inputs) -> None:
    converter = DRUMS[name]
    counts = summary["counts_or_errors"][f"drums_{name}"]
    assert len(counts) == 16
    for file, count in counts.items():
        tensors = converter.to_tensors(inputs[int(file)])
        assert len(tensors) == len(tensors.inputs) == len(tensors.outputs) == count
        # The TD-11's hat edges are no classes of the full map; there they are lost in silence.
        assert set(tensors.unmapped) <= ({22, 26} if name == "nade_2bar_full61" else set())


@pytest.mark.parametrize(
    "name", ["cat-drums_2bar", "cat-drums_4bar", "nade_2bar_reduced", "onehot_2bar_endtoken"]
)
def test_drums_are_equal(name: str, converted: Converted, inputs: Inputs) -> None:
    converter, theirs = DRUMS[name], converted(f"drums_{name}")
    found = [key.removesuffix("/lengths") for key in theirs if key.endswith("/lengths")]
    assert len(found) >= 11
    for file in found:
        ours = converter.to_tensors(inputs[int(file)])
        order = np.arange(len(ours))
        if converter.roll_output:  # theirs stand in the order of their bytes, there for comparison
            order = np.array(sorted(order, key=lambda row: ours.outputs[row].tobytes()))
            outputs, expected = ours.outputs[order], theirs[f"{file}/outputs"]
        else:
            assert np.all(ours.outputs.sum(-1) == 1)
            outputs, expected = ours.outputs.argmax(-1), theirs[f"{file}/output_labels"]
        assert ours.inputs.dtype == ours.outputs.dtype == np.bool_
        assert np.array_equal(outputs, expected)
        assert np.array_equal(ours.inputs[order], theirs[f"{file}/inputs"])
        assert np.array_equal(ours.lengths, theirs[f"{file}/lengths"])
        # Within a step, theirs have the arbitrary order of a set.
        back = converter.to_notes(ours.outputs[order])
        assert np.array_equal(in_order(back), in_order(theirs[f"{file}/from_notes"]))


def drum_notes(*steps: float) -> Notes:
    """Kicks at these steps, at 120 bpm."""
    return Notes.of([[36, 100, step / 8, step / 8 + 0.01] for step in steps])


def bars_of(notes: Notes, **settings: Any) -> list[int]:
    """How many bars each track has: without slicing, a window is a track."""
    tensors = DrumsConverter(**settings).to_tensors(notes)
    return sorted((tensors.lengths // BAR).tolist())


def test_a_track_ends_where_bars_are_silent() -> None:
    assert bars_of(drum_notes(3, 19)) == [2]  # 15 silent steps
    assert bars_of(drum_notes(3, 20)) == [1, 1]  # 16 of them: two tracks
    assert bars_of(drum_notes(3, 20), gap_bars=None) == [2]
    assert bars_of(drum_notes(3, 20), gap_bars=1.25) == [2]
    assert bars_of(drum_notes(0, 40, 100)) == [1, 1, 1]
    assert bars_of(drum_notes(0, 40, 100), gap_bars=3) == [1, 3]
    assert bars_of(drum_notes(3, 35)) == [1]  # two that are the same
    assert bars_of(drum_notes(1, 4, 8), gap_bars=0.125) == [1]  # it cannot begin again in its bar
    assert bars_of(drum_notes(64)) == [1]  # it begins at the bar of its first hit


def test_a_long_track_is_cut() -> None:
    long = drum_notes(*range(0, 160, 8), 159)
    assert bars_of(long) == [10]
    assert bars_of(long, max_bars=4) == [4]


def test_windows_that_are_the_same_are_given_once() -> None:
    same = drum_notes(*range(0, 160, 8))
    assert len(DrumsConverter(slice_bars=2).to_tensors(same)) == 1
    every_seventh = drum_notes(*range(0, 160, 7))  # which comes round after seven bars
    assert len(DrumsConverter(slice_bars=2).to_tensors(every_seventh)) == 7
    assert len(DrumsConverter(slice_bars=2, max_bars=4).to_tensors(every_seventh)) == 3


def test_windows_of_different_lengths_are_filled_up() -> None:
    tensors = DrumsConverter(roll_output=True, roll_input=True, add_end_token=True).to_tensors(
        drum_notes(0, 5, 18, 100, 101)
    )
    assert tensors.lengths.tolist() == [17, 33]
    assert not tensors.outputs[0, 17:].any()
    assert not tensors.inputs[0, 17:].any()
    assert tensors.outputs[0, 16].nonzero()[0].tolist() == [9]  # the end
    assert tensors.inputs[0, 16].nonzero()[0].tolist() == [9]  # which is no silence
    assert tensors.inputs[0, 15].nonzero()[0].tolist() == [10]


@pytest.mark.parametrize("roll", [False, True])
def test_what_follows_the_end_is_no_note(roll: bool) -> None:
    converter = DrumsConverter(slice_bars=1, add_end_token=True, roll_output=roll)
    outputs = converter.to_tensors(drum_notes(0, 8)).outputs.copy()
    assert converter.to_notes(outputs)[:, 3].tolist() == [0, 1]
    outputs[0, 4] = outputs[0, 16]
    assert converter.to_notes(outputs)[:, 3].tolist() == [0]


def test_sixty_one_classes_come_back() -> None:
    rows = [[27 + step, 80, 0.125 * step, 0.125 * (step + 1)] for step in range(61)]
    converter = replace(CONVERTERS["nade-drums_2bar_full"], slice_bars=4)
    tensors = converter.to_tensors(Notes.of(rows))
    assert (tensors.inputs.shape, tensors.outputs.shape) == ((1, 64, 62), (1, 64, 61))
    assert np.array_equal(converter.to_notes(tensors.outputs)[:, 1:], rows)
    with pytest.raises(GrooveError, match="61 voices have too many sets"):
        replace(converter, roll_output=False).to_tensors(Notes.of(rows))


# -- MIDI ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(gmd_takes: Takes, summary: dict[str, Any]) -> dict[int, bytes]:
    """The files themselves."""
    wanted = {name: file["index"] for name, file in summary["files"].items()}
    content = {row["midi_filename"]: data for row, data in gmd_takes}
    return {index: content[name] for name, index in wanted.items()}


def test_files_are_read_as_the_original_reads_them(
    files: dict[int, bytes], inputs: Inputs, converted: Converted
) -> None:
    """Notes equal to the last bit of their seconds, and tensors out of them."""
    theirs = converted("groove_groovae_4bar")
    for index, expected in inputs.items():
        (notes,) = sections(parse_midi(files[index]))
        assert notes.qpm == expected.qpm
        assert notes.meter == expected.meter
        ours, given = (
            np.stack([each.pitch, each.velocity, each.start, each.end], axis=1)
            for each in (notes, expected)
        )
        assert np.array_equal(in_order(ours), in_order(given))
        tensors = CONVERTERS["groovae_4bar"].to_tensors(notes)
        if len(tensors):
            assert np.array_equal(tensors.outputs, theirs[f"eval/{index}/outputs"])


def test_gmd_is_read_as_pretty_midi_reads_it(gmd_takes: Takes) -> None:
    """The reader of the original, on every tenth take."""
    lost = 0
    for _, data in gmd_takes[::10]:
        (notes,) = sections(parse_midi(data))
        lost += notes.lost
        ours = zip(notes.pitch, notes.velocity, notes.start, notes.end, strict=True)
        reader = pretty_midi.PrettyMIDI(io.BytesIO(data))
        theirs = [
            (note.pitch, note.velocity, note.start, note.end)
            for instrument in reader.instruments
            for note in instrument.notes
        ]
        assert sorted(ours) == sorted(theirs)
        assert notes.qpm == reader.get_tempo_changes()[1][0]
    assert lost > 0


def test_our_grid_is_the_originals_but_for_rounding(
    files: dict[int, bytes], converted: Converted
) -> None:
    """The same hits and velocities, and offsets to the last bits.

    Our ticks say exactly what is halfway between two steps, and its seconds may fall short of it;
    and ours has the notes that its reader loses.
    """
    whole = converted("groove_x_nosplit")
    compared = halfway = 0
    for file in (0, 1, 2, 3, 4, 8):
        performance = parse_midi(files[file])
        if sections(performance)[0].lost:
            continue
        compared += 1
        groove, _ = to_groove(performance, MAPS["eval"])
        theirs = from_magenta(whole[f"eval/{file}/outputs"][0])
        ours = to_groove_x(groove.hits, groove.velocity, groove.offset)
        assert ours.shape == theirs.shape
        apart = abs(ours - theirs).max(axis=1) > 1e-5
        for step in apart.nonzero()[0]:
            assert -0.5 in ours[step, 18:] or 0.5 in theirs[step, 18:]
            halfway += 1
    assert (compared, halfway) == (5, 2)


def performance(onset: list[int], duration: list[int], **others: Any) -> Performance:
    n = len(onset)
    return Performance(
        480, np.array(onset), np.full(n, 36), np.full(n, 100), np.full(n, 9), np.zeros(n, int),
        np.array(duration), end=100_000, **others,
    )  # fmt: skip


def test_each_tempo_and_meter_is_a_section() -> None:
    """There, the groove converter gives nothing at all where the tempo changes."""
    changing = performance(
        [0, 480, 1920, 2400, 7680],
        [10] * 5,
        tempos=((0, 600_000), (0, 500_000), (1920, 250_000), (5000, 250_000)),
        meters=((0, 4, 4), (7680, 3, 4)),
    )
    found = sections(changing)
    assert [len(each) for each in found] == [2, 2, 1]
    assert [each.qpm for each in found] == [120, 240, 240]
    assert [each.meter for each in found] == [(4, 4), (4, 4), (3, 4)]
    assert [each.start.tolist() for each in found] == [[0, 0.5], [0, 0.25], [0]]
    assert [each.steps.tolist() for each in found] == [[0, 4], [0, 4], [0]]
    assert [len(GrooveConverter().to_tensors(each)) for each in found] == [1, 1, 0]


def test_notes_that_the_originals_reader_loses_are_counted() -> None:
    (notes,) = sections(performance([0, 480, 960, 960, 1200], [10, -1, 0, 20, 5]))
    assert notes.steps.tolist() == [0, 4, 10]
    assert notes.lost == 2  # those that begin where a note-off stands
    (notes,) = sections(performance([0, 240, 480], [10, 10, -1]))
    assert notes.lost == 1  # no note-off follows


def test_a_note_off_ends_all_notes_of_its_pitch() -> None:
    (notes,) = sections(performance([0, 100], [480, 480]))
    assert notes.end.tolist() == [0.5, 0.5]
    (notes,) = sections(performance([0, 480, 960], [480, 480, 10]))
    assert notes.end.tolist() == [0.5, 1, 970 / 960]


def test_of_equally_loud_notes_the_first_to_end_counts() -> None:
    """For so the original reads them."""
    two = replace(performance([0, 10], [100, 20]), pitch=np.array([38, 40], np.uint8))
    (notes,) = sections(two)
    assert notes.pitch.tolist() == [40, 38]
    outputs = GrooveConverter().to_tensors(notes).outputs
    assert outputs[0, 0, 18 + 1] == np.float32(-2 * 10 / 120)


def test_a_file_without_drums_has_no_sections() -> None:
    assert sections(performance([], [])) == []
    assert sections(performance([0], [10]), channel=1) == []


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"num_velocity_bins": 8}, "bins of velocity or offset alone"),
        ({"num_offset_bins": 8}, "bins of velocity or offset alone"),
        ({"hop_size": 16}, "hop_size without split_bars"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        GrooveConverter(**settings)


def test_chance_is_given_explicitly() -> None:
    with pytest.raises(ConfigError, match="lost at random"):
        GrooveConverter(max_note_dropout_probability=0.5).to_tensors(drum_notes(0))


def test_notes_that_last_for_years_are_refused() -> None:
    for converter in (GrooveConverter(), DrumsConverter()):
        with pytest.raises(MidiError, match="more than the 1048576"):
            converter.to_tensors(drum_notes(0, 1 << 20))


@pytest.mark.parametrize("name", GROOVES)
@pytest.mark.parametrize("meter", [(3, 4), (4, 4), (1, 64)])
def test_no_notes_are_no_windows(name: str, meter: tuple[int, int]) -> None:
    tensors = groove_tensors(name, "eval", Notes.of(np.zeros((0, 4)), meter=meter))
    assert len(tensors) == len(tensors.inputs) == len(tensors.controls) == 0
    assert tensors.outputs.ndim == 3
    assert len(GROOVES[name].to_notes(tensors.outputs)) == 0
