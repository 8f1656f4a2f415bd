"""Pictures: one mark a hit, where and as the hit is; well-formed, deterministic, all or nothing."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.errors import ConfigError, GrooveError, MissingExtraError, OutputError
from ghostnote.music.groove import Groove, steps_per_bar
from ghostnote.music.kit import VOICES
from ghostnote.render.plot import (
    PALETTE,
    beat_steps,
    drum_roll_figure,
    drum_roll_svg,
    velocity_colour,
    write_picture,
)

SVG = "{http://www.w3.org/2000/svg}"
KICK = 0


def groove_of(
    hits: dict[tuple[int, int], tuple[float, float]],
    *,
    bars: int = 1,
    meter: tuple[int, int] = (4, 4),
) -> Groove:
    """(step, voice) → (velocity, offset)."""
    velocity = np.zeros((bars * steps_per_bar(meter), len(VOICES)), np.float32)
    offset = np.zeros_like(velocity)
    for cell, (loudness, late) in hits.items():
        velocity[cell], offset[cell] = loudness, late
    return Groove.from_cells(velocity > 0, velocity, offset, meter=meter)


@st.composite
def grooves(draw: st.DrawFn) -> Groove:
    meter = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (1, 16), (15, 4)]))
    bars = draw(st.integers(1, 11))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    shape = (bars * steps_per_bar(meter), len(VOICES))
    return Groove.from_cells(
        random.random(shape) < draw(st.sampled_from([0.0, 0.1, 1.0])),
        random.uniform(0.01, 1, shape),
        random.uniform(-0.5, 0.5, shape),
        bpm=draw(st.floats(1, 1000)),
        meter=meter,
    )


def marks(svg: str) -> list[ET.Element]:
    return [rect for rect in ET.fromstring(svg).iter(f"{SVG}rect") if rect.get("class") == "hit"]


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def centre(mark: ET.Element) -> float:
    return float(mark.attrib["x"]) + float(mark.attrib["width"]) / 2


@given(groove=grooves())
@settings(deadline=None, max_examples=15)
def test_one_mark_a_hit_within_the_picture(groove: Groove) -> None:
    svg = drum_roll_svg([groove])
    root = ET.fromstring(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    found = marks(svg)
    assert len(found) == groove.n_hits
    for rect in root.iter(f"{SVG}rect"):
        x, y, wide, tall = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert wide > 0
        assert tall > 0
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + tall <= height
    assert svg == drum_roll_svg([groove])
    counted = Counter(mark[0].text.split(" at ")[0] for mark in found if mark[0].text)
    played = dict(zip(VOICES, groove.hits.sum(axis=0).tolist(), strict=True))
    assert counted == {voice: count for voice, count in played.items() if count}


def test_marks_stand_at_their_onsets() -> None:
    spread = groove_of({(step, KICK): (0.5, 0.0) for step in range(16)})
    on_time = [centre(mark) for mark in marks(drum_roll_svg([spread]))]
    step = on_time[1] - on_time[0]
    assert np.diff(on_time) == pytest.approx(np.full(15, step), abs=0.03)
    for offset in (-0.5, -0.2, 0.1, 0.49):
        shifted = groove_of({(at, KICK): (0.5, offset) for at in range(16)})
        places = [centre(mark) for mark in marks(drum_roll_svg([shifted]))]
        assert places == pytest.approx([x + offset * step for x in on_time], abs=0.03)


def test_a_mark_on_time_is_centred_on_its_bar_line() -> None:
    svg = drum_roll_svg([groove_of({(0, KICK): (0.5, 0.0)})])
    number = next(text for text in ET.fromstring(svg).iter(f"{SVG}text") if text.text == "1" and
                  text.get("font-size") == "9")  # fmt: skip
    assert centre(marks(svg)[0]) == pytest.approx(float(number.attrib["x"]), abs=0.03)


def test_louder_is_taller_and_darker() -> None:
    velocities = np.linspace(0.01, 1, 16)
    svg = drum_roll_svg([groove_of({(at, KICK): (v, 0.0) for at, v in enumerate(velocities)})])
    heights = [float(mark.attrib["height"]) for mark in marks(svg)]
    colours = [mark.attrib["fill"] for mark in marks(svg)]
    assert (np.diff(heights) > 0).all()
    assert colours == [velocity_colour(float(np.float32(v))) for v in velocities]


def test_palette_is_in_order_of_lightness_evenly() -> None:
    assert (velocity_colour(0.0), velocity_colour(1.0)) == (PALETTE[0], PALETTE[-1])
    lightness = [_lightness(velocity_colour(v)) for v in np.linspace(0, 1, 33)]
    steps = -np.diff(lightness)
    assert (steps > 0).all()
    assert lightness[0] < 85  # stands out from paper
    assert steps.max() < 2 * steps.mean()


def _lightness(colour: str) -> float:
    """CIE L*, 0 to 100."""
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def test_bars_are_numbered_and_wrapped() -> None:
    twelve = groove_of({(0, KICK): (0.5, 0.0), (8 * 16, KICK): (0.5, 0.0)}, bars=12)
    svg = drum_roll_svg([twelve], ["twelve"])
    assert [text for text in texts(svg) if text.isdigit()][:12] == [str(n) for n in range(1, 13)]
    first, ninth = marks(svg)
    assert centre(first) == centre(ninth)
    assert float(first.attrib["y"]) < float(ninth.attrib["y"])


def test_titles_are_escaped_and_kept_in_one_line() -> None:
    title = 'a <b> & "c"\x00\n\udcff'
    shown = texts(drum_roll_svg([groove_of({})], [title]))
    assert 'a <b> & "c"\N{REPLACEMENT CHARACTER}' in shown[0]
    assert shown[0].isprintable()
    drum_roll_svg([groove_of({})], [title]).encode()
    long = texts(drum_roll_svg([groove_of({})], ["x" * 500]))[0]
    assert len(long) < 100
    assert long.endswith("…")


def test_heading_has_tempo_meter_and_hits() -> None:
    waltz = groove_of({(0, KICK): (0.5, 0.0)}, meter=(3, 4))
    assert "120 bpm · 3/4 · 1 hit" in texts(drum_roll_svg([waltz]))


def test_many_panels_stand_in_two_columns_with_one_legend() -> None:
    panel = groove_of({(0, KICK): (0.5, 0.0)})
    svg = drum_roll_svg([panel] * 16)
    places = [(centre(mark), float(mark.attrib["y"])) for mark in marks(svg)]
    assert len({x for x, _ in places}) == 2
    assert len({y for _, y in places}) == 8
    assert texts(svg).count("velocity") == 1


@pytest.mark.parametrize(
    ("meter", "steps"),
    [((4, 4), 4), ((3, 4), 4), ((2, 2), 8), ((6, 8), 6), ((12, 8), 6), ((3, 8), 2), ((7, 8), 2),
     ((9, 16), 3), ((5, 16), 1)],
)  # fmt: skip
def test_beats(meter: tuple[int, int], steps: int) -> None:
    assert beat_steps(meter) == steps


def test_nothing_to_draw_and_titles_that_do_not_match() -> None:
    with pytest.raises(GrooveError, match="nothing to draw"):
        drum_roll_svg([])
    with pytest.raises(GrooveError, match="2 titles were given for 1 groove"):
        drum_roll_svg([groove_of({})], ["a", "b"])


def test_write_svg(tmp_path: Path) -> None:
    one = groove_of({(3, 1): (0.7, 0.2)})
    picture = tmp_path / "new" / "roll.SVG"
    write_picture(picture, [one], ["été"])
    assert picture.read_text("utf-8") == drum_roll_svg([one], ["été"])
    with pytest.raises(OutputError, match="exists already"):
        write_picture(picture, [one])
    write_picture(picture, [one], overwrite=True)
    assert picture.read_text("utf-8") == drum_roll_svg([one])
    assert list(picture.parent.iterdir()) == [picture]


@pytest.mark.parametrize("name", ["roll.jpg", "roll"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="svg, png"):
        write_picture(tmp_path / name, [groove_of({})])
    assert not list(tmp_path.iterdir())


def test_png_shows_what_svg_shows(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("matplotlib.image")
    one = groove_of({(4, KICK): (1.0, 0.25), (12, 8): (0.2, -0.25)})
    picture = tmp_path / "roll.png"
    write_picture(picture, [one], ["a $x$ \N{SNOWMAN} 鼓"])
    pixels = image.imread(picture)[..., :3]
    svg = drum_roll_svg([one])
    root = ET.fromstring(svg)
    assert pixels.shape[:2] == (2 * int(root.attrib["height"]), 2 * int(root.attrib["width"]))
    for mark in marks(svg):
        y = float(mark.attrib["y"]) + float(mark.attrib["height"]) / 2
        shown = pixels[round(2 * y), round(2 * centre(mark))] * 255
        fill = mark.attrib["fill"]
        assert shown == pytest.approx([int(fill[at : at + 2], 16) for at in (1, 3, 5)], abs=2)


def test_png_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"ghostnote\[plot\]"):
        drum_roll_figure([groove_of({})])
    with pytest.raises(MissingExtraError):
        write_picture(tmp_path / "roll.png", [groove_of({})])
    assert not list(tmp_path.iterdir())
