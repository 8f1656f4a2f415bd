"""The report on a bundle: complete, and plain enough for JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
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
from ghostnote.evaluate.report import Court, headline, judge, report, surroundings
from ghostnote.export.bundle import load_model
from ghostnote.music.groove import Groove
from ghostnote.music.kit import VOICES
from ghostnote.music.tasks import Identity
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.sampling import sample

SAMPLES = 24
BASELINES = {
    "quantised": {"humanize"},
    "mean": {"humanize"},
    "linear": {"humanize"},
    "k-nearest neighbours": {"humanize"},
    "MLP": {"humanize"},
    "training data": {"humanize"},
    "silent": {"reconstruction", "tap", "infill"},
    "marginal": {"reconstruction", "tap", "infill"},
    "bigram": {"reconstruction"},
    "nearest neighbour": {"tap", "infill"},
    "Markov chain of order 4": {"samples"},
}


@pytest.fixture(scope="module")
def corpus(drumming: Any) -> Corpus:
    return load_corpus(drumming)


@pytest.fixture(scope="module")
def stages() -> list[str]:
    return []


@pytest.fixture(scope="module")
def court(corpus: Corpus, stages: list[str]) -> Court:
    return Court(corpus, "validation", samples=SAMPLES, notice=stages.append)


@pytest.fixture(scope="module")
def judged(tiny_bundle: Bundle, court: Court) -> dict[str, Any]:
    return judge(tiny_bundle, court)


def leaves(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(tree, dict):
        return {key: leaf for name, each in tree.items() for key, leaf in
                leaves(each, (*path, name)).items()}  # fmt: skip
    return {path: tree}


def test_a_report_is_plain_values(judged: dict[str, Any], court: Court) -> None:
    document = report(court, [judged])
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (judged["bundle"], judged["split"], judged["task"]) == ("tiny", "validation", "identity")
    assert (judged["windows"], judged["takes"], judged["whole_takes"]) == (12, 4, 4)
    assert document["settings"]["samples"] == SAMPLES
    assert document["quantised"].keys() == {"train", "validation", "test"}


def test_a_report_has_all_parts_and_all_rows(judged: dict[str, Any], stages: list[str]) -> None:
    assert {"reconstruction", "samples", "latent", "humanize", "infill"} <= judged.keys()
    assert "tap" not in judged  # which it was not taught
    assert {name: set(row) for name, row in judged["beside"].items()} == BASELINES
    assert stages[:5] == ["reconstruction", "samples", "latent", "humanize", "infill"]


def test_intervals_are_of_figures_and_around_most_of_them(judged: dict[str, Any]) -> None:
    values = leaves({key: part for key, part in judged.items() if key != "intervals"})
    intervals = leaves(judged["intervals"])
    assert intervals.keys() <= values.keys()
    known = {key: ends for key, ends in intervals.items() if ends is not None}
    for low, high in known.values():
        assert low <= high
    low, high = judged["intervals"]["reconstruction"]["offset_error"]
    assert low < judged["reconstruction"]["offset_error"] < high
    around = [ends[0] <= values[key] <= ends[1] for key, ends in known.items()]
    assert np.mean(around) > 0.8


def test_the_same_seed_gives_the_same_report(
    judged: dict[str, Any], tiny_bundle: Bundle, court: Court
) -> None:
    again = judge(tiny_bundle, dataclasses.replace(court, anew=True))
    assert again == judged


def test_what_was_measured_is_not_measured_again(
    judged: dict[str, Any], tiny_bundle: Bundle, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ghostnote.evaluate.report.Subject.reconstruction", None)
    court = Court(corpus, "validation", samples=SAMPLES)
    assert judge(tiny_bundle, court) == judged
    with pytest.raises(TypeError):
        judge(tiny_bundle, Court(corpus, "validation", samples=SAMPLES, seed=1))


def test_reconstruction_is_that_of_the_weights(
    judged: dict[str, Any], tiny_bundle: Bundle, corpus: Corpus
) -> None:
    bars = Bars.of(windows(corpus.select(split="validation"), bars=2))
    scores = reconstruct(load_model(tiny_bundle), bars, device=torch.device("cpu"))
    found = judged["reconstruction"]
    for name in ("f1", "f1_forced", "bits", "velocity_error", "offset_error", "nll_hits"):
        assert found[name] == pytest.approx(getattr(scores, name), rel=1e-4)
    assert judged["latent"]["active"] == scores.active
    assert list(found["f1_per_voice"]) == list(VOICES)
    bpm = corpus.select(split="validation").numbers("bpm")
    slowest, fastest = (15_000 / bpm.min(), 15_000 / bpm.max())
    assert fastest <= found["offset_error_ms"] / found["offset_error"] <= slowest
    assert found["velocity_mae"] == pytest.approx(found["velocity_error"] / 127, rel=1e-4)
    for what in ("velocity", "offset"):
        covered = [found["coverage"][what][level] for level in ("0.5", "0.8", "0.9", "0.95")]
        assert 0 <= covered[0] <= covered[1] <= covered[2] <= covered[3] <= 1


def test_a_model_is_judged_by_what_its_task_leaves(
    make_bundle: Callable[..., Bundle], corpus: Corpus
) -> None:
    bundle = make_bundle("flat", "squared-error", task="humanize")
    found = judge(bundle, Court(corpus, "validation", samples=SAMPLES))["reconstruction"]
    bars, model = Bars.of(windows(corpus.select(split="validation"), bars=2)), load_model(bundle)
    seen, whole = (
        reconstruct(model, bars, device=torch.device("cpu"), task=task)
        for task in (bundle.task, Identity())
    )
    assert seen.bits != whole.bits
    for name in ("f1", "f1_forced", "bits", "velocity_error"):
        assert found[name] == pytest.approx(getattr(seen, name), rel=1e-4)
    precision, recall = found["precision"], found["recall"]
    assert found["f1"] == pytest.approx(2 * precision * recall / (precision + recall), rel=1e-4)
    assert "coverage" not in found  # it always plays a hit alike


def test_a_model_of_several_tasks_is_judged_on_all_of_them(
    make_bundle: Callable[..., Bundle], corpus: Corpus
) -> None:
    bundle = make_bundle("hierarchical", "likelihood", task="mixture", controls=4)
    found = judge(bundle, Court(corpus, "validation", samples=SAMPLES))
    assert {"humanize", "tap", "infill"} <= found.keys()


def test_a_model_of_hits_has_no_figures_of_expression(
    make_bundle: Callable[..., Bundle], corpus: Corpus
) -> None:
    found = judge(make_bundle("flat", "categorical"), Court(corpus, "validation", samples=SAMPLES))
    assert "humanize" not in found
    for part in ("reconstruction", "samples", "infill"):
        assert not any("velocity_error" in path[0] for path in leaves(found[part]))
    assert "two_sample_all" not in found["samples"]
    assert found["samples"]["distributions"].keys() == {
        *("density", "syncopation", "openness", "fill")
    }


def test_models_without_figures_say_so(make_bundle: Callable[..., Bundle], court: Court) -> None:
    classes = make_bundle("flat", "nade", voices=61)
    told = make_bundle("flat", "squared-error", task="hits-control", controls=9)
    for bundle, reason in ((classes, "has 61 drum classes"), (told, "told the hits")):
        with pytest.raises(ConfigError, match=reason) as caught:
            judge(bundle, court)
        assert caught.value.remedy is not None
        assert "ghostnote reconstruct" in caught.value.remedy
    files = {name: sha for name, sha in told.config["files"].items() if name != DECODER}
    with pytest.raises(BundleError, match=r"has no decoder\.onnx"):
        judge(Bundle(told.path, {**told.config, "files": files}), court)


def test_samples_are_those_that_anyone_can_draw(
    judged: dict[str, Any], tiny_bundle: Bundle, corpus: Corpus
) -> None:
    drawn = judged["samples"]
    grooves = sample(SAMPLES, seed=0, model=tiny_bundle)
    assert (drawn["n"], drawn["seed"], drawn["temperature"]) == (SAMPLES, 0, 1.0)
    hits = np.stack([groove.hits for groove in grooves])
    assert drawn["hits_per_bar"] == pytest.approx(hits.sum() / (2 * SAMPLES), rel=1e-5)
    assert drawn["density"]["kick"] == pytest.approx(hits[..., 0].mean(), rel=1e-5)
    empty = [not bar.n_hits for groove in grooves for bar in groove]
    assert drawn["empty_bars"] == pytest.approx(np.mean(empty), rel=1e-5)
    train = windows(corpus.select(split="train"), bars=2)
    played = sum(train.groove(index).n_hits for index in range(len(train)))
    assert drawn["train_hits_per_bar"] == pytest.approx(played / len(train) / 2, rel=1e-5)
    ratio = drawn["hits_per_bar"] / drawn["train_hits_per_bar"]
    assert drawn["relative"]["hits_per_bar"] == pytest.approx(ratio, rel=1e-4)


def test_humanising_is_what_the_command_does(
    judged: dict[str, Any], tiny_bundle: Bundle, corpus: Corpus
) -> None:
    part = corpus.select(split="validation")
    grooves = [part.groove(index) for index in range(len(part))]
    stiff = [
        Groove.from_cells(each.hits, each.hits * 80 / 127, 0 * each.offset, bpm=each.bpm)
        for each in grooves
    ]
    for way, temperature in (("point", 0.0), ("sample", None)):
        played = humanize_all(stiff, temperature=temperature, model=tiny_bundle)
        errors = [
            1000 * old.seconds_per_step * np.abs(new.offset - old.offset)[old.hits]
            for old, new in zip(grooves, played, strict=True)
        ]
        wanted = np.concatenate(errors).mean()
        assert judged["humanize"][way]["offset_error_ms"] == pytest.approx(wanted, rel=1e-4)
    assert judged["humanize"]["hits"] == sum(groove.n_hits for groove in grooves)


def test_the_floor_is_real(judged: dict[str, Any]) -> None:
    floor = judged["real"]
    assert floor["empty_bars"] == 0
    assert floor["n"] == min(SAMPLES, 36)
    assert floor["judged_for_copies"] == judged["windows"]
    for figures in (judged["samples"], floor):
        assert 0 <= figures["two_sample_hits"] <= 1
        assert 0 <= figures["two_sample_all"] <= 1


def test_takes_of_another_meter_are_counted(corpus: Corpus, court: Court) -> None:
    assert surroundings(court, 1, (4, 4))["left_out"] == 0
    with pytest.raises(DataError, match="3/4"):
        surroundings(court, 1, (3, 4))


def test_a_bundle_keeps_the_report_without_its_long_parts(judged: dict[str, Any]) -> None:
    kept = headline(judged)
    assert json.loads(json.dumps(kept)) == kept
    assert "histograms" in judged["samples"]
    assert "histograms" not in kept["samples"]
    assert kept["reconstruction"] == judged["reconstruction"]
    assert kept["intervals"]["humanize"] == judged["intervals"]["humanize"]
    point = kept["beside"]["linear"]["humanize"]["point"]
    whole = judged["beside"]["linear"]["humanize"]["point"]
    assert point["offset_error_ms"] == whole["offset_error_ms"]
    assert not any(name.endswith("_per_voice") for name in point)
    assert len(json.dumps(kept)) < 0.7 * len(json.dumps(judged))


@pytest.mark.parametrize("samples", [-1, 0, 1])
def test_too_few_samples_are_refused(corpus: Corpus, samples: int) -> None:
    with pytest.raises(ConfigError, match="samples"):
        Court(corpus, "validation", samples=samples)


def test_a_split_without_windows_is_refused(tiny_bundle: Bundle, corpus: Corpus) -> None:
    with pytest.raises(DataError):
        judge(tiny_bundle, Court(corpus.select(split="train"), "test", samples=SAMPLES))


def test_nothing_is_measured_where_the_dataset_is_not_what_it_is_taken_for(
    corpus: Corpus, tiny_bundle: Bundle
) -> None:
    stages: list[str] = []
    wrong = dataclasses.replace(corpus, name="gmd")
    court = Court(wrong, "validation", samples=SAMPLES, notice=stages.append)
    with pytest.raises(DataError, match="are published: no figure would mean anything"):
        judge(tiny_bundle, court)
    assert not stages
