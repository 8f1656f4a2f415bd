"""What there is to hear of a report: the same bars, as they were played and as models play them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ghostnote.bundle import Bundle
from ghostnote.evaluate.page import Heard
from ghostnote.evaluate.subject import Subject
from ghostnote.evaluate.takes import Takes
from ghostnote.evaluate.tasks import quantised
from ghostnote.music.groove import Groove
from ghostnote.music.kit import voice_index
from ghostnote.pipeline.humanising import humanize
from ghostnote.pipeline.infilling import cells, infill
from ghostnote.pipeline.sampling import sample
from ghostnote.pipeline.tapping import tap

_SAMPLES: Final = 2
_VOICE: Final = "closed hat"


def heard(subject: Subject, takes: Takes, *, seed: int = 0) -> list[Heard]:
    """Samples of a model, and one excerpt of the split done by each task that it can do."""
    bundle, runtime = subject.bundle, subject.runtime
    drawn = sample(_SAMPLES, seed=seed, model=runtime)
    made = [
        Heard(
            f"{bundle.name}: samples",
            f"Draws of the prior, seed {seed}, numbers 0 to {_SAMPLES - 1}: the first ones.",
            [(f"{bundle.name}, sample {index}", groove) for index, groove in enumerate(drawn)],
        )
    ]
    played = excerpt(takes, bundle)
    if played is None:
        return made
    tasks = set(subject.parts)
    if "humanize" in tasks:
        stiff = quantised(played)
        versions = [
            ("played", played),
            ("quantised", stiff),
            ("point", humanize(stiff, temperature=0.0, seed=seed, model=runtime)),
            ("sample", humanize(stiff, seed=seed, model=runtime)),
        ]
        made.append(_versions(bundle, "humanising", "Only the hits were given.", versions))
    if "tap" in tasks:
        versions = [
            ("played", played),
            ("from taps", tap(played, temperature=0.0, seed=seed, model=runtime)),
        ]
        about = "Only the steps that are hit were given."
        made.append(_versions(bundle, "tapping", about, versions))
    if "infill" in tasks:
        keep = np.arange(played.hits.shape[1]) != voice_index(_VOICE)
        silent = cells(played, voices=[_VOICE])
        gone = Groove.from_cells(
            played.hits & ~silent, played.velocity, played.offset,
            bpm=played.bpm, meter=played.meter,
        )  # fmt: skip
        written = infill(played, keep, temperature=0.0, spread=0.0, seed=seed, model=runtime)
        versions = [("played", played), (f"without {_VOICE}", gone), ("infilled", written)]
        made.append(_versions(bundle, "infilling", f"All but the {_VOICE} was given.", versions))
    return made


def excerpt(takes: Takes, bundle: Bundle) -> Groove | None:
    """The first window of the first take that is long enough and has hats; None where none is."""
    voice = voice_index(_VOICE)
    long = [groove for groove in takes.grooves() if groove.bars >= bundle.bars]
    for groove in long:
        first = groove[: bundle.bars]
        if first.hits[:, voice].sum() >= 2 * bundle.bars:
            return first
    return long[0][: bundle.bars] if long else None


def _versions(
    bundle: Bundle, what: str, about: str, versions: Sequence[tuple[str, Groove]]
) -> Heard:
    named = [(f"{bundle.name}, {name}", groove) for name, groove in versions]
    return Heard(f"{bundle.name}: {what}", f"The same bars of the split. {about}", named)
