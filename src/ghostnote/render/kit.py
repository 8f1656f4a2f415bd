"""A sampled drum kit: a folder of audio files and the `kit.toml` that says what they play.

Samples are read when they are first played, so that a loop pays only for the voices it uses.
"""

from __future__ import annotations

import math
import tomllib
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import DrumMapError, GhostnoteError
from ghostnote.music.kit import VOICES, voice_index

FloatArray = npt.NDArray[np.float32]

SAMPLE_RATE: Final = 44_100
BUNDLED: Final = Path(__file__).parent / "samples"
FILE_NAME: Final = "kit.toml"


class KitError(GhostnoteError):
    """A kit that is missing or damaged, or whose `kit.toml` breaks a rule."""


@dataclass(frozen=True)
class Layer:
    """One sample of a voice: the file, the highest velocity it plays, and its amplitude."""

    file: Path
    up_to: float
    gain: float


@dataclass(frozen=True)
class KitVoice:
    """The layers of a voice, by ascending `up_to`, the last of which is 1.

    `pan` is from -1 (left) to 1 (right); a later hit of a voice in `choked_by` silences this one.
    """

    layers: tuple[Layer, ...]
    pan: float = 0.0
    choked_by: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Kit:
    """A drum kit; `voices` are in the order of `ghostnote.music.kit.VOICES`."""

    name: str
    voices: tuple[KitVoice, ...]
    _loaded: dict[tuple[int, Path, int], FloatArray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def layer(
        self, voice: int, velocity: float, *, sample_rate: int = SAMPLE_RATE
    ) -> tuple[FloatArray, float]:
        """What a hit of `voice` at `velocity` (in (0, 1]) plays.

        Returns read-only samples, `[N, 2]` float32 in [-1, 1] before panning, at `sample_rate`,
        and the amplitude of the layer, to which the mixer adds its velocity curve.

        Raises:
            KitError: the sample cannot be read.
        """
        chosen = self.voices[voice]
        layer = next((each for each in chosen.layers if velocity <= each.up_to), chosen.layers[-1])
        key = (voice, layer.file, sample_rate)
        if key not in self._loaded:
            samples = _panned(_resample(*_read(layer.file), sample_rate), chosen.pan)
            samples.flags.writeable = False
            self._loaded[key] = samples
        return self._loaded[key], layer.gain


def load_kit(path: str | Path | None = None) -> Kit:
    """The kit in the folder `path`, by default the one that comes with ghostnote.

    Raises:
        KitError: no such folder, or no valid `kit.toml` in it, or a sample is missing.
    """
    folder = BUNDLED if path is None else Path(path)
    source = folder / FILE_NAME
    try:
        table = tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        raise KitError(
            "no such kit", source=source, remedy=f"give a folder with samples and a {FILE_NAME}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KitError(f"cannot be read as TOML: {error}", source=source) from error
    try:
        return _kit(table, folder)
    except KitError as error:
        raise error.at(source) from None


# -- kit.toml --------------------------------------------------------------------------------

_EXAMPLE: Final = (
    'write [voices.kick] with layers = [{ file = "kick.wav", up_to = 1.0, gain_db = -3.0 }], '
    "and so on for each voice"
)


def _kit(table: Mapping[str, object], folder: Path) -> Kit:
    _only(table, {"name", "voices"}, "the file")
    tables = _mapping(table.get("voices"), "[voices]")
    voices: dict[int, KitVoice] = {}
    for key, value in tables.items():
        voice = _voice(key)
        if voice in voices:
            raise KitError(f"{VOICES[voice]} is there twice", remedy="keep one of them")
        voices[voice] = _kit_voice(_mapping(value, f"[voices.{key}]"), VOICES[voice], folder)
    missing = [name for voice, name in enumerate(VOICES) if voice not in voices]
    if missing:
        raise KitError(f"lacks {', '.join(missing)}", remedy=_EXAMPLE)
    name = table.get("name", folder.resolve().name)
    if not isinstance(name, str):
        raise KitError("name is not a text")
    return Kit(name, tuple(voices[voice] for voice in range(len(VOICES))))


def _kit_voice(table: Mapping[str, object], name: str, folder: Path) -> KitVoice:
    _only(table, {"layers", "pan", "choked_by"}, name)
    rows, chokers = table.get("layers"), table.get("choked_by", [])
    if not isinstance(rows, list) or not rows:
        raise KitError(f"{name} has no list of layers", remedy=_EXAMPLE)
    if not isinstance(chokers, list):
        raise KitError(f"choked_by of {name} is not a list of voices")
    layers = tuple(_layer(_mapping(row, f"a layer of {name}"), name, folder) for row in rows)
    bounds = [layer.up_to for layer in layers]
    if bounds != sorted(set(bounds)) or bounds[-1] != 1:
        raise KitError(
            f"the layers of {name} go up to {', '.join(f'{bound:g}' for bound in bounds)}",
            remedy="let up_to rise from layer to layer, to 1.0 in the last",
        )
    return KitVoice(
        layers,
        _number(table.get("pan", 0.0), f"pan of {name}", -1, 1),
        frozenset(_voice(choker) for choker in chokers),
    )


def _layer(table: Mapping[str, object], name: str, folder: Path) -> Layer:
    _only(table, {"file", "up_to", "gain_db"}, f"a layer of {name}")
    file = table.get("file")
    if not isinstance(file, str) or not file:
        raise KitError(f"a layer of {name} names no file", remedy=_EXAMPLE)
    path = folder / file
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise KitError(
            f"{file} of {name} is outside the kit's folder", remedy="copy it into the folder"
        )
    if not path.is_file():
        raise KitError(f"{file} of {name} is not in the folder", remedy="add it, or name another")
    decibels = _number(table.get("gain_db", 0.0), f"gain_db of {name}", -120, 24)
    return Layer(
        path, _number(table.get("up_to", 1.0), f"up_to of {name}", 0, 1), 10 ** (decibels / 20)
    )


def _only(table: Mapping[str, object], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise KitError(
            f"{where} has the unknown key {unknown[0]!r}",
            remedy=f"one of: {', '.join(sorted(known))}",
        )


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise KitError(f"{what} is missing or is no table", remedy=_EXAMPLE)
    return value


def _number(value: object, what: str, low: float, high: float) -> float:
    number = float(value) if type(value) in (int, float) else math.nan  # type: ignore[arg-type]
    if not low <= number <= high:
        raise KitError(f"{what} is {value!r}, not a number from {low:g} to {high:g}")
    return number


def _voice(name: object) -> int:
    try:
        return voice_index(str(name))
    except DrumMapError as error:
        raise KitError(error.reason, remedy=error.remedy) from None


# -- samples ---------------------------------------------------------------------------------


def _read(path: Path) -> tuple[FloatArray, int]:
    """The samples of an audio file, `[N, 1]` or `[N, 2]`, and its rate."""
    try:
        # Most kits are 16-bit WAV, for which the slow import of soundfile can be spared.
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise wave.Error
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            rate, channels = file.getframerate(), file.getnchannels()
        samples = (raw.astype(np.float32) / np.float32(32768)).reshape(-1, channels)
    except (wave.Error, EOFError, ValueError):
        samples, rate = _read_any(path)
    except OSError as error:
        raise KitError(f"cannot be read: {error.strerror or error}", source=path) from error
    if not len(samples) or samples.shape[1] > 2 or not np.isfinite(samples).all():
        raise KitError(
            f"is no usable sample: {len(samples)} frames of {samples.shape[1]} channels",
            source=path,
            remedy="give a mono or stereo file that is not empty",
        )
    return samples, rate


def _read_any(path: Path) -> tuple[FloatArray, int]:
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise KitError(
            f"cannot be read as audio: {error}", source=path, remedy="convert it to 16-bit WAV"
        ) from error
    return samples, int(rate)


def _panned(samples: FloatArray, pan: float) -> FloatArray:
    """`[N, 2]`: left and right at constant power, with an amplitude of 1 for both in the middle."""
    angle = (pan + 1) * math.pi / 4
    panned = np.empty((len(samples), 2), np.float32)
    np.multiply(samples[:, 0], math.sqrt(2) * math.cos(angle), out=panned[:, 0])
    np.multiply(samples[:, -1], math.sqrt(2) * math.sin(angle), out=panned[:, 1])
    return panned


def _resample(samples: FloatArray, rate: int, wanted: int) -> FloatArray:
    """Band-limited resampling, through the spectrum of the whole sample."""
    if rate == wanted:
        return samples
    common = math.gcd(rate, wanted)
    block = rate // common
    # Silence up to a whole number of blocks keeps the ratio exact, and catches what the filter
    # rings before the onset, which comes out at the far end and is cut off there.
    blocks = -(-(len(samples) + 1024) // block)
    size = blocks * (wanted // common)
    spectrum = np.fft.rfft(samples, blocks * block, axis=0)
    bins = min(len(spectrum), size // 2 + 1)
    resampled = np.fft.irfft(spectrum[:bins], size, axis=0) * (wanted / rate)
    return resampled[: math.ceil(len(samples) * wanted / rate)].astype(np.float32)
