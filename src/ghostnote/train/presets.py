"""Presets: runs under a name, and the original's names for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ghostnote.data.augment import Augmentation
from ghostnote.errors import ConfigError
from ghostnote.model.config import (
    BidirectionalConfig,
    CategoricalConfig,
    FlatConfig,
    HierarchicalConfig,
    ModelConfig,
    NadeConfig,
    SquaredErrorConfig,
)
from ghostnote.music.kit import N_VOICES
from ghostnote.music.tasks import (
    AddVoices,
    HitsControl,
    Humanize,
    Identity,
    Infill,
    Mixture,
    Tap,
    Task,
)
from ghostnote.train.config import CorruptionConfig, ObjectiveConfig, OptimiserConfig, RunConfig


@dataclass(frozen=True)
class Preset:
    """A run with a one-line description and the original's names for it."""

    run: RunConfig
    about: str
    aliases: tuple[str, ...] = ()


_ORIGINAL = OptimiserConfig(
    batch=512,
    learning_rate=1e-3,
    schedule="original",
    warmup=0,
    weight_decay=0.0,
    beta2=0.999,
    epsilon="tensorflow",
    skip_above=10_000,
    average=0.0,
)
"""How the original optimises, in all its configurations."""


_OF_HITS = ObjectiveConfig(
    beta=0.5, free_bits=58, hit_weight=1.6, velocity_weight=0.4, offset_weight=0.4
)
"""For models that write hits: z spends its bits on these."""

_OF_BOTH = ObjectiveConfig(
    beta=0.5, free_bits=60, hit_weight=1.6, velocity_weight=0.7, offset_weight=0.6
)
"""For a model whose grooves are to sound played as well: z has something left for velocity."""

_OF_PLAYING = ObjectiveConfig(beta=0.4, free_bits=55, hit_weight=1.4)
"""For models that are given hits and play them."""


_AUGMENTED = Augmentation(
    other_bars=0.3,
    velocity_gain=0.1,
    velocity_noise=0.05,
    offset_shift=0.03,
    offset_noise=0.02,
)
"""How the windows of our own presets are changed, where nothing else is said."""


def _ours(
    name: str,
    task: Task,
    about: str,
    objective: ObjectiveConfig = _OF_HITS,
    *,
    layers: int = 1,
    dropout: float = 0.15,
    weight_decay: float = 0.05,
    sampling: float = 0.5,
    augmentation: Augmentation = _AUGMENTED,
    epochs: float = 40,
) -> Preset:
    """Four bars, hierarchical decoder, likelihoods on hits only.

    `layers` are the encoder's, and `sampling` is the share of its own draws that the decoder hears.
    """
    return Preset(
        RunConfig(
            name=name,
            model=ModelConfig(
                latent=128,
                encoder=BidirectionalConfig(size=256, layers=layers),
                decoder=HierarchicalConfig(),
                controls=len(Mixture.TASKS) if isinstance(task, Mixture) else 0,
                layer_dropout=dropout,
            ),
            task=task,
            objective=objective,
            corruption=CorruptionConfig(hide_steps=0.2, sampling=sampling, sampling_rise=1500),
            augmentation=augmentation,
            optimiser=OptimiserConfig(weight_decay=weight_decay),
            epochs=epochs,
            # Hits that are given are no measure of a model that plays them.
            select="elbo" if isinstance(task, Humanize | Mixture) else "f1",
        ),
        about,
    )


def _grooves(name: str, bars: int, task: Task, about: str, *aliases: str) -> Preset:
    """A configuration of GrooVAE: all have one architecture and objective (Gillick et al. 2019)."""
    return Preset(
        RunConfig(
            name=name,
            model=ModelConfig(
                bars=bars,
                latent=256,
                encoder=BidirectionalConfig(size=512),
                decoder=FlatConfig(size=256, layers=2),
                head=SquaredErrorConfig(),
                controls=N_VOICES if isinstance(task, HitsControl) else 0,
                input_dropout=0.7,
            ),
            task=task,
            objective=ObjectiveConfig(beta=0.2, free_bits=48),
            optimiser=_ORIGINAL,
        ),
        about,
        aliases,
    )


def _hits(
    name: str,
    model: ModelConfig,
    about: str,
    *aliases: str,
    free_bits: float = 48,
    teacher_forced: bool = False,
) -> Preset:
    """A drum configuration of MusicVAE (Roberts et al. 2018): hits alone."""
    sampling = CorruptionConfig(
        sampling=1.0, sampling_schedule="inverse-sigmoid", sampling_rise=1000
    )
    return Preset(
        RunConfig(
            name=name,
            model=model,
            objective=ObjectiveConfig(beta=0.2, free_bits=free_bits),
            corruption=CorruptionConfig() if teacher_forced else sampling,
            optimiser=_ORIGINAL,
        ),
        about,
        aliases,
    )


PRESETS = {
    preset.run.name: preset
    for preset in (
        # Limbs of other windows are what helps most: they keep it from learning takes by heart.
        # What ships was trained on from there for a little while; its card has the command.
        _ours(
            "groove-4bar",
            Identity(),
            "four bars from nothing; the shipped model",
            _OF_BOTH,
            layers=2,
            dropout=0.2,
            weight_decay=0.1,
            sampling=0.75,
            augmentation=replace(
                _AUGMENTED,
                other_limbs=0.2,
                velocity_gain=0.2,
                velocity_noise=0.03,
                offset_noise=0.01,
            ),
            epochs=42,
        ),
        # It overfits first, and most in timing: more dropout, fewer epochs.
        _ours(
            "humanize-4bar",
            Humanize(),
            "plays given hits: velocity and timing",
            _OF_PLAYING,
            layers=2,
            dropout=0.3,
            weight_decay=0.1,
            augmentation=replace(_AUGMENTED, other_limbs=0.15, velocity_gain=0.2),
            epochs=28,
        ),
        _ours("tap-4bar", Tap(), "makes a kit part out of a tapped rhythm"),
        _ours("infill-4bar", Infill(hide="either"), "writes the voices or bars that are missing"),
        _ours(
            "tasks-4bar",
            Mixture(),
            "all of these in one model, which is told the task",
            _OF_PLAYING,
        ),
        _grooves("groove-4bar-flat", 4, Identity(), "one LSTM over four bars", "groovae_4bar"),
        _grooves(
            "groove-2bar-humanize",
            2,
            Humanize(),
            "plays given hits: their velocity and timing",
            "groovae_2bar_humanize",
        ),
        _grooves(
            "groove-2bar-tap",
            2,
            Tap(),
            "makes a kit part out of a tapped rhythm",
            "groovae_2bar_tap_fixed_velocity",
        ),
        _grooves(
            "groove-2bar-tap-dropout",
            2,
            Tap(note_dropout=0.8),
            "the same, out of taps that leave notes away",
            "groovae_2bar_tap_fixed_velocity_note_dropout",
        ),
        _grooves(
            "groove-2bar-closed-hat",
            2,
            AddVoices(voices="closed hat"),
            "adds or replaces the closed hat",
            "groovae_2bar_add_closed_hh",
        ),
        _grooves(
            "groove-2bar-infill",
            2,
            Infill(),
            "writes the voices that are missing, whichever they are",
        ),
        _grooves(
            "groove-2bar-hits-control",
            2,
            HitsControl(),
            "is told the hits; z is how they are played",
            "groovae_2bar_hits_control_tfds",
            "groovae_2bar_hits_control",
        ),
        _hits(
            "drums-2bar-small",
            ModelConfig(
                bars=2,
                latent=256,
                encoder=BidirectionalConfig(size=512),
                decoder=FlatConfig(size=256, layers=2),
                head=CategoricalConfig(),
            ),
            "sets of hits, small",
            "cat-drums_2bar_small",
        ),
        _hits(
            "drums-2bar-big",
            ModelConfig(
                bars=2,
                latent=512,
                encoder=BidirectionalConfig(size=2048),
                decoder=FlatConfig(size=2048, layers=3),
                head=CategoricalConfig(),
            ),
            "sets of hits, big",
            "cat-drums_2bar_big",
        ),
        _hits(
            "drums-2bar-nade",
            ModelConfig(
                bars=2,
                latent=256,
                encoder=BidirectionalConfig(size=1024),
                decoder=FlatConfig(size=512, layers=2),
                head=NadeConfig(hidden=128),
            ),
            "hits voice after voice",
            "nade-drums_2bar_reduced",
        ),
        _hits(
            "drums-2bar-nade-61",
            ModelConfig(
                bars=2,
                voices=61,
                latent=256,
                encoder=BidirectionalConfig(size=1024),
                decoder=FlatConfig(size=512, layers=2),
                head=NadeConfig(hidden=128),
            ),
            "hits of 61 drum classes, one after another",
            "nade-drums_2bar_full",
        ),
        _hits(
            "drums-16bar-flat",
            ModelConfig(
                bars=16,
                latent=512,
                encoder=BidirectionalConfig(size=2048, layers=2),
                decoder=FlatConfig(size=2048, layers=3),
                head=CategoricalConfig(),
            ),
            "sixteen bars, one LSTM over all: the paper's baseline, never released",
            free_bits=256,
            teacher_forced=True,
        ),
        _hits(
            "drums-16bar",
            ModelConfig(
                bars=16,
                latent=512,
                encoder=BidirectionalConfig(size=2048, layers=2),
                decoder=HierarchicalConfig(size=1024, layers=2, conductor=1024, conductor_layers=2),
                head=CategoricalConfig(),
            ),
            "sixteen bars, hierarchical: the paper's drums, never released",
            free_bits=256,
            teacher_forced=True,
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
