"""Longer than the window: bars that go on from those before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError
from ghostnote.music.groove import Groove, concatenate
from ghostnote.music.kit import N_VOICES
from ghostnote.pipeline.infilling import infill_all
from ghostnote.pipeline.models import Model, model_for, runtime_of
from ghostnote.pipeline.windows import in_meter
from ghostnote.runtime import Runtime

MAX_BARS: Final = 4096
"""As many bars as are written at one go: more than two hours."""

FILL: Final = (-0.4, 0.4, -0.8, -0.8, 1.8, 1.0, 1.3, -0.2, -2.2)
"""What a fill adds to the log-odds of a hit of each voice.

The logarithm of how many times larger the voice's share of the hits is in the fills of the Groove
MIDI Dataset than in its beats (training split, 4/4): 712 bars against 16,704.
"""


def continue_(
    groove: Groove,
    bars: int = 4,
    *,
    fill_every: int | None = None,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    index: int = 0,
    model: Model | None = None,
) -> Groove:
    """`groove` and `bars` more, each written to go on from those before it.

    Args:
        groove: in the model's meter, of any length.
        bars: how many to add.
        fill_every: every so manieth bar, counted from the first of `groove`, is a fill, of those
            that are added; none is where None.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            the bundle's own by default.
        spread: how far z is drawn from the likeliest; 1 is the model's own doubt.
        seed: which random numbers.
        index: which draw of the seed.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls. By
            default the shipped one that was taught to infill.

    Raises:
        ConfigError: a number is out of range.
        GrooveError: `groove` is in another meter than the model's.
        BundleError: the bundle cannot be loaded, or cannot infill.
    """
    return continue_all(
        [groove], bars, fill_every=fill_every, temperature=temperature, spread=spread, seed=seed,
        start=index, model=model,
    )[0]  # fmt: skip


def continue_all(
    grooves: Sequence[Groove],
    bars: int = 4,
    *,
    fill_every: int | None = None,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    start: int = 0,
    model: Model | None = None,
) -> list[Groove]:
    """Many grooves at once: groove `i` as ``continue_(…, index=start + i)`` gives it."""
    if not 1 <= bars <= MAX_BARS:
        raise ConfigError(f"{bars} bars cannot be added", remedy=f"1 to {MAX_BARS}")
    runtime = runtime_of(model_for("infill") if model is None else model)
    keep = [np.arange(groove.bars + bars) < groove.bars for groove in grooves]
    return _written(runtime, grooves, keep, fill_every, temperature, spread, seed, start)


def lengthen(
    grooves: Sequence[Groove],
    bars: int,
    *,
    fill_every: int | None = None,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    start: int = 0,
    model: Model | None = None,
) -> list[Groove]:
    """Loops, such as `sample` draws, brought to `bars` bars: cut, or continued.

    As `continue_all`, but fills are written in the bars of the loops themselves too.
    """
    if not 1 <= bars <= MAX_BARS:
        raise ConfigError(f"a loop of {bars} bars cannot be written", remedy=f"1 to {MAX_BARS}")
    _every(fill_every)
    cut = [groove[: min(bars, groove.bars)] for groove in grooves]
    if fill_every is None and all(groove.bars == bars for groove in cut):
        return cut
    runtime = runtime_of(model_for("infill") if model is None else model)
    keep = [(np.arange(bars) < groove.bars) & ~_fills(bars, fill_every) for groove in cut]
    return _written(runtime, cut, keep, fill_every, temperature, spread, seed, start)


def _written(  # noqa: PLR0917 - what both of the above were given
    runtime: Runtime,
    grooves: Sequence[Groove],
    keep: Sequence[npt.NDArray[np.bool_]],
    fill_every: int | None,
    temperature: float | None,
    spread: float,
    seed: int,
    start: int,
) -> list[Groove]:
    """Grooves with as many bars as `keep` has, in which the bars that are not kept are written."""
    _every(fill_every)
    bundle = runtime.bundle
    pages, masks, lifts = [], [], []
    for groove, kept in zip(grooves, keep, strict=True):
        in_meter(groove, bundle)
        # Never shorter than a window, which would be heard as a loop.
        total = max(len(kept), bundle.bars)
        rest = total - groove.bars
        silence = [Groove.silent(rest, bpm=groove.bpm, meter=groove.meter)] if rest else []
        pages.append(concatenate([groove, *silence]))
        of_step = np.repeat(np.pad(kept, (0, total - len(kept))), groove.steps_per_bar)
        masks.append(np.repeat(of_step[:, None], N_VOICES, axis=1))
        fill = np.repeat(_fills(total, fill_every), groove.steps_per_bar)
        lifts.append((fill[:, None] * np.array(FILL)).astype(np.float32))
    written = infill_all(
        pages, masks, lift=lifts, temperature=temperature, spread=spread, seed=seed, start=start,
        model=runtime,
    )  # fmt: skip
    return [groove[: len(kept)] for groove, kept in zip(written, keep, strict=True)]


def _fills(bars: int, every: int | None) -> npt.NDArray[np.bool_]:
    """Which of so many bars are fills: those before each boundary of `every` bars."""
    numbers = np.arange(1, bars + 1)
    return np.zeros(bars, bool) if every is None else numbers % every == 0


def _every(fill_every: int | None) -> None:
    if fill_every is not None and fill_every < 2:
        raise ConfigError(f"a fill every {fill_every} bars", remedy="2 or more")
