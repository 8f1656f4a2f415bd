"""``ghostnote tap``: a tapped rhythm becomes a part for the whole kit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from ghostnote.cli.batch import plain_grid
from ghostnote.cli.options import Writing
from ghostnote.cli.playing import (
    Files,
    Outcome,
    listed,
    make_files,
    make_from_nothing,
)
from ghostnote.errors import ConfigError

_TIMES = "taps-tapped"


def tap(
    files: Files = (),
    /,
    *,
    times: Annotated[Sequence[str], Parameter(negative=())] = (),
    bpm: float | None = None,
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    channel: int | None = None,
    writing: Writing = Writing(),
) -> int:
    """Turn a tapped rhythm into a part for the whole kit.

    Every note of a MIDI file is a tap, whatever its pitch. Or give the seconds of taps.

    Example: ghostnote tap --times 0,0.5,0.75,1.25,1.5 --bpm 120

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    times
        Seconds from the first beat on, separated by commas, instead of files; needs --bpm.
    bpm
        The tempo of the times, or another one to write files at.
    temperature
        Under 1 is safer, above 1 is wilder; the model's own by default.
    seed
        Of what is drawn.
    model
        A model bundle by name, or its folder; the one that was taught to tap by default.
    channel
        The channel of the taps, 1 to 16; 10 by default, or the only one that has notes.
    writing
        Where files go, and what is said. Times become taps-tapped.mid.
    """
    from ghostnote.music.grid import to_performance
    from ghostnote.music.groove import Groove
    from ghostnote.music.kit import builtin_map
    from ghostnote.music.midi import midi_bytes, parse_midi
    from ghostnote.pipeline.models import model_for, runtime_of
    from ghostnote.pipeline.tapping import rhythm_at, rhythm_of, tap_all

    if bool(files) == bool(times):
        raise ConfigError("taps are in files or in --times", remedy="give one of them")
    seconds, tempo = (_seconds(times), _needed(bpm)) if times else ([], 0.0)
    runtime = runtime_of(model_for("tap") if model is None else model)
    tap_all([], model=runtime)  # what cannot be done is refused before any file is read

    def kit_part(rhythm: Groove) -> tuple[Groove, str, dict[str, object]]:
        rhythm = rhythm.replace(bpm=bpm)
        (part,) = tap_all([rhythm], temperature=temperature, seed=seed, model=runtime)
        taps = rhythm.hits.any(axis=1)
        met = int((taps & part.hits.any(axis=1)).sum())
        told = f"{part.n_hits} hits in {part.bars} bars; {met} of {int(taps.sum())} taps are played"
        plain: dict[str, object] = {
            "bars": part.bars,
            "hits": part.n_hits,
            "taps": int(taps.sum()),
            "taps_met": met,
        }
        return part, told, plain

    def make(data: bytes, source: str) -> Outcome:
        performance = parse_midi(data, source=source)
        rhythm, report = rhythm_of(performance, channel=channel)
        part, told, plain = kit_part(rhythm)
        plain |= {"grid": plain_grid(report), "warnings": list(performance.warnings)}
        content = midi_bytes(to_performance(part, builtin_map("gm")))
        return Outcome(content, (*performance.warnings, str(report), told), plain)

    def made(data: bytes, source: str) -> Outcome:
        del data, source
        rhythm, merged = rhythm_at(seconds, tempo)
        part, told, plain = kit_part(rhythm)
        remarks = [f"{merged} taps fell onto the step of another"] if merged else []
        content = midi_bytes(to_performance(part, builtin_map("gm")))
        return Outcome(content, (*remarks, told), plain | {"merged": merged})

    about = {"model": runtime.bundle.name, "seed": seed}
    if times:
        return make_from_nothing(_TIMES, made, writing, about, doing="Tapping", done="tapped")
    return make_files(files, make, writing, about, word="tapped", doing="Tapping", done="tapped")


def _seconds(times: Sequence[str]) -> list[float]:
    try:
        return [float(text) for text in listed(times) if text]
    except ValueError as error:
        raise ConfigError(f"--times: {error}", remedy="such as 0,0.5,0.75") from None


def _needed(bpm: float | None) -> float:
    if bpm is None:
        raise ConfigError("times say nothing of the tempo", remedy="give it with --bpm")
    return bpm
