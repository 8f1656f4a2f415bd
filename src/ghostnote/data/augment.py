"""Augmentation: pure functions that draw another plausible groove from one that was played.

They work on batches of stored cells, `velocity` uint8 `[B, T, V]` (0 where silent) and `offset`
float32 `[B, T, V]` in steps, after the cache, and take all randomness from the generator that
they are given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ghostnote.errors import ConfigError
from ghostnote.music.kit import N_VOICES, voice_index

Cells = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]

_HAT, _RIDE = voice_index("closed hat"), voice_index("ride")
_TOMS = [voice_index(name) for name in ("low tom", "mid tom", "high tom")]
_FOOT = [voice_index("kick")]
_CYMBALS = [voice_index(name) for name in ("closed hat", "open hat", "crash", "ride")]


@dataclass(frozen=True)
class Augmentation:
    """How often and how far a training window is changed. All zero: not at all."""

    other_bars: float = 0.0
    """Probability that a bar is replaced by another one of the same take."""
    swap_voices: float = 0.0
    """Probability to exchange closed hat and ride, and, apart from that, to permute the toms."""
    drop_voice: float = 0.0
    """Probability that one voice is silenced."""
    other_limbs: float = 0.0
    """Probability that the kick, and, apart from that, that hats and cymbals are played as in
    another window of the batch."""
    velocity_gain: float = 0.0
    """Standard deviation of the log of a gain on the whole window's velocities."""
    velocity_noise: float = 0.0
    """Standard deviation of the log of a gain on each hit's velocity."""
    offset_shift: float = 0.0
    """Standard deviation, in steps, of a shift of the whole window."""
    offset_noise: float = 0.0
    """Standard deviation, in steps, of a shift of each hit."""


def other_bars(
    bars: npt.NDArray[np.int64],
    span: npt.NDArray[np.int64],
    probability: float,
    generator: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Bar indices `[B, n]` with some replaced by others out of `span` `[B, 2]`, (first, count)."""
    first, count = span[:, :1], span[:, 1:]
    drawn = first + (generator.random(bars.shape) * count).astype(np.int64)
    return np.where(generator.random(bars.shape) < probability, drawn, bars)


def augment(cells: Cells, how: Augmentation, generator: np.random.Generator) -> Cells:
    """A batch of windows, each changed independently as `how` says. The inputs stay as they are.

    Hits are neither added nor lost, save those of a dropped voice or of other limbs; velocities
    stay in 1 to 127 and offsets in [-0.5, 0.5).

    Raises:
        ConfigError: voices or limbs are to be swapped, and the voices are not the nine.
    """
    batch, _, voices = cells[0].shape
    if how.other_limbs:
        _refuse_other_voices("other_limbs", voices)
        cells = _taken(cells, *_other_limbs(batch, how.other_limbs, generator))
    if how.swap_voices:
        _refuse_other_voices("swap_voices", voices)
        cells = _taken(cells, *_swap_voices(batch, how.swap_voices, generator))
    velocity, offset = cells
    if how.drop_voice:
        spared = generator.random(batch) >= how.drop_voice
        dropped = np.where(spared, -1, generator.integers(voices, size=batch))
        kept = np.arange(voices) != dropped[:, None, None]
        velocity, offset = velocity * kept, offset * kept
    hits = velocity > 0
    if how.velocity_gain or how.velocity_noise:
        log_gain = how.velocity_gain * generator.standard_normal((len(velocity), 1, 1), np.float32)
        log_gain = log_gain + how.velocity_noise * _normal(velocity.shape, generator)
        louder = np.rint(velocity * np.exp(log_gain))
        velocity = np.where(hits, np.clip(louder, 1, 127), 0).astype(np.uint8)
    if how.offset_shift or how.offset_noise:
        shift = how.offset_shift * generator.standard_normal((len(offset), 1, 1), np.float32)
        moved = offset + shift + how.offset_noise * _normal(offset.shape, generator)
        # A hit pushed over a border of its cell is reflected: clipping would pile hits up there.
        moved = np.where(moved > 0.5, 1 - moved, np.where(moved < -0.5, -1 - moved, moved))
        offset = np.where(hits, np.clip(moved, -0.5, 0.4999), 0).astype(np.float32)
    return velocity, offset


Source = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Which window, and which of its voices, each voice is taken from: each `[B, V]`."""


def _taken(cells: Cells, window: npt.NDArray[np.int64], voice: npt.NDArray[np.int64]) -> Cells:
    velocity, offset = cells
    step = np.arange(velocity.shape[1])[:, None]
    window, voice = window[:, None], voice[:, None]
    return velocity[window, step, voice], offset[window, step, voice]


def _refuse_other_voices(name: str, voices: int) -> None:
    if voices != N_VOICES:
        raise ConfigError(
            f"augmentation.{name} knows the nine voices, not {voices} classes",
            remedy="set it to 0",
        )


def _other_limbs(batch: int, probability: float, generator: np.random.Generator) -> Source:
    window = np.tile(np.arange(batch)[:, None], (1, N_VOICES))
    for limb in (_FOOT, _CYMBALS):
        other = generator.permutation(batch)
        taken = generator.random(batch) < probability
        window[:, limb] = np.where(taken, other, np.arange(batch))[:, None]
    return window, np.tile(np.arange(N_VOICES), (batch, 1))


def _swap_voices(batch: int, probability: float, generator: np.random.Generator) -> Source:
    voice = np.tile(np.arange(N_VOICES), (batch, 1))
    cymbals, toms = generator.random((2, batch)) < probability
    voice[cymbals, _HAT], voice[cymbals, _RIDE] = _RIDE, _HAT
    shuffled = generator.permuted(np.tile(_TOMS, (batch, 1)), axis=1)
    voice[:, _TOMS] = np.where(toms[:, None], shuffled, _TOMS)
    return np.tile(np.arange(batch)[:, None], (1, N_VOICES)), voice


def _normal(shape: tuple[int, ...], generator: np.random.Generator) -> npt.NDArray[np.float32]:
    return generator.standard_normal(shape, np.float32)
