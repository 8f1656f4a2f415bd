from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ghostnote.evaluate.takes import Takes
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import to_groove_x


@pytest.fixture(scope="session")
def takes() -> Callable[..., Takes]:
    """Makes takes of some bars each, played by a rule with a little chance.

    A hit is the later and the louder, the more of a voice's neighbours in time are hit.
    """

    def make(n: int = 12, *, bars: int = 4, seed: int = 0, chance: float = 0.05) -> Takes:
        random = np.random.default_rng(seed)
        hits = np.zeros((n * bars, 16, N_VOICES), bool)
        hits[:, ::8, 0] = hits[:, 4::8, 1] = hits[:, ::2, 2] = True
        hits = (hits ^ (random.random(hits.shape) < chance)).reshape(-1, N_VOICES)
        before = np.roll(hits, 1, axis=0).sum(1, keepdims=True)
        loud = np.clip(0.4 + 0.1 * before + 0.02 * random.normal(size=hits.shape), 0.01, 1)
        late = np.clip(0.05 * before - 0.1 + 0.01 * random.normal(size=hits.shape), -0.5, 0.49)
        return Takes(
            to_groove_x(hits, hits * loud, hits * late),
            np.arange(n + 1) * bars * 16,
            np.linspace(90, 140, n),
            (4, 4),
        )

    return make
