from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.data.table import (
    COLUMNS,
    SPLITS,
    Described,
    complete,
    content_split,
    matches_number,
    matches_text,
    parse_meter,
    read_index,
)
from ghostnote.errors import DataError

FULL = dict(
    zip(
        COLUMNS,
        [
            "d1",
            "d1/s1",
            "d1/s1/1",
            "rock/indie",
            "104",
            "fill",
            "6-8",
            "d1/1.mid",
            "d1/1.wav",
            "2.5",
            "test",
        ],
        strict=True,
    )
)


def describe() -> Described:
    return Described(97.5, (3, 4), 12.25)


def test_a_full_row_is_kept_as_it_is() -> None:
    csv = f"{','.join(FULL)}\r\n{','.join(FULL.values())}\r\n".encode("utf-8-sig")
    rows = read_index(csv, "info.csv")
    assert rows == [FULL]
    assert complete(rows[0], "d1/1.mid", b"", describe) == FULL | {"bpm": 104.0, "duration": 2.5}


def test_what_is_missing_gets_sensible_values() -> None:
    assert complete({}, "ann/funk/7.mid", b"x", describe) == {
        "drummer": "ann",
        "session": "ann/funk",
        "id": "ann/funk/7",
        "style": "funk",
        "bpm": 97.5,
        "beat_type": "beat",
        "time_signature": "3-4",
        "midi_filename": "ann/funk/7.mid",
        "audio_filename": "",
        "duration": 12.25,
        "split": content_split(b"x"),
    }
    assert complete({"style": "", "bpm": "60"}, "7.mid", b"", describe)["style"] == "unknown"


@pytest.mark.parametrize(
    ("column", "value"),
    [("bpm", "fast"), ("bpm", "0"), ("bpm", "nan"), ("bpm", "2000"), ("duration", "-1"),
     ("split", "valid"), ("time_signature", "four"), ("time_signature", "4-5"),
     ("time_signature", "1-64")],
)  # fmt: skip
def test_values_that_cannot_be_are_errors(column: str, value: str) -> None:
    with pytest.raises(DataError, match=r"^x\.mid: "):
        complete(FULL | {column: value}, "x.mid", b"", describe)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"bpm,style\n1,2\n", b'a,"b\n'])
def test_an_index_that_is_none(content: bytes) -> None:
    with pytest.raises(DataError, match=r"^info\.csv: "):
        read_index(content, "info.csv")


@settings(deadline=None, max_examples=50)
@given(st.binary())
def test_a_split_depends_on_content_alone(content: bytes) -> None:
    assert content_split(content) in SPLITS
    assert content_split(bytes(content)) == content_split(content)


def test_splits_have_their_shares() -> None:
    splits = [content_split(str(number).encode()) for number in range(4000)]
    shares = [splits.count(split) / len(splits) for split in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_text_filters() -> None:
    styles = ["jazz", "rock", "rock/halftime", "rockabilly"]
    assert matches_text("style", styles, "rock") == [False, True, True, False]
    assert matches_text("style", styles, "rock/halftime") == [False, False, True, False]
    assert matches_text("style", styles, ["jazz", "rockabilly"]) == [True, False, False, True]
    assert matches_text("time_signature", ["3-4", "4-4"], "4/4") == [False, True]
    with pytest.raises(
        DataError, match=r"unknown style 'pop' \(one of: jazz, rock, rockabilly; or"
    ):
        matches_text("style", styles, "pop")
    with pytest.raises(DataError, match=r"unknown id 'take8' \(one of 500, such as take8"):
        matches_text("id", [f"take8{number}" for number in range(500)], "take8")


@pytest.mark.parametrize(
    ("wanted", "selected"),
    [("90:120", [90, 100, 120]), ("90:", [90, 100, 120, 200]), (":90", [60, 90]), ("100", [100]),
     (100, [100]), ((60, 90), [60, 90]), ("99.5:100.5", [100]), (":", [60, 90, 100, 120, 200]),
     ("500:", [])],
)  # fmt: skip
def test_number_filters(wanted: str | float | tuple[float, float], selected: list[float]) -> None:
    values = np.array([60, 90, 100, 120, 200.0])
    assert values[matches_number("bpm", values, wanted)].tolist() == selected


def test_tempos_as_midi_rounds_them_are_in_range() -> None:
    for bpm in range(20, 400):
        read = np.array([6e7 / round(6e7 / bpm)])
        for wanted in (bpm, f"{bpm}:", f":{bpm}", (bpm, bpm)):
            assert matches_number("bpm", read, wanted).all()
        assert not matches_number("bpm", read, f"{bpm + 0.1}:").any()


@pytest.mark.parametrize("wanted", ["fast", "", "90:x", "90-120", "1:2:3", "nan", (1, 2, 3)])
def test_number_filters_that_are_none(wanted: str) -> None:
    with pytest.raises(DataError, match="bpm"):
        matches_number("bpm", np.array([1.0]), wanted)


def test_meters() -> None:
    assert parse_meter("4-4") == parse_meter("4/4") == (4, 4)
    assert parse_meter("12-8") == (12, 8)
