"""Layers of our own: the law of the dropout, and an LSTM that is torch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ghostnote.model.layers import LSTM, Dropout, State


@pytest.mark.parametrize("rate", [0.15, 0.7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_zeroes_its_share_and_keeps_the_mean(rate: float, dtype: torch.dtype) -> None:
    x = torch.ones(301, 401, dtype=dtype)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dropped = Dropout(rate)(x)
        other = Dropout(rate)(x)
        torch.manual_seed(0)
        assert torch.equal(dropped, Dropout(rate)(x))
    kept = dropped != 0
    assert dropped.dtype == dtype
    assert (~kept).float().mean() == pytest.approx(rate, abs=0.006)
    assert torch.allclose(dropped[kept], torch.tensor(1 / (1 - rate), dtype=dtype), rtol=1e-4)
    # Independent of the neighbours and of what was drawn before.
    both = (~kept[:, 1:] & ~kept[:, :-1]).float().mean()
    assert both == pytest.approx(rate**2, abs=0.01)
    assert ((other == 0) & ~kept).float().mean() == pytest.approx(rate**2, abs=0.01)


def test_the_gradient_of_dropout_is_its_mask() -> None:
    x = torch.randn(50, 60, requires_grad=True)
    dropped = Dropout(0.4)(x)
    dropped.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad * x.detach(), dropped.detach())


def test_dropout_of_nothing_of_all_and_outside_of_training() -> None:
    x = torch.randn(50, 60)
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert not Dropout(1.0)(x).any()
    assert torch.isfinite(Dropout(1 - 1e-9)(x)).all()


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_without_dropout_the_lstm_is_that_of_torch(layers: int) -> None:
    ours, theirs = LSTM(5, 7, layers, dropout=0.9).eval(), nn.LSTM(5, 7, layers)
    theirs.load_state_dict(ours.state_dict())  # under the same names, too
    x, state = torch.randn(6, 4, 5), State(*torch.randn(2, layers, 4, 7))
    features, end = ours(x, state)
    wanted, wanted_end = theirs(x, tuple(state))
    torch.testing.assert_close(features, wanted)
    torch.testing.assert_close(tuple(end), wanted_end)


def test_dropout_is_between_the_layers_of_the_lstm_only() -> None:
    one, two = (LSTM(5, 7, layers, dropout=0.9) for layers in (1, 2))
    x = torch.randn(6, 4, 5)
    for lstm, same in ((one, True), (two, False)):
        state = State(*torch.zeros(2, lstm.num_layers, 4, 7))
        first, second = (lstm(x, state)[0] for _ in range(2))
        assert torch.equal(first, second) == same
        assert torch.equal(lstm.eval()(x, state)[0], lstm(x, state)[0])
