"""What a training run is, as data. Saved beside the weights; an unknown key is an error."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar

from ghostnote.data.augment import Augmentation
from ghostnote.errors import ConfigError
from ghostnote.model.config import Count, ModelConfig, Range, Share, SymbolsConfig
from ghostnote.music.kit import CLASSES_MAP, N_VOICES, builtin_map
from ghostnote.music.tasks import AddVoices, HitsControl, Identity, Mixture, Tap, Task


@dataclass(frozen=True)
class ObjectiveConfig:
    """Negative log-likelihood + β·max(KL − free bits, 0), in nats (paper, section 2.1)."""

    beta: float = 0.2
    """β at the end of its schedule."""
    beta_rate: Share = 0.0
    """β after t steps is beta·(1 − beta_rate^t); 0 is constant, 0.99999 a slow rise."""
    free_bits: float = 48.0
    """Bits of KL per window that cost nothing."""
    hit_weight: float = 1.0
    """Weight of the hit likelihood where there is a hit. Single cells are rarely more likely than
    not, so the most likely cells are sparser than drumming is; above 1 makes up for it."""
    velocity_weight: float = 1.0
    """Weight of the velocity likelihood; below 1, z spends its bits on hits."""
    offset_weight: float = 1.0
    """Weight of the offset likelihood."""


@dataclass(frozen=True)
class CorruptionConfig:
    """What training hides or falsifies; the target stays what was played."""

    hide_cells: Share = 0.0
    """Share of cells hidden from the encoder."""
    hide_steps: Share = 0.0
    """Share of previous steps hidden from the decoder."""
    sampling: Share = 0.0
    """Scheduled sampling: final share of previous steps that are the model's own draws."""
    sampling_temperature: Annotated[float, Range(0, 100)] = 1.0
    """The temperature of these draws; 0 feeds the most likely cells."""
    sampling_passes: Count = 1
    """Parallel passes that draw them (Duckworth et al. 2019); as many passes as steps is exact."""
    sampling_schedule: Literal["linear", "inverse-sigmoid"] = "linear"
    """How that share rises. `inverse-sigmoid`, the original's: 1 − k/(k + exp(t/k)) of it."""
    sampling_rise: Annotated[float, Range(1, 2**32)] = 5000.0
    """Steps over which it rises; k of the inverse sigmoid."""


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW with gradient clipping, and a running average of the weights."""

    batch: Count = 64
    """Windows in a step, over all processes."""
    learning_rate: Annotated[float, Range(0, 1)] = 2e-3
    """Highest learning rate."""
    schedule: Literal["cosine", "original"] = "cosine"
    """`cosine`: to 2 % at the last step. `original`: (rate − 1e-5)·0.9999^t + 1e-5."""
    warmup: int = 200
    """Steps of linear warm-up."""
    weight_decay: float = 0.01
    """Decoupled weight decay, on matrices only."""
    beta2: Share = 0.99
    """Decay of Adam's second moment."""
    epsilon: Literal["torch", "tensorflow"] = "torch"
    """Where Adam puts its epsilon of 1e-8: beside the corrected root of the second moment, or
    beside the raw one, as TensorFlow 1 does."""
    clip: float = 1.0
    """Largest global norm of the gradient."""
    skip_above: float = 0.0
    """A gradient with a global norm above it, or none that is a number, is taken as zero while
    Adam's moments go on; 0 is never, and then what is not a number ends the run."""
    average: Share = 0.998
    """Decay of the running average of the weights, which is what is judged and shipped."""


@dataclass(frozen=True)
class RunConfig:
    """A training run: a model and how it is trained."""

    name: str = "groove"
    """The preset that it began as."""
    model: ModelConfig = field(default_factory=ModelConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    corruption: CorruptionConfig = field(default_factory=CorruptionConfig)
    task: Task = field(default_factory=Identity)
    augmentation: Augmentation = field(default_factory=Augmentation)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    epochs: float = 20.0
    """Passes over the training windows."""
    hop: Count = 1
    """Bars between the starts of training windows."""
    interval: int = 0
    """Steps between validations, which are also checkpoints; 0 is once an epoch."""
    patience: int = 10
    """Stop after so many validations without a better one."""
    select: Literal["f1", "elbo"] = "f1"
    """What makes a validation better: free-running hits F1, or the likelihood bound."""
    seed: int = 0
    """Decides initial weights, order, augmentation and noise."""
    begun_with: str = ""
    """What its first weights are of, where they are not random: the command that trained them, or
    the name of the bundle. For the record; `--init-from` sets it."""


def refuse_contradictions(run: RunConfig) -> None:
    """Refuse settings that are each all right, and cannot be trained together.

    Raises:
        ConfigError: a model of symbols, voices that no drum map has, or a task that needs other
            controls or voices than the model has.
    """
    model, task = run.model, run.task
    if isinstance(model.head, SymbolsConfig):
        raise ConfigError(
            "a model of symbols writes no drums, which is what there is to train on",
            remedy="choose another model.head.kind",
        )
    known = (N_VOICES, len(builtin_map(CLASSES_MAP).voices))
    if model.voices not in known:
        raise ConfigError(
            f"model.voices is {model.voices}", remedy=f"one of: {', '.join(map(str, known))}"
        )
    controls = (
        model.voices
        if isinstance(task, HitsControl)
        else len(Mixture.TASKS)
        if isinstance(task, Mixture)
        else 0
    )
    if model.controls != controls:
        raise ConfigError(
            f"model.controls is {model.controls}, and the task {task.kind} gives {controls}",
            remedy=f"--set model.controls={controls}",
        )
    if isinstance(task, Tap | AddVoices | Mixture) and model.voices != N_VOICES:
        raise ConfigError(
            f"the task {task.kind} is about the {N_VOICES} voices, and model.voices is "
            f"{model.voices}",
            remedy=f"--set model.voices={N_VOICES}",
        )


T = TypeVar("T")

_ANY = Range(0, 2**32 - 1)
"""Of the numbers that have no narrower range: none of them is ever negative."""


def to_table(config: Any) -> dict[str, Any]:
    """A config dataclass as nested plain values."""
    return dataclasses.asdict(config)


def from_table(kind: type[T], table: Mapping[str, Any], *, path: str = "") -> T:
    """A config dataclass from nested plain values; keys left out keep their defaults.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type; the message names the key.
    """
    return _update(kind(), table, path)


def update(config: T, table: Mapping[str, Any]) -> T:
    """`config` with the values of `table`, a nested mapping such as a TOML file gives.

    Raises:
        ConfigError: as `from_table` does.
    """
    return _update(config, table, "")


def assignment(text: str) -> dict[str, Any]:
    """``a.b=c`` as the nested table ``{"a": {"b": "c"}}``; the value stays text.

    Raises:
        ConfigError: no ``=``, or an empty key.
    """
    key, equals, value = text.partition("=")
    names = key.strip().split(".")
    if not equals or not all(names):
        raise ConfigError(f"{text!r} is not of the form key=value", remedy="--set model.latent=64")
    table: Any = value.strip()
    for name in reversed(names):
        table = {name: table}
    return typing.cast(dict[str, Any], table)


def _update(config: T, table: Mapping[str, Any], path: str) -> T:
    kinds = typing.get_type_hints(type(config), include_extras=True)
    changes = {}
    for key, value in table.items():
        if key not in kinds:
            raise ConfigError(
                f"unknown key {path + key!r}",
                remedy=f"one of: {', '.join(path + known for known in kinds)}",
            )
        changes[key] = _convert(getattr(config, key), kinds[key], value, path + key)
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def _convert(current: Any, kind: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(current):
        if isinstance(value, str) and isinstance(kind, UnionType):
            value = {"kind": value}  # the kind alone, with its defaults
        if not isinstance(value, Mapping):
            raise ConfigError(f"{path} is a table, not {value!r}")
        wanted = value.get("kind", getattr(current, "kind", None))
        if isinstance(kind, UnionType) and wanted != getattr(current, "kind", None):
            kinds = {option.kind: option for option in typing.get_args(kind)}
            if wanted not in list(kinds):
                raise ConfigError(
                    f"{path}.kind is {wanted!r}", remedy=f"one of: {', '.join(kinds)}"
                )
            current = kinds[wanted]()
        return _update(current, value, f"{path}.")
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise ConfigError(f"{path} is {value!r}", remedy=f"one of: {', '.join(choices)}")
        return value
    if kind is str:
        if not isinstance(value, str):
            raise ConfigError(f"{path} is {value!r}, not text")
        return value
    return _number(kind, value, path)


def _number(kind: Any, value: Any, path: str) -> int | float:
    """`value` as an int or a float, whichever `kind` is; it may be annotated with a `Range`."""
    plain, limits = typing.get_args(kind) or (kind, _ANY)
    name = "a whole number" if plain is int else "a number"
    try:
        number: int | float | None = plain(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool) or (isinstance(value, float) and value != number):
        raise ConfigError(f"{path} is {value!r}, not {name}")
    if not limits.low <= number <= limits.high:
        wanted = f"{name} from {limits.low:,} to {limits.high:,}"
        raise ConfigError(f"{path} is {value!r}", remedy=wanted)
    return number
