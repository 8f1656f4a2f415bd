"""The original's configurations by name, and which of them a set of variables belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch

from ghostnote.errors import ConfigError, WeightsError
from ghostnote.interop.variables import to_variables
from ghostnote.model.config import (
    BidirectionalConfig,
    FlatConfig,
    HierarchicalConfig,
    HierarchicalEncoderConfig,
    ModelConfig,
    NadeConfig,
    SymbolsConfig,
)
from ghostnote.model.vae import GrooveVAE
from ghostnote.train.presets import PRESETS

Shapes = Mapping[str, tuple[int, ...]]

_MELODY = SymbolsConfig(alphabets="90")
_TRIO = SymbolsConfig(alphabets="90+90+512", split="apart")
_PERFORMANCE = SymbolsConfig(alphabets="490")


def _hierarchical(units: int, *, layers: int = 2, segment: int = 1) -> HierarchicalConfig:
    """The original's: its conductor is as deep and as wide as its decoder."""
    return HierarchicalConfig(
        size=units, layers=layers, conductor=units, conductor_layers=layers, segment=segment
    )


def _performance(encoder: int, decoder: int, controls: int = 0) -> ModelConfig:
    """One bar of eight instruments with 64 events each, as 8 segments of 64 steps."""
    return ModelConfig(
        bars=32,
        latent=512,
        encoder=HierarchicalEncoderConfig(size=encoder, segment=4),
        decoder=_hierarchical(decoder, layers=3, segment=4),
        head=_PERFORMANCE,
        controls=controls,
    )


SYMBOLS = {
    "cat-mel_2bar_small": ModelConfig(
        bars=2,
        latent=256,
        encoder=BidirectionalConfig(size=512),
        decoder=FlatConfig(size=256, layers=2),
        head=_MELODY,
    ),
    "cat-mel_2bar_big": ModelConfig(
        bars=2,
        latent=512,
        encoder=BidirectionalConfig(size=2048),
        decoder=FlatConfig(size=2048, layers=3),
        head=_MELODY,
    ),
    "cat-mel_2bar_med_chords": ModelConfig(
        bars=2,
        latent=256,
        encoder=BidirectionalConfig(size=1024),
        decoder=FlatConfig(size=512, layers=3),
        head=_MELODY,
        controls=49,
    ),
    "flat-trio_16bar": ModelConfig(
        bars=16,
        latent=512,
        encoder=BidirectionalConfig(size=2048, layers=2),
        decoder=FlatConfig(size=2048, layers=3),
        head=replace(_TRIO, split="together"),
    ),
    "hierdec-trio_16bar": ModelConfig(
        bars=16,
        latent=512,
        encoder=BidirectionalConfig(size=2048, layers=2),
        decoder=_hierarchical(1024),
        head=_TRIO,
    ),
    "hier-trio_16bar": ModelConfig(
        bars=16,
        latent=512,
        encoder=HierarchicalEncoderConfig(size=1024),
        decoder=_hierarchical(1024),
        head=_TRIO,
    ),
    "flat-mel_16bar": ModelConfig(
        bars=16,
        latent=512,
        encoder=BidirectionalConfig(size=2048, layers=2),
        decoder=FlatConfig(size=2048, layers=3),
        head=_MELODY,
    ),
    "hierdec-mel_16bar": ModelConfig(
        bars=16,
        latent=512,
        encoder=BidirectionalConfig(size=2048, layers=2),
        decoder=_hierarchical(1024),
        head=_MELODY,
    ),
    "hier-mel_16bar": ModelConfig(
        bars=16,
        latent=512,
        encoder=HierarchicalEncoderConfig(size=1024),
        decoder=_hierarchical(1024),
        head=_MELODY,
    ),
    "hier-multiperf_vel_1bar_med": _performance(1024, 512),
    "hier-multiperf_vel_1bar_big": _performance(2048, 1024),
    "hier-multiperf_vel_1bar_med_chords": _performance(1024, 512, 49),
    "hier-multiperf_vel_1bar_big_chords": _performance(2048, 1024, 49),
}
"""Configurations without drums of their own. They share the layers, load and compute; reading
melodies out of MIDI is no part of ghostnote. Sizes as in the original's `configs.py`."""

DRUMS = {alias: preset.run.model for preset in PRESETS.values() for alias in preset.aliases}
"""Configurations of drums: each is one of our presets."""

CONFIGS: Mapping[str, ModelConfig] = SYMBOLS | DRUMS


def model_config(name: str) -> ModelConfig:
    """The configuration that the original calls `name`.

    Raises:
        ConfigError: it has none of that name.
    """
    try:
        return CONFIGS[name]
    except KeyError:
        raise ConfigError(
            f"unknown configuration {name!r}", remedy=f"one of: {', '.join(CONFIGS)}"
        ) from None


def recognise(shapes: Shapes, hint: str) -> str:
    """The name of the configuration that variables of these shapes belong to.

    Several have the same variables, and differ in window and task: `hint`, the name of the file
    or folder, then decides if it holds the name of one of them.

    Raises:
        WeightsError: none has such variables, or several and the hint names none of them.
    """
    fitting: dict[str, ModelConfig] = {}
    for name, config in CONFIGS.items():
        with suppress(WeightsError):
            fitting[name] = sized(config, shapes)
    if not fitting:
        raise WeightsError(
            "holds variables of none of the configurations that ghostnote knows",
            remedy="name the one that it was trained with by --config, to see what does not fit",
        )
    # The longest name: groovae_2bar_tap_fixed_velocity is the beginning of another one.
    named = sorted((name for name in fitting if name in hint), key=len)
    if named:
        return named[-1]
    as_released = [name for name in fitting if fitting[name] == CONFIGS[name]]
    candidates = as_released or list(fitting)
    # Aliases of one preset are one configuration.
    if len({id(CONFIGS[name]) for name in candidates}) == 1:
        return candidates[0]
    raise WeightsError(
        "fits several configurations: its variables do not tell which",
        remedy=f"name one by --config: {', '.join(candidates)}",
    )


def sized(config: ModelConfig, shapes: Shapes) -> ModelConfig:
    """`config` with the sizes of variables of these shapes.

    Raises:
        WeightsError: variables are missing, left over, or of shapes that do not belong
            together; the message names the first of them.
    """
    layers, shape = _Layers(shapes), Axes(shapes)
    encoder = config.encoder
    deep = isinstance(encoder, HierarchicalEncoderConfig)
    below = "encoder/hierarchical_level_0" if deep else "encoder"
    cell = f"{below}/cell_0/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell"
    encoder = replace(
        encoder,
        size=shape(f"{cell}/bias", 0, 4),
        layers=layers.count(rf"{below}/cell_(\d+)/bidirectional_rnn/fw/.*/bias"),
    )
    decoder = config.decoder
    core = "core_decoder/" if isinstance(decoder, HierarchicalConfig) else ""
    if isinstance(config.head, SymbolsConfig) and config.head.split == "apart":
        core += "core_decoder_0/"
    rnn = f"{core}decoder/multi_rnn_cell"
    plan: dict[str, Any] = {
        "size": shape(f"{rnn}/cell_0/lstm_cell/bias", 0, 4),
        "layers": layers.count(rf"{rnn}/cell_(\d+)/lstm_cell/bias"),
    }
    if isinstance(decoder, HierarchicalConfig):
        conductor = "decoder/hierarchical_level_0"
        plan["conductor"] = shape(f"{conductor}/cell_0/lstm_cell/bias", 0, 4)
        plan["conductor_layers"] = layers.count(rf"{conductor}/cell_(\d+)/lstm_cell/bias")
    head = config.head
    if isinstance(head, NadeConfig):
        head = replace(head, hidden=shape(f"{core}decoder/nade/w_enc", 2))
    if config.controls_size:
        reader = "control_preprocessing/cell_0/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell"
        config = replace(config, controls_size=shape(f"{reader}/bias", 0, 4))
    config = replace(
        config,
        latent=shape("encoder/mu/bias", 0),
        encoder=encoder,
        decoder=replace(decoder, **plan),
        head=head,
    )
    _check(expected_shapes(config), shapes)
    return config


def expected_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of the variables of a model, by their names in the original."""
    with torch.device("meta"):
        state = GrooveVAE(config).state_dict()
    variables = to_variables(config, state)
    return {name: tuple(variable.shape) for name, variable in variables.items()}


def _check(expected: Shapes, found: Shapes) -> None:
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing:
        raise WeightsError(f"lacks {_some(missing)}")
    if extra:
        raise WeightsError(f"holds {_some(extra)}, which no such model has")
    wrong = [name for name in expected if expected[name] != found[name]]
    if wrong:
        name = wrong[0]
        raise WeightsError(f"{name} has the shape {list(found[name])}, not {list(expected[name])}")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


class _Layers:
    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)

    def count(self, pattern: str) -> int:
        """How many numbers the group of `pattern` takes, at least 1."""
        found = (re.fullmatch(pattern, name) for name in self._names)
        return max(len({match[1] for match in found if match}), 1)


class Axes:
    """The lengths of the axes of variables."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def __call__(self, name: str, axis: int, share: int = 1) -> int:
        """One `share`th of the length of variable `name` along `axis`.

        Raises:
            WeightsError: there is no such variable, or no such axis, or no such share of it.
        """
        shape = self._shapes.get(name)
        if shape is None:
            raise WeightsError(f"lacks {name}")
        if axis >= len(shape) or shape[axis] < share or shape[axis] % share:
            raise WeightsError(f"{name} has the shape {list(shape)}")
        return shape[axis] // share
