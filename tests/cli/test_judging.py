"""``evaluate``, ``baselines`` and ``card``: what they write, and how they fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostnote.bundle import CARD, CONFIG, Bundle, load_bundle
from ghostnote.cli import main

OPTIONS = ("--samples", "16")


@pytest.fixture
def model(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle that may be written to."""
    return Path(shutil.copytree(tiny_bundle.path, tmp_path / "model"))


def failed(capsys: pytest.CaptureFixture[str], code: int, wanted: int) -> str:
    """The one line with which a command failed."""
    assert code == wanted
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ghostnote: ")
    return line


def test_a_report_is_written_as_data_and_as_a_page(
    model: Path, drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    words = ["evaluate", str(model), "--data", str(drumming), *OPTIONS, "-o", str(out)]
    assert main(words) == 0
    assert f"more in {out / 'report.html'}" in capsys.readouterr().out
    assert {file.name for file in out.iterdir()} == {"report.json", "report.html"}
    written = {file.name: file.read_bytes() for file in out.iterdir()}
    document = json.loads(written["report.json"])
    assert [each["bundle"] for each in document["bundles"]] == ["tiny"]
    assert written["report.html"].startswith(b"<!doctype html>")
    assert "exists already" in failed(capsys, main(words), 1)
    assert main([*words, "--force", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert {file.name: file.read_bytes() for file in out.iterdir()} == written
    assert main([*words, "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document


def test_bundles_are_judged_side_by_side(
    model: Path, drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(model, tmp_path / "other"))
    config = json.loads((other / CONFIG).read_text())
    (other / CONFIG).write_text(json.dumps({**config, "name": "twin"}))
    assert main(["evaluate", str(model), str(other), "--data", str(drumming), *OPTIONS]) == 0
    head = next(line for line in capsys.readouterr().out.splitlines() if "figure" in line)
    assert head.index("tiny") < head.index("twin") < head.index("real")


def test_after_control_c_what_was_measured_need_not_be_again(
    model: Path, drumming: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "home"))
    words = ["evaluate", str(model), "--data", str(drumming), *OPTIONS, "--json"]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ghostnote.evaluate.report.infill_model", interrupt)
        assert main(words) == 130
    done = set((tmp_path / "home" / "figures").iterdir())
    times = {file: file.stat().st_mtime_ns for file in done}
    assert len(done) == 4  # reconstruction, samples, latent, humanize
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["bundles"][0]["infill"]
    assert {file: file.stat().st_mtime_ns for file in done} == times


def test_baselines_are_printed_and_written(
    drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "baselines.md"
    words = ["baselines", "--data", str(drumming), "--bars", "2", *OPTIONS, "-o", str(out)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert shown.index("Quantised") < shown.index("Humanising")
    text = out.read_text()
    assert text.startswith("# Baselines\n\n`ghostnote baselines --split validation --bars 2`")
    lines = text.splitlines()
    for name in ("linear", "MLP", "bigram", "nearest neighbour", "Markov chain of order 4"):
        assert any(line.startswith(f"| {name} | ") for line in lines), name
    assert "exists already" in failed(capsys, main(words), 1)
    assert main([*words, "--force", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bundles"][0]["beside"]["linear"]["humanize"]["point"]["offset_error_ms"] > 0
    assert out.read_text() == text


@pytest.fixture
def wrong(tmp_path: Path, drumming: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A data set that passes for GMD and is not."""
    monkeypatch.setenv("GHOSTNOTE_GMD", str(drumming))
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path / "home"))
    return


@pytest.mark.usefixtures("wrong")
def test_nothing_is_printed_where_the_quantised_row_is_wrong(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["evaluate", str(model)], ["baselines"], ["evaluate", str(model), "--json"]):
        code = main([*words, *OPTIONS])
        captured = capsys.readouterr()
        assert code == 1
        assert captured.out == ""
        assert "gmd: its train split is" in captured.err
        assert "23.49 and 0.046 are published" in captured.err
    assert load_bundle(model).config["scores"] == {}


def test_a_card_is_written_from_a_report(
    model: Path, drumming: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    words = ["evaluate", str(model), "--data", str(drumming), *OPTIONS]
    assert main([*words, "-o", str(out), "--quiet"]) == 0
    (model / CARD).write_text("by hand")
    assert main(["card", str(model), "--report", str(out / "report.json")]) == 0
    assert f"written to {model / CARD}" in capsys.readouterr().out.replace("\n", " ")
    by_report = (model / CARD).read_text()
    kept = load_bundle(model).config["scores"]
    assert main([*words, "--save", "--quiet"]) == 0
    assert load_bundle(model).config["scores"] == kept
    assert (model / CARD).read_text() == by_report
    assert main(["card", str(model), "--show"]) == 0
    assert "## Figures" in capsys.readouterr().out


def test_a_card_that_cannot_be_written_leaves_all_as_it_was(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    for content, reason in (
        ("", "is no report"),
        ("[]", "is no report"),
        ('{"schema": 99, "bundles": []}', "schema 99, not 1"),
        ('{"schema": 1, "bundles": []}', "says nothing of tiny"),
        ('{"schema": 1, "bundles": [{"bundle": "tiny"}]}', "is no report"),
    ):
        report = tmp_path / "report.json"
        report.write_text(content)
        line = failed(capsys, main(["card", str(model), "--report", str(report)]), 1)
        assert reason in line
        assert "ghostnote evaluate tiny" in line
    line = failed(capsys, main(["card", str(model), "--report", str(tmp_path / "none")]), 1)
    assert "No such file" in line
    line = failed(capsys, main(["card", str(model), "--machine", "another"]), 2)
    assert "as its run wrote down" in line
    assert "no such model bundle" in failed(capsys, main(["card", str(tmp_path / "none")]), 1)
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before


def test_a_machine_is_told_where_the_run_did_not(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((model / CONFIG).read_text())
    del config["training"]["machine"]
    (model / CONFIG).write_text(json.dumps(config))
    assert main(["card", str(model), "--machine", "one core of a laptop"]) == 0
    capsys.readouterr()
    assert "minutes, on one core of a laptop." in (model / CARD).read_text()
    assert load_bundle(model).config["training"]["machine"] == "one core of a laptop"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["baselines", "--bars", "0"], "--bars is 0"),
        (["baselines", "--samples", "1"], "1 samples tell nothing"),
        (["baselines", "--split", "dev"], "dev"),
    ],
    ids=" ".join,
)
def test_values_out_of_range_are_named(
    drumming: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert reason in failed(capsys, main([*words, "--data", str(drumming)]), 2)
