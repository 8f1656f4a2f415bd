"""Sampling near a groove, and like a part of the training data."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.latent import uniforms
from ghostnote.music.groove import Groove
from ghostnote.pipeline.sampling import Source, sample
from ghostnote.runtime import Runtime
from tests.latent_verbs.conftest import distance, groove_of


def test_as_far_as_can_be_is_any_draw(lively: Runtime, grooves: list[Groove]) -> None:
    any_draw = sample(4, seed=2, bpm=99, model=lively)
    assert sample(4, seed=2, bpm=99, near=grooves[0], radius=1, model=lively) == any_draw
    assert sample(4, seed=2, bpm=99, near=grooves[0], model=lively) != any_draw


def test_farther_is_farther_on_average(lively: Runtime) -> None:
    means = []
    for radius in (0.0, 0.25, 0.5, 1.0):
        apart = [
            distance(one, at)
            for seed in range(12)
            for one, at in zip(
                sample(4, seed=seed, near=groove_of(seed), radius=radius, model=lively),
                sample(4, seed=seed, near=groove_of(seed), radius=0, model=lively),
                strict=True,
            )
        ]
        means.append(np.mean(apart))
    assert means[0] == 0
    assert all(before < after for before, after in pairwise(means))


def test_each_groove_is_what_it_is_alone(lively: Runtime, grooves: list[Groove]) -> None:
    options: dict[str, Any] = {"seed": 1, "near": grooves[0], "radius": 0.4, "style": "any"}
    eight = sample(8, model=lively, **options)
    assert sample(1, start=5, model=lively, **options) == [eight[5]]
    assert sample(8, model=Runtime(lively.bundle, batch=3), **options) == eight
    assert len(set(eight)) == 8


def test_they_are_as_long_and_as_fast_as_what_they_are_near(lively: Runtime) -> None:
    near = groove_of(1, 1, bpm=141)
    assert [(one.bars, one.bpm) for one in sample(2, near=near, model=lively)] == [(1, 141)] * 2
    assert sample(1, near=near, bpm=80, model=lively)[0].bpm == 80


def test_a_longer_groove_is_refused(lively: Runtime) -> None:
    with pytest.raises(GrooveError, match=r"is 3 bars long; lively draws 2 .*\[:2\]"):
        sample(near=groove_of(1, 3), model=lively)
    with pytest.raises(GrooveError, match="3/4"):
        sample(near=Groove.silent(2, meter=(3, 4)), model=lively)


@pytest.mark.parametrize("radius", [-0.1, 1.1, float("nan")])
def test_a_radius_out_of_range_is_refused(
    lively: Runtime, grooves: list[Groove], radius: float
) -> None:
    with pytest.raises(ConfigError, match="radius"):
        sample(near=grooves[0], radius=radius, model=lively)


def test_a_part_is_drawn_like(lively: Runtime) -> None:
    plain = sample(4, seed=1, model=lively)
    (slow, fast) = (part for part in lively.bundle.parts if part.kind == "bpm")
    assert isinstance(slow.value, tuple)
    assert isinstance(fast.value, tuple)
    tempos = slow.value[0] + 10, fast.value[0]
    like = [sample(4, seed=1, bpm=bpm, model=lively) for bpm in tempos]
    assert [one.bpm for one in like[0]] == [tempos[0]] * 4
    assert [one.replace(bpm=lively.bundle.bpm) for one in like[0]] != plain
    assert [one.replace(bpm=tempos[0]) for one in like[1]] != like[0]
    assert like == [sample(4, seed=1, bpm=bpm, style="any", model=lively) for bpm in tempos]
    # The band is what counts, and none is taken where no tempo is asked for.
    near_by = sample(4, seed=1, bpm=tempos[1] + 1, model=lively)
    assert near_by == [one.replace(bpm=tempos[1] + 1) for one in like[1]]
    assert plain == sample(4, seed=1, style="any", model=lively)
    assert sample(4, seed=1, bpm=tempos[0], beat_type="beat", model=lively)[0].bpm == tempos[0]


def test_tempos_of_the_shipped_model_are_theirs(shipped: Runtime) -> None:
    """The faster, the fewer strokes of the closed hat, as in the training data."""
    hat = [
        np.mean([one.hits[:, 2].mean() for one in sample(64, bpm=bpm, model=shipped)])
        for bpm in (70, 90, 110, 180)
    ]
    assert hat == sorted(hat, reverse=True)
    assert hat[0] > 1.5 * hat[-1]


def test_styles_of_the_shipped_model_are_theirs(shipped: Runtime) -> None:
    """Draws of z have the mean that the style's training windows have, nearly."""
    bundle = shipped.bundle
    part = {name: bundle.prior_of(style=name) for name in ("jazz", "rock")}
    for name, prior in part.items():
        source = Source(prior)
        mean = prior.weights @ prior.means
        other = part["rock" if name == "jazz" else "jazz"]
        apart = mean - other.weights @ other.means
        assert np.linalg.norm(apart) > 0.5
        drawn = np.stack([source.draw(uniforms(0, i, prior.n_uniforms)) for i in range(500)])
        assert (drawn.mean(0) - mean) @ apart / (apart @ apart) == pytest.approx(0, abs=0.25)
    rides = []
    for style in ("jazz", "rock", "hiphop"):
        hits = np.stack([one.hits for one in sample(48, style=style, model=shipped)])
        rides.append(hits[..., 8].mean() / hits[..., 2].mean())
    assert rides[0] > rides[1] > rides[2]  # the ride over the hat, as in the training data


def test_an_unknown_part_is_refused(lively: Runtime) -> None:
    with pytest.raises(ConfigError, match="no style 'polka'"):
        sample(style="polka", model=lively)
    with pytest.raises(ConfigError, match="no beat type 'pause'"):
        sample(beat_type="pause", model=lively)


def test_a_bundle_of_before_says_what_it_lacks(tiny_bundle: Bundle, grooves: list[Groove]) -> None:
    config = {key: value for key, value in tiny_bundle.config.items() if key != "parts"}
    old = Bundle(tiny_bundle.path, config)
    with pytest.raises(BundleError, match="ghostnote export"):
        sample(style="rock", model=old)
    assert sample(1, near=grooves[0], model=old)
