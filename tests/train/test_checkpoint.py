"""Checkpoints: whole or refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ghostnote.errors import OutputError, TrainingError
from ghostnote.train import checkpoint as module
from ghostnote.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


def example() -> Checkpoint:
    random = torch.Generator().manual_seed(0)
    tensors = {
        group: {name: torch.randn(3, 4, generator=random) for name in ("a.weight", "b/bias")}
        for group in ("model", "average", "first_moments", "second_moments")
    }
    return Checkpoint(
        step=12, config={"model": {"latent": 3}, "seed": 0}, data="abc", best=0.5, best_step=8,
        seconds=1.5, history=({"step": 8, "f1": 0.5},), **tensors,
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "runs" / "last.safetensors"
    save_checkpoint(target, example())
    return target


def refused(path: Path) -> str:
    """The line with which a checkpoint is refused."""
    with pytest.raises(TrainingError) as caught:
        load_checkpoint(path)
    (line,) = str(caught.value).splitlines()
    assert str(path) in line
    return line


def test_what_is_saved_is_loaded(path: Path) -> None:
    saved, loaded = example(), load_checkpoint(path)
    for field in dataclasses.fields(Checkpoint):
        one, other = getattr(saved, field.name), getattr(loaded, field.name)
        if field.name in ("model", "average", "first_moments", "second_moments"):
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one)
        else:
            assert json.dumps(one) == json.dumps(other)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_checkpoint_cut_short_anywhere_is_refused(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    short = tmp_path / "short.safetensors"
    for end in {0, 1, 7, 8, 9, *np.linspace(10, len(content) - 1, 25).astype(int).tolist()}:
        short.write_bytes(content[:end])
        assert "no whole checkpoint" in refused(short)


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(100), b"\xff" * 100, b"{}" * 50])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.safetensors"
    path.write_bytes(content)
    assert "delete it" in refused(path)


def test_weights_of_somebody_else_are_refused(path: Path) -> None:
    save_file({"a": torch.zeros(1)}, path)
    assert "no whole checkpoint" in refused(path)
    save_file({"a": torch.zeros(1)}, path, {"ghostnote": "[]"})
    assert "no whole checkpoint" in refused(path)
    save_file({"else/a": torch.zeros(1)}, path, {"ghostnote": '{"version": 1}'})
    assert "no whole checkpoint" in refused(path)


def test_a_checkpoint_that_lacks_something_is_refused(path: Path) -> None:
    metadata = {"version": 1, "step": 3}
    save_file(load_file(path), path.with_stem("other"), {"ghostnote": json.dumps(metadata)})
    assert "no whole checkpoint" in refused(path.with_stem("other"))


def test_another_version_is_refused_and_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VERSION", 99)
    line = refused(path)
    assert "version 1" in line
    assert "reads 99" in line


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    assert "no such checkpoint" in refused(tmp_path / "last.safetensors")
    refused(tmp_path)


def test_what_cannot_be_written_leaves_what_was_there(path: Path) -> None:
    (path.parent / "file").write_text("")
    with pytest.raises(OutputError):
        save_checkpoint(path.parent / "file" / "last.safetensors", example())
    assert load_checkpoint(path).step == 12
