"""Writing over grooves of any length with a window that slides.

A window begins half a window after the one before it. Its first half has been written by then and
is known to the decoder, which goes on from it: so there is no seam to hear. The last window ends
where the groove ends. Many grooves go through the model side by side, window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from ghostnote.bundle import Bundle
from ghostnote.errors import BundleError, ConfigError
from ghostnote.latent import normals, uniforms
from ghostnote.music.groove import Groove, steps_per_bar
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tasks import HitsControl, Identity, Mixture
from ghostnote.runtime import AT_ONCE, FloatArray, Runtime, from_x

_ROUNDS: Final = {"humanize": 2, "infill": 4}
"""How often a model that was taught no task reads what it wrote and writes it anew.

One round leaves stiff hits stiff, which it has never read. On validation windows of the Groove MIDI
Dataset the second brings velocity nearest to what was played, and its spread too (0.25 to 0.27);
from then on both errors grow.
"""

_Z_STREAM: Final = 1 << 32
"""Where the random numbers of the windows' z begin, apart from those of the steps."""

_GIVES_EXPRESSION: Final = ("likelihood", "squared-error")


@dataclass(frozen=True)
class Page:
    """A groove that is to be written over.

    Attributes:
        x: `[T, 3V]`, what stands there.
        known: `[T, 3V]`, 1 where a number stays as it is: all three of a cell, or its hit alone.
        told: `[T, 3V]`, what the encoder is given; what is known, where None.
        lift: `[T, V]`, what is added to the log-odds of a hit; nothing where None.
    """

    x: FloatArray
    known: FloatArray
    told: FloatArray | None = None
    lift: FloatArray | None = None

    def filled(self, steps: int) -> Page:
        """The page, played over and over until it has `steps` steps, if it is shorter.

        A loop is heard so, and a model knows no bars that stop in the middle.
        """
        if len(self.x) >= steps:
            return self
        arrays = (self.x, self.known, self.told, self.lift)
        return Page(
            *(None if one is None else np.resize(one, (steps, one.shape[1])) for one in arrays)  # type: ignore[arg-type]
        )


class Lesson(NamedTuple):
    """How a model is asked for a task.

    Attributes:
        number: of the task among `Mixture.TASKS`, for a model that has to be told.
        rounds: how often each window is read and written.
    """

    number: int | None = None
    rounds: int = 1


def lesson(bundle: Bundle, kind: str) -> Lesson:
    """How `bundle` does the task `kind`: ``humanize``, ``tap`` or ``infill``.

    A model that was taught the task does it, alone or among others. One that was taught only to
    give back what it reads can humanise and infill as well, by reading what it wrote and writing
    it anew, some times over: a Markov chain whose stationary distribution is about that of what is
    missing given what is known (Rezende, Mohamed and Wierstra 2014).

    Raises:
        BundleError: it cannot.
    """
    task = bundle.task
    if bundle.voices != N_VOICES:
        raise BundleError(
            f"{bundle.name} writes {bundle.voices} classes, not the nine voices of a groove",
            remedy="use a model of nine voices, such as groove-4bar",
        )
    head = bundle.config["model"].get("head", {"kind": "likelihood"})
    if kind == "humanize" and head.get("kind", head) not in _GIVES_EXPRESSION:
        raise BundleError(
            f"{bundle.name} writes hits without velocity and timing",
            remedy="use a model of grooves, such as groove-4bar",
        )
    if isinstance(task, Mixture):
        return Lesson([str(one.kind) for one in task.TASKS].index(kind))
    if task.kind == kind:
        return Lesson()
    able = {"humanize": (Identity, HitsControl), "infill": (Identity,)}.get(kind, ())
    if isinstance(task, able):
        return Lesson(rounds=_ROUNDS[kind])
    raise BundleError(
        f"{bundle.name} was taught {task.kind}, which is not {kind}",
        remedy=f"use a model that was taught {kind}",
    )


def write(
    runtime: Runtime,
    pages: Sequence[Page],
    lesson: Lesson,
    *,
    seed: int,
    start: int = 0,
    temperature: float | None = None,
    spread: float = 0.0,
) -> list[FloatArray]:
    """Each page with what is not known of it written by the model, `[T, 3V]` each.

    Page `i` is a function of itself and (seed, start + i) alone. The noise of a step is the same
    in whatever window it is written: that of the window of a `sample` that begins the page.

    Args:
        runtime: the model.
        pages: of any lengths.
        lesson: how the model is asked.
        seed: which random numbers.
        start: the index of the first page.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            the bundle's own by default. At 0 all is the most likely, velocity and timing too.
        spread: how far z is drawn around the posterior's mean, in its standard deviations. Where
            nothing is known z is drawn from the prior.

    Raises:
        ConfigError: a number is out of range.
    """
    bundle = runtime.bundle
    heat = bundle.temperature if temperature is None else temperature
    desks = _desks(
        pages,
        bundle,
        bundle.steps // 2,
        seed=seed,
        start=start,
        temperature=heat,
        spread=spread,
    )
    for number in range(max((len(desk.places) for desk in desks), default=0)):
        windows = [
            (desk, cut)
            for desk in desks
            for cut in desk.places[number : number + 1]
            if not desk.known[cut].all()
        ]
        if windows:
            results = _played(runtime, windows, lesson, heat, spread)
            for (desk, cut), result in zip(windows, results, strict=True):
                desk.x[cut] = result
                desk.known[cut] = 1
    return [desk.x[: len(page.x)] for desk, page in zip(desks, pages, strict=True)]


def expected(
    runtime: Runtime,
    pages: Sequence[Page],
    lesson: Lesson,
    *,
    seed: int,
    start: int = 0,
    spread: float = 0.0,
) -> list[FloatArray]:
    """Each page with the velocities and offsets to be expected of its hits, `[T, 3V]` each.

    A window begins at every bar, and each number is the mean of what all windows say that hold it,
    at a temperature of 0. Their errors are their own in part, and so the mean has less: about 1 %
    in timing. All hits are known; the rest is as `write` has it.
    """
    bundle = runtime.bundle
    hop = steps_per_bar(bundle.meter)
    desks = _desks(pages, bundle, hop, seed=seed, start=start, temperature=0.0, spread=spread)
    windows = [
        (row, cut)
        for row, desk in enumerate(desks)
        for cut in desk.places
        if not desk.known[cut].all()
    ]
    sums = [np.zeros(desk.x.shape) for desk in desks]
    counts = [np.zeros((len(desk.x), 1)) for desk in desks]
    for first in range(0, len(windows), AT_ONCE):
        some = windows[first : first + AT_ONCE]
        cuts = [(desks[row], cut) for row, cut in some]
        results = _played(runtime, cuts, lesson, 0.0, spread)
        for (row, cut), result in zip(some, results, strict=True):
            sums[row][cut] += result
            counts[row][cut] += 1
    return [
        np.where(count > 0, total / np.maximum(count, 1), desk.x).astype(np.float32)[: len(page.x)]
        for desk, page, total, count in zip(desks, pages, sums, counts, strict=True)
    ]


def _desks(
    pages: Sequence[Page],
    bundle: Bundle,
    hop: int,
    *,
    seed: int,
    start: int,
    temperature: float,
    spread: float,
) -> list[_Desk]:
    """The desks of some pages, whose windows begin every `hop` steps."""
    if not 0 <= spread <= 10:
        raise ConfigError(f"spread {spread:g} is not in 0 to 10")
    return [
        _Desk.of(page.filled(bundle.steps), bundle, hop, seed, start + row, temperature)
        for row, page in enumerate(pages)
    ]


@dataclass(frozen=True)
class _Desk:
    """A page while it is written, with its random numbers: `x` and `known` change."""

    page: Page
    x: FloatArray
    known: FloatArray
    of_prior: FloatArray
    noise: FloatArray
    places: list[slice]
    seed: int
    index: int

    @classmethod
    def of(
        cls, page: Page, bundle: Bundle, hop: int, seed: int, index: int, temperature: float
    ) -> _Desk:
        steps, size = len(page.x), bundle.steps
        for_z, cells = bundle.prior.n_uniforms, (steps, bundle.voices, 3)
        numbers = uniforms(seed, index, for_z + int(np.prod(cells)))
        noise = numbers[for_z:].reshape(cells)
        if page.lift is not None and temperature:
            noise[..., 0] = _lifted(noise[..., 0], page.lift / temperature)
        begins = [*range(0, steps - size, hop), steps - size]
        places = [slice(begin, begin + size) for begin in begins]
        x, known = page.x.copy(), page.known.copy()
        return cls(page, x, known, numbers[:for_z], noise, places, seed, index)

    def epsilon(self, begin: int, turn: int, latent: int) -> FloatArray:
        """A standard normal draw for z `[Z]`, of each window and turn its own."""
        even = latent + latent % 2
        stream = _Z_STREAM + (begin << 8) + turn
        return normals(uniforms(self.seed, self.index, even, attempt=stream))[:latent]


def _played(
    runtime: Runtime,
    windows: Sequence[tuple[_Desk, slice]],
    lesson: Lesson,
    temperature: float,
    spread: float,
) -> FloatArray:
    """What the model makes of some windows, `[B, T, 3V]`; the desks stay as they are."""
    bundle = runtime.bundle
    x = np.stack([desk.x[cut] for desk, cut in windows])
    mask = np.stack([desk.known[cut] for desk, cut in windows])
    noise = np.stack([desk.noise[cut] for desk, cut in windows])
    given = x * mask
    told, untold = given.copy(), np.zeros(len(windows), bool)
    for row, (desk, cut) in enumerate(windows):
        if desk.page.told is None:
            untold[row] = True
        else:
            told[row] = desk.page.told[cut]
    # Where nothing is known there is nothing to read; and a model that was taught no task takes
    # what is missing for silence, and so begins with any groove that goes on from what is known.
    nothing = untold & ~mask.any(axis=(1, 2))
    controls = _controls(bundle, lesson, x)
    for turn in range(lesson.rounds):
        z, sigma = runtime.encode(told, controls)
        for row, (desk, cut) in enumerate(windows):
            if nothing[row] or (untold[row] and turn == 0 and lesson.rounds > 1):
                z[row] = bundle.prior.draw(desk.of_prior)
            elif spread:
                epsilon = desk.epsilon(cut.start, turn, bundle.latent)
                z[row] += np.float32(spread) * sigma[row] * epsilon
        told = np.where(mask == 1, x, runtime.decode(z, noise, temperature, given, mask, controls))
    return np.asarray(told)


def _controls(bundle: Bundle, lesson: Lesson, x: FloatArray) -> FloatArray | None:
    if isinstance(bundle.task, Mixture) and lesson.number is not None:
        which = np.full(len(x), lesson.number)
        return np.asarray(bundle.task.told(which, bundle.steps), np.float32)
    return x[..., : bundle.voices] if bundle.controls else None


def _lifted(uniform: FloatArray, by: FloatArray) -> FloatArray:
    """Uniform numbers such that what is drawn where its log-odds exceed theirs has `by` more."""
    wide = uniform.astype(np.float64)
    moved = 1 / (1 + (1 / wide - 1) * np.exp(by.astype(np.float64)))
    return np.clip(moved, 2.0**-24, 1 - 2.0**-24).astype(np.float32)


def in_grooves(
    written: Sequence[FloatArray], like: Sequence[Groove], bundle: Bundle
) -> list[Groove]:
    """Pages `[T, 3V]` as grooves at the tempos of `like`."""
    return [
        from_x(x[None], bundle, bpm=groove.bpm)[0] for x, groove in zip(written, like, strict=True)
    ]
