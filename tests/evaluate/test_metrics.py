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
    f1_score,
    gaussian_kl,
    histogram_median,
    hits_per_bar,
    js_distance,
    mean_absolute_error,
    nearest_distance,
    overlapped_area,
    share,
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


# -- figures from counts and sums ------------------------------------------------------------


def moments(groups: list[np.ndarray]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([[len(each), each.sum(), np.square(each).sum()] for each in groups])


def test_the_kl_of_gaussians_is_the_closed_form() -> None:
    random = np.random.default_rng(0)
    real = [random.normal(0.2 * k, 1 + k, 50) for k in range(4)]
    drawn = [random.normal(-0.1, 2.0, 70) for _ in range(4)]
    wanted = []
    for one, other in zip(real, drawn, strict=True):
        apart = (one.var() + (one.mean() - other.mean()) ** 2) / (2 * other.var())
        wanted.append(np.log(other.std() / one.std()) + apart - 0.5)
    assert gaussian_kl(moments(real), moments(drawn)) == pytest.approx(np.mean(wanted))
    assert gaussian_kl(moments(real), moments(real)) == pytest.approx(0, abs=1e-12)
    both = np.stack([moments(drawn), moments(real)])
    assert gaussian_kl(moments(real), both) == pytest.approx([np.mean(wanted), 0], abs=1e-9)


def test_values_that_never_vary_are_infinitely_far_from_those_that_do() -> None:
    random = np.random.default_rng(0)
    real, flat = moments([random.normal(size=9)]), moments([np.full(9, 0.3)])
    assert gaussian_kl(real, flat) == np.inf
    assert gaussian_kl(flat, flat) == 0
    assert np.isnan(gaussian_kl(real, moments([np.zeros(1)])))  # one value has no spread


def test_the_jensen_shannon_distance_is_a_metric() -> None:
    random = np.random.default_rng(0)
    one, other, third = random.integers(0, 9, (3, 12)).astype(float)
    assert js_distance(one, one) == 0
    assert js_distance(one, 7 * one) == pytest.approx(0, abs=1e-7)
    assert js_distance(one, other) == pytest.approx(float(js_distance(other, one)))
    assert js_distance(one, third) <= js_distance(one, other) + js_distance(other, third)
    apart = np.eye(4)
    assert js_distance(apart[0], apart[1]) == pytest.approx(1)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 20))
def test_the_overlapped_area_is_that_of_all_pairs(seed: int, n: int, m: int) -> None:
    random = np.random.default_rng(seed)
    ours, theirs = random.integers(0, 6, n), random.integers(0, 6, m)
    intra = [abs(a - b) for a, b in itertools.combinations(ours.tolist(), 2)]
    inter = [abs(a - b) for a in ours.tolist() for b in theirs.tolist()]
    shares = [np.bincount(each, minlength=6) / len(each) for each in (intra, inter)]
    found = overlapped_area(
        *(np.bincount(each, minlength=6).astype(float) for each in (ours, theirs))
    )
    assert found == pytest.approx(np.minimum(*shares).sum())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_the_median_of_a_histogram_is_that_of_its_values(values: list[int]) -> None:
    counts = np.bincount(values, minlength=10).astype(float)
    assert histogram_median(counts) == np.median(values)


def test_f1_of_counts_is_that_of_the_confusion() -> None:
    random = np.random.default_rng(0)
    counts = random.integers(1, 9, (3, 5))
    assert f1_score(*counts.astype(float)) == pytest.approx(Confusion(*counts).f1_per_voice())
    assert np.isnan(f1_score(*np.zeros((3, 1))))
    assert np.isnan(share(np.ones(1), np.zeros(1)))
