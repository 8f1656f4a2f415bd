from __future__ import annotations

from pathlib import Path

import pytest
from example_takes import midi_file

from ghostnote.data.corpus import Corpus, load_corpus


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home of one's own, and no GMD."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GHOSTNOTE_HOME", str(folder))
    monkeypatch.delenv("GHOSTNOTE_GMD", raising=False)
    return folder


@pytest.fixture(scope="session")
def gmd_corpus(gmd_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """GMD, parsed once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTNOTE_HOME", str(tmp_path_factory.mktemp("home")))
        return load_corpus(gmd_zip)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve takes of one to four bars in two folders, one of them in 3/4, and a file that is
    no MIDI.
    """
    root = tmp_path / "takes"
    for style, seeds in (("rock", range(6)), ("jazz/slow", range(6, 12))):
        (root / style).mkdir(parents=True)
        for seed in seeds:
            meter = (3, 4) if seed == 3 else (4, 4)
            content = midi_file(seed, bars=1 + seed % 4, meter=meter)
            (root / style / f"take{seed}.mid").write_bytes(content)
    (root / "rock" / "broken.mid").write_bytes(b"no MIDI at all")
    (root / "rock" / "notes.txt").write_text("not looked at")
    return root
