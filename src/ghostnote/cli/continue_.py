"""``ghostnote continue``: more bars for drum MIDI files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghostnote.cli.options import Listening, Writing
from ghostnote.cli.playing import Files, More, make_files, of_song

if TYPE_CHECKING:
    from ghostnote.music.song import Song


def continue_(
    files: Files,
    /,
    *,
    bars: int = 4,
    fill_every: int | None = None,
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    listening: Listening = Listening(),
    writing: Writing = Writing(),
) -> int:
    """Go on from the drums of MIDI files: each bar is written to follow those before it.

    Songs are given back whole: the new bars follow the last one with drums, and other channels,
    tempos and all else stay.

    Example: ghostnote continue loop.mid --bars 12 --fill-every 4 --out longer

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    bars
        How many bars to add.
    fill_every
        Every so manieth bar, of those that are added, is a fill; none is by default.
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
    from ghostnote.pipeline.continuing import continue_all
    from ghostnote.pipeline.models import model_for, runtime_of
    from ghostnote.pipeline.songs import continue_song

    pitches = listening.pitches()
    runtime = runtime_of(model_for("infill") if model is None else model)
    # What cannot be done is refused before any file is read.
    continue_all([], bars, fill_every=fill_every, model=runtime)

    def play(song: Song) -> More:
        played = continue_song(
            song, bars, fill_every=fill_every, channel=listening.channel, drum_map=pitches,
            temperature=temperature, seed=seed, model=runtime,
        )  # fmt: skip
        added = played[1].hits - played[1].kept
        told = f"{bars} bars with {added} hits after bar {played[1].last_bar}"
        return More(played, [told], {"added_bars": bars, "added_hits": added})

    return make_files(
        files,
        of_song(play),
        writing,
        {"model": runtime.bundle.name, "seed": seed},
        word="continued",
        doing="Continuing",
        done="continued",
    )
