from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ghostnote.music.kit import N_VOICES, VOICES, voice_index
from ghostnote.render.kit import BUNDLED, KitError, load_kit

OPEN, CLOSED = voice_index("open hat"), voice_index("closed hat")


def write_wav(path: Path, samples: np.ndarray, rate: int = 44_100) -> None:
    """16-bit, `[N]` or `[N, 2]` in [-1, 1]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else 2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def make_kit(folder: Path, *, layers: str | None = None, more: str = "") -> Path:
    """A kit whose voices all play 100 frames of 0.5; `layers` and `more` are of the kick."""
    write_wav(folder / "hit.wav", np.full(100, 0.5))
    lines = []
    for voice in VOICES:
        rows = layers if layers and voice == "kick" else '[{ file = "hit.wav" }]'
        lines += [f'[voices."{voice}"]', f"layers = {rows}", more if voice == "kick" else ""]
    (folder / "kit.toml").write_text("\n".join(lines), "utf-8")
    return folder


# -- the kit that comes with the package -----------------------------------------------------


def test_the_bundled_kit_is_small_and_has_no_file_too_many() -> None:
    kit = load_kit()
    named = {layer.file.name for voice in kit.voices for layer in voice.layers}
    assert named == {path.name for path in BUNDLED.glob("*.wav")}
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= 1.5e6
    assert kit.voices[OPEN].choked_by == {OPEN, CLOSED}


@pytest.mark.parametrize("voice", range(N_VOICES), ids=VOICES)
def test_each_bundled_sample_starts_at_once_and_ends_in_silence(voice: int) -> None:
    for layer in load_kit().voices[voice].layers:
        samples, gain = load_kit().layer(voice, layer.up_to)
        peak = np.abs(samples).max()
        assert samples.dtype == np.float32
        assert samples.shape[1] == 2
        assert gain == layer.gain
        assert np.argmax(np.abs(samples).max(axis=1) > 0.01 * peak) <= 4
        assert np.abs(samples[-20:]).max() < 0.001
        assert abs(samples.mean()) < 1e-3


@pytest.mark.parametrize("voice", range(N_VOICES), ids=VOICES)
def test_layers_of_a_voice_are_equally_loud_so_that_velocity_alone_decides(voice: int) -> None:
    loudness = []
    for layer in load_kit().voices[voice].layers:
        samples, gain = load_kit().layer(voice, layer.up_to)
        loudness.append(20 * np.log10(gain * np.sqrt(np.square(samples[:2205]).mean())))
    assert np.ptp(loudness) < 0.2


# -- a kit of one's own ----------------------------------------------------------------------


def test_velocity_chooses_the_layer_up_to_its_bound(tmp_path: Path) -> None:
    write_wav(tmp_path / "hard.wav", np.full(50, 0.5))
    rows = '[{ file = "hit.wav", up_to = 0.5, gain_db = -6 }, { file = "hard.wav" }]'
    kit = load_kit(make_kit(tmp_path, layers=rows))
    assert [len(kit.layer(0, velocity)[0]) for velocity in (0.1, 0.5, 0.51, 1.0)] == [
        100, 100, 50, 50,
    ]  # fmt: skip
    assert kit.layer(0, 0.1)[1] == pytest.approx(0.501, abs=1e-3)
    assert kit.name == tmp_path.name


def test_samples_are_read_once_and_cannot_be_changed(tmp_path: Path) -> None:
    kit = load_kit(make_kit(tmp_path))
    samples, _ = kit.layer(0, 0.5)
    assert kit.layer(0, 0.9)[0] is samples
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 0


@pytest.mark.parametrize(("pan", "left", "right"), [(-1, 2**0.5, 0), (0, 1, 1), (1, 0, 2**0.5)])
def test_pan_keeps_the_power(tmp_path: Path, pan: float, left: float, right: float) -> None:
    samples, _ = load_kit(make_kit(tmp_path, more=f"pan = {pan}")).layer(0, 1.0)
    np.testing.assert_allclose(samples[10], [left * 0.5, right * 0.5], atol=1e-4)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_other_formats_stereo_and_rates_are_read(tmp_path: Path, subtype: str) -> None:
    time = np.arange(4800) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)
    soundfile.write(tmp_path / "tone.flac", np.stack([tone, -tone], 1), 48_000, subtype=subtype)
    kit = load_kit(make_kit(tmp_path, layers='[{ file = "tone.flac" }]'))
    samples, _ = kit.layer(0, 1.0, sample_rate=44_100)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(4410) / 44_100)
    assert samples.shape == (4410, 2)
    np.testing.assert_allclose(samples[200:-200, 0], expected[200:-200], atol=2e-3)
    np.testing.assert_allclose(samples[200:-200, 1], -expected[200:-200], atol=2e-3)


# -- kits that are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "more", "reason"),
    [
        ('[{ file = "../hit.wav" }]', "", "outside the kit's folder"),
        ('[{ file = "/etc/hit.wav" }]', "", "outside the kit's folder"),
        ('[{ file = "none.wav" }]', "", "none.wav of kick is not in the folder"),
        ("[{ up_to = 1.0 }]", "", "names no file"),
        ("[]", "", "no list of layers"),
        ("[3]", "", "no table"),
        ('[{ file = "hit.wav", up_to = 0.5 }]', "", "go up to 0.5"),
        ('[{ file = "hit.wav" }, { file = "hit.wav", up_to = 0.5 }]', "", "go up to 1, 0.5"),
        ('[{ file = "hit.wav", loud = 3 }]', "", "unknown key 'loud'"),
        ('[{ file = "hit.wav", gain_db = "3" }]', "", "gain_db of kick is '3'"),
        (None, "pan = 2", "pan of kick is 2"),
        (None, "pan = nan", "pan of kick is nan"),
        (None, 'choked_by = ["gong"]', "unknown voice 'gong'"),
        (None, "choked_by = 3", "not a list of voices"),
        (None, "[voices.gong]", "unknown voice 'gong'"),
        (None, "[voices.KD]", "kick is there twice"),
        (None, "[room]", "unknown key 'room'"),
        (None, "pan =", "cannot be read as TOML"),
    ],
)
def test_a_rule_that_is_broken_is_named_with_its_file(
    tmp_path: Path, layers: str | None, more: str, reason: str
) -> None:
    make_kit(tmp_path, layers=layers, more=more)
    with pytest.raises(KitError) as caught:
        load_kit(tmp_path)
    assert reason in caught.value.reason
    assert caught.value.source == str(tmp_path / "kit.toml")


def test_a_kit_lacks_voices(tmp_path: Path) -> None:
    (tmp_path / "kit.toml").write_text("[voices]\n", "utf-8")
    with pytest.raises(KitError, match="lacks kick, snare"):
        load_kit(tmp_path)


def test_no_kit(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="no such kit"):
        load_kit(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all"])
def test_a_sample_that_is_no_audio(tmp_path: Path, content: bytes) -> None:
    kit = load_kit(make_kit(tmp_path))
    (tmp_path / "hit.wav").write_bytes(content)
    with pytest.raises(KitError) as caught:
        kit.layer(0, 1.0)
    assert caught.value.source == str(tmp_path / "hit.wav")


def test_a_sample_without_frames(tmp_path: Path) -> None:
    kit = load_kit(make_kit(tmp_path))
    write_wav(tmp_path / "hit.wav", np.zeros(0))
    with pytest.raises(KitError, match="no usable sample"):
        kit.layer(0, 1.0)
