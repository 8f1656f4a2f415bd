"""Heads as nodes: how likely what was played is, the same as `StepDistribution.parts`.

Every group of V numbers is in whole lanes, as in `ghostnote.export.draws`, so that a row's bits do
not depend on its batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from ghostnote.export.nodes import LANES, Array, Nodes, array_of, lanes, padded
from ghostnote.model.decoders import SegmentDecoder
from ghostnote.model.heads.groove import LikelihoodHead, SquaredErrorGroove, SquaredErrorHead
from ghostnote.model.heads.hits import BooleanHead
from ghostnote.model.heads.step import VELOCITY_LEVELS, Head


class PartNames(NamedTuple):
    """The names of `ghostnote.model.heads.step.Parts`, `[B, T, lanes(V)]` each."""

    hits: str
    velocity: str
    offset: str


class Judge(ABC):
    """The likelihood of a head of `V` voices, whose parameters are groups of V."""

    def __init__(self, voices: int) -> None:
        self.voices = voices

    def weights(self, core: SegmentDecoder) -> tuple[Array, Array]:
        """Matrix `[H, P]` and bias `[P]` that give the parameters, each group in whole lanes."""
        project = core.project
        return padded(project.weight, self.voices).T, padded(project.bias, self.voices)

    @abstractmethod
    def feedback(self, g: Nodes, x: str) -> str:
        """See `Head.feedback`."""

    @abstractmethod
    def judge(self, g: Nodes, params: list[str], played: list[str]) -> PartNames:
        """The parts, from the groups of the parameters and of `x`, all in whole lanes."""

    def parts(self, g: Nodes, params: str, x: str) -> PartNames:
        """The parts, from the parameters of all steps `[B, T, P]` and `x` `[B, T, 3V]`."""
        size = lanes(self.voices)
        n = self.groups
        rest = g.constant([0] * 5 + [-self.voices % LANES], np.int64)
        played = [
            g.node("Pad", part, rest, g.constant(0.0)) for part in g.parts(x, [self.voices] * 3)
        ]
        return self.judge(g, g.parts(params, [size] * n) if n > 1 else [params], played)

    groups: int


class JudgeLikelihood(Judge):
    """`LogisticGroove.parts`."""

    groups = 5

    def feedback(self, g: Nodes, x: str) -> str:
        """See `Judge.feedback`."""
        del g
        return x

    def judge(self, g: Nodes, params: list[str], played: list[str]) -> PartNames:
        """See `Judge.judge`."""
        logits, v_loc, v_scale, o_loc, o_scale = params
        hits, velocity, offset = played
        loud = _velocity(g, velocity, g.node("Add", v_loc, g.constant(0.5)), _scale(g, v_scale))
        middle = g.node("Mul", g.node("Tanh", o_loc), g.constant(0.5))
        late = _offset(g, offset, middle, _scale(g, o_scale))
        return PartNames(
            _bernoulli(g, logits, hits), g.node("Mul", hits, loud), g.node("Mul", hits, late)
        )


def _scale(g: Nodes, raw: str) -> str:
    wide = g.node("Mul", g.node("Softplus", raw), g.constant(0.1))
    return g.node("Add", wide, g.constant(0.005))


def _bernoulli(g: Nodes, logits: str, hits: str) -> str:
    """h·l − log(1 + exp l)."""
    return g.node("Sub", g.node("Mul", hits, logits), g.node("Softplus", logits))


def _log_sigmoid(g: Nodes, x: str) -> str:
    return g.node("Neg", g.node("Softplus", g.node("Neg", x)))


def _log_difference(g: Nodes, high: str, low: str) -> str:
    """log(σ(high) − σ(low)) for high > low, stable in both tails.

    By σ(a) − σ(b) = σ(a)·σ(−b)·(1 − exp(b − a)), and 1 − exp(−y) = (1 + exp(−y))·tanh(y / 2), in
    which nothing cancels.
    """
    gap = g.node("Max", g.node("Sub", high, low), g.constant(1e-7))
    near = g.node("Log", g.node("Tanh", g.node("Mul", gap, g.constant(0.5))))
    far = g.node("Softplus", g.node("Neg", gap))
    tails = g.node("Add", _log_sigmoid(g, high), _log_sigmoid(g, g.node("Neg", low)))
    return g.node("Add", tails, g.node("Add", near, far))


def _velocity(g: Nodes, velocity: str, loc: str, scale: str) -> str:
    half = 0.5 / VELOCITY_LEVELS

    def edge(kind: str) -> str:
        apart = g.node("Sub", g.node(kind, velocity, g.constant(half)), loc)
        return g.node("Div", apart, scale)

    high, low = edge("Add"), edge("Sub")
    inside = _log_difference(g, high, low)
    top = g.node("Greater", velocity, g.constant(1 - half))
    inside = g.node("Where", top, _log_sigmoid(g, g.node("Neg", low)), inside)
    bottom = g.node("Less", velocity, g.constant(3 * half))
    return g.node("Where", bottom, _log_sigmoid(g, high), inside)


def _offset(g: Nodes, offset: str, loc: str, scale: str) -> str:
    y = g.node("Div", g.node("Sub", offset, loc), scale)
    twice = g.node("Mul", _log_sigmoid(g, y), g.constant(2.0))
    density = g.node("Sub", g.node("Sub", twice, y), g.node("Log", scale))
    high, low = (g.node("Div", g.node("Sub", g.constant(edge), loc), scale) for edge in (0.5, -0.5))
    return g.node("Sub", density, _log_difference(g, high, low))


class JudgeSquaredError(Judge):
    """`SquaredErrorGroove.parts`."""

    groups = 3

    def __init__(self, voices: int, units: Array) -> None:
        super().__init__(voices)
        self._units = units

    def feedback(self, g: Nodes, x: str) -> str:
        """See `Judge.feedback`."""
        return g.node("Mul", x, g.constant(self._units))

    def judge(self, g: Nodes, params: list[str], played: list[str]) -> PartNames:
        """See `Judge.judge`."""
        hits, velocity, offset = played
        one, epsilon = g.constant(1.0), g.constant(SquaredErrorGroove.EPSILON)
        chance = g.node("Sigmoid", params[0])

        def log(p: str) -> str:
            return g.node("Log", g.node("Add", p, epsilon))

        struck = g.node("Mul", hits, log(chance))
        silent = g.node("Mul", g.node("Sub", one, hits), log(g.node("Sub", one, chance)))
        louder = g.node("Sub", velocity, g.node("Sigmoid", params[1]))
        # In half steps, the original's unit: 2·(offset − (−tanh / 2)).
        twice = g.node("Mul", offset, g.constant(2.0))
        later = g.node("Add", twice, g.node("Tanh", params[2]))
        errors = (g.node("Neg", g.node("Mul", apart, apart)) for apart in (louder, later))
        return PartNames(g.node("Add", struck, silent), *errors)


class JudgeBoolean(Judge):
    """`BooleanHits.parts`: of hits alone."""

    groups = 1

    def feedback(self, g: Nodes, x: str) -> str:
        """See `Judge.feedback`."""
        return g.columns(x, 0, self.voices)

    def judge(self, g: Nodes, params: list[str], played: list[str]) -> PartNames:
        """See `Judge.judge`."""
        hits = _bernoulli(g, params[0], played[0])
        nothing = g.node("Mul", played[0], g.constant(0.0))
        return PartNames(hits, nothing, nothing)


def judge_of(head: Head) -> Judge | None:
    """The likelihood of a head whose voices are independent; None of another one."""
    match head:
        case LikelihoodHead(voices=voices):
            return JudgeLikelihood(voices)
        case SquaredErrorHead(voices=voices):
            return JudgeSquaredError(voices, array_of(head.units))
        case BooleanHead(voices=voices):
            return JudgeBoolean(voices)
    return None
