"""Moving grooves along attributes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, load_file, save

from ghostnote.bundle import LATENT, SCORER, Bundle, load_bundle
from ghostnote.directions import AMOUNTS, Direction
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.music.attributes import ATTRIBUTES, measure
from ghostnote.music.groove import Groove
from ghostnote.pipeline.attributes import (
    attribute,
    changed,
    fit_direction,
    inferred_noise,
    moved_windows,
)
from ghostnote.pipeline.sampling import sample
from ghostnote.runtime import Runtime, to_x


@pytest.fixture(scope="module")
def known_bundle(
    tiny_bundle: Bundle, drumming: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """The tiny bundle with directions, although it was trained on too little to have good ones."""
    pytest.importorskip("torch")
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.export.attributes import add_attributes

    copy = tmp_path_factory.mktemp("bundles") / "known"
    shutil.copytree(tiny_bundle.path, copy)
    training = windows(load_corpus(drumming).select(split="train"), bars=tiny_bundle.bars)
    return add_attributes(load_bundle(copy), training)


@pytest.fixture(scope="module")
def grooves(known_bundle: Bundle) -> list[Groove]:
    return sample(12, seed=3, model=known_bundle)


def test_a_bundle_knows_all_attributes(known_bundle: Bundle) -> None:
    known = known_bundle.directions
    assert list(known) == list(ATTRIBUTES) == known_bundle.config["attributes"]
    for one in known.values():
        assert one.vector.shape == (known_bundle.latent,)
        assert list(one.effects) == list(ATTRIBUTES)
        assert one.effects[one.name][AMOUNTS.index(0.0)] == 0


def test_what_is_not_about_attributes_stays(known_bundle: Bundle, tiny_bundle: Bundle) -> None:
    before, after = (load_file(bundle.path / LATENT) for bundle in (tiny_bundle, known_bundle))
    others = {name for name in before if not name.startswith("attribute.")}
    assert {name for name in after if not name.startswith("attribute.")} == others
    for name in others:
        assert np.array_equal(after[name], before[name])
    assert sample(2, model=known_bundle) == sample(2, model=tiny_bundle)
    assert load_bundle(known_bundle.path).config == known_bundle.config


def test_unknown_tensors_are_kept() -> None:
    from ghostnote.export.attributes import with_tensors

    old = save({"style.means": np.ones(3), "attribute.old": np.ones(2)})
    new = load(with_tensors(old, {"attribute.new": np.zeros(1)}, instead_of="attribute."))
    assert set(new) == {"style.means", "attribute.new"}


def test_a_model_in_torch_gets_the_same_directions(known_bundle: Bundle, drumming: Path) -> None:
    """When a run is exported, its directions are learned before there are any graphs."""
    from ghostnote.data.bars import Bars, to_x
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.export.attributes import learned
    from ghostnote.export.bundle import load_model

    bars = Bars.of(windows(load_corpus(drumming).select(split="train"), bars=known_bundle.bars))
    x = to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))
    mu, sigma = Runtime(known_bundle).encode(x)
    for mine in learned(load_model(known_bundle), x, mu, sigma, known_bundle.meter):
        other = known_bundle.directions[mine.name]
        np.testing.assert_allclose(mine.vector, other.vector, rtol=1e-3, atol=1e-4)
        for name, curve in mine.effects.items():
            np.testing.assert_allclose(curve, other.effects[name], atol=0.02)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_noise_is_that_which_hits_were_played_with(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, 100_000)
    chance = 1 / (1 + np.exp(-logits / temperature))
    hits = random.random(logits.shape) < chance
    nats = -np.logaddexp(0, np.where(hits, -logits, logits))
    uniform = random.random(logits.shape)
    noise = inferred_noise(hits, nats.astype(np.float32), uniform.astype(np.float32), temperature)
    assert ((noise < chance) == hits).mean() > 0.9999  # but for what float32 rounds away
    # Over what is played, it is what noise is: uniform, whatever the probability.
    for part in (chance < 0.2, (chance > 0.4) & (chance < 0.6), chance > 0.9):
        shares = np.histogram(noise[part], 10, (0, 1))[0] / part.sum()
        np.testing.assert_allclose(shares, 0.1, atol=0.01)


def test_the_noise_of_what_could_not_be_otherwise_is_some_noise() -> None:
    hits = np.array([True, False, True, False])
    nats = np.array([0, 1e-7, -200, -200], np.float32)
    noise = inferred_noise(hits, nats, np.full(4, 0.25, np.float32))
    np.testing.assert_allclose(noise, [0.25, 0.75, 0, 1], atol=1e-6)
    assert ((noise > 0) & (noise < 1)).all()


def test_the_decoder_plays_with_it_what_was_played() -> None:
    """At any step, after the true ones before it: here, drums that the model never wrote."""
    runtime = Runtime(load_bundle())
    random = np.random.default_rng(1)
    hits = random.random((3, 64, 9)) < 0.15
    loud, late = random.uniform(0.2, 0.9, hits.shape), random.normal(0, 0.1, hits.shape)
    x = np.concatenate([hits, hits * loud, hits * late], axis=-1).astype(np.float32)
    mu, _ = runtime.encode(x)
    noise = np.full((*hits.shape, 3), 0.5, np.float32)
    uniform = random.random(hits.shape).astype(np.float32)
    noise[..., 0] = inferred_noise(hits, runtime.score(x, mu)[0], uniform)
    for step in (0, 1, 17, 40, 63):
        mask = np.ones_like(x)
        mask[:, step] = 0
        played = runtime.decode(mu, noise, 1.0, x, mask)
        assert np.array_equal(played[:, step, :9] > 0.5, hits[:, step])


def test_nothing_moves_by_nothing(known_bundle: Bundle, grooves: list[Groove]) -> None:
    for groove in (*grooves, (grooves[0] + grooves[1])[:3]):
        for temperature in (None, 0.0, 0.6):
            same = attribute(groove, "density", 0, model=known_bundle, temperature=temperature)
            assert same == groove
    assert attribute(4, "swing", 0, model=known_bundle, seed=1) == sample(
        4, seed=1, model=known_bundle
    )


def test_the_same_seed_gives_the_same_groove_alone_or_together(
    known_bundle: Bundle, grooves: list[Groove]
) -> None:
    runtime = Runtime(known_bundle)
    far = Direction("far", np.full(known_bundle.latent, 3, np.float32))
    again = [attribute(groove, far, 2, model=runtime, seed=5) for groove in grooves]
    assert again == [attribute(groove, far, 2, model=runtime, seed=5) for groove in grooves]
    assert again != grooves
    assert again != [attribute(groove, far, 2, model=runtime, seed=6) for groove in grooves]
    x = to_x(grooves)
    shift = far.shift(2)
    together = moved_windows(Runtime(known_bundle, batch=5), x, shift, range(12), seed=5)
    for row in (0, 7, 11):
        alone = moved_windows(runtime, x[row : row + 1], shift, [row], seed=5)
        assert np.array_equal(alone[0], together[row])
    eight = attribute(8, "fill", 1, model=Runtime(known_bundle, batch=3), seed=2)
    assert attribute(5, "fill", 1, model=known_bundle, seed=2) == eight[:5]


def test_grooves_keep_their_length_and_tempo(known_bundle: Bundle, grooves: list[Groove]) -> None:
    long = (grooves[0] + grooves[1])[:3].replace(bpm=77)
    result = attribute(long, "density", 1, model=known_bundle)
    assert (result.bars, result.bpm) == (3, 77)


def test_a_song_is_moved_window_by_window(known_bundle: Bundle, grooves: list[Groove]) -> None:
    song = (grooves[0] + grooves[1] + grooves[0])[:5]
    far = Direction("far", np.full(known_bundle.latent, -3, np.float32))
    whole = attribute(song, far, 2, seed=1, model=known_bundle)
    assert whole == attribute(song, far, 2, seed=1, model=Runtime(known_bundle, batch=1))
    assert whole[:2] == attribute(grooves[0], far, 2, seed=1, model=known_bundle)
    assert whole[2:4] != attribute(
        grooves[1], far, 2, seed=1, model=known_bundle
    )  # noise of its own


def test_a_bundle_without_a_scorer_moves_what_is_likeliest(
    known_bundle: Bundle, grooves: list[Groove]
) -> None:
    files = {name: sha for name, sha in known_bundle.config["files"].items() if name != SCORER}
    old = Bundle(known_bundle.path, {**known_bundle.config, "files": files})
    cold = attribute(grooves[0], "density", 2, temperature=0, model=known_bundle)
    assert attribute(grooves[0], "density", 2, model=old) == cold
    with pytest.raises(BundleError, match=r"has no scorer.onnx .*ghostnote export"):
        attribute(grooves[0], "density", 2, temperature=1, model=old)


def test_what_does_not_change_stays_as_it_was_played() -> None:
    random = np.random.default_rng(0)

    def cells() -> np.ndarray:
        hits = random.random((5, 16, 9)) < 0.4
        parts = [hits, hits * (0.1 + 0.8 * random.random(hits.shape)), hits * 0.1]
        return np.concatenate(parts, -1).astype(np.float32)

    x, here, there = cells(), cells(), cells()
    assert np.array_equal(changed(x, here, here), x)
    result = changed(x, here, there)
    one, other = here[..., :9] > 0.5, there[..., :9] > 0.5
    assert np.array_equal((result[..., :9] > 0.5)[one != other], other[one != other])
    same = one == other
    assert np.array_equal(result[..., :9][same], x[..., :9][same])
    silent = same & ~one
    assert np.array_equal(result[..., 9:18][silent], x[..., 9:18][silent])
    assert not result[..., 9:][np.tile(result[..., :9] == 0, 2)].any()


def test_what_is_refused(known_bundle: Bundle, grooves: list[Groove]) -> None:
    with pytest.raises(ConfigError, match="has no direction 'groove'"):
        attribute(grooves[0], "groove", 1, model=known_bundle)
    with pytest.raises(ConfigError, match="cannot be moved by 7"):
        attribute(grooves[0], "density", 7, model=known_bundle)
    with pytest.raises(ConfigError, match="0 loops"):
        attribute(0, "density", 1, model=known_bundle)
    with pytest.raises(GrooveError, match="3/4"):
        attribute(Groove.silent(1, meter=(3, 4)), "density", 1, model=known_bundle)
    other = load_bundle().directions["density"]
    with pytest.raises(ConfigError, match="another model"):
        attribute(grooves[0], other, 1, model=known_bundle)
    foreign = replace(known_bundle.directions["density"], model="0" * 64)
    with pytest.raises(ConfigError, match="another model"):
        attribute(grooves[0], foreign, 1, model=known_bundle)


def test_a_model_of_the_original_s_kind_moves_too(make_model: Callable[..., Any]) -> None:
    """With squared errors, which are no likelihoods of velocity and offset."""
    import torch

    from ghostnote.export.attributes import learned

    model = make_model("flat", "squared-error", latent=6)
    hits = np.random.default_rng(0).random((40, 32, 9)) < 0.2
    x = np.concatenate([hits, hits * 0.5, hits * 0.1], axis=-1).astype(np.float32)
    with torch.no_grad():
        posterior = model.encode(torch.from_numpy(x))
    found = learned(model, x, posterior.mean.numpy(), posterior.stddev.numpy(), (4, 4))
    for one in found:
        assert np.isfinite(one.vector).all()
        assert one.effects[one.name][AMOUNTS.index(0.0)] == 0
    assert np.ptp(found[0].effects["density"]) > 0


def test_a_bundle_without_directions_says_so(known_bundle: Bundle, grooves: list[Groove]) -> None:
    bare = Bundle(known_bundle.path, {**known_bundle.config, "attributes": []})
    assert not bare.directions
    with pytest.raises(ConfigError, match="fit one"):
        attribute(grooves[0], "density", 1, model=bare)
    wrong = Bundle(known_bundle.path, {**known_bundle.config, "attributes": ["density"]})
    with pytest.raises(BundleError, match="attributes"):
        _ = wrong.directions


def test_a_direction_of_ones_own() -> None:
    """What is told of grooves is found again: here, how often the ride is hit."""
    runtime = Runtime(load_bundle())
    loops = sample(48, seed=9, model=runtime)
    labels = [float(groove.hits[:, 8].sum()) for groove in loops]
    fitted = fit_direction(loops, labels, name="ride", model=runtime)
    assert fitted.windows == 48
    assert fitted.explained > 0.5
    one = fitted.direction
    assert list(one.effects) == ["ride", *ATTRIBUTES]
    assert one.effects["ride"][-1] > one.effects["ride"][0]
    more, less = (
        sum(
            float(attribute(groove, one, amount, model=runtime).hits[:, 8].sum())
            for groove in loops[:6]
        )
        for amount in (2, -2)
    )
    assert more > less


def test_held_attributes_are_left_alone(known_bundle: Bundle) -> None:
    loops = sample(60, seed=9, model=known_bundle)
    labels = [float(groove.hits[:, 8].sum()) for groove in loops]
    fitted = fit_direction(loops, labels, name="ride", hold=["density"], model=known_bundle)
    free, again = (fit_direction(loops, labels, name="ride", model=known_bundle) for _ in range(2))
    assert np.array_equal(again.direction.vector, free.direction.vector)
    assert not np.array_equal(fitted.direction.vector, free.direction.vector)


@pytest.mark.parametrize("labels", [[1.0, 1.0, 1.0], [0.0, 1.0], [0.0, 1.0, float("nan")]])
def test_labels_that_tell_nothing(known_bundle: Bundle, labels: list[float]) -> None:
    grooves = [Groove.silent(2)] * 3
    with pytest.raises(ConfigError):
        fit_direction(grooves, labels, name="x", model=known_bundle)


def test_the_shipped_model_follows() -> None:
    """What the directions of groove-4bar promise: each rises all the way, and others move less."""
    known = load_bundle().directions
    assert list(known) == list(ATTRIBUTES)
    for name, one in known.items():
        assert (np.diff(one.effects[name]) > 0).all()
        change = {other: curve[-1] - curve[0] for other, curve in one.effects.items()}
        assert max(abs(value) for key, value in change.items() if key != name) < change[name]


def test_the_shipped_model_moves_grooves() -> None:
    runtime = Runtime(load_bundle())
    grooves = sample(8, seed=4, model=runtime)
    for name in ("density", "laid-back", "dynamics"):
        means = [
            measure(
                to_x([attribute(groove, name, amount, model=runtime) for groove in grooves]),
                names=[name],
            ).mean()
            for amount in (-2, 0, 2)
        ]
        assert means == sorted(means)
        assert means[0] < means[2]
