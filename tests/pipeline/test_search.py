"""Searching a folder: what is found, and how its index keeps up with the files."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError, DataError, GrooveError
from ghostnote.music.grid import to_groove
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import read_midi
from ghostnote.pipeline import search as module
from ghostnote.pipeline.search import Index, open_index, save_index, search, update_index
from ghostnote.pipeline.windows import windows_of
from ghostnote.runtime import Runtime


@pytest.fixture
def folder(drumming: Path, tmp_path: Path) -> Path:
    loops = tmp_path / "loops"
    (loops / "deep").mkdir(parents=True)
    for take in range(12):
        below = "deep" if take % 2 else "."
        shutil.copy(drumming / f"{take}.mid", loops / below / f"{take}.mid")
    return loops.resolve()


@pytest.fixture
def runtime(tiny_bundle: Bundle) -> Runtime:
    return Runtime(tiny_bundle)


def groove_in(path: Path) -> Groove:
    return to_groove(read_midi(path), builtin_map("gm"))[0]


def contents(index: Index) -> list[tuple[str, bytes]]:
    return [
        (index.name(file), index.mu[index.start[file] : index.start[file + 1]].tobytes())
        for file in range(len(index.size))
    ]


def test_a_groove_finds_itself_first(folder: Path, tmp_path: Path, runtime: Runtime) -> None:
    index, report = update_index(tmp_path / "i", folder, model=runtime)
    assert (report.read, report.kept, report.failed) == (12, 0, ())
    assert len(index) == 24  # four bars are two windows of the tiny model
    query = groove_in(folder / "deep" / "3.mid")
    first, second = search(query, index, 2, model=runtime)
    assert (first.path, first.distance) == (folder / "deep" / "3.mid", 0)
    assert second.distance > 0
    (other,) = search(query, index, 1, model=runtime, without=first.path)
    assert other == second
    bars = search(query[2:], index, 1, model=runtime)[0]
    assert (bars.path, bars.bar, bars.query_bar) == (first.path, 2, 0)


def test_the_nearest_are_those_of_all_pairs(folder: Path, tmp_path: Path, runtime: Runtime) -> None:
    index, _ = update_index(tmp_path / "i", folder, model=runtime)
    query = groove_in(folder / "0.mid")
    found = search(query, index, 99, model=runtime)
    mine, _ = runtime.encode(windows_of(query, runtime.bundle))
    truth = {}
    for path in folder.rglob("*.mid"):
        theirs, _ = runtime.encode(windows_of(groove_in(path), runtime.bundle))
        apart = (theirs[:, None].astype(float) - mine) / index.sigma
        truth[path] = float(np.sqrt((apart**2).sum(-1)).min())
    assert [match.path for match in found] == sorted(truth, key=lambda path: (truth[path], path))
    for match in found:
        assert match.distance == pytest.approx(truth[match.path], abs=1e-4)


def test_only_what_is_new_is_read(
    folder: Path, tmp_path: Path, runtime: Runtime, drumming: Path
) -> None:
    file = tmp_path / "i"
    before, _ = update_index(file, folder, model=runtime)
    stamp = file.stat().st_mtime_ns
    same, report = update_index(file, folder, model=runtime)
    assert (report.read, report.kept) == (0, 12)
    assert (file.stat().st_mtime_ns, contents(same)) == (stamp, contents(before))

    (folder / "0.mid").unlink()
    shutil.copy(drumming / "13.mid", folder / "2.mid")
    shutil.copy(drumming / "14.mid", folder / "new.mid")
    (folder / "4.mid").rename(folder / "deep" / "renamed.mid")
    os.utime(folder / "6.mid", ns=(1, 1))
    updated, report = update_index(file, folder, model=runtime)
    assert (report.read, report.kept, report.moved, report.removed) == (2, 8, 2, 2)
    anew, _ = update_index(tmp_path / "other", folder, model=runtime)
    assert contents(updated) == contents(anew)


def test_an_interrupted_index_goes_on(
    folder: Path, tmp_path: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ENCODED", 5)

    def interrupt(done: int, total: int) -> None:
        assert total == 12
        if done > 5:
            raise KeyboardInterrupt

    file = tmp_path / "i"
    with pytest.raises(KeyboardInterrupt):
        update_index(file, folder, model=runtime, progress=interrupt)
    done = len(open_index(file).size)
    assert 5 < done < 12
    seen: list[tuple[int, int]] = []
    index, report = update_index(
        file, folder, model=runtime, progress=lambda done, total: seen.append((done, total))
    )
    assert (report.kept, report.read) == (done, 12 - done)
    assert seen[-1] == (12 - done, 12 - done)
    whole, _ = update_index(tmp_path / "other", folder, model=Runtime(runtime.bundle, batch=2))
    assert contents(index) == contents(whole)


def test_progress_is_saved_on_the_way(
    folder: Path, tmp_path: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ENCODED", 5)
    monkeypatch.setattr(module, "_SAVED_EVERY", -1.0)
    file = tmp_path / "i"

    def crash(done: int, total: int) -> None:
        if done > 5:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        update_index(file, folder, model=runtime, progress=crash)
    assert len(open_index(file).size) > 0


def test_files_without_a_groove_are_counted_and_not_read_again(
    folder: Path, tmp_path: Path, runtime: Runtime
) -> None:
    (folder / "bad.mid").write_bytes(b"no midi")
    (folder / "notes.txt").write_text("no music")
    for _ in range(2):
        index, report = update_index(tmp_path / "i", folder, model=runtime)
        ((name, reason),) = report.failed
        assert name == "bad.mid"
        assert "MIDI" in reason
    assert report.read == 0
    found = search(groove_in(folder / "0.mid"), index, 99, model=runtime)
    assert len(found) == 12


def test_an_index_belongs_to_a_folder_and_a_model(
    folder: Path, tmp_path: Path, runtime: Runtime
) -> None:
    file = tmp_path / "i"
    index, _ = update_index(file, folder, model=runtime)
    with pytest.raises(DataError, match="is the index of"):
        update_index(file, folder / "deep", model=runtime)
    with pytest.raises(DataError, match="or was read otherwise"):
        update_index(file, folder, model=runtime, channel=9)
    query = groove_in(folder / "0.mid")
    other = replace(index, about={**index.about, "encoder": "0"})
    with pytest.raises(ConfigError, match="was made by tiny"):
        search(query, other, model=runtime)
    with pytest.raises(ConfigError, match="0 grooves"):
        search(query, index, 0, model=runtime)
    with pytest.raises(GrooveError, match="3/4"):
        search(Groove.silent(1, meter=(3, 4)), index, model=runtime)


def test_damage_is_one_error(folder: Path, tmp_path: Path, runtime: Runtime) -> None:
    file = tmp_path / "i"
    index, _ = update_index(file, folder, model=runtime)
    whole = file.read_bytes()
    for content in (
        b"",
        b"x" * 50,
        whole[:40],
        whole[:-7],
        whole.replace(b"ghostnote", b"xhostnote"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match="is no index"):
            open_index(file)
    save_index(file, replace(index, bar=index.bar[1:]))
    with pytest.raises(DataError, match="do not fit"):
        open_index(file)
    with pytest.raises(DataError, match="cannot be read"):
        open_index(tmp_path / "missing")


def test_an_empty_folder_has_no_index(tmp_path: Path, runtime: Runtime) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no MIDI file"):
        update_index(tmp_path / "i", tmp_path / "empty", model=runtime)
    with pytest.raises(DataError, match="cannot be searched"):
        update_index(tmp_path / "i", tmp_path / "missing", model=runtime)
    assert not (tmp_path / "i").exists()


def test_odd_names_survive(folder: Path, tmp_path: Path, runtime: Runtime) -> None:
    names = ["grüve.mid", "タ.MID"]
    for name in names:
        shutil.copy(folder / "0.mid", folder / name)
    index, _ = update_index(tmp_path / "i", folder, model=runtime)
    assert set(names) < {index.name(file) for file in range(len(index.size))}
