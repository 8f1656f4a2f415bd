"""Sampling: groove i of seed s is a function of (s, i)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline import sampling
from ghostnote.pipeline.reconstruction import reconstruct
from ghostnote.pipeline.sampling import draw_windows, draws, sample
from ghostnote.runtime import Runtime, fingerprints, to_x


@pytest.fixture(scope="module")
def eight(tiny_bundle: Bundle) -> list[Groove]:
    return sample(8, seed=1, model=tiny_bundle)


def test_a_sample_is_so_many_grooves_of_the_model(tiny_bundle: Bundle, eight: list[Groove]) -> None:
    assert len(eight) == len(set(eight)) == 8
    for groove in eight:
        assert (groove.bars, groove.meter) == (tiny_bundle.bars, tiny_bundle.meter)
        assert groove.bpm == tiny_bundle.bpm
    assert sum(groove.n_hits for groove in eight) > 0


@pytest.mark.parametrize("index", [0, 5, 7])
def test_each_groove_is_what_it_is_alone(
    tiny_bundle: Bundle, eight: list[Groove], index: int
) -> None:
    assert sample(1, seed=1, start=index, model=tiny_bundle) == [eight[index]]


def test_neither_batch_nor_number_changes_a_groove(
    tiny_bundle: Bundle, eight: list[Groove], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample(3, seed=1, model=tiny_bundle) == eight[:3]
    assert sample(8, seed=1, model=Runtime(tiny_bundle, batch=3)) == eight
    monkeypatch.setattr(sampling, "AT_ONCE", 5)
    assert sample(8, seed=1, model=tiny_bundle) == eight
    assert sample(6, seed=1, start=2, model=tiny_bundle) == eight[2:]


def test_a_model_is_a_bundle_its_runtime_or_its_folder(
    tiny_bundle: Bundle, eight: list[Groove]
) -> None:
    for model in (Runtime(tiny_bundle), str(tiny_bundle.path)):
        assert sample(2, seed=1, model=model) == eight[:2]


def test_other_seeds_are_other_grooves(tiny_bundle: Bundle, eight: list[Groove]) -> None:
    others = sample(8, seed=2, model=tiny_bundle)
    assert not set(others) & set(eight)
    assert sample(1, seed=2**63 - 1, start=2**62, model=tiny_bundle)


def test_the_tempo_changes_nothing_else_where_no_parts_are_known(
    tiny_bundle: Bundle, eight: list[Groove]
) -> None:
    config = {key: value for key, value in tiny_bundle.config.items() if key != "parts"}
    fast = sample(8, seed=1, bpm=180, model=Bundle(tiny_bundle.path, config))
    assert fast == [groove.replace(bpm=180) for groove in eight]


def test_the_bundle_knows_its_temperature(tiny_bundle: Bundle, eight: list[Groove]) -> None:
    assert sample(8, seed=1, temperature=1.0, model=tiny_bundle) == eight
    cold = sample(8, seed=1, temperature=0, model=tiny_bundle)
    assert cold != eight
    other = {**tiny_bundle.config["sampling"], "temperature": 0.0}
    bundle = Bundle(tiny_bundle.path, {**tiny_bundle.config, "sampling": other})
    assert sample(8, seed=1, model=bundle) == cold


def test_hotter_is_wilder(tiny_bundle: Bundle) -> None:
    def hits(temperature: float) -> int:
        grooves = sample(20, seed=1, temperature=temperature, model=tiny_bundle)
        return sum(groove.n_hits for groove in grooves)

    assert hits(0.3) < hits(1) < hits(3)  # where hits are rarer than silence


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": -1},
        {"seed": -1},
        {"seed": 2**63},
        {"start": -1},
        {"temperature": -0.01},
        {"temperature": 10.1},
        {"temperature": float("nan")},
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(tiny_bundle: Bundle, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        sample(model=tiny_bundle, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("bpm", [0, -1, 1001, float("nan")])
def test_tempos_out_of_range_are_refused(tiny_bundle: Bundle, bpm: float) -> None:
    with pytest.raises(GrooveError, match="bpm"):
        sample(bpm=bpm, model=tiny_bundle)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        sample(model=str(tmp_path / "nothing"))


def test_the_noise_of_a_draw_is_its_own(tiny_bundle: Bundle) -> None:
    z, noise = draws(tiny_bundle, 4, range(10, 16))
    assert z.shape == (6, tiny_bundle.latent)
    assert noise.shape == (6, tiny_bundle.steps, 9, 3)
    assert noise.min() > 0
    assert noise.max() < 1
    assert len(np.unique(noise)) > 0.99 * noise.size
    one_z, one_noise = draws(tiny_bundle, 4, range(13, 14))
    assert np.array_equal(one_z[0], z[3])
    assert np.array_equal(one_noise[0], noise[3])


class Known(Bundle):
    """A bundle that has been trained on what it is told."""

    seen: np.ndarray

    @property
    def training_fingerprints(self) -> np.ndarray:
        return self.seen


def knowing(bundle: Bundle, hits: np.ndarray) -> Known:
    known = Known(bundle.path, bundle.config)
    object.__setattr__(known, "seen", np.unique(fingerprints(hits)))
    return known


def test_a_copy_of_a_training_window_is_drawn_again(
    tiny_bundle: Bundle, eight: list[Groove]
) -> None:
    copied = [1, 6]
    known = knowing(tiny_bundle, np.stack([eight[index].hits for index in copied]))
    again = sample(8, seed=1, model=known)
    for index, (groove, before) in enumerate(zip(again, eight, strict=True)):
        assert (groove == before) == (index not in copied)
    _, count = draw_windows(Runtime(known), 1, range(8), tiny_bundle.temperature)
    assert count == 2
    assert sample(1, seed=1, start=6, model=known)[0] == again[6]


def test_a_model_that_knows_only_copies_gives_one(tiny_bundle: Bundle) -> None:
    silence = np.zeros((1, tiny_bundle.steps, 9), bool)
    known = knowing(tiny_bundle, silence)
    runtime = Runtime(known)
    runtime.decode = lambda z, *_, **__: np.zeros((len(z), known.steps, 27), np.float32)  # type: ignore[method-assign]
    x, count = draw_windows(runtime, 0, range(3), 1.0)
    assert count == 3
    assert not x.any()


def test_fingerprints_tell_hits_apart() -> None:
    hits = np.random.default_rng(0).random((500, 64, 9)) < 0.1
    assert len(np.unique(fingerprints(hits))) == 500
    assert np.array_equal(fingerprints(hits[7:9]), fingerprints(hits)[7:9])


# -- reconstruction --------------------------------------------------------------------------


def a_groove(bars: int = 2, *, seed: int = 0, bpm: float = 93) -> Groove:
    random = np.random.default_rng(seed)
    hits = random.random((16 * bars, 9)) < 0.25
    velocity, offset = random.uniform(0.1, 1, hits.shape), random.uniform(-0.4, 0.4, hits.shape)
    return Groove.from_cells(hits, hits * velocity, hits * offset, bpm=bpm)


def plain(groove: Groove) -> Groove:
    """The same hits, all alike and on the beat."""
    return Groove.from_cells(groove.hits, 0.6 * groove.hits, 0.0 * groove.hits, bpm=groove.bpm)


@pytest.mark.parametrize("bars", [1, 2, 3, 4, 7])
def test_what_comes_back_is_as_long(tiny_bundle: Bundle, bars: int) -> None:
    groove = a_groove(bars)
    found = reconstruct(groove, model=tiny_bundle)
    back = found.groove
    assert (back.bars, back.bpm, back.meter) == (bars, groove.bpm, groove.meter)
    assert len(found.bits) == -(-bars // 2)
    assert all(bits > 0 for bits in found.bits)
    both = groove.hits & back.hits
    assert (found.kept, found.lost) == (both.sum(), groove.n_hits - both.sum())
    assert found.added == back.n_hits - both.sum()
    if both.any():
        velocity = np.abs(groove.velocity - back.velocity)[both].mean()
        offset = np.abs(groove.offset - back.offset)[both].mean()
        assert found.velocity_error == pytest.approx(127 * velocity, rel=1e-5)
        assert found.offset_error == pytest.approx(offset, rel=1e-5)


def test_it_is_the_encoder_then_the_decoder(tiny_bundle: Bundle) -> None:
    groove, runtime = a_groove(), Runtime(tiny_bundle)
    mu, sigma = runtime.encode(to_x([groove]))
    noise = np.full((1, 32, 9, 3), 0.5, np.float32)
    hits = runtime.decode(mu, noise, 0.0)[0, :, :9] > 0.5
    found = reconstruct(groove, model=runtime)
    assert np.array_equal(found.groove.hits, hits)
    nats = (0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma)).sum()
    assert found.bits == (pytest.approx(nats / np.log(2), rel=1e-5),)


def test_a_last_window_is_filled_up_with_silence(tiny_bundle: Bundle) -> None:
    long = a_groove(3)
    silence = Groove.silent(1, bpm=long.bpm)
    found, whole = (reconstruct(groove, model=tiny_bundle) for groove in (long, long + silence))
    assert found.bits == whole.bits
    assert found.groove == whole.groove[:3]


def test_windows_are_sent_one_by_one(tiny_bundle: Bundle) -> None:
    long = a_groove(6)
    found = reconstruct(long, model=tiny_bundle)
    for index in range(3):
        part = slice(2 * index, 2 * index + 2)
        alone = reconstruct(long[part], model=tiny_bundle)
        assert alone.bits == (found.bits[index],)
        assert found.groove[part] == alone.groove


def test_silence_has_no_errors(tiny_bundle: Bundle) -> None:
    found = reconstruct(Groove.silent(2), model=tiny_bundle)
    assert (found.kept, found.lost) == (0, 0)
    assert (found.velocity_error, found.offset_error) == (0.0, 0.0)


def test_only_heat_needs_a_seed(tiny_bundle: Bundle) -> None:
    groove = a_groove()
    cold = [reconstruct(groove, model=tiny_bundle, seed=seed) for seed in (0, 1)]
    assert cold[0] == cold[1]
    hot = [
        reconstruct(groove, model=tiny_bundle, seed=seed, temperature=1.0).groove
        for seed in (0, 0, 1)
    ]
    assert hot[0] == hot[1] != hot[2]


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"seed": 2**63}, {"temperature": -1.0}, {"temperature": float("nan")}]
)
def test_numbers_out_of_range_are_refused_there_too(
    tiny_bundle: Bundle, wrong: dict[str, float]
) -> None:
    with pytest.raises(ConfigError):
        reconstruct(a_groove(), model=tiny_bundle, **wrong)  # type: ignore[arg-type]


def test_a_groove_in_another_meter_is_refused(tiny_bundle: Bundle) -> None:
    with pytest.raises(GrooveError, match=r"is in 3/4; tiny knows 4/4 alone") as caught:
        reconstruct(Groove.silent(2, meter=(3, 4)), model=tiny_bundle)
    assert caught.value.remedy == "choose a model of that meter"


@pytest.mark.parametrize(
    ("task", "heard"),
    [("identity", True), ("humanize", False), ("tap", True), ("hits-control", True)],
)
def test_a_model_is_given_what_its_task_leaves(
    make_bundle: Callable[..., Bundle], task: str, heard: bool
) -> None:
    controls = 9 if task == "hits-control" else 0
    bundle = make_bundle("flat", "squared-error", task=task, controls=controls)
    groove = a_groove(3)
    one, other = (
        reconstruct(each, model=bundle, temperature=1.0) for each in (groove, plain(groove))
    )
    assert one.groove.n_hits > 0
    assert (one.groove != other.groove) == heard
    assert (one.bits != other.bits) == heard


def test_taps_do_not_say_which_voice_was_played(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle("flat", "squared-error", task="tap")
    hits = np.zeros((32, 9), bool)
    hits[::4, 0] = True
    swapped = hits[:, ::-1].copy()
    one, other = (
        reconstruct(Groove.from_cells(played, played, 0.0 * played), model=bundle, temperature=1.0)
        for played in (hits, swapped)
    )
    assert one.groove == other.groove
    assert one.groove.n_hits > 0
    assert one.kept != other.kept


def test_what_a_task_hides_is_drawn_by_the_seed(make_bundle: Callable[..., Bundle]) -> None:
    bundle, groove = make_bundle("flat", "squared-error", task="infill"), a_groove(8)
    bits = [reconstruct(groove, model=bundle, seed=seed).bits for seed in (0, 0, 1)]
    assert bits[0] == bits[1] != bits[2]


def test_nine_voices_go_through_a_model_of_61_classes(make_bundle: Callable[..., Bundle]) -> None:
    bundle, groove = make_bundle("flat", "nade", voices=61), a_groove(3)
    found = reconstruct(groove, model=bundle)
    assert found.groove.hits.shape == groove.hits.shape
    assert found.kept + found.lost == groove.n_hits
    assert found.kept + found.added == found.groove.n_hits > 0
    loops = sample(3, seed=1, model=bundle)
    assert sample(1, seed=1, start=2, model=bundle) == [loops[2]]
    assert all(loop.hits.shape == (32, 9) for loop in loops)
