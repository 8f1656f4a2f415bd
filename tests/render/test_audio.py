from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ghostnote.errors import MidiError, OutputError
from ghostnote.music.groove import Groove
from ghostnote.music.kit import builtin_map, voice_index
from ghostnote.music.midi import Performance
from ghostnote.render.audio import (
    CEILING,
    LOUDNESS_EXPONENT,
    Mix,
    TimedHits,
    limit,
    mix,
    performance_hits,
    timed_hits,
    write_audio,
)
from ghostnote.render.kit import Kit, KitVoice, Layer, load_kit

RATE = 44_100
OPEN, CLOSED = voice_index("open hat"), voice_index("closed hat")


def write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32768).astype("<i2").tobytes())


@pytest.fixture(scope="session")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """Each voice is one frame of 0.25; the open hat is 0.25 for a second."""
    folder = tmp_path_factory.mktemp("clicks")
    write_wav(folder / "click.wav", np.array([0.25]))
    write_wav(folder / "long.wav", np.full(RATE, 0.25))
    click = KitVoice((Layer(folder / "click.wav", 1.0, 1.0),))
    hat = KitVoice((Layer(folder / "long.wav", 1.0, 1.0),), 0.0, frozenset({OPEN, CLOSED}))
    return Kit("clicks", tuple(hat if voice == OPEN else click for voice in range(9)))


def hits_at(*hits: tuple[float, int, float], length: float = 1.0) -> TimedHits:
    """(seconds, voice, velocity) of each hit."""
    return TimedHits(
        np.array([hit[0] for hit in hits], np.float64),
        np.array([hit[1] for hit in hits], np.intp),
        np.array([hit[2] for hit in hits], np.float32),
        length,
    )


def onsets(audio: Mix) -> list[int]:
    return np.flatnonzero(audio.samples[:, 0]).tolist()


# -- hits in time ----------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 31),
    st.floats(-0.5, 0.484375, width=32),
    st.floats(30, 300),
)
def test_a_hit_begins_at_the_frame_of_its_step_and_offset(
    clicks: Kit, step: int, offset: float, bpm: float
) -> None:
    played = np.zeros((32, 9), bool)
    played[step, 0] = True
    groove = Groove.from_cells(played, np.ones((32, 9)), np.full((32, 9), offset), bpm=bpm)
    audio = mix(timed_hits(groove), clicks)
    expected = round((step + offset) * 60 / bpm / 4 * RATE)
    assert onsets(audio) == [max(expected, 0)]
    assert round(audio.lead * RATE) == max(-expected, 0)


def test_a_silent_groove_is_silence_of_its_length() -> None:
    audio = mix(timed_hits(Groove.silent(4)), load_kit())
    assert audio.samples.shape == (8 * RATE, 2)
    assert not audio.samples.any()
    assert audio.lead == 0


def test_hits_ahead_of_bar_1_make_the_audio_start_early(clicks: Kit) -> None:
    audio = mix(hits_at((-0.01, 0, 1.0), (0.5, 1, 1.0)), clicks)
    assert onsets(audio) == [0, 441 + 22_050]
    assert audio.lead == 0.01
    assert len(audio.samples) == 441 + RATE


def test_a_performance_is_played_through_all_its_tempos() -> None:
    notes = Performance(
        480, np.array([0, 480, 960]), np.array([36, 99, 38]), np.array([127, 64, 64]),
        np.full(3, 9), np.zeros(3, int), np.full(3, 10),
        tempos=((0, 500_000), (480, 1_000_000)), end=1920,
    )  # fmt: skip
    hits, unmapped = performance_hits(notes, builtin_map("gm"))
    np.testing.assert_allclose(hits.seconds, [0.0, 1.5])
    assert hits.voice.tolist() == [0, 1]
    np.testing.assert_allclose(hits.velocity, [1.0, 64 / 127], rtol=1e-6)
    assert hits.velocity.dtype == np.float32
    assert hits.length == 3.5
    assert unmapped == {99: 1}


def test_time_in_a_performance_counts_from_its_start() -> None:
    notes = Performance(
        480, np.array([470]), np.array([36]), np.array([127]), np.array([9]), np.zeros(1, int),
        np.array([10]), end=2400, start=480, stop=2400,
    )  # fmt: skip
    hits, _ = performance_hits(notes, builtin_map("gm"))
    np.testing.assert_allclose(hits.seconds, [-10 / 960])
    assert hits.length == 2.0


def test_a_performance_without_drums_is_an_error_that_names_its_channels() -> None:
    notes = Performance(
        480, np.array([0]), np.array([36]), np.array([127]), np.array([2]), np.zeros(1, int),
        np.array([10]), end=480, source="song.mid",
    )  # fmt: skip
    with pytest.raises(MidiError, match=r"song.mid: has no drums on channel 10 .* channels: 3"):
        performance_hits(notes, builtin_map("gm"))
    assert len(performance_hits(notes, builtin_map("gm"), channel=None)[0]) == 1


def test_audio_of_many_hours_is_refused(clicks: Kit) -> None:
    with pytest.raises(OutputError, match="minutes of audio"):
        mix(hits_at((1e6, 0, 1.0)), clicks)


# -- the mix ---------------------------------------------------------------------------------


def test_amplitude_is_a_power_of_velocity(clicks: Kit) -> None:
    soft, loud = (mix(hits_at((0, 0, velocity)), clicks).samples.max() for velocity in (0.25, 0.5))
    assert loud / soft == pytest.approx(2**LOUDNESS_EXPONENT, rel=1e-5)


@pytest.mark.parametrize("voice", range(9))
def test_harder_is_louder_across_the_layers_too(voice: int) -> None:
    kit = load_kit()
    energies = [
        np.square(mix(hits_at((0, voice, velocity)), kit).samples[:2205]).sum()
        for velocity in np.linspace(0.05, 1.0, 20)
    ]
    assert (np.diff(energies) > 0).all()


def test_hits_of_a_voice_overlap_and_add_up() -> None:
    kit = load_kit()
    one = mix(hits_at((0, 0, 0.3)), kit).samples
    two = mix(hits_at((0, 0, 0.3), (0.1, 0, 0.3)), kit).samples
    np.testing.assert_allclose(two[:4410], one[:4410], atol=1e-7)
    np.testing.assert_allclose(two[4410:8000], one[4410:8000] + one[:3590], atol=1e-7)


@pytest.mark.parametrize("choker", [OPEN, CLOSED])
def test_the_hats_choke_the_open_hat_within_10_ms(clicks: Kit, choker: int) -> None:
    free = mix(hits_at((0, OPEN, 1.0), (0.5, 0, 1.0)), clicks).samples[:, 0]
    choked = mix(hits_at((0, OPEN, 1.0), (0.5, choker, 1.0)), clicks).samples[:, 0]
    cut, fade = RATE // 2, 441
    assert (free[cut + 1 :] == 0.25).all()
    assert (choked[:cut] == 0.25).all()
    rest = choked[cut + 1 :] - (0.25 if choker == OPEN else 0)
    assert (np.diff(rest[: fade - 1]) < 0).all()
    np.testing.assert_allclose(rest[fade - 1 : cut - 1], 0, atol=1e-7)


def test_simultaneous_hats_and_earlier_ones_do_not_choke(clicks: Kit) -> None:
    audio = mix(hits_at((0.1, OPEN, 1.0), (0.1, CLOSED, 1.0), (0, CLOSED, 1.0)), clicks)
    assert (audio.samples[4411 : 4410 + RATE] == 0.25).all()


def test_the_audio_lasts_to_the_end_of_the_longest_sample() -> None:
    kit, crash = load_kit(), voice_index("crash")
    audio = mix(hits_at((0.5, crash, 1.0), length=1.0), kit)
    assert len(audio.samples) == RATE // 2 + len(kit.layer(crash, 1.0)[0])
    assert audio.seconds == len(audio.samples) / RATE


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(6)))
def test_the_order_of_hits_does_not_matter(order: list[int]) -> None:
    hits = [(0.0, 0, 1.0), (0.1, OPEN, 0.5), (0.2, CLOSED, 0.5), (0.3, OPEN, 1.0),
            (0.35, 1, 0.2), (0.6, OPEN, 0.4)]  # fmt: skip
    kit = load_kit()
    shuffled = mix(hits_at(*(hits[index] for index in order)), kit).samples
    np.testing.assert_allclose(shuffled, mix(hits_at(*hits), kit).samples, atol=1e-6)


def test_another_sample_rate_keeps_times_and_pitch() -> None:
    kit = load_kit()
    plain = mix(hits_at((0.25, 0, 1.0)), kit)
    double = mix(hits_at((0.25, 0, 1.0)), kit, sample_rate=88_200)
    assert len(double.samples) == pytest.approx(2 * len(plain.samples), abs=2)
    both = slice(RATE // 4 + 50, RATE // 4 + 5000)
    np.testing.assert_allclose(double.samples[::2][both], plain.samples[both], atol=5e-3)


# -- the limiter -----------------------------------------------------------------------------

_SIGNALS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(0, 3000), st.just(2)),
    elements=st.floats(-8, 8, width=32),
)


@settings(deadline=None, max_examples=60)
@given(_SIGNALS)
def test_no_sample_exceeds_the_ceiling_and_none_grows_or_changes_sign(samples: np.ndarray) -> None:
    limited = limit(samples)
    assert limited.shape == samples.shape
    assert limited.dtype == np.float32
    assert np.abs(limited).max(initial=0) <= CEILING <= 10 ** (-0.3 / 20)
    assert (np.abs(limited) <= np.abs(samples)).all()
    assert (limited * samples >= 0).all()
    assert limit(samples, out=samples) is samples
    assert samples.tobytes() == limited.tobytes()


@settings(deadline=None, max_examples=30)
@given(_SIGNALS)
def test_a_mix_under_the_ceiling_is_untouched_to_the_bit(samples: np.ndarray) -> None:
    quiet = np.clip(samples, -CEILING, CEILING)
    assert limit(quiet).tobytes() == quiet.tobytes()


def test_only_the_surroundings_of_a_peak_are_turned_down_smoothly_and_alike() -> None:
    samples = np.full((RATE, 2), 0.5, np.float32)
    samples[RATE // 2, 0] = 3.0
    gain = limit(samples)[:, 1] / 0.5
    assert (gain[: RATE // 2 - 600] == 1).all()
    assert (gain[RATE // 2 + 8000 :] == 1).all()
    assert gain[RATE // 2] == pytest.approx(CEILING / 3, rel=0.02)
    assert np.abs(np.diff(gain)).max() < 0.01


# -- files -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def audio() -> Mix:
    return mix(hits_at((0, 0, 1.0), (0.25, CLOSED, 0.7), (0.5, 1, 1.0)), load_kit())


def test_wav_bytes_are_the_same_each_time_and_hold_the_samples(tmp_path: Path, audio: Mix) -> None:
    first, second = tmp_path / "a.wav", tmp_path / "b.WAV"
    write_audio(first, audio)
    write_audio(second, audio)
    content = first.read_bytes()
    assert content == second.read_bytes()
    assert len(content) == 44 + 4 * len(audio.samples)
    with wave.open(str(first)) as file:
        assert file.getparams()[:4] == (2, 2, RATE, len(audio.samples))
        pcm = np.frombuffer(file.readframes(len(audio.samples)), "<i2").reshape(-1, 2)
    np.testing.assert_allclose(pcm / 32767, audio.samples, atol=0.51 / 32767)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_the_suffix_is_the_format(tmp_path: Path, audio: Mix, suffix: str) -> None:
    path = tmp_path / f"loop{suffix}"
    write_audio(path, audio)
    about = soundfile.info(path)
    assert suffix[1:].upper() in about.format
    assert (about.samplerate, about.channels) == (RATE, 2)
    samples, _ = soundfile.read(path)
    assert abs(len(samples) - len(audio.samples)) < 3000
    power = np.square(samples).mean() * len(samples)
    assert power == pytest.approx(np.square(audio.samples).mean() * len(audio.samples), rel=0.05)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_the_same_mix_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=(RATE, 2)).astype(np.float32)
    first, second = (tmp_path / f"{name}{suffix}" for name in ("first", "second"))
    write_audio(first, Mix(noise, RATE))
    write_audio(second, Mix(noise, RATE))
    assert first.read_bytes() == second.read_bytes()


def test_a_long_ogg_is_written(tmp_path: Path) -> None:
    write_audio(tmp_path / "long.ogg", Mix(np.zeros((30 * RATE, 2), np.float32), RATE))
    assert soundfile.info(tmp_path / "long.ogg").frames == 30 * RATE


@pytest.mark.parametrize("name", ["loop.aiff", "loop"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path, audio: Mix, name: str) -> None:
    with pytest.raises(OutputError, match=r"one of: \.wav, \.flac, \.ogg, \.mp3"):
        write_audio(tmp_path / name, audio)
    assert not any(tmp_path.iterdir())


def test_a_file_that_exists_is_kept_where_asked(tmp_path: Path, audio: Mix) -> None:
    path = tmp_path / "loop.wav"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        write_audio(path, audio, overwrite=False)
    assert path.read_bytes() == b"mine"


def test_what_the_encoder_refuses_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_audio(tmp_path / "loop.mp3", Mix(np.zeros((100, 2), np.float32), 96_000))
    assert not any(tmp_path.iterdir())


def test_mixing_and_writing_wav_do_not_import_soundfile(tmp_path: Path) -> None:
    import subprocess

    program = (
        "import sys; from ghostnote.music.groove import Groove; "
        "from ghostnote.render.audio import mix, timed_hits, write_audio; "
        "from ghostnote.render.kit import load_kit; import numpy as np; "
        "g = Groove.from_cells(*[np.ones((16, 9))] * 2, np.zeros((16, 9))); "
        f"write_audio({str(tmp_path / 'a.wav')!r}, mix(timed_hits(g), load_kit())); "
        "assert 'soundfile' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
