"""The quantised row comes out before any other figure counts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ghostnote.baselines import published
from ghostnote.baselines.published import QUANTISED, TOLERANCE, check, quantised
from ghostnote.data.corpus import Corpus, load_corpus
from ghostnote.errors import DataError


def test_on_gmd_it_is_what_is_published(gmd_corpus: Corpus) -> None:
    rows = check(dataclasses.replace(gmd_corpus, name="gmd"))
    assert rows.keys() == QUANTISED.keys()
    for split, wanted in QUANTISED.items():
        found = (rows[split]["offset_error_ms"], rows[split]["offset_mse"])
        for ours, theirs, most in zip(found, wanted, TOLERANCE, strict=True):
            assert ours == pytest.approx(theirs, abs=most)
    assert sum(row["hits"] for row in rows.values()) == 415_360


def test_if_it_is_not_nothing_else_counts(
    gmd_corpus: Corpus, drumming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gmd = dataclasses.replace(gmd_corpus, name="gmd")
    with pytest.raises(DataError, match="train split is") as caught:
        check(gmd.select(split=["train", "validation"], bpm="100:120"))
    assert "ghostnote data fetch" in str(caught.value)
    with pytest.raises(DataError, match="its test split is nan ms"):
        check(gmd.select(split=["train", "validation"]))
    monkeypatch.setattr(published, "TOLERANCE", (0.002, 0.0001))
    with pytest.raises(DataError, match=r"22\.8309 ms .* 22\.82 and 0\.0443 are published"):
        check(gmd)
    assert check(load_corpus(drumming)).keys() == {"train", "validation", "test"}


def test_it_is_the_mean_distance_from_the_grid(drumming: Path) -> None:
    corpus = load_corpus(drumming)
    part = corpus.select(split="train")
    grooves = [part.groove(index) for index in range(len(part))]
    late = [np.abs(each.offset[each.hits]) for each in grooves]
    ms = [1000 * each.seconds_per_step * far for each, far in zip(grooves, late, strict=True)]
    row = quantised(corpus)["train"]
    assert row["hits"] == sum(map(len, late))
    assert row["offset_error_ms"] == pytest.approx(np.concatenate(ms).mean(), rel=1e-5)
    assert row["offset_mse"] == pytest.approx(np.square(np.concatenate(late)).mean(), rel=1e-5)
