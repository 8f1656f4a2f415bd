"""Sampling: groove i of seed s is a function of (s, i)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.music.groove import Groove
from ghostnote.pipeline import sampling
from ghostnote.pipeline.sampling import draw_windows, draws, sample
from ghostnote.runtime import Runtime, fingerprints


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
    monkeypatch.setattr(sampling, "_AT_ONCE", 5)
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


def test_the_tempo_changes_nothing_else(tiny_bundle: Bundle, eight: list[Groove]) -> None:
    fast = sample(8, seed=1, bpm=180, model=tiny_bundle)
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
