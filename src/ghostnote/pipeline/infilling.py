"""What is missing in a groove: voices, bars, or any cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError
from ghostnote.music.groove import BoolArray, Groove
from ghostnote.music.kit import N_VOICES, voice_index
from ghostnote.pipeline.models import Model, model_for, runtime_of
from ghostnote.pipeline.windows import in_meter
from ghostnote.pipeline.writing import Page, in_grooves, lesson, write
from ghostnote.runtime import to_x


def cells(groove: Groove, *, voices: Iterable[str] = (), bars: Iterable[int] = ()) -> BoolArray:
    """The cells of `groove` that are in one of these voices or in one of these bars.

    Args:
        groove: of any length.
        voices: by name, such as ``kick``, or two letters.
        bars: counted from 0.

    Returns:
        `[T, V]`, true where a cell is meant.

    Raises:
        DrumMapError: there is no such voice.
        ConfigError: there is no such bar.
    """
    chosen = np.zeros(groove.hits.shape, bool)
    chosen[:, [voice_index(voice) for voice in voices]] = True
    for bar in bars:
        if not 0 <= bar < groove.bars:
            raise ConfigError(
                f"there is no bar {bar}", remedy=f"bars are 0 to {groove.bars - 1} here"
            )
        chosen[bar * groove.steps_per_bar : (bar + 1) * groove.steps_per_bar] = True
    return chosen


def infill(
    groove: Groove,
    keep: npt.ArrayLike,
    *,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    index: int = 0,
    model: Model | None = None,
) -> Groove:
    """`groove` with all but some cells written by the model, to go with those that are kept.

    What is kept is kept to the bit, silence too. With nothing kept the result is a draw of the
    prior, and for one window the same as `sample` gives.

    Args:
        groove: in the model's meter, of any length. A groove shorter than the model's window is
            heard as a loop.
        keep: true where a cell stays, broadcast to `[T, V]`; see `cells`.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            the bundle's own by default.
        spread: how far z is drawn from the likeliest; 1 is the model's own doubt.
        seed: which random numbers.
        index: which draw of the seed.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls. By
            default the shipped one that was taught to infill.

    Raises:
        ConfigError: a number is out of range, or `keep` has another shape.
        GrooveError: `groove` is in another meter than the model's.
        BundleError: the bundle cannot be loaded, or cannot infill.
    """
    return infill_all(
        [groove], [keep], temperature=temperature, spread=spread, seed=seed, start=index,
        model=model,
    )[0]  # fmt: skip


def infill_all(
    grooves: Sequence[Groove],
    keep: Sequence[npt.ArrayLike],
    *,
    lift: Sequence[npt.NDArray[np.float32]] | None = None,
    temperature: float | None = None,
    spread: float = 1.0,
    seed: int = 0,
    start: int = 0,
    model: Model | None = None,
) -> list[Groove]:
    """Many grooves at once: groove `i` as ``infill(…, index=start + i)`` gives it.

    `lift`, `[T, V]` for each, is added to the log-odds of hits that are drawn.
    """
    runtime = runtime_of(model_for("infill") if model is None else model)
    bundle = runtime.bundle
    how = lesson(bundle, "infill")
    pages = []
    for number, (groove, kept) in enumerate(zip(grooves, keep, strict=True)):
        in_meter(groove, bundle)
        (x,) = to_x([groove])
        known = np.tile(_mask(kept, groove.steps), 3).astype(np.float32)
        pages.append(Page(x, known, lift=None if lift is None else lift[number]))
    written = write(
        runtime, pages, how, seed=seed, start=start, temperature=temperature, spread=spread
    )
    return in_grooves(written, grooves, bundle)


def _mask(keep: npt.ArrayLike, steps: int) -> BoolArray:
    mask = np.asarray(keep)
    if mask.dtype != np.bool_:
        raise ConfigError(f"what is kept is {mask.dtype}, not bool", remedy="give a mask of bools")
    try:
        return np.broadcast_to(mask, (steps, N_VOICES))
    except ValueError:
        raise ConfigError(
            f"a mask of shape {list(mask.shape)} does not fit [{steps}, {N_VOICES}]",
            remedy="give one bool for each step and voice",
        ) from None
