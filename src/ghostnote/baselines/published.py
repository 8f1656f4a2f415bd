"""Published rows, and the one of them that must come out here before any other figure counts.

J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman: "Learning to Groove with Inverse Sequence
Transformations", ICML 2019.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from ghostnote.data.corpus import Corpus
from ghostnote.data.home import GMD_NAME
from ghostnote.errors import DataError
from ghostnote.evaluate.bootstrap import number


class Row(NamedTuple):
    """A row of the paper's table of humanising, on the test split of GMD; None where it has none.

    The errors are in ms and in squared steps, the KLs in nats.
    """

    offset_error_ms: float
    offset_mse: float
    offset_kl: float | None
    velocity_kl: float | None


PAPER: Final = MappingProxyType(
    {
        "quantised": Row(22.64, 0.0414, None, None),
        "linear": Row(19.77, 0.033, 4.79, 1.70),
        "k-nearest neighbours": Row(22.34, 0.043, 1.10, 0.53),
        "MLP": Row(19.25, 0.032, 7.62, 2.22),
        "seq2seq": Row(18.80, 0.032, 0.31, 0.08),
        "groove transfer": Row(25.04, 0.052, 0.24, 0.12),
    }
)
"""By method, under our names where we have it too."""

QUANTISED: Final = MappingProxyType(
    {"train": (23.49, 0.0460), "validation": (22.82, 0.0443), "test": (22.64, 0.0414)}
)
"""Mean distance of GMD's hits from the grid, in ms and in squared steps, by split."""

TOLERANCE: Final = (0.012, 0.0001)
"""By how much ours may differ. The published figures are of the notes that a reader has which loses
the last note of a pitch where its length is zero, 844 of 446,312, at tempos rounded to whole
numbers; ours loses none, and takes the files' tempos."""


def quantised(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """The mean distance from the grid of all hits of all takes, whatever their meter, by split.

    A hit is the loudest note of its voice and step.
    """
    rows = {}
    there = set(corpus.texts("split"))
    usual = [split for split in QUANTISED if split in there]
    for split in [*usual, *sorted(there - set(usual))]:
        part = corpus.select(split=split)
        takes = np.arange(len(part))
        velocity, offset, first = part.cells(takes)
        length = part.bars * part.steps_per_bar
        begin = np.cumsum(length) - length
        row = np.arange(length.sum()) + np.repeat(first - begin, length)
        late = offset[row].astype(np.float64)
        ms = np.repeat(15_000 / part.numbers("bpm"), length)[:, None] * np.abs(late)
        hits = velocity[row] > 0
        count = int(hits.sum())
        rows[split] = {
            "hits": count,
            "offset_error_ms": number(ms[hits].sum() / max(count, 1)),
            "offset_mse": number(np.square(late[hits]).sum() / max(count, 1)),
        }
    return rows


def check(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """`quantised`, which on the Groove MIDI Dataset has to be what is published.

    If it is not, then hits, tempos or offsets are not what they are taken for, and no other figure
    means anything.

    Raises:
        DataError: the corpus is GMD, and it is not.
    """
    rows = quantised(corpus)
    if corpus.name != GMD_NAME:
        return rows
    for split, wanted in QUANTISED.items():
        row = rows.get(split, {"offset_error_ms": np.nan, "offset_mse": np.nan})
        found = (row["offset_error_ms"], row["offset_mse"])
        if not all(
            abs(ours - theirs) <= most
            for ours, theirs, most in zip(found, wanted, TOLERANCE, strict=True)
        ):
            raise DataError(
                f"its {split} split is {found[0]} ms and {found[1]} squared steps from the grid, "
                f"where {wanted[0]} and {wanted[1]} are published: no figure would mean anything",
                source=corpus.name,
                remedy="fetch it again with `ghostnote data fetch`, and use its official splits",
            )
    return rows
