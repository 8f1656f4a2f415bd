"""Directions in the latent space, along which what can be measured of a groove changes.

A direction is fitted in closed form: a ridge regression tells how a number (an attribute, a label)
depends on z, and of all moves that change the regression's answer, the one is taken that is most
likely among the latents of real grooves, and that leaves the answers for other numbers where they
are. How far it goes is then measured, not trusted: see `reach`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError
from ghostnote.files import write_bytes

FloatArray = npt.NDArray[np.float64]

AMOUNTS: Final = tuple(np.linspace(-2, 2, 9).tolist())
"""The amounts at which the effect of a direction is measured."""

FARTHEST: Final = 2.0
"""The largest amount that effect curves cover; larger ones go on in a straight line."""

LARGEST: Final = 6.0
"""The largest amount that is allowed at all: farther out, no groove has ever been."""

_FORMAT: Final = "ghostnote direction 1"
_LARGEST_NUMBER: Final = 1e6
_PENALTIES: Final = tuple(10.0 ** np.arange(-1, 7))
_NEARLY: Final = 0.8
"""Of the largest effect that was measured."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A way through the latent space, and what was measured along it.

    Attributes:
        name: what changes along it.
        vector: `[Z]`.
        reach: how many `vector` one unit of amount is, downwards and upwards.
        mean, std: of what changes, over the grooves that the direction was fitted on.
        effects: for each measured name, the mean change at each of `AMOUNTS`, in its own `std`.
        model: the sha256 of the encoder that the vector belongs to; empty for the bundle's own.
    """

    name: str
    vector: npt.NDArray[np.float32]
    reach: tuple[float, float] = (1.0, 1.0)
    mean: float = 0.0
    std: float = 1.0
    effects: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    model: str = ""

    def shift(self, amount: float) -> npt.NDArray[np.float32]:
        """What is added to z, `[Z]`; `amount` is in standard deviations, as far as `effects` say.

        Raises:
            ConfigError: `amount` is not in ±`LARGEST`.
        """
        if not abs(amount) <= LARGEST:
            raise ConfigError(
                f"{self.name} cannot be moved by {amount:g}",
                remedy=f"{-LARGEST:g} to {LARGEST:g}; real grooves are mostly in -2 to 2",
            )
        return np.asarray(amount * self.reach[amount > 0] * self.vector, np.float32)


# -- fitting ---------------------------------------------------------------------------------


class Ridge(NamedTuple):
    """A linear regression: ``centred z @ weights`` is how far a number is from its mean.

    Attributes:
        weights: `[Z, Y]`.
        centre: `[Z]`, the mean z.
        mean: `[Y]`, the mean of what is told.
        explained: `[Y]`, R² of the answers for rows that were left out, one at a time.
        penalty: what was chosen by them.
    """

    weights: FloatArray
    centre: FloatArray
    mean: FloatArray
    explained: FloatArray
    penalty: float

    def __call__(self, z: npt.NDArray[Any]) -> FloatArray:
        """The answers for `z` `[B, Z]`: `[B, Y]`."""
        return np.asarray((z - self.centre) @ self.weights + self.mean)


def ridge(z: npt.NDArray[Any], told: npt.NDArray[Any]) -> Ridge:
    """Ridge regression of `told` `[N, Y]` on `z` `[N, Z]`, in closed form.

    The penalty is the one of a few decades whose leave-one-out errors are smallest (Golub, Heath
    and Wahba 1979, without their averaging of leverages).

    Raises:
        ConfigError: fewer than three rows.
    """
    n = len(z)
    if n < 3:
        raise ConfigError(f"nothing can be learned from {n} grooves", remedy="give more of them")
    x, y = z.astype(np.float64), told.astype(np.float64)
    centre, mean = x.mean(0), y.mean(0)
    left, scale, right = np.linalg.svd(x - centre, full_matrices=False)
    turned = left.T @ (y - mean)
    spread = np.maximum(((y - mean) ** 2).sum(0), 1e-12)
    best: Ridge | None = None
    for penalty in _PENALTIES:
        kept = scale**2 / (scale**2 + penalty)
        leverage = (left**2) @ kept + 1 / n
        errors = (y - mean - left @ (kept[:, None] * turned)) / np.maximum(1 - leverage, 1e-9)[
            :, None
        ]
        explained = 1 - (errors**2).sum(0) / spread
        if best is None or explained.mean() > best.explained.mean():
            shrunk = scale / (scale**2 + penalty)
            best = Ridge(right.T @ (shrunk[:, None] * turned), centre, mean, explained, penalty)
    assert best is not None
    return best


def moves(weights: npt.NDArray[Any], z: npt.NDArray[Any]) -> FloatArray:
    """The likeliest moves that change one answer by 1 and the others not at all: `[Y, Z]`.

    With C the covariance of `z` and W the `weights` `[Z, Y]`, C·W·(Wᵀ·C·W)⁻¹: what z is expected
    to be, given the answers, if both are Gaussian. It follows where real grooves differ, as a
    difference of means does, which the regression's own weights need not (Haufe et al. 2014).
    """
    covariance = np.cov(z.astype(np.float64), rowvar=False)
    along = covariance @ weights
    crossed = weights.T @ along
    ridge_ = 1e-9 * max(float(np.trace(crossed)) / len(crossed), 1e-12)
    return np.asarray(np.linalg.solve(crossed + ridge_ * np.eye(len(crossed)), along.T))


def reach(lengths: Sequence[float], effect: npt.NDArray[Any]) -> float:
    """How far to go for an amount of `FARTHEST`, out of the `effect` measured at `lengths` > 0.

    To where the effect is `FARTHEST` standard deviations; where it never is, no farther than to
    where it is nearly as large as it ever gets, since beyond that it would stand still or turn.
    """
    goal = min(FARTHEST, _NEARLY * float(effect.max()))
    if goal <= 0:
        return float(lengths[0])
    first = int(np.argmax(effect >= goal))
    before, so_far = (lengths[first - 1], float(effect[first - 1])) if first else (0.0, 0.0)
    return float(before + (goal - so_far) / (effect[first] - so_far) * (lengths[first] - before))


# -- files -----------------------------------------------------------------------------------


def write_direction(path: str | Path, direction: Direction, *, overwrite: bool = False) -> None:
    """Write `direction` as a small JSON file.

    Raises:
        OutputError: `path` exists and `overwrite` is false, or it cannot be written.
    """
    document = {
        "format": _FORMAT,
        "name": direction.name,
        "model": direction.model,
        "mean": direction.mean,
        "std": direction.std,
        "reach": list(direction.reach),
        "amounts": list(AMOUNTS),
        "effects": {name: list(curve) for name, curve in direction.effects.items()},
        "vector": [float(str(number)) for number in direction.vector],
    }
    write_bytes(path, json.dumps(document, indent=1).encode() + b"\n", overwrite=overwrite)


def read_direction(path: str | Path) -> Direction:
    """A direction out of a file of `write_direction`.

    Raises:
        ConfigError: there is none, or it is no direction.
    """
    remedy = "give a file that `ghostnote attribute fit` wrote"
    try:
        found = json.loads(Path(path).read_text("utf-8"))
        if found["format"] != _FORMAT:
            raise ValueError(f"its format is {found['format']!r}")
        down, up = (float(number) for number in found["reach"])
        direction = Direction(
            name=str(found["name"]),
            vector=_vector(found["vector"]),
            reach=(down, up),
            mean=float(found["mean"]),
            std=float(found["std"]),
            effects={str(name): tuple(curve) for name, curve in found["effects"].items()},
            model=str(found["model"]),
        )
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", source=path, remedy=remedy
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"is no direction: {error}", source=path, remedy=remedy) from error
    return direction


def _vector(numbers: object) -> npt.NDArray[np.float32]:
    vector = np.array(numbers, np.float64)
    if vector.ndim != 1 or not (np.abs(vector) < _LARGEST_NUMBER).all():
        raise ValueError("its vector is no list of numbers")
    return vector.astype(np.float32)


# -- tensors of a bundle ---------------------------------------------------------------------

PREFIX: Final = "attribute."


def to_tensors(directions: Sequence[Direction]) -> dict[str, npt.NDArray[np.float32]]:
    """A model's own directions as tensors, for `latent.safetensors`; their names stand elsewhere.

    ``attribute.vectors`` `[A, Z]`, ``attribute.reach`` `[A, 2]`, ``attribute.scale`` `[A, 2]` (mean
    and standard deviation) and ``attribute.effects`` `[A, A, S]` (direction, attribute, amount).
    """
    names = [direction.name for direction in directions]
    tensors = {
        "vectors": [direction.vector for direction in directions],
        "reach": [direction.reach for direction in directions],
        "scale": [(direction.mean, direction.std) for direction in directions],
        "effects": [[direction.effects[name] for name in names] for direction in directions],
    }
    return {PREFIX + name: np.array(values, np.float32) for name, values in tensors.items()}


def from_tensors(
    names: Sequence[str], tensors: Mapping[str, npt.NDArray[Any]]
) -> dict[str, Direction]:
    """The inverse of `to_tensors`.

    Raises:
        KeyError, ValueError: a tensor is missing, or they do not fit one another.
    """
    vectors, reaches, scales, effects = (
        tensors[PREFIX + part].astype(np.float32)
        for part in ("vectors", "reach", "scale", "effects")
    )
    return {
        name: Direction(
            name,
            vector,
            (float(lengths[0]), float(lengths[1])),
            float(scale[0]),
            float(scale[1]),
            {other: tuple(curve.tolist()) for other, curve in zip(names, curves, strict=True)},
        )
        for name, vector, lengths, scale, curves in zip(
            names, vectors, reaches, scales, effects, strict=True
        )
    }
