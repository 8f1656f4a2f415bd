"""Interpolation in latent space against interpolation in data space, as MusicVAE compares them.

    python -m benchmarks.interpolation_spaces [--model groove-4bar] [--pairs 256]

Between the two ends of pairs of validation windows lie points of four kinds: on the sphere and on
the straight line of the latent space, and mixtures in which each step, or each cell, is that of the
one or of the other end. How plausible are they? Judged by an n-gram model of the steps that was
fitted to the training split, by a classifier that tells them from windows of the training split,
and by how the hits change along the way. Nothing is trained but the judges.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.cells import Cell, Cells, table, write_page
from benchmarks.laboratory import carried_out, cells_of, local, parser
from ghostnote.bundle import load_bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import DataError
from ghostnote.evaluate.metrics import hits_per_bar
from ghostnote.evaluate.two_sample import features, two_sample_accuracy
from ghostnote.latent import shares, slerp
from ghostnote.music.kit import N_VOICES
from ghostnote.pipeline.latents import noise_of
from ghostnote.runtime import FloatArray, Runtime

NAME = "interpolation_spaces"
POINTS = 9
ORDER = 5
"""Of the n-gram model, as in the paper."""
GROUPS = 10
"""Of takes, within which pairs are drawn: the classifier's folds keep them together."""
REFERENCE = 1024
"""Training windows that the classifier is to tell points from."""

Symbols = npt.NDArray[np.int64]


class StepModel:
    """An n-gram model of the sets of hits of steps, smoothed as by Witten and Bell (1991).

    What follows a history is as often as it was counted there, and as it is after the history
    without its first step; how much the latter counts is how many kinds of step were seen to
    follow. Last, all 512 sets are equally likely.
    """

    def __init__(self, order: int, n_symbols: int) -> None:
        self.order, self.n_symbols = order, n_symbols
        self._counts: list[dict[tuple[int, ...], dict[int, int]]] = [{} for _ in range(order)]

    def fit(self, symbols: Symbols) -> StepModel:
        """Count the steps of `symbols` `[N, T]`; before the first there is silence, 0."""
        for histories, following in self._grams(symbols):
            for history, symbol in zip(histories, following, strict=True):
                for length, counts in enumerate(self._counts):
                    known = counts.setdefault(tuple(history[self.order - 1 - length :]), {})
                    known[symbol] = known.get(symbol, 0) + 1
        return self

    def nats(self, symbols: Symbols) -> npt.NDArray[np.float64]:
        """The negative log-likelihood of a step, the mean over each row of `symbols` `[N, T]`."""
        return np.array(
            [
                -np.mean([np.log(self._p(h, s)) for h, s in zip(hs, following, strict=True)])
                for hs, following in self._grams(symbols)
            ]
        )

    def _grams(self, symbols: Symbols) -> list[tuple[list[list[int]], list[int]]]:
        before = np.zeros((len(symbols), self.order - 1), np.int64)
        padded = np.concatenate([before, symbols], axis=1)
        grams = np.lib.stride_tricks.sliding_window_view(padded, self.order, axis=1)
        return [(row[:, :-1].tolist(), row[:, -1].tolist()) for row in grams]

    def _p(self, history: list[int], symbol: int) -> float:
        p = 1 / self.n_symbols
        for length, counts in enumerate(self._counts):
            known = counts.get(tuple(history[self.order - 1 - length :]))
            if known is None:
                break  # a longer history was not seen either
            total, kinds = sum(known.values()), len(known)
            p = (known.get(symbol, 0) + kinds * p) / (total + kinds)
        return p


def symbols_of(hits: npt.NDArray[np.bool_]) -> Symbols:
    """The number of each step's set of hits `[..., V]`: voice v is bit v."""
    return np.asarray(hits @ (1 << np.arange(hits.shape[-1])), np.int64)


# -- the ways ---------------------------------------------------------------------------------


def steps_mixed(a: FloatArray, b: FloatArray, t: float, random: np.random.Generator) -> FloatArray:
    """Each step of `x` `[B, T, 3V]` that of `b` with probability `t`, else that of `a`."""
    return np.where(random.random((*a.shape[:2], 1)) < t, b, a)


def cells_mixed(a: FloatArray, b: FloatArray, t: float, random: np.random.Generator) -> FloatArray:
    """The same cell by cell: hit, velocity and offset of a voice together."""
    chosen = random.random((*a.shape[:2], a.shape[2] // 3)) < t
    return np.where(np.tile(chosen, 3), b, a)


def ways(
    runtime: Runtime, a: FloatArray, b: FloatArray, t: Sequence[float], seed: int
) -> dict[str, FloatArray]:
    """The points of each kind between `a` and `b`, both `[B, T, 3V]`: `[len(t), B, T, 3V]`.

    The ends of the last two kinds are the reconstructions, so that what the model does to a
    window is in all kinds, or in none.
    """
    (first, _), (last, _) = runtime.encode(a), runtime.encode(b)
    noise = np.repeat(noise_of(runtime.bundle, seed, 1), len(a), axis=0)

    def played(z: FloatArray) -> FloatArray:
        return runtime.decode(z.astype(np.float32), noise, 0.0)

    ends = played(first), played(last)

    def mixed(mix: Callable[..., FloatArray], a: FloatArray, b: FloatArray) -> FloatArray:
        # The same draws at each share: a cell that has once changed stays so.
        return np.stack([mix(a, b, share, np.random.default_rng(seed)) for share in t])

    return {
        "latent, sphere": np.stack([played(slerp(first, last, share)) for share in t]),
        "latent, straight line": np.stack(
            [played((1 - share) * first + share * last) for share in t]
        ),
        "steps of the windows": mixed(steps_mixed, a, b),
        "cells of the windows": mixed(cells_mixed, a, b),
        "steps of their reconstructions": mixed(steps_mixed, *ends),
        "cells of their reconstructions": mixed(cells_mixed, *ends),
    }


# -- judging ----------------------------------------------------------------------------------


class Pairs(NamedTuple):
    """Pairs of windows `[n, 2]`, and the group of takes `[n]` that both are of."""

    ends: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]


def pairs(split: Windows, n: int, random: np.random.Generator) -> Pairs:
    """`n` pairs of windows of different takes, each within one of a few groups of takes.

    A classifier that had seen one window of a take would know its others: groups that share no
    take are what it can be tested on.

    Raises:
        DataError: there are fewer than four takes, for two groups of two.
    """
    takes = random.permutation(np.unique(split.take))
    if len(takes) < 4:
        raise DataError(
            f"has {len(takes)} takes with windows, too few to go between",
            source=split.corpus.name,
            remedy="four or more",
        )
    group_of = np.full(split.take.max() + 1, -1)
    group_of[takes] = np.arange(len(takes)) % min(GROUPS, len(takes) // 2)
    take, group = split.take, group_of[split.take]
    found: list[npt.NDArray[np.int64]] = []
    while sum(map(len, found)) < n:
        drawn = random.integers(len(split), size=(8 * n, 2))
        one, other = drawn.T
        found.append(drawn[(take[one] != take[other]) & (group[one] == group[other])])
    ends = np.concatenate(found)[:n]
    return Pairs(ends, group[ends[:, 0]])


def judge(x: FloatArray, group: npt.NDArray[np.int64], judges: Judges) -> dict[str, Any]:
    """The figures of a way `x` `[P, B, T, 3V]`, of each of its points where there are several.

    `group` `[B]` is of the takes, as `pairs` gives it.
    """
    hits = x[..., :N_VOICES] > 0.5
    apart = (hits != hits[:1]).sum((2, 3)).mean(1)
    jumps = (hits[1:] != hits[:-1]).sum((2, 3))
    return {
        "nats_a_step": [float(judges.steps.nats(symbols_of(point)).mean()) for point in hits],
        "hits_per_bar": [hits_per_bar(point) for point in hits],
        "cells_from_start": apart.tolist(),
        "largest_jump": float(jumps.max(0).mean()),
        "cells_between_ends": float((hits[0] != hits[-1]).sum((1, 2)).mean()),
        "cells_on_the_way": float(jumps.sum(0).mean()),
        "two_sample_hits": [judges.told_apart(x[place], group, expression=False) for place in SEEN],
        "two_sample_all": [judges.told_apart(x[place], group, expression=True) for place in SEEN],
    }


SEEN = (0, POINTS // 2)
"""The points that the classifier sees: the start, and half of the way."""


class Judges:
    """What was fitted to the training split: an n-gram model, and windows to tell points from."""

    def __init__(self, training: Windows, random: np.random.Generator) -> None:
        x = cells_of(training)
        self.steps = StepModel(ORDER, 2**N_VOICES).fit(symbols_of(x[..., :N_VOICES] > 0.5))
        chosen = np.sort(random.permutation(len(x))[:REFERENCE])
        self._x, self._takes = x[chosen], training.take[chosen]

    def told_apart(self, x: FloatArray, group: npt.NDArray[np.int64], *, expression: bool) -> float:
        """The balanced accuracy of telling `x` `[B, T, 3V]`, in groups, from training windows."""
        return two_sample_accuracy(
            features(x, expression=expression),
            features(self._x, expression=expression),
            self._takes,
            generated_groups=group,
        )


# -- the page ---------------------------------------------------------------------------------

ABOUT = f"""# Interpolation in latent space and in data space

Made by `python -m benchmarks.interpolation_spaces`; all figures are in
[{NAME}.json]({NAME}.json). Pairs of windows of the validation split, of different takes, and
{POINTS} points from one to the other, ends included. In latent space, the posterior means are the
ends, and points are decoded at temperature 0, all with the same noise. In data space, each step (as
in MusicVAE), or each cell, is that of the end with the probability of the way that is gone; of the
windows themselves, and of their reconstructions.

*Nats a step* are by a {ORDER}-gram model of the sets of hits, fitted to the training split. *Told
apart* is the balanced accuracy of the classifier two-sample test between points and
{REFERENCE:,} training windows, 0.5 where they cannot be told apart; folds keep a take together, and
the row *validation windows* is what real windows score. What is decoded at temperature 0 has the
median velocity and timing of each cell, by which trees tell it at the ends already. *Way ÷
distance* is how many cells change on the way, over those in which the ends differ: 1 where none
changes back. Cells are of 576 a window."""


def page(cells: Sequence[Cell]) -> list[str]:
    """The page, in parts."""
    parts = [ABOUT]
    for cell in cells:
        setting, figures = cell.setting, cell.figures
        real, kinds = figures["validation windows"], figures["ways"]
        half = POINTS // 2
        parts += [
            f"## {cell.name}",
            f"{setting['pairs']} pairs of the {setting['split']} split, seed {setting['seed']}; "
            f"commit {cell.cost['commit'][:7]}.",
            table(
                [
                    *(
                        "way",
                        "nats a step, at the ends",
                        "half-way",
                        "told apart by hits, at the start",
                        "half-way",
                        "by all, at the start",
                        "half-way",
                    ),
                    *("hits a bar, at the ends", "half-way", "largest jump, cells"),
                    *("way ÷ distance",),
                ],
                [
                    [
                        "*validation windows*",
                        *(f"{real['nats_a_step']:.3f}", "–"),
                        *(f"{real['two_sample_hits']:.3f}", "–"),
                        *(f"{real['two_sample_all']:.3f}", "–"),
                        *(f"{real['hits_per_bar']:.2f}", "–", "–", "–"),
                    ],
                    *(
                        [
                            kind,
                            f"{(way['nats_a_step'][0] + way['nats_a_step'][-1]) / 2:.3f}",
                            f"{way['nats_a_step'][half]:.3f}",
                            *(f"{accuracy:.3f}" for accuracy in way["two_sample_hits"]),
                            *(f"{accuracy:.3f}" for accuracy in way["two_sample_all"]),
                            f"{(way['hits_per_bar'][0] + way['hits_per_bar'][-1]) / 2:.2f}",
                            f"{way['hits_per_bar'][half]:.2f}",
                            f"{way['largest_jump']:.1f}",
                            ratio(way["cells_on_the_way"], way["cells_between_ends"]),
                        ]
                        for kind, way in kinds.items()
                    ),
                ],
            ),
            *along("Nats a step, along the way:", kinds, "nats_a_step", 3),
            *along("Cells that differ from the start:", kinds, "cells_from_start", 1),
            *along("Hits a bar:", kinds, "hits_per_bar", 2),
        ]
    return parts


def ratio(way: float, distance: float) -> str:
    """How much longer than the distance a way is; – where the ends are the same."""
    return f"{way / distance:.2f}" if distance else "–"


def along(title: str, kinds: dict[str, dict[str, Any]], name: str, digits: int) -> list[str]:
    """A table of one figure at each point of each way."""
    return [
        title,
        table(
            ["way", *(f"{share:.3g}" for share in shares(POINTS))],
            [
                [kind, *(f"{value:.{digits}f}" for value in way[name])]
                for kind, way in kinds.items()
            ],
        ),
    ]


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    runtime, corpus = Runtime(load_bundle(asked.model)), load_corpus()
    bundle = runtime.bundle
    cut = {
        split: windows(corpus.select(split=split), bars=bundle.bars, meter=bundle.meter)
        for split in ("train", asked.split)
    }
    random = np.random.default_rng(asked.seed)
    judges = Judges(cut["train"], random)
    real = cells_of(cut[asked.split])
    ends, group = pairs(cut[asked.split], asked.pairs, random)
    starts = real[ends[:, 0]]
    floor = {
        "nats_a_step": float(judges.steps.nats(symbols_of(real[..., :N_VOICES] > 0.5)).mean()),
        "hits_per_bar": hits_per_bar(real[..., :N_VOICES] > 0.5),
        "two_sample_hits": judges.told_apart(starts, group, expression=False),
        "two_sample_all": judges.told_apart(starts, group, expression=True),
    }
    found = {}
    t = shares(POINTS).tolist()
    for kind, x in ways(runtime, starts, real[ends[:, 1]], t, asked.seed).items():
        print(kind, flush=True)
        found[kind] = judge(x, group, judges)
    return {"validation windows": floor, "ways": found}


def main() -> None:
    options = parser(__doc__, NAME, trains=False)
    options.add_argument("--model", default="groove-4bar")
    options.add_argument("--split", default="validation", choices=["train", "validation"])
    options.add_argument("--pairs", type=int, default=256)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    cells = Cells(asked.results / f"{NAME}.json")
    local(asked, cells, ("model", "split", "pairs", "seed"), measured)
    write_page(asked.results / f"{NAME}.md", *page(list(cells)))


if __name__ == "__main__":
    sys.exit(carried_out(main))
