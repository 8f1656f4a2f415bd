"""``ghostnote humanize``: velocity and timing for the drums of MIDI files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from ghostnote.cli.options import Listening, Writing
from ghostnote.cli.playing import Files, listed, make_files, of_song

if TYPE_CHECKING:
    from ghostnote.music.song import Song
    from ghostnote.pipeline.humanising import Expression
    from ghostnote.pipeline.songs import SongReport


def humanize(
    files: Files,
    /,
    *,
    strength: float = 1.0,
    keep: Annotated[Sequence[str], Parameter(negative=())] = (),
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    listening: Listening = Listening(),
    writing: Writing = Writing(),
) -> int:
    """Give the drums of MIDI files velocity and timing; the hits stay exactly as they are.

    Songs of any length are given back whole: other channels, tempos and all else stay.

    Example: ghostnote humanize song.mid --strength 0.7 --out played

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    strength
        0 leaves the drums as they are, 1 plays them as the model does, and in between is a blend.
    keep
        What stays as it is, besides the hits: velocity or timing.
    temperature
        0 plays each hit as is most likely, any other draws; the model's own by default.
    seed
        Of what is drawn.
    model
        A model bundle by name, or its folder; the one that was taught to humanise by default.
    listening
        How the drums are found and read.
    writing
        Where files go, and what is said.
    """
    from ghostnote.pipeline.humanising import humanize_all
    from ghostnote.pipeline.models import model_for, runtime_of
    from ghostnote.pipeline.songs import humanize_song

    kept = cast("list[Expression]", listed(keep))
    pitches = listening.pitches()
    runtime = runtime_of(model_for("humanize") if model is None else model)
    # What cannot be done is refused before any file is read.
    humanize_all([], strength=strength, keep=kept, model=runtime)

    def play(song: Song) -> tuple[Song, SongReport]:
        return humanize_song(
            song, channel=listening.channel, drum_map=pitches, strength=strength,
            keep=kept, temperature=temperature, seed=seed, model=runtime,
        )  # fmt: skip

    return make_files(
        files,
        of_song(play),
        writing,
        {"model": runtime.bundle.name, "seed": seed, "strength": strength},
        word="humanized",
        doing="Humanising",
        done="humanised",
    )
