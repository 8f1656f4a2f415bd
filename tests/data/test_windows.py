from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import DataError


def test_windows_are_bars_of_takes(folder: Path) -> None:
    corpus = load_corpus(folder)
    found = windows(corpus, bars=2)
    expected = [
        (index, start)
        for index, take in enumerate(corpus.takes)
        if take.meter == (4, 4)
        for start in range(take.bars - 1)
    ]
    assert list(zip(found.take.tolist(), found.start_bar.tolist(), strict=True)) == expected
    assert len(found) == len(expected)
    assert found.other_meter == 1
    assert found.too_short == sum(take.bars < 2 for take in corpus.takes)
    velocity, offset = found.batch(np.arange(len(found)))
    assert velocity.shape == offset.shape == (len(found), 32, 9)
    assert (velocity.dtype, offset.dtype) == (np.uint8, np.float32)
    for index, (take, start) in enumerate(expected):
        groove = corpus.groove(take)[start : start + 2]
        assert found.groove(index) == groove
        np.testing.assert_array_equal(velocity[index] / np.float32(127), groove.velocity)
        np.testing.assert_array_equal(offset[index], groove.offset)
        assert found.bpm[index] == groove.bpm


@settings(deadline=None, max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1), bars=st.integers(1, 5), hop=st.integers(1, 4)
)
def test_windows_never_leave_their_take(lengths: list[int], bars: int, hop: int) -> None:
    class FakeCorpus:
        name = "fake"
        bars = np.array(lengths)

        def __len__(self) -> int:
            return len(lengths)

        def in_meter(self, meter: tuple[int, int]) -> np.ndarray:
            return np.full(len(lengths), meter == (4, 4))

    expected = [
        (take, start)
        for take, length in enumerate(lengths)
        for start in range(0, length - bars + 1, hop)
    ]
    if not expected:
        with pytest.raises(DataError, match=f"no take has {bars} bars of 4/4"):
            windows(FakeCorpus(), bars=bars, hop=hop)  # type: ignore[arg-type]
        return
    found = windows(FakeCorpus(), bars=bars, hop=hop)  # type: ignore[arg-type]
    assert list(zip(found.take.tolist(), found.start_bar.tolist(), strict=True)) == expected


def test_other_meters(folder: Path) -> None:
    corpus = load_corpus(folder)
    found = windows(corpus, bars=1, meter=(3, 4))
    assert found.steps == 12
    assert found.other_meter == 11
    assert found.batch([0])[0].shape == (1, 12, 9)
    assert found.groove(0).meter == (3, 4)
    with pytest.raises(DataError, match="no take has 4 bars of 5/4"):
        windows(corpus, meter=(5, 4))
    for wrong in ({"bars": 0}, {"hop": 0}):
        with pytest.raises(DataError, match="both are 1 or more"):
            windows(corpus, **wrong)


def test_a_batch_keeps_the_order_asked_for(folder: Path) -> None:
    found = windows(load_corpus(folder), bars=1)
    forward, backward = found.batch([0, 1, 2, 2]), found.batch([2, 2, 1, 0])
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one[::-1], other)
    assert found.batch([])[0].shape == (0, 16, 9)
    with pytest.raises(IndexError):
        found.batch([len(found)])


def check_bar_table(found: Windows) -> None:
    velocity, offset, first, span = found.bar_table()
    chosen = np.arange(0, len(found), max(1, len(found) // 50))
    bars = first[chosen, None] + np.arange(found.bars)
    shape = (len(chosen), found.steps, 9)
    expected = found.batch(chosen)
    np.testing.assert_array_equal(velocity[bars].reshape(shape), expected[0])
    np.testing.assert_array_equal(offset[bars].reshape(shape), expected[1])
    assert (first >= span[:, 0]).all()
    assert (first + found.bars <= span.sum(axis=1)).all()
    assert len(velocity) == found.corpus.bars[np.unique(found.take)].sum()


def test_the_bar_table_holds_the_same_windows(folder: Path) -> None:
    check_bar_table(windows(load_corpus(folder), bars=2))
    check_bar_table(windows(load_corpus(folder).select(style="rock"), bars=1, meter=(3, 4)))
