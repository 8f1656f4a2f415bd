"""Batches: which files, which outputs, and going on after an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from ghostnote.cli.batch import (
    Batch,
    Source,
    midi_files,
    named,
    outputs,
    process,
    refuse_existing,
    summarise,
)
from ghostnote.errors import (
    BundleError,
    ConfigError,
    GhostnoteError,
    MidiError,
    MissingExtraError,
    OutputError,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.mid", "a.MID", "sub/c.midi", "sub/notes.txt", "sub/deep/d.mid"):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path / "in"


def test_folders_are_searched_in_order(tree: Path) -> None:
    found = [source.below.as_posix() for source in midi_files([tree])]
    assert found == ["a.MID", "b.mid", "sub/c.midi", "sub/deep/d.mid"]


def test_files_are_taken_whatever_their_name_and_once(tree: Path) -> None:
    odd, plain = tree / "sub" / "notes.txt", tree / "b.mid"
    found = midi_files([odd, plain, tree / "sub" / ".." / "b.mid", tree / "missing.mid"])
    assert [source.path.name for source in found] == ["notes.txt", "b.mid", "missing.mid"]


def test_a_folder_without_midi_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match="holds no MIDI file") as caught:
        midi_files([tmp_path])
    assert caught.value.source == str(tmp_path)
    assert caught.value.remedy


def test_outputs_beside_or_mirrored(tree: Path) -> None:
    sources = midi_files([tree])
    beside = outputs(sources, None, [".wav"])
    assert beside[2] == (tree / "sub" / "c.wav",)
    mirrored = outputs(sources, Path("out"), [".wav", ".mp3"])
    assert mirrored[3] == (Path("out/sub/deep/d.wav"), Path("out/sub/deep/d.mp3"))


def test_only_a_midi_suffix_is_replaced() -> None:
    sources = [Source(Path("x/take.7"), Path("take.7")), Source(Path("a.b.mid"), Path("a.b.mid"))]
    assert outputs(sources, None, [".wav"]) == [(Path("x/take.7.wav"),), (Path("a.b.wav"),)]


def test_two_sources_of_one_output_are_refused() -> None:
    sources = [Source(Path("a/x.mid"), Path("x.mid")), Source(Path("b/x.mid"), Path("x.mid"))]
    assert len(outputs(sources, None, [".wav"])) == 2
    with pytest.raises(OutputError, match=r"both .*a.x\.mid and .*b.x\.mid"):
        outputs(sources, Path("out"), [".wav"])


def test_existing_outputs(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    refuse_existing([tmp_path / "new"], force=False)
    refuse_existing([there], force=True)
    with pytest.raises(OutputError, match="--force"):
        refuse_existing([tmp_path / "new", there], force=False)


def test_formats() -> None:
    assert named(["wav, FLAC", "wav"], ("wav", "flac")) == ["wav", "flac"]
    with pytest.raises(ConfigError, match="unknown format 'aiff'"):
        named(["aiff"], ("wav", "flac"))
    with pytest.raises(ConfigError, match="no format"):
        named([","], ("wav",))


def test_one_bad_item_does_not_stop_the_rest() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise MidiError("is bad", source="two")
        return item * 10

    batch = process([1, 2, 3], work, what="Working", quiet=True)
    assert batch.done == (10, 30)
    assert [str(error) for error in batch.failed] == ["two: is bad"]
    assert batch.exit_code == 1
    assert process([1], work, what="Working", quiet=True).exit_code == 0


@pytest.mark.parametrize(
    "error",
    [
        MissingExtraError("x", "plot", "it"),
        ConfigError("temperature 11 is not in 0 to 10"),
        BundleError("has no decoder.onnx"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_fail_for_every_item_stops_at_once(error: GhostnoteError) -> None:
    seen = []

    def work(item: int) -> int:
        seen.append(item)
        raise error

    with pytest.raises(type(error)):
        process([1, 2], work, what="Working", quiet=True)
    assert seen == [1]


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    summarise(Batch((1, 2), ()), "written", quiet=False)
    assert capsys.readouterr() == ("2 written\n", "")
    summarise(Batch((1, 2), ()), "written", quiet=True)
    assert capsys.readouterr() == ("", "")
    bad = MidiError("is [bold]bad", source="x" * 200)
    summarise(Batch((1,), (bad,)), "written", quiet=True)
    assert capsys.readouterr() == ("", f"1 written, 1 skipped: {'x' * 200}: is [bold]bad\n")
    summarise(Batch((), (bad, MidiError("b", source="f"))), "written", quiet=False)
    assert capsys.readouterr().err.splitlines()[::2] == ["0 written, 2 skipped:", "  f: b"]
