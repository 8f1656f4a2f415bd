"""Maps: many latents as points in a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import Bundle
from ghostnote.errors import ConfigError
from ghostnote.latent import uniforms
from ghostnote.music.groove import Groove, valid_bpm
from ghostnote.pipeline.latents import plain_controls
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.pipeline.sampling import Source, draw_windows, draws
from ghostnote.runtime import from_x

FloatArray = npt.NDArray[np.float64]

LAYOUTS: Final = ("pca", "neighbours")

_NEIGHBOURS: Final = 15
_ROUNDS: Final = 300
_REPELLED: Final = 5
_FARTHEST_STEP: Final = 4.0


@dataclass(frozen=True, eq=False)
class Map:
    """Points in a plane that stand for latents.

    Attributes:
        points: `[N, 2]`; the first axis is the one along which they differ most.
        labels: what each point is, such as a file; empty, or `N`.
        styles: what its colour stands for; empty, or `N`.
        layout: how the points were placed: pca or neighbours.
        explained: the share of all variance that each axis of the PCA holds.
        trust: how far points that are near on the map are near in the space, at most 1.
        centre, axes: `[Z]` and `[2, Z]` of the PCA, orthonormal.
    """

    points: FloatArray
    labels: tuple[str, ...]
    styles: tuple[str, ...]
    layout: str
    explained: tuple[float, float]
    trust: float
    centre: FloatArray
    axes: FloatArray

    def __len__(self) -> int:
        """`N`."""
        return len(self.points)

    def _repr_html_(self) -> str:
        """The map as a notebook shows it."""
        from ghostnote.notebook import picture_html
        from ghostnote.render.scatter import scatter_svg

        explained = f", {sum(self.explained):.0%} of the variance" if self.layout == "pca" else ""
        caption = f"{len(self):,} grooves by {self.layout}{explained}; trust {self.trust:.2f}"
        return picture_html(scatter_svg(self.points, self.styles, self.labels), caption)

    def z(self, points: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Latents `[M, Z]` at places `[M, 2]` of a PCA map: the mean in all that it does not show.

        Raises:
            ConfigError: the map was laid out by neighbours, which has no way back.
        """
        self._has_a_way_back()
        places = np.asarray(points, np.float64).reshape(-1, 2)
        return np.asarray(self.centre + places @ self.axes, np.float32)

    def carried(self, z: npt.NDArray[Any], place: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """`z` `[Z]`, carried to `place` `[2]` of a PCA map: as it was in all that it does not show.

        Raises:
            ConfigError: the map was laid out by neighbours, which has no way back.
        """
        self._has_a_way_back()
        wide = np.asarray(z, np.float64)
        apart = np.asarray(place, np.float64) - self.axes @ (wide - self.centre)
        return np.asarray(wide + apart @ self.axes, np.float32)

    def _has_a_way_back(self) -> None:
        if self.layout != "pca":
            raise ConfigError("a map of neighbours has no latents between its points")


def make_map(
    z: npt.NDArray[Any],
    *,
    labels: Sequence[str] = (),
    styles: Sequence[str] = (),
    layout: str = "pca",
    seed: int = 0,
    along: npt.NDArray[Any] | None = None,
) -> Map:
    """Latents `z` `[N, Z]` as a map.

    Args:
        z: at least three.
        labels: of each, such as a file; may be empty.
        styles: of each, for its colour; may be empty.
        layout: ``pca`` keeps the two directions along which z differs most; ``neighbours`` keeps
            what is near together (see `neighbours`), and no distances.
        seed: of the layout by neighbours.
        along: latents `[M, Z]`, such as the means of groups, whose two directions the axes are
            instead, to show the groups apart.

    Raises:
        ConfigError: fewer than three latents, another number of labels, or no such layout.
    """
    if len(z) < 3:
        raise ConfigError(f"{len(z)} points make no map", remedy="give three grooves or more")
    for name, values in (("labels", labels), ("styles", styles)):
        if values and len(values) != len(z):
            raise ConfigError(f"{len(values)} {name} were given for {len(z)} points")
    if layout not in LAYOUTS:
        raise ConfigError(f"unknown layout {layout!r}", remedy=f"one of: {', '.join(LAYOUTS)}")
    wide = z.astype(np.float64)
    centre = wide.mean(0)
    spanned = wide if along is None else along.astype(np.float64)
    _, _, right = np.linalg.svd(spanned - spanned.mean(0), full_matrices=False)
    axes = right[:2]
    # The sign of an axis is arbitrary, and differs between linear algebra libraries.
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    points = (wide - centre) @ axes.T
    whole = max(float(((wide - centre) ** 2).sum()), 1e-12)
    first, second = ((points**2).sum(0) / whole).tolist()
    if layout == "neighbours":
        points = neighbours(wide, points, seed)
    return Map(
        points,
        tuple(labels),
        tuple(styles),
        layout,
        (first, second),
        trustworthiness(wide, points),
        centre,
        axes,
    )


def map_prior(n: int = 1000, *, model: Model = DEFAULT, layout: str = "pca", seed: int = 0) -> Map:
    """`n` draws of a model's prior as a map.

    The style of a draw is the one that most training windows of its component are in; of a model
    that does not know the styles of its training data, the component.

    Raises:
        ConfigError: as `make_map`.
        BundleError: the bundle cannot be loaded.
    """
    if n < 3:
        raise ConfigError(f"{n} points make no map", remedy="ask for three draws or more")
    bundle = runtime_of(model).bundle
    z, _ = draws(bundle, seed, range(n))
    ends = np.cumsum(bundle.prior.weights, dtype=np.float64)
    first = np.array([uniforms(seed, index, 1)[0] for index in range(n)])
    component = np.minimum(np.searchsorted(ends, first * ends[-1]), len(ends) - 1)
    names = _styles_of_components(bundle)
    styles = [names[number] for number in component.tolist()]
    labels = [f"draw {index}" for index in range(n)]
    return make_map(z, labels=labels, styles=styles, layout=layout, seed=seed)


def _styles_of_components(bundle: Bundle) -> list[str]:
    """For each component of the prior, the style that most of its windows are in, or its number."""
    parts = [part for part in bundle.parts if part.kind == "style"]
    if not parts:
        return [f"component {number + 1}" for number in range(len(bundle.prior.weights))]
    windows = [part.windows * bundle.prior_of(style=str(part.value)).weights for part in parts]
    return [str(parts[number].value) for number in np.argmax(windows, axis=0).tolist()]


def map_styles(each: int = 24, *, model: Model = DEFAULT, seed: int = 0) -> Map:
    """What a model plays in each style of its training data, as a map: `each` draws of a style.

    The axes are those along which the means of the styles differ most. Draw `i` of a style is what
    ``sample(start=i, style=…)`` begins with. A model that knows fewer than three styles has draws
    of its prior on the map, as `map_prior` has, and no styles.

    Raises:
        ConfigError: `each` is less than 1.
        BundleError: the bundle cannot be loaded.
    """
    if each < 1:
        raise ConfigError(f"{each} draws of each style", remedy="ask for 1 or more")
    bundle = runtime_of(model).bundle
    styles = styles_of(bundle)
    if len(styles) < 3:
        z, _ = draws(bundle, seed, range(max(3, each)))
        return make_map(z)
    priors = [bundle.prior_of(style=style) for style in styles]
    z = np.concatenate([draws(bundle, seed, range(each), source=Source(p))[0] for p in priors])
    return make_map(
        z,
        labels=[f"{style} {index}" for style in styles for index in range(each)],
        styles=[style for style in styles for _ in range(each)],
        along=np.stack([prior.weights @ prior.means for prior in priors]),
    )


def styles_of(bundle: Bundle) -> list[str]:
    """The styles of the training data that a model knows; none in an older bundle."""
    return [str(part.value) for part in bundle.parts if part.kind == "style"]


def place(
    plane: Map,
    x: float,
    y: float,
    *,
    bpm: float | None = None,
    temperature: float | None = None,
    seed: int = 0,
    model: Model = DEFAULT,
) -> Groove:
    """The groove at a place of a map: draw 0 of `seed`, carried there.

    What the map does not show is as the draw has it, so one seed is one musician who goes about
    the map, and the groove changes little where the place does. As `sample`, it never plays the
    very hits of a training window.

    Args:
        plane: a map of the model's latents, laid out by PCA, such as `map_styles` gives.
        x: along the first axis, as `plane.points` has it.
        y: along the second.
        bpm: the tempo; the bundle's own by default.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            the bundle's own by default.
        seed: which draw, and with what noise it is played.
        model: a bundle, its name or its folder; or a `Runtime`, to load it once for many calls.

    Raises:
        ConfigError: a number is out of range or not finite, or the map has no way back or is of
            another model.
        GrooveError: `bpm` is out of range.
        BundleError: the bundle cannot be loaded.
    """
    runtime = runtime_of(model)
    bundle = runtime.bundle
    if len(plane.centre) != bundle.latent:
        raise ConfigError(f"the map is not one of {bundle.name}")
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ConfigError(f"{x:g}, {y:g} is no place on a map")
    tempo = valid_bpm(bundle.bpm if bpm is None else bpm)
    source = Source(
        bundle.prior, controls=plain_controls(bundle, 1), carry=lambda z: plane.carried(z, (x, y))
    )
    heat = bundle.temperature if temperature is None else temperature
    played, _ = draw_windows(runtime, seed, range(1), heat, source)
    return from_x(played, bundle, bpm=tempo)[0]


def neighbours(z: FloatArray, start: FloatArray, seed: int) -> FloatArray:
    """Points `[N, 2]` on which those that are near in `z` `[N, Z]` are near.

    The idea of LargeVis and UMAP (Tang et al. 2016, McInnes et al. 2018), small: each point is
    drawn to its nearest neighbours and pushed away from points at random, all at once, in steps
    that shrink; it begins at `start`. The same seed gives the same points.
    """
    n = len(z)
    near = nearest(z, min(_NEIGHBOURS, n - 1))
    one = np.repeat(np.arange(n), near.shape[1])
    other = near.reshape(-1)
    random = np.random.Generator(np.random.Philox(seed))
    points = 10 * start / max(float(np.abs(start).max()), 1e-12)

    def pushed(to: npt.NDArray[Any], force: FloatArray) -> FloatArray:
        return np.stack([np.bincount(to, force[:, axis], n) for axis in range(2)], axis=1)

    for round_ in range(_ROUNDS):
        apart = points[one] - points[other]
        square = (apart**2).sum(1, keepdims=True)
        pull = np.clip(-2 * apart / (1 + square), -_FARTHEST_STEP, _FARTHEST_STEP)
        moved = pushed(one, pull) - pushed(other, pull)
        far = random.integers(0, n, len(one) * _REPELLED)
        here = np.repeat(one, _REPELLED)
        apart = points[here] - points[far]
        square = (apart**2).sum(1, keepdims=True)
        push = 2 * apart / ((0.01 + square) * (1 + square))
        moved += pushed(here, np.clip(push, -_FARTHEST_STEP, _FARTHEST_STEP))
        points = points + (1 - round_ / _ROUNDS) * 0.5 * moved / near.shape[1]
    return np.asarray(points - points.mean(0))


def nearest(z: FloatArray, k: int) -> npt.NDArray[np.intp]:
    """The `k` nearest other rows of each row of `z`, `[N, k]`, the nearest first."""
    squares = (z**2).sum(1)
    found = []
    for begin in range(0, len(z), 1024):
        rows = z[begin : begin + 1024]
        apart = squares - 2 * rows @ z.T
        apart[np.arange(len(rows)), begin + np.arange(len(rows))] = np.inf
        some = np.argpartition(apart, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(apart, some, 1).argsort(1, kind="stable")
        found.append(np.take_along_axis(some, order, 1))
    return np.concatenate(found)


def trustworthiness(z: FloatArray, points: FloatArray, *, k: int = 12, most: int = 2000) -> float:
    """How far points that are near on a map are near in the space: 1 at best, 0.5 by chance.

    The measure of Venna and Kaski (2001), over the `k` nearest, of at most `most` points, evenly
    chosen.
    """
    chosen = np.linspace(0, len(z) - 1, min(len(z), most)).astype(int)
    z, points = z[chosen], points[chosen]
    n = len(z)
    k = min(k, (n - 1) // 2)
    if k < 1:
        return 1.0
    shown = nearest(points, k)
    total = 0.0
    for row in range(n):
        apart = ((z - z[row]) ** 2).sum(1)
        apart[row] = -1
        rank = np.empty(n, int)
        rank[apart.argsort(kind="stable")] = np.arange(n)
        total += float(np.maximum(rank[shown[row]] - k, 0).sum())
    return 1 - 2 * total / (n * k * (2 * n - 3 * k - 1))
