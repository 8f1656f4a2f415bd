"""The groove VAE: distributions over windows, autoregressive, row by row."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ghostnote.errors import ConfigError
from ghostnote.model.conductors import ListeningConductor, SegmentConductor
from ghostnote.model.config import ModelConfig
from ghostnote.model.heads.groove import GrooveStep
from ghostnote.model.vae import GrooveVAE, kl_from_prior, shift
from ghostnote.music.kit import N_VOICES

STEPS = 32
BAR = 16
HITS = slice(0, N_VOICES)


def same_grooves(one: Tensor, other: Tensor) -> None:
    """Equal hits; equal velocity and offset but for the last bits."""
    assert torch.equal(one[..., HITS], other[..., HITS])
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.fixture
def x(model: GrooveVAE, z: Tensor, noise: Tensor) -> Tensor:
    """Five windows that the model has drawn, `[5, 32, 27]`."""
    with torch.no_grad():
        drawn = model.decode(z).sample(noise)
    share = drawn[..., HITS].mean()
    assert 0.1 < share < 0.9, "a test of nothing: all cells alike"
    return drawn


def test_the_gradient_reaches_every_parameter(model: GrooveVAE, x: Tensor) -> None:
    posterior = model.encode(x)
    log_prob = model.decode(posterior.rsample()).log_prob(x)
    (kl_from_prior(posterior).sum() - log_prob.sum()).backward()  # type: ignore[no-untyped-call]
    silent = {
        name
        for name, weight in model.named_parameters()
        if weight.requires_grad and (weight.grad is None or not weight.grad.any())
    }
    # The conductor is fed with zeros: all that it learns of its input is the bias. No later voice
    # hears the last one of a NADE.
    assert silent <= {"decoder.conductor.lstm.weight_ih_l0"}
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert all("lstm.bias_hh" in name for name in frozen)
    assert not any(model.get_parameter(name).any() for name in frozen)
    model.zero_grad()


@torch.no_grad()
def test_a_batch_gives_what_its_rows_give(
    model: GrooveVAE, x: Tensor, z: Tensor, noise: Tensor
) -> None:
    p, posterior = model.decode(z), model.encode(x)
    log_prob, mode, sample = p.log_prob(x), p.mode(), p.sample(noise)
    for row in range(len(z)):
        one = slice(row, row + 1)
        alone = model.decode(z[one])
        torch.testing.assert_close(alone.log_prob(x[one]), log_prob[one], atol=1e-3, rtol=1e-5)
        same_grooves(alone.mode(), mode[one])
        same_grooves(alone.sample(noise[one]), sample[one])
        torch.testing.assert_close(model.encode(x[one]).mean, posterior.mean[one])
        torch.testing.assert_close(model.encode(x[one]).stddev, posterior.stddev[one])


@torch.no_grad()
def test_fed_with_its_own_sample_the_model_draws_it_again(
    model: GrooveVAE, x: Tensor, z: Tensor, noise: Tensor
) -> None:
    drawn = model.decoder.unroll(z, noise, 1.0)
    assert torch.equal(model.decoder.head.finish(drawn.outputs), x)
    again = model.decode(z).given(drawn.outputs)
    same_grooves(again.sample(noise, 1.0), drawn.outputs)
    _, state = model.decoder.follow(z, shift(model.decoder.head.feedback(drawn.outputs)))
    torch.testing.assert_close(state.flat(), drawn.state.flat(), atol=1e-5, rtol=0)


@torch.no_grad()
def test_whole_windows_may_be_given_their_length(model: GrooveVAE, x: Tensor, z: Tensor) -> None:
    whole = torch.full((5,), STEPS)
    torch.testing.assert_close(model.encode(x, lengths=whole).mean, model.encode(x).mean)
    fed = shift(model.decoder.head.feedback(x))
    (params, state), (again, after) = (
        model.decoder.follow(z, fed, lengths=lengths) for lengths in (None, whole)
    )
    torch.testing.assert_close(again, params, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(after.flat(), state.flat(), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_segment_is_followed_to_the_longest_end(
    model: GrooveVAE, x: Tensor, z: Tensor, random: torch.Generator
) -> None:
    segments = model.decoder.conductor.segments
    length = STEPS // segments
    lengths = torch.randint(0, length, (5, segments), generator=random)
    fed = shift(model.decoder.head.feedback(x))
    params = model.decoder(z, fed, lengths=lengths if segments > 1 else lengths[:, 0])
    reached = (torch.arange(length) < lengths.amax(0)[:, None]).flatten()
    assert torch.equal(params.any(-1).any(0), reached)
    if isinstance(model.decoder.conductor, ListeningConductor):
        reached[length:] = False  # it has heard of the end of the first
    whole = model.decoder(z, fed)
    torch.testing.assert_close(params[:, reached], whole[:, reached], atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_sampling_is_a_function_of_the_noise(
    model: GrooveVAE, x: Tensor, z: Tensor, noise: Tensor
) -> None:
    p = model.decode(z)
    assert torch.equal(p.sample(noise), x)
    assert not torch.equal(p.sample(1 - noise), x)
    same_grooves(p.sample(noise, torch.tensor(1.0)), x)


@torch.no_grad()
def test_temperature_zero_is_the_mode_whatever_the_noise(
    model: GrooveVAE, z: Tensor, noise: Tensor
) -> None:
    p = model.decode(z)
    assert torch.equal(p.sample(noise, 0.0), p.mode())


@torch.no_grad()
def test_the_mode_takes_the_likelier_outcome_of_every_cell(model: GrooveVAE, z: Tensor) -> None:
    p = model.decode(z)
    half = torch.full((5, STEPS, N_VOICES, 3), 0.5)
    mode = model.decoder.unroll(z, half, 0.0).outputs
    assert torch.equal(model.decoder.head.finish(mode), p.mode())
    steps = p.given(mode)
    likely = steps.point()[..., HITS] == mode[..., HITS]
    assert likely.float().mean() > 0.99  # not 1: two passes differ in their last bits
    if isinstance(steps, GrooveStep):
        assert torch.equal(likely, (steps.hit_logits > 0) == (mode[..., HITS] == 1))


@torch.no_grad()
def test_known_cells_are_kept_to_the_bit(
    model: GrooveVAE, x: Tensor, z: Tensor, noise: Tensor
) -> None:
    p = model.decode(z)
    known = p.sample(noise.flip(0))
    nothing, everything = torch.zeros(known.shape), torch.ones(known.shape)
    assert torch.equal(p.sample(noise, 1.0, known, everything), known)
    assert torch.equal(p.sample(noise, 1.0, known, nothing), x)
    cells = torch.rand(5, STEPS, N_VOICES, generator=torch.Generator().manual_seed(5)) < 0.5
    mask = cells.float().repeat(1, 1, 3)
    drawn = p.sample(noise, 1.0, known, mask)
    kept = mask == 1
    assert torch.equal(drawn[kept], known[kept])
    # What is known is heard: the other cells are those of a decoder that has it in its ears.
    heard = model.decoder.unroll(z, noise, 1.0, known, mask).outputs
    same_grooves(p.given(heard).sample(noise, 1.0, known, mask), heard)


@pytest.mark.parametrize("step", [0, 7, BAR - 1, BAR, STEPS - 2])
@torch.no_grad()
def test_a_step_is_heard_after_it_and_never_before(
    model: GrooveVAE, x: Tensor, z: Tensor, step: int
) -> None:
    p, changed = model.decode(z), x.clone()
    changed[:, step, HITS] = 1 - changed[:, step, HITS]
    previous = (shift(p.head.feedback(each)) for each in (x, changed))
    before, after = (model.decoder(z, each) for each in previous)
    differs = (before != after).any(-1).any(0)
    assert not differs[: step + 1].any()
    assert differs[step + 1]
    # The state crosses the borders of bars in the flat decoder; in the hierarchical one, only
    # the last output does, unless the conductor hears what became of the bar before.
    crosses = not isinstance(model.decoder.conductor, SegmentConductor)
    if step < BAR - 1:
        assert differs[BAR:].any() == crosses
        assert differs[step + 1 : BAR].all()
    else:
        assert differs[step + 1 :].all()


def test_kl_is_that_of_torch() -> None:
    random = torch.Generator().manual_seed(0)
    q = Normal(torch.randn(7, 5, generator=random), 0.01 + torch.rand(7, 5, generator=random))
    torch.testing.assert_close(kl_from_prior(q), kl_divergence(q, Normal(0.0, 1.0)))


def test_shift_puts_silence_first_and_forgets_the_last_step() -> None:
    x = torch.arange(1, 13.0).view(1, 4, 3)
    assert shift(x).tolist() == [[[0, 0, 0], [1, 2, 3], [4, 5, 6], [7, 8, 9]]]


@torch.no_grad()
def test_weights_that_are_saved_and_loaded_make_the_same_model(
    model: GrooveVAE, x: Tensor, z: Tensor, noise: Tensor
) -> None:
    other = GrooveVAE(model.config).eval()
    other.load_state_dict(load(save(dict(model.state_dict()))))
    assert torch.equal(other.decode(z).sample(noise), x)
    assert torch.equal(other.encode(x).mean, model.encode(x).mean)


@pytest.mark.parametrize("kind", ["hierarchical", "flat"])
@torch.no_grad()
def test_training_differs_by_dropout_alone(
    make_model: Callable[..., GrooveVAE], kind: str, z: Tensor, noise: Tensor
) -> None:
    plain = make_model(kind)
    dropping = GrooveVAE(make_model(kind, layer_dropout=0.3, latent_dropout=0.3).config)
    dropping.load_state_dict(plain.state_dict())
    x = plain.decode(z).sample(noise)
    wanted = plain.decode(z).log_prob(x)
    assert torch.equal(plain.train().decode(z).log_prob(x), wanted)
    assert torch.equal(dropping.eval().decode(z).log_prob(x), wanted)
    assert not torch.equal(dropping.train().decode(z).log_prob(x), wanted)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = dropping.encode(x).mean
        assert not torch.equal(dropping.encode(x).mean, first)
    plain.eval()


def test_the_representation_shows_what_a_model_is_made_of(model: GrooveVAE) -> None:
    shown = repr(model)
    assert len(shown.splitlines()) < 60
    kind = type(model.decoder.conductor).__name__
    for part in ("GrooveVAE", "BidirectionalSummary", "SegmentDecoder", kind, "LSTM", "Head"):
        assert part in shown
    trained = [weight for name, weight in model.state_dict().items() if "bias_hh" not in name]
    assert model.n_parameters == sum(weight.numel() for weight in trained)


@pytest.mark.parametrize(
    ("meter", "bars", "steps"), [("4/4", 4, 64), ("3/4", 2, 24), ("6/8", 1, 12)]
)
def test_the_window_is_whole_bars_of_its_meter(meter: str, bars: int, steps: int) -> None:
    config = ModelConfig(bars=bars, meter=meter)
    assert config.steps == steps
    assert config.signature == tuple(map(int, meter.split("/")))


@pytest.mark.parametrize("meter", ["", "4", "4-4", "four/four", "0/4", "4/3", "1/64"])
def test_what_is_no_meter_is_refused(meter: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.meter"):
        _ = ModelConfig(meter=meter).steps
