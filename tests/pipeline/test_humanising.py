"""Humanising: the hits stay what they are, and nobody hears where a window ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostnote import humanize, infill, sample
from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.latent import Prior
from ghostnote.music.groove import Groove
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.models import model_for
from ghostnote.runtime import Runtime
from tests.pipeline.seams import LOOPS, seam_p_value, shifted

Play = Callable[..., Groove]
Taught = Callable[..., Bundle]
LENGTHS = (1, 2, 3, 4, 5, 8, 11)


@pytest.fixture(scope="module", params=["humanize", "identity", "mixture"])
def runtime(request: pytest.FixtureRequest, taught: Taught) -> Runtime:
    if request.param == "mixture":
        return Runtime(request.getfixturevalue("mixture_bundle"))
    return Runtime(taught(request.param))


@pytest.mark.parametrize("bars", LENGTHS)
def test_the_hits_are_identical(runtime: Runtime, played: Play, bars: int) -> None:
    groove = played(bars, bpm=93)
    result = humanize(groove, seed=1, model=runtime)
    assert np.array_equal(result.hits, groove.hits)
    assert (result.bpm, result.meter) == (groove.bpm, groove.meter)
    changed = result.velocity[groove.hits] != groove.velocity[groove.hits]
    assert changed.mean() > 0.9
    assert (result.offset[groove.hits] != groove.offset[groove.hits]).mean() > 0.9


@pytest.mark.parametrize("bars", LENGTHS)
def test_no_strength_gives_the_input_back(runtime: Runtime, played: Play, bars: int) -> None:
    groove = played(bars)
    assert humanize(groove, strength=0, model=runtime) == groove


def test_strength_blends(runtime: Runtime, played: Play) -> None:
    groove = played(5)
    whole = humanize(groove, model=runtime)
    for strength in (0.25, 0.5):
        part = humanize(groove, strength=strength, model=runtime)
        for name in ("velocity", "offset"):
            old, new = getattr(groove, name), getattr(whole, name)
            assert np.allclose(getattr(part, name), old + strength * (new - old), atol=1e-6)


def test_velocity_or_timing_can_be_kept(runtime: Runtime, played: Play) -> None:
    groove = played(5)
    whole = humanize(groove, model=runtime)
    quiet = humanize(groove, keep=["velocity"], model=runtime)
    assert np.array_equal(quiet.velocity, groove.velocity)
    assert np.array_equal(quiet.offset, whole.offset)
    strict = humanize(groove, keep=["timing"], model=runtime)
    assert np.array_equal(strict.velocity, whole.velocity)
    assert np.array_equal(strict.offset, groove.offset)
    assert humanize(groove, keep=["timing", "velocity"], model=runtime) == groove


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_each_groove_is_what_it_is_alone(runtime: Runtime, played: Play, batch: int) -> None:
    grooves = [played(bars, seed=bars) for bars in (8, 1, 5, 2, 8)]
    together = humanize_all(grooves, seed=4, start=7, model=Runtime(runtime.bundle, batch=batch))
    alone = [
        humanize(groove, seed=4, index=7 + place, model=runtime)
        for place, groove in enumerate(grooves)
    ]
    assert together == alone
    again = humanize_all([grooves[0], grooves[0]], seed=4, model=runtime)
    assert again[0] != again[1]
    cold = humanize_all(grooves, temperature=0, model=Runtime(runtime.bundle, batch=batch))
    assert cold == [humanize(groove, temperature=0, model=runtime) for groove in grooves]


def test_what_comes_later_changes_nothing_before_its_window(taught: Taught, played: Play) -> None:
    model = taught("humanize")  # of two bars, which begin bar by bar
    groove, other = played(8), played(8, seed=5)
    mixed = groove[:6] + other[6:]
    assert humanize(groove, model=model)[:5] == humanize(mixed, model=model)[:5]


def test_velocities_are_not_read(taught: Taught, played: Play) -> None:
    """A model that was taught to humanise plays the hits, however they were played."""
    groove = played(6)
    stiff = Groove.from_cells(groove.hits, groove.hits * 0.5, groove.hits * 0.0)
    model = taught("humanize")
    assert humanize(groove, model=model) == humanize(stiff, model=model)


def test_cold_is_the_same_for_all_seeds(taught: Taught, played: Play) -> None:
    model, groove = taught("humanize"), played(6)
    one, two = (humanize(groove, temperature=0, seed=seed, model=model) for seed in (1, 2))
    assert one == two
    assert one != humanize(groove, temperature=0, spread=1, model=model)


def test_cold_is_the_mean_of_all_windows_that_hold_a_hit(taught: Taught, played: Play) -> None:
    model, groove = taught("humanize"), played(5)  # of two bars
    whole = humanize(groove, temperature=0, model=model)
    parts = [humanize(groove[bar : bar + 2], temperature=0, model=model) for bar in range(4)]
    for bar in range(5):
        said = [parts[begin][bar - begin : bar - begin + 1] for begin in (bar - 1, bar)
                if 0 <= begin < 4]  # fmt: skip
        for name in ("velocity", "offset"):
            mean = np.mean([getattr(one, name) for one in said], axis=0)
            assert np.allclose(getattr(whole[bar : bar + 1], name), mean, atol=1e-6)


def test_of_the_likeliest_timing_is_played_what_the_bundle_says(
    taught: Taught, played: Play
) -> None:
    model, groove = taught("humanize"), played(3)
    half = Bundle(
        model.path, {**model.config, "sampling": {**model.config["sampling"], "timing": 0.5}}
    )
    plain, less = (humanize(groove, temperature=0, model=each) for each in (model, half))
    assert np.array_equal(less.velocity, plain.velocity)
    assert np.allclose(less.offset, 0.5 * plain.offset, atol=1e-7)
    assert humanize(groove, model=half) == humanize(groove, model=model)  # when it is drawn, all


def test_what_cannot_be_done_is_refused(taught: Taught, played: Play) -> None:
    groove = played(2)
    model = taught("humanize")
    for wrong in ({"strength": 1.01}, {"strength": float("nan")}, {"keep": ["hits"]},
                  {"spread": -1}, {"temperature": 11}, {"seed": -1}):  # fmt: skip
        with pytest.raises(ConfigError):
            humanize(groove, model=model, **wrong)  # type: ignore[arg-type]
    waltz = Groove.silent(4, meter=(3, 4))
    with pytest.raises(GrooveError, match="3/4"):
        humanize(waltz, model=model)
    with pytest.raises(BundleError, match="tap"):
        humanize(groove, model=taught("tap"))


def test_there_is_a_shipped_model() -> None:
    assert model_for("humanize").task.kind in {"humanize", "mixture", "identity"}


# -- seams -----------------------------------------------------------------------------------


EDGES = (4, 6, 8, 10)


@pytest.fixture(scope="module")
def humanised() -> list[Groove]:
    """What the shipped model makes of bars that are repeated twelve times.

    So that bars differ in nothing but where windows begin.
    """
    stiff = []
    for loop in sample(LOOPS, seed=0):
        hits = np.tile(loop[:1].hits, (12, 1))
        stiff.append(Groove.from_cells(hits, 0.6 * hits, 0.0 * hits))
    return humanize_all(stiff, seed=0, model="humanize-4bar")


def test_no_seam_can_be_found(humanised: list[Groove]) -> None:
    assert seam_p_value(humanised, EDGES) > 0.01


@pytest.mark.parametrize("part", ["velocity", "offset"])
def test_a_seam_would_be_found(humanised: list[Groove], part: str) -> None:
    assert seam_p_value(shifted(humanised, EDGES, **{part: 0.05}), EDGES) < 0.01


@pytest.mark.parametrize("head", ["squared-error", "categorical"])
def test_other_heads(
    head: str, make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path: Path, played: Play
) -> None:
    """The original's output is played as well; one of hits alone has nothing to play with."""
    from ghostnote.export.bundle import save_latent
    from ghostnote.export.graph import decoder_graph, encoder_graph

    model = make_model("flat", head)
    normal = Prior(
        np.ones(1, np.float32), np.zeros((1, 8), np.float32), np.eye(8, dtype=np.float32)[None]
    )
    files = {
        "encoder.onnx": encoder_graph(model).SerializeToString(),
        "decoder.onnx": decoder_graph(model).SerializeToString(),
        "latent.safetensors": save_latent(normal, np.zeros(0, np.uint64)),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    config = {
        **tiny_bundle.config,
        "parts": [],
        "attributes": [],
        "model": {**tiny_bundle.config["model"], "latent": 8, "head": {"kind": head}},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    bundle, groove = Bundle(tmp_path, config), played(3)
    if head == "categorical":
        with pytest.raises(BundleError, match="without velocity"):
            humanize(groove, model=bundle)
    else:
        result = humanize(groove, model=bundle)
        assert np.array_equal(result.hits, groove.hits)
        assert result != groove
        assert humanize(groove, strength=0, model=bundle) == groove
    keep = np.arange(9) < 4
    filled = infill(groove, keep, model=bundle)
    assert np.array_equal(filled.hits[:, keep], groove.hits[:, keep])
    assert np.array_equal(filled.velocity[:, keep], groove.velocity[:, keep])
    assert np.array_equal(filled.offset[:, keep], groove.offset[:, keep])
