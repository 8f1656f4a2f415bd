"""Drum kits: folders of samples, with a `kit.toml` that says which voice plays which."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import GhostnoteError
from ghostnote.music.kit import N_VOICES, VOICES, voice_index

SAMPLE_RATE: Final = 44_100
"""Frames per second where nothing else is asked for."""

Audio = npt.NDArray[np.float32]
"""Stereo sound: `[N, 2]` float32, full scale at ±1."""

_BUNDLED: Final = Path(__file__).with_name("samples")
_KIT_KEYS: Final = {"name", "gain", "curve", "voices"}
_VOICE_KEYS: Final = {"gain", "pan", "choke", "layers"}
_LAYER_KEYS: Final = {"file", "gain", "above"}
_EXAMPLE: Final = 'write [voices.kick] with layers = [{ file = "kick.wav" }], and so for each voice'
_SLACK: Final = 1024


class KitError(GhostnoteError):
    """A drum kit that cannot be read."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One sample of a voice, for velocities over `above`.

    `samples` are as they sound at velocity 1: gains and pan are in them.
    """

    above: float
    samples: Audio


@dataclass(frozen=True, eq=False)
class Voice:
    """What one voice plays: layers by ascending `above`, of which the first has 0.

    A hit silences what still rings of the voices with the same `choke`; None chokes nothing.
    """

    layers: tuple[Layer, ...]
    choke: str | None = None

    def layer(self, velocity: float) -> Layer:
        """The layer that a hit of `velocity`, in (0, 1], plays."""
        return next(layer for layer in reversed(self.layers) if velocity > layer.above)


@dataclass(frozen=True, eq=False)
class Kit:
    """Samples for all nine voices, in the order of `VOICES`.

    A hit of velocity `v` sounds at the amplitude ``v ** curve``.
    """

    name: str
    sample_rate: int
    curve: float
    voices: tuple[Voice, ...]


def load_kit(folder: str | Path | None = None, *, sample_rate: int = SAMPLE_RATE) -> Kit:
    """The kit in `folder`, which holds a `kit.toml`; without one, the kit that is bundled.

    Samples may be in any format that soundfile reads, mono or stereo, and are brought to
    `sample_rate` frames per second. The comments in the bundled `kit.toml` describe the file.

    Raises:
        KitError: the folder, its `kit.toml` or a sample is missing or unreadable, a key is unknown,
            a value is out of range, or a voice is missing.
    """
    root = _BUNDLED if folder is None else Path(folder)
    source = root / "kit.toml"
    try:
        table = tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        raise KitError(
            "no such kit", source=source, remedy="give a folder that holds a kit.toml"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KitError(f"cannot be read as TOML: {error}", source=source) from error
    try:
        return _kit(table, root, sample_rate)
    except GhostnoteError as error:
        raise KitError(
            error.reason, source=error.source or source, remedy=error.remedy
        ) from error


def _kit(table: Mapping[str, Any], root: Path, sample_rate: int) -> Kit:
    _known(table, _KIT_KEYS, "the kit")
    gain = _number(table, "gain", 0.0, -60, 60)
    entries = table.get("voices")
    if not isinstance(entries, Mapping):
        raise KitError("has no [voices] table", remedy=_EXAMPLE)
    voices: dict[int, Voice] = {}
    for name, entry in entries.items():
        if not isinstance(entry, Mapping):
            raise KitError(f"{name} is not a table", remedy=_EXAMPLE)
        voices[voice_index(name)] = _voice(name, entry, gain, root, sample_rate)
    missing = [VOICES[voice] for voice in range(N_VOICES) if voice not in voices]
    if missing:
        raise KitError(f"lacks {', '.join(missing)}", remedy=_EXAMPLE)
    return Kit(
        name=str(table.get("name", root.name)),
        sample_rate=sample_rate,
        curve=_number(table, "curve", 1.5, 0, 10),
        voices=tuple(voices[voice] for voice in range(N_VOICES)),
    )


def _voice(
    name: str, entry: Mapping[str, Any], gain: float, root: Path, sample_rate: int
) -> Voice:
    _known(entry, _VOICE_KEYS, name)
    gain += _number(entry, "gain", 0.0, -60, 60)
    angle = math.pi / 4 * (1 + _number(entry, "pan", 0.0, -1, 1))
    sides = np.array([math.cos(angle), math.sin(angle)])
    choke = entry.get("choke")
    if choke is not None and not isinstance(choke, str):
        raise KitError(f"choke of {name} is not a text")
    given = entry.get("layers")
    if not isinstance(given, list) or not given:
        raise KitError(f"{name} has no layers", remedy=_EXAMPLE)
    layers = []
    for layer in given:
        if not isinstance(layer, Mapping) or not isinstance(layer.get("file"), str):
            raise KitError(f"a layer of {name} names no file", remedy=_EXAMPLE)
        _known(layer, _LAYER_KEYS, f"a layer of {name}")
        decibels = gain + _number(layer, "gain", 0.0, -60, 60)
        samples = _read(root / layer["file"], sample_rate) * (sides * 10 ** (decibels / 20))
        samples = np.ascontiguousarray(samples, np.float32)
        samples.flags.writeable = False
        layers.append(Layer(_number(layer, "above", 0.0, 0, 1), samples))
    if layers[0].above or any(low.above >= high.above for low, high in pairwise(layers)):
        raise KitError(
            f"the layers of {name} do not rise from velocity 0",
            remedy="leave out above in the first layer, and raise it from each to the next",
        )
    return Voice(tuple(layers), choke)


def _known(table: Mapping[str, Any], keys: set[str], what: str) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise KitError(
            f"{what} has the unknown key {unknown[0]!r}", remedy=f"one of: {', '.join(sorted(keys))}"
        )


def _number(table: Mapping[str, Any], key: str, default: float, low: float, high: float) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise KitError(f"{key} = {value!r} is not a number in {low:g} to {high:g}")
    return float(value)


def _read(path: Path, sample_rate: int) -> Audio:
    """One sample as `[N, 1]` or `[N, 2]`, at `sample_rate`."""
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        reason = "cannot be read as audio" if path.exists() else "no such sample"
        raise KitError(reason, source=path, remedy="use WAV or FLAC files") from error
    if not len(samples) or samples.shape[1] > 2 or not np.isfinite(samples).all():
        raise KitError("is no mono or stereo sound", source=path)
    return samples if rate == sample_rate else _resample(samples, sample_rate / rate)


def _resample(samples: Audio, ratio: float) -> Audio:
    """`samples` with `ratio` times as many frames, band-limited.

    A Fourier transform takes its signal for periodic: the silence that is appended keeps the end
    of a sample from ringing into its onset.
    """
    padded = np.pad(samples, ((0, _SLACK), (0, 0)))
    frames = round(len(padded) * ratio)
    spectrum = np.fft.rfft(padded, axis=0)
    resampled = np.fft.irfft(spectrum, frames, axis=0) * (frames / len(padded))
    return resampled[: math.ceil(len(samples) * ratio)].astype(np.float32)
