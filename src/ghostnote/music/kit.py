"""The nine voices of the kit, and drum maps: which MIDI pitch plays which voice."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from ghostnote.errors import DrumMapError

VOICES: Final = (
    "kick",
    "snare",
    "closed hat",
    "open hat",
    "low tom",
    "mid tom",
    "high tom",
    "crash",
    "ride",
)
"""The voices, in the order of every array's voice axis."""

N_VOICES: Final = len(VOICES)

SHORT_NAMES: Final = ("KD", "SD", "HH", "OH", "LT", "MT", "HT", "CR", "RD")
"""Two letters a voice, for tabs and narrow tables."""

BUILTIN_MAPS: Final = (
    "ghostnote",
    "td11",
    "gm",
    "magenta-train",
    "magenta-infer",
    "magenta-full",
)
CLASSES_MAP: Final = "magenta-full"
"""The map of models with more than nine voices: 61 classes, of one pitch each."""
DEFAULT_MAP: Final = "ghostnote"
"""Reads both the TD-11 and General MIDI kits, which do not contradict each other."""


def voice_index(name: str) -> int:
    """The index of a voice, by its name (``closed hat``, ``closed-hat``) or two letters (``HH``).

    Raises:
        DrumMapError: no voice has that name.
    """
    plain = name.strip().lower().replace("-", " ").replace("_", " ")
    for index, (voice, short) in enumerate(zip(VOICES, SHORT_NAMES, strict=True)):
        if plain in (voice, short.lower()):
            return index
    raise DrumMapError(f"unknown voice {name!r}", remedy=f"one of: {', '.join(VOICES)}")


@dataclass(frozen=True)
class DrumMap:
    """Which pitches play which voice.

    `pitches[v]` are the MIDI pitches (0 to 127) of voice `v`; the first of them is the one that is
    written. A pitch belongs to at most one voice; pitches of no voice are unknown to the map and
    are counted by whoever reads with it.

    `voices` are the nine that a `Groove` has, or classes of the map's own: any number of them,
    which arrays can hold (`grid_arrays`, a corpus) and a `Groove` cannot.

    Raises:
        DrumMapError: a voice without pitch, a pitch out of range, or one pitch in two voices.
    """

    name: str
    pitches: tuple[tuple[int, ...], ...]
    voices: tuple[str, ...] = VOICES

    def __post_init__(self) -> None:
        if len(self.pitches) != len(self.voices):
            raise DrumMapError(
                f"has {len(self.pitches)} voices, not {len(self.voices)}",
                source=self.name,
                remedy=f"give pitches for each of: {', '.join(self.voices)}",
            )
        seen: dict[int, str] = {}
        for voice, pitches in zip(self.voices, self.pitches, strict=True):
            if not pitches:
                raise DrumMapError(f"{voice} has no pitch", source=self.name)
            for pitch in pitches:
                if not 0 <= pitch <= 127:
                    raise DrumMapError(
                        f"pitch {pitch} of {voice} is not in 0 to 127", source=self.name
                    )
                if pitch in seen:
                    raise DrumMapError(
                        f"pitch {pitch} is given to both {seen[pitch]} and {voice}",
                        source=self.name,
                        remedy="keep it in one of them",
                    )
                seen[pitch] = voice

    @property
    def voice_of(self) -> dict[int, int]:
        """Pitch → voice index, for the pitches that the map knows."""
        return {pitch: voice for voice, group in enumerate(self.pitches) for pitch in group}

    @property
    def written(self) -> tuple[int, ...]:
        """The pitch that each voice is written with."""
        return tuple(group[0] for group in self.pitches)

    def of_nine(self) -> DrumMap:
        """The same map, where its voices are the nine of a `Groove`.

        Raises:
            DrumMapError: it has classes of its own.
        """
        if self.voices != VOICES:
            raise DrumMapError(
                f"has {len(self.voices)} classes of its own, not the nine voices of a groove",
                source=self.name,
                remedy=f"use another map, such as {DEFAULT_MAP}",
            )
        return self

    @classmethod
    def from_table(cls, table: Mapping[str, object], *, name: str) -> DrumMap:
        """A map from a parsed TOML document: ``[voices]`` with a list of pitches per voice; or
        ``[classes]`` with a list of pitches for each class of its own, in their order.

        Raises:
            DrumMapError: a voice is missing, unknown, or not a list of whole numbers.
        """
        own = table.get("classes")
        voices = table.get("voices") if own is None else own
        if not isinstance(voices, Mapping) or not voices:
            raise DrumMapError("has no [voices] table", source=name, remedy=_EXAMPLE)
        if own is not None and "voices" in table:
            raise DrumMapError(
                "has both [voices] and [classes]", source=name, remedy="keep one of them"
            )
        groups: dict[str, tuple[int, ...]] = {}
        for key, value in voices.items():
            try:
                voice = key if own is not None else VOICES[voice_index(key)]
            except DrumMapError as error:
                raise error.at(name) from None
            if not isinstance(value, list) or not all(type(pitch) is int for pitch in value):
                raise DrumMapError(f"{key} is not a list of pitches", source=name, remedy=_EXAMPLE)
            groups[voice] = tuple(value)
        order = VOICES if own is None else tuple(groups)
        missing = [voice for voice in order if voice not in groups]
        if missing:
            raise DrumMapError(f"lacks {', '.join(missing)}", source=name, remedy=_EXAMPLE)
        return cls(name, tuple(groups[voice] for voice in order), order)


_EXAMPLE: Final = 'write [voices] with a line such as "closed hat" = [42, 22, 44] for each voice'


@cache
def builtin_map(name: str) -> DrumMap:
    """One of `BUILTIN_MAPS`: ``td11`` (Roland TD-11, as GMD was recorded), ``gm`` (General MIDI),
    or ``ghostnote``, which is both; ``magenta-train`` and ``magenta-infer``, the two that the
    original reads with; or ``magenta-full``, its 61 classes of one pitch each.
    """
    text = (Path(__file__).parent / "maps" / f"{name}.toml").read_text("utf-8")
    return DrumMap.from_table(tomllib.loads(text), name=name)


def load_map(name_or_path: str | Path) -> DrumMap:
    """A drum map by its built-in name, or from a TOML file.

    Raises:
        DrumMapError: neither a built-in map nor a readable, valid file.
    """
    if str(name_or_path) in BUILTIN_MAPS:
        return builtin_map(str(name_or_path))
    path = Path(name_or_path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DrumMapError(
            "no such drum map",
            source=path,
            remedy=f"one of {', '.join(BUILTIN_MAPS)}, or the path of a TOML file",
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DrumMapError(f"cannot be read as TOML: {error}", source=path) from error
    return DrumMap.from_table(table, name=str(path))
