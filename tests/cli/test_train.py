"""``ghostnote train``, ``export`` and ``presets``: imported models, and models with a task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from ghostnote.bundle import CARD, WEIGHTS, Bundle, load_bundle
from ghostnote.cli import main
from ghostnote.export.card import command
from ghostnote.train.presets import PRESETS

torch = pytest.importorskip("torch")

Import = Callable[[str], Bundle]
SMALL = ("model.latent=6", "model.encoder.size=8", "model.decoder.size=12")
QUICK = ("optimiser.batch=8", "epochs=0.5", "optimiser.warmup=0")


@pytest.fixture
def train(drumming: Path, tmp_path: Path) -> Callable[..., int]:
    """``ghostnote train PRESET`` on `drumming`, for a few steps, into the folder ``run``."""
    torch.set_num_threads(1)

    def command(preset: str, *settings: str, options: tuple[object, ...] = ()) -> int:
        sets = [word for setting in (*QUICK, *settings) for word in ("--set", setting)]
        words = ["train", preset, "--data", drumming, "--device", "cpu", "--precision", "fp32"]
        return main([*map(str, [*words, "-o", tmp_path / "run", *options]), *sets])

    return command


def failed(capsys: pytest.CaptureFixture[str], code: int, wanted: int) -> str:
    assert code == wanted
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("ghostnote: ")
    return line


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


# -- --init-from -----------------------------------------------------------------------------


def test_training_begins_from_the_weights_of_a_bundle(
    imported: Import, train: Callable[..., int], drumming: Path, tmp_path: Path
) -> None:
    """Where nothing is learned, the first validation is that of the imported weights."""
    from ghostnote.data.bars import Bars
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.evaluate.reconstruction import reconstruct
    from ghostnote.export.bundle import load_model
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.loop import BEST

    bundle = imported("groovae_2bar_humanize")
    still = ("optimiser.learning_rate=0", "optimiser.schedule=cosine")
    options = ("--init-from", bundle.path, "--quiet")
    assert train("groovae_2bar_humanize", *still, options=options) == 0
    bars = Bars.of(windows(load_corpus(drumming).select(split="validation"), bars=2))
    wanted = reconstruct(load_model(bundle), bars, device=torch.device("cpu"), task=bundle.task)
    (first, *_) = log_of(tmp_path / "run")
    for name in ("f1", "f1_forced", "bits", "nll_hits", "velocity_error", "offset_error"):
        assert first[name] == pytest.approx(getattr(wanted, name), rel=1e-6)
    checkpoint = load_checkpoint(tmp_path / "run" / BEST)
    weights = load(bundle.read(WEIGHTS))
    assert checkpoint.model.keys() == weights.keys()
    for name, weight in checkpoint.model.items():
        np.testing.assert_array_equal(weight.numpy(), weights[name])
    model = checkpoint.config["model"]
    assert (model["latent"], model["encoder"]["size"]) == (16, 32)
    assert model["input_dropout"] == 0.7  # how it is trained is for the preset to say
    assert checkpoint.config["begun_with"] == bundle.name  # nobody knows how that was trained


def test_the_card_of_a_model_that_was_trained_on_tells_of_both(
    tiny_bundle: Bundle, drumming: Path, tmp_path: Path
) -> None:
    run, out = tmp_path / "run", tmp_path / "bundle"
    few = ("--set", "epochs=1", "--set", "optimiser.batch=4", "--device", "cpu", "-q")
    words = ["train", "groove-4bar", "--init-from", str(tiny_bundle.path), "-o", str(run)]
    assert main([*words, "--data", str(drumming), *few]) == 0
    assert main(["export", str(run), "--data", str(drumming), "-o", str(out), "-q"]) == 0
    text = (out / CARD).read_text()
    first = command(tiny_bundle.config["training"]["run"])
    assert f"It began with the weights of `{first}`" in text
    assert "--init-from BUNDLE`" in text
    assert "begun_with" not in command(load_bundle(out).config["training"]["run"])
    shared = ["--shared-velocity", "0.5", "--shared-spread", "0.25"]
    assert main(["export", str(run), "--data", str(drumming), "-o", str(out), "--force", *shared,
                 "-q"]) == 0  # fmt: skip
    head = load_bundle(out).config["model"]["head"]
    assert (head["shared_velocity"], head["shared_spread"]) == (0.5, 0.25)


@pytest.mark.parametrize(("option", "most"), [("--shared-velocity", 10), ("--shared-spread", 2)])
def test_no_more_is_shared_than_can_be(
    option: str, most: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ("-0.1", f"{most}.5", "nan"):
        words = ["export", str(tmp_path / "run"), "-o", str(tmp_path / "out"), option, value]
        assert main(words) == 2
        assert f"0 to {most}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_training_on_from_a_bundle_changes_it_and_becomes_a_bundle(
    imported: Import, train: Callable[..., int], drumming: Path, tmp_path: Path
) -> None:
    bundle = imported("groovae_2bar_humanize")
    assert train("groovae_2bar_humanize", options=("--init-from", bundle.path, "-q")) == 0
    out = tmp_path / "bundle"
    words = ["export", str(tmp_path / "run"), "--data", str(drumming), "-o", str(out), "-q"]
    assert main(words) == 0
    again = load_bundle(out)
    assert (again.name, again.task) == ("groove-2bar-humanize", bundle.task)
    before, after = (load(each.read(WEIGHTS)) for each in (bundle, again))
    moved = max(np.abs(after[name].astype("f4") - before[name]).max() for name in before)
    assert 1e-4 < moved < 0.1
    javascript = tmp_path / "js"
    words = ["export", str(tmp_path / "run"), "--format", "magentajs", "-o", str(javascript)]
    assert main(words) == 0
    config = json.loads((javascript / "config.json").read_text())
    assert config["dataConverter"]["args"]["humanize"] is True
    words = ["import", "magenta", str(javascript), "-o", str(tmp_path / "back"), "-q"]
    assert main([*words, "--config", "groovae_2bar_humanize"]) == 0
    back = load(load_bundle(tmp_path / "back").read(WEIGHTS))
    for name, weight in back.items():
        np.testing.assert_allclose(weight, after[name].astype("f4"), rtol=0, atol=3e-7)


def test_a_bundle_that_does_not_fit_is_refused(
    imported: Import,
    train: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def line(name: str, preset: str, *settings: str, code: int = 2) -> str:
        options = ("--init-from", imported(name).path if "_" in name else name, "-q")
        return failed(capsys, train(preset, *settings, options=options), code)

    assert "no such model bundle" in line("nothing", "groovae_4bar", code=1)
    assert "takes 9 controls, that of the preset 0" in line(
        "groovae_2bar_hits_control_tfds", "groovae_2bar_humanize"
    )
    assert "takes 0 controls, that of the preset 9" in line(
        "groovae_2bar_humanize", "groovae_2bar_hits_control"
    )
    assert "model.latent is set, and the model of" in line(
        "groovae_4bar", "groovae_4bar", "model.latent=32"
    )
    assert "symbols" in line("hierdec-mel_16bar", "groovae_4bar")
    assert not (tmp_path / "run").exists()


def test_what_is_set_as_the_bundle_has_it_is_no_contradiction(
    imported: Import, train: Callable[..., int], tmp_path: Path
) -> None:
    options = ("--init-from", imported("groovae_2bar_humanize").path, "-q")
    same = ("model.latent=16", "model.input_dropout=0.1")
    assert train("groovae_2bar_humanize", *same, options=options) == 0
    (first, *_) = log_of(tmp_path / "run")
    assert first["step"] > 0


# -- every kind of preset, from training to a loop -------------------------------------------


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("drums-2bar-nade-61", ("model.head.hidden=4",)),
        ("nade-drums_2bar_reduced", ("model.head.hidden=4",)),
        ("cat-drums_2bar_small", ()),
        ("groove-2bar-tap-dropout", ()),
        ("groove-2bar-infill", ()),
        ("groovae_2bar_hits_control", ()),
        ("drums-16bar", ("model.decoder.conductor=8", "model.bars=4")),
    ],
)
def test_it_is_trained_exported_and_plays(
    train: Callable[..., int],
    drumming: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    preset: str,
    settings: tuple[str, ...],
) -> None:
    assert train(preset, *SMALL, *settings, options=("-q",)) == 0
    out = tmp_path / "bundle"
    words = ["export", str(tmp_path / "run"), "--data", str(drumming), "-o", str(out), "-q"]
    assert main(words) == 0
    bundle = load_bundle(out)
    found = next(each for each in PRESETS.values() if preset in (each.run.name, *each.aliases))
    assert bundle.name == found.run.name
    assert bundle.task == found.run.task
    assert bundle.voices == found.run.model.voices
    loops = tmp_path / "loops"
    words = ["sample", "--model", str(out), "-n", "2", "--format", "mid", "-qo", str(loops)]
    if bundle.controls:
        assert "told the hits" in failed(capsys, main(words), 2)
    else:
        assert main(words) == 0
        assert len(list(loops.iterdir())) == 2
    words = ["reconstruct", str(drumming / "0.mid"), "--model", str(out), "-o", str(loops), "-q"]
    assert main(words) == 0
    assert (loops / "0.mid").is_file()


def test_a_model_of_61_classes_reads_the_corpus_with_its_own_map(
    train: Callable[..., int], tmp_path: Path
) -> None:
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.loop import LAST

    assert train("drums-2bar-nade-61", *SMALL, "model.head.hidden=4", options=("-q",)) == 0
    model = load_checkpoint(tmp_path / "run" / LAST).model
    assert model["decoder.head.encode"].shape == (61, 4)
    assert model["encoder.summary.lstm.weight_ih_l0"].shape == (32, 62)


@pytest.mark.parametrize(
    ("preset", "settings", "reason"),
    [
        ("groovae_4bar", ("model.controls=9",), "model.controls is 9, and the task identity"),
        ("groovae_2bar_hits_control", ("model.controls=0",), "the task hits-control gives 9"),
        ("groovae_4bar", ("task.kind=hits-control",), "(--set model.controls=9)"),
        ("cat-drums_2bar_small", ("model.voices=5",), "model.voices is 5 (one of: 9, 61)"),
        ("nade-drums_2bar_full", ("task.kind=tap",), "the task tap is about the 9 voices"),
        ("groovae_4bar", ("model.head.kind=symbols",), "a model of symbols writes no drums"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    train: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    preset: str,
    settings: tuple[str, ...],
    reason: str,
) -> None:
    assert reason in failed(capsys, train(preset, *SMALL, *settings), 2)
    assert not (tmp_path / "run").exists()


def test_settings_are_compared_when_all_of_them_are_known(train: Callable[..., int]) -> None:
    settings = ("task.kind=hits-control", "model.controls=9", "model.bars=2")
    assert train("groovae_4bar", *SMALL, *settings, options=("-q",)) == 0


# -- export --format magentajs ---------------------------------------------------------------


def test_what_magentajs_has_not_is_one_line(
    tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def export(source: object, *options: str) -> int:
        out = str(tmp_path / "js")
        return main(["export", str(source), "--format", "magentajs", "-o", out, *options])

    line = failed(capsys, export(tiny_bundle.path), 2)
    assert line.startswith("ghostnote: magenta.js has no such model (it has drum models in 4/4")
    assert not (tmp_path / "js").exists()
    assert "best.safetensors" in failed(capsys, export(tmp_path / "none"), 1)


def test_a_folder_of_magentajs_is_replaced_by_force_alone(
    imported: Import, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "js"
    source = str(imported("groovae_4bar").path)
    words = ["export", source, "--format", "magentajs", "-o", str(out)]
    assert main(words) == 0
    assert capsys.readouterr().out.replace("\n", "") == f"0.1 MiB in {out}"
    files = {"config.json", "weights_manifest.json", "group1-shard1of1"}
    assert {file.name for file in out.iterdir()} == files
    assert "exists already" in failed(capsys, main(words), 1)
    assert main([*words, "--force", "--quiet"]) == 0
    bundle = [*words[:1], source, "--format", "magentajs", "-o", source, "--force"]
    assert "is no magenta.js checkpoint" in failed(capsys, main(bundle), 1)


# -- presets ---------------------------------------------------------------------------------


def test_presets_are_shown_with_all_their_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line.split() for line in lines]
    for name, preset in PRESETS.items():
        (row,) = [words for words in shown if words and words[0] == name]
        model = preset.run.model
        assert row[1:4] == [str(model.bars), model.head.kind, preset.run.task.kind]
        assert row[-2:] == [str(model.latent), f"{preset.run.objective.free_bits:g}"]
        for alias in preset.aliases:
            assert any(alias in [word.rstrip(",") for word in words] for words in shown)
    assert any(row[4:6] == ["4.1", "M"] for row in shown if row[0] == "groove-4bar-flat")


def test_presets_as_json_are_whole_runs(capsys: pytest.CaptureFixture[str]) -> None:
    from ghostnote.train.config import RunConfig, from_table

    assert main(["presets", "--json"]) == 0
    table: dict[str, dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert list(table) == list(PRESETS)
    for name, preset in PRESETS.items():
        assert from_table(RunConfig, table[name]["run"]) == preset.run
        assert tuple(table[name]["aliases"]) == preset.aliases
        assert table[name]["about"] == preset.about
