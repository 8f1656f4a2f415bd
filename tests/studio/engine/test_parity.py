"""Every verb gives in the browser what the server gives: the same grooves, the same refusals."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from .conftest import Job, Json, beat, same, scattered

MAXIMUM = 2**53 - 1
CORNERS = [beat(1, bars=2), scattered(2, bars=2), beat(3, bars=2, bpm=90.0), beat(4, bars=2)]
TAPS = [0.01, 0.52, 0.53, 0.78, 1.31, 2.11, 2.4, 3.02, 3.99]

JOBS: dict[str, Job] = {
    "sample": ("sample", {}),
    "sample-many": ("sample", {"n": 18, "seed": 1, "start": 5}),
    "sample-largest-seed": ("sample", {"seed": MAXIMUM, "start": MAXIMUM - 1, "n": 1}),
    "sample-cold": ("sample", {"seed": 2, "n": 2, "temperature": 0}),
    "sample-hot": ("sample", {"seed": 2, "n": 2, "temperature": 1.5}),
    "sample-style": ("sample", {"seed": 3, "n": 2, "style": "jazz"}),
    "sample-any-fast": ("sample", {"seed": 3, "style": "any", "bpm": 170.5}),
    "sample-fill": ("sample", {"seed": 4, "beat_type": "fill", "style": "rock", "bpm": 95}),
    "sample-tempo": ("sample", {"seed": 5, "n": 2, "bpm": 72}),
    "sample-longer": ("sample", {"seed": 6, "n": 2, "bars": 9, "fill_every": 4}),
    "sample-shorter": ("sample", {"seed": 6, "bars": 2}),
    "sample-near": ("sample", {"seed": 7, "near": beat(5), "radius": 0.3, "n": 2}),
    "sample-near-short": ("sample", {"seed": 7, "near": scattered(5, bars=2), "style": "funk"}),
    "sample-near-infill": ("sample", {"seed": 8, "near": beat(6), "model": "infill-4bar"}),
    "sample-humanize": ("sample", {"seed": 8, "model": "humanize-4bar"}),
    "vary": ("vary", {"groove": beat(7), "seed": 9}),
    "vary-far": ("vary", {"groove": beat(8, bars=6), "n": 3, "distance": 1, "temperature": 0.7}),
    "vary-nowhere": ("vary", {"groove": scattered(9), "n": 1, "distance": 0}),
    "interpolate": ("interpolate", {"a": beat(10), "b": scattered(11, bpm=140.0), "seed": 3}),
    "interpolate-infill": (
        "interpolate",
        {"a": beat(10, bars=5), "b": beat(12, bars=5), "n": 3, "model": "infill-4bar", "seed": 4},
    ),
    "blend": ("blend", {"corners": CORNERS, "x": 0.3, "y": 0.8, "seed": 5}),
    "blend-corner": ("blend", {"corners": CORNERS, "x": 1, "y": 0, "temperature": 0.7}),
    "place": ("place", {"x": 0.5, "y": -0.25, "seed": 1}),
    "place-far": ("place", {"x": -3, "y": 2, "seed": 2, "bpm": 128, "temperature": 0.5}),
    "reconstruct": ("reconstruct", {"groove": beat(13)}),
    "reconstruct-long": ("reconstruct", {"groove": scattered(14, bars=7), "temperature": 0.7}),
    "reconstruct-silence": ("reconstruct", {"groove": beat(0, bars=1, hits=[])}),
    "reconstruct-infill": (
        "reconstruct", {"groove": beat(15, bars=11), "model": "infill-4bar", "seed": 77},
    ),
    "reconstruct-tap": ("reconstruct", {"groove": beat(15), "model": "tap-4bar"}),
    "humanize": ("humanize", {"groove": beat(16)}),
    "humanize-half": ("humanize", {"groove": beat(17, bars=7), "strength": 0.35, "seed": 3}),
    "humanize-keep": ("humanize", {"groove": beat(18, bars=1), "keep": ["velocity"]}),
    "humanize-cold": ("humanize", {"groove": beat(17, bars=7), "temperature": 0}),
    "humanize-untaught-cold": (
        "humanize", {"groove": beat(17, bars=5), "temperature": 0, "model": "groove-4bar"},
    ),
    "humanize-untaught": ("humanize", {"groove": beat(18), "model": "groove-4bar"}),
    "tap-groove": ("tap", {"groove": beat(19), "seed": 4}),
    "tap-groove-faster": ("tap", {"groove": scattered(19, bars=2), "bpm": 150}),
    "tap-times": ("tap", {"times": TAPS, "bpm": 100, "temperature": 1}),
    "infill-voices": ("infill", {"groove": beat(20), "keep": {"voices": ["kick", "snare"]}}),
    "infill-bars": ("infill", {"groove": beat(21, bars=6), "keep": {"bars": [0, 3]}, "seed": 5}),
    "infill-cells": (
        "infill",
        {"groove": scattered(22), "keep": {"cells": [[0, 0], [17, 4]], "voices": ["ride"]}},
    ),
    "infill-nothing-kept": ("infill", {"groove": beat(23), "keep": {}, "seed": 6}),
    "infill-untaught": (
        "infill", {"groove": beat(23), "keep": {"voices": ["kick"]}, "model": "groove-4bar"},
    ),
    "continue": ("continue", {"groove": beat(24), "seed": 7}),
    "continue-one": ("continue", {"groove": beat(24, bars=1), "bars": 1}),
    "continue-fills": ("continue", {"groove": beat(25), "bars": 8, "fill_every": 4, "seed": 8}),
    "attribute": ("attribute", {"groove": beat(26), "amounts": {"density": 1.5, "swing": -1}}),
    "attribute-long": (
        "attribute",
        {"groove": scattered(26, bars=6), "amounts": {"fill": 2}, "seed": 9, "temperature": 0.8},
    ),
    "attribute-likeliest": (
        "attribute", {"groove": beat(27), "amounts": {"openness": 2}, "temperature": 0},
    ),
    "attribute-none": ("attribute", {"groove": beat(27), "amounts": {}, "temperature": 1}),
    "score": ("score", {"groove": beat(28, bars=5)}),
    "score-scattered": ("score", {"groove": scattered(28), "model": "infill-4bar"}),
    "models": ("models", {}),
    "map": ("map", {}),
    "map-tap": ("map", {"model": "tap-4bar"}),
    "kit": ("kit", {}),
    "midi": ("midi", {"grooves": [beat(29), scattered(30, bars=2, bpm=80.0)], "bpm": 99.5}),
    "midi-own-tempo": ("midi", {"grooves": [beat(29, bpm=61.3)]}),
}  # fmt: skip
"""What is asked, and done."""

ODD_METER = beat(0, bars=2, meter=[3, 4], hits=[])
REFUSED: dict[str, Job] = {
    "no-such-model": ("sample", {"model": "../groove-4bar"}),
    "no-such-style": ("sample", {"style": "polka"}),
    "no-such-beat-type": ("sample", {"beat_type": "break"}),
    "near-too-long": ("sample", {"near": beat(0, bars=5)}),
    "unknown-key": ("sample", {"sed": 1}),
    "seed-too-large": ("sample", {"seed": MAXIMUM + 1}),
    "seed-of-text": ("sample", {"seed": "1"}),
    "none": ("sample", {"n": 0}),
    "fraction": ("sample", {"n": 1.5}),
    "too-hot": ("sample", {"temperature": 11}),
    "fills-each-bar": ("sample", {"fill_every": 1}),
    "too-slow": ("sample", {"bpm": 0}),
    "other-meter": ("vary", {"groove": ODD_METER}),
    "no-groove": ("vary", {}),
    "hit-beyond": ("vary", {"groove": beat(0, bars=1, hits=[[16, 0, 0.5, 0]])}),
    "hit-twice": ("vary", {"groove": beat(0, hits=[[0, 0, 0.5, 0], [0, 0, 0.4, 0]])}),
    "hit-silent": ("vary", {"groove": beat(0, hits=[[0, 0, 0, 0]])}),
    "hit-too-late": ("vary", {"groove": beat(0, hits=[[0, 0, 0.5, 0.5]])}),
    "hit-inaudible": ("vary", {"groove": beat(0, hits=[[0, 0, 1e-60, 0]])}),
    "no-whole-steps": ("score", {"groove": beat(0, bars=1, meter=[1, 16], hits=[[1, 0, 1, 0]])}),
    "lengths": ("interpolate", {"a": beat(0, bars=2), "b": beat(0, bars=3)}),
    "three-corners": ("blend", {"corners": CORNERS[:3], "x": 0, "y": 0}),
    "outside": ("blend", {"corners": CORNERS, "x": 1.1, "y": 0}),
    "no-place": ("place", {"x": 1e9, "y": 0}),
    "too-strong": ("humanize", {"groove": beat(0), "strength": 2}),
    "kept-what": ("humanize", {"groove": beat(0), "keep": ["hits"]}),
    "not-taught-to-go-on": ("sample", {"model": "humanize-4bar", "bars": 5}),
    "not-taught": ("tap", {"groove": beat(0), "model": "groove-4bar"}),
    "two-rhythms": ("tap", {"groove": beat(0), "times": [1], "bpm": 100}),
    "no-rhythm": ("tap", {}),
    "no-tempo": ("tap", {"times": [1]}),
    "no-taps": ("tap", {"times": [], "bpm": 100}),
    "taps-too-long": ("tap", {"times": [0, 1000], "bpm": 100}),
    "no-such-voice": ("infill", {"groove": beat(0), "keep": {"voices": ["cowbell"]}}),
    "no-such-bar": ("infill", {"groove": beat(0), "keep": {"bars": [4]}}),
    "no-such-step": ("infill", {"groove": beat(0), "keep": {"cells": [[64, 0]]}}),
    "too-many-bars": ("continue", {"groove": beat(0), "bars": 61}),
    "no-such-attribute": ("attribute", {"groove": beat(0), "amounts": {"funk": 1}}),
    "too-much": ("attribute", {"groove": beat(0), "amounts": {"swing": 3}}),
    "no-directions": (
        "attribute", {"groove": beat(0), "amounts": {"swing": 1}, "model": "tap-4bar"},
    ),
    "nothing-to-write": ("midi", {"grooves": []}),
    "meters-to-join": ("midi", {"grooves": [beat(0), ODD_METER]}),
    "slower-than-midi": ("midi", {"grooves": [beat(0)], "bpm": 2}),
    "too-long-to-write": ("midi", {"grooves": [beat(0, bars=64), beat(0)]}),
}  # fmt: skip
"""What is asked, and refused."""


CALLED_OFF = {"called-off": ("sample", {"n": 64, "seed": 1})}


@pytest.fixture(scope="module")
def answers(engine: Callable[..., list[Json]]) -> dict[str, Json]:
    """What the engine answers to all of them, in one go."""
    jobs = CALLED_OFF | JOBS | REFUSED
    return dict(zip(jobs, engine(list(jobs.values()), cancel=[0]), strict=True))


@pytest.mark.parametrize("name", JOBS)
def test_what_is_made_is_the_same(
    name: str, answers: dict[str, Json], serve: Callable[[str, Json], httpx.Response]
) -> None:
    verb, asked = JOBS[name]
    response = serve(verb, asked)
    assert response.status_code == 200, response.text
    assert "value" in answers[name], answers[name]
    if verb == "midi":
        assert answers[name]["value"] == response.content
    else:
        same(answers[name]["value"], response.json())


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_the_same(
    name: str, answers: dict[str, Json], serve: Callable[[str, Json], httpx.Response]
) -> None:
    theirs = serve(*REFUSED[name]).json()
    ours = answers[name]["problem"]
    assert ours["status"] == theirs["status"], (ours, theirs)
    assert ours["title"]
    assert ours["detail"]
    if theirs["status"] == 400:  # what does not fit the schema is told in pydantic's own words
        del ours["type"], theirs["type"]
        assert ours == theirs


def test_what_is_called_off_is_not_done(answers: dict[str, Json]) -> None:
    assert answers["called-off"].keys() == {"problem"}


def test_an_unknown_verb_is_refused(engine: Callable[..., list[Json]]) -> None:
    answers = engine([("toString", {}), ("__proto__", {}), ("sing", {})])
    assert [answer["problem"]["status"] for answer in answers] == [422, 422, 422]
