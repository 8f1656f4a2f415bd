"""Grooves as JSON: nothing is lost on the way there and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostnote.errors import GrooveError
from ghostnote.music.groove import Groove
from ghostnote.studio import schemas
from ghostnote.studio.values import groove_of, plain


@st.composite
def grooves(draw: st.DrawFn) -> Groove:
    meter = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8)]))
    silent = Groove.silent(draw(st.integers(1, 3)), bpm=draw(st.floats(1, 1000)), meter=meter)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    hits = random.random(silent.hits.shape) < draw(st.floats(0, 1))
    velocity = np.maximum(random.random(hits.shape, np.float32), np.float32(1e-6))
    offset = random.uniform(-0.5, 0.5, hits.shape)
    return Groove.from_cells(hits, velocity, offset, bpm=silent.bpm, meter=meter)


@given(grooves())
def test_a_groove_comes_back_as_it_was(groove: Groove) -> None:
    told = json.loads(json.dumps(plain(groove)))
    assert groove_of(schemas.Groove.model_validate(told)) == groove
    assert told["hits"] == sorted(told["hits"])


def test_order_does_not_matter() -> None:
    hits = [(4, 1, 0.5, 0.25), (0, 0, 1.0, -0.5)]
    one, other = (groove_of(schemas.Groove(bars=1, hits=some)) for some in (hits, hits[::-1]))
    assert one == other


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([(16, 0, 1, 0)], "step 16 of 1 bars"),
        ([(3, 8, 1, 0), (3, 8, 0.5, 0)], "two hits are in step 3 of the ride"),
        ([(3, 8, 1e-60, 0)], "velocity"),
    ],
)
def test_what_is_no_groove_is_refused(hits: list[schemas.Hit], reason: str) -> None:
    with pytest.raises(GrooveError, match=reason):
        groove_of(schemas.Groove(bars=1, hits=hits))


def test_the_nearest_float32_of_an_offset_is_still_below_half_a_step() -> None:
    groove = groove_of(schemas.Groove(bars=1, hits=[(0, 0, 1, np.nextafter(0.5, 0))]))
    assert groove.offset.max() == np.nextafter(np.float32(0.5), np.float32(0))
