"""Verbs on songs: the drums of the model's meter, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.grid import to_grooves
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import Message, messages_bytes
from ghostnote.music.song import Song, parse_song
from ghostnote.pipeline.songs import humanize_song, infill_song

Taught = Callable[..., Bundle]
MAP = builtin_map("ghostnote")
BAR = 4 * 480


def note(tick: int, pitch: int, velocity: int, channel: int = 9) -> list[Message]:
    on, off = bytes((0x90 | channel, pitch, velocity)), bytes((0x80 | channel, pitch, 0))
    return [(tick, on), (tick + 60, off)]


@pytest.fixture(scope="module")
def song() -> Song:
    """Three bars of 4/4, two of 3/4 and five of 4/4, with a tempo map, a bass and a cowbell."""
    waltz, second = 3 * BAR, 3 * BAR + 2 * 3 * 480
    conductor: list[Message] = [
        (0, b"\xff\x51\x03\x07\xa1\x20"), (0, b"\xff\x58\x04\x04\x02\x18\x08"),
        (BAR, b"\xff\x51\x03\x06\xa1\x20"), (waltz, b"\xff\x58\x04\x03\x02\x18\x08"),
        (second, b"\xff\x58\x04\x04\x02\x18\x08"), (second, b"\xff\x06\x06chorus"),
    ]  # fmt: skip
    drums: list[Message] = [(0, b"\xc9\x00")]
    for start, beats in ((0, 12), (waltz, 6), (second, 20)):
        for beat in range(beats):
            drums += note(start + beat * 480, 36 if beat % 2 else 38, 80)
            drums += note(start + beat * 480 + 240, 42, 60)
    drums += note(BAR + 13, 56, 77)
    bass = [one for beat in range(38) for one in note(beat * 480 + 1, 40, 90, channel=2)]
    tracks = [sorted(track, key=lambda one: one[0]) for track in (conductor, bass, drums)]
    end = second + 5 * BAR
    return parse_song(
        messages_bytes([(track, end) for track in tracks], ticks_per_beat=480, format=1)
    )


def notes(song: Song, start: int, stop: int) -> list[Message]:
    """Of the drums' messages those in these ticks."""
    return [one for one in song.tracks[2] if start <= one[0] < stop]


def test_a_humanised_song_has_the_same_hits(song: Song, taught: Taught) -> None:
    new, report = humanize_song(song, seed=3, model=taught("humanize"))
    assert new.tracks[:2] == song.tracks[:2]
    assert new.ends == song.ends
    before, _ = to_grooves(song.performance, MAP)
    after, _ = to_grooves(new.performance, MAP)
    for old, played in zip(before, after, strict=True):
        assert np.array_equal(old.groove.hits, played.groove.hits)
        assert (old.groove == played.groove) == (old.groove.meter == (3, 4))
    assert (report.channel, report.bars, report.hits, report.kept) == (10, 8, 64, 64)
    assert report.other_meters == {(3, 4): 2}
    assert "1 notes off the grid" in str(report)
    assert "2 bars of 3/4 left" in str(report)
    assert bytes(new) == bytes(humanize_song(song, seed=3, model=taught("humanize"))[0])
    assert bytes(new) != bytes(humanize_song(song, seed=4, model=taught("humanize"))[0])


def test_a_song_humanised_with_no_strength_is_the_song(song: Song, taught: Taught) -> None:
    new, _ = humanize_song(song, strength=0, model=taught("humanize"))
    assert bytes(new) == bytes(song)
    same, _ = humanize_song(song, keep=["velocity", "timing"], model=taught("humanize"))
    assert bytes(same) == bytes(song)


def test_what_is_kept_of_a_song_is_kept(song: Song, taught: Taught) -> None:
    quiet, _ = humanize_song(song, keep=["velocity"], model=taught("humanize"))
    assert sorted(quiet.performance.velocity) == sorted(song.performance.velocity)
    strict, _ = humanize_song(song, keep=["timing"], model=taught("humanize"))
    assert np.array_equal(strict.performance.onset, song.performance.onset)


def test_an_infilled_song_keeps_voices(song: Song, taught: Taught) -> None:
    new, report = infill_song(song, voices=["kick", "snare"], model=taught("infill"))
    assert new.tracks[:2] == song.tracks[:2]
    for pitch in (36, 38, 56):
        kept = [one for one in new.tracks[2] if one[1][1] == pitch]
        assert kept == [one for one in song.tracks[2] if one[1][1] == pitch]
    assert report.kept >= 32
    assert report.hits > report.kept
    assert [one for one in new.tracks[2] if 3 * BAR <= one[0] < 3 * BAR + 6 * 480 - 60] == notes(
        song, 3 * BAR, 3 * BAR + 6 * 480 - 60
    )
    assert bytes(new) != bytes(song)


def test_an_infilled_song_keeps_bars_counted_through_the_song(song: Song, taught: Taught) -> None:
    second = 3 * BAR + 6 * 480
    new, _ = infill_song(song, bars=[0, 6, 7], model=taught("infill"))
    assert notes(new, 0, BAR - 60) == notes(song, 0, BAR - 60)
    kept = (second + BAR, second + 3 * BAR - 60)
    inside = [one for one in notes(new, *kept) if one in notes(song, *kept)]
    assert inside == notes(song, *kept)
    assert notes(new, second, second + BAR) != notes(song, second, second + BAR)
    same, report = infill_song(song, bars=range(10), model=taught("infill"))
    assert bytes(same) == bytes(song)
    assert report.hits == report.kept == 64


def test_what_cannot_be_done_is_refused(song: Song, taught: Taught) -> None:
    with pytest.raises(ConfigError, match="nothing"):
        infill_song(song, model=taught("infill"))
    with pytest.raises(ConfigError, match="bar 11"):
        infill_song(song, bars=[10], model=taught("infill"))
    drums = [(0, b"\xff\x58\x04\x03\x02\x18\x08"), *note(0, 36, 90)]
    waltz = parse_song(messages_bytes([(drums, 9999)], ticks_per_beat=480, format=0))
    with pytest.raises(GrooveError, match="3/4"):
        humanize_song(waltz, model=taught("humanize"))
