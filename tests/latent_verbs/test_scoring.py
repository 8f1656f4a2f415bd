"""Score: the likelihood that torch computes, cell by cell, in bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.scoring import score
from ghostnote.runtime import Runtime, to_x
from tests.latent_verbs.conftest import groove_of, untrained


def test_it_is_the_likelihood_of_the_model_in_torch(tiny_bundle: Bundle) -> None:
    import torch

    from ghostnote.export.bundle import load_model

    model, groove = load_model(tiny_bundle), groove_of(3)
    x = torch.from_numpy(to_x([groove]))
    with torch.no_grad():
        parts = model.decode(model.encode(x).mean).parts(x)
    found = score(groove, model=tiny_bundle)
    for mine, nats in zip((found.hits, found.velocity, found.offset), parts, strict=True):
        np.testing.assert_allclose(mine, -nats[0].numpy() / np.log(2), atol=1e-4, rtol=1e-5)


def test_sums_agree_with_each_other(lively: Runtime) -> None:
    groove = groove_of(1, 6)
    found = score(groove, model=lively)
    assert found.cells.shape == (96, 9)
    total = float(found.cells.sum(dtype=np.float64))
    assert found.bits_per_bar * 6 == pytest.approx(total)
    assert found.by_bar.shape == (6, 3)
    assert found.by_bar.sum() == pytest.approx(total, rel=1e-5)
    assert found.by_voice.sum() * 6 == pytest.approx(total, rel=1e-5)
    assert found.by_step.shape == (16,)
    assert found.by_step.sum() * 6 == pytest.approx(total, rel=1e-5)
    assert (found.hits >= 0).all()
    for part in (found.velocity, found.offset):
        assert not part[~groove.hits].any()
    assert found.rate == reconstruct(groove, model=lively).bits


def test_windows_are_scored_alone(lively: Runtime) -> None:
    groove = groove_of(2, 6)
    whole = score(groove, model=lively)
    for start in range(0, 6, 2):
        part = score(groove[start : start + 2], model=lively)
        assert np.array_equal(part.cells, whole.cells[16 * start : 16 * start + 32])
        assert part.rate == (whole.rate[start // 2],)
    assert np.array_equal(score(groove, model=Runtime(lively.bundle, batch=1)).cells, whole.cells)


def test_what_fills_up_the_last_window_does_not_count(lively: Runtime) -> None:
    assert score(groove_of(1, 3), model=lively).cells.shape == (48, 9)


def test_the_unusual_cells_are_those_of_the_most_bits(lively: Runtime) -> None:
    groove = groove_of(4, 4)
    found = score(groove, model=lively)
    cells = found.unusual(7)
    bits = [cell.bits for cell in cells]
    assert bits == sorted(found.cells.ravel().tolist(), reverse=True)[:7]
    for cell in cells:
        step = 16 * cell.bar + cell.step
        assert found.cells[step, cell.voice] == np.float32(cell.bits)
        assert cell.hit == groove.hits[step, cell.voice]
    assert found.unusual(0) == []
    assert len(found.unusual(10**6)) == found.cells.size


def test_a_hit_out_of_place_is_found(shipped: Runtime) -> None:
    """By the shipped model, in a groove as plain as they come."""
    hits = np.zeros((64, 9), bool)
    hits[::8, 0] = hits[4::8, 1] = hits[::2, 2] = True
    plain = Groove.from_cells(hits, hits * 0.7, hits * 0.0)
    odd = hits.copy()
    odd[16 * 2 + 5, 4] = True  # a low tom on the second 16th of the second beat
    before = score(plain, model=shipped)
    after = score(Groove.from_cells(odd, odd * 0.7, odd * 0.0), model=shipped)
    surprise = after.hits - before.hits
    assert np.unravel_index(surprise.argmax(), surprise.shape) == (16 * 2 + 5, 4)
    assert surprise[16 * 2 + 5, 4] > 5
    assert after.by_bar[2, 0] > before.by_bar[2, 0]


def test_noise_takes_more_bits_than_drumming(shipped: Runtime) -> None:
    from ghostnote.pipeline.sampling import sample

    played = sample(4, seed=3, model=shipped)
    for groove in played:
        shuffled = groove.hits[np.random.default_rng(0).permutation(64)]
        noise = Groove.from_cells(shuffled, shuffled * 0.6, shuffled * 0.0)
        bits = [float(score(one, model=shipped).hits.sum()) for one in (groove, noise)]
        assert bits[0] < bits[1]


def test_a_model_of_squared_errors_has_a_score(
    make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = make_model("flat", "squared-error", latent=6)
    found = score(groove_of(1), model=untrained(model, tiny_bundle, tmp_path_factory))
    assert np.isfinite(found.cells).all()
    assert (found.velocity >= 0).all()


def test_a_model_of_whole_sets_has_none(
    make_model: Callable[..., Any], tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = make_model("flat", "categorical", latent=6)
    bundle = untrained(model, tiny_bundle, tmp_path_factory)
    with pytest.raises(BundleError, match=r"has no scorer.onnx .*ghostnote export"):
        score(groove_of(1), model=bundle)


def test_another_meter_is_refused(lively: Runtime) -> None:
    with pytest.raises(GrooveError, match="3/4"):
        score(Groove.silent(2, meter=(3, 4)), model=lively)
