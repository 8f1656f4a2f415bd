"""Model cards: everything that config and figures say, and nothing that they do not."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from ghostnote.bundle import Bundle, load_bundle, shipped
from ghostnote.cli.train import settings
from ghostnote.data.corpus import load_corpus
from ghostnote.evaluate.report import Court, headline, judge
from ghostnote.export.card import card, command
from ghostnote.music.kit import VOICES
from ghostnote.train.config import to_table
from ghostnote.train.presets import PRESETS


@pytest.fixture(scope="module")
def scores(tiny_bundle: Bundle, drumming: Path) -> dict[str, Any]:
    return headline(judge(tiny_bundle, Court(load_corpus(drumming), "validation", samples=24)))


def test_a_card_shows_the_figures_with_their_intervals(
    tiny_bundle: Bundle, scores: dict[str, Any]
) -> None:
    text = card({**tiny_bundle.config, "scores": {"validation": scores}})
    assert "On the validation split (12 windows of 4 takes)" in text
    rec, intervals = scores["reconstruction"], scores["intervals"]["reconstruction"]
    low, high = intervals["offset_error_ms"]
    shown = f"| offset MAE, ms | {rec['offset_error_ms']:.2f} ({low:.2f}–{high:.2f}) |"
    assert shown in text
    point = scores["humanize"]["point"]["offset_error_ms"]
    quantised = scores["beside"]["quantised"]["humanize"]["point"]["offset_error_ms"]
    assert f"| humanising, point: timing MAE, ms | {point:.2f} (" in text
    assert f"| {quantised:.2f} (" in text
    assert ", quantised |" in text
    floor = scores["real"]["two_sample_hits"]
    assert f"| {floor:.3f} (" in text
    for voice in VOICES:
        assert f"\n| {voice} | " in text
    assert "Not measured" not in text


def test_a_card_says_what_it_is_bad_at(tiny_bundle: Bundle, scores: dict[str, Any]) -> None:
    f1 = dict(zip(VOICES, [0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.3, 0.2, None], strict=True))
    changed = json.loads(json.dumps(scores))
    changed["reconstruction"]["f1_per_voice"] = f1
    changed["reconstruction"]["coverage"]["offset"]["off"] = 0.041
    changed["reconstruction"]["coverage"]["velocity"]["off"] = 0.02
    changed["samples"]["density"]["kick"] = 2 * changed["samples"]["train_density"]["kick"]
    changed["samples"]["two_sample_hits"], changed["real"]["two_sample_hits"] = 0.9, 0.55
    changed["infill"]["f1"] = 0.3
    changed["beside"]["nearest neighbour"]["infill"]["f1"] = 0.4
    changed["beside"]["marginal"]["infill"]["f1"] = 0.2
    text = card({**tiny_bundle.config, "scores": {"test": changed, "validation": scores}})
    limits = text.partition("## Limits")[2]
    assert "on the test split say it is bad at" in limits
    worst = "reconstructed worst, by F1: mid tom (0.10), crash (0.20), high tom (0.30)."
    assert worst in limits
    assert "kick (2.00)" in limits
    assert "in 90% of cases; played training windows in 55%" in limits
    assert "intervals of offset cover up to 4.1% more or less" in limits
    assert "intervals of velocity" not in limits
    assert "At infilling, nearest neighbour does better: 0.400 against 0.300." in limits
    assert "marginal does better" not in limits


def test_a_card_says_where_a_model_comes_from(tiny_bundle: Bundle) -> None:
    training = dict(tiny_bundle.config["training"])
    text = card({**tiny_bundle.config, "training": {**training, "machine": "a small machine"}})
    assert f"commit {training['commit']}" in text
    assert "minutes, on a small machine." in text
    assert f"`{command(training['run'])}`" in text
    assert "Not measured yet" in text
    gmd = card({**tiny_bundle.config, "training": {**training, "data": "gmd", "machine": ""}})
    assert "CC BY 4.0" in gmd
    assert "share drummers" in gmd
    assert "a machine that was not written down" in gmd


def test_a_card_says_how_the_bundle_was_made_of_the_run(tiny_bundle: Bundle) -> None:
    config = tiny_bundle.config
    kept = {**config, "calibration": None, "name": config["training"]["run"]["name"]}
    sampling = {"temperature": 0.75, "components": 3, "bpm": 100.0}
    plain = card({**kept, "sampling": sampling})
    made = f"`ghostnote export RUN --out {kept['name']} --components 3 --temperature 0.75"
    assert f"{made}`" in plain
    head = {**config["model"]["head"], "shared_velocity": 0.5, "shared_spread": 0.25}
    calibration = {"windows": 12, "widened": {"velocity": 0.1, "offset": 0.0}}
    changed = {
        "name": "other",
        "model": {**config["model"], "head": head},
        "sampling": sampling,
        "calibration": calibration,
    }
    full = card({**kept, **changed})
    assert (
        "`ghostnote export RUN --out other --name other --components 3 --temperature 0.75 "
        "--shared-velocity 0.5 --shared-spread 0.25 --calibrate`" in full
    )


def test_a_run_writes_down_its_machine(tiny_bundle: Bundle) -> None:
    machine = tiny_bundle.config["training"]["machine"]
    assert machine.endswith(", float32")
    assert "CPU threads of" in machine


@pytest.mark.parametrize("preset", ["groove-4bar", "tap-4bar", "cat-drums_2bar_small"])
def test_the_command_trains_the_same(preset: str) -> None:
    words = ["epochs=3", "model.latent=17", "objective.beta=0.125", "task.kind=identity"]
    wanted = settings(preset, None, words)
    ghostnote, train, name, *options = shlex.split(command(to_table(wanted)))
    assert (ghostnote, train) == ("ghostnote", "train")
    assert options[::2] == ["--set"] * (len(options) // 2)
    again = settings(name, None, options[1::2])
    assert to_table(again) == to_table(wanted)


def test_a_preset_is_its_own_command() -> None:
    for name, preset in PRESETS.items():
        assert command(to_table(preset.run)) == f"ghostnote train {name}"


def test_a_run_of_another_name_is_traced_to_the_nearest_preset() -> None:
    run = to_table(PRESETS["tap-4bar"].run)
    assert command({**run, "name": "mine"}) == "ghostnote train tap-4bar --set name=mine"


@pytest.mark.parametrize("name", shipped())
def test_shipped_bundles_have_cards_whichever_version_measured_them(name: str) -> None:
    bundle = load_bundle(name)
    text = card(bundle.config)
    for split, kept in bundle.config["scores"].items():
        assert f"On the {split} split ({kept['windows']:,} windows" in text
        assert f"| hits F1, free-running | {kept['reconstruction']['f1']:.3f} " in text
    assert "reconstructed worst, by F1" in text
    assert "share drummers" in text
