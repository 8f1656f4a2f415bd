"""Humanising: the hits stay what they are, and nobody hears where a window ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote import humanize, infill
from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.latent import Prior
from ghostnote.music.groove import Groove
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.models import model_for
from ghostnote.runtime import Runtime

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


def rock(bars: int) -> Groove:
    """One bar, over and over, so that bars differ in nothing but where windows begin."""
    hits = np.zeros((16, 9), bool)
    hits[[0, 7, 8], 0] = hits[[4, 12], 1] = hits[::2, 2] = True
    whole = np.tile(hits, (bars, 1))
    return Groove.from_cells(whole, 0.6 * whole, 0.0 * whole)


def seam_p_value(groove: Groove, *, permutations: int = 2000) -> float:
    """How likely it is that bars at an edge differ so much from the others by chance.

    Windows of four bars begin at every second bar: bars 2, 4, 6 … are the first that a window
    writes, bars 3, 5, 7 … are inside. Compared are, of the first beat of a bar, the mean and the
    spread of velocity and offset, and how far they are from those of the last beat before; the
    largest of the differences, each in its own standard deviations, against the same with the bars
    shuffled.
    """
    bars = groove.bars
    cells = groove.hits[:16]
    features = []
    for values in (groove.velocity, groove.offset):
        of_bar = values.reshape(bars, 16, 9)
        first = of_bar[:, :4][:, cells[:4]]
        last = of_bar[:, 12:][:, cells[12:]].mean(1)
        centred = first - first[2:].mean(0)
        step = np.abs(first[1:].mean(1) - last[:-1])
        features += [first[2:], np.abs(centred[2:]), step[1:, None]]
    table = np.concatenate(features, axis=1)
    table = (table - table.mean(0)) / table.std(0)
    edge = np.arange(2, bars) % 2 == 0

    def largest(at_edge: npt.NDArray[np.bool_]) -> float:
        return float(np.abs(table[at_edge].mean(0) - table[~at_edge].mean(0)).max())

    random = np.random.default_rng(0)
    found = largest(edge)
    return float(np.mean([largest(random.permutation(edge)) >= found for _ in range(permutations)]))


@pytest.fixture(scope="module")
def long() -> Groove:
    """What the shipped model makes of 200 equal bars."""
    return humanize(rock(200), seed=0)


def test_no_seam_can_be_found(long: Groove) -> None:
    assert seam_p_value(long) > 0.05


def test_a_seam_would_be_found(long: Groove) -> None:
    """The same, with the first beats at the edges 0.06 of a step late, or 0.06 louder."""
    edge = 0.06 * ((np.arange(long.steps) % 32 < 4)[:, None] & long.hits)
    late, loud = np.clip(long.offset + edge, -0.5, 0.4999), np.clip(long.velocity + edge, 0, 1)
    assert seam_p_value(Groove.from_cells(long.hits, long.velocity, late)) < 0.01
    assert seam_p_value(Groove.from_cells(long.hits, loud, long.offset)) < 0.01


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
