"""What notebooks show: drum rolls and players, as HTML that needs nothing else.

No server, no script, no file, nothing from the network: pictures are SVG elements, and the audio
lies in the page. There are no ids, so that no two cells can disturb each other.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Final

import numpy as np

from ghostnote.errors import GrooveError
from ghostnote.music.groove import Groove
from ghostnote.music.kit import VOICES
from ghostnote.render.audio import TimedHits, for_player, mix, timed_hits
from ghostnote.render.kit import Kit, load_kit
from ghostnote.render.plot import bars_svg

MAX_GROOVES: Final = 12
"""Of a longer list, so many are shown: each has some 100 kB of audio, and notebooks keep it."""

MAX_BARS: Final = 32
"""The first so many bars of a longer groove are drawn."""

MAX_SECONDS: Final = 60.0
"""The first so many seconds of a longer groove can be listened to."""

SAMPLE_RATE: Final = 32_000
"""Of the audio in a page."""

_WIDE: Final = 920.0
_NARROW: Final = 476.0

# Pictures are drawn on light paper. In a dark theme they are turned over, lightness only: what
# was darkest, a loud hit, then is lightest. The themes are those of JupyterLab and nbconvert, of
# VS Code, of Colab, and of marimo.
_DARK: Final = ('[data-jp-theme-light="false"]', ".vscode-dark", "html[theme=dark]", ".dark")
_STYLE: Final = "".join(
    (
        "<style>",
        ".ghostnote{display:grid;gap:16px;margin:4px 0;max-width:972px}",
        ".ghostnote.many{grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr))}",
        ".ghostnote figure{margin:0;min-width:0}",
        ".ghostnote svg{display:block;max-width:100%;height:auto;border-radius:6px}",
        ".ghostnote audio{display:block;width:100%;max-width:476px;height:36px;margin-top:6px}",
        ".ghostnote figcaption,.ghostnote p{margin:0 0 4px;font-size:13px;line-height:1.4}",
        ".ghostnote p{grid-column:1/-1}",
        f":is({','.join(_DARK)}) .ghostnote svg{{filter:invert(.92) hue-rotate(180deg)}}",
        f":is({','.join(_DARK)}) .ghostnote audio{{color-scheme:dark}}",
        "</style>",
    )
)


@dataclass(frozen=True)
class Shown:
    """Something to look at, which shows itself as the last value of a notebook's cell.

    Attributes:
        html: what a notebook shows.
        text: what is shown where there is no HTML.
    """

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def show(grooves: Groove | Sequence[Groove], titles: Sequence[str] = ()) -> Shown:
    """Grooves with their drum rolls and players, under `titles`; numbered where there are none.

    A groove, or a list of some, shows itself as the value of a cell. This is for titles, and for
    notebooks that know nothing of lists.

    Raises:
        GrooveError: there is no groove, or there are not as many titles as grooves.
    """
    chosen = [grooves] if isinstance(grooves, Groove) else list(grooves)
    if not chosen:
        raise GrooveError("there is nothing to show")
    if titles and len(titles) != len(chosen):
        raise GrooveError(f"{len(titles)} titles were given for {len(chosen)} grooves")
    headings = list(titles) or [str(number) for number in range(1, len(chosen) + 1)]
    if len(chosen) == 1:
        return Shown(groove_html(chosen[0], titles[0] if titles else ""), repr(chosen[0]))
    lines = [f"{title}: {each.summary}" for title, each in zip(headings, chosen, strict=True)]
    return Shown(grooves_html(chosen, headings), "\n".join(lines))


# -- HTML ------------------------------------------------------------------------------------


def groove_html(groove: Groove, title: str = "") -> str:
    """A groove as a drum roll with a player and a caption."""
    return _section("ghostnote", [_groove_figure(groove, title, _WIDE)])


def grooves_html(grooves: Sequence[Groove], titles: Sequence[str]) -> str:
    """Grooves beside and below each other, as `groove_html` shows one; no more than `MAX_GROOVES`,
    and a line that says how many there are.
    """
    shown = list(zip(grooves, titles, strict=True))[:MAX_GROOVES]
    figures = [_groove_figure(groove, title, _NARROW) for groove, title in shown]
    if len(grooves) > len(shown):
        figures.append(f"<p>{len(shown)} of {len(grooves):,} grooves are shown.</p>")
    return _section("ghostnote many", figures)


def picture_html(svg: str, caption: str) -> str:
    """A picture with a caption.

    `svg` is an SVG element as it stands, drawn on light paper, with a ``role="img"`` and an
    ``aria-label`` of its own; `caption` is plain text.
    """
    return _section("ghostnote", [f"<figure>{_caption('', caption)}{svg}</figure>"])


def _section(kind: str, parts: Sequence[str]) -> str:
    return f'<div class="{kind}">{_STYLE}{"".join(parts)}</div>'


def _groove_figure(groove: Groove, title: str, width: float) -> str:
    drawn = groove[:MAX_BARS]
    facts = [
        f"{round(groove.bpm, 1):g} bpm",
        f"{groove.meter[0]}/{groove.meter[1]}",
        f"{groove.bars:,} bar" + "s" * (groove.bars != 1),
        f"{groove.n_hits:,} hit" + "s" * (groove.n_hits != 1),
    ]
    if drawn.bars < groove.bars:
        facts.append(f"bars 1 to {drawn.bars} are drawn")
    if groove.seconds > MAX_SECONDS:
        facts.append(f"the first {MAX_SECONDS:g} s can be heard")
    name = title or "groove"
    return (
        f"<figure>{_caption(title, ' · '.join(facts))}"
        f"{bars_svg(drawn, width=width, label=f'Drum roll of {name}: {_counted(drawn)}')}"
        f'<audio controls="controls" preload="metadata" aria-label="{_text(f"Play {name}")}" '
        f'src="{_audio_uri(groove)}"></audio></figure>'
    )


def _caption(title: str, facts: str) -> str:
    heading = f"<strong>{_text(title)}</strong> · " if title else ""
    return f"<figcaption>{heading}{_text(facts)}</figcaption>"


def _counted(groove: Groove) -> str:
    """The hits of each voice that plays, in words."""
    counts = zip(VOICES, groove.hits.sum(axis=0).tolist(), strict=True)
    return ", ".join(f"{voice} {count}" for voice, count in counts if count) or "no hits"


def _text(text: str) -> str:
    """`text` as HTML, in one line and without the characters that no page may hold."""
    return escape(
        "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    )


# -- audio -----------------------------------------------------------------------------------


def _audio_uri(groove: Groove) -> str:
    hits = timed_hits(groove)
    heard = hits.seconds < MAX_SECONDS
    excerpt = TimedHits(
        hits.seconds[heard],
        hits.voice[heard],
        hits.velocity[heard],
        float(np.minimum(hits.length, MAX_SECONDS)),
    )
    content, kind = for_player(mix(excerpt, _kit(), sample_rate=SAMPLE_RATE))
    return f"data:{kind};base64,{b64encode(content).decode()}"


@cache
def _kit() -> Kit:
    """The kit of the package, whose samples are read once."""
    return load_kit()


# -- lists -----------------------------------------------------------------------------------


def show_lists() -> None:
    """Have the running notebook show lists and tuples of grooves; all others as before."""
    shell = sys.modules["IPython"].get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for kind in (list, tuple):
        formatter.for_type(kind, _unless_grooves(formatter.for_type(kind)))


def _unless_grooves(otherwise: Callable[[Any], str | None] | None) -> Callable[[Any], str | None]:
    def html(values: Any) -> str | None:
        if values and all(isinstance(value, Groove) for value in values):
            return show(values).html
        return otherwise(values) if otherwise else None

    return html
