"""What commands that make loops share: reading drums, and writing MIDI, audio and pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ghostnote.cli.batch import plain_grid, refuse_existing

if TYPE_CHECKING:
    from ghostnote.music.grid import GridReport
    from ghostnote.music.groove import Groove
    from ghostnote.music.kit import DrumMap
    from ghostnote.render.audio import TimedHits
    from ghostnote.render.kit import Kit

AUDIO: Final = ("wav", "flac", "ogg", "mp3")
PICTURES: Final = ("svg", "png")
FORMATS: Final = ("mid", *AUDIO, *PICTURES)


PIPE: Final = Path("-")
"""Standard input, and with it standard output."""

_PIPED: Final = "standard input"


class Read(NamedTuple):
    """A groove out of a file, and what did not fit."""

    source: Path
    groove: Groove
    report: GridReport
    warnings: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The name of the file without its suffix, for the names of others."""
        return "input" if str(self.source) == _PIPED else self.source.stem

    @property
    def remarks(self) -> tuple[str, ...]:
        """What there is to say of the file, for people."""
        return (*self.warnings, str(self.report))

    @property
    def plain(self) -> dict[str, object]:
        """The same as values that JSON can hold."""
        return {
            "source": str(self.source),
            "grid": plain_grid(self.report),
            "warnings": list(self.warnings),
        }


def read_groove(source: Path, drum_map: DrumMap, channel: int | None = None) -> Read:
    """The drums of a MIDI file, or of standard input where `source` is ``-``, as a groove.

    They are on `channel`, or where `drum_channel` finds them.

    Raises:
        MidiError: it cannot be read, or holds no drums.
    """
    from ghostnote.music.grid import to_groove
    from ghostnote.music.midi import parse_midi, read_bytes
    from ghostnote.music.song import drum_channel_of

    data = sys.stdin.buffer.read() if source == PIPE else read_bytes(source)
    name = _PIPED if source == PIPE else str(source)
    performance = parse_midi(data, source=name)
    chosen = drum_channel_of(performance, data, drum_map, channel)
    groove, report = to_groove(performance, drum_map, channel=chosen)
    return Read(Path(name), groove, report, performance.warnings)


class Plan(NamedTuple):
    """The files to write: of each groove, and the pictures of them all."""

    names: list[str]
    files: list[list[Path]]
    pictures: list[Path]

    @classmethod
    def of(
        cls, folder: Path, names: Sequence[str], picture: str, kinds: Sequence[str], *, force: bool
    ) -> Plan:
        """Grooves by `names` and one `picture` in `folder`, in the formats `kinds`.

        Raises:
            OutputError: one of the files exists, and `force` is false.
        """
        each = [kind for kind in kinds if kind not in PICTURES]
        files = [[folder / f"{name}.{kind}" for kind in each] for name in names]
        pictures = [folder / f"{picture}.{kind}" for kind in kinds if kind in PICTURES]
        refuse_existing((*pictures, *(file for group in files for file in group)), force=force)
        return cls(list(names), files, pictures)

    @property
    def existing(self) -> list[Path]:
        """Those of the files that are there already."""
        every = (*self.pictures, *(file for group in self.files for file in group))
        return [file for file in every if file.exists()]

    def write(self, grooves: Sequence[Groove], *, force: bool) -> None:
        """Each groove as MIDI and as audio, as the suffixes of its files say, and the pictures.

        Raises:
            OutputError: a file exists and may not be replaced, or cannot be written.
        """
        write_loops(grooves, self.files, force=force)
        self.draw(grooves, force=force)

    def draw(self, grooves: Sequence[Groove], *, force: bool) -> None:
        """The pictures of `grooves`. Raises as `write` does."""
        if self.pictures:
            from ghostnote.render.plot import write_picture

            for picture in self.pictures:
                write_picture(picture, grooves, self.names, overwrite=force)


def write_loops(grooves: Sequence[Groove], files: Sequence[Sequence[Path]], *, force: bool) -> None:
    """Each groove as MIDI and as audio, as the suffixes of its files say."""
    for groove, group in zip(grooves, files, strict=True):
        write_music(partial(_midi_of, groove), partial(_hits_of, groove), group, force=force)


def write_music(
    content: Callable[[], bytes],
    hits: Callable[[], TimedHits],
    files: Sequence[Path],
    *,
    force: bool,
) -> None:
    """The `content` of a MIDI file to the files called .mid, and `hits` as audio to the others.

    Either is asked for only if there is such a file.
    """
    from ghostnote.files import write_bytes

    audio = None
    for file in files:
        if file.suffix == ".mid":
            write_bytes(file, content(), overwrite=force)
            continue
        from ghostnote.render.audio import mix, write_audio

        audio = audio or mix(hits(), _kit())
        write_audio(file, audio, overwrite=force)


def _midi_of(groove: Groove) -> bytes:
    from ghostnote.music.grid import to_performance
    from ghostnote.music.kit import builtin_map
    from ghostnote.music.midi import midi_bytes

    return midi_bytes(to_performance(groove, builtin_map("gm")))


def _hits_of(groove: Groove) -> TimedHits:
    from ghostnote.render.audio import timed_hits

    return timed_hits(groove)


@cache
def _kit() -> Kit:
    """The kit that comes with ghostnote, with the samples that were read, for all that is made."""
    from ghostnote.render.kit import load_kit

    return load_kit()


def print_json(outcome: object) -> None:
    """`outcome` on standard output."""
    sys.stdout.write(json.dumps(outcome, indent=1) + "\n")
