"""The objective: free bits, β, and what is hidden from whom."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ghostnote.data.bars import Bars, to_x
from ghostnote.model.config import BidirectionalConfig, FlatConfig, HierarchicalConfig, ModelConfig
from ghostnote.model.vae import GrooveVAE, kl_from_prior, shift
from ghostnote.music.kit import N_VOICES
from ghostnote.train.config import CorruptionConfig, ObjectiveConfig
from ghostnote.train.objective import (
    NATS_PER_BIT,
    Step,
    Terms,
    beta,
    feedback,
    hide_cells,
    hide_steps,
)

STEPS = 32


@pytest.fixture(params=[FlatConfig(size=8), HierarchicalConfig(size=8, conductor=6)], ids=str)
def model(request: pytest.FixtureRequest) -> GrooveVAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GrooveVAE(
            ModelConfig(
                bars=2, latent=4, encoder=BidirectionalConfig(size=6), decoder=request.param
            )
        )
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)
        model.decoder.core.project.bias[:N_VOICES] = -1
    return model


@pytest.fixture
def x(training: Bars) -> Tensor:
    """`[8, 32, 27]`."""
    return torch.from_numpy(to_x(training.cells(training.bars_of(torch.arange(8).numpy()))))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def step(
    model: GrooveVAE,
    x: Tensor,
    objective: ObjectiveConfig,
    corruption: CorruptionConfig | None = None,
    *,
    at: int = 1,
    seed: int = 0,
) -> tuple[Terms, Tensor]:
    """The terms, and the gradient of the loss with respect to what makes μ and σ."""
    model.zero_grad()
    terms = Step(model, objective, corruption or CorruptionConfig())(x, at, seeded(seed))
    terms.loss.backward()
    encoder = torch.cat(
        [weight.grad.ravel() for weight in model.encoder.parameters() if weight.requires_grad]
    )  # type: ignore[union-attr]
    return terms, encoder


def test_bits_under_the_free_ones_cost_nothing(model: GrooveVAE, x: Tensor) -> None:
    terms, gradient = step(model, x, ObjectiveConfig(beta=1, free_bits=1e6))
    _, of_likelihood = step(model, x, ObjectiveConfig(beta=0, free_bits=0))
    assert torch.equal(gradient, of_likelihood)
    torch.testing.assert_close(terms.loss, terms.hits + terms.velocity + terms.offset)


def test_bits_above_the_free_ones_cost_beta_each(model: GrooveVAE, x: Tensor) -> None:
    likelihood, of_likelihood = step(model, x, ObjectiveConfig(beta=0))
    kl = kl_from_prior(model.encode(x)).sum(-1).detach()
    free = float(kl.sort().values[3:5].mean())  # some windows are above it, and some below
    terms, gradient = step(model, x, ObjectiveConfig(beta=0.3, free_bits=free / NATS_PER_BIT))
    over = (kl - free).clamp_min(0).mean()
    assert over > 0
    torch.testing.assert_close(terms.loss, likelihood.loss + 0.3 * over)
    assert not torch.equal(gradient, of_likelihood)
    torch.testing.assert_close(terms.kl, kl.mean())


def test_parts_are_weighed(model: GrooveVAE, x: Tensor) -> None:
    terms, _ = step(model, x, ObjectiveConfig(beta=0, velocity_weight=0.5, offset_weight=0.25))
    wanted = terms.hits + 0.5 * terms.velocity + 0.25 * terms.offset
    torch.testing.assert_close(terms.loss, wanted)


def test_hits_may_weigh_more_than_silence(model: GrooveVAE, x: Tensor) -> None:
    plain, _ = step(model, x, ObjectiveConfig(beta=0))
    heavy, _ = step(model, x, ObjectiveConfig(beta=0, hit_weight=3))
    posterior = model.encode(x)
    z = posterior.mean + posterior.stddev * torch.randn(8, 4, generator=seeded())
    on_hits = -(model.decode(z).parts(x).hits * x[..., :N_VOICES]).sum((-1, -2)).mean()
    torch.testing.assert_close(heavy.hits, plain.hits + 2 * on_hits)


def test_the_loss_is_the_negative_bound_of_the_windows(model: GrooveVAE, x: Tensor) -> None:
    terms, _ = step(model, x, ObjectiveConfig(beta=1, free_bits=0))
    posterior = model.encode(x)
    z = posterior.mean + posterior.stddev * torch.randn(8, 4, generator=seeded())
    bound = model.decode(z).log_prob(x) - kl_from_prior(posterior).sum(-1)
    torch.testing.assert_close(terms.loss, -bound.mean())


@pytest.mark.parametrize(
    ("rate", "at", "wanted"),
    [
        (0.0, 0, 0.0),
        (0.0, 1, 0.2),
        (0.0, 1000, 0.2),
        (0.5, 0, 0.0),
        (0.5, 1, 0.1),
        (0.5, 2, 0.15),
        (0.99, 100, 0.2 * (1 - 0.99**100)),
        (1.0, 1000, 0.0),
        (0.99999, 1, 2.0027162e-06),  # the original's numbers, in float32
        (0.99999, 4, 8.0108648e-06),
        (0.99999, 1000, 0.00199272647),
    ],
)
def test_beta_follows_its_schedule(rate: float, at: int, wanted: float) -> None:
    assert beta(ObjectiveConfig(beta=0.2, beta_rate=rate), at) == pytest.approx(wanted)


# -- scheduled sampling --------------------------------------------------------------------


def scheduled(rate: float, passes: int = 1) -> CorruptionConfig:
    return CorruptionConfig(sampling=rate, sampling_rise=1, sampling_passes=passes)


@pytest.fixture
def z() -> Tensor:
    return torch.randn(8, 4, generator=seeded(3))


def test_without_scheduled_sampling_the_decoder_hears_what_was_played(
    model: GrooveVAE, x: Tensor, z: Tensor
) -> None:
    p = model.decode(z)
    assert torch.equal(feedback(p, x, 5, scheduled(0), seeded()), shift(x))
    assert torch.equal(feedback(p, x, 0, scheduled(1), seeded()), shift(x))


@torch.no_grad()
def test_with_as_many_passes_as_steps_it_hears_what_it_would_play(
    model: GrooveVAE, x: Tensor, z: Tensor
) -> None:
    random = seeded()
    torch.rand(8, STEPS, 1, generator=random)  # which steps are its own: all of them
    noise = torch.rand(8, STEPS, N_VOICES, 3, generator=random).clamp(1e-6, 1 - 1e-6)
    p = model.decode(z)
    played = shift(p.sample(noise))
    exact = feedback(p, x, 1, scheduled(1, STEPS), seeded())
    assert torch.equal(exact[..., :N_VOICES], played[..., :N_VOICES])
    torch.testing.assert_close(exact, played, atol=1e-5, rtol=0)
    for passes in (1, 2, 5):
        some = feedback(p, x, 1, scheduled(1, passes), seeded())
        right = slice(0, passes + 1)
        torch.testing.assert_close(some[:, right], played[:, right], atol=1e-5, rtol=0)
    once = feedback(p, x, 1, scheduled(1), seeded())
    assert not torch.equal(once[..., :N_VOICES], played[..., :N_VOICES])


@torch.no_grad()
def test_at_temperature_0_it_hears_the_most_likely_hits(
    model: GrooveVAE, x: Tensor, z: Tensor
) -> None:
    coldest = CorruptionConfig(
        sampling=1, sampling_rise=1, sampling_passes=STEPS, sampling_temperature=0
    )
    p = model.decode(z)
    heard = feedback(p, x, 1, coldest, seeded())[..., :N_VOICES]
    assert torch.equal(heard, shift(p.sample(torch.rand(8, STEPS, N_VOICES, 3), 0.0))[..., :9])
    warm = feedback(p, x, 1, scheduled(1, STEPS), seeded())[..., :N_VOICES]
    assert not torch.equal(heard, warm)


@torch.no_grad()
def test_a_share_of_the_steps_is_its_own(model: GrooveVAE, x: Tensor, z: Tensor) -> None:
    p = model.decode(z)
    mixed = feedback(p, x, 1, scheduled(0.3), seeded())
    own = (mixed != shift(x)).any(-1)
    assert 0.15 < own[:, 1:].float().mean() < 0.45
    assert torch.equal(mixed, feedback(p, x, 1, scheduled(0.3), seeded()))
    assert not torch.equal(mixed, feedback(p, x, 1, scheduled(0.3), seeded(1)))
    slower = CorruptionConfig(sampling=0.6, sampling_rise=10)
    assert torch.equal(mixed, feedback(p, x, 5, slower, seeded()))


# -- hiding --------------------------------------------------------------------------------


def test_hidden_cells_are_silent_and_the_others_untouched() -> None:
    x = torch.rand(40, STEPS, 3 * N_VOICES, generator=seeded()) + 0.1
    hidden = hide_cells(x, 0.25, seeded(1))
    silent = hidden == 0
    hits, velocity, offset = silent.chunk(3, -1)
    assert torch.equal(hits, velocity)
    assert torch.equal(hits, offset)
    assert torch.equal(hidden[~silent], x[~silent])
    assert 0.22 < hits.float().mean() < 0.28
    assert torch.equal(hidden, hide_cells(x, 0.25, seeded(1)))
    assert not torch.equal(hidden, hide_cells(x, 0.25, seeded(2)))
    assert hide_cells(x, 0.0, seeded()) is x
    assert not hide_cells(x, 1.0, seeded()).any()


def test_hidden_steps_are_silent_and_the_others_untouched() -> None:
    previous = torch.rand(100, STEPS, 3 * N_VOICES, generator=seeded()) + 0.1
    how = CorruptionConfig(hide_steps=0.25)
    hidden = hide_steps(previous, how, seeded(1))
    silent = (hidden == 0).all(-1)
    assert torch.equal(hidden[~silent], previous[~silent])
    assert 0.2 < silent.float().mean() < 0.3
    assert torch.equal(hidden, hide_steps(previous, how, seeded(1)))
    assert hide_steps(previous, CorruptionConfig(), seeded()) is previous


def test_a_step_is_a_function_of_its_generator(model: GrooveVAE, x: Tensor) -> None:
    everything = CorruptionConfig(hide_cells=0.2, hide_steps=0.2, sampling=0.5, sampling_rise=1)
    objective = ObjectiveConfig(free_bits=0)
    first, gradient = step(model, x, objective, everything)
    again, gradient_again = step(model, x, objective, everything)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert torch.equal(gradient, gradient_again)
    other, _ = step(model, x, objective, everything, seed=1)
    assert not torch.equal(first.loss, other.loss)
