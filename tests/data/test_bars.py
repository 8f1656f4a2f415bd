"""Bars in memory are the windows of the corpus."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ghostnote.data.bars import Bars, to_x
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.music.kit import N_VOICES


@pytest.fixture
def cut(drumming: Path) -> Windows:
    """Windows of two bars over takes of four."""
    return windows(load_corpus(drumming).select(split="train"), bars=2)


def test_bars_give_the_cells_of_the_windows(cut: Windows) -> None:
    bars = Bars.of(cut)
    assert len(bars) == len(cut)
    every = np.arange(len(cut))
    for chosen in (every, every[::-1], np.array([3, 3, 0]), np.array([len(cut) - 1])):
        velocity, offset = bars.cells(bars.bars_of(chosen))
        wanted_velocity, wanted_offset = cut.batch(chosen)
        assert np.array_equal(velocity, wanted_velocity)
        assert np.array_equal(offset, wanted_offset)
        assert (velocity.dtype, offset.dtype) == (np.uint8, np.float32)


@pytest.mark.parametrize(("bars", "hop"), [(1, 1), (2, 2), (3, 1), (4, 1)])
def test_of_whatever_length_and_hop(drumming: Path, bars: int, hop: int) -> None:
    cut = windows(load_corpus(drumming), bars=bars, hop=hop)
    table = Bars.of(cut)
    every = np.arange(len(cut))
    assert np.array_equal(table.cells(table.bars_of(every))[0], cut.batch(every)[0])


def test_windows_lie_in_the_span_of_their_take(cut: Windows) -> None:
    bars = Bars.of(cut)
    first, count = bars.span.T
    assert np.all(count == 4)
    assert np.all(bars.first >= first)
    assert np.all(bars.first + bars.length <= first + count)
    for take in np.unique(cut.take):
        assert len(np.unique(first[cut.take == take])) == 1
    assert len(np.unique(first)) == len(np.unique(cut.take))
    assert len(bars.velocity) == 4 * len(np.unique(cut.take))  # each bar once


def test_x_is_what_the_groove_says(cut: Windows) -> None:
    bars = Bars.of(cut)
    x = to_x(bars.cells(bars.bars_of(np.array([5]))))[0]
    groove = cut.groove(5)
    assert x.dtype == np.float32
    hits, velocity, offset = np.split(x, 3, axis=-1)
    assert np.array_equal(hits == 1, groove.hits)
    assert np.array_equal(hits != 0, groove.hits)
    np.testing.assert_allclose(velocity, groove.velocity, atol=1e-7)
    assert np.array_equal(offset, groove.offset)
    assert x.shape == (32, 3 * N_VOICES)


def test_the_digest_tells_windows_apart(cut: Windows) -> None:
    bars = Bars.of(cut)
    assert Bars.of(cut).digest() == bars.digest()
    digests = {bars.digest()}
    for name in ("velocity", "offset", "first", "span"):
        array = getattr(bars, name).copy()
        array.reshape(-1)[-1] += 1
        digests.add(dataclasses.replace(bars, **{name: array}).digest())
    digests.add(dataclasses.replace(bars, length=1).digest())
    assert len(digests) == 6
