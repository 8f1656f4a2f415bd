"""Heads: likelihoods that sum to one, and draws that follow them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ghostnote.model.heads import (
    LATEST,
    VELOCITY_LEVELS,
    Head,
    LogisticGroove,
    Parts,
    SquaredErrorGroove,
    _log_sigmoid_difference,
)
from ghostnote.music.kit import N_VOICES

GRID = torch.linspace(0.5 / 2000, 1 - 0.5 / 2000, 2000)
"""Uniform numbers, evenly spaced: what a sample that large would be with no luck in it."""


@pytest.fixture
def params(request: pytest.FixtureRequest) -> Tensor:
    """Of 10 steps: `[10, 1, 45]`, from the narrow to the broad."""
    random = torch.Generator().manual_seed(1)
    return 1.5 * torch.randn(10, 1, 5 * N_VOICES, generator=random)


@pytest.fixture
def p(params: Tensor) -> LogisticGroove:
    return LogisticGroove(params)


def cells(hits: float | Tensor, velocity: float | Tensor, offset: float | Tensor, n: int) -> Tensor:
    """`x` `[n, 27]` with the same in all voices."""
    parts = (torch.as_tensor(part).expand(n)[:, None] for part in (hits, velocity, offset))
    return torch.cat([part.repeat(1, N_VOICES) for part in parts], -1)


def parts_of(params: Tensor, x: Tensor) -> Parts:
    """The likelihood of every one of `x` `[n, 27]` under each of `params`: `[10, n, 9]`."""
    n = len(x)
    return LogisticGroove(params.expand(-1, n, -1)).parts(x.expand(10, -1, -1))


def test_both_outcomes_of_a_hit_sum_to_one(params: Tensor) -> None:
    outcomes = parts_of(params, cells(torch.tensor([0.0, 1.0]), 0.5, 0.0, 2)).hits
    torch.testing.assert_close(outcomes.exp().sum(1), torch.ones(10, N_VOICES))


def test_the_velocities_of_midi_sum_to_one(params: Tensor) -> None:
    levels = torch.arange(1, VELOCITY_LEVELS + 1) / VELOCITY_LEVELS
    mass = parts_of(params, cells(1.0, levels, 0.0, VELOCITY_LEVELS)).velocity.double().exp()
    torch.testing.assert_close(
        mass.sum(1), torch.ones(10, N_VOICES, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_the_density_of_the_offset_integrates_to_one(params: Tensor) -> None:
    n = 5000
    middles = (torch.arange(n) + 0.5) / n - 0.5
    density = parts_of(params, cells(1.0, 0.5, middles, n)).offset.double().exp()
    torch.testing.assert_close(
        density.mean(1), torch.ones(10, N_VOICES, dtype=torch.float64), atol=1e-4, rtol=0
    )


def draw_grid(p: LogisticGroove, temperature: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Draws `[10, 2000, 9]` from evenly spaced noise."""
    noise = GRID[None, :, None, None].expand(10, -1, N_VOICES, 3)
    return p.draw(noise, torch.tensor(temperature))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_hits_are_as_frequent_as_they_are_likely(p: LogisticGroove, temperature: float) -> None:
    hits, _, _ = draw_grid(p, temperature)
    wanted = torch.sigmoid(p.hit_logits[:, 0] / temperature)
    torch.testing.assert_close(hits.mean(1), wanted, atol=1e-3, rtol=0)


def test_velocities_are_as_frequent_as_they_are_likely(params: Tensor) -> None:
    _, velocity, _ = draw_grid(LogisticGroove(params))
    played = (velocity * VELOCITY_LEVELS).round().long()
    cell = torch.arange(10 * N_VOICES).view(10, 1, N_VOICES)
    counts = (128 * cell + played).ravel().bincount(minlength=10 * N_VOICES * 128)
    levels = torch.arange(1, VELOCITY_LEVELS + 1)
    x = cells(1.0, levels / VELOCITY_LEVELS, 0.0, VELOCITY_LEVELS)
    likely = parts_of(params, x).velocity.exp().transpose(1, 2)
    # Cumulated, since the grid may put one draw on either side of a border between two levels.
    drawn = counts.view(10, N_VOICES, 128)[..., 1:].cumsum(-1) / len(GRID)
    torch.testing.assert_close(drawn, likely.cumsum(-1), atol=2e-3, rtol=0)


def test_offsets_are_quantiles_of_their_density(p: LogisticGroove) -> None:
    _, _, offset = draw_grid(p)

    def below(x: Tensor | float) -> Tensor:
        return torch.sigmoid((x - p.offset_loc.double()) / p.offset_scale.double())

    cumulated = (below(offset) - below(-0.5)) / (below(0.5) - below(-0.5))
    inside = (offset > -0.5) & (offset < LATEST)
    wanted = GRID.double()[None, :, None].expand_as(cumulated)
    torch.testing.assert_close(cumulated[inside], wanted[inside], atol=1e-3, rtol=0)
    assert inside.float().mean() > 0.95


@pytest.mark.parametrize("groups", [3, 5])
def test_temperature_zero_is_the_likeliest_hit_and_the_median(groups: int) -> None:
    random = torch.Generator().manual_seed(2)
    params = torch.randn(40, groups * N_VOICES, generator=random)
    p = (LogisticGroove if groups == 5 else SquaredErrorGroove)(params)
    noise = torch.rand(40, N_VOICES, 3, generator=random)
    hits, velocity, offset = p.sample(noise, 0.0).chunk(3, -1)
    assert torch.equal(hits, (p.hit_logits > 0).float())
    _, point_velocity, point_offset = p.point().chunk(3, -1)
    assert torch.equal(velocity, hits * point_velocity)
    assert torch.equal(offset, hits * point_offset)
    if isinstance(p, LogisticGroove):
        middle = p.velocity_loc.clamp(1 / VELOCITY_LEVELS, 1)
        torch.testing.assert_close(point_velocity, middle)


@pytest.mark.parametrize("distribution", [LogisticGroove, SquaredErrorGroove])
def test_draws_are_valid_cells(distribution: type[LogisticGroove | SquaredErrorGroove]) -> None:
    random = torch.Generator().manual_seed(3)
    groups = 5 if distribution is LogisticGroove else 3
    params = 20 * torch.randn(500, groups * N_VOICES, generator=random)
    noise = torch.rand(500, N_VOICES, 3, generator=random).clamp(1e-7, 1 - 6e-8)
    hits, velocity, offset = distribution(params).sample(noise, 1.0).chunk(3, -1)
    played = hits == 1
    assert torch.equal(played, hits != 0)
    assert (velocity[played] >= 1 / VELOCITY_LEVELS).all()
    assert (velocity[played] <= 1).all()
    assert (offset[played] >= -0.5).all()
    assert (offset[played] <= LATEST).all()
    assert not velocity[~played].any()
    assert not offset[~played].any()


def test_silent_cells_count_in_the_original_only() -> None:
    random = torch.Generator().manual_seed(4)
    silent = torch.zeros(20, 3 * N_VOICES)
    parts = LogisticGroove(torch.randn(20, 45, generator=random)).parts(silent)
    assert not parts.velocity.any()
    assert not parts.offset.any()
    parts = SquaredErrorGroove(torch.randn(20, 27, generator=random)).parts(silent)
    assert (parts.velocity < 0).all()
    assert (parts.offset < 0).all()


def test_squared_errors_are_in_the_originals_units() -> None:
    params = torch.zeros(1, 27)  # velocity 1/2, offset 0
    parts = SquaredErrorGroove(params).parts(cells(1.0, 0.75, 0.25, 1))
    torch.testing.assert_close(parts.velocity, torch.full((1, 9), -(0.25**2)))
    torch.testing.assert_close(parts.offset, torch.full((1, 9), -(0.5**2)))


def test_log_sigmoid_difference_is_right_in_the_tails() -> None:
    random = np.random.default_rng(0)
    low = random.uniform(-80, 80, 4000).astype(np.float32)
    high = (low + 10 ** random.uniform(-3, 2, 4000)).astype(np.float32)
    a, b = (torch.from_numpy(value).requires_grad_() for value in (high, low))
    found = _log_sigmoid_difference(a, b)
    found.sum().backward()  # type: ignore[no-untyped-call]
    x, y = high.astype(np.float64), low.astype(np.float64)
    wanted = -np.logaddexp(0, -x) - np.logaddexp(0, y) + np.log(-np.expm1(y - x))
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-5, atol=1e-5)
    for gradient in (a.grad, b.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("velocity", [1 / 127, 2 / 127, 0.5, 126 / 127, 1.0])
@pytest.mark.parametrize("offset", [-0.5, 0.0, 0.4999])
def test_likelihoods_and_gradients_are_finite_however_wrong_a_guess_is(
    velocity: float, offset: float
) -> None:
    extreme = torch.tensor([-30.0, 30.0])
    params = torch.cartesian_prod(*[extreme] * 5).repeat_interleave(N_VOICES, -1).requires_grad_()
    log_prob = LogisticGroove(params).log_prob(cells(1.0, velocity, offset, len(params)))
    log_prob.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(log_prob).all()
    assert params.grad is not None
    assert torch.isfinite(params.grad).all()


def test_log_prob_is_the_sum_of_its_parts(params: Tensor) -> None:
    p, x = LogisticGroove(params[:, 0]), cells(1.0, 0.5, torch.linspace(-0.5, 0.4, 10), 10)
    hits, velocity, offset = p.parts(x)
    torch.testing.assert_close(p.log_prob(x), (hits + velocity + offset).sum(-1))


@pytest.mark.parametrize("distribution", [LogisticGroove, SquaredErrorGroove])
def test_a_new_head_expects_one_hit_in_ten(
    distribution: type[LogisticGroove | SquaredErrorGroove],
) -> None:
    p = distribution(Head(16, N_VOICES, distribution)(torch.zeros(1, 16)))
    torch.testing.assert_close(torch.sigmoid(p.hit_logits), torch.full((1, N_VOICES), 0.1))
