"""Judging a bundle: reconstruction, prior samples, and the floors that they are read against."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ghostnote.bundle import DECODER, Bundle
from ghostnote.data.bars import Bars, to_x
from ghostnote.data.corpus import Corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import ConfigError
from ghostnote.evaluate.metrics import (
    Confusion,
    density,
    hits_per_bar,
    mean_absolute_error,
    nearest_distance,
)
from ghostnote.evaluate.reconstruction import reconstruct
from ghostnote.evaluate.two_sample import features, two_sample_accuracy
from ghostnote.export.bundle import load_model
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.kit import N_VOICES, VOICES
from ghostnote.pipeline.sampling import draw_windows
from ghostnote.runtime import Runtime

FloatArray = npt.NDArray[np.float32]
Notice = Callable[[str], None]

MAIN_VOICES = ("kick", "snare", "closed hat", "ride")
"""The voices whose density of samples is held against the training data's."""


def judge(
    bundle: Bundle,
    corpus: Corpus,
    split: str,
    *,
    samples: int = 2048,
    seed: int = 0,
    temperature: float | None = None,
    notice: Notice = lambda _: None,
) -> dict[str, Any]:
    """All figures of `bundle` on one split of `corpus`, as nested plain values.

    `reconstruction` is from the posterior mean of what the model's task leaves: likelihoods by
    torch, the free-running hits as the bundle's own graphs decode them. `samples` are `samples`
    draws of the prior. `real` holds the same figures for windows of the training split: the floor.

    Raises:
        ConfigError: fewer than 2 samples; or a model that has other than nine voices, or that has
            to be told the hits, so that nothing can be drawn of it.
        BundleError: the bundle has no decoder, since its model writes no drums.
        DataError: the split has no windows, or those of one take only.
        MissingExtraError: scikit-learn is not installed.
    """
    if samples < 2:
        raise ConfigError(f"{samples} samples tell nothing", remedy="2 or more; 2,048 are usual")
    bundle.read(DECODER)  # that of symbols has none, and says so
    if bundle.voices != N_VOICES or bundle.controls:
        kind = "has to be told the hits" if bundle.controls else f"has {bundle.voices} drum classes"
        raise ConfigError(
            f"{bundle.name} {kind}: there are no figures for such models",
            remedy="see what it does with ghostnote reconstruct",
        )
    real, train = (_windows(bundle, corpus, name) for name in (split, "train"))
    real_bars, train_bars = Bars.of(real), Bars.of(train)
    runtime = Runtime(bundle)

    notice("reconstruction")
    model = load_model(bundle)
    scores = reconstruct(model, real_bars, device=torch.device("cpu"), task=bundle.task)
    x = all_windows(real_bars)
    seen = bundle.task.apply(x, np.random.default_rng(0)).x
    free = _free_running(runtime, seen)
    found, played = free[..., :N_VOICES] > 0.5, x[..., :N_VOICES] > 0.5
    confusion, both = Confusion.of(found, played), found & played
    reconstruction = {
        **dataclasses.asdict(scores),
        "f1": confusion.f1(),
        "precision": confusion.precision(),
        "recall": confusion.recall(),
        "f1_per_voice": dict(zip(VOICES, confusion.f1_per_voice(), strict=True)),
        "velocity_error_free": 127 * _error(free, x, both, 1),
        "offset_error_free": _error(free, x, both, 2),
        "offset_error_ms": _offset_ms(model, x, seen, real),
    }

    notice("prior samples")
    heat = bundle.temperature if temperature is None else temperature
    drawn, drawn_again = draw_windows(runtime, seed, range(samples), heat)
    train_x = all_windows(train_bars)
    bar = bundle.steps // bundle.bars
    figures = _sample_figures(drawn, train_x, bar)
    figures["temperature"] = heat
    figures["seed"] = seed
    figures["drawn_again"] = drawn_again
    notice("two-sample test")
    figures |= _two_sample(drawn, None, x, real.take, seed=seed, bar=bar)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(train_x))[:samples])
    floor = _sample_figures(train_x[chosen], None, bar)
    floor |= _two_sample(train_x[chosen], train.take[chosen], x, real.take, seed=seed, bar=bar)
    return {
        "bundle": bundle.name,
        "split": split,
        "windows": len(real),
        "takes": len(np.unique(real.take)),
        "reconstruction": reconstruction,
        "samples": figures,
        "real": floor,
    }


def _windows(bundle: Bundle, corpus: Corpus, split: str) -> Windows:
    return windows(corpus.select(split=split), bars=bundle.bars, meter=bundle.meter)


def all_windows(bars: Bars) -> FloatArray:
    """All windows as the models take them, `[W, T, 3V]`."""
    return to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))


def _free_running(runtime: Runtime, x: FloatArray) -> FloatArray:
    mu, _ = runtime.encode(x)
    noise = np.full((len(x), x.shape[1], N_VOICES, 3), 0.5, np.float32)
    return runtime.decode(mu, noise, 0.0)


def _error(a: FloatArray, b: FloatArray, where: npt.NDArray[np.bool_], part: int) -> float:
    cells = slice(part * N_VOICES, (part + 1) * N_VOICES)
    return mean_absolute_error(a[..., cells], b[..., cells], where)


@torch.no_grad()
def _offset_ms(model: GrooveVAE, windows: FloatArray, seen: FloatArray, real: Windows) -> float:
    """Teacher-forced offset MAE on true hits, in ms at each take's tempo."""
    total = count = 0.0
    for chosen in np.array_split(np.arange(len(windows)), -(-len(windows) // 512)):
        x = torch.from_numpy(windows[chosen])
        p = model.decode(model.encode(torch.from_numpy(seen[chosen])).mean)
        point = p.given(x).point()[..., 2 * N_VOICES :]
        hits = x[..., :N_VOICES] > 0.5
        ms_per_step = torch.from_numpy(15_000 / real.bpm[chosen])[:, None, None]
        error = (point - x[..., 2 * N_VOICES :]).abs() * ms_per_step
        total += float(error[hits].sum())
        count += int(hits.sum())
    return total / max(count, 1)


def _sample_figures(drawn: FloatArray, train: FloatArray | None, bar: int) -> dict[str, Any]:
    """Densities of windows with `bar` steps a bar; with `train`, also how they compare with it
    and copy from it.
    """
    hits = drawn[..., :N_VOICES] > 0.5
    figures: dict[str, Any] = {
        "n": len(drawn),
        "hits_per_bar": hits_per_bar(hits, steps_per_bar=bar),
        "density": dict(zip(VOICES, density(hits).tolist(), strict=True)),
        "empty_bars": float((~hits.reshape(len(hits), -1, bar * N_VOICES).any(-1)).mean()),
        "duplicates": 1 - len(np.unique(hits.reshape(len(hits), -1), axis=0)) / len(hits),
    }
    if train is not None:
        played = train[..., :N_VOICES] > 0.5
        figures["train_hits_per_bar"] = hits_per_bar(played, steps_per_bar=bar)
        figures["train_density"] = dict(zip(VOICES, density(played).tolist(), strict=True))
        pairs = {"hits_per_bar": (figures["hits_per_bar"], figures["train_hits_per_bar"])}
        for voice in MAIN_VOICES:
            pairs[voice] = (figures["density"][voice], figures["train_density"][voice])
        # A voice that the training data never plays has no ratio.
        figures["relative"] = {
            key: ours / theirs for key, (ours, theirs) in pairs.items() if theirs
        }
        distance = nearest_distance(hits, played)
        figures["copies"] = int((distance == 0).sum())
        figures["nearest_median"] = float(np.median(distance))
    return figures


def _two_sample(
    drawn: FloatArray,
    takes: npt.NDArray[np.int64] | None,
    real: FloatArray,
    real_takes: npt.NDArray[np.int64],
    *,
    seed: int,
    bar: int,
) -> dict[str, float]:
    return {
        key: two_sample_accuracy(
            features(drawn, expression=expression, steps_per_bar=bar),
            features(real, expression=expression, steps_per_bar=bar),
            real_takes,
            generated_groups=takes,
            seed=seed,
        )
        for key, expression in (("two_sample_hits", False), ("two_sample_all", True))
    }
