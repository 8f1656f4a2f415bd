"""Voices and drum maps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.errors import DrumMapError
from ghostnote.music.kit import (
    BUILTIN_MAPS,
    DEFAULT_MAP,
    N_VOICES,
    SHORT_NAMES,
    VOICES,
    DrumMap,
    builtin_map,
    load_map,
    voice_index,
)

PITCHES = tuple((pitch,) for pitch in range(36, 36 + N_VOICES))


def toml(voices: dict[str, object]) -> str:
    return "[voices]\n" + "".join(f'"{name}" = {value}\n' for name, value in voices.items())


WHOLE: dict[str, object] = {
    voice: list(group) for voice, group in zip(VOICES, PITCHES, strict=True)
}


def test_voices_are_found_by_any_of_their_names() -> None:
    for index, (voice, short) in enumerate(zip(VOICES, SHORT_NAMES, strict=True)):
        for name in (voice, voice.upper(), voice.replace(" ", "-"), voice.replace(" ", "_")):
            assert voice_index(f" {name} ") == index
        assert voice_index(short) == voice_index(short.lower()) == index


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(DrumMapError, match="unknown voice 'cowbell'") as caught:
        voice_index("cowbell")
    assert "closed hat" in str(caught.value)


@pytest.mark.parametrize("name", BUILTIN_MAPS)
def test_builtin_maps(name: str) -> None:
    drum_map = builtin_map(name)
    assert drum_map.name == name
    assert load_map(name) == drum_map
    n = 61 if name == "magenta-full" else N_VOICES
    assert len(drum_map.pitches) == len(drum_map.written) == len(drum_map.voices) == n
    assert [drum_map.voice_of[pitch] for pitch in drum_map.written] == list(range(n))


def test_the_default_map_is_the_others_together() -> None:
    both = builtin_map("gm").voice_of | builtin_map("td11").voice_of
    assert builtin_map(DEFAULT_MAP).voice_of == both
    assert builtin_map("td11").voice_of | builtin_map("gm").voice_of == both
    for name in ("ghostnote", "td11", "gm"):
        assert builtin_map(name).written == builtin_map("td11").written


def test_the_map_of_gmd() -> None:
    assert builtin_map("td11").pitches == (
        (36,), (38, 37, 40), (42, 22, 44), (46, 26), (43, 58), (47, 45), (50, 48),
        (49, 52, 55, 57), (51, 53, 59),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("magenta-train", "ROLAND_DRUM_PITCH_CLASSES"),
        ("magenta-infer", "REDUCED_DRUM_PITCH_CLASSES"),
        ("magenta-full", "FULL_DRUM_PITCH_CLASSES"),
    ],
)
def test_the_originals_maps(name: str, table: str, golden: Path) -> None:
    theirs = json.loads((golden / "configs.json").read_text())["pitch_classes"][table]
    assert builtin_map(name).pitches == tuple(map(tuple, theirs))


def test_the_originals_two_maps_contradict_each_other() -> None:
    train, infer = (builtin_map(f"magenta-{name}").voice_of for name in ("train", "infer"))
    assert [pitch for pitch in train if infer[pitch] != train[pitch]] == [58, 45, 48]
    assert builtin_map("magenta-train").pitches == builtin_map("td11").pitches


def test_classes_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_text('[classes]\ncowbell = [56]\n"Kick" = [36, 35]\n')
    drum_map = load_map(path)
    assert drum_map.voices == ("cowbell", "Kick")
    assert drum_map.pitches == ((56,), (36, 35))
    with pytest.raises(DrumMapError, match="2 classes of its own") as caught:
        drum_map.of_nine()
    assert DEFAULT_MAP in str(caught.value)
    assert builtin_map("td11").of_nine() == builtin_map("td11")


def test_a_map_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(toml(WHOLE | {"kick": [1, 2]}))
    drum_map = load_map(path)
    assert drum_map.name == str(path)
    assert drum_map.pitches == ((1, 2), *PITCHES[1:])
    assert drum_map.voice_of[2] == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kick = [36]", r"has no \[voices\] table"),
        ("voices = 3", r"has no \[voices\] table"),
        ("[voices", "cannot be read as TOML"),
        ("[classes]", r"has no \[voices\] table"),
        ("[classes]\ncowbell = 56", "cowbell is not a list of pitches"),
        ("[classes]\ncowbell = []", "cowbell has no pitch"),
        ("[classes]\na = [56]\nb = [56]", "pitch 56 is given to both a and b"),
        ("[classes]\na = [56]\n" + toml(WHOLE), r"has both \[voices\] and \[classes\]"),
        (toml(WHOLE | {"cowbell": [1]}), "unknown voice 'cowbell'"),
        (toml({name: WHOLE[name] for name in VOICES[2:]}), "lacks kick, snare"),
        (toml(WHOLE | {"kick": 36}), "kick is not a list of pitches"),
        (toml(WHOLE | {"kick": "[36.0]"}), "kick is not a list of pitches"),
        (toml(WHOLE | {"kick": "[true]"}), "kick is not a list of pitches"),
        (toml(WHOLE | {"kick": []}), "kick has no pitch"),
        (toml(WHOLE | {"kick": [128]}), "pitch 128 of kick is not in 0 to 127"),
        (toml(WHOLE | {"kick": [37]}), "pitch 37 is given to both kick and snare"),
    ],
)
def test_bad_maps_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(DrumMapError, match=reason) as caught:
        load_map(path)
    assert caught.value.source == str(path)
    assert "\n" not in str(caught.value)


def test_maps_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DrumMapError, match="no such drum map") as caught:
        load_map("gmm")
    assert "td11" in str(caught.value)
    with pytest.raises(DrumMapError, match="cannot be read"):
        load_map(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DrumMapError, match="cannot be read"):
        load_map(binary)


def test_a_map_needs_every_voice() -> None:
    with pytest.raises(DrumMapError, match="has 8 voices, not 9"):
        DrumMap("short", PITCHES[:8])


@given(st.permutations(range(128)), st.lists(st.integers(1, 14), min_size=9, max_size=9))
def test_any_partition_of_pitches_is_a_map(order: list[int], sizes: list[int]) -> None:
    groups, at = [], 0
    for size in sizes:
        groups.append(tuple(order[at : at + size]))
        at += size
    drum_map = DrumMap("any", tuple(groups))
    assert len(drum_map.voice_of) == sum(sizes)
    for voice, group in enumerate(groups):
        assert all(drum_map.voice_of[pitch] == voice for pitch in group)
    assert hash(drum_map) == hash(DrumMap("any", tuple(groups)))
