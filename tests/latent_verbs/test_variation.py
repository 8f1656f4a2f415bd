"""Vary: from subtle to far, each a function of the seed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError, GrooveError
from ghostnote.music.groove import Groove, concatenate
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import sample
from ghostnote.pipeline.variation import vary
from ghostnote.runtime import Runtime
from tests.latent_verbs.conftest import distance, groove_of, untrained


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_no_distance_is_the_reconstruction(
    lively: Runtime, grooves: list[Groove], temperature: float
) -> None:
    for groove in (*grooves, groove_of(9, 5)):
        wanted = reconstruct(groove, model=lively, temperature=temperature, seed=3).groove
        given = vary(groove, 3, distance=0, model=lively, temperature=temperature, seed=3)
        assert given == [wanted] * 3


def test_variations_are_as_long_as_the_groove_and_as_fast(lively: Runtime) -> None:
    for bars in (1, 2, 3, 6):
        groove = groove_of(bars, bars, bpm=77)
        made = vary(groove, 3, model=lively)
        assert [(one.bars, one.bpm, one.meter) for one in made] == [(bars, 77, (4, 4))] * 3


def test_they_are_sorted_by_what_changes(shipped: Runtime) -> None:
    for groove in sample(4, model=shipped):
        changes = [distance(groove, one) for one in vary(groove, 8, distance=0.9, model=shipped)]
        assert changes == sorted(changes)
        assert changes[0] < changes[-1]


def test_farther_is_farther_on_average(shipped: Runtime) -> None:
    means = []
    played = sample(16, model=shipped)
    for far in (0.0, 0.1, 0.25, 0.5, 1.0):
        changes = []
        for seed, groove in enumerate(played):
            same = reconstruct(groove, model=shipped).groove
            (other,) = vary(groove, 1, distance=far, seed=seed, model=shipped)
            changes.append(distance(same, other))
        means.append(np.mean(changes))
    assert means[0] == 0
    assert all(before < after for before, after in pairwise(means))


def test_the_same_seed_is_the_same_whatever_the_batch(
    lively: Runtime, grooves: list[Groove]
) -> None:
    groove = groove_of(1, 7)
    made = vary(groove, 9, seed=5, temperature=0.7, model=lively)
    for batch in (1, 4, 256):
        other = Runtime(lively.bundle, batch=batch)
        assert vary(groove, 9, seed=5, temperature=0.7, model=other) == made
    assert vary(groove, 9, seed=6, temperature=0.7, model=lively) != made
    alone = [vary(one, 2, seed=5, model=lively) for one in grooves]
    assert [vary(one, 2, seed=5, model=lively) for one in grooves[::-1]] == alone[::-1]


def test_many_are_decoded_in_parts(
    lively: Runtime, grooves: list[Groove], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ghostnote.pipeline import latents

    made = vary(grooves[0], 7, model=lively)
    monkeypatch.setattr(latents, "AT_ONCE", 3)
    assert vary(grooves[0], 7, model=lively) == made


def test_what_repeats_repeats_in_a_variation(lively: Runtime, grooves: list[Groove]) -> None:
    twice = concatenate([grooves[0], grooves[0]])
    for one in vary(twice, 4, distance=0.8, model=lively):
        assert one[:2] == one[2:]


def test_a_model_that_is_told_the_hits_varies_how_they_are_played(
    make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory,
    grooves: list[Groove],
) -> None:  # fmt: skip
    model = make_model("flat", latent=6, controls=9)
    bundle = untrained(model, tiny_bundle, tmp_path_factory, task="hits-control")
    made = vary(grooves[0], 3, distance=1, temperature=1, model=bundle)
    assert len(set(made)) == 3
    assert vary(grooves[0], 1, distance=0, model=bundle) == [
        reconstruct(grooves[0], model=bundle).groove
    ]


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"distance": -0.1}, {"distance": 1.1}, {"distance": float("nan")},
              {"seed": -1}, {"temperature": 11}], ids=str,
)  # fmt: skip
def test_numbers_out_of_range_are_refused(
    lively: Runtime, grooves: list[Groove], wrong: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError):
        vary(grooves[0], model=lively, **wrong)


def test_another_meter_is_refused(lively: Runtime) -> None:
    with pytest.raises(GrooveError, match="3/4"):
        vary(Groove.silent(2, meter=(3, 4)), model=lively)
