"""Verbs on the drums of a whole song, which stays otherwise as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.grid import GridReport
from ghostnote.music.groove import Groove, Meter
from ghostnote.music.kit import DEFAULT_MAP, DrumMap, builtin_map
from ghostnote.music.song import Drums, Passage, Song, find_drums, too_early, with_drums
from ghostnote.pipeline.humanising import Expression, humanize_all
from ghostnote.pipeline.infilling import cells, infill_all
from ghostnote.pipeline.models import Model, model_for, runtime_of

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
        moved_onto_first_beat: hits that would come before the file begins, and are on its first
            tick.
        other_meters: meter → bars of it, which stayed as they were.
        grid: which notes are on the grid; the others stayed as they were.
    """

    channel: int
    bars: int
    hits: int
    kept: int
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


def _played(song: Song, drums: Drums, meter: Meter, play: Play) -> tuple[Song, SongReport]:
    chosen = [
        number for number, passage in enumerate(drums.passages) if passage.groove.meter == meter
    ]
    others: Counter[Meter] = Counter()
    for passage in drums.passages:
        if passage.groove.meter != meter:
            others[passage.groove.meter] += passage.groove.bars
    if not chosen:
        found = ", ".join(f"{above}/{below}" for above, below in others)
        raise GrooveError(
            f"is in {found}; the model knows {meter[0]}/{meter[1]} alone",
            source=song.performance.source,
            remedy="choose a model of that meter",
        )
    passages = [drums.passages[number] for number in chosen]
    played = dict(zip(chosen, play(passages), strict=True))
    report = SongReport(
        drums.channel,
        sum(passage.groove.bars for passage in passages),
        sum(int(new.hits.sum()) for new in played.values()),
        sum(
            int((passage.groove.hits & new.hits[: passage.groove.steps]).sum())
            for passage, new in zip(passages, played.values(), strict=True)
        ),
        too_early(song, drums, played),
        dict(others),
        drums.report,
    )
    return with_drums(song, drums, played), report


def continued(passages: Sequence[Passage], play: Callable[[Groove], Groove]) -> list[Groove]:
    """The passages, the last of them with what follows it; `play` gives a groove with that.

    Raises:
        GrooveError: there is none.
    """
    *before, last = [passage.groove for passage in passages]
    return [*before, play(last)]
