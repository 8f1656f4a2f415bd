"""The classifier two-sample test: can a classifier tell generated grooves from played ones?

Gradient-boosted trees see per-bar hit densities, per-voice counts and bar-to-bar similarity, and
where asked, moments of velocity and offset; their accuracy on folds that they were not fitted on
is the figure (Lopez-Paz and Oquab 2017). 0.5 means indistinguishable. All windows of a take are
in one fold: overlapping windows in different folds would let a classifier remember a take, and
score 0.95 on real against real data.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import DataError, MissingExtraError

Cells = npt.NDArray[np.float32]


def features(x: Cells, *, expression: bool, steps_per_bar: int = 16) -> npt.NDArray[np.float64]:
    """What the classifier sees of `x` `[N, T, 3V]`: `[N, F]`.

    On hits: hits of each bar, hits of each voice, and how much each bar has in common with the
    next (cells shared ÷ cells hit in either). With `expression`, also mean and standard deviation
    of velocity and offset, over all hits and over those of each voice.
    """
    hits, velocity, offset = np.split(x.astype(np.float64), 3, axis=-1)
    n, _, voices = hits.shape
    bars = hits.reshape(n, -1, steps_per_bar, voices)
    n_bars = bars.shape[1]
    flat = bars.reshape(n, n_bars, -1)

    def similarity(a: int, b: int) -> npt.NDArray[np.float64]:
        both = (flat[:, a] * flat[:, b]).sum(-1)
        either = np.maximum(flat[:, a], flat[:, b]).sum(-1)
        shared: npt.NDArray[np.float64] = (both + 1e-9) / (either + 1e-9)
        return shared

    columns = [
        bars.sum((2, 3)),
        hits.sum(1),
        *(similarity(bar, bar + 1)[:, None] for bar in range(n_bars - 1)),
    ]
    if expression:
        for values in (velocity, offset):
            for axes in ((1, 2), (1,)):
                count = np.maximum(hits.sum(axes), 1)
                mean = (values * hits).sum(axes) / count
                square = (values**2 * hits).sum(axes) / count
                spread = np.sqrt(np.maximum(square - mean**2, 0))
                columns += [mean.reshape(n, -1), spread.reshape(n, -1)]
    return np.concatenate(columns, axis=1)


class Told(NamedTuple):
    """Whether the classifier was right, of each row of the one kind `[N]` and the other `[M]`."""

    generated: npt.NDArray[np.bool_]
    real: npt.NDArray[np.bool_]


def two_sample_accuracy(
    generated: npt.NDArray[np.float64],
    real: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    *,
    generated_groups: npt.NDArray[np.int64] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> float:
    """Balanced accuracy of the classifier over cross-validation folds; see `told_apart`."""
    told = told_apart(
        generated, real, groups, generated_groups=generated_groups, folds=folds, seed=seed
    )
    return float((told.generated.mean() + told.real.mean()) / 2)


def told_apart(
    generated: npt.NDArray[np.float64],
    real: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    *,
    generated_groups: npt.NDArray[np.int64] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Told:
    """Which rows the classifier is right about, each in the fold that it was not fitted on.

    Args:
        generated: features `[N, F]` of the one kind.
        real: features `[M, F]` of the other.
        groups: `[M]`, the take of each real window.
        generated_groups: `[N]` likewise where the first kind is real too; else each stands alone.
        folds: how many; fewer where there are fewer takes.
        seed: of the folds and the trees.

    Raises:
        DataError: all windows of one kind are of one take, so that there is nothing to hold out.
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.model_selection import StratifiedGroupKFold
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "the two-sample test") from None
    own = np.arange(len(generated)) if generated_groups is None else generated_groups
    group = np.concatenate([own, own.max() + 1 + groups])
    folds = min(folds, len(np.unique(own)), len(np.unique(groups)))
    if folds < 2:
        raise DataError(
            "the two-sample test needs windows of two takes or more of either kind",
            remedy="evaluate on more data, and with more samples",
        )
    x = np.concatenate([generated, real])
    y = np.concatenate([np.ones(len(generated), int), np.zeros(len(real), int)])
    weight = np.where(y == 1, len(y) / (2 * len(generated)), len(y) / (2 * len(real)))
    random = seed % 2**32  # scikit-learn takes no larger one
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=random)
    predicted = np.empty(len(y))
    # The trees' threads spin while they wait, which takes minutes where cores are shared.
    with threadpool_limits(1):
        for fit, judge in split.split(x, y, group):
            trees = HistGradientBoostingClassifier(
                max_iter=150, learning_rate=0.1, max_leaf_nodes=15, random_state=random
            )
            trees.fit(x[fit], y[fit], sample_weight=weight[fit])
            predicted[judge] = trees.predict(x[judge])
    right = predicted == y
    return Told(right[y == 1], right[y == 0])
