"""MIDI files are read in the browser as Python reads them: damaged ones too."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ghostnote.errors import GhostnoteError
from ghostnote.music.grid import to_performance
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map
from ghostnote.music.midi import midi_bytes
from ghostnote.pipeline.sampling import sample
from ghostnote.studio import verbs
from ghostnote.studio.problems import Problem

from .conftest import Json

Engine = Callable[..., list[Json]]

GM = builtin_map("gm")


def chunk(tag: bytes, content: bytes) -> bytes:
    return tag + len(content).to_bytes(4) + content


def file(*tracks: bytes, form: int = 0, division: int = 96) -> bytes:
    header = b"".join(value.to_bytes(2) for value in (form, len(tracks), division))
    return chunk(b"MThd", header) + b"".join(chunk(b"MTrk", track) for track in tracks)


END = b"\0\xff\x2f\0"
NOTES = b"\0\x99\x24\x60\x18\x26\x50\x18\x2a\x40\0\x24\x10\x60\x89\x24\0" + END
ODD = {
    "empty": b"",
    "text": b"no MIDI at all, but long enough to have a header in it",
    "header": b"MThd\0\0",
    "no-track": file(),
    "no-division": file(NOTES, division=0),
    "riff": b"RIFF" + bytes(4) + b"RMIDdata" + bytes(4) + file(NOTES),
    "riff-of-nothing": b"RIFF" + bytes(4) + b"RMID",
    "running": file(NOTES),
    "two-tracks": file(NOTES, b"\x0b\x99\x2a\x70\x3c\x23\x01" + END, form=1),
    "patterns": file(NOTES, b"\0\xff\x58\x04\x03\x02\x18\x08" + NOTES, form=2),
    "patterns-of-one-meter": file(NOTES, NOTES, NOTES, form=2),
    "unknown-format": file(NOTES, form=7),
    "smpte": file(b"\0\xff\x51\x03\x09\x27\xc0" + NOTES, division=0xE728),
    "smpte-of-nothing": file(NOTES, division=0x8000),
    "tempos": file(
        b"\0\xff\x51\x03\x09\x27\xc0" + NOTES[:4] + b"\x30\xff\x51\x03\x07\xa1\x20" + NOTES
    ),
    "no-tempo": file(b"\0\xff\x51\x03\0\0\0\0\xff\x58\x02\x00\x02" + NOTES),
    "meters": file(NOTES[:-4] + b"\x83\x00\xff\x58\x04\x03\x02\x18\x08" + NOTES),
    "meter-of-quavers": file(b"\0\xff\x58\x04\x07\x03\x18\x08" + NOTES),
    "meter-of-none": file(b"\0\xff\x58\x04\x01\x06\x18\x08" + NOTES),
    "illegal": file(b"\0\xf4\0\xf1\x01" + NOTES),
    "sysex": file(b"\0\xf0\x03\x01\x02\xf7" + NOTES),
    "other-channel": file(b"\0\x90\x24\x60" + END),
    "unknown-pitches": file(b"\0\x99\x38\x60\0\x38\x50\0\x60\x40" + END),
    "some-unknown": file(b"\0\x99\x38\x60" + NOTES),
    "early": file(b"\0\x99\x24\x60" + NOTES, division=24),
    "status-in-data": file(b"\0\x99\x24\x60\0\x24\x90\0"),
    "data-without-status": file(b"\0\x24\x60" + END),
    "long-number": file(NOTES[:4] + b"\xff\xff\xff\xff\x01"),
    "long-ago": file(b"\xff\xff\xff\x7f\x99\x24\x60" + END, division=24),
    "after-the-end": file(NOTES) + b"tail",
    "between": file(NOTES)[:14] + b"junk" + file(NOTES)[14:],
    "too-short-a-track": file(NOTES)[:-6],
    "length-too-large": file(NOTES)[:18] + b"\0\0\x10\0" + NOTES,
    "long": midi_bytes(to_performance(Groove.silent(70), GM)),
}


def damaged() -> list[bytes]:
    """A small file, cut at every length and with every byte another."""
    whole = file(b"\0\xff\x51\x03\x07\xa1\x20\0\xff\x58\x04\x04\x02\x18\x08" + NOTES, NOTES, form=1)
    other = random.Random(0)
    flipped = []
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= other.randrange(1, 256)
        flipped.append(bytes(changed))
    return [*(whole[:size] for size in range(len(whole))), *flipped]


def python(data: bytes) -> Json:
    try:
        return {"value": verbs.read(data)}
    except GhostnoteError as error:
        problem = Problem.of(error)
        return {"problem": {"detail": problem.detail, "remedy": problem.remedy}}


def compare(engine: Engine, files: list[bytes]) -> None:
    answers = engine([("read", {"bytes": data}) for data in files])
    for data, answer in zip(files, answers, strict=True):
        told = {
            kind: {key: value.get(key) for key in ("detail", "remedy")}
            for kind, value in answer.items()
            if kind == "problem"
        }
        assert (told or answer) == python(data), data[:200]


def test_what_we_write_is_read_back(engine: Engine) -> None:
    grooves = [*sample(6, seed=3), Groove.silent(2, bpm=77), sample(1, seed=9)[0].replace(bpm=133)]
    compare(engine, [midi_bytes(to_performance(groove, GM)) for groove in grooves])


def test_odd_files(engine: Engine) -> None:
    compare(engine, list(ODD.values()))


def test_damaged_files(engine: Engine) -> None:
    compare(engine, damaged())


def test_files_of_others(engine: Engine, shared_midi: Path) -> None:
    files = sorted(path for path in shared_midi.rglob("*") if path.suffix in (".mid", ".midi"))
    assert files
    compare(engine, [file.read_bytes() for file in files])


@pytest.mark.parametrize("bytes_", [None, "MThd", [1, 2]])
def test_what_is_no_bytes_is_refused(engine: Engine, bytes_: Any) -> None:
    (answer,) = engine([("read", {"bytes": bytes_})])
    assert answer["problem"]["status"] == 422
