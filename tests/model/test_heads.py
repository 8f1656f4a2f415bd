"""Heads: likelihoods that sum to one, and draws that follow them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ghostnote.errors import ConfigError
from ghostnote.model.heads.groove import (
    LATEST,
    LikelihoodHead,
    LogisticGroove,
    Shared,
    SquaredErrorGroove,
    SquaredErrorHead,
    _log_sigmoid_difference,
)
from ghostnote.model.heads.hits import BooleanHead, CategoricalHead, HitsStep, NadeHead
from ghostnote.model.heads.step import PLAIN_VELOCITY, VELOCITY_LEVELS, Head, Parts
from ghostnote.model.heads.symbols import SymbolsHead
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
    return p.cells(noise, torch.tensor(temperature))


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


def test_the_variance_of_what_is_drawn_goes_with_the_temperature(params: Tensor) -> None:
    narrow = params.clone()
    narrow[..., N_VOICES:] = 0
    narrow[..., 2 * N_VOICES : 3 * N_VOICES] = -3  # no draw is near a border of its range
    narrow[..., 4 * N_VOICES :] = -3
    p = LogisticGroove(narrow)
    _, *hot = draw_grid(p)
    _, *cool = draw_grid(p, 0.5)
    for wide, close in zip(hot, cool, strict=True):
        torch.testing.assert_close(close.var(1), 0.5 * wide.var(1), rtol=1e-2, atol=0)


@pytest.mark.parametrize("groups", [3, 5])
def test_temperature_zero_is_the_likeliest_hit_and_the_median(groups: int) -> None:
    random = torch.Generator().manual_seed(2)
    params = torch.randn(40, groups * N_VOICES, generator=random)
    head = LikelihoodHead(N_VOICES) if groups == 5 else SquaredErrorHead(N_VOICES)
    p = head(params)
    noise = torch.rand(40, N_VOICES, 3, generator=random)
    hits, velocity, offset = head.finish(p.sample(noise, 0.0)).chunk(3, -1)
    assert torch.equal(hits, (p.hit_logits > 0).float())
    _, point_velocity, point_offset = p.point().chunk(3, -1)
    assert torch.equal(velocity, hits * point_velocity)
    assert torch.equal(offset, hits * point_offset)
    if isinstance(p, LogisticGroove):
        middle = p.velocity_loc.clamp(1 / VELOCITY_LEVELS, 1)
        torch.testing.assert_close(point_velocity, middle)


@pytest.mark.parametrize("share", [0.5, 3.0])
def test_velocities_of_a_voice_stray_together_as_much_as_they_are_told_to(share: float) -> None:
    random = torch.Generator().manual_seed(11)
    noise = torch.rand(2000, 16, N_VOICES, 3, generator=random).clamp(1e-6, 1 - 1e-6)
    drawn = LikelihoodHead(N_VOICES, Shared(velocity=share)).correlated(noise)
    noise = noise.double()
    assert torch.equal(drawn[..., 0], noise[..., 0])
    torch.testing.assert_close(drawn[..., 2], noise[..., 2])
    single = math.pi**2 / 3  # the variance of a logistic
    stray = torch.logit(drawn[..., 1]).movedim(-1, 1).flatten(0, 1)  # [windows · V, T]
    within = torch.cov(stray.T) / single
    apart = ~torch.eye(16, dtype=torch.bool)
    torch.testing.assert_close(within.diagonal().mean(), torch.tensor(1 + share).double(),
                               rtol=0.03, atol=0)  # fmt: skip
    torch.testing.assert_close(within[apart].mean(), torch.tensor(share).double(),
                               rtol=0.05, atol=0)  # fmt: skip
    # Voices do not stray together.
    of_voices = torch.corrcoef(torch.logit(drawn[:, 0, :, 1]).T)
    assert (of_voices - torch.eye(N_VOICES).double()).abs().max() < 0.1


def test_a_voice_strays_more_in_one_window_than_in_another() -> None:
    random = torch.Generator().manual_seed(13)
    noise = torch.rand(2000, 64, N_VOICES, 3, generator=random).clamp(1e-6, 1 - 1e-6)
    shared = Shared(velocity=0.5, spread=0.4)
    drawn = torch.logit(LikelihoodHead(N_VOICES, shared).correlated(noise)).double()
    before = torch.logit(noise.double())
    for part in (1, 2):
        own = drawn[..., part] - drawn[..., part].mean(1, keepdim=True)
        usual = before[..., part] - before[..., part].mean(1, keepdim=True)
        factor = (own / usual).median(1).values
        torch.testing.assert_close(own, factor[:, None] * usual, rtol=1e-5, atol=1e-4)
        # As wide as ever on the whole, and log-normal from one window and voice to another.
        assert factor.square().mean() == pytest.approx(1, abs=0.03)
        assert factor.log().std() == pytest.approx(0.4, abs=0.01)
        by_voice = torch.corrcoef(factor.log().T) - torch.eye(N_VOICES).double()
        assert by_voice.abs().max() < 0.1
        # No step is louder or later for it than the rest.
        assert own.mean((0, 2)).abs().max() < 5 * own.std() / math.sqrt(2000 * N_VOICES)
    # What they stray by in common is not scaled.
    common = drawn[..., 1].mean(1) / before[..., 1].mean(1)
    torch.testing.assert_close(common, torch.full_like(common, math.sqrt(1 + 64 * 0.5)))


def test_noise_is_drawn_with_as_it_is_where_nothing_is_shared(head: Head) -> None:
    noise = torch.rand(2, 4, N_VOICES, 3, generator=torch.Generator().manual_seed(12))
    assert head.correlated(noise) is noise


HEADS: dict[str, Callable[[], Head]] = {
    "likelihood": lambda: LikelihoodHead(N_VOICES),
    "squared-error": lambda: SquaredErrorHead(N_VOICES),
    "categorical": lambda: CategoricalHead(N_VOICES),
    "nade": lambda: NadeHead(N_VOICES, 5),
    "boolean": lambda: BooleanHead(N_VOICES),
}
HITS_HEADS = ("categorical", "nade", "boolean")


@pytest.fixture(params=HEADS)
def head(request: pytest.FixtureRequest) -> Head:
    return made(request.param)


@pytest.fixture(params=HITS_HEADS)
def hits_head(request: pytest.FixtureRequest) -> Head:
    return made(request.param)


def made(name: str) -> Head:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        return HEADS[name]().requires_grad_(requires_grad=False)


def all_sets(voices: int = N_VOICES) -> Tensor:
    """Every set of hits, `[2^V, V]`."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=voices)))


def windows(hits: Tensor) -> Tensor:
    """Hits `[..., V]` as `x` `[..., 3V]`."""
    return torch.cat([hits, hits * PLAIN_VELOCITY, torch.zeros_like(hits)], -1)


@torch.no_grad()
def test_all_sets_of_hits_sum_to_one(hits_head: Head) -> None:
    random = torch.Generator().manual_seed(7)
    params = 2 * torch.randn(3, hits_head.n_params, generator=random)
    x = windows(all_sets())
    for row in params:
        mass = hits_head(row.expand(len(x), -1)).log_prob(x).double().exp().sum()
        assert mass == pytest.approx(1, abs=2e-4)  # NADE adds 1e-6 to probabilities


@torch.no_grad()
def test_sets_of_hits_are_as_frequent_as_they_are_likely(hits_head: Head) -> None:
    random = torch.Generator().manual_seed(8)
    params = torch.randn(hits_head.n_params, generator=random)
    n = 200_000
    noise = torch.rand(n, N_VOICES, 3, generator=random)
    p = hits_head(params.expand(n, -1))
    drawn = p.sample(noise, 1.0)[:, :N_VOICES]
    sets = all_sets()
    weights = 2.0 ** torch.arange(N_VOICES)
    frequency = (drawn @ weights).long().bincount(minlength=512) / n
    likely = hits_head(params.expand(512, -1)).log_prob(windows(sets)).exp()
    frequency = frequency[(sets @ weights).long()]
    deviation = (frequency - likely) / (likely / n).sqrt()
    assert deviation.abs().max() < 5
    assert deviation.square().mean() < 1.3


@torch.no_grad()
def test_a_categorical_head_draws_the_rest_given_what_is_known() -> None:
    head = made("categorical")
    random = torch.Generator().manual_seed(9)
    params = torch.randn(head.n_params, generator=random)
    known = torch.tensor([1.0, 0, 1, 0, 0, 0, 0, 0, 0])
    mask = torch.tensor([1.0, 1, 1, 1, 0, 0, 0, 0, 0])
    n = 100_000
    drawn = head(params.expand(n, -1)).sample(
        torch.rand(n, N_VOICES, 3, generator=random), 1.0,
        windows(known).expand(n, -1), mask.repeat(3).expand(n, -1),
    )[:, :N_VOICES]  # fmt: skip
    assert torch.equal(drawn[:, :4], known[:4].expand(n, -1))
    sets = all_sets()
    fits = (sets[:, :4] == known[:4]).all(-1)
    joint = head(params.expand(512, -1)).log_prob(windows(sets)).exp() * fits
    likely = joint / joint.sum()
    weights = 2.0 ** torch.arange(N_VOICES)
    frequency = ((drawn @ weights).long().bincount(minlength=512) / n)[(sets @ weights).long()]
    assert (frequency - likely).abs().max() < 5 * (likely.max() / n).sqrt()


@torch.no_grad()
def test_the_likeliest_hits_are_what_temperature_zero_draws(hits_head: Head) -> None:
    random = torch.Generator().manual_seed(10)
    p = hits_head(torch.randn(200, hits_head.n_params, generator=random))
    assert isinstance(p, HitsStep)
    drawn = p.sample(torch.rand(200, N_VOICES, 3, generator=random), 0.0)
    assert torch.equal(drawn[:, :N_VOICES], p.likely_hits())
    assert torch.equal(drawn[:, :N_VOICES], p.point()[:, :N_VOICES])
    if isinstance(hits_head, CategoricalHead):
        best = hits_head(p.logits[:1].expand(512, -1)).log_prob(windows(all_sets())).argmax()  # type: ignore[attr-defined]
        assert torch.equal(all_sets()[best], p.likely_hits()[0])


def test_what_a_hits_head_sees_and_is_fed_with() -> None:
    x = windows(torch.tensor([[1.0, 0, 1, 0, 0, 0, 0, 0, 0], [0.0] * 9]))
    categorical, nade, boolean = (made(name) for name in HITS_HEADS)
    for head in (categorical, nade):
        assert head.observe(x).tolist() == [[1, 0, 1, 0, 0, 0, 0, 0, 0, 0], [0] * 9 + [1]]
    assert categorical.feedback(x).argmax(-1).tolist() == [0b101, 0]
    assert torch.equal(categorical.feedback(x).sum(-1), torch.ones(2))
    for head in (nade, boolean):
        assert torch.equal(head.feedback(x), x[:, :N_VOICES])
    assert torch.equal(boolean.observe(x), x[:, :N_VOICES])


def test_a_head_is_as_wide_as_it_says(head: Head) -> None:
    x = torch.zeros(2, 5, head.width)
    assert head.observe(x).shape == (2, 5, head.observed)
    assert head.feedback(x).shape == (2, 5, head.channels)
    assert head.initial_bias().shape == (head.n_params,)
    assert head(torch.zeros(2, 5, head.n_params)).log_prob(x).shape == (2, 5)


def test_too_many_voices_for_a_categorical_head_are_refused() -> None:
    with pytest.raises(ConfigError, match="2\\^61 sets"):
        CategoricalHead(61)


@torch.no_grad()
def test_symbols_of_several_alphabets_are_independent() -> None:
    head = SymbolsHead((3, 4))
    params = torch.tensor([[0.0, 1, -1, 2, 0, 0, 1]])
    n = 50_000
    noise = torch.rand(n, 2, 3, generator=torch.Generator().manual_seed(11))
    drawn = head(params.expand(n, -1)).sample(noise, 1.0)
    assert torch.equal(drawn[:, :3].sum(-1), torch.ones(n))
    assert torch.equal(drawn[:, 3:].sum(-1), torch.ones(n))
    first, second = params[0, :3].softmax(-1), params[0, 3:].softmax(-1)
    pairs = (drawn[:, :3, None] * drawn[:, None, 3:]).mean(0)
    torch.testing.assert_close(pairs, first[:, None] * second, atol=0.01, rtol=0)
    likely = head(params).sample(noise[:1], 0.0)
    assert likely.tolist() == [[0, 1, 0, 1, 0, 0, 0]] == head(params).point().tolist()
    torch.testing.assert_close(head(params).log_prob(likely), (first[1] * second[0]).log()[None])


def test_draws_are_valid_cells(head: Head) -> None:
    random = torch.Generator().manual_seed(3)
    params = 20 * torch.randn(500, head.n_params, generator=random)
    noise = torch.rand(500, N_VOICES, 3, generator=random).clamp(1e-7, 1 - 6e-8)
    hits, velocity, offset = head.finish(head(params).sample(noise, 1.0)).chunk(3, -1)
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
    assert made("squared-error").feedback(cells(1.0, 0.75, 0.25, 1))[0, -1] == -0.5
    early = SquaredErrorGroove(params + 9)
    assert (early.offset < -0.49).all()
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


@pytest.mark.parametrize("name", ["likelihood", "squared-error"])
def test_a_new_head_expects_one_hit_in_ten(name: str) -> None:
    head = made(name)
    p = head(head.initial_bias()[None])
    torch.testing.assert_close(torch.sigmoid(p.hit_logits), torch.full((1, N_VOICES), 0.1))
