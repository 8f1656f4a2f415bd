"""One seed is one outcome, for every verb: whatever is done beside it, in batches of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.directions import Direction
from ghostnote.music.groove import Groove
from ghostnote.pipeline.attributes import attribute
from ghostnote.pipeline.continuing import continue_all
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.infilling import cells, infill_all
from ghostnote.pipeline.interpolation import blend, grid, interpolate
from ghostnote.pipeline.map import map_styles, place
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import sample
from ghostnote.pipeline.scoring import score
from ghostnote.pipeline.tapping import tap_all
from ghostnote.pipeline.variation import vary
from ghostnote.runtime import Runtime

Verb = Callable[[list[Groove], Runtime, int], list[Any]]
"""Grooves, a model and a seed → what is made of each."""


def grooves(n: int) -> list[Groove]:
    """Of five bars each, so that windows of two do not fit."""
    made = []
    for seed in range(n):
        random = np.random.default_rng(seed)
        hits = random.random((80, 9)) < 0.2
        velocity = random.integers(20, 128, hits.shape) / 127
        offset = random.integers(-50, 50, hits.shape) / 120
        made.append(Groove.from_cells(hits, velocity * hits, offset * hits, bpm=90 + seed))
    return made


def far(runtime: Runtime) -> Direction:
    return Direction("far", np.linspace(-1, 1, runtime.bundle.latent).astype(np.float32))


def each(verb: Callable[..., Any], **options: Any) -> Verb:
    return lambda some, model, seed: [verb(one, model=model, seed=seed, **options) for one in some]


def all_at_once(verb: Callable[..., list[Groove]], **options: Any) -> Verb:
    """A verb that takes many; groove i is drawn with index i."""
    return lambda some, model, seed: verb(some, model=model, seed=seed, **options)


def scored(some: list[Groove], model: Runtime, seed: int) -> list[Any]:
    found = [score(one, model=model, seed=seed) for one in some]
    return [(one.hits.tobytes(), one.velocity.tobytes(), one.offset.tobytes()) for one in found]


VERBS: dict[str, tuple[str, Verb]] = {
    "sample": ("identity", lambda some, model, seed: sample(len(some), seed=seed, model=model)),
    "sample near": (
        "identity", lambda some, model, seed: sample(
            len(some), near=grooves(1)[0][:2], seed=seed, model=model),
    ),
    "reconstruct": ("identity", each(reconstruct, temperature=1.0)),
    "vary": ("identity", each(vary, n=3, temperature=1.0)),
    "interpolate": (
        "identity", lambda some, model, seed: [
            interpolate(one, some[0], 3, temperature=1.0, seed=seed, model=model) for one in some],
    ),
    "grid": (
        "identity", lambda some, model, seed: [
            grid([some[0], one, one, some[0]], 2, 3, temperature=1.0, seed=seed, model=model)
            for one in some],
    ),
    "blend": (
        "identity", lambda some, model, seed: [
            blend([some[0], one, one, some[0]], 0.3, 0.6, temperature=1.0, seed=seed, model=model)
            for one in some],
    ),
    "place": (
        "identity", lambda some, model, seed: [
            place(map_styles(4, model=model), 0.1 * number, 0.2, seed=seed, model=model)
            for number in range(len(some))],
    ),
    "attribute": (
        "identity", lambda some, model, seed: [
            attribute(one, far(model), 1.5, seed=seed, model=model) for one in some],
    ),
    "score": ("identity", scored),
    "humanize": ("humanize", all_at_once(humanize_all, spread=1.0)),
    "tap": ("tap", all_at_once(tap_all, spread=1.0)),
    "infill": (
        "infill", lambda some, model, seed: infill_all(
            some, [cells(one, voices=["kick"]) for one in some], seed=seed, model=model),
    ),
    "continue": ("infill", all_at_once(continue_all, bars=3)),
}  # fmt: skip


def plain(made: list[Any]) -> list[Any]:
    """Reconstructions as their grooves."""
    return [getattr(one, "groove", one) for one in made]


@pytest.mark.parametrize("name", VERBS)
def test_a_batch_of_one_or_of_many(name: str, taught: Callable[..., Bundle]) -> None:
    kind, verb = VERBS[name]
    one, many = (
        plain(verb(grooves(20), Runtime(taught(kind), batch=size), 3)) for size in (1, 256)
    )
    assert one == many


@pytest.mark.parametrize("name", VERBS)
def test_the_first_of_many_is_the_one_alone(name: str, taught: Callable[..., Bundle]) -> None:
    kind, verb = VERBS[name]
    runtime = Runtime(taught(kind))
    alone, beside = (plain(verb(grooves(n), runtime, 3))[0] for n in (1, 20))
    assert alone == beside


@pytest.mark.parametrize("name", [name for name in VERBS if name != "score"])
def test_another_seed_is_another_outcome(name: str, taught: Callable[..., Bundle]) -> None:
    kind, verb = VERBS[name]
    runtime = Runtime(taught(kind))
    one, again, other = (plain(verb(grooves(6), runtime, seed)) for seed in (3, 3, 4))
    assert one == again
    assert one != other
