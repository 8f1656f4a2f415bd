"""What a model does for a musician, judged on whole takes: humanising, tapping, infilling.

Each is done as the command of that name does it, so that each cell is written once, in a window
that goes on from what was written before. Methods without a model are judged alike.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.baselines.humanising import Player
from ghostnote.baselines.writing import METHODS, taps, without
from ghostnote.evaluate.bootstrap import Estimate, Sums, estimate
from ghostnote.evaluate.figures import (
    expression_figures,
    expression_sums,
    hit_figures,
    hit_sums,
    kl_figures,
    moments,
)
from ghostnote.evaluate.takes import Takes, joined
from ghostnote.music.groove import Groove
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tensors import Parts, from_groove_x
from ghostnote.pipeline.humanising import humanize_all
from ghostnote.pipeline.infilling import infill_all
from ghostnote.pipeline.tapping import tap_all
from ghostnote.runtime import Runtime

Array = npt.NDArray[Any]

PLAIN: Final = 80 / 127
"""The velocity of a hit that nobody has played."""


def humanize_model(runtime: Runtime, takes: Takes, *, seed: int = 0) -> Estimate:
    """A model's velocities and timings of given hits, both ways of one model.

    `point` is the most likely of each hit, which keeps errors small; `sample` is drawn as the
    command draws it by default, which keeps the spread of what is played. The model gets the hits
    on the grid and all equally loud: one that was taught no task reads all that a groove has.
    """
    ways = {"point": 0.0, "sample": runtime.bundle.temperature}
    grooves = [quantised(groove) for groove in takes.grooves()]
    found = {}
    for name, temperature in ways.items():
        played = humanize_all(grooves, temperature=temperature, seed=seed, model=runtime)
        _, velocity, offset = from_groove_x(joined(played))
        found[name] = _expression((velocity, offset), takes, takes.parts.hits, seed)
    constants = {"hits": int(takes.parts.hits.sum()), "takes": len(takes), "temperatures": ways}
    return merged(constants, found)


def quantised(groove: Groove) -> Groove:
    """The hits of `groove` on the grid, all as loud as `PLAIN`."""
    hits = groove.hits
    loud, late = np.full(hits.shape, PLAIN), np.zeros(hits.shape)
    return Groove.from_cells(hits, loud, late, bpm=groove.bpm, meter=groove.meter)


def humanize_method(player: Player, takes: Takes, *, seed: int = 0) -> Estimate:
    """The same figures of a method that knows one way."""
    point = _expression(player(takes), takes, takes.parts.hits, seed)
    return merged({"hits": int(takes.parts.hits.sum()), "takes": len(takes)}, {"point": point})


def humanize_floor(train: Takes, takes: Takes, *, seed: int = 0) -> Estimate:
    """How far the training takes' velocities and timings are from these in the KL."""
    groups: list[Sums] = []
    for part, name in ((train, "played"), (takes, "true")):
        hits, velocity, offset = part.parts
        step = np.nonzero(hits)[0]
        place = step % part.bar % 4
        unit = part.take[step]
        groups.append(moments(velocity[hits], offset[hits], place, unit, len(part), name))
    point = estimate(groups, kl_figures, seed=seed)
    return merged({}, {"point": point})


def tap_model(
    runtime: Runtime, takes: Takes, *, seed: int = 0, expressive: bool = True
) -> Estimate:
    """A model's kit for the rhythm of each take, the most likely one."""
    written = from_groove_x(
        joined(tap_all(takes.grooves(), temperature=0.0, spread=0.0, seed=seed, model=runtime))
    )
    return _written(Parts(written.hits > 0.5, *written[1:]), takes, seed, expressive)


def infill_model(
    runtime: Runtime, takes: Takes, *, seed: int = 0, expressive: bool = True
) -> Estimate:
    """A model's voice for all the others, each voice in its turn, the most likely one."""
    grooves = takes.grooves()
    written = Parts(*(np.zeros_like(part) for part in takes.parts))
    keep = [np.arange(N_VOICES) != voice for voice in range(N_VOICES)]
    everything = infill_all(
        [groove for _ in keep for groove in grooves],
        [mask for mask in keep for _ in grooves],
        temperature=0.0,
        spread=0.0,
        seed=seed,
        model=runtime,
    )
    for voice in range(N_VOICES):
        turn = joined(everything[voice * len(grooves) : (voice + 1) * len(grooves)])
        for whole, part in zip(written, from_groove_x(turn), strict=True):
            whole[:, voice] = part[:, voice]
    return _written(written, takes, seed, expressive)


def tap_methods(train: Takes, takes: Takes, *, seed: int = 0) -> dict[str, Estimate]:
    """The same without a model, by method."""
    return {name: _written(fit(train, taps)(takes), takes, seed) for name, fit in METHODS.items()}


def infill_methods(train: Takes, takes: Takes, *, seed: int = 0) -> dict[str, Estimate]:
    """The same without a model, by method."""
    found = {}
    for name, fit in METHODS.items():
        written = Parts(*(np.zeros_like(part) for part in takes.parts))
        for voice in range(N_VOICES):
            turn = fit(train, without(voice))(takes)
            for whole, part in zip(written, turn, strict=True):
                whole[:, voice] = part[:, voice]
        found[name] = _written(written, takes, seed)
    return found


def merged(constants: dict[str, Any], parts: dict[str, Estimate]) -> Estimate:
    """Parts under their names, beside what has no interval."""
    return Estimate(
        {**constants, **{name: part.values for name, part in parts.items()}},
        {name: part.intervals for name, part in parts.items()},
    )


def _written(written: Parts, takes: Takes, seed: int, expressive: bool = True) -> Estimate:
    """Hits against hits; velocity and offset of those that were found, where a model has any."""
    true = takes.parts
    sums = hit_sums(written.hits, true.hits, takes.take, len(takes))
    if expressive:
        found = written.hits & true.hits
        sums |= _expression_sums((written.velocity, written.offset), takes, found)

    def figures(total: Sums) -> dict[str, Any]:
        return {**hit_figures(total), **(expression_figures(total) if expressive else {})}

    estimated = estimate([sums], figures, seed=seed)
    constants = {"hits": int(true.hits.sum()), "takes": len(takes)}
    return Estimate({**constants, **estimated.values}, estimated.intervals)


def _expression(played: tuple[Array, Array], takes: Takes, where: Array, seed: int) -> Estimate:
    return estimate([_expression_sums(played, takes, where)], expression_figures, seed=seed)


def _expression_sums(played: tuple[Array, Array], takes: Takes, where: Array) -> Sums:
    _, velocity, offset = takes.parts
    return expression_sums(
        played,
        (velocity, offset),
        where,
        takes.take,
        len(takes),
        ms_per_step=takes.ms_per_step,
        bar=takes.bar,
    )
