"""What the page plays is what `ghostnote.render.audio.mix` plays, to the frame."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ghostnote.music.groove import Groove
from ghostnote.music.kit import VOICES
from ghostnote.render.audio import CEILING, SAMPLE_RATE, mix, timed_hits
from ghostnote.render.kit import Kit, load_kit

KNEE = 0.9
"""Below this the page's limiter lets everything through."""

RENDER = """async (groove) => {
    const {renderOffline} = await import(new URL("audio/offline.js", document.baseURI));
    const {buffer, lead} = await renderOffline(groove, await studio.transport.load());
    const frames = new Float32Array(2 * buffer.length);
    for (const side of [0, 1]) {
        buffer.getChannelData(side).forEach((value, at) => { frames[2 * at + side] = value; });
    }
    const bytes = new Uint8Array(frames.buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) {
        text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    }
    return {samples: btoa(text), lead};
}"""


@pytest.fixture(scope="module")
def kit() -> Kit:
    return load_kit()


def render(desk: Any, groove: dict[str, Any]) -> tuple[npt.NDArray[np.float32], float]:
    found = desk.page.evaluate(RENDER, groove)
    samples = np.frombuffer(base64.b64decode(found["samples"]), "<f4").reshape(-1, 2)
    return samples, found["lead"]


def plain(hits: Sequence[Sequence[float]], bars: int = 1, bpm: float = 110.0) -> dict[str, Any]:
    rounded = [[s, v, float(np.float32(a)), float(np.float32(b))] for s, v, a, b in sorted(hits)]
    return {"bpm": bpm, "meter": [4, 4], "bars": bars, "hits": rounded}


def random_hits(seed: int, *, steps: int = 32, loudest: float = 0.6) -> list[tuple[float, ...]]:
    random = np.random.default_rng(seed)
    return [
        (step, voice, random.uniform(0.05, loudest), random.uniform(-0.5, 0.49))
        for step in range(steps)
        for voice in range(len(VOICES))
        if random.random() < 0.15
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_page_s_mix_is_python_s(desk: Any, kit: Kit, seed: int) -> None:
    """With all layers, pans and chokes, at three tempos."""
    groove = plain(random_hits(seed), bars=2, bpm=[87.0, 110.0, 163.5][seed])
    expected = mix(timed_hits(desk.python(groove)), kit)
    assert np.abs(expected.samples).max() < KNEE
    samples, lead = render(desk, groove)
    assert lead == expected.lead
    shared = min(len(samples), len(expected.samples))
    assert np.abs(samples[shared:]).max(initial=0) < 1e-5
    assert np.abs(expected.samples[shared:]).max(initial=0) < 1e-5
    np.testing.assert_allclose(samples[:shared], expected.samples[:shared], atol=2e-4)


def test_layers_and_pans(desk: Any, kit: Kit) -> None:
    """Every voice alone, soft and hard, to 16 bits."""
    for voice in range(len(VOICES)):
        groove = plain([(0, voice, 0.3, 0.0), (8, voice, 0.95, 0.0)])
        expected = mix(timed_hits(desk.python(groove)), kit).samples
        samples, _ = render(desk, groove)
        shared = min(len(samples), len(expected))
        np.testing.assert_allclose(samples[:shared], expected[:shared], atol=3e-5)


def onset(samples: npt.NDArray[np.float32]) -> int:
    """The first frame that sounds."""
    return int(np.flatnonzero(np.abs(samples).max(axis=1) > 1e-4)[0])


@pytest.mark.parametrize("voice", [0, 2, 8])
def test_onsets_are_right_to_the_frame(desk: Any, voice: int) -> None:
    """A hit sounds as long after the one at 0 as its step and offset say, at any tempo."""
    for bpm, step, late in ((97.3, 5, -0.5), (110, 3, 0.37), (173.1, 31, 0.49), (60, 0, -0.25)):
        groove = plain([(step, voice, 0.8, late)], bars=2, bpm=bpm)
        samples, lead = render(desk, groove)
        at_0, _ = render(desk, plain([(0, voice, 0.8, 0.0)], bars=2, bpm=bpm))
        expected = (lead + (step + groove["hits"][0][3]) * 15 / bpm) * SAMPLE_RATE
        assert abs(onset(samples) - onset(at_0) - expected) <= 1


def test_a_closed_hat_chokes_an_open_one(desk: Any) -> None:
    ringing, _ = render(desk, plain([(0, 3, 1.0, 0.0)]))
    choked, _ = render(desk, plain([(0, 3, 1.0, 0.0), (2, 2, 0.01, 0.0)]))
    after = round((2 * 60 / 110 / 4 + 0.012) * SAMPLE_RATE)
    assert np.abs(ringing[after : after + 4000]).max() > 0.01
    assert np.abs(choked[after : after + 4000]).max() < 0.001
    kicked, _ = render(desk, plain([(0, 3, 1.0, 0.0), (2, 0, 0.01, 0.0)]))
    assert np.abs(kicked[after : after + 4000]).max() > 0.01


def test_together_they_do_not_choke(desk: Any, kit: Kit) -> None:
    groove = plain([(0, 2, 0.5, 0.0), (0, 3, 0.5, 0.0)])
    expected = mix(timed_hits(desk.python(groove)), kit).samples
    samples, _ = render(desk, groove)
    np.testing.assert_allclose(samples[: len(expected)], expected[: len(samples)], atol=3e-5)


def test_nothing_is_louder_than_the_ceiling(desk: Any, kit: Kit) -> None:
    groove = plain([(step, voice, 1.0, 0.0) for step in range(0, 16, 2) for voice in range(9)])
    hits = timed_hits(Groove.from_cells(
        *(np.ones((16, 9), t) for t in (bool, "f4")), np.zeros((16, 9)), bpm=110
    ))  # fmt: skip
    assert np.abs(mix(hits, kit).samples).max() == pytest.approx(CEILING, abs=1e-4)
    samples, _ = render(desk, groove)
    assert KNEE < np.abs(samples).max() <= CEILING


def test_swing_and_mutes_are_in_what_leaves_the_page(desk: Any) -> None:
    desk.put([(step, 2, 0.5, 0.0) for step in range(4)] + [(0, 0, 0.5, 0.1)])
    desk.slide("Swing", 67, of="Transport")
    desk.button("Mute kick").click()
    heard = desk.heard["hits"]
    assert [hit[0] for hit in heard] == [0, 1, 2, 3]
    assert [hit[3] for hit in heard] == [0, pytest.approx(1 / 3), 0, pytest.approx(1 / 3)]
    desk.slide("Swing", 75, of="Transport")
    assert desk.heard["hits"][1][3] == np.nextafter(np.float32(0.5), np.float32(0))
    assert desk.groove["hits"][-1][3] == 0
    desk.python(desk.heard)  # is a groove
