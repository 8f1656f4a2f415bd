"""What commands that make loops share: reading drums, and writing MIDI, audio and pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ghostnote.cli.batch import plain_grid, refuse_existing

if TYPE_CHECKING:
    from ghostnote.music.grid import GridReport
    from ghostnote.music.groove import Groove
    from ghostnote.music.kit import DrumMap

AUDIO: Final = ("wav", "flac", "ogg", "mp3")
PICTURES: Final = ("svg", "png")
FORMATS: Final = ("mid", *AUDIO, *PICTURES)


class Read(NamedTuple):
    """A groove out of a file, and what did not fit."""

    source: Path
    groove: Groove
    report: GridReport
    warnings: tuple[str, ...]

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


def read_groove(source: Path, drum_map: DrumMap, channel: int) -> Read:
    """The drums of a MIDI file as a groove.

    Raises:
        MidiError: it cannot be read, or holds no drums.
    """
    from ghostnote.music.grid import to_groove
    from ghostnote.music.midi import read_midi

    performance = read_midi(source)
    groove, report = to_groove(performance, drum_map, channel=channel)
    return Read(source, groove, report, performance.warnings)


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

    def write(self, grooves: Sequence[Groove], *, force: bool) -> None:
        """Each groove as MIDI and as audio, as the suffixes of its files say, and the pictures.

        Raises:
            OutputError: a file exists and may not be replaced, or cannot be written.
        """
        write_loops(grooves, self.files, force=force)
        if self.pictures:
            from ghostnote.render.plot import write_picture

            for picture in self.pictures:
                write_picture(picture, grooves, self.names, overwrite=force)


def write_loops(grooves: Sequence[Groove], files: Sequence[Sequence[Path]], *, force: bool) -> None:
    """Each groove as MIDI and as audio, as the suffixes of its files say."""
    from ghostnote.music.grid import to_performance
    from ghostnote.music.kit import builtin_map
    from ghostnote.music.midi import write_midi

    if any(file.suffix != ".mid" for group in files for file in group):
        from ghostnote.render.audio import mix, timed_hits, write_audio
        from ghostnote.render.kit import load_kit

        kit = load_kit()
    for groove, group in zip(grooves, files, strict=True):
        audio = None
        for file in group:
            if file.suffix == ".mid":
                write_midi(file, to_performance(groove, builtin_map("gm")), overwrite=force)
            else:
                audio = audio or mix(timed_hits(groove), kit)
                write_audio(file, audio, overwrite=force)


def print_json(outcome: object) -> None:
    """`outcome` on standard output."""
    sys.stdout.write(json.dumps(outcome, indent=1) + "\n")
