from __future__ import annotations

from pathlib import Path

import pytest

from ghostnote.data.home import data_home, name_for, register, registered
from ghostnote.errors import DataError, OutputError


def test_home_follows_the_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_home() == home
    monkeypatch.delenv("GHOSTNOTE_HOME")
    assert data_home().name == "ghostnote"
    assert data_home().is_absolute()


def test_names_are_remembered(tmp_path: Path) -> None:
    assert registered() == {}
    register("mine", tmp_path)
    register("mine", tmp_path)
    register("other", tmp_path / "other")
    assert registered() == {"mine": tmp_path, "other": tmp_path / "other"}
    with pytest.raises(DataError, match=r"is taken by .*--force"):
        register("mine", tmp_path / "other")
    register("mine", tmp_path / "other", replace=True)
    assert registered()["mine"] == tmp_path / "other"


@pytest.mark.parametrize("name", ["gmd", "", "../up", "With Capitals", "a/b", ".hidden"])
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--name"):
        register(name, tmp_path)
    assert registered() == {}


def test_a_name_is_made_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "Drums.zip").write_bytes(b"")
    assert name_for(tmp_path / "My Loops (2)") == "my-loops-2"
    assert name_for(tmp_path / "Drums.zip") == "drums"
    assert name_for(Path("/")) == "corpus"


def test_an_unwritable_home_and_a_garbled_entry_are_errors(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "corpora").mkdir(parents=True)
    (home / "corpora" / "bad.json").write_text("[]")
    with pytest.raises(DataError, match=r"bad\.json: cannot be read"):
        registered()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="GHOSTNOTE_HOME"):
        register("mine", tmp_path)
