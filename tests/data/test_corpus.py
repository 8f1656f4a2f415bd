from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ghostnote.data.augment import Augmentation, augment
from ghostnote.data.bars import Bars
from ghostnote.data.corpus import Corpus, load_corpus
from ghostnote.data.home import register
from ghostnote.data.table import COLUMNS
from ghostnote.data.windows import windows
from ghostnote.errors import ConfigError, DataError, DrumMapError
from ghostnote.music.grid import to_groove
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import parse_midi, read_midi

Make = Callable[..., bytes]


def grooves(corpus: Corpus) -> list[Groove]:
    return [corpus.groove(index) for index in range(len(corpus))]


def cache_of(home: Path) -> Path:
    (found,) = (home / "cache").glob("*.safetensors")
    return found


# -- what a take is ------------------------------------------------------------------------


def test_takes_are_what_their_files_say(folder: Path) -> None:
    corpus = load_corpus(folder)
    assert len(corpus) == 12
    for index, take in enumerate(corpus.takes):
        path = folder / take.midi_filename
        groove, report = to_groove(read_midi(path), builtin_map("ghostnote"))
        assert corpus.groove(index) == groove
        assert (take.bpm, take.meter, take.bars) == (groove.bpm, groove.meter, groove.bars)
        assert (take.notes, take.hits, take.merged) == (report.notes, report.hits, report.merged)
        assert take.style == path.parent.name
        assert take.id == take.midi_filename.removesuffix(".mid")
        assert take.duration > 0
    assert (
        corpus.hits_per_voice().tolist()
        == np.sum([groove.hits.sum(axis=0) for groove in grooves(corpus)], axis=0).tolist()
    )


def test_bad_files_are_skipped_and_listed(folder: Path, midi: Make) -> None:
    (folder / "cut.mid").write_bytes(midi(1)[:-20])
    (folder / "empty.mid").write_bytes(b"")
    corpus = load_corpus(folder)
    assert [remark.name for remark in corpus.skipped] == ["empty.mid", "rock/broken.mid"]
    assert all(remark.reason for remark in corpus.skipped)
    assert [remark.name for remark in corpus.repaired] == ["cut.mid"]
    assert len(corpus) == 13


def test_nothing_to_use_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no MIDI files"):
        load_corpus(tmp_path)
    (tmp_path / "1.mid").write_bytes(b"no")
    with pytest.raises(DataError, match=r"none of its 1 files can be used; 1\.mid is no MIDI file"):
        load_corpus(tmp_path)
    with pytest.raises(DataError, match=r"no such corpus, file or folder \(one of: gmd; or"):
        load_corpus("nowhere")


def test_odd_files_are_read_or_skipped_with_a_reason(shared_midi: Path) -> None:
    corpus = load_corpus(shared_midi)
    files = [path for path in shared_midi.rglob("*") if path.suffix.lower() in (".mid", ".midi")]
    assert len(corpus) + len(corpus.skipped) == len(files)
    assert all(remark.reason for remark in corpus.skipped)
    for take, groove in zip(corpus.takes, grooves(corpus), strict=True):
        assert take.hits == groove.n_hits
        assert take.notes == take.hits + take.merged + take.unmapped + take.outside


# -- info.csv ------------------------------------------------------------------------------


def write_index(folder: Path, *rows: str) -> None:
    (folder / "info.csv").write_text("\n".join((",".join(COLUMNS), *rows)) + "\n")


def test_an_index_is_honoured(folder: Path) -> None:
    write_index(
        folder,
        "ann,ann/1,one,pop/soft,77,fill,6-8,rock/take1.mid,one.wav,3.5,test",
        "ann,ann/1,two,pop,78,beat,4-4,rock/take2.mid,two.wav,4.5,train",
        "ann,ann/1,three,pop,fast,beat,4-4,rock/take0.mid,,1,train",
        "ann,ann/1,four,pop,78,beat,4-4,rock/gone.mid,,1,train",
        "ann,ann/1,five,pop,78,beat,4-4,rock/take2.mid,,1,train",
    )
    corpus = load_corpus(folder)
    take, _ = corpus.takes
    values = [getattr(take, name) for name in COLUMNS]
    expected = "ann ann/1 one pop/soft 77 fill 6-8 rock/take1.mid one.wav 3.5 test"
    assert [str(value).removesuffix(".0") for value in values] == expected.split()
    assert corpus.groove(0).meter == (6, 8)
    assert corpus.groove(0).bpm == 77
    assert take.primary_style == "pop"
    assert len(corpus.groove(0)) == take.bars
    reasons = {remark.name: remark.reason for remark in corpus.skipped}
    assert "bpm 'fast'" in reasons["rock/take0.mid"]
    assert "not there" in reasons["rock/gone.mid"]
    assert "listed twice" in reasons["rock/take2.mid"]
    assert "is not listed" in reasons["jazz/slow/take7.mid"]


def test_an_index_may_lie_deeper(folder: Path, tmp_path: Path) -> None:
    write_index(folder, ",,,,,,,rock/take1.mid,,,")
    (take,) = load_corpus(tmp_path).takes
    assert take.midi_filename == "rock/take1.mid"
    assert take.bpm == read_midi(folder / "rock/take1.mid").bpm


# -- views ---------------------------------------------------------------------------------


def test_every_column_is_a_filter(folder: Path) -> None:
    corpus = load_corpus(folder)
    for name in COLUMNS:
        value = getattr(corpus.takes[4], name)
        selected = corpus.select(**{name: value})
        expected = [take for take in corpus.takes if getattr(take, name) == value]
        assert list(selected.takes) == expected
        assert corpus.takes[4] in expected


def test_views_of_views(folder: Path) -> None:
    corpus = load_corpus(folder)
    rock = corpus.select(style="rock", bpm=None)
    assert len(rock) == 6
    assert rock.select(time_signature="3/4").takes == (corpus.select(time_signature="3-4").takes)
    assert rock.select(bpm="101:102").groove(1) == corpus.groove(
        corpus.texts("id").index("rock/take2")
    )
    with pytest.raises(DataError, match=r"no take has style slow"):
        rock.select(style="slow")
    with pytest.raises(DataError, match=r"unknown column 'colour' \(one of: drummer, session"):
        corpus.select(colour="red")
    with pytest.raises(DataError, match=r"unknown split 'dev'"):
        corpus.select(split="dev")
    for wrong in ("style", "colour"):
        with pytest.raises(DataError, match="unknown column"):
            corpus.numbers(wrong)
    with pytest.raises(DataError, match="unknown column"):
        corpus.texts("bpm")


# -- splits --------------------------------------------------------------------------------


def test_splits_follow_content_not_names(folder: Path, tmp_path: Path) -> None:
    def splits(root: Path) -> dict[bytes, set[str]]:
        found: dict[bytes, set[str]] = {}
        for take in load_corpus(root).takes:
            content = (root / take.midi_filename).read_bytes()
            found.setdefault(content, set()).add(take.split)
        return found

    before = splits(folder)
    moved = tmp_path / "moved"
    for number, path in enumerate(sorted(folder.rglob("take*.mid"))):
        (moved / str(number)).mkdir(parents=True)
        shutil.copy(path, moved / str(number) / "a.mid")
        shutil.copy(path, moved / f"{number}.MID")
    after = splits(moved)
    assert after == before
    assert all(len(names) == 1 for names in after.values())


# -- sources -------------------------------------------------------------------------------


def test_zip_folder_and_name_give_the_same(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "takes.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*.mid"), reverse=True):
            target.write(path, path.relative_to(folder))
    register("mine", folder)
    corpora = [load_corpus(folder), load_corpus(str(archive)), load_corpus("mine")]
    assert len({corpus.takes for corpus in corpora}) == 1
    assert [corpus.name for corpus in corpora] == [str(folder), str(archive), "mine"]
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="mine: has gone from"):
        load_corpus("mine")


def test_a_corpus_of_61_classes(folder: Path) -> None:
    """Takes, windows and bars with the classes of the map."""
    full, usual = load_corpus(folder, drum_map="magenta-full"), load_corpus(folder)
    assert full.hits_per_voice().shape == (61,)
    assert full.takes[0].bars == usual.takes[0].bars
    cut = windows(full, bars=2)
    velocity, offset = cut.batch(np.arange(len(cut)))
    assert velocity.shape == offset.shape == (len(cut), 32, 61)
    again = load_corpus(folder, drum_map="magenta-full")  # out of the cache
    table = Bars.of(windows(again, bars=2))
    assert np.array_equal(table.cells(table.bars_of(np.arange(len(cut))))[0], velocity)
    with pytest.raises(DrumMapError, match="61 classes of its own"):
        full.groove(0)
    with pytest.raises(ConfigError, match=r"augmentation\.swap_voices"):
        augment((velocity, offset), Augmentation(swap_voices=0.5), np.random.default_rng(0))


def test_a_drum_map_makes_a_corpus_of_its_own(folder: Path, tmp_path: Path, home: Path) -> None:
    custom = tmp_path / "odd.toml"
    voices = ["kick", "snare", "closed hat", "open hat", "low tom", "mid tom", "high tom", "crash"]
    lines = [f'"{voice}" = [{index}]' for index, voice in enumerate(voices)]
    custom.write_text("\n".join(["[voices]", *lines, "ride = [36]"]))
    usual, odd = load_corpus(folder), load_corpus(folder, drum_map=custom)
    assert (odd.hits_per_voice()[:-1] == 0).all()
    assert odd.hits_per_voice()[-1] == usual.hits_per_voice()[0]
    assert odd.numbers("unmapped").sum() > 0
    assert len(list((home / "cache").glob("*.safetensors"))) == 2


def test_the_wrong_gmd_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "groove.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("groove/info.csv", "midi_filename\n")
    monkeypatch.setenv("GHOSTNOTE_GMD", str(archive))
    with pytest.raises(DataError, match=r"groove\.zip: has the wrong checksum"):
        load_corpus()
    archive.write_bytes(archive.read_bytes()[:50])
    with pytest.raises(DataError, match=r"groove\.zip: has the wrong checksum"):
        load_corpus("gmd")
    with pytest.raises(DataError, match="cut short"):
        load_corpus(archive)
    monkeypatch.delenv("GHOSTNOTE_GMD")
    with pytest.raises(DataError, match="ghostnote data fetch"):
        load_corpus()


# -- the cache -----------------------------------------------------------------------------


def test_the_second_time_nothing_is_parsed(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    first = load_corpus(folder, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 13) for done in range(1, 14)]
    written = cache_of(home).stat()
    monkeypatch.setattr("ghostnote.data.corpus.build", None)
    again = load_corpus(folder)
    assert again.takes == first.takes
    assert grooves(again) == grooves(first)
    assert again.skipped == first.skipped
    assert cache_of(home).stat().st_mtime_ns == written.st_mtime_ns


def test_a_change_of_the_source_is_seen(folder: Path, midi: Make) -> None:
    before = load_corpus(folder)
    path = folder / "rock" / "take1.mid"
    info = path.stat()
    path.write_bytes(midi(101, bars=2))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    after = load_corpus(folder)
    assert grooves(after) != grooves(before)
    path.unlink()
    assert len(load_corpus(folder)) == 11


def test_old_sources_are_not_hashed_again(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_corpus(folder)
    assert not list((home / "cache").glob("*.json"))  # too new to be sure
    monkeypatch.setattr("time.time", lambda: 4e9)
    load_corpus(folder)
    assert len(list((home / "cache").glob("*.json"))) == 1
    monkeypatch.setattr("ghostnote.data.source.FolderSource.digest", None)
    assert len(load_corpus(folder)) == 12
    for garbage in ("", "[]", '{"stamp": 1}'):
        (memo,) = (home / "cache").glob("*.json")
        memo.write_text(garbage)
        with pytest.raises(TypeError):
            load_corpus(folder)


@pytest.mark.parametrize("damage", ["cut", "empty", "header", "other"])
def test_a_damaged_cache_is_rebuilt(
    folder: Path, home: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = load_corpus(folder)
    path = cache_of(home)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-1],
            "empty": b"",
            "header": whole[:8] + b"?" + whole[9:],
            "other": whole.replace(b"ghostnote corpus", b"something else !", 1),
        }[damage]
    )
    again = load_corpus(folder)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert again.takes == first.takes
    assert path.read_bytes() == whole


def test_damage_inside_is_healed_when_it_is_read(
    folder: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = grooves(load_corpus(folder))
    path = cache_of(home)
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[-1] ^= 1  # the last array holds velocities or text
    broken[len(whole) // 2] ^= 1
    path.write_bytes(broken)
    assert grooves(load_corpus(folder)) == expected
    assert len(caplog.records) == 1
    assert path.read_bytes() == whole


def test_damage_whose_source_has_changed_is_an_error(folder: Path, home: Path, midi: Make) -> None:
    load_corpus(folder)
    path = cache_of(home)
    broken = bytearray(path.read_bytes())
    broken[len(broken) // 2] ^= 1
    path.write_bytes(broken)
    corpus = load_corpus(folder)
    (folder / "rock" / "new.mid").write_bytes(midi(99))
    with pytest.raises(DataError, match="has changed since it was opened"):
        grooves(corpus)


def test_without_a_place_for_the_cache_it_works_in_memory(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = grooves(load_corpus(folder))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "file" / "home"))
    assert grooves(load_corpus(folder)) == expected
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "each start parses anew" in caplog.text


def test_two_processes_at_once_are_both_right(folder: Path, home: Path) -> None:
    code = (
        "import sys; from ghostnote.data.corpus import load_corpus;"
        "corpus = load_corpus(sys.argv[1]);"
        "print(len(corpus), [corpus.groove(i).n_hits for i in range(len(corpus))])"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    corpus = load_corpus(folder)
    assert outputs == {f"12 {[groove.n_hits for groove in grooves(corpus)]}\n"}
    assert len(list((home / "cache").glob("*.safetensors"))) == 1
    assert not list((home / "cache").glob(".*"))  # nothing half-written is left


def test_a_corpus_travels_to_another_process_as_a_name(folder: Path, tmp_path: Path) -> None:
    corpus = load_corpus(folder).select(style="rock")
    packed = tmp_path / "packed"
    packed.write_bytes(pickle.dumps(corpus))
    assert packed.stat().st_size < 2000
    code = (
        "import pickle, sys; corpus = pickle.load(open(sys.argv[1], 'rb')); "
        "print([corpus.groove(take).n_hits for take in range(len(corpus))])"
    )
    command = [sys.executable, "-c", code, str(packed)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert printed == f"{[groove.n_hits for groove in grooves(corpus)]}\n"


def test_the_reader_matters_for_the_cache(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_corpus(folder)
    monkeypatch.setattr("ghostnote.data.corpus._code", lambda: "another version")
    load_corpus(folder)
    assert len(list((home / "cache").glob("*.safetensors"))) == 2


def test_a_midi_file_of_another_channel_is_skipped(folder: Path, midi: Make) -> None:
    content = midi(5)
    performance = parse_midi(content)
    assert set(performance.notes_per_channel) == {10}
    melody = bytes(byte - 9 if byte in (0x99, 0x89) else byte for byte in content)
    (folder / "melody.mid").write_bytes(melody)
    corpus = load_corpus(folder)
    assert any(remark.name == "melody.mid" for remark in corpus.skipped)
