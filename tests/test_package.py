"""The names that ``import ghostnote`` promises."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ghostnote


@pytest.mark.parametrize("name", ghostnote.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ghostnote, name) is getattr(ghostnote, name)
    assert name in dir(ghostnote)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="'ghostnote' has no attribute 'drums'"):
        ghostnote.drums  # noqa: B018


def test_the_module_runs_as_a_program() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ghostnote", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ghostnote.__version__
