"""From one groove to another, and between four."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError, GrooveError
from ghostnote.latent import shares, slerp
from ghostnote.music.groove import Groove
from ghostnote.pipeline.latents import decode, encode, in_range, joined, noise_of
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.runtime import FloatArray, Runtime

Numbers = npt.NDArray[np.float64]


def interpolate(
    a: Groove,
    b: Groove,
    n: int = 5,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    model: Model = DEFAULT,
) -> list[Groove]:
    """`n` grooves from `a` to `b`, on the sphere of the latent space, window by window.

    The first is the reconstruction of `a`, the last that of `b`, as `reconstruct` gives them.
    All are played with the same noise, so that a cell changes only where the model's mind does.
    From `b` to `a` they are the same, in the other order, to the bit. The tempo goes evenly from
    one to the other.

    Args:
        a: in the model's meter.
        b: the same, and of the same length.
        n: how many, 2 or more, both ends included.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            at 0 every cell is the most likely one.
        seed: of what is drawn.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Raises:
        GrooveError: a groove is in another meter, or the lengths differ.
        ConfigError: a number is out of range, or the model is told the hits that it plays.
        BundleError: the bundle cannot be loaded.
    """
    t = shares(n)
    points = _Points.of((a, b), runtime_of(model), temperature, seed)
    first, last = points.latents
    return points.played(slerp(first, last, t[:, None]), _between(a.bpm, b.bpm, t))


def grid(
    corners: Sequence[Groove],
    rows: int = 4,
    columns: int = 4,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    model: Model = DEFAULT,
) -> list[list[Groove]]:
    """`rows` × `columns` grooves between four, on the sphere of the latent space.

    Each side of the grid is what `interpolate` gives between its corners. Inside, a point lies
    halfway between the one that is reached along its row and the one along its column, so that a
    grid whose corners are turned or mirrored is the same grid, turned or mirrored, to the bit.

    Args:
        corners: top left, top right, bottom left, bottom right; of one length, in the model's
            meter.
        rows: 2 or more.
        columns: 2 or more.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            at 0 every cell is the most likely one.
        seed: of what is drawn.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Returns:
        the rows, from the top; each from the left.

    Raises:
        GrooveError: as `interpolate` does, or there are not four corners.
        ConfigError: as `interpolate` does.
        BundleError: the bundle cannot be loaded.
    """
    played = _amid(corners, shares(rows), shares(columns), temperature, seed, model)
    return [played[start : start + columns] for start in range(0, rows * columns, columns)]


def blend(
    corners: Sequence[Groove],
    x: float,
    y: float,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    model: Model = DEFAULT,
) -> Groove:
    """The groove at one place between four: any point of the `grid`, not only those on its lines.

    Args:
        corners: top left, top right, bottom left, bottom right; of one length, in the model's
            meter.
        x: from 0, at the left, to 1, at the right.
        y: from 0, at the top, to 1, at the bottom.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            at 0 every cell is the most likely one.
        seed: of what is drawn.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Raises:
        GrooveError: as `grid` does.
        ConfigError: as `grid` does, or `x` or `y` is not in [0, 1].
        BundleError: the bundle cannot be loaded.
    """
    down, right = np.array([in_range(y, "y")]), np.array([in_range(x, "x")])
    return _amid(corners, down, right, temperature, seed, model)[0]


def _amid(
    corners: Sequence[Groove],
    down: Numbers,
    right: Numbers,
    temperature: float,
    seed: int,
    model: Model,
) -> list[Groove]:
    """The grooves at all of `down` `[rows]` × `right` `[columns]`, row by row."""
    if len(corners) != 4:
        raise GrooveError(
            f"four corners are needed, not {len(corners)}",
            remedy="give top left, top right, bottom left and bottom right",
        )
    rows = down[:, None]
    points = _Points.of(corners, runtime_of(model), temperature, seed)
    z = _middle(points.latents, rows[..., None], right[:, None])
    bpm = _middle_tempo([corner.bpm for corner in corners], rows, right)
    return points.played(z.reshape(-1, *z.shape[2:]), bpm.ravel())


def _middle(corners: Sequence[FloatArray], down: Numbers, right: Numbers) -> FloatArray:
    """Between the ways along rows and along columns, `[rows, columns, N, Z]`."""
    top_left, top_right, low_left, low_right = corners
    in_row = slerp(slerp(top_left, low_left, down), slerp(top_right, low_right, down), right)
    in_column = slerp(slerp(top_left, top_right, right), slerp(low_left, low_right, right), down)
    return slerp(in_row, in_column, 0.5)


def _middle_tempo(corners: Sequence[float], down: Numbers, right: Numbers) -> Numbers:
    """The same for tempos, `[rows, columns]`."""
    top_left, top_right, low_left, low_right = corners
    left, end = _between(top_left, low_left, down), _between(top_right, low_right, down)
    top, low = _between(top_left, top_right, right), _between(low_left, low_right, right)
    return (_between(left, end, right) + _between(top, low, down)) / 2


def _between(one: npt.ArrayLike, other: npt.ArrayLike, t: Numbers) -> Numbers:
    """Evenly from `one` to `other`, both exact; just `one` where they are the same."""
    start, end = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return np.where(start == end, start, (1 - t) * start + t * end)


class _Points:
    """Some grooves as points of a model's space, and how any point near them is played."""

    def __init__(
        self, corners: Sequence[Groove], runtime: Runtime, temperature: float, seed: int
    ) -> None:
        encoded = [encode(groove, runtime, seed=seed) for groove in corners]
        self.latents = [one.mu for one in encoded]
        self._controls = encoded[0].controls
        if self._controls is not None:
            told = [one.controls for one in encoded[1:]]
            if any(other is None or (other != self._controls).any() for other in told):
                raise ConfigError(
                    f"{runtime.bundle.name} is told the hits, and there are none between two",
                    remedy="use a model that writes the hits, such as groove-4bar",
                )
        self._runtime, self._heat = runtime, temperature
        self._bars = corners[0].bars
        self._noise = noise_of(runtime.bundle, seed, len(self.latents[0]))

    @classmethod
    def of(
        cls, corners: Sequence[Groove], runtime: Runtime, temperature: float, seed: int
    ) -> _Points:
        """Of grooves of one length.

        Raises:
            GrooveError: their lengths differ, or one is in another meter.
        """
        lengths = sorted({groove.bars for groove in corners})
        if len(lengths) > 1:
            raise GrooveError(
                f"there is nothing between {' and '.join(map(str, lengths))} bars",
                remedy=f"cut them to one length, such as groove[:{lengths[0]}]",
            )
        return cls(corners, runtime, temperature, seed)

    def played(self, z: FloatArray, bpm: Numbers) -> list[Groove]:
        """The grooves of `z` `[M, N, Z]`, at the tempos `bpm` `[M]`."""
        x = decode(self._runtime, z, self._noise, self._heat, self._controls)
        bundle = self._runtime.bundle
        return [
            joined(one, bundle, bars=self._bars, bpm=float(tempo))
            for one, tempo in zip(x, bpm, strict=True)
        ]
