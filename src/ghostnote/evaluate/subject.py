"""A bundle that is judged: each pass over the windows is made once, and when it is first needed."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from ghostnote.bundle import DECODER, Bundle
from ghostnote.errors import BundleError, ConfigError
from ghostnote.evaluate.bootstrap import Estimate, Sums, estimate, summed
from ghostnote.evaluate.figures import (
    expression_figures,
    expression_sums,
    hit_figures,
    hit_sums,
)
from ghostnote.evaluate.metrics import share
from ghostnote.evaluate.reconstruction import LEVELS, Forced, forced
from ghostnote.evaluate.samples import Ground, sample_estimate
from ghostnote.evaluate.space import space_estimate
from ghostnote.export.bundle import load_model
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tasks import Given
from ghostnote.music.tensors import Parts, from_groove_x
from ghostnote.pipeline.latents import plain_controls
from ghostnote.pipeline.sampling import Source, draw_windows
from ghostnote.pipeline.writing import lesson
from ghostnote.runtime import Runtime

FloatArray = npt.NDArray[np.float32]

DRAWS: Final = 128
"""How many draws of a cell stand for its distribution, when coverage is measured."""

_WITHOUT_EXPRESSION: Final = ("categorical", "nade", "boolean")
"""Heads that write hits without velocity and timing."""

_WITHOUT_SPREAD: Final = ("squared-error",)
"""Heads that always play a hit alike, so that there is no interval to cover anything."""


class Subject:
    """A bundle on the ground that it is judged on.

    What a task hides at random is the same every time.

    Raises:
        ConfigError: a model that has other than nine voices, or that has to be told the hits, so
            that nothing can be drawn of it.
        BundleError: the bundle has no decoder, since its model writes no drums.
    """

    def __init__(self, bundle: Bundle, ground: Ground) -> None:
        self.bundle, self.ground = bundle, ground
        self.runtime = Runtime(bundle)

    @staticmethod
    def admit(bundle: Bundle) -> None:
        """Refuse a bundle that there are no figures for; see `Subject` for the errors."""
        bundle.read(DECODER)  # that of symbols has none, and says so
        told = bundle.controls and plain_controls(bundle, 1) is None
        if bundle.voices != N_VOICES or told:
            kind = "has to be told the hits" if told else f"has {bundle.voices} drum classes"
            raise ConfigError(
                f"{bundle.name} {kind}: there are no figures for such models",
                remedy="see what it does with ghostnote reconstruct",
            )

    @property
    def expressive(self) -> bool:
        """Whether the model writes velocity and timing."""
        return self._head not in _WITHOUT_EXPRESSION

    @property
    def _head(self) -> str:
        return str(self.bundle.config["model"]["head"]["kind"])

    @property
    def parts(self) -> list[str]:
        """What the model can be judged on, by the names of the report."""
        return ["reconstruction", "samples", "latent", *(k for k in TASKS if self._able(k))]

    def _able(self, kind: str) -> bool:
        try:
            lesson(self.bundle, kind)
        except BundleError:
            return False
        return True

    # -- passes ----------------------------------------------------------------------------

    def given(self, x: FloatArray) -> Given:
        """What the model is given of windows `x`; one of several tasks, the whole."""
        controls = plain_controls(self.bundle, len(x))
        if controls is not None:
            return Given(x, controls)
        return self.bundle.task.apply(x, np.random.default_rng(0))

    @cached_property
    def seen(self) -> Given:
        """What the model is given of the windows of the split."""
        return self.given(self.ground.x)

    @cached_property
    def mu(self) -> FloatArray:
        """`[W, Z]`, by the bundle's encoder."""
        return self.runtime.encode(*self.seen)[0]

    @cached_property
    def free(self) -> Parts:
        """The split from posterior means, each step after the model's own: bool hits, and more."""
        hits, velocity, offset = from_groove_x(self.decode(self.mu))
        return Parts(hits > 0.5, velocity, offset)

    @cached_property
    def forced(self) -> Forced:
        """The split from posterior means, each step after the true ones, by torch."""
        return forced(
            load_model(self.bundle),
            self.ground.x,
            self.seen,
            device=torch.device("cpu"),
            draws=DRAWS if self.expressive and self._head not in _WITHOUT_SPREAD else 0,
        )

    def encode(self, x: FloatArray) -> FloatArray:
        """Posterior means of any windows."""
        return self.runtime.encode(*self.given(x))[0]

    def decode(self, z: FloatArray) -> FloatArray:
        """The most likely windows of any `z`."""
        noise = np.broadcast_to(np.float32(0.5), (len(z), self.bundle.steps, N_VOICES, 3))
        controls = plain_controls(self.bundle, len(z))
        return self.runtime.decode(z, noise, 0.0, controls=controls)

    # -- parts of the report ---------------------------------------------------------------

    def reconstruction(self, *, seed: int = 0) -> Estimate:
        """Hits, velocity and timing, free-running and teacher-forced, beside the rate."""
        ground, said = self.ground, self.forced
        take, n = ground.take, ground.n
        true = from_groove_x(ground.x)
        hits = true.hits > 0.5
        point = from_groove_x(said.point)
        sums: dict[str, Sums] = {
            "free": hit_sums(self.free.hits, hits, take, n),
            "forced": hit_sums(point.hits > 0.5, hits, take, n),
        }
        sides = (("forced", point, hits), ("free", self.free, self.free.hits & hits))
        if self.expressive:
            for name, played, where in sides:
                sums[f"{name} expression"] = expression_sums(
                    played[1:],
                    true[1:],
                    where,
                    take,
                    n,
                    ms_per_step=15_000 / ground.bpm,
                    bar=ground.bar,
                )
        nats = np.concatenate([said.kl[:, None], said.nll], axis=1)
        sums["nats"] = {"of": summed(nats, take, n), "windows": summed(np.ones(len(take)), take, n)}
        if said.ranks is not None:
            sums["coverage"] = _coverage_sums(said.ranks, take[np.nonzero(hits)[0]], n)
        flat = {f"{group}/{name}": each for group in sums for name, each in sums[group].items()}

        def figures(totals: Sums) -> dict[str, Any]:
            def of(group: str) -> Sums:
                return {name: totals[f"{group}/{name}"] for name in sums[group]}

            free, forced_ = hit_figures(of("free")), hit_figures(of("forced"))
            kl, *nll = np.moveaxis(totals["nats/of"] / totals["nats/windows"][..., None], -1, 0)
            found = {
                **free,
                **{f"{key}_forced": forced_[key] for key in ("f1", "precision", "recall")},
                "f1_forced_per_voice": forced_["f1_per_voice"],
                "bits": kl / math.log(2),
                **dict(zip(("nll_hits", "nll_velocity", "nll_offset"), nll, strict=True)),
            }
            if self.expressive:
                found |= expression_figures(of("forced expression"))
                found["found"] = expression_figures(of("free expression"))
            if "coverage" in sums:
                found["coverage"] = _coverage(of("coverage"))
            return found

        return estimate([flat], figures, seed=seed)

    def samples(self, *, n: int, temperature: float | None = None, seed: int = 0) -> Estimate:
        """`n` draws of the prior against the windows of the split."""
        bundle = self.bundle
        heat = bundle.temperature if temperature is None else temperature
        source = Source(bundle.prior, controls=plain_controls(bundle, 1))
        drawn, again = draw_windows(self.runtime, seed, range(n), heat, source=source)
        found = sample_estimate(drawn, self.ground, expressive=self.expressive, seed=seed)
        settings = {"temperature": heat, "seed": seed, "drawn_again": again}
        return Estimate({**found.values, **settings}, found.intervals)

    def latent(self, *, seed: int = 0) -> Estimate:
        """How the model's space is used."""
        return space_estimate(self.mu, self.ground, self.encode, self.decode, seed=seed)


TASKS: Final = ("humanize", "tap", "infill")
"""The tasks that a model is judged on, if it can do them."""


def _coverage_sums(ranks: npt.NDArray[np.float32], unit: npt.NDArray[np.int64], n: int) -> Sums:
    inside = np.stack([np.abs(ranks - 0.5) <= level / 2 for level in LEVELS], axis=-1)
    return {
        "inside": summed(np.moveaxis(inside, 0, 1), unit, n),
        "of": summed(np.ones(len(unit)), unit, n),
    }


def _coverage(sums: Sums) -> dict[str, Any]:
    """The share of true values inside each central interval, and the largest distance from what
    it should be.
    """
    found: dict[str, Any] = {}
    shares = share(sums["inside"], sums["of"][..., None, None])
    for row, name in enumerate(("velocity", "offset")):
        of = shares[..., row, :]
        found[name] = {
            **{f"{level:g}": of[..., column] for column, level in enumerate(LEVELS)},
            "off": np.abs(of - np.array(LEVELS)).max(-1),
        }
    return found
