"""What a notebook is given: well-formed, self-contained, small, and readable by everybody."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import ghostnote
from ghostnote.errors import GrooveError
from ghostnote.music.groove import Groove
from ghostnote.music.kit import VOICES
from ghostnote.notebook import (
    MAX_BARS,
    MAX_GROOVES,
    MAX_SECONDS,
    SAMPLE_RATE,
    groove_html,
    picture_html,
    show,
    show_lists,
)
from ghostnote.render.audio import Mix, for_player, mix, timed_hits
from ghostnote.render.kit import load_kit
from ghostnote.render.plot import bars_svg

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {
    "div", "style", "figure", "figcaption", "strong", "p", "audio",
    "svg", "rect", "text", "title",
}  # fmt: skip


def rock(bars: int = 1, *, bpm: float = 120.0) -> Groove:
    hits = Groove.silent(bars).hits.copy()
    hits[::8, 0] = hits[4::8, 1] = hits[::2, 2] = True
    return Groove.from_cells(hits, hits * 0.7, hits * 0.1, bpm=bpm)


class Page(HTMLParser):
    """The tags of a page, as a browser reads them; fails where one is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "rect"  # HTML itself has no such tags; SVG in it does
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] != "style":
            self.text += data

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def audio_of(html: str) -> list[bytes]:
    sources = [str(each["src"]) for each in Page(html).having("audio")]
    assert all(source.startswith("data:audio/") for source in sources)
    return [base64.b64decode(source.partition(",")[2], validate=True) for source in sources]


titles = st.text(st.characters(), max_size=20)


@st.composite
def grooves(draw: st.DrawFn) -> Groove:
    meter, per_bar = draw(st.sampled_from([((4, 4), 16), ((6, 8), 12), ((1, 16), 1)]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 2)) * per_bar, len(VOICES))
    return Groove.from_cells(
        random.random(shape) < draw(st.sampled_from([0.0, 0.2])),
        random.uniform(0.01, 1, shape),
        random.uniform(-0.5, 0.5, shape),
        bpm=draw(st.sampled_from([0.5, 120.0, 1000.0])),
        meter=meter,
    )


@given(st.lists(grooves(), min_size=1, max_size=2), st.data())
@settings(deadline=None, max_examples=12)
def test_pages_are_well_formed_and_need_nothing_else(chosen: list[Groove], data: Any) -> None:
    named = [data.draw(titles) for _ in chosen]
    html = show(chosen, named).html
    ET.fromstring(html)
    html.encode()
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for tag, attributes in page.tags:
        assert not {"id", "href", "onclick", "onload", "style"} & set(attributes)
        assert "src" not in attributes or (tag == "audio" and str(attributes["src"])[:5] == "data:")
    (style,) = [each.text or "" for each in ET.fromstring(html).iter("style")]
    assert "url(" not in style
    assert "@import" not in style
    counted = Counter(attributes.get("class") for attributes in page.having("rect"))
    assert counted["hit"] == sum(groove.n_hits for groove in chosen)


def test_titles_are_text() -> None:
    title = '<script>alert("&")</script>\n\x00\udcff'
    page = Page(show([rock(), rock()], [title, "b"]).html)
    assert not page.having("script")
    assert '<script>alert("&")</script>' in page.text
    assert str(page.having("audio")[0]["aria-label"]).startswith('Play <script>alert("&")</script>')


def test_pictures_and_players_have_names() -> None:
    page = Page(groove_html(rock(), "verse"))
    (picture,), (player,) = page.having("svg"), page.having("audio")
    assert picture["role"] == "img"
    assert picture["aria-label"] == "Drum roll of verse: kick 2, snare 2, closed hat 8"
    assert player["aria-label"] == "Play verse"
    assert "controls" in player
    assert "verse" in page.text
    assert "120 bpm · 4/4 · 1 bar · 12 hits" in page.text
    (silent,) = Page(groove_html(Groove.silent(1))).having("svg")
    assert silent["aria-label"] == "Drum roll of groove: no hits"


def test_what_is_heard_is_the_groove() -> None:
    groove = rock(2)
    (content,) = audio_of(groove_html(groove))
    heard, rate = soundfile.read(io.BytesIO(content))
    whole = mix(timed_hits(groove), load_kit(), sample_rate=SAMPLE_RATE).samples.mean(axis=1)
    assert rate == SAMPLE_RATE
    assert heard.shape == whole.shape
    assert np.corrcoef(heard, whole)[0, 1] > 0.97


def test_a_loop_of_four_bars_is_small() -> None:
    loop = max(ghostnote.sample(8, seed=7, bpm=120), key=lambda one: one.n_hits)
    (content,) = audio_of(html := groove_html(loop))
    assert loop.n_hits > 100
    assert len(content) < 120_000
    assert len(html) - len(base64.b64encode(content)) < 40_000
    assert html == groove_html(loop)


def test_without_an_mp3_encoder_it_is_wav(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = Mix(np.full((800, 2), 0.5, np.float32), 8000)
    assert for_player(audio)[1] == "audio/mpeg"
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": "WAV (Microsoft)"})
    content, kind = for_player(audio)
    assert kind == "audio/wav"
    heard, rate = soundfile.read(io.BytesIO(content))
    assert (len(heard), rate) == (800, 8000)
    assert heard == pytest.approx(np.full(800, 0.5), abs=1e-4)


def test_what_is_long_is_cut_and_says_so() -> None:
    song = rock(MAX_BARS + 8)
    page = Page(html := groove_html(song))
    drawn = [rect for rect in page.having("rect") if rect.get("class") == "hit"]
    assert len(drawn) == song[:MAX_BARS].n_hits
    assert f"{MAX_BARS + 8} bars" in page.text
    assert f"bars 1 to {MAX_BARS} are drawn" in page.text
    assert f"the first {MAX_SECONDS:g} s can be heard" in page.text
    assert soundfile.info(io.BytesIO(audio_of(html)[0])).duration < MAX_SECONDS + 5
    assert "drawn" not in Page(groove_html(rock(MAX_BARS, bpm=200))).text


def test_long_lists_are_cut_and_say_so() -> None:
    tick = rock(bpm=1000)
    page = Page(show([tick] * (MAX_GROOVES + 1)).html)
    assert len(page.having("audio")) == MAX_GROOVES
    assert f"{MAX_GROOVES} of {MAX_GROOVES + 1} grooves are shown" in page.text
    assert "are shown" not in Page(show([tick] * MAX_GROOVES).html).text


def test_show_has_a_text_too_and_refuses_an_empty_list() -> None:
    one = rock()
    assert repr(show(one)) == repr(one)
    assert repr(show([one, one], ["a", "b"])) == f"a: {one.summary}\nb: {one.summary}"
    assert show(one)._repr_html_() == one._repr_html_() == groove_html(one)
    assert ghostnote.show is show
    with pytest.raises(GrooveError, match="nothing to show"):
        show([])
    with pytest.raises(GrooveError, match="1 titles were given for 2 grooves"):
        show([one, one], ["a"])


@pytest.mark.parametrize("width", [100.0, 476.0, 920.0])
def test_bars_fill_the_width_or_keep_their_steps_apart(width: float) -> None:
    root = ET.fromstring(bars_svg(rock(4), width=width, label='a "label"'))
    assert root.attrib["aria-label"] == 'a "label"'
    numbers = [text for text in root.iter(f"{SVG}text") if (text.text or "").isdigit()]
    lines = len({text.attrib["y"] for text in numbers})
    assert [text.text for text in numbers] == ["1", "2", "3", "4"]
    assert lines == (4 if width == 100 else 1)
    assert float(root.attrib["width"]) == pytest.approx(max(width, 185.0), abs=2)
    for rect in root.iter(f"{SVG}rect"):
        x, y, wide, tall = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= float(root.attrib["width"])
        assert 0 <= y <= y + tall <= float(root.attrib["height"])


def test_other_pictures_get_a_caption() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="A map"></svg>'
    html = picture_html(svg, "2,000 grooves <of> GMD")
    ET.fromstring(html)
    assert svg in html
    assert Page(html).text == "2,000 grooves <of> GMD"


# -- lists -----------------------------------------------------------------------------------


@dataclass
class Formatter:
    """As IPython's: type → function, and `for_type` gives the one before."""

    known: dict[type, Any]

    def for_type(self, kind: type, function: Any = None) -> Any:
        before = self.known.get(kind)
        if function is not None:
            self.known[kind] = function
        return before


def test_lists_of_grooves_are_shown_and_others_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    formatter = Formatter({list: lambda values: f"a list of {len(values)}"})
    display = SimpleNamespace(formatters={"text/html": formatter})
    shell = SimpleNamespace(display_formatter=display)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    show_lists()
    one = rock()
    assert formatter.known[list]([one, one]) == show([one, one]).html
    assert formatter.known[tuple]((one, one)) == show([one, one]).html
    for others in ([], [one, 1], ["a"]):
        assert formatter.known[list](others) == f"a list of {len(others)}"
        assert formatter.known[tuple](tuple(others)) is None


def test_ipython_that_is_not_running_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    show_lists()


def test_a_real_ipython_shows_lists() -> None:
    pytest.importorskip("IPython")
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import ghostnote
formatter = shell.display_formatter
formatter.active_types = ["text/plain", "text/html"]
groove = ghostnote.Groove.silent(1)
shown = [formatter.format(value)[0] for value in (groove, [groove], (groove, groove), [1], "a")]
print(*(data.get("text/html", "").count("<audio") for data in shown))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["1", "1", "2", "0", "0"]
