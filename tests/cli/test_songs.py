"""Commands on songs: what is not a drum stays, whichever verb plays the drums."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.cli import main
from ghostnote.errors import GhostnoteError
from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import Message, messages_bytes, read_midi, write_midi
from ghostnote.music.song import find_drums, parse_song, read_song

BAR = 4 * 480
MAP = builtin_map("ghostnote")


def note(tick: int, pitch: int, velocity: int, channel: int) -> list[Message]:
    on, off = bytes((0x90 | channel, pitch, velocity)), bytes((0x80 | channel, pitch, 0))
    return [(tick, on), (tick + 60, off)]


def song_bytes(*, channel: int = 9, name: bytes = b"drums", first: int = 0) -> bytes:
    """Four bars of drums from tick `first` on, and a bass that plays for eight."""
    drums: list[Message] = [(0, b"\xff\x03" + bytes((len(name),)) + name)]
    for beat in range(16):
        drums += note(first + beat * 480, 38 if beat % 2 else 36, 80, channel)
        drums += note(first + beat * 480 + 240, 42, 60, channel)
    bass = [one for beat in range(32) for one in note(beat * 480 + 1, 40, 90, 2)]
    conductor: list[Message] = [
        (0, b"\xff\x51\x03\x07\xa1\x20"), (BAR, b"\xff\x51\x03\x06\xa1\x20"),
        (0, b"\xff\x58\x04\x04\x02\x18\x08"),
    ]  # fmt: skip
    tracks = [sorted(track, key=lambda one: one[0]) for track in (conductor, bass, drums)]
    return messages_bytes([(track, 8 * BAR) for track in tracks], ticks_per_beat=480, format=1)


@pytest.fixture
def direction(tiny_bundle: Bundle, tmp_path: Path) -> str:
    """A direction of the small model, as `attribute` takes it."""
    from ghostnote.directions import AMOUNTS, Direction, write_direction

    vector = np.linspace(-1, 1, tiny_bundle.latent).astype(np.float32)
    effects = {"far": tuple(float(amount) for amount in AMOUNTS)}
    made = Direction("far", vector, effects=effects)
    write_direction(tmp_path / "far.safetensors", made)
    return str(tmp_path / "far.safetensors")


Call = Callable[[str], list[str]]

VERBS = ("humanize", "infill", "continue", "reconstruct", "attribute", "vary")


@pytest.fixture
def call(tiny_bundle: Bundle, tmp_path: Path, direction: str) -> Call:
    """What a verb is called with, but for its files."""

    def taught(kind: str) -> str:
        target = tmp_path / f"taught-{kind}"
        if not target.exists():
            target.mkdir()
            for file in tiny_bundle.path.iterdir():
                (target / file.name).write_bytes(file.read_bytes())
            config = {**tiny_bundle.config, "task": {"kind": kind}}
            (target / "config.json").write_text(json.dumps(config))
        return str(target)

    def words(verb: str) -> list[str]:
        model = {"humanize": "humanize", "infill": "infill", "continue": "infill"}
        path = taught(model[verb]) if verb in model else str(tiny_bundle.path)
        options = {
            "infill": ["--keep", "kick"],
            "continue": ["--bars", "3"],
            "attribute": ["--direction", direction],
            "vary": ["--format", "mid", "-n", "2", "--seed", "1"],
        }
        first = ["far=+2"] if verb == "attribute" else []
        return [verb, *options.get(verb, []), "--model", path, *first]

    return words


def others(path: Path, drums: int) -> list[tuple[int, ...]]:
    """Every note that is not on the channel of the drums."""
    heard = read_midi(path)
    return [
        (int(heard.channel[i]), int(heard.onset[i]), int(heard.pitch[i]), int(heard.velocity[i]))
        for i in range(len(heard))
        if heard.channel[i] != drums - 1
    ]


def written(verb: str, out: Path, name: str) -> list[Path]:
    return sorted(out.glob(f"{name}*.mid")) if verb == "vary" else [out / f"{name}.mid"]


@pytest.mark.parametrize("verb", VERBS)
def test_all_that_is_no_drum_stays(verb: str, call: Call, tmp_path: Path) -> None:
    source = tmp_path / "song.mid"
    source.write_bytes(song_bytes())
    before = read_song(source)
    assert main([*call(verb), str(source), "-o", str(tmp_path / "out"), "-q"]) == 0
    files = written(verb, tmp_path / "out", "song")
    assert files
    for file in files:
        after = read_song(file)
        assert after.tracks[:2] == before.tracks[:2]
        assert after.performance.tempos == before.performance.tempos
        assert others(file, 10) == others(source, 10)
        assert find_drums(after, MAP).passages[0].groove.bpm == 120


@pytest.mark.parametrize("verb", VERBS)
def test_songs_of_the_world(verb: str, call: Call, tmp_path: Path, shared_midi: Path) -> None:
    """Files as they are found: either their other channels are note for note the same, or there is
    a reason why nothing was written.
    """
    sources = sorted(shared_midi.rglob("*.mid"))
    channels = {}
    for source in sources:
        try:
            channels[source] = find_drums(read_song(source), MAP).channel
        except GhostnoteError:
            continue
    assert main([*call(verb), str(shared_midi), "-o", str(tmp_path / "out"), "-q"]) in (0, 1)
    checked = 0
    for source, drums in channels.items():
        below = source.relative_to(shared_midi)
        for file in written(verb, (tmp_path / "out" / below).parent, source.stem):
            if file.exists():
                assert others(file, drums) == others(source, drums), source.name
                mido.MidiFile(file)
                checked += 1
    assert checked >= 10


@pytest.mark.parametrize("verb", VERBS)
def test_drums_are_found_by_name_and_where_they_are_alone(
    verb: str, call: Call, tmp_path: Path
) -> None:
    source = tmp_path / "song.mid"
    source.write_bytes(song_bytes(channel=4))
    assert main([*call(verb), str(source), "-o", str(tmp_path / "out"), "-q"]) == 0
    for file in written(verb, tmp_path / "out", "song"):
        assert others(file, 5) == others(source, 5)
    source.write_bytes(song_bytes(channel=4, name=b"xylophone"))
    out = tmp_path / "none"
    assert main([*call(verb), str(source), "-o", str(out), "-q"]) == 1
    assert not out.exists() or not list(out.rglob("*.mid"))


@pytest.mark.parametrize("verb", VERBS)
def test_one_file_or_many_are_the_same_bytes(verb: str, call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.mid").write_bytes(song_bytes(first=BAR if name == "b" else 0))
    assert main([*call(verb), str(folder), "-o", str(tmp_path / "all"), "-q"]) == 0
    for name in "abc":
        one = tmp_path / f"one-{name}"
        assert main([*call(verb), str(folder / f"{name}.mid"), "-o", str(one), "-q"]) == 0
        files = sorted(one.rglob("*.mid"))
        assert files
        for file in files:
            again = tmp_path / "all" / file.relative_to(one)
            assert again.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("verb", VERBS)
def test_what_exists_can_be_left_out(
    verb: str, call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "a.mid").write_bytes(song_bytes())
    assert main([*call(verb), str(folder), "-o", str(out), "-q"]) == 0
    files = sorted(out.rglob("*.mid"))
    for file in files:
        file.write_bytes(b"mine")
    (folder / "b.mid").write_bytes(song_bytes())
    assert main([*call(verb), str(folder), "-o", str(out), "--skip-existing", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["existing"]) == 1
    assert [file.read_bytes() for file in files] == [b"mine"] * len(files)
    assert len(sorted(out.rglob("*.mid"))) == 2 * len(files)
    assert main([*call(verb), str(folder), "-o", str(out), "-q"]) == 1
    assert [file.read_bytes() for file in files] == [b"mine"] * len(files)


@pytest.mark.parametrize("verb", ["humanize", "infill", "continue", "reconstruct", "attribute"])
def test_pipes(verb: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "song.mid"
    source.write_bytes(song_bytes())
    out = io.BytesIO()
    pipes = io.TextIOWrapper(io.BytesIO(source.read_bytes())), io.TextIOWrapper(out)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", pipes[0])
        patch.setattr(sys, "stdout", pipes[1])
        assert main([*call(verb), "-", "--quiet"]) == 0
        assert main([*call(verb), "-", "--quiet", "--out", str(tmp_path)]) == 2
    assert main([*call(verb), str(source), "-o", str(tmp_path / "out"), "-q"]) == 0
    assert (tmp_path / "out" / "song.mid").read_bytes() == out.getvalue()


def test_score_and_near_read_pipes(
    tiny_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = ["--model", str(tiny_bundle.path)]

    def piped(*words: str) -> int:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(song_bytes())))
            return main([*words, *model])

    assert piped("score", "-", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["scored"]
    assert found["source"] == "standard input"
    assert len(found["bars"]) == 4
    line = ["sample", "-n", "1", "--seed", "3", "--format", "mid", "-q"]
    assert piped(*line, "--near", "-", "-o", str(tmp_path / "pipe")) == 0
    (tmp_path / "song.mid").write_bytes(song_bytes())
    near = ["--near", str(tmp_path / "song.mid"), "-o", str(tmp_path / "file")]
    assert main([*line, *near, *model]) == 0
    (one,), (other,) = ((tmp_path / name).glob("*.mid") for name in ("pipe", "file"))
    assert one.read_bytes() == other.read_bytes()
    assert "input" in one.name


def test_hits_before_the_first_beat_are_moved_onto_it_and_counted() -> None:
    from ghostnote.pipeline.songs import play_song

    song = parse_song(song_bytes())

    def rushed(passages: object) -> list[Groove]:
        (passage,) = passages  # type: ignore[misc,attr-defined]
        groove = passage.groove
        return [
            Groove.from_cells(groove.hits, groove.velocity, groove.hits * -0.25, bpm=groove.bpm)
        ]

    played, report = play_song(song, rushed, meter=(4, 4))
    assert report.moved_onto_first_beat == 1
    assert "1 hits moved onto the first beat" in str(report)
    drums = played.performance.channels(10)
    assert drums.onset.min() == 0
    assert drums.onset[1] == 240 - 30


def test_what_continues_follows_the_last_bar(call: Call, tmp_path: Path) -> None:
    source, out = tmp_path / "song.mid", tmp_path / "out"
    source.write_bytes(song_bytes())
    assert main([*call("continue"), str(source), "-o", str(out), "-q"]) == 0
    (before,) = find_drums(read_song(source), MAP).passages
    (after,) = find_drums(read_song(out / "song.mid"), MAP).passages
    assert after.groove[:4] == before.groove
    assert after.groove.bars <= 7
    # A file of ours says where its last bar ends, so that silent bars count.
    loop = tmp_path / "loop.mid"
    write_midi(loop, to_performance(before.groove, builtin_map("gm")))
    assert main([*call("continue"), str(loop), "-o", str(out), "-q"]) == 0
    longer, _ = to_groove(read_midi(out / "loop.mid"), MAP)
    assert longer.bars == 7
    assert longer[:4] == before.groove


def test_no_verb_continues_a_song_that_ends_in_another_meter(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "song.mid"
    drums: list[Message] = [(4 * BAR, b"\xff\x58\x04\x03\x02\x18\x08")]
    for beat in range(22):
        drums += note(beat * 480, 36, 80, 9)
    track = sorted(drums, key=lambda one: one[0])
    source.write_bytes(messages_bytes([(track, 6 * BAR)], ticks_per_beat=480, format=0))
    assert main([*call("continue"), str(source), "-o", str(tmp_path / "out"), "-q"]) == 1
    assert "ends in 3/4" in capsys.readouterr().err
    assert main([*call("reconstruct"), str(source), "-o", str(tmp_path / "out"), "-q"]) == 0
