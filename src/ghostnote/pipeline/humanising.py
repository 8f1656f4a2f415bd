"""Velocity and timing for hits that are given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, get_args

import numpy as np

from ghostnote.errors import ConfigError
from ghostnote.music.groove import Groove
from ghostnote.music.tasks import straight
from ghostnote.pipeline.models import Model, model_for, runtime_of
from ghostnote.pipeline.windows import in_meter
from ghostnote.pipeline.writing import Page, expected, in_grooves, lesson, write
from ghostnote.runtime import to_x

Expression = Literal["velocity", "timing"]
EXPRESSION: Final[tuple[str, ...]] = get_args(Expression)
"""What of a hit is not the hit itself."""


def humanize(
    groove: Groove,
    *,
    strength: float = 1.0,
    keep: Collection[Expression] = (),
    temperature: float | None = None,
    spread: float = 0.0,
    seed: int = 0,
    index: int = 0,
    model: Model | None = None,
) -> Groove:
    """`groove` played by the model: new velocities and offsets, the very same hits.

    Args:
        groove: in the model's meter, of any length. A groove shorter than the model's window is
            heard as a loop.
        strength: 0 gives `groove` back, 1 what the model plays, and in between a blend of both.
        keep: ``velocity`` or ``timing`` stay as they are.
        temperature: 0 plays each hit as is to be expected, any other draws, the nearer to that the
            lower it is; the bundle's own by default.
        spread: how far the way of playing is drawn from the likeliest; 1 is the model's own doubt.
        seed: which random numbers.
        index: which draw of the seed.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls. By
            default the shipped one that was taught to humanise.

    Raises:
        ConfigError: a number is out of range, or there is no such thing to keep.
        GrooveError: `groove` is in another meter than the model's.
        BundleError: the bundle cannot be loaded, or cannot humanise.
    """
    return humanize_all(
        [groove], strength=strength, keep=keep, temperature=temperature, spread=spread, seed=seed,
        start=index, model=model,
    )[0]  # fmt: skip


def humanize_all(
    grooves: Sequence[Groove],
    *,
    strength: float = 1.0,
    keep: Collection[Expression] = (),
    temperature: float | None = None,
    spread: float = 0.0,
    seed: int = 0,
    start: int = 0,
    model: Model | None = None,
) -> list[Groove]:
    """Many grooves at once: groove `i` as ``humanize(…, index=start + i)`` gives it."""
    if not 0 <= strength <= 1:
        raise ConfigError(f"strength {strength:g} is not in 0 to 1")
    if unknown := set(keep) - set(EXPRESSION):
        raise ConfigError(
            f"{', '.join(sorted(unknown))} cannot be kept",
            remedy=f"one of: {', '.join(EXPRESSION)}",
        )
    runtime = runtime_of(model_for("humanize") if model is None else model)
    bundle = runtime.bundle
    how = lesson(bundle, "humanize")
    pages = []
    for groove in grooves:
        in_meter(groove, bundle)
        (x,) = to_x([groove])
        known = np.zeros_like(x)
        known[:, : bundle.voices] = 1
        # One that was not taught to humanise has never read hits without velocity.
        pages.append(Page(x, known, told=straight(x) if how.rounds == 1 else x))
    if (bundle.temperature if temperature is None else temperature) == 0:
        written = expected(runtime, pages, how, seed=seed, start=start, spread=spread)
        for x in written:
            x[:, 2 * bundle.voices :] *= np.float32(bundle.timing)
    else:
        written = write(
            runtime, pages, how, seed=seed, start=start, temperature=temperature, spread=spread
        )
    played = in_grooves(written, grooves, bundle)
    return [
        _blend(
            groove, new, 0 if "velocity" in keep else strength, 0 if "timing" in keep else strength
        )
        for groove, new in zip(grooves, played, strict=True)
    ]


def _blend(old: Groove, new: Groove, velocity: float, timing: float) -> Groove:
    """The hits of both, with this much of the new velocities and offsets."""
    one = np.float32(1)
    loudness, late = np.float32(velocity), np.float32(timing)
    return Groove.from_cells(
        old.hits,
        np.minimum(old.velocity * (one - loudness) + new.velocity * loudness, one),
        old.offset * (one - late) + new.offset * late,
        bpm=old.bpm,
        meter=old.meter,
    )
