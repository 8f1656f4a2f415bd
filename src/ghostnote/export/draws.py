"""Heads as nodes: how a step is drawn from its parameters, the same as `StepDistribution.draw`.

Noise, known cells and masks of all steps are prepared before the loop, as the loop wants them:
time first. What can be done to all steps at once after it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ghostnote.export.nodes import (
    DOUBLE,
    FLOAT,
    INT,
    LANES,
    Array,
    Nodes,
    array_of,
    lanes,
    logit,
    padded,
    unpadded,
)
from ghostnote.model.decoders import SegmentDecoder
from ghostnote.model.heads.groove import FARTHEST, LATEST, LikelihoodHead, Shared, SquaredErrorHead
from ghostnote.model.heads.hits import BooleanHead, CategoricalHead, NadeHead
from ghostnote.model.heads.step import PLAIN_VELOCITY, VELOCITY_LEVELS, Head


class Draw(ABC):
    """The drawing of a head. `V` voices; `noise` `[B, T, V, 3]` is 1/2 at temperature 0.

    Args:
        voices: `V`.
        core: where the parameters are from.
    """

    def __init__(self, voices: int, core: SegmentDecoder) -> None:
        self.voices = voices
        self.project = core.project

    @abstractmethod
    def prepare(self, g: Nodes, noise: str, known: str, mask: str) -> list[str]:
        """What each step needs, `[T, B, …]` each; `known` and `mask` `[B, T, 3V]`."""

    @abstractmethod
    def step(self, g: Nodes, outer: Nodes, params: str, given: list[str]) -> tuple[str, str]:
        """The output of a step and what is fed back of it, from `params` and what was prepared.

        Constants go to `outer`.
        """

    @abstractmethod
    def finish(self, g: Nodes, outputs: str) -> str:
        """`x` `[B, T, 3V]` from the outputs of all steps `[B, T, …]`."""

    def weights(self) -> tuple[Array, Array]:
        """Matrix `[H, P]` and bias `[P]` that give the parameters of a step."""
        return array_of(self.project.weight).T, array_of(self.project.bias)


class _Groove(Draw):
    """What the heads of whole grooves have in common: groups of V parameters, in whole lanes."""

    n_noise: int

    def weights(self) -> tuple[Array, Array]:
        """See `Draw.weights`; each group of voices in whole lanes."""
        weight, bias = self.project.weight, self.project.bias
        return padded(weight, self.voices).T, padded(bias, self.voices)

    def prepare(self, g: Nodes, noise: str, known: str, mask: str) -> list[str]:
        """See `Draw.prepare`."""
        first = g.node("Transpose", noise, perm=[3, 1, 0, 2])
        rest = g.constant([0] * 7 + [-self.voices % LANES], np.int64)
        padding = g.node("Pad", first, rest, g.constant(0.5))
        hits, velocity, offset = g.unstack(padding, 3)
        of_noise = [g.node("Mul", logit(g, hits), "temperature")]
        if self.n_noise > 1:
            spread = g.node("Sqrt", "temperature")
            strays = self.correlated(g, logit(g, velocity), logit(g, offset))
            loud, late = (g.node("Mul", part, spread) for part in strays)
            late = g.node("Clip", late, g.constant(-FARTHEST), g.constant(FARTHEST))
            of_noise += [loud, g.node("Exp", late)]
        known = g.node("Mul", self.units(g, known), mask)
        free = g.node("Sub", g.constant(1.0), mask)
        return [*of_noise, *(self._wide(g, value) for value in (known, free))]

    def correlated(self, g: Nodes, velocity: str, offset: str) -> tuple[str, str]:
        """What velocities and offsets stray by, `[T, B, V]` each, as they are drawn with it."""
        del g
        return velocity, offset

    def _wide(self, g: Nodes, x: str) -> str:
        """`[B, T, 3V]` as `[T, B, …]`, each group in whole lanes."""
        shape = g.constant([0, 0, 3, self.voices], np.int64)
        groups = g.node("Transpose", g.node("Reshape", x, shape), perm=[1, 0, 2, 3])
        rest = g.constant([0] * 7 + [-self.voices % LANES], np.int64)
        padding = g.node("Pad", groups, rest, g.constant(0.0))
        return g.node("Reshape", padding, g.constant([0, 0, 3 * lanes(self.voices)], np.int64))

    def units(self, g: Nodes, x: str) -> str:
        """`x` in the units of the loop."""
        del g
        return x

    def step(self, g: Nodes, outer: Nodes, params: str, given: list[str]) -> tuple[str, str]:
        """See `Draw.step`."""
        *noise, known, free = given
        size = lanes(self.voices)
        played, of_hits = (g.parts(value, [size, 2 * size], outer)[:1] for value in (known, free))
        hits, expression = self.cells(g, outer, params, noise)
        hits = g.node("Add", *played, g.node("Mul", *of_hits, hits))
        drawn = g.node("Concat", hits, *self.expression(g, hits, expression), axis=-1)
        whole = g.node("Add", known, g.node("Mul", free, drawn))
        output = unpadded(g, outer, whole, self.voices, 3)
        return output, g.node("Identity", output)

    @abstractmethod
    def cells(
        self, g: Nodes, outer: Nodes, params: str, noise: list[str]
    ) -> tuple[str, tuple[str, str]]:
        """Hits, and the velocity and offset of all cells, each in whole lanes."""

    def expression(self, g: Nodes, hits: str, expression: tuple[str, str]) -> list[str]:
        """Velocity and offset as they are fed back, given the hits."""
        return [g.node("Mul", hits, part) for part in expression]

    def groups(self, g: Nodes, outer: Nodes, params: str, n: int) -> list[str]:
        """The n groups of the parameters."""
        return g.parts(params, [lanes(self.voices)] * n, outer)

    @staticmethod
    def hits(g: Nodes, logits: str, threshold: str) -> str:
        """1 where there is a hit."""
        return g.node("Cast", g.node("Greater", logits, threshold), to=FLOAT)


class DrawLikelihood(_Groove):
    """`LogisticGroove.draw`."""

    n_noise = 3

    def __init__(self, voices: int, core: SegmentDecoder, shared: Shared, steps: int) -> None:
        super().__init__(voices, core)
        self._shared, self._steps = shared, steps

    def correlated(self, g: Nodes, velocity: str, offset: str) -> tuple[str, str]:
        """See `LikelihoodHead.correlated`."""
        if not any(self._shared):
            return velocity, offset
        common = g.node("ReduceMean", velocity, g.constant([0], np.int64), keepdims=1)
        own = g.node("Mul", g.node("Sub", velocity, common), self._spread(g, offset))
        gain = g.constant(self._shared.gain(self._steps))
        loud = g.node("Add", g.node("Mul", common, gain), own)
        return loud, g.node("Mul", offset, self._spread(g, velocity))

    def _spread(self, g: Nodes, stray: str) -> str:
        """How much wider than usual the strays of a voice are, `[1, B, V]`."""
        spread = self._shared.spread
        weights = spread * array_of(self._shared.contrast(self._steps))
        weighed = g.node("Mul", stray, g.constant(weights[:, None, None]))
        normal = g.node("ReduceSum", weighed, g.constant([0], np.int64), keepdims=1)
        return g.node("Exp", g.node("Sub", normal, g.constant(spread**2)))

    def cells(
        self, g: Nodes, outer: Nodes, params: str, noise: list[str]
    ) -> tuple[str, tuple[str, str]]:
        """See `_Groove.cells`."""
        threshold, velocity_noise, odds = noise
        logits, v_loc, v_scale, o_loc, o_scale = self.groups(g, outer, params, 5)

        def scale(raw: str) -> str:
            wide = g.node("Mul", g.node("Softplus", raw), outer.constant(0.1))
            return g.node("Add", wide, outer.constant(0.005))

        hits = self.hits(g, logits, threshold)
        middle = g.node("Add", v_loc, outer.constant(0.5))
        velocity = g.node("Add", middle, g.node("Mul", scale(v_scale), velocity_noise))
        loc = g.node("Mul", g.node("Tanh", o_loc), outer.constant(0.5))
        spread = scale(o_scale)
        one = outer.constant(1.0)

        def tail(edge: str) -> str:
            """1 / (1 + exp(edge / scale)): ONNX Runtime's Sigmoid is only roughly right so low."""
            return g.node(
                "Reciprocal", g.node("Add", one, g.node("Exp", g.node("Div", edge, spread)))
            )

        low = tail(g.node("Add", loc, outer.constant(0.5)))
        beyond = tail(g.node("Sub", outer.constant(0.5), loc))
        before = g.node("Add", low, g.node("Mul", odds, g.node("Sub", one, beyond)))
        after = g.node("Add", g.node("Sub", one, low), g.node("Mul", odds, beyond))
        stray = g.node("Log", g.node("Div", before, after))
        offset = g.node("Add", loc, g.node("Mul", spread, stray))
        least, top = outer.constant(1 / VELOCITY_LEVELS), outer.constant(1.0)
        early, late = outer.constant(-0.5), outer.constant(LATEST)
        return hits, (
            g.node("Clip", velocity, least, top),
            g.node("Clip", offset, early, late),
        )

    def finish(self, g: Nodes, outputs: str) -> str:
        """See `Draw.finish`."""
        del g
        return outputs


class DrawSquaredError(_Groove):
    """`SquaredErrorGroove.draw`. The loop is in the original's units; `finish` leaves them."""

    n_noise = 1

    def __init__(self, voices: int, core: SegmentDecoder, units: Array) -> None:
        super().__init__(voices, core)
        self._units = units

    def units(self, g: Nodes, x: str) -> str:
        """`x` in the original's units."""
        return g.node("Mul", x, g.constant(self._units))

    def cells(
        self, g: Nodes, outer: Nodes, params: str, noise: list[str]
    ) -> tuple[str, tuple[str, str]]:
        """See `_Groove.cells`."""
        logits, velocity, offset = self.groups(g, outer, params, 3)
        hits = self.hits(g, logits, noise[0])
        return hits, (g.node("Sigmoid", velocity), g.node("Tanh", offset))

    def expression(self, g: Nodes, hits: str, expression: tuple[str, str]) -> list[str]:
        """That of silent cells too: the original feeds its decoder with those."""
        del g, hits
        return [*expression]

    def finish(self, g: Nodes, outputs: str) -> str:
        """See `Draw.finish`."""
        x = g.node("Mul", outputs, g.constant(1 / self._units))
        hits, velocity, offset = g.parts(x, [self.voices] * 3)
        velocity = g.node("Max", velocity, g.constant(1 / VELOCITY_LEVELS))
        offset = g.node("Min", offset, g.constant(LATEST))
        expression = (g.node("Mul", hits, part) for part in (velocity, offset))
        return g.node("Concat", hits, *expression, axis=-1)


class _Hits(Draw):
    """What the heads of hits alone have in common: outputs are hits `[…, V]`."""

    def prepare(self, g: Nodes, noise: str, known: str, mask: str) -> list[str]:
        """See `Draw.prepare`."""
        fixed, free = (
            g.node("Transpose", g.columns(name, 0, self.voices), perm=[1, 0, 2])
            for name in (known, mask)
        )
        own = g.node("Gather", noise, g.constant(0, np.int64), axis=3)
        uniform = g.node("Transpose", own, perm=[1, 0, 2])
        return [self.noise(g, uniform), g.node("Mul", fixed, free), free]

    @abstractmethod
    def noise(self, g: Nodes, uniform: str) -> str:
        """The noise of hits `[T, B, V]` as the loop wants it."""

    def finish(self, g: Nodes, outputs: str) -> str:
        """See `Draw.finish`."""
        nothing = g.node("Mul", outputs, g.constant(0.0))
        plain = g.node("Mul", outputs, g.constant(PLAIN_VELOCITY))
        drawn = g.node("Concat", outputs, plain, nothing, axis=-1)
        free = g.node("Mul", g.node("Sub", g.constant(1.0), "mask"), drawn)
        return g.node("Add", g.node("Mul", "mask", "known"), free)

    def threshold(self, g: Nodes, uniform: str) -> str:
        """What the logits of hits have to be above."""
        rest = g.constant([0] * 5 + [-self.voices % LANES], np.int64)
        wide = g.node("Pad", uniform, rest, g.constant(0.5))
        return g.columns(g.node("Mul", logit(g, wide), "temperature"), 0, self.voices)


class DrawCategorical(_Hits):
    """`CategoricalHits.draw_hits`; a set of hits is fed back as a one-hot vector."""

    def __init__(self, voices: int, core: SegmentDecoder, bits: Array) -> None:
        super().__init__(voices, core)
        self._bits = bits

    def noise(self, g: Nodes, uniform: str) -> str:
        """See `_Hits.noise`."""
        return g.columns(uniform, 0, 1)

    def step(self, g: Nodes, outer: Nodes, params: str, given: list[str]) -> tuple[str, str]:
        """See `Draw.step`."""
        uniform, known, mask = given
        # In how many known cells each set is wrong: hits that it lacks, and silences that it hits.
        silent = g.node("Sub", mask, known)
        cells = g.node("Concat", known, silent, axis=-1)
        wrong = np.concatenate([1 - self._bits.T, self._bits.T])
        differs = g.node("Greater", g.node("MatMul", cells, outer.weight(wrong)),
                         outer.constant(0.5))  # fmt: skip
        logits = g.node("Where", differs, outer.constant(-np.inf), params)
        last = outer.constant([-1], np.int64)
        highest = g.node("ReduceMax", logits, last, keepdims=1)
        wide, highest, heat, noise = (
            g.node("Cast", value, to=DOUBLE) for value in (logits, highest, "temperature", uniform)
        )
        heat = g.node("Max", heat, outer.constant(1e-6, np.float64))
        chances = g.node("Softmax", g.node("Div", g.node("Sub", wide, highest), heat), axis=-1)
        cumulative = g.node("CumSum", chances, outer.constant(-1, np.int64))
        total = g.node(
            "Gather", cumulative, outer.constant([len(self._bits) - 1], np.int64), axis=-1
        )
        passed = g.node("Less", cumulative, g.node("Mul", noise, total))
        counts = g.node("Cast", passed, to=FLOAT)
        number = g.node("ReduceSum", counts, last, keepdims=0)
        number = g.node("Min", number, outer.constant(float(len(self._bits) - 1)))
        index = g.node("Cast", number, to=INT)
        hits = g.node("Gather", outer.weight(self._bits), index, axis=0)
        one_hot = g.node(
            "OneHot", index, outer.constant(len(self._bits), np.int64), outer.constant([0.0, 1.0])
        )
        return hits, one_hot


class DrawNade(_Hits):
    """`NadeHits.draw_hits`: voice after voice."""

    def __init__(self, voices: int, core: SegmentDecoder, head: NadeHead) -> None:
        super().__init__(voices, core)
        self._hidden = head.hidden
        self._encode, self._decode = array_of(head.encode), array_of(head.decode)

    def noise(self, g: Nodes, uniform: str) -> str:
        """See `_Hits.noise`."""
        return self.threshold(g, uniform)

    def step(self, g: Nodes, outer: Nodes, params: str, given: list[str]) -> tuple[str, str]:
        """See `Draw.step`."""
        one_each = [1] * self.voices
        hidden, visible = g.parts(params, [self._hidden, self.voices], outer)
        biases = g.parts(visible, one_each, outer)
        thresholds, known, masks = (g.parts(side, one_each, outer) for side in given)
        last = outer.constant([-1], np.int64)
        hits = []
        for voice in range(self.voices):
            active = g.node("Sigmoid", hidden)
            weighed = g.node("Mul", active, outer.weight(self._decode[voice][None]))
            logits = g.node("Add", biases[voice], g.node("ReduceSum", weighed, last, keepdims=1))
            drawn = g.node("Cast", g.node("Greater", logits, thresholds[voice]), to=FLOAT)
            free = g.node("Sub", outer.constant(1.0), masks[voice])
            hit = g.node("Add", known[voice], g.node("Mul", free, drawn))
            hits.append(hit)
            told = g.node("Mul", hit, outer.weight(self._encode[voice][None]))
            hidden = g.node("Add", hidden, told)
        output = g.node("Concat", *hits, axis=-1)
        return output, g.node("Identity", output)


class DrawBoolean(_Hits):
    """`BooleanHits.draw_hits`."""

    def noise(self, g: Nodes, uniform: str) -> str:
        """See `_Hits.noise`."""
        return self.threshold(g, uniform)

    def step(self, g: Nodes, outer: Nodes, params: str, given: list[str]) -> tuple[str, str]:
        """See `Draw.step`."""
        threshold, known, mask = given
        drawn = g.node("Cast", g.node("Greater", params, threshold), to=FLOAT)
        free = g.node("Sub", outer.constant(1.0), mask)
        output = g.node("Add", known, g.node("Mul", free, drawn))
        return output, g.node("Identity", output)


def draw_of(head: Head, core: SegmentDecoder, steps: int) -> Draw | None:
    """The drawing of a head of drums, for windows of `steps` steps; None of another head."""
    match head:
        case LikelihoodHead(voices=voices, shared=shared):
            return DrawLikelihood(voices, core, shared, steps)
        case SquaredErrorHead(voices=voices):
            return DrawSquaredError(voices, core, array_of(head.units))
        case CategoricalHead(voices=voices):
            return DrawCategorical(voices, core, array_of(head.bits))
        case NadeHead(voices=voices):
            return DrawNade(voices, core, head)
        case BooleanHead(voices=voices):
            return DrawBoolean(voices, core)
    return None
