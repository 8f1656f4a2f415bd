"""Judging bundles: all figures of each, beside baselines and the floors that they are read against.

`docs/evaluation.md` defines every figure and the layout of a report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote import __version__
from ghostnote.baselines import hits as hit_baselines
from ghostnote.baselines import humanising, markov
from ghostnote.baselines.published import PAPER, check
from ghostnote.bundle import Bundle
from ghostnote.data.bars import Bars, to_x
from ghostnote.data.corpus import Corpus
from ghostnote.data.windows import Windows, windows
from ghostnote.errors import ConfigError
from ghostnote.evaluate.bootstrap import LEVEL, RESAMPLES, Estimate, estimate
from ghostnote.evaluate.figures import hit_figures, hit_sums
from ghostnote.evaluate.kept import keep
from ghostnote.evaluate.samples import MAIN_VOICES, Ground, sample_estimate
from ghostnote.evaluate.subject import Subject
from ghostnote.evaluate.takes import Takes, takes_of
from ghostnote.evaluate.tasks import (
    humanize_floor,
    humanize_method,
    humanize_model,
    infill_methods,
    infill_model,
    tap_methods,
    tap_model,
)
from ghostnote.music.groove import Meter
from ghostnote.music.tensors import from_groove_x

__all__ = [
    "MAIN_VOICES",
    "SCHEMA",
    "Court",
    "all_windows",
    "headline",
    "judge",
    "report",
    "surroundings",
]

FloatArray = npt.NDArray[np.float32]
Notice = Callable[[str], None]

SCHEMA: Final = 1
"""The version of the layout of a report."""

TRAINING: Final = "training data"
"""The row of played grooves of the training split, which is the floor."""


@dataclass(frozen=True, eq=False)
class Court:
    """One split of a corpus, and how bundles are judged on it.

    Attributes:
        corpus: the data.
        split: which part of it.
        samples: how many draws of a prior are judged.
        seed: of draws, folds, pairs and resamples.
        temperature: of the draws of a prior; each bundle's own where None.
        anew: measure what was measured before, too.
        notice: is told what is being measured.

    Raises:
        ConfigError: fewer than 2 samples.
    """

    corpus: Corpus
    split: str
    samples: int = 2048
    seed: int = 0
    temperature: float | None = None
    anew: bool = False
    notice: Notice = lambda _: None
    _grounds: dict[tuple[int, Meter], Ground] = field(default_factory=dict, init=False, repr=False)
    _takes: dict[tuple[str, Meter], Takes] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ConfigError(
                f"{self.samples} samples tell nothing", remedy="2 or more; 2,048 are usual"
            )

    # -- what is judged on -----------------------------------------------------------------

    @cached_property
    def checked(self) -> dict[str, Any]:
        """The quantised row of every split, which is right, or else nothing is measured.

        Raises:
            DataError: it is not what is published.
        """
        return check(self.corpus)

    def ground(self, bars: int, meter: Meter) -> Ground:
        """All windows of `bars` bars.

        Raises:
            DataError: the split has none.
        """
        key = (bars, meter)
        if key not in self._grounds:
            real, train = (
                windows(self.corpus.select(split=name), bars=bars, meter=meter)
                for name in (self.split, "train")
            )
            self._grounds[key] = Ground(
                x=all_windows(Bars.of(real)),
                take=_numbered(real),
                start=real.start_bar,
                bpm=real.bpm,
                style=_styles(real),
                train=all_windows(Bars.of(train)),
                train_take=_numbered(train),
                train_style=_styles(train),
                meter=meter,
            )
        return self._grounds[key]

    def takes(self, split: str, meter: Meter) -> Takes:
        """All takes of a split in `meter`."""
        key = (split, meter)
        if key not in self._takes:
            self._takes[key] = takes_of(self.corpus, split, meter)
        return self._takes[key]

    def _digest(self, meter: Meter) -> str:
        """Identifies the takes that are judged on and learned from."""
        hashed = hashlib.sha256()
        for split in ("train", self.split):
            takes = self.takes(split, meter)
            hashed.update("\0".join(self.corpus.select(split=split).texts("style")).encode())
            for array in (takes.x, takes.start, takes.bpm):
                hashed.update(np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()

    def _part(
        self, name: str, of: object, meter: Meter, measure: Callable[[], Estimate]
    ) -> Estimate:
        _ = self.checked  # before anything else is measured
        self.notice(name)
        key = [name, of, self._digest(meter), self.split, self.samples, self.seed]
        return keep(key, measure, anew=self.anew)

    # -- parts -----------------------------------------------------------------------------

    def of_bundle(self, bundle: Bundle) -> dict[str, Estimate]:
        """All parts of a bundle's report.

        Raises:
            ConfigError, BundleError: as `Subject`.
        """
        Subject.admit(bundle)
        meter, seed = bundle.meter, self.seed
        subject = Subject(bundle, self.ground(bundle.bars, meter))
        takes, express = self.takes(self.split, meter), subject.expressive
        measures: dict[str, Callable[[], Estimate]] = {
            "reconstruction": lambda: subject.reconstruction(seed=seed),
            "samples": lambda: subject.samples(
                n=self.samples, temperature=self.temperature, seed=seed
            ),
            "latent": lambda: subject.latent(seed=seed),
            "humanize": lambda: humanize_model(subject.runtime, takes, seed=seed),
            "tap": lambda: tap_model(subject.runtime, takes, seed=seed, expressive=express),
            "infill": lambda: infill_model(subject.runtime, takes, seed=seed, expressive=express),
        }
        about = {key: value for key, value in bundle.config.items() if key != "scores"}
        of = [about, self.temperature]
        return {part: self._part(part, of, meter, measures[part]) for part in subject.parts}

    def of_training(self, bars: int, meter: Meter) -> Estimate:
        """The floor of samples: windows of the training split in their place.

        What is copied is a figure of the split's own windows: how often drummers play what is in
        the training data already.
        """

        def measure() -> Estimate:
            ground = self.ground(bars, meter)
            order = np.random.default_rng(self.seed).permutation(len(ground.train))
            chosen = np.sort(order[: self.samples])
            return sample_estimate(
                ground.train[chosen],
                ground,
                unit=ground.train_take[chosen],
                memory=ground.x,
                seed=self.seed,
            )

        return self._part("floor of samples", bars, meter, measure)

    def of_baselines(self, bars: int, meter: Meter) -> dict[str, dict[str, Estimate]]:
        """What was measured of each baseline, by its name and the name of the part."""
        train, takes = (self.takes(name, meter) for name in ("train", self.split))
        seed = self.seed
        rows: dict[str, dict[str, Estimate]] = {}

        def add(row: str, part: str, of: object, measure: Callable[[], Estimate]) -> None:
            found = self._part(f"{part}: {row}", of, meter, measure)
            rows.setdefault(row, {})[part] = found

        for name, fit in humanising.METHODS.items():
            add(
                name,
                "humanize",
                None,
                lambda fit=fit: humanize_method(fit(train, seed), takes, seed=seed),  # type: ignore[misc]
            )
        add(TRAINING, "humanize", None, lambda: humanize_floor(train, takes, seed=seed))
        for name, learn in hit_baselines.METHODS.items():
            add(
                name,
                "reconstruction",
                bars,
                lambda learn=learn: self._hits(learn(train), self.ground(bars, meter)),  # type: ignore[misc]
            )
        for part, methods in (("tap", tap_methods), ("infill", infill_methods)):
            every = self._part(
                f"{part} without a model",
                None,
                meter,
                lambda methods=methods: _together(methods(train, takes, seed=seed)),  # type: ignore[misc]
            )
            for name, found in _apart(every).items():
                rows.setdefault(name, {})[part] = found

        def markov_samples() -> Estimate:
            ground = self.ground(bars, meter)
            steps = ground.x.shape[1]
            drawn = markov.draw(train, self.samples, steps, seed=seed)
            return sample_estimate(drawn, ground, seed=seed)

        add(f"Markov chain of order {markov.ORDER}", "samples", bars, markov_samples)
        return rows

    def _hits(self, predict: hit_baselines.Predictor, ground: Ground) -> Estimate:
        true = from_groove_x(ground.x).hits > 0.5
        sums = hit_sums(predict(true, ground.bar), true, ground.take, ground.n)

        def figures(total: dict[str, Any]) -> dict[str, Any]:
            found = hit_figures(total)
            forced = {f"{key}_forced": found[key] for key in ("f1", "precision", "recall")}
            return {**forced, "f1_forced_per_voice": found["f1_per_voice"]}

        return estimate([sums], figures, seed=self.seed)


# -- reports ---------------------------------------------------------------------------------


def judge(bundle: Bundle, court: Court) -> dict[str, Any]:
    """All figures of `bundle`, with floors and baselines, as nested plain values.

    Raises:
        ConfigError: a model that has other than nine voices, or that has to be told the hits.
        BundleError: the bundle has no decoder, since its model writes no drums.
        DataError: the split has no windows, or those of one take only; or the quantised row is not
            what is published.
        MissingExtraError: scikit-learn is not installed.
    """
    # The bundle first: what cannot be judged is said before anything else is measured.
    parts = court.of_bundle(bundle)
    around = surroundings(court, bundle.bars, bundle.meter)
    return {
        "bundle": bundle.name,
        "task": str(bundle.task.kind),
        **around,
        **{name: part.values for name, part in parts.items()},
        "intervals": {
            **{name: part.intervals for name, part in parts.items()},
            **around["intervals"],
        },
    }


def surroundings(court: Court, bars: int, meter: Meter) -> dict[str, Any]:
    """What models of `bars` bars are held against: the floor of samples, and all baselines."""
    real = court.of_training(bars, meter)
    beside = court.of_baselines(bars, meter)
    ground, takes = court.ground(bars, meter), court.takes(court.split, meter)

    def rows(what: Callable[[Estimate], dict[str, Any]]) -> dict[str, Any]:
        return {
            name: {part: what(found) for part, found in row.items()} for name, row in beside.items()
        }

    return {
        "split": court.split,
        "bars": bars,
        "meter": list(meter),
        "windows": len(ground.x),
        "takes": ground.n,
        "whole_takes": len(takes),
        "left_out": takes.left_out,
        "real": real.values,
        "beside": rows(lambda found: found.values),
        "intervals": {
            "real": real.intervals,
            "beside": rows(lambda found: found.intervals),
        },
    }


def report(court: Court, judged: list[dict[str, Any]]) -> dict[str, Any]:
    """A whole report: how it was made, the check, and what was judged."""
    return {
        "schema": SCHEMA,
        "ghostnote": __version__,
        "corpus": court.corpus.name,
        "split": court.split,
        "settings": {
            "samples": court.samples,
            "seed": court.seed,
            "temperature": court.temperature,
            "resamples": RESAMPLES,
            "level": LEVEL,
        },
        "quantised": court.checked,
        "paper": {name: row._asdict() for name, row in PAPER.items()},
        "bundles": judged,
    }


_BESIDE: Final = {
    "reconstruction": ("f1_forced",),
    "samples": ("two_sample_hits", "two_sample_all", "copies", "n", "nearest_median"),
    "humanize": ("point",),
    "tap": ("f1", "velocity_error", "offset_error_ms"),
    "infill": ("f1", "velocity_error", "offset_error_ms"),
}
"""What a bundle keeps of the rows beside its own."""

_LONG: Final = ("histograms",)


def headline(judged: Mapping[str, Any]) -> dict[str, Any]:
    """A bundle's report as the bundle keeps it: without histograms, and less of other rows."""

    def short(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            part: {name: _without_voices(found[name]) for name in _BESIDE[part] if name in found}
            for part, found in row.items()
        }

    def plain(part: Any) -> Any:
        if not isinstance(part, Mapping):
            return part
        return {name: plain(each) for name, each in part.items() if name not in _LONG}

    kept: dict[str, Any] = plain(judged)
    kept["beside"] = {name: short(row) for name, row in judged["beside"].items()}
    intervals = judged["intervals"]
    kept["intervals"] = {
        **plain(intervals),
        "beside": {name: short(row) for name, row in intervals["beside"].items()},
    }
    return kept


def _without_voices(figure: Any) -> Any:
    if not isinstance(figure, Mapping):
        return figure
    return {name: each for name, each in figure.items() if not name.endswith("_per_voice")}


def all_windows(bars: Bars) -> FloatArray:
    """All windows as the models take them, `[W, T, 3V]`."""
    return to_x(bars.cells(bars.bars_of(np.arange(len(bars)))))


def _numbered(part: Windows) -> npt.NDArray[np.int64]:
    """Which take each window is of, counting only those that have any."""
    return np.unique(part.take, return_inverse=True)[1].astype(np.int64)


def _styles(part: Windows) -> npt.NDArray[np.str_]:
    styles = np.array([style.partition("/")[0] for style in part.corpus.texts("style")])
    return np.asarray(styles[part.take])


def _together(parts: Mapping[str, Estimate]) -> Estimate:
    return Estimate(
        {name: part.values for name, part in parts.items()},
        {name: part.intervals for name, part in parts.items()},
    )


def _apart(whole: Estimate) -> dict[str, Estimate]:
    return {name: Estimate(values, whole.intervals[name]) for name, values in whole.values.items()}
