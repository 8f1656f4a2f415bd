"""Drumming as a Markov chain over steps: samples without a model.

A step is drawn from those training steps, at the same place of a bar, before which the same sets
of voices were hit in the last `order` steps; its hits, velocities and offsets come together. What
comes out is drumming in pieces, so that short spans are as real as can be and long ones are not.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ghostnote.baselines.hits import starts
from ghostnote.evaluate.takes import FloatArray, Takes
from ghostnote.music.tensors import to_labels

ORDER: Final = 4


def draw(train: Takes, n: int, steps: int, *, order: int = ORDER, seed: int = 0) -> FloatArray:
    """`n` windows of `steps` steps from the beginning of a bar on, `[n, steps, 3V]`.

    Where the last steps are those at the end of a take, nothing follows them: then fewer count.

    Args:
        train: what is drawn from.
        n: how many windows.
        steps: in a window.
        order: how many steps before each count; 0 draws each for itself.
        seed: which random numbers.
    """
    random = np.random.default_rng(seed)
    labels = to_labels(train.parts.hits)
    known = starts(train)
    # Every training step under each history of at most `order` steps: its place, then backwards.
    tables: list[dict[tuple[int, ...], list[int]]] = [{} for _ in range(order + 1)]
    for step, (place, before) in enumerate(zip(train.place.tolist(), known.tolist(), strict=True)):
        history = (place, *labels[max(step - order, 0) : step][::-1].tolist())
        for length in range(min(order, before) + 1):
            tables[length].setdefault(history[: length + 1], []).append(step)
    chosen = np.empty((n, steps), np.int64)
    uniform = random.random((n, steps))
    for row in range(n):
        past: list[int] = []
        for step in range(steps):
            history = (step % train.bar, *past[: -order - 1 : -1])
            while history not in tables[len(history) - 1]:
                history = history[:-1]
            among = tables[len(history) - 1][history]
            drawn = among[int(uniform[row, step] * len(among))]
            chosen[row, step] = drawn
            past.append(int(labels[drawn]))
    return train.x[chosen]
