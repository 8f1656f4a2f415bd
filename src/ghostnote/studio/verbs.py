"""The verbs: each takes a request to the pipeline, and what the pipeline gives to JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from ghostnote.bundle import DEFAULT
from ghostnote.errors import ConfigError, MidiError
from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove, concatenate
from ghostnote.music.kit import DEFAULT_MAP, VOICES, builtin_map
from ghostnote.music.midi import midi_bytes, parse_midi
from ghostnote.pipeline import (
    attributes,
    continuing,
    humanising,
    infilling,
    interpolation,
    reconstruction,
    sampling,
    scoring,
    tapping,
    variation,
)
from ghostnote.pipeline import map as maps
from ghostnote.render.audio import mix, timed_hits, wav_bytes
from ghostnote.render.kit import Kit
from ghostnote.runtime import Runtime
from ghostnote.studio import schemas
from ghostnote.studio.models import Models
from ghostnote.studio.settings import MAX_BARS, MAX_SECONDS
from ghostnote.studio.values import groove_of, plain

Json = dict[str, Any]

_MAX_STEPS: Final = MAX_BARS * 16


def sample(models: Models, asked: schemas.Sample) -> Json:
    """New grooves; as many bars as are asked for, by the model that was taught to infill."""
    runtime = models.runtime("sample", asked.model)
    bundle = runtime.bundle
    grooves = sampling.sample(
        asked.n,
        seed=asked.seed,
        start=asked.start,
        temperature=asked.temperature,
        bpm=asked.bpm,
        near=None if asked.near is None else groove_of(asked.near),
        radius=asked.radius,
        style=asked.style,
        beat_type=asked.beat_type,
        model=runtime,
    )
    if asked.bars is not None or asked.fill_every is not None:
        grooves = continuing.lengthen(
            grooves,
            asked.bars or grooves[0].bars,
            fill_every=asked.fill_every,
            temperature=asked.temperature,
            seed=asked.seed,
            start=asked.start,
            model=models.runtime("continue") if bundle.name == DEFAULT else runtime,
        )
    return _drawn(runtime, asked, bundle.temperature) | {"grooves": _all(grooves)}


def vary(models: Models, asked: schemas.Vary) -> Json:
    """Variations, from subtle to far."""
    runtime = models.runtime("vary", asked.model)
    grooves = variation.vary(
        groove_of(asked.groove),
        asked.n,
        distance=asked.distance,
        temperature=asked.temperature or 0.0,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked) | {"grooves": _all(grooves)}


def interpolate(models: Models, asked: schemas.Interpolate) -> Json:
    """From one groove to another."""
    runtime = models.runtime("interpolate", asked.model)
    grooves = interpolation.interpolate(
        groove_of(asked.a),
        groove_of(asked.b),
        asked.n,
        temperature=asked.temperature or 0.0,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked) | {"grooves": _all(grooves)}


def blend(models: Models, asked: schemas.Blend) -> Json:
    """A place between four grooves."""
    runtime = models.runtime("blend", asked.model)
    groove = interpolation.blend(
        [groove_of(corner) for corner in asked.corners],
        asked.x,
        asked.y,
        temperature=asked.temperature or 0.0,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked) | {"groove": plain(groove)}


def place(models: Models, asked: schemas.Place) -> Json:
    """A place on the map of styles."""
    runtime = models.runtime("place", asked.model)
    groove = maps.place(
        models.plane(runtime),
        asked.x,
        asked.y,
        bpm=asked.bpm,
        temperature=asked.temperature,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked, runtime.bundle.temperature) | {"groove": plain(groove)}


def reconstruct(models: Models, asked: schemas.Reconstruct) -> Json:
    """A groove through a model and back."""
    runtime = models.runtime("reconstruct", asked.model)
    done = reconstruction.reconstruct(
        groove_of(asked.groove),
        temperature=asked.temperature or 0.0,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked) | {"groove": plain(done.groove), "bits": list(done.bits)}


def humanize(models: Models, asked: schemas.Humanize) -> Json:
    """Velocity and timing for hits."""
    runtime = models.runtime("humanize", asked.model)
    groove = humanising.humanize(
        groove_of(asked.groove),
        strength=asked.strength,
        keep=asked.keep,
        temperature=asked.temperature,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked, runtime.bundle.temperature) | {"groove": plain(groove)}


def tap(models: Models, asked: schemas.Tap) -> Json:
    """A rhythm for the whole kit."""
    runtime = models.runtime("tap", asked.model)
    groove = tapping.tap(
        _rhythm(asked), temperature=asked.temperature, seed=asked.seed, model=runtime
    )
    return _drawn(runtime, asked, runtime.bundle.temperature) | {"groove": plain(groove)}


def _rhythm(asked: schemas.Tap) -> Groove:
    if (asked.groove is None) == (asked.times is None):
        raise ConfigError("taps are a groove or times", remedy="give one of them")
    if asked.groove is not None:
        return groove_of(asked.groove).replace(bpm=asked.bpm)
    if asked.bpm is None:
        raise ConfigError("times need a tempo", remedy="give bpm")
    rhythm, _ = tapping.rhythm_at(asked.times or [], asked.bpm)
    return _short(rhythm)


def infill(models: Models, asked: schemas.Infill) -> Json:
    """The rest of a groove."""
    runtime = models.runtime("infill", asked.model)
    groove, keep = groove_of(asked.groove), asked.keep
    kept = infilling.cells(groove, voices=keep.voices, bars=keep.bars)
    for step, voice in keep.cells:
        if step >= groove.steps:
            raise ConfigError(
                f"there is no step {step}", remedy=f"steps are 0 to {groove.steps - 1} here"
            )
        kept[step, voice] = True
    filled = infilling.infill(
        groove, kept, temperature=asked.temperature, seed=asked.seed, model=runtime
    )
    return _drawn(runtime, asked, runtime.bundle.temperature) | {"groove": plain(filled)}


def continue_(models: Models, asked: schemas.Continue) -> Json:
    """More bars."""
    runtime = models.runtime("continue", asked.model)
    groove = groove_of(asked.groove)
    if groove.bars + asked.bars > MAX_BARS:
        raise ConfigError(
            f"{groove.bars} bars and {asked.bars} more are {groove.bars + asked.bars}",
            remedy=f"at most {MAX_BARS} in all",
        )
    longer = continuing.continue_(
        groove,
        asked.bars,
        fill_every=asked.fill_every,
        temperature=asked.temperature,
        seed=asked.seed,
        model=runtime,
    )
    return _drawn(runtime, asked, runtime.bundle.temperature) | {"groove": plain(longer)}


def attribute(models: Models, asked: schemas.Attribute) -> Json:
    """More or less of what can be measured."""
    runtime = models.runtime("attribute", asked.model)
    bundle = runtime.bundle
    shift = np.zeros(bundle.latent, np.float32)
    for name, amount in asked.amounts.items():
        shift += attributes.direction_of(name, bundle).shift(amount)
    groove = groove_of(asked.groove)
    heat = {} if asked.temperature is None else {"temperature": asked.temperature}
    moved = attributes.moved(groove, shift, seed=asked.seed, model=runtime, **heat)
    return _drawn(runtime, asked, None) | {"groove": plain(moved)}


def score(models: Models, asked: schemas.Score) -> Json:
    """How usual a groove is."""
    runtime = models.runtime("score", asked.model)
    result = scoring.score(groove_of(asked.groove), model=runtime)
    cells = result.cells
    return {
        "model": runtime.bundle.name,
        "bits": result.by_bar.sum(1).tolist(),
        "cells": [
            [step, voice, bits]
            for step, row in enumerate(cells.tolist())
            for voice, bits in enumerate(row)
        ],
    }


def style_map(models: Models, name: str | None) -> Json:
    """Draws of each style in a plane."""
    plane = models.plane(models.runtime("map", name))
    styles = list(dict.fromkeys(plane.styles)) or ["prior"]
    which = [styles.index(style) for style in plane.styles] or [0] * len(plane)
    low, high = plane.points.min(0), plane.points.max(0)
    return {
        "points": [
            [*point, style] for point, style in zip(plane.points.tolist(), which, strict=True)
        ],
        "styles": styles,
        "extent": {"x": [low[0].item(), high[0].item()], "y": [low[1].item(), high[1].item()]},
    }


def kit(loaded: Kit) -> Json:
    """The drum kit, as the renderer uses it."""
    return {
        "name": loaded.name,
        "voices": [
            {
                "name": name,
                "pan": voice.pan,
                "choked_by": [VOICES[other] for other in sorted(voice.choked_by)],
                "layers": [
                    {"file": layer.file.name, "up_to": layer.up_to, "gain": layer.gain}
                    for layer in voice.layers
                ],
            }
            for name, voice in zip(VOICES, loaded.voices, strict=True)
        ],
    }


def read(data: bytes) -> Json:
    """The drums of a MIDI file; of a long one, as many bars as a groove may have here."""
    performance = parse_midi(data)
    groove, report = to_groove(performance, builtin_map(DEFAULT_MAP))
    most = min(MAX_BARS, _MAX_STEPS // groove.steps_per_bar)
    cut = max(0, groove.bars - most)
    return {
        "groove": plain(groove[: min(most, groove.bars)]),
        "report": {
            **dataclasses.asdict(report),
            "unmapped": {str(pitch): count for pitch, count in report.unmapped.items()},
            "bars_cut": cut,
        },
        "remarks": [
            *performance.warnings,
            str(report),
            *([f"its first {most} bars; {cut} left out"] if cut else []),
        ],
    }


def midi(asked: schemas.Export) -> bytes:
    """Grooves as a MIDI file."""
    return midi_bytes(to_performance(_joined(asked), builtin_map("gm")))


def wav(asked: schemas.Export, loaded: Kit) -> bytes:
    """Grooves as audio."""
    groove = _joined(asked)
    if groove.seconds > MAX_SECONDS:
        raise MidiError(
            f"would be {groove.seconds / 60:.0f} minutes of audio",
            remedy=f"render at most {MAX_SECONDS / 60:.0f} minutes at once",
        )
    return wav_bytes(mix(timed_hits(groove), loaded))


def _joined(asked: schemas.Export) -> Groove:
    tempo = asked.grooves[0].bpm if asked.bpm is None else asked.bpm
    return _short(concatenate(groove_of(one).replace(bpm=tempo) for one in asked.grooves))


def _short(groove: Groove) -> Groove:
    if groove.bars > MAX_BARS:
        raise ConfigError(f"{groove.bars} bars are too many", remedy=f"at most {MAX_BARS}")
    return groove


def _all(grooves: Iterable[Groove]) -> list[Json]:
    return [plain(groove) for groove in grooves]


def _drawn(runtime: Runtime, asked: schemas.Drawing, own: float | None = 0.0) -> Json:
    """What was used: the model, the seed, and the temperature, by default `own`."""
    heat = own if asked.temperature is None else asked.temperature
    return {"model": runtime.bundle.name, "seed": asked.seed, "temperature": heat}
