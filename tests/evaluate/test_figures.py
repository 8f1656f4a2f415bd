"""Hits and expression, against the same counted hit by hit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghostnote.evaluate.bootstrap import estimate
from ghostnote.evaluate.figures import (
    expression_figures,
    expression_sums,
    hit_figures,
    hit_sums,
)
from ghostnote.evaluate.metrics import Confusion
from ghostnote.music.kit import N_VOICES, VOICES

Array = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture(scope="module")
def cells() -> tuple[Array, ...]:
    """Hits predicted and true, and velocities and offsets of both, `[20, 32, V]`."""
    random = np.random.default_rng(0)
    shape = (20, 32, N_VOICES)
    hits = random.random((2, *shape)) < 0.3
    return (*hits, *random.random((2, *shape)), *(random.random((2, *shape)) - 0.5))


UNIT = np.arange(20) // 5


def test_hits_are_those_of_the_confusion(cells: tuple[Array, ...]) -> None:
    predicted, true = cells[:2]
    found = estimate([hit_sums(predicted, true, UNIT, 4)], hit_figures).values
    confusion = Confusion.of(predicted, true)
    assert found["f1"] == pytest.approx(confusion.f1(), rel=1e-5)
    assert found["precision"] == pytest.approx(confusion.precision(), rel=1e-5)
    assert found["recall"] == pytest.approx(confusion.recall(), rel=1e-5)
    assert found["density"] == pytest.approx(predicted.sum() / true.sum(), rel=1e-5)
    each = dict(zip(VOICES, confusion.f1_per_voice(), strict=True))
    assert found["f1_per_voice"] == pytest.approx(each, rel=1e-5)
    ride = Confusion.of(predicted[..., 8:], true[..., 8:])
    assert found["precision_per_voice"]["ride"] == pytest.approx(ride.precision(), rel=1e-5)
    assert found["recall_per_voice"]["ride"] == pytest.approx(ride.recall(), rel=1e-5)


def test_cells_that_are_not_judged_do_not_count(cells: tuple[Array, ...]) -> None:
    predicted, true = cells[:2]
    judged = np.zeros(true.shape, bool)
    judged[..., :3] = True
    found = estimate([hit_sums(predicted, true, UNIT, 4, judged)], hit_figures).values
    part = Confusion.of(predicted[..., :3], true[..., :3])
    assert found["f1"] == pytest.approx(part.f1(), rel=1e-5)
    assert found["f1_per_voice"]["ride"] is None


@pytest.mark.parametrize("flat", [False, True])
def test_expression_is_that_of_the_hits_one_by_one(cells: tuple[Array, ...], flat: bool) -> None:
    _, where, velocity, true_velocity, offset, true_offset = cells
    ms = np.linspace(80, 160, 20)
    rows = (velocity, true_velocity, offset, true_offset, where)
    unit, per_step = UNIT, ms
    if flat:  # as whole takes are: steps one after another
        rows = tuple(each.reshape(-1, N_VOICES) for each in rows)
        unit, per_step = np.repeat(UNIT, 32), np.repeat(ms, 32)
    new_v, old_v, new_o, old_o, hits = rows
    sums = expression_sums(
        (new_v, new_o), (old_v, old_o), hits, unit, 4, ms_per_step=per_step, bar=16
    )
    found = estimate([sums], expression_figures).values
    late = np.abs(offset - true_offset)
    assert found["offset_error"] == pytest.approx(late[where].mean(), rel=1e-5)
    assert found["offset_mse"] == pytest.approx(np.square(late[where]).mean(), rel=1e-5)
    in_ms = (late * ms[:, None, None])[where]
    assert found["offset_error_ms"] == pytest.approx(in_ms.mean(), rel=1e-5)
    loud = np.abs(velocity - true_velocity)
    assert found["velocity_mae"] == pytest.approx(loud[where].mean(), rel=1e-5)
    assert found["velocity_error"] == pytest.approx(127 * loud[where].mean(), rel=1e-5)
    ride = loud[..., 8][where[..., 8]].mean()
    assert found["velocity_error_per_voice"]["ride"] == pytest.approx(127 * ride, rel=1e-5)
    kls = []
    for place in range(4):
        here = where & (np.arange(32) % 4 == place)[:, None]
        old, new = true_offset[here], offset[here]
        apart = (old.var() + (old.mean() - new.mean()) ** 2) / (2 * new.var())
        kls.append(np.log(new.std() / old.std()) + apart - 0.5)
    assert found["offset_kl"] == pytest.approx(np.mean(kls), rel=1e-4)


def test_no_hit_has_no_figures() -> None:
    nothing = np.zeros((2, 16, N_VOICES))
    sums = expression_sums(
        (nothing, nothing), (nothing, nothing), nothing > 0, np.arange(2), 2,
        ms_per_step=np.ones(2), bar=16,
    )  # fmt: skip
    found = estimate([sums], expression_figures).values
    assert found["offset_error_ms"] is None
    assert found["velocity_kl"] is None
