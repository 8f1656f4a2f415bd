"""Whole takes as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ghostnote.data.corpus import Corpus, load_corpus
from ghostnote.errors import DataError
from ghostnote.evaluate.takes import joined, takes_of


@pytest.fixture(scope="module")
def corpus(drumming: Path) -> Corpus:
    return load_corpus(drumming)


def test_takes_are_those_of_the_corpus(corpus: Corpus) -> None:
    part = corpus.select(split="train")
    takes = takes_of(corpus, "train")
    grooves = [part.groove(index) for index in range(len(part))]
    assert takes.grooves() == grooves
    assert len(takes) == len(part)
    assert joined(grooves) == pytest.approx(takes.x)
    assert takes.take.tolist() == [i for i, each in enumerate(grooves) for _ in each.hits]
    assert takes.place.tolist() == [s % 16 for each in grooves for s in range(each.steps)]
    ms = [1000 * each.seconds_per_step for each in grooves for _ in each.hits]
    assert takes.ms_per_step == pytest.approx(ms)
    assert takes.parts.hits.dtype == np.bool_


def test_takes_of_another_meter_are_left_out_and_counted(gmd_corpus: Corpus) -> None:
    takes = takes_of(gmd_corpus, "validation")
    assert (len(takes), takes.left_out) == (122, 2)
    assert len(takes_of(gmd_corpus, "test")) == 129


def test_no_take_is_an_error(corpus: Corpus) -> None:
    with pytest.raises(DataError, match="in 3/4"):
        takes_of(corpus, "train", (3, 4))
