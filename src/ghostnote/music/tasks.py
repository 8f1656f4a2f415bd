"""Tasks: what is hidden from the encoder, so that the model learns to supply it.

A task is a pure corruption of the encoder's input; the target stays what was played. They work on
batches of grooves `x` `[B, T, 3V]` (hits | velocity | offset, see `ghostnote.music.tensors`), after
the cache and after augmentation, and take all randomness from the generator that they are given.

The tasks are those of GrooVAE (Gillick et al. 2019), and infilling of voices and bars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, DrumMapError
from ghostnote.music.kit import voice_index
from ghostnote.music.tensors import from_groove_x

Array = npt.NDArray[Any]


class Given(NamedTuple):
    """What a model is given of a batch.

    Attributes:
        x: `[B, T, 3V]`, the encoder's input.
        controls: `[B, T, V]`, hits that encoder and decoder are told; None where there are none.
    """

    x: Array
    controls: Array | None = None


# -- corruptions -----------------------------------------------------------------------------


def without_velocity(x: Array) -> Array:
    """`x` with all velocities 0; hits and offsets stay."""
    hits, velocity, offset = from_groove_x(x)
    return np.concatenate([hits, np.zeros_like(velocity), offset], axis=-1)


def straight(x: Array) -> Array:
    """`x` with all velocities and offsets 0; hits stay."""
    hits, velocity, offset = from_groove_x(x)
    return np.concatenate([hits, np.zeros_like(velocity), np.zeros_like(offset)], axis=-1)


def hidden(x: Array, cells: Array) -> Array:
    """`x` with `cells` (bool, broadcast to `[…, T, V]`) set to silence."""
    return np.concatenate([np.where(cells, 0, part) for part in from_groove_x(x)], axis=-1).astype(
        x.dtype, copy=False
    )


def loudest(x: Array) -> npt.NDArray[np.intp]:
    """The voice of the loudest hit at each step, `[…, T]`: the first of equals, 0 if silent."""
    hits, velocity, _ = from_groove_x(x)
    return np.asarray(np.where(hits > 0.5, velocity, -1).argmax(axis=-1))


def moved_to(x: Array, chosen: npt.NDArray[np.intp], voice: int) -> Array:
    """At each step, the cell of voice `chosen` `[…, T]` put into `voice`, and all others silent."""
    parts = []
    for part in from_groove_x(x):
        moved = np.zeros_like(part)
        moved[..., voice] = np.take_along_axis(part, chosen[..., None], axis=-1)[..., 0]
        parts.append(moved)
    return np.concatenate(parts, axis=-1)


def dropped(x: Array, rate: Array, uniform: Array) -> Array:
    """Which hits are lost, bool `[…, T, V]`, at a `rate` broadcast to that; quiet ones more often.

    A hit is lost with the probability rate · max(0.2, 1 - velocity), where `uniform` `[…, T, V]`
    are numbers in [0, 1).
    """
    _, velocity, _ = from_groove_x(x)
    return np.asarray(uniform < rate * np.maximum(0.2, 1 - velocity))


# -- tasks -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Nothing is hidden."""

    kind: Literal["identity"] = "identity"

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        del generator
        return Given(x.copy())


NOTHING_HIDDEN: Final = Identity()
"""The task of a model that was taught none."""


@dataclass(frozen=True, kw_only=True)
class Humanize:
    """Velocity and offset are hidden: the hits stay, loudness and timing are to be supplied."""

    kind: Literal["humanize"] = "humanize"

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        del generator
        return Given(straight(x))


@dataclass(frozen=True, kw_only=True)
class Tap:
    """All hits of a step become one tap: the rhythm stays, the voices are to be supplied.

    A tap has the timing of the loudest hit of its step.
    """

    kind: Literal["tap"] = "tap"
    voice: str = "open hat"
    """The voice that taps are in; the original's is the open hat."""
    velocity: Literal["fixed", "played"] = "fixed"
    """`fixed`: taps say nothing of loudness; `played`: they have that of the loudest hit."""
    note_dropout: float = 0.0
    """Highest share of hits that are lost before tapping, quiet ones more often; each window draws
    its own share."""

    def __post_init__(self) -> None:
        _voice(self.voice, "task.voice")
        _share(self.note_dropout, "task.note_dropout")

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        if self.note_dropout:
            batch, steps, width = x.shape
            rate = self.note_dropout * generator.random((batch, 1, 1))
            x = hidden(x, dropped(x, rate, generator.random((batch, steps, width // 3))))
        taps = moved_to(x, loudest(x), _voice(self.voice, "task.voice"))
        return Given(without_velocity(taps) if self.velocity == "fixed" else taps)


@dataclass(frozen=True, kw_only=True)
class AddVoices:
    """Some voices are hidden, always the same: the model learns to add or replace them."""

    kind: Literal["add-voices"] = "add-voices"
    voices: str = "closed hat"
    """Which, divided by commas."""

    def __post_init__(self) -> None:
        _voices(self.voices)

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        del generator
        cells = np.zeros(x.shape[-1] // 3, bool)
        cells[_voices(self.voices)] = True
        return Given(hidden(x, cells))


@dataclass(frozen=True, kw_only=True)
class Infill:
    """Some voices or bars are hidden, drawn anew for each window: at least one, and never all."""

    kind: Literal["infill"] = "infill"
    hide: Literal["voices", "bars", "either"] = "voices"
    """What is hidden; with `either`, each window draws which."""
    bar: int = 16
    """Steps in a bar, where bars are hidden."""

    def __post_init__(self) -> None:
        if self.bar < 1:
            raise ConfigError(f"task.bar is {self.bar}", remedy="1 or more")

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`.

        Raises:
            ConfigError: bars are to be hidden, and `T` is not two or more whole bars.
        """
        batch, steps, width = x.shape
        voices = _some(batch, width // 3, generator)[:, None, :]
        if self.hide == "voices":
            return Given(hidden(x, voices))
        bars, rest = divmod(steps, self.bar)
        if rest or bars < 2:
            raise ConfigError(
                f"{steps} steps are not two or more bars of {self.bar}",
                remedy="task.bar must be that of the model's meter",
            )
        whole_bars = np.repeat(_some(batch, bars, generator), self.bar, axis=1)[:, :, None]
        if self.hide == "bars":
            return Given(hidden(x, whole_bars))
        which = generator.random((batch, 1, 1)) < 0.5
        return Given(hidden(x, np.where(which, voices, whole_bars)))


@dataclass(frozen=True, kw_only=True)
class HitsControl:
    """Nothing is hidden, and encoder and decoder are told the hits: z is left with how they are
    played.
    """

    kind: Literal["hits-control"] = "hits-control"

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        del generator
        return Given(x.copy(), from_groove_x(x).hits.copy())


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Any of several tasks, drawn anew for each window, and told to the model: one model that does
    them all.

    Controls are one-hot, `[B, T, K]` with one number a task, in the order of `TASKS`.
    """

    kind: Literal["mixture"] = "mixture"
    rates: str = "0.25+0.25+0.25+0.25"
    """How often each of `TASKS` is drawn."""

    TASKS: ClassVar[tuple[Task, ...]]
    """What may be drawn."""

    def __post_init__(self) -> None:
        _ = self.shares

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """The probability of each of `TASKS`.

        Raises:
            ConfigError: `rates` are not as many numbers, from 0 on and not all 0.
        """
        try:
            rates = np.array([float(rate) for rate in self.rates.split("+")])
        except ValueError:
            rates = np.zeros(0)
        if len(rates) != len(self.TASKS) or not (rates >= 0).all() or not 0 < rates.sum() < np.inf:
            raise ConfigError(
                f"task.rates is {self.rates!r}", remedy=f"{len(self.TASKS)} rates, such as 1+1+2+1"
            )
        return np.asarray(rates / rates.sum())

    def apply(self, x: Array, generator: np.random.Generator) -> Given:
        """What a model is given of `x` `[B, T, 3V]`."""
        drawn = generator.choice(len(self.TASKS), len(x), p=self.shares)
        # Every task for every row, so that no row's draws depend on what others are given.
        options = [task.apply(x, generator).x for task in self.TASKS]
        given = np.stack(options)[drawn, np.arange(len(x))]
        return Given(given, self.told(drawn, x.shape[1]))

    def told(self, which: npt.NDArray[np.integer[Any]], steps: int) -> Array:
        """The controls `[B, T, K]` that tell a model which of `TASKS` each row `[B]` is."""
        one_hot = np.eye(len(self.TASKS), dtype=np.float32)[which]
        return np.repeat(one_hot[:, None], steps, axis=1)


Task = Identity | Humanize | Tap | AddVoices | Infill | HitsControl | Mixture
"""Each has ``apply(x, generator) -> Given``: a pure function that leaves `x` as it is, and draws
each row's corruption apart from the others."""


def task_from(table: Mapping[str, Any]) -> Task:
    """A task from the values that `dataclasses.asdict` gave of it.

    Raises:
        ConfigError: there is no such task, or it has no such setting.
    """
    settings = dict(table)
    try:
        return _KINDS[settings.pop("kind")](**settings)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{dict(table)!r} is no task: {error}", remedy=f"a kind is one of: {', '.join(_KINDS)}"
        ) from None


def _some(batch: int, n: int, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """For each of `batch` rows a random subset of `n`, neither empty nor all: bool `[batch, n]`.

    All sizes are equally likely, and all subsets of a size.
    """
    size = generator.integers(1, n, size=(batch, 1))
    rank = generator.random((batch, n)).argsort(axis=1).argsort(axis=1)
    return np.asarray(rank < size)


def _voice(name: str, setting: str) -> int:
    try:
        return voice_index(name)
    except DrumMapError as error:
        raise ConfigError(f"{setting}: {error.reason}", remedy=error.remedy) from None


def _voices(names: str) -> list[int]:
    return [_voice(name, "task.voices") for name in names.split(",")]


def _share(value: float, setting: str) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{setting} is {value!r}", remedy="a number from 0 to 1")


Mixture.TASKS = (Identity(), Humanize(), Tap(), Infill(hide="either"))

_KINDS: dict[str, type[Task]] = {kind().kind: kind for kind in get_args(Task)}
