"""Presets: runs under a name, and the original's names for them."""

from __future__ import annotations

from dataclasses import dataclass

from ghostnote.data.augment import Augmentation
from ghostnote.errors import ConfigError
from ghostnote.model.config import (
    BidirectionalConfig,
    FlatConfig,
    HierarchicalConfig,
    ModelConfig,
    SquaredErrorConfig,
)
from ghostnote.train.config import CorruptionConfig, ObjectiveConfig, OptimiserConfig, RunConfig


@dataclass(frozen=True)
class Preset:
    """A run with a one-line description and the original's names for it."""

    run: RunConfig
    about: str
    aliases: tuple[str, ...] = ()


PRESETS = {
    preset.run.name: preset
    for preset in (
        Preset(
            RunConfig(
                name="groove-4bar",
                model=ModelConfig(
                    latent=128,
                    encoder=BidirectionalConfig(size=256),
                    decoder=HierarchicalConfig(),
                    layer_dropout=0.15,
                ),
                objective=ObjectiveConfig(beta=0.4, free_bits=55, hit_weight=1.4),
                corruption=CorruptionConfig(hide_steps=0.2, sampling=0.5, sampling_rise=1500),
                augmentation=Augmentation(
                    other_bars=0.3,
                    velocity_gain=0.1,
                    velocity_noise=0.05,
                    offset_shift=0.03,
                    offset_noise=0.02,
                ),
                optimiser=OptimiserConfig(weight_decay=0.05),
                epochs=40,
            ),
            "four bars, hierarchical decoder, likelihoods on hits only; the shipped model",
        ),
        Preset(
            RunConfig(
                name="groove-4bar-flat",
                model=ModelConfig(
                    latent=256,
                    encoder=BidirectionalConfig(size=512),
                    decoder=FlatConfig(size=256, layers=2),
                    head=SquaredErrorConfig(),
                    input_dropout=0.7,
                ),
                objective=ObjectiveConfig(beta=0.2, beta_rate=0.0, free_bits=48),
                optimiser=OptimiserConfig(
                    batch=512,
                    learning_rate=1e-3,
                    schedule="original",
                    warmup=0,
                    weight_decay=0.0,
                    average=0.0,
                ),
            ),
            "four bars, flat decoder, squared errors: the original's configuration",
            ("groovae_4bar",),
        ),
    )
}


def preset(name: str) -> Preset:
    """A preset by its name, or by the original's.

    Raises:
        ConfigError: no preset has that name.
    """
    for known, found in PRESETS.items():
        if name == known or name in found.aliases:
            return found
    raise ConfigError(f"unknown preset {name!r}", remedy=f"one of: {', '.join(PRESETS)}")
