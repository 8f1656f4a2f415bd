"""Model bundles: a folder that holds a model, and everything that is needed to play with it.

    config.json          what the model is, how it was trained, what it scores, and file hashes
    model.safetensors    weights, to go on training
    encoder.onnx         x → μ, σ
    decoder.onnx         z, noise, temperature, known cells → x
    scorer.onnx          x, z → log-likelihood, part by part and cell by cell
    latent.safetensors   the prior to draw z from, that of each part of the training data, and
                         fingerprints of the training windows
    card.md              how it was trained and what it scores, for people

A bundle of an older ghostnote may lack the scorer and the parts, one of a head that draws whole
sets of hits the scorer. Nothing in a bundle is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ghostnote.directions import Direction, from_tensors
from ghostnote.errors import BundleError, ConfigError, GrooveError
from ghostnote.latent import Prior
from ghostnote.music.groove import Meter, steps_per_bar
from ghostnote.music.kit import CLASSES_MAP, DEFAULT_MAP, N_VOICES, DrumMap, builtin_map
from ghostnote.music.tasks import Task, task_from

FORMAT: Final = 2
"""The version of the layout; a bundle of another one is refused."""

DEFAULT: Final = "groove-4bar"
"""The bundle that is used where none is named."""

_SHIPPED: Final = Path(__file__).parent / "bundles"

CONFIG, CARD = "config.json", "card.md"
WEIGHTS, LATENT = "model.safetensors", "latent.safetensors"
LATENT_TENSORS: Final = (
    "prior.weights",
    "prior.means",
    "prior.factors",
    "training.fingerprints",
)
PART_TENSORS: Final = ("parts.weights", "parts.shifts")
ENCODER, DECODER, SCORER = "encoder.onnx", "decoder.onnx", "scorer.onnx"

ANY: Final = "any"
"""The style of all styles."""

Span = tuple[float, float]
"""A range of tempos in bpm: from the first, and below the second."""


Kind = Literal["style", "beat_type", "bpm"]


class Part(NamedTuple):
    """Part of the training data: a style, a beat type (``beat`` or ``fill``), or a tempo band.

    `windows` says how many windows it is.
    """

    kind: Kind
    value: str | Span
    windows: int


@dataclass(frozen=True, eq=False)
class Bundle:
    """A model bundle. `config` is read on loading; other files when they are first used.

    Raises:
        BundleError: from any property that reads a file which is missing or not what it was.
    """

    path: Path
    config: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Bundle({self.name}: {self.bars} bars, z of {self.latent} numbers)"

    @property
    def name(self) -> str:
        """What the model is called."""
        return str(self.config["name"])

    @property
    def bars(self) -> int:
        """Bars in a window."""
        return int(self.config["model"]["bars"])

    @property
    def steps(self) -> int:
        """`T`, steps in a window."""
        return self.bars * steps_per_bar(self.meter)

    @property
    def meter(self) -> Meter:
        """The meter of every groove that the model knows."""
        numerator, denominator = self.config["meter"]
        return int(numerator), int(denominator)

    @property
    def latent(self) -> int:
        """`Z`, the length of z."""
        return int(self.config["model"]["latent"])

    @property
    def voices(self) -> int:
        """`V`, drum classes; other than nine where the model knows classes of its own."""
        return int(self.config["model"].get("voices", N_VOICES))

    @property
    def controls(self) -> int:
        """`K`, numbers at each step that the model has to be told besides; 0 is none."""
        return int(self.config["model"].get("controls", 0))

    @property
    def task(self) -> Task:
        """What the model was taught to supply, by hiding it from the encoder."""
        return task_from(self.config.get("task", {"kind": "identity"}))

    @property
    def drum_map(self) -> DrumMap:
        """The map whose classes are the model's voices."""
        return builtin_map(DEFAULT_MAP if self.voices == N_VOICES else CLASSES_MAP)

    @property
    def temperature(self) -> float:
        """The temperature at which the model samples best, chosen on validation data."""
        return float(self.config["sampling"]["temperature"])

    @property
    def bpm(self) -> float:
        """The tempo of a sampled loop where none is asked for: the training data's median."""
        return float(self.config["sampling"]["bpm"])

    @property
    def timing(self) -> float:
        """How much of its likeliest timing a model that humanises plays, chosen on validation data.

        All of it, of a bundle that was not calibrated.
        """
        return float(self.config["sampling"].get("timing", 1))

    @cached_property
    def prior(self) -> Prior:
        """Where z is drawn from."""
        names = ("weights", "means", "factors")
        return Prior(*(self._latent[f"prior.{name}"].astype(np.float32) for name in names))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the training data that z can be drawn like; none in an older bundle."""
        return tuple(
            Part(part["kind"], _plain(part["value"]), int(part["windows"]))
            for part in self.config.get("parts", ())
        )

    def prior_of(
        self, *, style: str = ANY, beat_type: str | None = None, bpm: float | None = None
    ) -> Prior:
        """Where z of the training data's grooves is that are of this style, beat type and tempo.

        Args:
            style: a primary style, such as ``jazz``; ``any`` is all of them.
            beat_type: ``beat`` or ``fill``.
            bpm: stands for the tempo band that it is in.

        Raises:
            ConfigError: the training data has no such part.
            BundleError: the bundle does not know the parts of its training data.
        """
        if not self.parts:
            raise BundleError(
                "does not know the styles, beat types and tempos of its training data",
                source=self.path,
                remedy="complete it: ghostnote export BUNDLE --out NEW, with the data at hand",
            )
        rows = [] if style == ANY else [self._part("style", style)]
        rows += [] if beat_type is None else [self._part("beat_type", beat_type)]
        if bpm is not None:
            rows += [
                row
                for row, part in enumerate(self.parts)
                if isinstance(part.value, tuple) and part.value[0] <= bpm < part.value[1]
            ]
        weights, shifts = (self._latent[name].astype(np.float32) for name in PART_TENSORS)
        return self.prior.narrowed([(weights[row], shifts[row]) for row in rows])

    def _part(self, kind: str, value: str) -> int:
        known = {part.value: row for row, part in enumerate(self.parts) if part.kind == kind}
        if value not in known:
            choices = [ANY] * (kind == "style") + sorted(str(name) for name in known)
            raise ConfigError(
                f"{self.name} knows no {kind.replace('_', ' ')} {value!r}",
                remedy=f"one of: {', '.join(choices)}",
            )
        return known[value]

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The directions of the attributes by name; none, where none were learned."""
        names = [str(name) for name in self.config.get("attributes", ())]
        try:
            return from_tensors(names, self._latent) if names else {}
        except (KeyError, ValueError, IndexError) as error:
            raise BundleError(
                f"does not hold the attributes that {CONFIG} names: {error}",
                source=self.path / LATENT,
                remedy=_AGAIN,
            ) from error

    @property
    def training_fingerprints(self) -> npt.NDArray[np.uint64]:
        """What the hits of the training windows hash to, sorted; see `runtime.fingerprints`."""
        return self._latent["training.fingerprints"]

    @cached_property
    def _latent(self) -> dict[str, npt.NDArray[Any]]:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors: dict[str, npt.NDArray[Any]] = load(self.read(LATENT))
        except SafetensorError as error:
            raise BundleError(
                f"cannot be read: {error}", source=self.path / LATENT, remedy=_AGAIN
            ) from error
        wanted = (*LATENT_TENSORS, *(PART_TENSORS if self.parts else ()))
        missing = [name for name in wanted if name not in tensors]
        if missing:
            raise BundleError(
                f"lacks {', '.join(missing)}", source=self.path / LATENT, remedy=_AGAIN
            )
        return tensors

    def read(self, name: str) -> bytes:
        """The content of one of the bundle's files, checked against its sha256.

        Raises:
            BundleError: it is missing, or its content is not what the bundle was made with.
        """
        file = self.path / name
        wanted = self.config["files"].get(name)
        if wanted is None:
            remedy = _NO_SCORER if name == SCORER else _NO_DRUMS
            raise BundleError(f"has no {name}", source=self.path, remedy=remedy)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise BundleError(
                f"cannot be read: {error.strerror}", source=file, remedy=_AGAIN
            ) from error
        if hashlib.sha256(content).hexdigest() != wanted:
            raise BundleError(
                f"is not the file that {CONFIG} describes", source=file, remedy=_AGAIN
            )
        return content


_NO_DRUMS: Final = (
    "it holds weights alone, as a model that writes no drums does: train or compute with it in "
    "torch, by ghostnote.export.bundle.load_model"
)
_NO_SCORER: Final = (
    "complete it: ghostnote export BUNDLE --out NEW; a model that draws whole sets of hits has none"
)
_AGAIN: Final = "export the bundle again, or install ghostnote again if it came with it"


def _plain(value: str | Sequence[float]) -> str | Span:
    if isinstance(value, str):
        return value
    low, high = value
    return float(low), float(high)


def shipped() -> list[str]:
    """The names of the bundles that are part of the package."""
    return sorted(file.parent.name for file in _SHIPPED.glob(f"*/{CONFIG}"))


def load_bundle(name_or_path: str | Path = DEFAULT) -> Bundle:
    """A bundle by the name of a shipped one, or by its folder.

    Raises:
        BundleError: there is none, it is no bundle, or it is of another version.
    """
    inside = _SHIPPED / str(name_or_path)
    by_name = Path(str(name_or_path)).name == str(name_or_path) and inside.is_dir()
    path = inside if by_name else Path(name_or_path)
    try:
        config = json.loads((path / CONFIG).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(
            "no such model bundle",
            source=name_or_path,
            remedy=f"one of {', '.join(shipped())}, or a folder made by `ghostnote export`",
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"cannot be read: {error}", source=path / CONFIG, remedy=_AGAIN
        ) from error
    found = config.get("format") if isinstance(config, dict) else None
    if found != FORMAT:
        raise BundleError(
            f"is a bundle of format {found}; this ghostnote reads format {FORMAT}",
            source=path,
            remedy="export it again, or install the ghostnote that made it",
        )
    bundle = Bundle(path, config)
    try:
        _ = bundle.name, bundle.steps, bundle.latent, bundle.temperature, bundle.bpm
        _ = bundle.voices, bundle.controls, bundle.task, bundle.parts
        _ = dict(config["files"])
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError, GrooveError) as error:
        raise BundleError(
            f"does not describe a model: {error!r}", source=path / CONFIG, remedy=_AGAIN
        ) from error
    return bundle
