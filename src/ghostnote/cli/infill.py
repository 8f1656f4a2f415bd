"""``ghostnote infill``: some voices or bars of MIDI files are kept, and the others written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ghostnote.cli.options import Listening, Writing
from ghostnote.cli.playing import Files, listed, make_files, of_song
from ghostnote.errors import ConfigError
from ghostnote.music.kit import voice_index

if TYPE_CHECKING:
    from ghostnote.music.song import Song
    from ghostnote.pipeline.songs import SongReport


def infill(
    files: Files,
    /,
    *,
    keep: Annotated[Sequence[str], Parameter(negative=())] = (),
    bars: Annotated[Sequence[str], Parameter(negative=())] = (),
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    listening: Listening = Listening(),
    writing: Writing = Writing(),
) -> int:
    """Keep some voices or bars of drum MIDI files, and let the model write the others.

    What is kept is kept exactly. Songs of any length are given back whole: other channels, tempos
    and all else stay.

    Example: ghostnote infill song.mid --keep kick,snare --out filled

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    keep
        Voices to keep, separated by commas: kick, snare, closed-hat, open-hat, low-tom, mid-tom,
        high-tom, crash, ride.
    bars
        Bars to keep, from 1, such as 3-4 or 1,5-8.
    temperature
        Under 1 is safer, above 1 is wilder; the model's own by default.
    seed
        Of what is drawn.
    model
        A model bundle by name, or its folder; the one that was taught to infill by default.
    listening
        How the drums are found and read.
    writing
        Where files go, and what is said.
    """
    from ghostnote.pipeline.infilling import infill_all
    from ghostnote.pipeline.models import model_for, runtime_of
    from ghostnote.pipeline.songs import infill_song

    voices = listed(keep)
    kept = numbers(bars)
    for voice in voices:
        voice_index(voice)
    if not voices and not kept:
        raise ConfigError("nothing is to be kept", remedy="name voices (--keep) or bars (--bars)")
    pitches = listening.pitches()
    runtime = runtime_of(model_for("infill") if model is None else model)
    infill_all([], [], model=runtime)  # what cannot be done is refused before any file is read

    def play(song: Song) -> tuple[Song, SongReport]:
        return infill_song(
            song, voices=voices, bars=kept, channel=listening.channel, drum_map=pitches,
            temperature=temperature, seed=seed, model=runtime,
        )  # fmt: skip

    return make_files(
        files,
        of_song(play),
        writing,
        {"model": runtime.bundle.name, "seed": seed},
        word="infilled",
        doing="Infilling",
        done="infilled",
    )


def numbers(texts: Sequence[str]) -> list[int]:
    """Bars from 0 out of what users write from 1: ``3-4``, ``1,5-8``.

    Raises:
        ConfigError: that is no such list.
    """
    found: set[int] = set()
    for text in listed(texts):
        first, dash, last = text.partition("-")
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError:
            low, high = 0, 0
        if not 1 <= low <= high <= _LAST:
            raise ConfigError(f"{text!r} is no bar", remedy="such as 3, 3-4 or 1,5-8")
        found.update(range(low - 1, high))
    return sorted(found)


_LAST = 1 << 16
