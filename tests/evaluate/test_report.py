"""The report on a bundle: complete, and plain enough for JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ghostnote.bundle import DECODER, Bundle
from ghostnote.data.bars import Bars
from ghostnote.data.corpus import Corpus, load_corpus
from ghostnote.data.windows import windows
from ghostnote.errors import BundleError, ConfigError, DataError
from ghostnote.evaluate.reconstruction import reconstruct
from ghostnote.evaluate.report import _sample_figures, judge
from ghostnote.export.bundle import load_model
from ghostnote.export.card import card
from ghostnote.music.kit import VOICES
from ghostnote.music.tasks import Identity
from ghostnote.pipeline.sampling import sample

SAMPLES = 24


@pytest.fixture(scope="module")
def corpus(drumming: Path) -> Corpus:
    return load_corpus(drumming)


@pytest.fixture(scope="module")
def stages() -> list[str]:
    return []


@pytest.fixture(scope="module")
def report(tiny_bundle: Bundle, corpus: Corpus, stages: list[str]) -> dict[str, Any]:
    return judge(tiny_bundle, corpus, "validation", samples=SAMPLES, notice=stages.append)


def test_a_report_is_plain_values(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert (report["bundle"], report["split"]) == ("tiny", "validation")
    assert (report["windows"], report["takes"]) == (12, 4)


def test_progress_is_told(report: dict[str, Any], stages: list[str]) -> None:
    assert stages == ["reconstruction", "prior samples", "two-sample test"]


def test_reconstruction_is_that_of_the_weights(
    report: dict[str, Any], tiny_bundle: Bundle, corpus: Corpus
) -> None:
    bars = Bars.of(windows(corpus.select(split="validation"), bars=2))
    scores = reconstruct(load_model(tiny_bundle), bars, device=torch.device("cpu"))
    found = report["reconstruction"]
    for name in ("f1", "f1_forced", "bits", "velocity_error", "offset_error"):
        assert found[name] == pytest.approx(getattr(scores, name), rel=1e-4)
    precision, recall = found["precision"], found["recall"]
    assert found["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert list(found["f1_per_voice"]) == list(VOICES)
    bpm = corpus.select(split="validation").numbers("bpm")
    slowest, fastest = (15_000 / bpm.min(), 15_000 / bpm.max())
    assert fastest <= found["offset_error_ms"] / found["offset_error"] <= slowest


def test_a_model_is_judged_by_what_its_task_leaves(
    make_bundle: Callable[..., Bundle], corpus: Corpus
) -> None:
    bundle = make_bundle("flat", "squared-error", task="humanize")
    found = judge(bundle, corpus, "validation", samples=SAMPLES)["reconstruction"]
    bars, model = Bars.of(windows(corpus.select(split="validation"), bars=2)), load_model(bundle)
    seen, whole = (
        reconstruct(model, bars, device=torch.device("cpu"), task=task)
        for task in (bundle.task, Identity())
    )
    assert seen.bits != whole.bits
    for name in ("f1", "f1_forced", "bits", "velocity_error"):
        assert found[name] == pytest.approx(getattr(seen, name), rel=1e-4)


def test_models_without_figures_say_so(make_bundle: Callable[..., Bundle], corpus: Corpus) -> None:
    classes = make_bundle("flat", "nade", voices=61)
    told = make_bundle("flat", "squared-error", task="hits-control", controls=9)
    for bundle, reason in ((classes, "has 61 drum classes"), (told, "told the hits")):
        with pytest.raises(ConfigError, match=reason) as caught:
            judge(bundle, corpus, "validation", samples=SAMPLES)
        assert caught.value.remedy is not None
        assert "ghostnote reconstruct" in caught.value.remedy
    files = {name: sha for name, sha in told.config["files"].items() if name != DECODER}
    with pytest.raises(BundleError, match=r"has no decoder\.onnx"):
        judge(Bundle(told.path, {**told.config, "files": files}), corpus, "validation")


def test_samples_are_those_that_anyone_can_draw(
    report: dict[str, Any], tiny_bundle: Bundle, corpus: Corpus
) -> None:
    drawn = report["samples"]
    grooves = sample(SAMPLES, seed=0, model=tiny_bundle)
    assert (drawn["n"], drawn["seed"], drawn["temperature"]) == (SAMPLES, 0, 1.0)
    hits = np.stack([groove.hits for groove in grooves])
    assert drawn["hits_per_bar"] == pytest.approx(hits.sum() / (2 * SAMPLES))
    assert drawn["density"]["kick"] == pytest.approx(hits[..., 0].mean())
    empty = [not bar.n_hits for groove in grooves for bar in groove]
    assert drawn["empty_bars"] == pytest.approx(np.mean(empty))
    train = windows(corpus.select(split="train"), bars=2)
    played = sum(train.groove(index).n_hits for index in range(len(train)))
    assert drawn["train_hits_per_bar"] == pytest.approx(played / len(train) / 2)
    ratio = drawn["hits_per_bar"] / drawn["train_hits_per_bar"]
    assert drawn["relative"]["hits_per_bar"] == pytest.approx(ratio)


def test_the_floor_is_real(report: dict[str, Any]) -> None:
    floor = report["real"]
    assert floor["empty_bars"] == 0
    assert floor["n"] == min(SAMPLES, 36)
    for figures in (report["samples"], floor):
        assert 0 <= figures["two_sample_hits"] <= 1
        assert 0 <= figures["two_sample_all"] <= 1


def test_a_voice_that_training_never_plays_has_no_ratio() -> None:
    x = np.zeros((4, 32, 27), np.float32)
    x[:, ::4, :2] = 1
    train = x.copy()
    train[..., 1] = 0
    figures = _sample_figures(x, train, 16)
    assert figures["relative"] == {"hits_per_bar": 2.0, "kick": 1.0}
    assert figures["train_density"]["snare"] == 0
    assert figures["duplicates"] == 0.75
    assert figures["empty_bars"] == 0


def test_bars_are_those_of_the_meter() -> None:
    x = np.zeros((3, 24, 27), np.float32)
    x[:, 0, 0] = 1  # two bars of 3/4, of which the second is empty
    figures = _sample_figures(x, x, 12)
    assert (figures["hits_per_bar"], figures["empty_bars"]) == (0.5, 0.5)
    assert (figures["copies"], figures["nearest_median"]) == (3, 0)


def test_the_card_shows_the_figures(report: dict[str, Any], tiny_bundle: Bundle) -> None:
    text = card({**tiny_bundle.config, "scores": {"validation": report}})
    assert "On the validation split (12 windows of 4 takes)" in text
    assert f"{report['reconstruction']['f1']:.3f}" in text
    assert f"| kick | {report['reconstruction']['f1_per_voice']['kick']:.3f} |" in text
    assert "Not measured" not in text


@pytest.mark.parametrize("samples", [-1, 0, 1])
def test_too_few_samples_are_refused(tiny_bundle: Bundle, corpus: Corpus, samples: int) -> None:
    with pytest.raises(ConfigError, match="samples"):
        judge(tiny_bundle, corpus, "validation", samples=samples)


def test_a_split_without_windows_is_refused(tiny_bundle: Bundle, corpus: Corpus) -> None:
    with pytest.raises(DataError):
        judge(tiny_bundle, corpus.select(split="train"), "test", samples=SAMPLES)
