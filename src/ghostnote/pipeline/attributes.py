"""Moving grooves along what can be measured of them, and learning in which direction that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, overload

import numpy as np
import numpy.typing as npt

from ghostnote.bundle import ENCODER, SCORER, Bundle
from ghostnote.directions import AMOUNTS, FARTHEST, Direction, moves, reach, ridge
from ghostnote.errors import ConfigError
from ghostnote.latent import normals, uniforms
from ghostnote.music.attributes import ATTRIBUTES, measure
from ghostnote.music.groove import Groove, Meter, concatenate
from ghostnote.music.tensors import from_groove_x, to_groove_x
from ghostnote.pipeline.models import DEFAULT, Model, runtime_of
from ghostnote.pipeline.sampling import draw_windows
from ghostnote.pipeline.windows import windows_of
from ghostnote.runtime import AT_ONCE, FloatArray, Runtime, from_x

FloatArray64 = npt.NDArray[np.float64]

_PLAYED: Final = 1.0
"""The temperature at which a groove is taken to have been played: the model's own odds."""

_LENGTHS: Final = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""How far a direction is tried, in what its regression takes for a standard deviation."""

_DECODED: Final = 4096
_TRIED: Final = 256
"""Training windows that are decoded to learn directions, and to measure how far they go."""

_LEAST_NOISE: Final = 2.0**-24
_SOFTEST: Final = 1 / 127
_SMALLEST: Final = 1e-6


@overload
def attribute(
    source: Groove,
    name: str | Direction,
    amount: float,
    *,
    model: Model = ...,
    temperature: float | None = ...,
    seed: int = ...,
) -> Groove: ...
@overload
def attribute(
    source: int,
    name: str | Direction,
    amount: float,
    *,
    model: Model = ...,
    temperature: float | None = ...,
    seed: int = ...,
) -> list[Groove]: ...
def attribute(
    source: Groove | int,
    name: str | Direction,
    amount: float,
    *,
    model: Model = DEFAULT,
    temperature: float | None = None,
    seed: int = 0,
) -> Groove | list[Groove]:
    """A groove, or so many new ones, with more or less of an attribute.

    A groove is played anew from where it is moved to, with the noise that it was played with (see
    `inferred_noise`): what the model's mind changes about is changed, and all else stays as it was
    played. An amount of 0 gives the groove back. New grooves are those of `sample`, moved.

    Args:
        source: a groove in the model's meter, of any length; or how many new ones.
        name: density, syncopation, swing, dynamics, laid-back, openness or fill (see
            `ghostnote.music.attributes`); or a `Direction` that was fitted to grooves of one's own.
        amount: in standard deviations of real grooves, as far as the model follows; -2 to 2 is
            what `Direction.effects` were measured at.
        model: a bundle with directions, its name or its folder; or a `Runtime`.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it.
            By default 1 for a groove, and the bundle's own for new ones; at 0 a groove changes
            where the likeliest cells of its reconstruction do, as it does by default with a bundle
            that has no scorer.
        seed: of what is drawn.

    Raises:
        ConfigError: the model knows no such direction, or a number is out of range.
        GrooveError: the groove is in another meter.
        BundleError: the bundle cannot be loaded, or has no scorer, and a temperature is given.
    """
    runtime = runtime_of(model)
    shift = direction_of(name, runtime.bundle).shift(amount)
    if isinstance(source, Groove):
        return moved(source, shift, model=runtime, temperature=temperature, seed=seed)
    return moved_samples(source, shift, model=runtime, temperature=temperature, seed=seed)


def direction_of(name: str | Direction, bundle: Bundle) -> Direction:
    """The direction `name` of `bundle`; one that is given must belong to it.

    Raises:
        ConfigError: it has none of that name, or the direction belongs to another model.
    """
    if isinstance(name, Direction):
        fits = len(name.vector) == bundle.latent
        if not fits or name.model not in ("", bundle.config["files"].get(ENCODER)):
            raise ConfigError(
                f"the direction {name.name!r} belongs to another model than {bundle.name}",
                remedy="fit it again: ghostnote attribute fit",
            )
        return name
    known = bundle.directions
    if name not in known:
        raise ConfigError(
            f"{bundle.name} has no direction {name!r}",
            remedy=f"one of: {', '.join(known)}" if known else "use groove-4bar, or fit one",
        )
    return known[name]


def moved(
    groove: Groove,
    shift: npt.NDArray[Any],
    *,
    model: Model = DEFAULT,
    temperature: float | None = None,
    seed: int = 0,
) -> Groove:
    """`groove` with what adding `shift` `[Z]` to the z of its windows changes; see `attribute`.

    Raises:
        GrooveError: it is in another meter.
        ConfigError: a number is out of range.
        BundleError: the bundle cannot be loaded, or has no scorer, and a temperature is given.
    """
    runtime = runtime_of(model)
    windows = windows_of(groove, runtime.bundle)
    x = moved_windows(runtime, windows, shift, range(len(windows)), temperature, seed)
    return concatenate(from_x(x, runtime.bundle, bpm=groove.bpm))[: groove.bars]


def moved_windows(
    runtime: Runtime,
    x: FloatArray,
    shift: npt.NDArray[Any],
    indices: Sequence[int],
    temperature: float | None = None,
    seed: int = 0,
) -> FloatArray:
    """As `moved`, of windows `x` `[B, T, 3V]`; `indices` say which draws of `seed` are theirs."""
    mu, _ = runtime.encode(x)
    heat = _heat(runtime.bundle, temperature)
    return mover(runtime, x, mu, _uniforms(seed, indices, x), heat)(shift)


class Player(Protocol):
    """What plays and judges windows: a `Runtime`, or a model in torch."""

    def decode(self, z: FloatArray, noise: FloatArray, temperature: float) -> FloatArray:
        """As `Runtime.decode`."""

    def score(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """As `Runtime.score`."""


def mover(
    player: Player, x: FloatArray, mu: FloatArray, uniform: FloatArray, temperature: float = _PLAYED
) -> Callable[[npt.NDArray[Any]], FloatArray]:
    """How windows change when their z is shifted: a shift `[Z]` → windows `[B, T, 3V]`.

    Velocity and timing of the noise are the medians, so that what is added to those of `x` is how
    far the model's expectation of them moves.

    Args:
        player: the model.
        x: `[B, T, 3V]`, windows as they were played.
        mu: `[B, Z]`, the means of their posteriors.
        uniform: `[B, T, V]`, in (0, 1), of what is drawn.
        temperature: divides the hit logits, and the variance of velocity and offset goes with it;
            at 0 nothing is drawn.
    """
    noise = np.full((*uniform.shape, 3), 0.5, np.float32)
    if temperature > 0:
        hits = from_groove_x(x).hits > 0.5
        noise[..., 0] = inferred_noise(hits, player.score(x, mu)[0], uniform, temperature)
    here = player.decode(mu, noise, temperature)

    def move(shift: npt.NDArray[Any]) -> FloatArray:
        there = player.decode(mu + shift.astype(np.float32), noise, temperature)
        return changed(x, here, there)

    return move


def inferred_noise(
    hits: npt.NDArray[np.bool_], nats: FloatArray, uniform: FloatArray, temperature: float = _PLAYED
) -> FloatArray:
    """A draw of the noise that hits were played with, given that just they were played.

    A cell is hit where its noise is below the probability p of a hit: the noise of one that was hit
    is uniform below p, and that of a silent one uniform above it.

    Args:
        hits: `[…]`, what was played.
        nats: `[…]`, the log-likelihood of it, cell by cell, at a temperature of 1.
        uniform: `[…]`, in (0, 1), of what is drawn.
        temperature: more than 0; divides the log-odds of a hit.

    Returns:
        `[…]`, in (0, 1).
    """
    likely = np.minimum(nats.astype(np.float64), 0)
    with np.errstate(divide="ignore", over="ignore"):  # where it is certain, or cannot be
        against = np.exp((np.log(-np.expm1(likely)) - likely) / temperature)
    below = uniform / (1 + against)
    noise = np.where(hits, below, 1 - below)
    return np.asarray(np.clip(noise, _LEAST_NOISE, 1 - _LEAST_NOISE), np.float32)


def _heat(bundle: Bundle, temperature: float | None) -> float:
    """`temperature`, or what it is by default when a groove is moved."""
    if temperature is not None:
        return temperature
    return _PLAYED if SCORER in bundle.config["files"] else 0.0


def _uniforms(seed: int, indices: Sequence[int], x: FloatArray) -> FloatArray:
    """The numbers `indices` of `seed` for the cells of windows `x` `[B, T, 3V]`: `[B, T, V]`."""
    cells = (x.shape[1], x.shape[2] // 3)
    return np.stack([uniforms(seed, i, int(np.prod(cells))).reshape(cells) for i in indices])


def moved_samples(
    n: int,
    shift: npt.NDArray[Any],
    *,
    model: Model = DEFAULT,
    temperature: float | None = None,
    seed: int = 0,
) -> list[Groove]:
    """`n` draws of the prior with `shift` `[Z]` added to their z.

    Raises:
        ConfigError: a number is out of range.
    """
    if n < 1:
        raise ConfigError(f"{n} loops cannot be sampled", remedy="ask for 1 or more")
    runtime = runtime_of(model)
    bundle = runtime.bundle
    heat = bundle.temperature if temperature is None else temperature
    grooves: list[Groove] = []
    for first in range(0, n, AT_ONCE):
        indices = range(first, min(first + AT_ONCE, n))
        x, _ = draw_windows(runtime, seed, indices, heat, shift=shift)
        grooves += from_x(x, bundle, bpm=bundle.bpm)
    return grooves


def changed(x: FloatArray, here: FloatArray, there: FloatArray) -> FloatArray:
    """`x` with what changes from `here` to `there`, all `[B, T, 3V]`.

    Hits that only one of the two has are as `there` has them. Others stay as they are in `x`, with
    the difference in velocity and offset where both have one.
    """
    (hits, *played), (one, *before), (other, *after) = (
        (parts.hits > 0.5, parts.velocity, parts.offset)
        for parts in map(from_groove_x, (x, here, there))
    )
    result = np.where(one == other, hits, other)
    both = one & other
    velocity, offset = (
        np.where(hits, mine + np.where(both, new - old, 0), new)
        for mine, old, new in zip(played, before, after, strict=True)
    )
    velocity = np.clip(velocity, np.float32(_SOFTEST), 1)
    offset = np.clip(offset, np.float32(-0.5), np.float32(0.5))
    return to_groove_x(result, np.where(result, velocity, 0), np.where(result, offset, 0))


# -- learning directions ---------------------------------------------------------------------


def fit_attributes(
    player: Player,
    x: FloatArray,
    mu: FloatArray,
    sigma: FloatArray,
    *,
    meter: Meter = (4, 4),
    seed: int = 0,
) -> list[Direction]:
    """The directions of all attributes for a model, from the windows that it was trained on.

    What counts is what the decoder plays: the attributes are measured on decoded draws of the
    posteriors, and regressed on their z. How far each goes is measured on windows moved along it,
    as `attribute` moves grooves.

    Args:
        player: the model.
        x: `[N, T, 3V]`, training windows; their attributes give mean and standard deviation.
        mu: `[N, Z]`, the means of their posteriors.
        sigma: `[N, Z]`, the standard deviations.
        meter: of the windows.
        seed: of what is drawn.

    Raises:
        ConfigError: fewer than three windows.
    """
    names = list(ATTRIBUTES)
    real = measure(x, meter)
    mean, std = real.mean(0), np.maximum(real.std(0), _SMALLEST)
    chosen = np.random.default_rng(seed).permutation(len(x))[:_DECODED]
    size = mu.shape[1]
    drawn = np.stack([normals(uniforms(seed, int(row), size + size % 2))[:size] for row in chosen])
    cells = (x.shape[1], x.shape[2] // 3, 3)

    def likeliest(z: FloatArray) -> FloatArray:
        return player.decode(z, np.full((len(z), *cells), 0.5, np.float32), 0.0)

    def attributes(x: FloatArray) -> FloatArray64:
        return np.asarray((measure(x, meter) - mean) / std)

    z = mu[chosen] + sigma[chosen] * drawn
    decoded = [likeliest(z[first : first + AT_ONCE]) for first in range(0, len(z), AT_ONCE)]
    weights = ridge(z, attributes(np.concatenate(decoded))).weights
    some = chosen[:_TRIED]
    move = mover(player, x[some], mu[some], _uniforms(seed, range(len(some)), x))

    def measured(shift: FloatArray) -> FloatArray64:
        return attributes(move(shift))

    directions = []
    for own, vector in enumerate(moves(weights, mu)):
        lengths, effects = explore(measured, vector, own)
        directions.append(
            Direction(
                names[own],
                vector.astype(np.float32),
                lengths,
                float(mean[own]),
                float(std[own]),
                {name: tuple(curve) for name, curve in zip(names, effects.tolist(), strict=True)},
            )
        )
    return directions


class Fitted(NamedTuple):
    """A direction that was learned from labels, and how well z tells them.

    `windows` is how many were learned from; `explained` the R² of the labels of windows that were
    left out, one at a time. Windows of one file are alike, which makes it too high where files
    are long.
    """

    direction: Direction
    windows: int
    explained: float


def fit_direction(
    grooves: Sequence[Groove],
    labels: Sequence[float],
    *,
    name: str,
    hold: Sequence[str] = (),
    model: Model = DEFAULT,
    seed: int = 0,
) -> Fitted:
    """Learn the direction in which a number, told for each of `grooves`, grows.

    For two kinds of grooves, label them 0 and 1: the regression is then Fisher's discriminant.

    Args:
        grooves: in the model's meter, of any length; each window of one has its label.
        labels: a number for each groove.
        name: what the direction is called.
        hold: attributes that the direction is to leave alone.
        model: a bundle, its name or its folder; or a `Runtime`.
        seed: of what is drawn to measure how far the direction goes.

    Raises:
        ConfigError: fewer than three windows, labels that are all the same, or none.
        GrooveError: a groove is in another meter.
    """
    runtime = runtime_of(model)
    bundle = runtime.bundle
    if len(grooves) != len(labels):
        raise ConfigError(f"{len(labels)} labels were given for {len(grooves)} grooves")
    cut = [windows_of(groove, bundle) for groove in grooves]
    told = np.repeat(np.asarray(labels, np.float64), [len(windows) for windows in cut])
    if len(told) < 3 or not np.isfinite(told).all() or told.std() < _SMALLEST:
        raise ConfigError(
            f"{name} cannot be learned from {len(told)} windows"
            + (", which all have the same label" if len(told) > 2 else ""),
            remedy="give grooves with more of it, and grooves with less",
        )
    x = np.concatenate(cut)
    mu, _ = runtime.encode(x)
    held = measure(x, bundle.meter, hold) if hold else np.zeros((len(x), 0))
    mean, std = told.mean(), told.std()
    teacher = ridge(mu, ((told - mean) / std)[:, None])
    weights = teacher.weights
    if hold:
        scaled = (held - held.mean(0)) / np.maximum(held.std(0), _SMALLEST)
        weights = np.concatenate([weights, ridge(mu, scaled).weights], axis=1)
    vector = moves(weights, mu)[0]
    names = list(ATTRIBUTES)
    scale = np.maximum(measure(x, bundle.meter).std(0), _SMALLEST)
    some = np.random.default_rng(seed).permutation(len(mu))[:_TRIED]
    uniform = _uniforms(seed, range(len(some)), x)
    move = mover(runtime, x[some], mu[some], uniform, _heat(bundle, None))

    def measured(shift: FloatArray) -> FloatArray64:
        played = move(shift)
        heard, _ = runtime.encode(played)
        return np.concatenate([teacher(heard), measure(played, bundle.meter) / scale], axis=1)

    lengths, effects = explore(measured, vector, 0)
    curves = zip([name, *names], effects.tolist(), strict=True)
    direction = Direction(
        name,
        vector.astype(np.float32),
        lengths,
        float(mean),
        float(std),
        {other: tuple(curve) for other, curve in curves},
        str(bundle.config["files"][ENCODER]),
    )
    return Fitted(direction, len(x), float(teacher.explained[0]))


def explore(
    measured: Callable[[FloatArray], FloatArray64], vector: npt.NDArray[Any], own: int
) -> tuple[tuple[float, float], FloatArray64]:
    """Go along `vector` `[Z]` from some grooves, and measure.

    Args:
        measured: what is measured of the grooves after a shift `[Z]`: `[B, M]`, in standard
            deviations.
        vector: where to go.
        own: which of the `M` is to grow.

    Returns:
        how many `vector` one unit of amount is, downwards and upwards;
        the mean change of each measured number at each of `AMOUNTS`, `[M, S]`.
    """
    before = measured(np.zeros(len(vector), np.float32))
    reached, sides = [], []
    for sign in (-1, 1):
        effects = [np.zeros(before.shape[1])]
        for length in _LENGTHS:
            there = measured((sign * length * vector).astype(np.float32))
            effects.append((there - before).mean(0))
        sides.append(np.stack(effects))
        reached.append(reach(_LENGTHS, sign * sides[-1][1:, own]) / FARTHEST)
    effect = np.zeros((before.shape[1], len(AMOUNTS)))
    for place, amount in enumerate(AMOUNTS):
        up = amount > 0
        for number in range(before.shape[1]):
            curve = sides[up][:, number]
            effect[number, place] = np.interp(abs(amount) * reached[up], (0.0, *_LENGTHS), curve)
    return (reached[0], reached[1]), effect
