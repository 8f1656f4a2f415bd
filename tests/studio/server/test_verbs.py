"""Each verb gives what the pipeline gives, to the bit."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from ghostnote.bundle import shipped as shipped_names
from ghostnote.music.grid import to_groove, to_performance
from ghostnote.music.groove import Groove, concatenate
from ghostnote.music.kit import VOICES, builtin_map, load_map
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
from ghostnote.render.audio import mix, timed_hits
from ghostnote.render.kit import load_kit
from ghostnote.runtime import Runtime
from ghostnote.studio import schemas
from ghostnote.studio.gate import API
from ghostnote.studio.values import groove_of, plain

from .conftest import assert_problem

Json = dict[str, Any]
Ask = Callable[..., Json]
Shipped = Callable[[str], Runtime]


def back(value: Json) -> Groove:
    return groove_of(schemas.Groove.model_validate(value))


@pytest.fixture(scope="module")
def main(shipped: Shipped) -> Runtime:
    return shipped("groove-4bar")


@pytest.fixture(scope="module")
def grooves(loops: list[Json]) -> list[Groove]:
    return [back(loop) for loop in loops]


def test_sample(ask: Ask, main: Runtime) -> None:
    answer = ask("sample", n=3, seed=5)
    assert {key: answer[key] for key in ("model", "seed", "temperature")} == {
        "model": "groove-4bar", "seed": 5, "temperature": 0.7,
    }  # fmt: skip
    expected = sampling.sample(3, seed=5, model=main)
    assert answer["grooves"] == [plain(groove) for groove in expected]
    (later,) = ask("sample", seed=5, start=2)["grooves"]
    assert later == answer["grooves"][2]


def test_sample_like_a_part_of_the_data(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    (jazz,) = ask("sample", seed=2**53 - 1, style="jazz", beat_type="beat", bpm=130)["grooves"]
    drawn = sampling.sample(seed=2**53 - 1, style="jazz", beat_type="beat", bpm=130, model=main)
    assert back(jazz) == drawn[0]
    near = ask("sample", near=plain(grooves[0]), radius=0.2, temperature=0)
    drawn = sampling.sample(near=grooves[0], radius=0.2, temperature=0, model=main)
    assert near["temperature"] == 0
    assert [back(one) for one in near["grooves"]] == drawn


@pytest.mark.parametrize(("bars", "fill"), [(2, None), (6, None), (8, 4)])
def test_sample_of_any_length(
    ask: Ask, main: Runtime, shipped: Shipped, bars: int, fill: int | None
) -> None:
    answer = ask("sample", n=2, seed=3, bars=bars, **({"fill_every": fill} if fill else {}))
    four = sampling.sample(2, seed=3, model=main)
    infill = shipped("infill-4bar")
    expected = continuing.lengthen(four, bars, fill_every=fill, seed=3, model=infill)
    assert [back(one) for one in answer["grooves"]] == expected


def test_groove_i_of_a_seed_is_the_same_at_any_length(ask: Ask) -> None:
    whole = ask("sample", n=3, seed=9, bars=6)["grooves"]
    assert ask("sample", seed=9, start=2, bars=6)["grooves"] == whole[2:]


def test_vary(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    answer = ask("vary", groove=plain(grooves[0]), n=3, distance=0.4, seed=8)
    expected = variation.vary(grooves[0], 3, distance=0.4, seed=8, model=main)
    assert [back(one) for one in answer["grooves"]] == expected


def test_interpolate(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    answer = ask("interpolate", a=plain(grooves[0]), b=plain(grooves[1]), n=4)
    expected = interpolation.interpolate(grooves[0], grooves[1], 4, model=main)
    assert [back(one) for one in answer["grooves"]] == expected
    assert answer["temperature"] == 0


def test_blend(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    corners = [plain(groove) for groove in grooves]
    answer = ask("blend", corners=corners, x=0.25, y=0.75, temperature=0.5, seed=1)
    expected = interpolation.blend(grooves, 0.25, 0.75, temperature=0.5, seed=1, model=main)
    assert back(answer["groove"]) == expected


def test_place(ask: Ask, main: Runtime) -> None:
    answer = ask("place", x=1.5, y=-0.5, bpm=97.5, seed=6)
    plane = maps.map_styles(model=main)
    expected = maps.place(plane, 1.5, -0.5, bpm=97.5, seed=6, model=main)
    assert back(answer["groove"]) == expected
    assert answer["temperature"] == 0.7


def test_reconstruct(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    answer = ask("reconstruct", groove=plain(grooves[0]))
    expected = reconstruction.reconstruct(grooves[0], model=main)
    assert back(answer["groove"]) == expected.groove
    assert answer["bits"] == list(expected.bits)


def test_humanize(ask: Ask, shipped: Shipped, grooves: list[Groove]) -> None:
    answer = ask("humanize", groove=plain(grooves[0]), strength=0.5, keep=["timing"], seed=4)
    expected = humanising.humanize(
        grooves[0], strength=0.5, keep=["timing"], seed=4, model=shipped("humanize-4bar")
    )
    assert answer["model"] == "humanize-4bar"
    assert back(answer["groove"]) == expected


def test_tap(ask: Ask, shipped: Shipped, grooves: list[Groove]) -> None:
    model = shipped("tap-4bar")
    times = [0, 0.5, 0.75, 1.25, 1.5]
    rhythm, _ = tapping.rhythm_at(times, 120)
    assert back(ask("tap", times=times, bpm=120)["groove"]) == tapping.tap(rhythm, model=model)
    expected = tapping.tap(grooves[1], seed=2, model=model)
    assert back(ask("tap", groove=plain(grooves[1]), seed=2)["groove"]) == expected


def test_infill(ask: Ask, shipped: Shipped, grooves: list[Groove]) -> None:
    keep = {"voices": ["kick"], "bars": [1], "cells": [[0, 8], [63, 2]]}
    answer = ask("infill", groove=plain(grooves[0]), keep=keep, seed=1)
    kept = np.zeros((64, 9), bool)
    kept[:, 0] = True
    kept[16:32] = True
    kept[0, 8] = kept[63, 2] = True
    expected = infilling.infill(grooves[0], kept, seed=1, model=shipped("infill-4bar"))
    assert back(answer["groove"]) == expected


def test_continue(ask: Ask, shipped: Shipped, grooves: list[Groove]) -> None:
    answer = ask("continue", groove=plain(grooves[0]), bars=5, fill_every=4, seed=1)
    expected = continuing.continue_(
        grooves[0], 5, fill_every=4, seed=1, model=shipped("infill-4bar")
    )
    assert back(answer["groove"]) == expected
    assert expected.bars == 9


def test_attribute(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    answer = ask("attribute", groove=plain(grooves[0]), amounts={"density": 1.5, "swing": -1})
    known = main.bundle.directions
    shift = known["density"].shift(1.5) + known["swing"].shift(-1)
    assert back(answer["groove"]) == attributes.moved(grooves[0], shift, model=main)


def test_score(ask: Ask, main: Runtime, grooves: list[Groove]) -> None:
    answer = ask("score", groove=plain(grooves[0]))
    expected = scoring.score(grooves[0], model=main)
    assert answer["bits"] == pytest.approx(expected.by_bar.sum(1))
    step, voice, bits = map(np.array, zip(*answer["cells"], strict=True))
    assert len(step) == 64 * 9
    np.testing.assert_array_equal(bits.astype(np.float32), expected.cells[step, voice])


def test_models(client: httpx.Client, main: Runtime) -> None:
    answer = client.get(f"{API}models").json()
    models = {model["name"]: model for model in answer["models"]}
    assert sorted(models) == shipped_names()
    default_for = {verb: name for name in models for verb in models[name]["default_for"]}
    assert default_for["humanize"] == "humanize-4bar"
    assert default_for["infill"] == default_for["continue"] == "infill-4bar"
    assert default_for["sample"] == default_for["map"] == "groove-4bar"
    assert models["groove-4bar"]["attributes"] == list(main.bundle.directions)
    assert {"jazz", "rock"} <= set(models["groove-4bar"]["styles"])
    assert models["groove-4bar"]["beat_types"] == ["beat", "fill"]


def test_another_model_than_the_default(ask: Ask, shipped: Shipped) -> None:
    answer = ask("sample", model="infill-4bar", seed=3, bars=6)
    four = sampling.sample(seed=3, model=shipped("infill-4bar"))
    assert answer["model"] == "infill-4bar"
    expected = continuing.lengthen(four, 6, seed=3, model=shipped("infill-4bar"))
    assert [back(one) for one in answer["grooves"]] == expected


def test_map(client: httpx.Client, main: Runtime) -> None:
    answer = client.get(f"{API}map").json()
    plane = maps.map_styles(model=main)
    points = np.array(answer["points"])
    np.testing.assert_allclose(points[:, :2], plane.points)
    assert [answer["styles"][int(style)] for style in points[:, 2]] == list(plane.styles)
    assert answer["extent"]["x"] == [points[:, 0].min(), points[:, 0].max()]
    assert answer["extent"]["y"] == [points[:, 1].min(), points[:, 1].max()]
    other = client.get(f"{API}map", params={"model": "tap-4bar"}).json()
    assert other["points"] != answer["points"]


def test_kit(client: httpx.Client) -> None:
    kit = client.get(f"{API}kit").json()
    loaded = load_kit()
    assert [voice["name"] for voice in kit["voices"]] == list(VOICES)
    assert kit["voices"][3]["choked_by"] == ["closed hat", "open hat"]
    for told, voice in zip(kit["voices"], loaded.voices, strict=True):
        assert told["pan"] == voice.pan
        for layer, known in zip(told["layers"], voice.layers, strict=True):
            assert layer["gain"] == known.gain
            assert layer["up_to"] == known.up_to
            sample = client.get(f"kit/{layer['file']}")
            assert sample.headers["content-type"] == "audio/wav"
            assert sample.content == known.file.read_bytes()


def test_midi(client: httpx.Client, loops: list[Json], grooves: list[Groove]) -> None:
    response = client.post(f"{API}midi", json={"grooves": loops[:2], "bpm": 99})
    assert response.headers["content-type"] == "audio/midi"
    joined = concatenate(groove.replace(bpm=99) for groove in grooves[:2])
    assert response.content == midi_bytes(to_performance(joined, builtin_map("gm")))


def test_read(client: httpx.Client, loops: list[Json]) -> None:
    content = client.post(f"{API}midi", json={"grooves": loops[:1]}).content
    answer = client.post(f"{API}read", content=content).json()
    groove, report = to_groove(parse_midi(content), load_map("ghostnote"))
    assert back(answer["groove"]) == groove
    assert answer["report"] == {**vars(report), "unmapped": {}, "bars_cut": 0}
    assert answer["remarks"] == [str(report)]


def test_of_a_long_file_the_first_bars_are_read_and_the_rest_is_counted(
    client: httpx.Client, grooves: list[Groove]
) -> None:
    long = concatenate([grooves[0]] * 20)
    content = midi_bytes(to_performance(long, builtin_map("gm")))
    answer = client.post(f"{API}read", content=content).json()
    assert answer["groove"]["bars"] == 64
    assert answer["report"]["bars_cut"] == 16
    assert answer["remarks"][-1] == "its first 64 bars; 16 left out"


def test_wav(client: httpx.Client, loops: list[Json], grooves: list[Groove]) -> None:
    response = client.post(f"{API}wav", json={"grooves": loops[:1]})
    assert response.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(response.content)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        assert file.getframerate() == 44_100
    expected = mix(timed_hits(grooves[0]), load_kit()).samples
    np.testing.assert_allclose(frames / 32767, expected, atol=1 / 32767)


GROOVE: Json = {"bars": 1, "hits": [[0, 0, 1, 0]]}


@pytest.mark.parametrize(
    ("verb", "request_", "detail", "remedy"),
    [
        ("sample", {"style": "polka"}, "knows no style 'polka'", "one of: any, afrobeat"),
        ("sample", {"model": "../../etc/passwd"}, "there is no model", "one of: groove-4bar"),
        ("sample", {"near": {"bars": 5, "hits": []}}, "is 5 bars long", "give 4 bars of it"),
        ("vary", {"groove": GROOVE | {"meter": [3, 4]}}, "knows 4/4 alone", "another|model"),
        ("vary", {"groove": {"bars": 1, "hits": [[16, 0, 1, 0]]}}, "step 16", "0 to 15"),
        ("interpolate", {"a": GROOVE, "b": GROOVE | {"bars": 2}}, "nothing between", "cut them"),
        ("tap", {}, "taps are a groove or times", "give one"),
        ("tap", {"times": [1], "groove": GROOVE}, "taps are a groove or times", "give one"),
        ("tap", {"times": [1]}, "need a tempo", "give bpm"),
        ("tap", {"times": [], "bpm": 90}, "there is no tap", "give"),
        ("tap", {"times": [400], "bpm": 90}, "bars are too many", "at most 64"),
        ("tap", {"groove": GROOVE, "model": "groove-4bar"}, "was taught identity", "use a model"),
        ("infill", {"groove": GROOVE, "keep": {"bars": [1]}}, "there is no bar 1", "0 to 0"),
        ("infill", {"groove": GROOVE, "keep": {"cells": [[16, 0]]}}, "no step 16", "0 to 15"),
        ("continue", {"groove": GROOVE, "bars": 64}, "are 65", "at most 64"),
        ("attribute", {"groove": GROOVE, "amounts": {"funk": 1}}, "no direction 'funk'", "density"),
        ("midi", {"grooves": [GROOVE | {"bars": 40}] * 2}, "80 bars", "at most 64"),
        ("midi", {"grooves": [GROOVE], "bpm": 1}, "slower than MIDI", "at least"),
        ("wav", {"grooves": [GROOVE | {"bars": 64}], "bpm": 5}, "minutes", "at most 10 minutes"),
    ],
)
def test_what_cannot_be_done_is_told_as_the_command_line_tells_it(
    client: httpx.Client, verb: str, request_: Json, detail: str, remedy: str
) -> None:
    told = assert_problem(client.post(f"{API}{verb}", json=request_), 400)
    assert detail in told["detail"]
    assert any(word in told["remedy"] for word in remedy.split("|"))


@pytest.mark.parametrize("content", [b"", b"MThd", b"no MIDI", bytes(1000)])
def test_what_is_no_midi_is_refused(client: httpx.Client, content: bytes) -> None:
    assert assert_problem(client.post(f"{API}read", content=content), 400)["remedy"]


@pytest.mark.parametrize(
    ("verb", "request_", "where"),
    [
        ("sample", {"n": 0}, "n: "),
        ("sample", {"n": 65}, "n: "),
        ("sample", {"n": "1"}, "n: "),
        ("sample", {"n": True}, "n: "),
        ("sample", {"n": 1.5}, "n: "),
        ("sample", {"seed": -1}, "seed: "),
        ("sample", {"seed": 2**53}, "seed: "),
        ("sample", {"bars": 65}, "bars: "),
        ("sample", {"bpm": 0}, "bpm: "),
        ("sample", {"temperature": 11}, "temperature: "),
        ("sample", {"wild": 1}, "wild: "),
        ("sample", [], "body: "),
        ("vary", {}, "groove: "),
        ("vary", {"groove": {"bars": 65, "hits": []}}, "groove.bars: "),
        ("vary", {"groove": {"bars": 1, "hits": [[0, 9, 1, 0]]}}, "groove.hits.0.1: "),
        ("vary", {"groove": {"bars": 1, "hits": [[0, 0, 0, 0]]}}, "groove.hits.0.2: "),
        ("vary", {"groove": {"bars": 1, "hits": [[0, 0, 1, 0.5]]}}, "groove.hits.0.3: "),
        ("vary", {"groove": {"bars": 1, "hits": [[0, 0, 1]]}}, "groove.hits.0.3: "),
        ("blend", {"corners": [GROOVE] * 3, "x": 0, "y": 0}, "corners: "),
        ("blend", {"corners": [GROOVE] * 4, "x": 1.1, "y": 0}, "x: "),
        ("infill", {"groove": GROOVE, "keep": {"voices": ["triangle"]}}, "keep.voices.0: "),
        ("attribute", {"groove": GROOVE, "amounts": {"density": 3}}, "amounts.density: "),
        ("humanize", {"groove": GROOVE, "keep": ["hits"]}, "keep.0: "),
        ("midi", {"grooves": []}, "grooves: "),
    ],
)
def test_what_does_not_fit_the_schema_is_told_where(
    client: httpx.Client, verb: str, request_: Json | list[Json], where: str
) -> None:
    told = assert_problem(client.post(f"{API}{verb}", json=request_), 422)
    assert told["detail"].startswith(where)
    assert "openapi.json" in told["remedy"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b'{"n": NaN}', 422),
        (b'{"bpm": 1e999}', 422),
        (b'{"style": "\\ud800"}', 422),
        (b"\xff\xfe", 422),
        (b'{"style": "\xff"}', 400),
        (b"[" * 100_000, 400),
        (b'{"n": ' + b"9" * 6000 + b"}", 400),
    ],
)
def test_json_that_is_none_is_refused(client: httpx.Client, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(client.post(f"{API}sample", content=content, headers=headers), status)


def test_many_errors_are_counted(client: httpx.Client) -> None:
    groove = {"bars": 1, "hits": [[0, 9, 0, 1]] * 10}
    told = assert_problem(client.post(f"{API}vary", json={"groove": groove}), 422)
    assert told["detail"].endswith("; and 27 more")
    assert len(told["detail"]) < 500
