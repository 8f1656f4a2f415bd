"""Verbs on the drums of a whole song, which stays otherwise as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.grid import GridReport
from ghostnote.music.groove import Groove, Meter, concatenate
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, builtin_map
from ghostnote.music.song import Drums, Passage, Song, find_drums, too_early, with_drums
from ghostnote.pipeline.continuing import continue_all
from ghostnote.pipeline.humanising import Expression, humanize_all
from ghostnote.pipeline.infilling import cells, infill_all
from ghostnote.pipeline.models import DEFAULT, Model, model_for, runtime_of
from ghostnote.pipeline.variation import vary

_MAP: Final = builtin_map(DEFAULT_MAP)

Play = Callable[[Sequence[Passage]], Sequence[Groove]]
"""Passages → what takes the place of each: a groove of as many bars, or of more."""


@dataclass(frozen=True)
class SongReport:
    """What was done to a song.

    Attributes:
        channel: where its drums are, from 1.
        bars: how many bars the verb was given.
        hits: hits in these bars and those that were added, afterwards.
        kept: those of them that were there before.
        last_bar: the last bar of the song that had drums, from 1.
        moved_onto_first_beat: hits that would come before the file begins, and are on its first
            tick.
        other_meters: meter → bars of it, which stayed as they were.
        grid: which notes are on the grid; the others stayed as they were.
    """

    channel: int
    bars: int
    hits: int
    kept: int
    last_bar: int
    moved_onto_first_beat: int = 0
    other_meters: Mapping[Meter, int] = field(default_factory=dict)
    grid: GridReport = field(default_factory=GridReport)

    def __str__(self) -> str:
        parts = [f"drums on channel {self.channel}", f"{self.bars} bars"]
        if self.hits != self.kept:
            parts.append(f"{self.hits - self.kept} new hits, {self.kept} as before")
        else:
            parts.append(f"{self.hits} hits")
        if self.moved_onto_first_beat:
            parts.append(f"{self.moved_onto_first_beat} hits moved onto the first beat")
        beside = self.grid.outside + sum(self.grid.unmapped.values())
        if beside:
            parts.append(f"{beside} notes off the grid or of unknown pitch left as they are")
        parts += [
            f"{bars} bars of {meter[0]}/{meter[1]} left as they are"
            for meter, bars in self.other_meters.items()
        ]
        return "; ".join(parts)


def play_song(
    song: Song,
    play: Play,
    *,
    meter: Meter,
    channel: int | None = None,
    drum_map: DrumMap = _MAP,
) -> tuple[Song, SongReport]:
    """The song with its drums played anew, wherever they are in `meter`; see `with_drums`.

    Notes of one cell, such as a flam, stay together. Bars in other meters stay as they are, and
    are counted.

    Args:
        song: of any length, with any other channels.
        play: what is done with the passages in `meter`.
        meter: the model's.
        channel: of the drums, from 1; found by `drum_channel` where None.
        drum_map: which pitches play which voice.

    Raises:
        MidiError: no drums are found, or the song has meters or tempos that no groove can have.
        GrooveError: no bar is in `meter`.
    """
    return _played(song, find_drums(song, drum_map, channel=channel), meter, play)


def humanize_song(
    song: Song,
    *,
    channel: int | None = None,
    drum_map: DrumMap = _MAP,
    strength: float = 1.0,
    keep: Collection[Expression] = (),
    temperature: float | None = None,
    spread: float = 0.0,
    seed: int = 0,
    model: Model | None = None,
) -> tuple[Song, SongReport]:
    """The song with its drums humanised; see `humanize` and `play_song`.

    Args:
        song: of any length, with any other channels.
        channel: of the drums, from 1; found by `drum_channel` where None.
        drum_map: which pitches play which voice.
        strength: as `humanize` takes it.
        keep: the same.
        temperature: the same.
        spread: the same.
        seed: the same; each passage is a draw of its own.
        model: the same.

    Raises:
        MidiError: no drums are found, or the song has meters or tempos that no groove can have.
        GrooveError: no bar is in the model's meter.
        ConfigError, BundleError: as `humanize`.
    """
    runtime = runtime_of(model_for("humanize") if model is None else model)

    def play(passages: Sequence[Passage]) -> list[Groove]:
        return humanize_all(
            [passage.groove for passage in passages],
            strength=strength,
            keep=keep,
            temperature=temperature,
            spread=spread,
            seed=seed,
            model=runtime,
        )

    return play_song(song, play, meter=runtime.bundle.meter, channel=channel, drum_map=drum_map)


def infill_song(
    song: Song,
    *,
    voices: Collection[str] = (),
    bars: Collection[int] = (),
    channel: int | None = None,
    drum_map: DrumMap = _MAP,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    model: Model | None = None,
) -> tuple[Song, SongReport]:
    """The song with these voices and bars of its drums kept, and the others written anew.

    The drums reach from the first bar to that of the last hit; see `infill` and `play_song`.

    Args:
        song: of any length, with any other channels.
        voices: which to keep, by name.
        bars: which to keep, counted through the song from 0.
        channel: of the drums, from 1; found by `drum_channel` where None.
        drum_map: which pitches play which voice.
        temperature: as `infill` takes it.
        spread: the same.
        seed: the same; each passage is a draw of its own.
        model: the same.

    Raises:
        MidiError: no drums are found, or the song has meters or tempos that no groove can have.
        GrooveError: no bar is in the model's meter.
        DrumMapError: there is no such voice.
        ConfigError: nothing is to be kept, or there is no such bar with drums; or as `infill`.
        BundleError: as `infill`.
    """
    if not voices and not bars:
        raise ConfigError("nothing is to be kept", remedy="name voices or bars, or sample instead")
    runtime = runtime_of(model_for("infill") if model is None else model)
    drums = find_drums(song, drum_map, channel=channel)
    there = {passage.bar + bar for passage in drums.passages for bar in range(passage.groove.bars)}
    if missing := sorted(set(bars) - there):
        raise ConfigError(
            f"there are no drums in bar {missing[0] + 1}",
            remedy=f"they are in bars {min(there) + 1} to {max(there) + 1}",
        )

    def play(passages: Sequence[Passage]) -> list[Groove]:
        return infill_all(
            [passage.groove for passage in passages],
            [
                cells(
                    groove, voices=voices,
                    bars=[bar - first for bar in bars if 0 <= bar - first < groove.bars],
                )
                for _, first, groove in passages
            ],
            temperature=temperature, spread=spread, seed=seed, model=runtime,
        )  # fmt: skip

    return _played(song, drums, runtime.bundle.meter, play)


def continue_song(
    song: Song,
    bars: int = 4,
    *,
    fill_every: int | None = None,
    channel: int | None = None,
    drum_map: DrumMap = _MAP,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    model: Model | None = None,
) -> tuple[Song, SongReport]:
    """The song with more bars of drums after the last one that has some; see `continue_`.

    Args:
        song: of any length, with any other channels.
        bars: how many to add.
        fill_every: as `continue_` takes it, counted from where the drums were last in this meter.
        channel: of the drums, from 1; found by `drum_channel` where None.
        drum_map: which pitches play which voice.
        temperature: as `continue_` takes it.
        spread: the same.
        seed: the same.
        model: the same.

    Raises:
        MidiError: no drums are found, or the song has meters or tempos that no groove can have.
        GrooveError: the drums end in another meter than the model's.
        ConfigError, BundleError: as `continue_`.
    """
    runtime = runtime_of(model_for("infill") if model is None else model)
    drums, meter = find_drums(song, drum_map, channel=channel), runtime.bundle.meter
    last = drums.passages[-1].groove.meter
    if last != meter:
        raise GrooveError(
            f"ends in {last[0]}/{last[1]}; the model knows {meter[0]}/{meter[1]} alone",
            source=song.performance.source,
            remedy="choose a model of that meter",
        )

    def play(passages: Sequence[Passage]) -> list[Groove]:
        *before, groove = [passage.groove for passage in passages]
        longer = continue_all(
            [groove], bars, fill_every=fill_every, temperature=temperature, spread=spread,
            seed=seed, model=runtime,
        )  # fmt: skip
        return before + longer

    return _played(song, drums, meter, play)


class Variation(NamedTuple):
    """A song with its drums varied.

    Attributes:
        song: all of it.
        report: what was done to it.
        drums: its bars in the model's meter, one after another at the first one's tempo.
        changed: how many of their hits are others than before.
    """

    song: Song
    report: SongReport
    drums: Groove
    changed: int


def vary_song(
    song: Song,
    n: int = 4,
    *,
    distance: float = 0.5,
    channel: int | None = None,
    drum_map: DrumMap = _MAP,
    temperature: float = 0.0,
    seed: int = 0,
    model: Model = DEFAULT,
) -> list[Variation]:
    """`n` variations of the drums of a song, from subtle to far; see `vary` and `play_song`.

    Args:
        song: of any length, with any other channels.
        n: how many.
        distance: as `vary` takes it.
        channel: of the drums, from 1; found by `drum_channel` where None.
        drum_map: which pitches play which voice.
        temperature: as `vary` takes it.
        seed: the same.
        model: the same.

    Raises:
        MidiError: no drums are found, or the song has meters or tempos that no groove can have.
        GrooveError: no bar is in the model's meter.
        ConfigError, BundleError: as `vary`.
    """
    runtime = runtime_of(model)
    drums = find_drums(song, drum_map, channel=channel)
    numbers = _in_meter(song, drums, runtime.bundle.meter)
    before = [drums.passages[number].groove for number in numbers]
    of_each = [
        vary(groove, n, distance=distance, temperature=temperature, seed=seed, model=runtime)
        for groove in before
    ]
    found = []
    for grooves in zip(*of_each, strict=True):
        new, report = _replaced(song, drums, dict(zip(numbers, grooves, strict=True)))
        changed = sum(int((a.hits != b.hits).sum()) for a, b in zip(before, grooves, strict=True))
        joined = concatenate(groove.replace(bpm=before[0].bpm) for groove in grooves)
        found.append(Variation(new, report, joined, changed))
    return found


def _played(song: Song, drums: Drums, meter: Meter, play: Play) -> tuple[Song, SongReport]:
    numbers = _in_meter(song, drums, meter)
    played = play([drums.passages[number] for number in numbers])
    return _replaced(song, drums, dict(zip(numbers, played, strict=True)))


def _in_meter(song: Song, drums: Drums, meter: Meter) -> list[int]:
    """The numbers of the passages that are in `meter`."""
    passages = drums.passages
    numbers = [number for number, (*_, groove) in enumerate(passages) if groove.meter == meter]
    if not numbers:
        meters = dict.fromkeys(groove.meter for *_, groove in passages)
        found = ", ".join(f"{above}/{below}" for above, below in meters)
        raise GrooveError(
            f"is in {found}; the model knows {meter[0]}/{meter[1]} alone",
            source=song.performance.source,
            remedy="choose a model of that meter",
        )
    return numbers


def _replaced(song: Song, drums: Drums, played: Mapping[int, Groove]) -> tuple[Song, SongReport]:
    others: Counter[Meter] = Counter()
    for number, (*_, groove) in enumerate(drums.passages):
        if number not in played:
            others[groove.meter] += groove.bars
    pairs = [(drums.passages[number].groove, new) for number, new in played.items()]
    report = SongReport(
        channel=drums.channel,
        bars=sum(old.bars for old, _ in pairs),
        hits=sum(new.n_hits for _, new in pairs),
        kept=sum(int((old.hits & new.hits[: old.steps]).sum()) for old, new in pairs),
        last_bar=drums.passages[-1].bar + drums.passages[-1].groove.bars,
        moved_onto_first_beat=too_early(song, drums, played),
        other_meters=dict(others),
        grid=drums.report,
    )
    return with_drums(song, drums, played), report
