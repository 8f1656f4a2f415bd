"""What was measured is not measured again, and never taken for something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ghostnote.evaluate import kept
from ghostnote.evaluate.bootstrap import Estimate
from ghostnote.evaluate.kept import keep


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    return tmp_path


class Counted:
    """Something to measure that counts how often it is."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Estimate:
        self.times += 1
        return Estimate({"times": self.times}, {"times": [0, 1]})


def test_the_second_time_nothing_is_measured(home: Path) -> None:
    measure = Counted()
    first, second = (keep(["part", 1], measure) for _ in range(2))
    assert first == second == Estimate({"times": 1}, {"times": [0, 1]})
    assert measure.times == 1
    assert len(list(home.rglob("*.json"))) == 1


def test_another_key_or_other_code_is_measured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = Counted()
    keep(["part", 1], measure)
    assert keep(["part", 2], measure).values["times"] == 2
    monkeypatch.setattr(kept, "code", lambda: "other")
    assert keep(["part", 1], measure).values["times"] == 3


def test_all_is_measured_anew_where_it_is_asked_for(home: Path) -> None:
    measure = Counted()
    keep("part", measure)
    assert keep("part", measure, anew=True).values["times"] == 2
    assert keep("part", measure).values["times"] == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"values": 3, "intervals": {}}', "{}"])
def test_a_damaged_file_is_measured_again(home: Path, content: str) -> None:
    measure = Counted()
    keep("part", measure)
    (file,) = home.rglob("*.json")
    file.write_text(content)
    assert keep("part", measure).values["times"] == 2
    assert keep("part", measure).values["times"] == 2


def test_a_place_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "file"))
    assert keep("part", Counted()).values["times"] == 1
    assert "are not kept" in caplog.text


def test_what_shows_figures_is_no_code_that_makes_them() -> None:
    here = Path(kept.__file__).parent
    assert all((here / name).is_file() for name in kept._SHOWING)
    assert len(kept.code()) == 64
