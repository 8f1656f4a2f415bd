"""Exporting: what was trained becomes a bundle, all of it or nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ghostnote.bundle import CARD, CONFIG, DECODER, LATENT, SCORER, WEIGHTS, Bundle, load_bundle
from ghostnote.data.bars import Bars
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import ConfigError, OutputError, TrainingError
from ghostnote.evaluate.report import all_windows
from ghostnote.export import bundle as module
from ghostnote.export.bundle import (
    build_model,
    complete_bundle,
    export_bundle,
    load_model,
    posteriors,
    write_description,
)
from ghostnote.export.card import card
from ghostnote.model.vae import GrooveVAE
from ghostnote.music.tasks import HitsControl, Humanize, Infill, Task
from ghostnote.pipeline.sampling import draws, sample
from ghostnote.runtime import Runtime
from ghostnote.train.checkpoint import Checkpoint
from ghostnote.train.config import RunConfig, from_table, to_table, update
from ghostnote.train.presets import preset


@pytest.fixture(scope="module")
def training(drumming: Path) -> Windows:
    return windows(load_corpus(drumming).select(split="train"), bars=2)


@pytest.fixture(scope="module")
def checkpoint(make_model: Callable[..., GrooveVAE], training: Windows) -> Checkpoint:
    """As if a lively model were the average of the weights of a run."""
    model = make_model("flat")
    run = update(preset("groove-4bar").run, {"model": to_table(model.config)})
    return Checkpoint(
        step=7,
        config=json.loads(json.dumps(to_table(run))),
        data=Bars.of(training).digest(),
        model={},
        average={name: weight + 1e-6 for name, weight in model.state_dict().items()},
        first_moments={},
        second_moments={},
        best=0.5,
        best_step=7,
        seconds=125.4,
        history=(),
    )


@pytest.fixture
def exported(checkpoint: Checkpoint, training: Windows, tmp_path: Path) -> Bundle:
    return export_bundle(checkpoint, training, tmp_path / "out" / "model")


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in sorted(folder.iterdir())}


def test_what_is_written_can_be_loaded_and_sampled(exported: Bundle) -> None:
    loaded = load_bundle(exported.path)
    assert loaded.config == json.loads(json.dumps(exported.config))
    assert sample(4, model=loaded) == sample(4, model=exported)
    assert sum(groove.n_hits for groove in sample(4, model=loaded)) > 0
    assert [entry.name for entry in exported.path.parent.iterdir()] == ["model"]


def test_the_description_says_where_the_model_comes_from(
    exported: Bundle, checkpoint: Checkpoint, training: Windows
) -> None:
    config = exported.config
    assert config["name"] == "groove-4bar"
    assert config["model"] == checkpoint.config["model"]
    assert config["meter"] == [4, 4]
    assert config["scores"] == {}
    assert config["parameters"] == load_model(exported).n_parameters
    trained = config["training"]
    assert trained["windows"] == len(training)
    assert trained["digest"] == checkpoint.data
    assert (trained["steps"], trained["seconds"]) == (7, 125)
    run = from_table(RunConfig, trained["run"])
    assert json.loads(json.dumps(to_table(run))) == checkpoint.config
    assert config["sampling"]["bpm"] == np.median(training.bpm)


def test_torch_has_the_weights_that_are_shipped(exported: Bundle, checkpoint: Checkpoint) -> None:
    model, built = load_model(exported), build_model(checkpoint)
    assert not model.training
    for name, weight in built.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight)
        assert torch.equal(weight, checkpoint.average[name].half().float())
    stored = load_file(exported.path / WEIGHTS)
    assert {array.dtype for array in stored.values()} == {np.dtype(np.float16)}


@torch.no_grad()
def test_the_graph_plays_what_torch_plays(exported: Bundle) -> None:
    z, noise = draws(exported, 0, range(50))
    drawn = load_model(exported).decode(torch.from_numpy(z)).sample(torch.from_numpy(noise))
    x = Runtime(exported).decode(z, noise, 1.0)
    assert np.array_equal(x[..., :9], drawn[..., :9].numpy())
    np.testing.assert_allclose(x, drawn, atol=1e-4)


def test_the_prior_is_fitted_to_the_training_windows(exported: Bundle, training: Windows) -> None:
    mu, sigma = posteriors(load_model(exported), Bars.of(training), batch=7)
    assert mu.shape == sigma.shape == (len(training), exported.latent)
    again = posteriors(load_model(exported), Bars.of(training))
    np.testing.assert_allclose(mu, again[0], atol=1e-5)
    np.testing.assert_allclose(exported.prior.means[0], mu.mean(0), rtol=2**-11, atol=1e-6)


@pytest.mark.parametrize(
    ("task", "controls"), [(Humanize(), 0), (Infill(), 0), (HitsControl(), 9)], ids=["h", "i", "c"]
)
def test_the_prior_is_that_of_what_a_task_leaves(
    make_model: Callable[..., GrooveVAE], training: Windows, task: Task, controls: int
) -> None:
    """An encoder that was taught a task has never heard whole windows."""
    model, bars = make_model("flat", "squared-error", controls=controls), Bars.of(training)
    given = task.apply(all_windows(bars), np.random.default_rng(0))
    parts = [None if part is None else torch.from_numpy(part) for part in given]
    with torch.no_grad():
        wanted = model.encode(parts[0], parts[1])
    mu, sigma = posteriors(model, bars, task=task)
    np.testing.assert_allclose(mu, wanted.mean, atol=1e-6)
    np.testing.assert_allclose(sigma, wanted.stddev, atol=1e-6)
    if not controls:
        assert np.abs(mu - posteriors(model, bars)[0]).max() > 1e-3


def test_options_reach_the_bundle(
    checkpoint: Checkpoint, training: Windows, tmp_path: Path
) -> None:
    bundle = export_bundle(
        checkpoint, training, tmp_path / "b", name="mine", components=2, temperature=0.7
    )
    assert (bundle.name, bundle.temperature) == ("mine", 0.7)
    assert bundle.prior.weights.shape == (2,)
    with pytest.raises(ConfigError, match="1000 components"):
        export_bundle(checkpoint, training, tmp_path / "c", components=1000)
    assert not (tmp_path / "c").exists()


def test_what_is_shared_is_in_the_graph_and_changes_no_weight(
    exported: Bundle, checkpoint: Checkpoint, training: Windows, tmp_path: Path
) -> None:
    numbers = {"shared_velocity": 0.5, "shared_spread": 0.4}
    shared = export_bundle(checkpoint, training, tmp_path / "b", shared=numbers)
    assert shared.config["model"]["head"] == {"kind": "likelihood", **numbers}
    assert shared.read(WEIGHTS) == exported.read(WEIGHTS)
    text = (shared.path / CARD).read_text()
    assert "0.5 times the variance" in text
    assert "a standard deviation of 0.4" in text
    assert "--shared-velocity 0.5 --shared-spread 0.4" in text
    z, noise = draws(exported, 0, range(20))
    one, other = (Runtime(bundle).decode(z, noise, 1.0) for bundle in (exported, shared))
    assert not np.array_equal(one, other)
    cold = [Runtime(bundle).decode(z, noise, 0.0) for bundle in (exported, shared)]
    assert np.array_equal(*cold)


def test_only_velocities_that_are_drawn_can_be_shared(
    checkpoint: Checkpoint, training: Windows, tmp_path: Path
) -> None:
    model = {**checkpoint.config["model"], "head": {"kind": "boolean"}}
    silent = dataclasses.replace(checkpoint, config={**checkpoint.config, "model": model})
    with pytest.raises(ConfigError, match="boolean draws no velocities"):
        export_bundle(silent, training, tmp_path / "b", shared={"shared_spread": 0.5})
    assert not (tmp_path / "b").exists()


def test_it_is_calibrated_when_asked_for(
    checkpoint: Checkpoint,
    training: Windows,
    drumming: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ghostnote.export.calibration.FEWEST", 1)
    held_out = windows(load_corpus(drumming).select(split="validation"), bars=2)
    plain = export_bundle(checkpoint, training, tmp_path / "plain")
    assert plain.config["calibration"] is None
    assert plain.timing == 1
    bundle = export_bundle(checkpoint, training, tmp_path / "some", held_out=held_out)
    assert bundle.config["calibration"]["windows"] == len(held_out)
    assert "timing" not in bundle.config["sampling"]
    one, other = (load_model(each).state_dict() for each in (plain, bundle))
    bias = "decoder.core.project.bias"
    assert [name for name in one if not torch.equal(one[name], other[name])] == [bias]
    assert "Calibrated on" in (bundle.path / CARD).read_text()
    run = update(from_table(RunConfig, checkpoint.config), {"task": {"kind": "humanize"}})
    taught = dataclasses.replace(checkpoint, config=to_table(run))
    humanizer = export_bundle(taught, training, tmp_path / "other", held_out=held_out)
    assert 0 <= humanizer.timing <= 1
    assert load_bundle(humanizer.path).timing == humanizer.timing
    assert "of the likeliest timing" in (humanizer.path / CARD).read_text()


def test_other_windows_than_those_of_the_run_are_refused(
    checkpoint: Checkpoint, drumming: Path, tmp_path: Path
) -> None:
    other = windows(load_corpus(drumming).select(split="test"), bars=2)
    with pytest.raises(TrainingError, match=r"other windows.*--data"):
        export_bundle(checkpoint, other, tmp_path / "b")
    assert not list(tmp_path.iterdir())


def test_what_exists_is_replaced_when_asked_for_and_not_before(
    exported: Bundle, checkpoint: Checkpoint, training: Windows
) -> None:
    (exported.path / "notes.txt").write_text("mine")
    before = contents(exported.path)
    with pytest.raises(OutputError, match=r"exists already.*--force"):
        export_bundle(checkpoint, training, exported.path, name="new")
    assert contents(exported.path) == before
    export_bundle(checkpoint, training, exported.path, name="new", overwrite=True)
    assert load_bundle(exported.path).name == "new"
    assert not (exported.path / "notes.txt").exists()
    assert [entry.name for entry in exported.path.parent.iterdir()] == ["model"]


def test_a_folder_that_is_no_bundle_is_never_replaced(
    checkpoint: Checkpoint, training: Windows, tmp_path: Path
) -> None:
    (tmp_path / "song.txt").write_text("years of work")
    with pytest.raises(OutputError, match="is no bundle"):
        export_bundle(checkpoint, training, tmp_path, overwrite=True)
    assert contents(tmp_path) == {"song.txt": b"years of work"}


def test_a_failure_on_the_way_leaves_what_was_there(
    exported: Bundle, checkpoint: Checkpoint, training: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(exported.path)

    def full(folder: Path, config: object) -> None:
        raise OutputError("cannot be written: No space left on device", source=folder)

    monkeypatch.setattr(module, "write_description", full)
    for target in (exported.path, exported.path.with_name("other")):
        with pytest.raises(OutputError, match="No space left"):
            export_bundle(checkpoint, training, target, overwrite=True)
    assert contents(exported.path) == before
    assert [entry.name for entry in exported.path.parent.iterdir()] == ["model"]


def test_a_place_that_cannot_be_written_is_one_line(
    checkpoint: Checkpoint, training: Windows, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        export_bundle(checkpoint, training, tmp_path / "file" / "model")


def test_the_card_tells_what_the_description_tells(exported: Bundle) -> None:
    text = (exported.path / CARD).read_text()
    config = exported.config
    for fact in (
        f"# {config['name']}",
        "2 bars of 4/4",
        f"{config['parameters']:,} parameters",
        f"{config['training']['windows']:,} windows",
        "in 2 minutes",
        config["training"]["commit"],
        "Seed: 0",
        "Not measured yet",
    ):
        assert fact in text
    assert text == card(config)


def test_a_description_can_be_written_anew(exported: Bundle) -> None:
    before = contents(exported.path)
    write_description(exported.path, {**exported.config, "name": "renamed"})
    after = contents(exported.path)
    assert load_bundle(exported.path).name == "renamed"
    assert b"# renamed" in after[CARD]
    assert after[DECODER] == before[DECODER]
    assert {name for name in after if after[name] != before[name]} == {CARD, CONFIG}


def test_exporting_again_gives_the_same_files(
    exported: Bundle, checkpoint: Checkpoint, training: Windows, tmp_path: Path
) -> None:
    again = export_bundle(checkpoint, training, tmp_path / "again")
    assert contents(again.path) == contents(exported.path)


def test_completing_a_whole_bundle_changes_nothing(
    exported: Bundle, training: Windows, tmp_path: Path
) -> None:
    again = complete_bundle(load_bundle(exported.path), training, tmp_path / "again")
    assert contents(again.path) == contents(exported.path)


def test_a_bundle_of_before_is_completed(
    exported: Bundle, training: Windows, tmp_path: Path
) -> None:
    whole = contents(exported.path)
    config = {key: value for key, value in exported.config.items() if key != "parts"}
    files = {key: value for key, value in config["files"].items() if key != SCORER}
    write_description(exported.path, {**config, "files": files, "scores": {}})
    (exported.path / SCORER).unlink()
    old = load_bundle(exported.path)
    assert old.parts == ()
    complete_bundle(old, training, exported.path, overwrite=True)
    after = contents(exported.path)
    assert {name: after[name] for name in after if name not in (CONFIG, CARD)} == {
        name: whole[name] for name in whole if name not in (CONFIG, CARD)
    }
    new = load_bundle(exported.path)
    assert new.parts
    assert sample(2, model=new) == sample(2, model=old)


def test_a_bundle_is_completed_with_its_own_data_alone(
    exported: Bundle, drumming: Path, tmp_path: Path
) -> None:
    other = windows(load_corpus(drumming).select(split="test"), bars=2)
    with pytest.raises(TrainingError, match=r"other windows.*--data"):
        complete_bundle(exported, other, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_parts_add_little_to_a_bundle(exported: Bundle) -> None:
    stored = load_file(exported.path / LATENT)
    rows = len(exported.parts)
    assert stored["parts.weights"].shape == (rows, 1)
    assert stored["parts.shifts"].shape == (rows, exported.latent)
    assert {stored[name].dtype for name in ("parts.weights", "parts.shifts")} == {
        np.dtype(np.float16)
    }
    assert "styles" in (exported.path / CARD).read_text()
