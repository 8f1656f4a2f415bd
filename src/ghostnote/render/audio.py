"""From hits to sound: a sample-accurate mixer, a limiter, and audio files."""

from __future__ import annotations

import io
import wave
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ghostnote.errors import MidiError, OutputError
from ghostnote.files import atomic_path
from ghostnote.music.grid import voice_table
from ghostnote.music.groove import Groove
from ghostnote.music.kit import DrumMap
from ghostnote.music.midi import DRUM_CHANNEL, Performance
from ghostnote.render.kit import SAMPLE_RATE, FloatArray, Kit

LOUDNESS_EXPONENT: Final = 1.6
"""Amplitude is velocity to this power: half the velocity is 9.6 dB softer."""

CEILING: Final = float(np.float32(0.966))
"""No sample of a mix is larger than this: 0.3 dB below full scale."""

MAX_SECONDS: Final = 3600.0
"""The longest mix; a longer one is most likely a damaged file, and would fill the memory."""

FORMATS: Final = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
"""Suffix → soundfile's names of the format and the encoding."""

_CHOKE_SECONDS: Final = 0.010
_LOOKAHEAD_SECONDS: Final = 0.005
_RELEASE_SECONDS: Final = 0.150
_BLOCK: Final = 32
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_PIECE: Final = 512 * _BLOCK


# -- hits in time ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TimedHits:
    """Hits on the clock, in any order.

    Attributes:
        seconds: `[N]` float64, from the start of bar 1; negative for a hit ahead of it.
        voice: `[N]` int, a voice of the kit.
        velocity: `[N]` float32, in (0, 1].
        length: how long the bars last, in seconds; hits may ring beyond.
    """

    seconds: npt.NDArray[np.float64]
    voice: npt.NDArray[np.intp]
    velocity: npt.NDArray[np.float32]
    length: float

    def __len__(self) -> int:
        """How many hits."""
        return len(self.seconds)


def timed_hits(groove: Groove) -> TimedHits:
    """The hits of a groove at its tempo, each where its offset puts it."""
    step, voice = np.nonzero(groove.hits)
    seconds = groove.offset[step, voice].astype(np.float64)
    seconds += step
    seconds *= groove.seconds_per_step
    return TimedHits(seconds, voice, groove.velocity[step, voice], groove.seconds)


def performance_hits(
    performance: Performance, drum_map: DrumMap, *, channel: int | None = DRUM_CHANNEL
) -> tuple[TimedHits, dict[int, int]]:
    """The drums of a file exactly as played, on no grid, through all its tempos.

    Time is counted from the performance's `start`. `channel` is counted from 1; with None, the
    notes of all channels are drums. Returns the hits, and pitch → number of notes for the pitches
    that the map does not know, which are left out.

    Raises:
        MidiError: nothing to play, unless the file says that its bars are empty.
        DrumMapError: the map has classes of its own.
    """
    drums = performance if channel is None else performance.channels(channel)
    voice = voice_table(drum_map.of_nine())[drums.pitch]
    known = voice >= 0
    pitches, counts = np.unique(drums.pitch[~known], return_counts=True)
    unmapped = dict(zip(pitches.tolist(), counts.tolist(), strict=True))
    if not known.any() and (unmapped or performance.stop is None):
        where = "" if channel is None else f" on channel {channel}"
        others = ", ".join(map(str, performance.notes_per_channel)) or "none"
        raise MidiError(
            f"has no drums{where} that the map {drum_map.name} knows",
            source=performance.source,
            remedy=f"use another drum map or channel; there are notes on channels: {others}",
        )
    stop = performance.end if performance.stop is None else performance.stop
    start, end = performance.seconds([performance.start, stop]).tolist()
    hits = TimedHits(
        performance.seconds(drums.onset[known]) - start,
        voice[known],
        drums.velocity[known].astype(np.float32) / np.float32(127),
        max(end - start, 0.0),
    )
    return hits, unmapped


# -- mixing ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Mix:
    """Audio.

    Attributes:
        samples: `[N, 2]` float32, no larger than `CEILING`.
        sample_rate: frames in a second.
        lead: seconds from the start of the audio to the start of bar 1; more than 0 only where a
            hit comes ahead of bar 1.
    """

    samples: FloatArray
    sample_rate: int
    lead: float = 0.0

    @property
    def seconds(self) -> float:
        """How long the audio lasts."""
        return len(self.samples) / self.sample_rate


def mix(hits: TimedHits, kit: Kit, *, sample_rate: int = SAMPLE_RATE) -> Mix:
    """Play `hits` on `kit`.

    Each hit begins exactly `lead` + its rounded time, in frames. The amplitude is velocity to the
    power of `LOUDNESS_EXPONENT`. The audio lasts to the end of the bars or of the last sample,
    whichever is later. What would exceed `CEILING` goes through `limit`.

    Raises:
        KitError: a sample cannot be read.
        OutputError: the audio would be longer than `MAX_SECONDS`.
    """
    first = float(hits.seconds.min(initial=0.0))
    length = max(hits.length, float(hits.seconds.max(initial=0.0))) - first
    if length > MAX_SECONDS:
        raise OutputError(
            f"would be {length / 60:.0f} minutes of audio",
            remedy=f"render at most {MAX_SECONDS / 60:.0f} minutes at once",
        )
    lead = round(-first * sample_rate)
    onset = np.rint(hits.seconds * sample_rate).astype(np.int64) + lead
    layers = [
        kit.layer(voice, velocity, sample_rate=sample_rate)
        for voice, velocity in zip(hits.voice.tolist(), hits.velocity.tolist(), strict=True)
    ]
    amplitude = hits.velocity**LOUDNESS_EXPONENT * np.array([gain for _, gain in layers])
    sounding = np.array([len(samples) for samples, _ in layers], np.int64)
    cut = np.minimum(sounding, _frames_to_choke(onset, hits.voice, kit))
    fade = np.linspace(1, 0, round(_CHOKE_SECONDS * sample_rate) + 1, dtype=np.float32)[1:, None]
    end = np.minimum(sounding, cut + len(fade))

    frames = max(lead + round(hits.length * sample_rate), int((onset + end).max(initial=0)))
    samples = np.zeros((frames, 2), np.float32)
    scratch = np.empty((int(end.max(initial=0)), 2), np.float32)
    for (source, _), gain, at, choked, stop in zip(
        layers, amplitude.astype(np.float32), onset.tolist(), cut.tolist(), end.tolist(),
        strict=True,
    ):  # fmt: skip
        voiced = np.multiply(source[:stop], gain, out=scratch[:stop])
        voiced[choked:] *= fade[: stop - choked]
        samples[at : at + stop] += voiced
    return Mix(limit(samples, sample_rate, out=samples), sample_rate, lead / sample_rate)


def _frames_to_choke(
    onset: npt.NDArray[np.int64], voice: npt.NDArray[np.intp], kit: Kit
) -> npt.NDArray[np.int64]:
    """`[N]`: the frames from each hit to the next one that chokes it."""
    frames = np.full(len(onset), np.iinfo(np.int64).max // 2)
    for index, choked in enumerate(kit.voices):
        mine = voice == index
        chokers = np.sort(onset[np.isin(voice, list(choked.choked_by))])
        following = np.searchsorted(chokers, onset[mine], side="right")
        reached = following < len(chokers)
        hits = np.flatnonzero(mine)[reached]
        frames[hits] = chokers[following[reached]] - onset[hits]
    return frames


def limit(
    samples: FloatArray, sample_rate: int = SAMPLE_RATE, *, out: FloatArray | None = None
) -> FloatArray:
    """`samples`, `[N, 2]`, turned down around each peak so that none exceeds `CEILING`.

    A look-ahead limiter: the gain falls over 5 ms before a peak and recovers within 150 ms after
    it, the same for left and right. Wherever nothing comes near the ceiling, the samples are
    returned to the bit. `out`, which may be `samples` themselves, receives the result.
    """
    limited = np.empty_like(samples) if out is None else out
    if max(samples.max(initial=0), -samples.min(initial=0)) <= CEILING:
        np.copyto(limited, samples)
        return limited
    # In pieces: fresh memory for the whole of the audio costs more than the arithmetic.
    pieces = [slice(at, at + _PIECE) for at in range(0, len(samples), _PIECE)]
    peak = np.full(-(-len(samples) // _BLOCK), CEILING)
    for piece in pieces:
        flat = np.abs(samples[piece]).reshape(-1)
        loud = np.flatnonzero(flat > CEILING)
        np.maximum.at(peak, (piece.start + loud // 2) // _BLOCK, flat[loud].astype(np.float64))
    gain = _edge_gain(CEILING / peak, sample_rate).astype(np.float32)
    slope = np.repeat(np.arange(_BLOCK, dtype=np.float32) / _BLOCK, 2)
    for piece in pieces:
        edges = gain[piece.start // _BLOCK : piece.stop // _BLOCK + 1]
        lines = (edges[:-1, None] + np.diff(edges)[:, None] * slope).reshape(-1, 2)
        np.multiply(samples[piece], lines[: len(samples) - piece.start], out=limited[piece])
        # Rounding may leave a peak one unit in the last place above the ceiling.
        np.clip(limited[piece], -CEILING, CEILING, out=limited[piece])
    return limited


def _edge_gain(needed: npt.NDArray[np.float64], sample_rate: int) -> npt.NDArray[np.float64]:
    """`[blocks + 1]`: the gain at the edges of blocks, between which it is a straight line.

    An edge is no louder than the blocks on both its sides need; release, look-ahead and smoothing
    each only ever lower it further.
    """
    edge = np.minimum(np.append(needed, 1.0), np.insert(needed, 0, 1.0))
    ahead = max(1, round(_LOOKAHEAD_SECONDS * sample_rate / _BLOCK))
    rise = np.arange(len(edge)) * (_BLOCK / (_RELEASE_SECONDS * sample_rate))
    released = np.minimum.accumulate(edge - rise) + rise
    padded = np.concatenate((np.full(ahead, released[0]), released, np.ones(ahead)))
    lowest = np.lib.stride_tricks.sliding_window_view(padded, ahead + 1).min(axis=1)
    smooth = np.lib.stride_tricks.sliding_window_view(lowest, ahead + 1).mean(axis=1)
    gain: npt.NDArray[np.float64] = np.minimum(smooth, 1.0)
    return gain


# -- files -----------------------------------------------------------------------------------


def write_audio(path: str | Path, audio: Mix, *, overwrite: bool = True) -> None:
    """Write `audio` in the format of the suffix: 16-bit WAV or FLAC, Ogg Vorbis, or MP3.

    The same mix gives the same bytes.

    Raises:
        OutputError: an unknown suffix, a rate that the format does not have, a file that exists
            while `overwrite` is false, or a place that cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise OutputError(
            f"{suffix or 'no suffix'!r} is no audio format",
            source=target,
            remedy=f"one of: {', '.join(FORMATS)}",
        )
    with atomic_path(target, overwrite=overwrite) as temporary:
        if suffix == ".wav":
            temporary.write_bytes(wav_bytes(audio))
        else:
            _encode(target, temporary, audio)


def wav_bytes(audio: Mix) -> bytes:
    """`audio` as a 16-bit WAV file."""
    # By the standard library, since soundfile would take longer to import than to write.
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(audio.sample_rate)
        file.writeframes(np.rint(audio.samples * np.float32(32767)).astype("<i2").tobytes())
    return content.getvalue()


def for_player(audio: Mix) -> tuple[bytes, str]:
    """`audio` as a small file for a player in a page, and its media type.

    That is mono MP3, which every browser plays: some 9 kB a second at 32 kHz, with all that the
    drums have up to 15 kHz. Where the installed libsndfile cannot write MP3, it is 16-bit WAV.
    """
    import soundfile

    suffix = ".mp3" if "MP3" in soundfile.available_formats() else ".wav"
    container, encoding = FORMATS[suffix]
    mono, file = audio.samples.mean(axis=1), io.BytesIO()
    soundfile.write(file, mono, audio.sample_rate, format=container, subtype=encoding)
    return file.getvalue(), {".mp3": "audio/mpeg", ".wav": "audio/wav"}[suffix]


def _encode(target: Path, temporary: Path, audio: Mix) -> None:
    import soundfile

    container, encoding = FORMATS[target.suffix.lower()]
    try:
        with soundfile.SoundFile(
            temporary, "w", audio.sample_rate, 2, subtype=encoding, format=container
        ) as file:
            # In pieces, since the Vorbis encoder keeps all the frames of a call on the stack; as
            # float32, since the MP3 encoder distorts 16-bit stereo.
            for start in range(0, len(audio.samples), 65_536):
                file.write(audio.samples[start : start + 65_536])
    except soundfile.SoundFileError as error:
        raise OutputError(
            f"cannot be written: {error}",
            source=target,
            remedy="free some space, or choose WAV or another folder",
        ) from error
    if container == "OGG":
        temporary.write_bytes(_with_fixed_serial(temporary.read_bytes()))


def _with_fixed_serial(ogg: bytes) -> bytes:
    """An Ogg file whose stream has serial number 1.

    The encoder draws a random one, so that the same mix would give other bytes each time. A page
    (RFC 3533, section 6) has its serial number at byte 14 and its checksum at byte 22, which is
    zlib's with the bits of every byte reversed and nothing inverted.
    """
    pages = bytearray(ogg)
    at = 0
    while at < len(pages):
        lengths = pages[at + 27 : at + 27 + pages[at + 26]]
        end = at + 27 + len(lengths) + sum(lengths)
        pages[at + 14 : at + 18] = (1).to_bytes(4, "little")
        pages[at + 22 : at + 26] = bytes(4)
        checksum = zlib.crc32(pages[at:end].translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
        pages[at + 22 : at + 26] = checksum.to_bytes(4, "big").translate(_REVERSED)
        at = end
    return bytes(pages)
