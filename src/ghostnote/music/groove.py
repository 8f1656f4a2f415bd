"""`Groove`, the one value that everything in ghostnote takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import GrooveError
from ghostnote.music.kit import N_VOICES, SHORT_NAMES

STEPS_PER_QUARTER: Final = 4
"""A step is a 16th note."""

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
Meter = tuple[int, int]

MAX_BPM: Final = 1000.0
_OFFSET_END: Final = np.nextafter(np.float32(0.5), np.float32(0.0))


def steps_per_bar(meter: Meter) -> int:
    """The 16th-note steps in one bar of `meter`: 16 in 4/4, 12 in 3/4 and in 6/8.

    Raises:
        GrooveError: not a meter, or a bar of it is not a whole number of 16ths.
    """
    numerator, denominator = meter
    if numerator < 1 or denominator < 1 or denominator & (denominator - 1):
        raise GrooveError(f"{numerator}/{denominator} is not a meter")
    steps, rest = divmod(numerator * 4 * STEPS_PER_QUARTER, denominator)
    if rest or not steps:
        raise GrooveError(f"a bar of {numerator}/{denominator} is not a whole number of 16ths")
    return steps


def valid_bpm(bpm: float) -> float:
    """`bpm`, if a groove may have it.

    Raises:
        GrooveError: it is not in (0, `MAX_BPM`].
    """
    if not 0 < bpm <= MAX_BPM:
        raise GrooveError(f"bpm {bpm:g} is not in (0, {MAX_BPM:g}]")
    return float(bpm)


@dataclass(frozen=True, eq=False, repr=False)
class Groove:
    """A drum loop on a grid of `T` 16th-note steps × `V` = 9 voices; a whole number of bars.

    Attributes:
        hits: `[T, V]` bool.
        velocity: `[T, V]` float32, in (0, 1] where there is a hit and 0 elsewhere.
        offset: `[T, V]` float32 in steps, in [-0.5, 0.5) where there is a hit and 0 elsewhere;
            positive is late.
        bpm: quarter notes per minute.
        meter: (numerator, denominator).

    Immutable and hashable: the arrays are private, read-only copies. Two grooves are equal when
    all five attributes are. ``groove[1]`` and ``groove[1:3]`` are bars, ``a + b`` joins two.

    Raises:
        GrooveError: on creation, when a value breaks one of the rules above.
    """

    hits: BoolArray
    velocity: FloatArray
    offset: FloatArray
    bpm: float = 120.0
    meter: Meter = (4, 4)

    def __post_init__(self) -> None:
        hits = np.array(self.hits)
        if hits.dtype != np.bool_:
            raise GrooveError(f"hits are {hits.dtype}, not bool")
        velocity, offset = _float32(self.velocity, "velocity"), _float32(self.offset, "offset")
        for name, array in (("hits", hits), ("velocity", velocity), ("offset", offset)):
            if array.ndim != 2 or array.shape[1] != N_VOICES:
                raise GrooveError(f"{name} has shape {list(array.shape)}, not [T, {N_VOICES}]")
            if array.shape != hits.shape:
                raise GrooveError(f"{name} has {len(array)} steps where hits has {len(hits)}")
        meter = (int(self.meter[0]), int(self.meter[1]))
        bar = steps_per_bar(meter)
        if not len(hits) or len(hits) % bar:
            raise GrooveError(
                f"{len(hits)} steps are not a whole number of {meter[0]}/{meter[1]} bars "
                f"of {bar} steps"
            )
        bpm = valid_bpm(self.bpm)
        _check(~((velocity > 0) & (velocity <= 1)) & hits, "velocity of a hit is not in (0, 1]")
        _check(~((offset >= -0.5) & (offset < 0.5)) & hits, "offset of a hit is not in [-0.5, 0.5)")
        _check((velocity != 0) & ~hits, "velocity is not 0 where there is no hit")
        _check((offset != 0) & ~hits, "offset is not 0 where there is no hit")
        offset += 0.0  # -0.0 and 0.0 are one value, and must be one hash
        for array in (hits, velocity, offset):
            array.flags.writeable = False
        for name, value in (
            ("hits", hits), ("velocity", velocity), ("offset", offset),
            ("bpm", bpm), ("meter", meter),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    # -- making one ------------------------------------------------------------------------

    @classmethod
    def from_cells(
        cls,
        hits: npt.ArrayLike,
        velocity: npt.ArrayLike,
        offset: npt.ArrayLike,
        *,
        bpm: float = 120.0,
        meter: Meter = (4, 4),
    ) -> Groove:
        """A groove from full arrays, such as a decoder gives: silent cells are set to zero and
        an offset of exactly half a step is taken to the nearest one below it.
        """
        played = np.asarray(hits, dtype=bool)
        late = np.minimum(np.asarray(offset, dtype=np.float32), _OFFSET_END)
        return cls(
            played,
            np.where(played, np.asarray(velocity, dtype=np.float32), np.float32(0)),
            np.where(played, late, np.float32(0)),
            bpm,
            meter,
        )

    @classmethod
    def silent(cls, bars: int, *, bpm: float = 120.0, meter: Meter = (4, 4)) -> Groove:
        """`bars` bars without a hit."""
        shape = (bars * steps_per_bar(meter), N_VOICES)
        zeros = np.zeros(shape, np.float32)
        return cls(np.zeros(shape, bool), zeros, zeros, bpm, meter)

    def replace(self, *, bpm: float | None = None) -> Groove:
        """The same groove at another tempo."""
        return Groove(
            self.hits, self.velocity, self.offset, self.bpm if bpm is None else bpm, self.meter
        )

    # -- size ------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """`T`."""
        return len(self.hits)

    @property
    def steps_per_bar(self) -> int:
        """16 in 4/4."""
        return steps_per_bar(self.meter)

    @property
    def bars(self) -> int:
        """How many bars."""
        return self.steps // self.steps_per_bar

    @property
    def n_hits(self) -> int:
        """How many hits, over all voices."""
        return int(self.hits.sum())

    @property
    def seconds_per_step(self) -> float:
        """How long a step lasts at this tempo."""
        return 60.0 / self.bpm / STEPS_PER_QUARTER

    @property
    def seconds(self) -> float:
        """How long the bars last at this tempo."""
        return self.steps * self.seconds_per_step

    # -- bars ------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many bars, as indexing counts them."""
        return self.bars

    def __iter__(self) -> Iterator[Groove]:
        """Bar by bar."""
        return (self[bar] for bar in range(self.bars))

    def __getitem__(self, index: int | slice) -> Groove:
        """Bars: ``groove[0]`` the first, ``groove[-2:]`` the last two.

        Raises:
            GrooveError: no such bar, an empty range, or a step other than 1.
        """
        if isinstance(index, slice):
            start, stop, stride = index.indices(self.bars)
            if stride != 1:
                raise GrooveError("bars can be sliced with step 1 only")
        else:
            start = index + self.bars if index < 0 else index
            stop = start + 1
        if not 0 <= start < stop <= self.bars:
            raise GrooveError(f"no such bars in a groove of {self.bars}: {index}")
        cells = slice(start * self.steps_per_bar, stop * self.steps_per_bar)
        return Groove(
            self.hits[cells], self.velocity[cells], self.offset[cells], self.bpm, self.meter
        )

    def __add__(self, other: Groove) -> Groove:
        return concatenate([self, other])

    # -- value -----------------------------------------------------------------------------

    def _key(self) -> tuple[bytes, bytes, bytes, float, Meter]:
        return (
            self.hits.tobytes(), self.velocity.tobytes(), self.offset.tobytes(),
            self.bpm, self.meter,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Groove) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"{self.summary}\n{self.tab()}"

    def _repr_html_(self) -> str:
        """A drum roll and a player, which a notebook shows in place of the tab."""
        from ghostnote.notebook import groove_html

        return groove_html(self)

    @property
    def summary(self) -> str:
        """One line: bars, meter, tempo, hits."""
        bars = f"{self.bars} bar" + "s" * (self.bars != 1)
        hits = f"{self.n_hits} hit" + "s" * (self.n_hits != 1)
        return f"Groove: {bars} of {self.meter[0]}/{self.meter[1]}, {self.bpm:g} bpm, {hits}"

    def tab(self) -> str:
        """A drum tab: one line a voice that plays, one character a step, bars between ``|``.

        ``g`` is a ghost note (velocity under 0.3), ``x`` a hit, ``X`` an accent (from 0.8).
        """
        lines = []
        for voice in np.flatnonzero(self.hits.any(axis=0)):
            velocity = self.velocity[:, voice]
            marks = np.select([velocity == 0, velocity < 0.3, velocity < 0.8], ["-", "g", "x"], "X")
            bars = ("".join(bar) for bar in marks.reshape(self.bars, -1))
            lines.append(f"{SHORT_NAMES[voice]} |{'|'.join(bars)}|")
        return "\n".join(lines[::-1])


def concatenate(grooves: Sequence[Groove] | Iterable[Groove]) -> Groove:
    """Grooves one after another, at the tempo and meter that they share.

    Raises:
        GrooveError: nothing to join, or tempos or meters differ.
    """
    parts = list(grooves)
    if not parts:
        raise GrooveError("nothing to concatenate")
    first = parts[0]
    for part in parts:
        if part.meter != first.meter:
            meters = "{}/{} to {}/{}".format(*part.meter, *first.meter)
            raise GrooveError(f"cannot join {meters}")
        if part.bpm != first.bpm:
            raise GrooveError(
                f"cannot join {part.bpm:g} bpm to {first.bpm:g} bpm",
                remedy="bring them to one tempo with replace(bpm=…)",
            )
    return Groove(
        np.concatenate([part.hits for part in parts]),
        np.concatenate([part.velocity for part in parts]),
        np.concatenate([part.offset for part in parts]),
        first.bpm,
        first.meter,
    )


def _float32(values: npt.ArrayLike, name: str) -> FloatArray:
    try:
        return np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise GrooveError(f"{name} is not an array of numbers") from error


def _check(broken: BoolArray, rule: str) -> None:
    if broken.any():
        step, voice = np.argwhere(broken)[0]
        raise GrooveError(f"{rule} (first at step {step}, {SHORT_NAMES[voice]})")
