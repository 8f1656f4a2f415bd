"""Metrics, against the same counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ghostnote.evaluate.metrics import (
    Confusion,
    Hits,
    density,
    hits_per_bar,
    mean_absolute_error,
    nearest_distance,
)

shapes = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3))
pairs = shapes.flatmap(lambda shape: st.tuples(*[arrays.arrays(np.bool_, shape)] * 2))


@settings(deadline=None, max_examples=80)
@given(pairs)
def test_hits_are_counted(pair: tuple[Hits, Hits]) -> None:
    predicted, true = pair
    confusion = Confusion.of(predicted, true)
    found, invented, missed = ([0] * true.shape[-1] for _ in range(3))
    for cell in np.ndindex(true.shape):
        found[cell[-1]] += bool(predicted[cell] and true[cell])
        invented[cell[-1]] += bool(predicted[cell] and not true[cell])
        missed[cell[-1]] += bool(true[cell] and not predicted[cell])
    assert [counts.tolist() for counts in confusion] == [found, invented, missed]
    hits, wrong, lost = sum(found), sum(invented), sum(missed)
    assert confusion.precision() == (hits / (hits + wrong) if hits + wrong else 1)
    assert confusion.recall() == (hits / (hits + lost) if hits + lost else 1)
    precision, recall = confusion.precision(), confusion.recall()
    if hits:
        assert confusion.f1() == pytest.approx(2 * precision * recall / (precision + recall))
    else:
        assert confusion.f1() == (0 if wrong + lost else 1)
    for voice, f1 in enumerate(confusion.f1_per_voice()):
        one = slice(voice, voice + 1)
        assert f1 == Confusion.of(predicted[..., one], true[..., one]).f1()


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_counts_of_parts_add_up(pair: tuple[Hits, Hits]) -> None:
    predicted, true = pair
    total = Confusion.of(predicted[:1], true[:1])
    for row in range(1, len(true)):
        total = total.plus(Confusion.of(predicted[row : row + 1], true[row : row + 1]))
    whole = Confusion.of(predicted, true)
    assert all(np.array_equal(a, b) for a, b in zip(total, whole, strict=True))


def test_the_perfect_and_the_worst() -> None:
    hits = np.random.default_rng(0).random((3, 16, 9)) < 0.2
    assert Confusion.of(hits, hits).f1() == 1
    assert Confusion.of(~hits, hits).f1() == 0
    assert Confusion.of(np.zeros_like(hits), hits).recall() == 0


def test_errors_are_those_of_the_cells_asked_for() -> None:
    random = np.random.default_rng(0)
    a, b = random.random((2, 3, 4, 5))
    where = random.random((3, 4, 5)) < 0.3
    wanted = [abs(a[cell] - b[cell]) for cell in np.ndindex(where.shape) if where[cell]]
    assert mean_absolute_error(a, b, where) == pytest.approx(sum(wanted) / len(wanted))
    assert mean_absolute_error(a, b, np.zeros_like(where)) == 0


@pytest.mark.parametrize("bar", [12, 16])
def test_hits_per_bar_and_step(bar: int) -> None:
    hits = np.random.default_rng(0).random((5, 2 * bar, 9)) < 0.2
    assert hits_per_bar(hits, steps_per_bar=bar) == pytest.approx(hits.sum() / 10)
    assert density(hits) == pytest.approx([hits[..., voice].mean() for voice in range(9)])


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_the_nearest_of_a_reference(chunk: int) -> None:
    random = np.random.default_rng(0)
    hits, reference = (random.random((n, 16, 9)) < 0.2 for n in (10, 30))
    hits[3] = reference[7]
    distance = nearest_distance(hits, reference, chunk=chunk)
    wanted = np.full(10, 10**6)
    for i, j in itertools.product(range(10), range(30)):
        wanted[i] = min(wanted[i], (hits[i] != reference[j]).sum())
    assert distance.tolist() == wanted.tolist()
    assert distance[3] == 0
