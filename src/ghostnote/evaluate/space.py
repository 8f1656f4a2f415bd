"""The latent space: how much of it is used, what lies between two grooves, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import MissingExtraError
from ghostnote.evaluate.bootstrap import Estimate, Sums, estimate, number, summed
from ghostnote.evaluate.metrics import f1_score, share
from ghostnote.evaluate.samples import Ground
from ghostnote.latent import shares, slerp
from ghostnote.music.kit import N_VOICES

FloatArray = npt.NDArray[np.float32]

ACTIVE: Final = 0.01
"""A dimension of z is active where the posterior means vary by more (Burda et al. 2016)."""

PAIRS: Final = 256
POINTS: Final = 11
PROBED: Final = 4096
"""How many training windows the probe learns from, at most."""

Encode = Callable[[FloatArray], FloatArray]
Decode = Callable[[FloatArray], FloatArray]


def space_estimate(
    mu: FloatArray, ground: Ground, encode: Encode, decode: Decode, *, seed: int = 0
) -> Estimate:
    """Active dimensions, interpolation and a linear probe.

    Args:
        mu: `[W, Z]`, the posterior means of the windows of `ground`.
        ground: what they are of.
        encode: windows `[B, T, 3V]` → posterior means `[B, Z]`.
        decode: `[B, Z]` → the most likely windows `[B, T, 3V]`.
        seed: of the pairs and the resamples.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    parts = {
        "used": _active(mu, ground, seed),
        "interpolation": _interpolation(mu, ground, decode, seed),
        "probe": _probe(mu, ground, encode, seed),
    }
    # What is active is a figure of its own, the others are groups of figures.
    used = parts.pop("used")
    return Estimate(
        {**used.values, **{name: part.values for name, part in parts.items()}},
        {**used.intervals, **{name: part.intervals for name, part in parts.items()}},
    )


def _active(mu: FloatArray, ground: Ground, seed: int) -> Estimate:
    wide = mu.astype(np.float64)
    sums = {
        "n": summed(np.ones(len(mu)), ground.take, ground.n),
        "mu": summed(wide, ground.take, ground.n),
        "squares": summed(wide**2, ground.take, ground.n),
    }

    def figures(total: Sums) -> dict[str, Any]:
        n = total["n"][..., None]
        variance = total["squares"] / n - (total["mu"] / n) ** 2
        return {"active": (variance > ACTIVE).sum(-1)}

    found = estimate([sums], figures, seed=seed)
    return Estimate({**found.values, "dimensions": mu.shape[1]}, found.intervals)


def _interpolation(mu: FloatArray, ground: Ground, decode: Decode, seed: int) -> Estimate:
    """Cells that change on the way from one window to another, decoded at even steps.

    `from_start` and `to_end` are the distances of each point from what the two ends decode to;
    `jump` is the largest change from a point to the next; `neighbours` the change from a window to
    the one that begins a bar later in its take, which is the least that drumming does in a bar;
    `ends_f1` says how well the ends are what was played.
    """
    random = np.random.default_rng(seed)
    first = random.integers(len(mu), size=PAIRS)
    # Another take where there is one: `shift` goes on from the first window to any other.
    second = (first + random.integers(1, max(len(mu), 2), size=PAIRS)) % len(mu)
    points = slerp(mu[first][:, None], mu[second][:, None], shares(POINTS)[None])
    hits = decode(points.reshape(-1, mu.shape[1]))[..., :N_VOICES] > 0.5
    path = hits.reshape(PAIRS, POINTS, -1)
    change = (path[:, 1:] != path[:, :-1]).sum(-1)
    true = ground.x[..., :N_VOICES].reshape(len(mu), -1) > 0.5
    ends, wanted = path[:, [0, -1]], np.stack([true[first], true[second]], axis=1)
    of_pair = {
        "pairs": np.ones(PAIRS),
        "from_start": (path != path[:, :1]).sum(-1).astype(float),
        "to_end": (path != path[:, -1:]).sum(-1).astype(float),
        "jump": change.max(1).astype(float),
        "step": change.mean(1),
        "found": (ends & wanted).sum((1, 2)).astype(float),
        "invented": (ends & ~wanted).sum((1, 2)).astype(float),
        "missed": (~ends & wanted).sum((1, 2)).astype(float),
    }
    order = np.lexsort((ground.start, ground.take))
    follows = (np.diff(ground.take[order]) == 0) & (np.diff(ground.start[order]) == 1)
    here, there = order[:-1][follows], order[1:][follows]
    apart = (true[here] != true[there]).sum(-1)
    of_take = {
        "bars": summed(np.ones(len(here)), ground.take[here], ground.n),
        "moved": summed(apart, ground.take[here], ground.n),
    }
    names = [f"{place:g}" for place in np.round(shares(POINTS), 3)]

    def figures(sums: Sums) -> dict[str, Any]:
        n = sums["pairs"]
        curves = {
            key: dict(zip(names, np.moveaxis(sums[key] / n[..., None], -1, 0), strict=True))
            for key in ("from_start", "to_end")
        }
        return {
            **curves,
            "jump": sums["jump"] / n,
            "step": sums["step"] / n,
            "neighbours": share(sums["moved"], sums["bars"]),
            "ends_f1": f1_score(sums["found"], sums["invented"], sums["missed"]),
        }

    found = estimate([of_pair, of_take], figures, seed=seed)
    return Estimate({"pairs": PAIRS, **found.values}, found.intervals)


def _probe(mu: FloatArray, ground: Ground, encode: Encode, seed: int) -> Estimate:
    """A linear classifier of style, fitted on training windows and judged on those of the split.

    `usual` is what naming the commonest style of the training windows scores. No figures where
    training windows have one style alone.
    """
    if len(np.unique(ground.train_style)) < 2:
        return Estimate({}, {})
    try:
        from sklearn.linear_model import RidgeClassifier
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "the linear probe") from None
    chosen = np.unique(np.linspace(0, len(ground.train) - 1, PROBED).astype(np.int64))
    known, styles = encode(ground.train[chosen]), ground.train_style[chosen]
    centre, spread = known.mean(0), np.maximum(known.std(0), 1e-6)
    with threadpool_limits(1):
        probe = RidgeClassifier(alpha=1.0).fit((known - centre) / spread, styles)
        named = probe.predict((mu - centre) / spread)
    every, counts = np.unique(styles, return_counts=True)
    sums = {
        "n": summed(np.ones(len(mu)), ground.take, ground.n),
        "right": summed(named == ground.style, ground.take, ground.n),
        "usual": summed(ground.style == every[counts.argmax()], ground.take, ground.n),
    }
    found = estimate(
        [sums],
        lambda total: {
            "accuracy": total["right"] / total["n"],
            "usual": total["usual"] / total["n"],
        },
        seed=seed,
    )
    return Estimate({"styles": number(len(every)), **found.values}, found.intervals)
