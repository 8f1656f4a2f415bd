"""Tasks: what is hidden is hidden, the rest stays, and nothing else changes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ghostnote.errors import ConfigError
from ghostnote.music import tasks
from ghostnote.music.kit import VOICES, voice_index
from ghostnote.music.tasks import (
    AddVoices,
    HitsControl,
    Humanize,
    Identity,
    Infill,
    Tap,
    Task,
    task_from,
)
from ghostnote.music.tensors import from_groove_x, from_magenta, to_groove_x, to_magenta
from ghostnote.train.config import from_table, to_table

Converted = Callable[[str], dict[str, Any]]

TASKS: list[Task] = [
    Identity(),
    Humanize(),
    Tap(),
    Tap(velocity="played"),
    Tap(voice="snare", note_dropout=0.8),
    AddVoices(),
    AddVoices(voices="kick, ride"),
    Infill(),
    Infill(hide="bars"),
    Infill(hide="either"),
    HitsControl(),
]
BATCH, BARS, V = 40, 4, 9

each_task = pytest.mark.parametrize("task", TASKS, ids=repr)


@pytest.fixture
def x() -> np.ndarray:
    """Windows of four bars, busy enough that every bar and voice has hits."""
    random = np.random.default_rng(7)
    hits = random.random((BATCH, 16 * BARS, V)) < 0.4
    velocity = hits * random.integers(1, 128, hits.shape) / 127
    return to_groove_x(hits, velocity, hits * random.uniform(-0.5, 0.5, hits.shape))


def apply(task: Task, x: np.ndarray, seed: int = 0) -> tasks.Given:
    return task.apply(x, np.random.default_rng(seed))


# -- laws of all tasks -----------------------------------------------------------------------


@each_task
def test_what_was_played_is_left_alone(task: Task, x: np.ndarray) -> None:
    before = x.copy()
    x.flags.writeable = False
    given = apply(task, x)
    assert np.array_equal(x, before)
    for array in given:
        assert array is None or not np.shares_memory(array, x)


@each_task
def test_the_shape_and_the_type_stay(task: Task, x: np.ndarray) -> None:
    given = apply(task, x)
    assert (given.x.shape, given.x.dtype) == (x.shape, np.float32)
    if given.controls is not None:
        assert (given.controls.shape, given.controls.dtype) == ((*x.shape[:2], V), np.float32)


@each_task
def test_silence_stays_silent(task: Task) -> None:
    silence = np.zeros((3, 64, 27), np.float32)
    given = apply(task, silence)
    assert not given.x.any()
    assert given.controls is None or not given.controls.any()


@each_task
def test_a_seed_decides_everything(task: Task, x: np.ndarray) -> None:
    first, again, other = apply(task, x), apply(task, x), apply(task, x, seed=1)
    assert np.array_equal(first.x, again.x)
    drawn = isinstance(task, Infill) or (isinstance(task, Tap) and task.note_dropout > 0)
    assert np.array_equal(first.x, other.x) == (not drawn)


@each_task
def test_rows_do_not_depend_on_each_other(task: Task, x: np.ndarray) -> None:
    others = x[::-1].copy()
    others[3] = x[3]
    assert np.array_equal(apply(task, x).x[3], apply(task, others).x[3])


@each_task
def test_cells_without_a_hit_say_nothing(task: Task, x: np.ndarray) -> None:
    hits, velocity, offset = from_groove_x(apply(task, x).x)
    assert not velocity[hits == 0].any()
    assert not offset[hits == 0].any()
    assert set(np.unique(hits)) <= {0, 1}


@pytest.mark.parametrize("task", [task for task in TASKS if not isinstance(task, Infill)], ids=repr)
def test_doing_it_twice_is_doing_it_once(task: Task, x: np.ndarray) -> None:
    """But for what is lost at random, which is left out here."""
    if isinstance(task, Tap):
        task = dataclasses.replace(task, note_dropout=0.0)
    once = apply(task, x).x
    assert np.array_equal(apply(task, once).x, once)


# -- each of them ----------------------------------------------------------------------------


def test_identity(x: np.ndarray) -> None:
    given = apply(Identity(), x)
    assert np.array_equal(given.x, x)
    assert given.controls is None


def test_humanize_keeps_the_hits_alone(x: np.ndarray) -> None:
    given = apply(Humanize(), x)
    assert np.array_equal(given.x[..., :V], x[..., :V])
    assert not given.x[..., V:].any()
    assert given.controls is None


def test_a_tap_is_where_any_voice_was(x: np.ndarray) -> None:
    hits, velocity, offset = from_groove_x(x)
    taps = from_groove_x(apply(Tap(), x).x)
    open_hat = voice_index("open hat")
    assert open_hat == 3  # the original's
    assert np.array_equal(taps.hits[..., open_hat], hits.max(axis=-1))
    others = np.arange(V) != open_hat
    assert not any(part[..., others].any() for part in taps)
    assert not taps.velocity.any()
    strongest = velocity.argmax(axis=-1)[..., None]
    timing = np.take_along_axis(offset, strongest, axis=-1)[..., 0]
    assert np.array_equal(taps.offset[..., open_hat], timing)
    played = from_groove_x(apply(Tap(velocity="played"), x).x)
    assert np.array_equal(played.velocity[..., open_hat], velocity.max(axis=-1))
    assert np.array_equal(played.offset, taps.offset)


def test_of_equally_loud_hits_the_first_voice_is_tapped() -> None:
    x = np.zeros((1, 1, 27), np.float32)
    x[0, 0, [1, 4, 10, 13, 19, 22]] = 1, 1, 0.5, 0.5, 0.1, 0.2
    assert apply(Tap(), x).x[0, 0, 18 + 3] == np.float32(0.1)


def test_taps_are_lost_as_the_dropout_says() -> None:
    """Uniform up to its maximum, window by window; and quiet hits more often."""
    velocity = np.zeros((4000, 16, 9), np.float32)
    velocity[..., 0], velocity[1::2, :, 0] = 0.1, 1.0
    x = to_groove_x(velocity > 0, velocity, 0 * velocity)
    kept = apply(Tap(note_dropout=0.8), x).x[..., 3].mean(axis=1)
    quiet, loud = 1 - kept[::2], 1 - kept[1::2]
    assert quiet.mean() == pytest.approx(0.9 * 0.4, abs=0.02)
    assert loud.mean() == pytest.approx(0.2 * 0.4, abs=0.01)
    # The spread between windows is that of a rate for each, beside that of the single hits.
    variance = 0.9**2 * 0.8**2 / 12 + (0.36 - 0.81 * 0.64 / 3) / 16
    assert quiet.var() == pytest.approx(variance, rel=0.1)


def test_a_lost_hit_does_not_come_back(x: np.ndarray) -> None:
    """In the original it does, where it was the kick, or another hit of its step was kept."""
    random = np.random.default_rng(3)
    one = x.copy()
    one[..., 1:9] = one[..., 10:18] = one[..., 19:] = 0  # nothing but the kick
    taps = Tap(note_dropout=1.0).apply(one, random).x
    assert 0 < taps[..., 3].sum() < one[..., 0].sum()
    louder = Tap(velocity="played", note_dropout=0.9).apply(x, random).x[..., 9 + 3]
    assert np.all(louder <= x[..., 9:18].max(axis=-1))
    assert np.any((louder < x[..., 9:18].max(axis=-1)) & (louder > 0))


def test_added_voices_are_missing_and_the_rest_is_there(x: np.ndarray) -> None:
    given = apply(AddVoices(), x)
    hidden = np.arange(V) == VOICES.index("closed hat")
    for part, played in zip(from_groove_x(given.x), from_groove_x(x), strict=True):
        assert not part[..., hidden].any()
        assert np.array_equal(part[..., ~hidden], played[..., ~hidden])
    both = from_groove_x(apply(AddVoices(voices="kick,HH"), x).x).hits
    assert both.any(axis=(0, 1)).tolist() == [voice not in (0, 2) for voice in range(V)]


def hidden_groups(x: np.ndarray, given: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Which groups of cells are silent; all the others are as they were."""
    shape = (BATCH, BARS, 16, 3, V)
    gone = ~given.reshape(shape).any(axis=axes)
    keep = np.expand_dims(gone, axes)
    assert np.array_equal(np.where(keep, 0, x.reshape(shape)), given.reshape(shape))
    return gone


def test_infill_hides_some_voices_or_some_bars(x: np.ndarray) -> None:
    voices = hidden_groups(x, apply(Infill(), x).x, (1, 2, 3))
    bars = hidden_groups(x, apply(Infill(hide="bars"), x).x, (2, 3, 4))
    for gone, of in ((voices, V), (bars, BARS)):
        count = gone.sum(axis=1)
        assert count.min() >= 1
        assert count.max() <= of - 1
        assert set(count) == set(range(1, of))
        assert gone.any(axis=0).all()  # each of them is hidden somewhere
        assert not gone.all(axis=0).any()


def test_infill_of_either_is_one_of_the_two_in_each_window(x: np.ndarray) -> None:
    cells = apply(Infill(hide="either"), x).x.reshape(BATCH, BARS, 16, 3, V)
    voices = ~cells.any(axis=(1, 2, 3))
    bars = ~cells.any(axis=(2, 3, 4))
    assert np.array_equal(voices.any(axis=1), ~bars.any(axis=1))
    assert 0 < voices.any(axis=1).sum() < BATCH


def test_subsets_of_a_size_are_equally_likely() -> None:
    drawn = tasks._some(30_000, 4, np.random.default_rng(0)) @ [1, 2, 4, 8]
    share = np.bincount(drawn, minlength=16) / len(drawn)
    sizes = np.array([bin(number).count("1") for number in range(16)])
    assert share[[0, 15]].tolist() == [0, 0]
    for size, subsets in ((1, 4), (2, 6), (3, 4)):
        assert share[sizes == size] == pytest.approx(1 / 3 / subsets, rel=0.1)


def test_bars_must_fit(x: np.ndarray) -> None:
    for task, windows in ((Infill(hide="bars", bar=12), x), (Infill(hide="either"), x[:, :16])):
        with pytest.raises(ConfigError, match=r"task\.bar"):
            apply(task, windows)
    assert apply(Infill(hide="bars", bar=12), x[:, :48]).x.shape == (BATCH, 48, 27)


def test_hits_as_controls(x: np.ndarray) -> None:
    given = apply(HitsControl(), x)
    assert np.array_equal(given.x, x)
    assert given.controls is not None
    assert np.array_equal(given.controls, x[..., :V])


def test_sixty_one_classes_will_do() -> None:
    hits = np.random.default_rng(0).random((8, 32, 61)) < 0.2
    x = to_groove_x(hits, hits * 0.5, hits * 0.1)
    for task in (Identity(), Humanize(), Tap(), Infill(hide="either"), HitsControl()):
        assert apply(task, x).x.shape == x.shape


# -- as settings -----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Settings:
    task: Task = dataclasses.field(default_factory=Identity)


@each_task
def test_tasks_are_settings(task: Task) -> None:
    table = json.loads(json.dumps(to_table(Settings(task))))
    assert from_table(Settings, table) == Settings(task)


def test_a_task_is_chosen_by_its_kind() -> None:
    chosen = from_table(Settings, {"task": {"kind": "tap", "note_dropout": "0.8"}})
    assert chosen.task == Tap(note_dropout=0.8)
    with pytest.raises(ConfigError, match=r"task\.kind is 'clap'"):
        from_table(Settings, {"task": {"kind": "clap"}})


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Tap(note_dropout=1.5), "task.note_dropout is 1.5"),
        (lambda: Tap(note_dropout=float("nan")), "task.note_dropout is nan"),
        (lambda: Tap(voice="cowbell"), "task.voice: unknown voice 'cowbell'"),
        (lambda: AddVoices(voices=""), "task.voices: unknown voice ''"),
        (lambda: AddVoices(voices="kick, cow bell"), "task.voices: unknown voice ' cow bell'"),
        (lambda: Infill(hide="bars", bar=0), "task.bar is 0"),
    ],
)
def test_bad_settings_are_refused(make: Callable[[], Task], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make()


# -- the original's own inputs ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("groovae_2bar_humanize", Humanize()),
        ("groovae_2bar_hits_control_tfds", HitsControl()),
        ("x_2bar_tapify_only", Tap(velocity="played")),
    ],
)
@pytest.mark.parametrize("mode", ["eval", "infer"])
def test_the_originals_inputs_are_ours(
    name: str, task: Task, mode: str, converted: Converted
) -> None:
    arrays = converted(f"groove_{name}")
    files = {key.split("/")[1] for key in arrays if key.startswith(mode)}
    assert len(files) >= 6
    for file in files:
        theirs = {key: arrays.get(f"{mode}/{file}/{key}") for key in ("inputs", "controls")}
        outputs = arrays[f"{mode}/{file}/outputs"]
        given = apply(task, from_magenta(outputs))
        inputs = outputs if theirs["inputs"] is None else theirs["inputs"]
        assert np.array_equal(to_magenta(given.x), inputs)
        if given.controls is None:
            assert theirs["controls"] is None or not theirs["controls"].size
        else:
            assert np.array_equal(given.controls, theirs["controls"])


def test_the_originals_taps_of_fixed_velocity_are_ours(converted: Converted) -> None:
    """As its data set for training has them."""
    arrays = converted("tfds_2bar")
    files = [key.split("/")[0] for key in arrays if key.endswith("inputs")]
    assert len(files) >= 6
    for file in files:
        outputs, inputs = arrays[f"{file}/outputs"], arrays[f"{file}/inputs"]
        assert np.array_equal(to_magenta(apply(Tap(), from_magenta(outputs)).x), inputs)


def test_the_originals_lost_taps_are_among_those_of_the_whole(converted: Converted) -> None:
    """Its taps with dropout are taps of fixed velocity, some of them missing."""
    arrays = converted("groove_groovae_2bar_tap_fixed_velocity_note_dropout")
    lost = 0
    for file in range(12):
        outputs, inputs = (arrays[f"eval/{file}/{name}"] for name in ("outputs", "inputs"))
        whole = to_magenta(apply(Tap(), from_magenta(outputs)).x)
        assert np.all(inputs[..., :9] <= whole[..., :9])
        lost += int((inputs[..., 3] < whole[..., 3]).sum())
    assert lost > 100


# -- tasks as data ---------------------------------------------------------------------------


@each_task
def test_a_task_is_what_its_table_says(task: Task) -> None:
    table = json.loads(json.dumps(dataclasses.asdict(task)))
    assert task_from(table) == task
    assert table == json.loads(json.dumps(dataclasses.asdict(task)))  # nothing is taken out of it
    assert task_from({"kind": task.kind}) == type(task)()


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({}, "is no task"),
        ({"kind": "dehumanize"}, "is no task"),
        ({"kind": None}, "is no task"),
        ({"kind": ["tap"]}, "is no task"),
        ({"kind": "identity", "voice": "snare"}, "is no task"),
        ({"kind": "tap", "voice": "cowbell"}, "task.voice"),
        ({"kind": "tap", "note_dropout": 1.5}, "task.note_dropout"),
        ({"kind": "tap", "note_dropout": "much"}, "is no task"),
        ({"kind": "infill", "bar": 0}, "task.bar"),
        ({"kind": "add-voices", "voices": ""}, "task.voices"),
        ({"kind": "add-voices", "voices": 3}, "is no task"),
    ],
    ids=str,
)
def test_a_table_of_no_task_is_refused(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        task_from(table)
    assert caught.value.remedy
