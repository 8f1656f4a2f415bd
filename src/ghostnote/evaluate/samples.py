"""Samples of a prior against windows that were played: what is alike, and what is copied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.evaluate.bootstrap import Estimate, Sums, by_name, estimate, number, summed
from ghostnote.evaluate.metrics import (
    density,
    histogram_median,
    hits_per_bar,
    js_distance,
    nearest_distance,
    overlapped_area,
    share,
)
from ghostnote.evaluate.two_sample import features, told_apart
from ghostnote.music.attributes import ATTRIBUTES, measure
from ghostnote.music.groove import Meter, steps_per_bar
from ghostnote.music.kit import N_VOICES, VOICES
from ghostnote.music.tensors import from_groove_x

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

MAIN_VOICES: Final = ("kick", "snare", "closed hat", "ride")
"""The voices whose density of samples is held against the training data's."""

BINS: Final = 32
"""Of the histograms that distributions are compared by."""

OF_HITS: Final = ("density", "syncopation", "openness", "fill")
"""The attributes that say something of a model which writes hits alone."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The windows of a split that a model is judged on, and those of the training split.

    Attributes:
        x: `[W, T, 3V]`.
        take: `[W]`, which take each is of, from 0 on.
        start: `[W]`, the bar of its take at which each begins.
        bpm: `[W]`.
        style: of each window, its take's primary style.
        train, train_take, train_style: the same of the training split.
        meter: of all of them.
    """

    x: FloatArray
    take: IntArray
    start: IntArray
    bpm: npt.NDArray[np.float64]
    style: npt.NDArray[np.str_]
    train: FloatArray
    train_take: IntArray
    train_style: npt.NDArray[np.str_]
    meter: Meter

    @property
    def n(self) -> int:
        """How many takes the windows are of."""
        return int(self.take.max()) + 1

    @property
    def bar(self) -> int:
        """Steps in a bar."""
        return steps_per_bar(self.meter)

    @cached_property
    def edges(self) -> dict[str, npt.NDArray[np.float64]]:
        """The bins of each distribution, by name: between the extremes of training windows."""
        values = measure(self.train, self.meter)
        found = {}
        for name, column in zip(ATTRIBUTES, values.T, strict=True):
            low, high = np.quantile(column, [0.001, 0.999])
            found[name] = np.linspace(low, max(high, low + 1e-6), BINS + 1)
        # Four of the 127 levels in a bin: evenly spaced edges from 0 to 1 would have three in some.
        found["velocity"] = (4 * np.arange(BINS + 1) - 0.5) / 127
        found["offset"] = np.linspace(-0.5, 0.5, BINS + 1)
        return found


def sample_estimate(
    drawn: FloatArray,
    ground: Ground,
    *,
    unit: IntArray | None = None,
    expressive: bool = True,
    memory: FloatArray | None = None,
    seed: int = 0,
) -> Estimate:
    """What `drawn` windows `[N, T, 3V]` have in common with those of a split.

    Args:
        drawn: the windows to judge.
        ground: what they are held against.
        unit: `[N]`, the take of each, where they were played; else each stands alone.
        expressive: whether velocities and offsets are meant.
        memory: the windows `[M, T, 3V]` whose nearness to the training windows tells of memory;
            `drawn` by default.
        seed: of the two-sample test and of the resamples.

    Raises:
        DataError: the split has windows of one take only.
        MissingExtraError: scikit-learn is not installed.
    """
    own = np.arange(len(drawn)) if unit is None else np.unique(unit, return_inverse=True)[1]
    n = int(own.max()) + 1
    names = (*(ATTRIBUTES if expressive else OF_HITS), *(_VALUES if expressive else ()))
    hits = drawn[..., :N_VOICES] > 0.5
    bars = hits.reshape(len(hits), -1, ground.bar * N_VOICES)
    ours: Sums = {
        "windows": summed(np.ones(len(drawn)), own, n),
        "hits": summed(hits.sum(1), own, n),
        "silent bars": summed((~bars.any(-1)).sum(-1), own, n),
        **{f"drawn {name}": each for name, each in _histograms(drawn, own, n, ground, names)},
    }
    theirs: Sums = {
        f"real {name}": each
        for name, each in _histograms(ground.x, ground.take, ground.n, ground, names)
    }
    for key, expression in _tests(expressive):
        generated, real = (
            features(x, expression=expression, steps_per_bar=ground.bar) for x in (drawn, ground.x)
        )
        told = told_apart(
            generated,
            real,
            ground.take,
            generated_groups=None if unit is None else own,
            seed=seed,
        )
        ours[f"drawn {key}"] = summed(told.generated, own, n)
        theirs[f"real {key}"] = summed(told.real, ground.take, ground.n)
        theirs["real windows"] = summed(np.ones(len(ground.x)), ground.take, ground.n)
    groups = [ours, theirs]
    # The nearest training window of played windows is a figure of their takes, not of `drawn`.
    remembered, of = (drawn, own) if memory is None else (memory, ground.take)
    distance = nearest_distance(
        remembered[..., :N_VOICES] > 0.5, ground.train[..., :N_VOICES] > 0.5
    )
    spread = np.zeros((len(distance), int(distance.max()) + 1))
    spread[np.arange(len(distance)), distance] = 1
    (ours if memory is None else theirs)["nearest"] = summed(
        spread, of, n if memory is None else ground.n
    )
    train_hits = ground.train[..., :N_VOICES] > 0.5
    played = hits_per_bar(train_hits, steps_per_bar=ground.bar), density(train_hits)
    steps, per_window = drawn.shape[1], bars.shape[1]

    def figures(sums: Sums) -> dict[str, Any]:
        windows = sums["windows"]
        rate = share(sums["hits"].sum(-1), windows * per_window)
        of_voice = share(sums["hits"], windows[..., None] * steps)
        relative = {"hits_per_bar": rate / played[0]}
        for voice in MAIN_VOICES:
            usual = played[1][VOICES.index(voice)]
            if usual:  # a voice that the training data never plays has no ratio
                relative[voice] = of_voice[..., VOICES.index(voice)] / usual
        return {
            "hits_per_bar": rate,
            "density": by_name(of_voice, VOICES),
            "relative": relative,
            "empty_bars": share(sums["silent bars"], windows * per_window),
            "copies": sums["nearest"][..., 0],
            "nearest_median": histogram_median(sums["nearest"]),
            **{
                key: (
                    share(sums[f"drawn {key}"], windows)
                    + share(sums[f"real {key}"], sums["real windows"])
                )
                / 2
                for key, _ in _tests(expressive)
            },
            "distributions": {
                name: {
                    "js": js_distance(sums[f"drawn {name}"], sums[f"real {name}"]),
                    "overlap": overlapped_area(sums[f"drawn {name}"], sums[f"real {name}"]),
                }
                for name in names
            },
        }

    found = estimate(groups, figures, seed=seed)
    unique = len(np.unique(hits.reshape(len(hits), -1), axis=0))
    constants = {
        "n": len(drawn),
        "duplicates": number(1 - unique / len(hits)),
        "judged_for_copies": len(remembered),
        "train_hits_per_bar": number(played[0]),
        "train_density": {
            voice: number(each) for voice, each in zip(VOICES, played[1], strict=True)
        },
        "histograms": {
            name: {
                "edges": [number(edge) for edge in ground.edges[name]],
                "drawn": _shares(ours[f"drawn {name}"]),
                "real": _shares(theirs[f"real {name}"]),
            }
            for name in (*(_VALUES if expressive else ()), "density", "syncopation")
        },
    }
    return Estimate({**constants, **found.values}, found.intervals)


_VALUES: Final = ("velocity", "offset")


def _tests(expressive: bool) -> list[tuple[str, bool]]:
    return [("two_sample_hits", False), *([("two_sample_all", True)] if expressive else [])]


def _histograms(
    x: FloatArray, unit: IntArray, n: int, ground: Ground, names: tuple[str, ...]
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Counts `[n, BINS]` of each distribution: of windows, or of hits."""
    hits, velocity, offset = from_groove_x(x)
    row = np.nonzero(hits > 0.5)
    attributes = measure(x, ground.meter)
    found = []
    for name in names:
        if name in _VALUES:
            values = (velocity if name == "velocity" else offset)[row]
            of = unit[row[0]]
        else:
            values, of = attributes[:, list(ATTRIBUTES).index(name)], unit
        place = np.searchsorted(ground.edges[name], values, side="right") - 1
        cell = of * BINS + np.clip(place, 0, BINS - 1)
        found.append((name, np.bincount(cell, minlength=n * BINS).reshape(n, BINS).astype(float)))
    return found


def _shares(counts: npt.NDArray[np.float64]) -> list[float | int | None]:
    total = counts.sum(0)
    return [number(each) for each in total / max(total.sum(), 1)]
