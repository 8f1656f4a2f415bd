"""The classifier two-sample test: can a classifier tell generated grooves from played ones?

Gradient-boosted trees see per-bar hit densities, per-voice counts and bar-to-bar similarity, and
where asked, moments of velocity and offset; their accuracy on folds that they were not fitted on
is the figure (Lopez-Paz and Oquab 2017). 0.5 means indistinguishable. All windows of a take are
in one fold: overlapping windows in different folds would let a classifier remember a take, and
score 0.95 on real against real data.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ghostnote.errors import MissingExtraError

Cells = npt.NDArray[np.float32]


def features(x: Cells, *, expression: bool, steps_per_bar: int = 16) -> npt.NDArray[np.float64]:
    """What the classifier sees of `x` `[N, T, 3V]`: `[N, F]`.

    On hits: hits per bar; hits of each voice; hits of each voice on each quarter of the beat;
    share of cells that two neighbouring bars have in common, and first and last bar.
    With `expression`, also mean and spread of velocity and offset, over all voices and of each.
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
        hits.reshape(n, -1, 4, voices).sum(1).reshape(n, -1),
        np.stack([similarity(bar, bar + 1) for bar in range(n_bars - 1)], -1),
        similarity(0, n_bars - 1)[:, None],
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


def two_sample_accuracy(
    generated: npt.NDArray[np.float64],
    real: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    *,
    generated_groups: npt.NDArray[np.int64] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> float:
    """Balanced accuracy of the classifier over cross-validation folds.

    Args:
        generated: features `[N, F]` of the one kind.
        real: features `[M, F]` of the other.
        groups: `[M]`, the take of each real window.
        generated_groups: `[N]` likewise where the first kind is real too; else each stands alone.
        folds: how many.
        seed: of the folds and the trees.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError:
        raise MissingExtraError("scikit-learn", "train", "the two-sample test") from None
    own = np.arange(len(generated)) if generated_groups is None else generated_groups
    group = np.concatenate([own, own.max() + 1 + groups])
    x = np.concatenate([generated, real])
    y = np.concatenate([np.ones(len(generated), int), np.zeros(len(real), int)])
    weight = np.where(y == 1, len(y) / (2 * len(generated)), len(y) / (2 * len(real)))
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    predicted = np.empty(len(y))
    for fit, judge in split.split(x, y, group):
        trees = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.1, max_leaf_nodes=15, random_state=seed
        )
        trees.fit(x[fit], y[fit], sample_weight=weight[fit])
        predicted[judge] = trees.predict(x[judge])
    right = predicted == y
    return float((right[y == 1].mean() + right[y == 0].mean()) / 2)
