"""``ghostnote continue``: more bars for drum MIDI files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ghostnote.cli.batch import plain_grid
from ghostnote.cli.playing import Files, Outcome, Output, make_files
from ghostnote.music.kit import DEFAULT_MAP, load_map
from ghostnote.music.midi import DRUM_CHANNEL


def continue_(
    files: Files,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None,
    bars: int = 4,
    fill_every: int | None = None,
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int = DRUM_CHANNEL,
    force: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Go on from the drums of MIDI files: each bar is written to follow those before it.

    Written are the drums alone, from the first bar to the last of the new ones.

    Example: ghostnote continue loop.mid --bars 12 --fill-every 4 --out longer

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    out
        The folder to write to, laid out as the folders given; beside each file, as
        NAME-continued.mid, by default.
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
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16.
    force
        Overwrite files that exist.
    skip_existing
        Leave out files whose output exists.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from ghostnote.music.grid import to_groove, to_performance
    from ghostnote.music.kit import builtin_map
    from ghostnote.music.midi import midi_bytes, parse_midi
    from ghostnote.pipeline.continuing import continue_all
    from ghostnote.pipeline.models import model_for, runtime_of

    pitches = load_map(drum_map).of_nine()
    runtime = runtime_of(model_for("infill") if model is None else model)
    # What cannot be done is refused before any file is read.
    continue_all([], bars, fill_every=fill_every, model=runtime)

    def make(data: bytes, source: str) -> Outcome:
        performance = parse_midi(data, source=source)
        groove, report = to_groove(performance, pitches, channel=channel)
        (longer,) = continue_all(
            [groove], bars, fill_every=fill_every, temperature=temperature, seed=seed,
            model=runtime,
        )  # fmt: skip
        added = longer[groove.bars :]
        told = f"{added.bars} bars with {added.n_hits} hits after {groove.bars} bars"
        return Outcome(
            midi_bytes(to_performance(longer, builtin_map("gm"))),
            (*performance.warnings, str(report), told),
            {
                "bars": longer.bars,
                "added_bars": added.bars,
                "added_hits": added.n_hits,
                "grid": plain_grid(report),
                "warnings": list(performance.warnings),
            },
        )

    return make_files(
        files,
        make,
        Output(out, "-continued", force, skip_existing, quiet, as_json),
        {"model": runtime.bundle.name, "seed": seed},
        doing="Continuing",
        done="continued",
    )
