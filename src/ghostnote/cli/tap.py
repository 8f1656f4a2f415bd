"""``ghostnote tap``: a tapped rhythm becomes a part for the whole kit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

from cyclopts import Parameter

from ghostnote.cli.batch import plain_grid
from ghostnote.cli.keyboard import tapped
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
    keyboard: Annotated[bool, Parameter(negative=())] = False,
    bpm: float | None = None,
    temperature: float | None = None,
    seed: int = 0,
    model: str | None = None,
    channel: int | None = None,
    writing: Writing = Writing(),
) -> int:
    """Turn a tapped rhythm into a part for the whole kit.

    Every note of a MIDI file is a tap, whatever its pitch. Or give the seconds of taps, or tap on
    the keyboard.

    Example: ghostnote tap --times 0,0.5,0.75,1.25,1.5 --bpm 120

    Parameters
    ----------
    files
        MIDI files, or folders of them; - reads standard input and writes standard output.
    times
        Seconds from the first beat on, separated by commas, instead of files.
    keyboard
        Tap on any key of the terminal, from the first beat on; Enter ends, Ctrl-C gives up.
    bpm
        The tempo of the times or keys, which is heard where it is not given, from 60 to 200; or
        another one to write files at.
    temperature
        Under 1 is safer, above 1 is wilder; the model's own by default.
    seed
        Of what is drawn.
    model
        A model bundle by name, or its folder; the one that was taught to tap by default.
    channel
        The channel of the taps, 1 to 16; 10 by default, or the only one that has notes.
    writing
        Where files go, and what is said. Times and keys become taps-tapped.mid.
    """
    from ghostnote.music.grid import to_performance
    from ghostnote.music.groove import Groove, valid_bpm
    from ghostnote.music.kit import builtin_map
    from ghostnote.music.midi import midi_bytes, parse_midi
    from ghostnote.pipeline.models import model_for, runtime_of
    from ghostnote.pipeline.tapping import rhythm_at, rhythm_of, tap_all, tempo_of

    if bool(files) + bool(times) + keyboard != 1:
        raise ConfigError(
            "taps are in files, in --times or on the --keyboard", remedy="give one of them"
        )
    given = _seconds(times)
    if bpm is not None:
        valid_bpm(bpm)
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
        others = len(performance) - report.notes
        plain |= {
            "grid": plain_grid(report),
            "other_channels": others,
            "warnings": list(performance.warnings),
        }
        elsewhere = [f"{others} notes on other channels left out"] if others else []
        content = midi_bytes(to_performance(part, builtin_map("gm")))
        return Outcome(content, (*performance.warnings, str(report), *elsewhere, told), plain)

    def made(data: bytes, source: str) -> Outcome:
        del data, source
        seconds = tapped(_told(quiet=writing.quiet)) if keyboard else given
        tempo = tempo_of(seconds) if bpm is None else bpm
        rhythm, merged = rhythm_at(seconds, tempo)
        part, told, plain = kit_part(rhythm)
        remarks = [f"a tempo of {tempo:g} bpm is heard"] if bpm is None else []
        remarks += [f"{merged} taps fell onto the step of another"] if merged else []
        plain |= {"merged": merged, "bpm": tempo, "bpm_heard": bpm is None}
        content = midi_bytes(to_performance(part, builtin_map("gm")))
        return Outcome(content, (*remarks, told), plain)

    about = {"model": runtime.bundle.name, "seed": seed}
    if times or keyboard:
        return make_from_nothing(_TIMES, made, writing, about, doing="Tapping", done="tapped")
    return make_files(files, make, writing, about, word="tapped", doing="Tapping", done="tapped")


def _seconds(times: Sequence[str]) -> list[float]:
    try:
        return [float(text) for text in listed(times) if text]
    except ValueError as error:
        raise ConfigError(f"--times: {error}", remedy="such as 0,0.5,0.75") from None


def _told(*, quiet: bool) -> Callable[[list[float]], None]:
    """Says what to do, and gives what says what was heard so far, on standard error."""
    from ghostnote.pipeline.tapping import tempo_of

    def heard(seconds: list[float]) -> None:
        if quiet:
            return
        try:
            tempo = f", {tempo_of(seconds):.0f} bpm"
        except ConfigError:
            tempo = ""  # of one tap
        line = f"{len(seconds)} tap{'s' * (len(seconds) != 1)}{tempo}"
        # In a terminal, over the line before.
        sys.stderr.write(f"\r{line:<24}" if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()

    if not quiet:
        sys.stderr.write("Tap any key in your rhythm; Enter ends, Ctrl-C gives up.\n")
        sys.stderr.flush()
    return heard
