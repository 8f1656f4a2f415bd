"""``ghostnote humanize``: velocity and timing for the drums of MIDI files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from ghostnote.cli.playing import Files, Output, listed, make_files, of_song
from ghostnote.music.kit import DEFAULT_MAP, load_map

if TYPE_CHECKING:
    from ghostnote.music.song import Song
    from ghostnote.pipeline.humanising import Expression
    from ghostnote.pipeline.songs import SongReport


def humanize(
    files: Files,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    strength: float = 1.0,
    keep: Annotated[Sequence[str], Parameter(negative=())] = (),
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Give the drums of MIDI files velocity and timing; the hits stay exactly as they are.

    Songs of any length are given back whole: other channels, tempos and all else stay.

    Example: ghostnote humanize song.mid --strength 0.7 --out played

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    out
        The folder to write to, laid out as the folders given; beside each file, as
        NAME-humanized.mid, by default.
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
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16; 10 by default, or where a track is named after drums.
    force
        Overwrite files that exist.
    skip_existing
        Leave out files whose output exists.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from ghostnote.pipeline.humanising import humanize_all
    from ghostnote.pipeline.models import model_for, runtime_of
    from ghostnote.pipeline.songs import humanize_song

    kept = cast("list[Expression]", listed(keep))
    pitches = load_map(drum_map).of_nine()
    runtime = runtime_of(model_for("humanize") if model is None else model)
    # What cannot be done is refused before any file is read.
    humanize_all([], strength=strength, keep=kept, model=runtime)

    def play(song: Song) -> tuple[Song, SongReport]:
        return humanize_song(
            song, channel=channel, drum_map=pitches, strength=strength,
            keep=kept, temperature=temperature, seed=seed, model=runtime,
        )  # fmt: skip

    return make_files(
        files,
        of_song(play),
        Output(out, "-humanized", force, skip_existing, quiet, as_json),
        {"model": runtime.bundle.name, "seed": seed, "strength": strength},
        doing="Humanising",
        done="humanised",
    )
