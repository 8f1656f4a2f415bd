"""Attributes: what is measured of grooves that are made to have it."""

from __future__ import annotations

import numpy as np
import pytest

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.attributes import ATTRIBUTES, measure, metric_weights
from ghostnote.music.kit import voice_index

Note = tuple[str, int, float, float]


def window(*notes: Note, steps: int = 16) -> np.ndarray:
    """Notes (voice, step, velocity, offset) as `x` `[1, T, 27]`."""
    x = np.zeros((1, steps, 27), np.float32)
    for voice, step, velocity, offset in notes:
        column = voice_index(voice)
        x[0, step, [column, 9 + column, 18 + column]] = 1, velocity, offset
    return x


def one(name: str, x: np.ndarray, meter: tuple[int, int] = (4, 4)) -> float:
    return float(measure(x, meter, [name])[0, 0])


BACKBEAT: list[Note] = [
    ("kick", 0, 1, 0),
    ("snare", 4, 1, 0),
    ("kick", 8, 1, 0),
    ("snare", 12, 1, 0),
]


def test_density_is_hits_a_bar() -> None:
    assert one("density", window(*BACKBEAT)) == 4
    assert one("density", window(*BACKBEAT, steps=32)) == 2
    assert one("density", window(*BACKBEAT, steps=48), (3, 4)) == 1


def test_weights_are_those_of_the_meter() -> None:
    quarters = [0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4]
    assert metric_weights((4, 4)).tolist() == quarters
    assert metric_weights((3, 4)).tolist() == [0, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3]
    assert metric_weights((6, 8)).tolist() == [0, -3, -2, -3, -2, -3, -1, -3, -2, -3, -2, -3]


def test_syncopation_is_a_note_before_a_stronger_silence() -> None:
    assert one("syncopation", window(*BACKBEAT)) == 0
    # The 16th before the second beat is weak by 2 against it: -4 to -2, and to nothing stronger.
    pushed = [("kick", 0, 1.0, 0.0), ("snare", 3, 1.0, 0.0), *BACKBEAT[2:]]
    assert one("syncopation", window(*pushed)) == 2
    # The last 8th leans over the bar line onto the first beat of the loop.
    assert one("syncopation", window(("kick", 14, 1, 0), ("snare", 4, 1, 0))) == 3 + 1
    assert one("syncopation", window(("kick", 14, 0.5, 0), ("snare", 4, 1, 0))) == 1.5 + 1
    # A hat fills no silence.
    assert one("syncopation", window(*pushed, ("closed hat", 4, 1, 0))) == 2


def test_swing_is_the_delay_of_what_is_off_the_beat() -> None:
    straight = [("ride", step, 1.0, 0.0) for step in range(0, 16, 2)]
    assert one("swing", window(*straight)) == 0
    sixteenths = [("closed hat", step, 1.0, 0.2 * (step % 2)) for step in range(16)]
    assert one("swing", window(*sixteenths)) == pytest.approx(0.2 * 8 / 12)
    triplets = [
        ("ride", beat + at, 1.0, late) for beat in (0, 4) for at, late in ((0, 0), (3, -1 / 3))
    ]
    assert one("swing", window(*triplets)) == pytest.approx(2 / 3, abs=1e-6)
    late = [(voice, step, velocity, offset + 0.1) for voice, step, velocity, offset in sixteenths]
    assert one("swing", window(*late)) == pytest.approx(0.2 * 8 / 12)


def test_dynamics_is_how_loud() -> None:
    assert one("dynamics", window(("kick", 0, 0.2, 0), ("snare", 4, 0.6, 0))) == pytest.approx(0.4)


def test_laid_back_is_the_offset_of_kick_and_snare_on_8ths() -> None:
    notes = [("kick", 0, 1, 0.1), ("snare", 4, 1, 0.3), ("snare", 5, 1, -0.4), ("ride", 0, 1, -0.4)]
    assert one("laid-back", window(*notes)) == pytest.approx(0.2)
    assert one("laid-back", window(("kick", 0, 1, -0.25))) == -0.25


def test_openness_and_fill_are_shares() -> None:
    hats = [
        ("open hat", 2, 1, 0),
        ("closed hat", 0, 1, 0),
        ("closed hat", 4, 1, 0),
        ("ride", 4, 1, 0),
    ]
    assert one("openness", window(*hats)) == pytest.approx(1 / 3)
    assert one("fill", window(*BACKBEAT, ("low tom", 13, 1, 0), ("crash", 0, 1, 0))) == 2 / 6


def test_silence_measures_nothing() -> None:
    assert not measure(np.zeros((3, 64, 27), np.float32)).any()
    assert measure(np.zeros((0, 64, 27), np.float32)).shape == (0, len(ATTRIBUTES))


def test_each_window_is_measured_alone() -> None:
    random = np.random.default_rng(0)
    hits = random.random((20, 64, 9)) < 0.2
    x = np.concatenate([hits, hits * random.random(hits.shape), hits * 0.3], -1).astype(np.float32)
    together = measure(x)
    assert np.isfinite(together).all()
    assert np.array_equal(together, np.concatenate([measure(row[None]) for row in x]))


def test_what_cannot_be_measured() -> None:
    with pytest.raises(ConfigError, match="unknown attribute 'groove'"):
        measure(np.zeros((1, 16, 27), np.float32), names=["groove"])
    for shape in ((1, 15, 27), (16, 27), (1, 0, 27), (1, 16, 26)):
        with pytest.raises(GrooveError, match="not \\[B, T, 27\\]"):
            measure(np.zeros(shape, np.float32))
