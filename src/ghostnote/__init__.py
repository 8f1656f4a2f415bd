"""A latent space of drum loops: sample, morph and humanise grooves.

The names below are imported when they are first used, so that ``import ghostnote`` is free and
nobody waits for a runtime that they do not need.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ghostnote.bundle import load_bundle
    from ghostnote.errors import GhostnoteError
    from ghostnote.music.grid import to_groove, to_performance
    from ghostnote.music.groove import Groove, concatenate
    from ghostnote.music.kit import DrumMap, load_map
    from ghostnote.music.midi import Performance, read_midi, write_midi
    from ghostnote.music.song import Song, read_song, write_song
    from ghostnote.notebook import show
    from ghostnote.pipeline.attributes import attribute, fit_direction
    from ghostnote.pipeline.continuing import continue_, lengthen
    from ghostnote.pipeline.humanising import humanize
    from ghostnote.pipeline.infilling import cells, infill
    from ghostnote.pipeline.interpolation import blend, grid, interpolate
    from ghostnote.pipeline.map import Map, make_map, map_prior, map_styles, place
    from ghostnote.pipeline.reconstruction import reconstruct
    from ghostnote.pipeline.sampling import sample
    from ghostnote.pipeline.scoring import Score, score
    from ghostnote.pipeline.search import search, update_index
    from ghostnote.pipeline.songs import (
        continue_song,
        humanize_song,
        infill_song,
        play_song,
        vary_song,
    )
    from ghostnote.pipeline.tapping import rhythm_at, rhythm_of, tap, tempo_of
    from ghostnote.pipeline.variation import vary

__version__ = "0.1.0"

__all__ = [
    "DrumMap",
    "GhostnoteError",
    "Groove",
    "Map",
    "Performance",
    "Score",
    "Song",
    "__version__",
    "attribute",
    "blend",
    "cells",
    "concatenate",
    "continue_",
    "continue_song",
    "fit_direction",
    "grid",
    "humanize",
    "humanize_song",
    "infill",
    "infill_song",
    "interpolate",
    "lengthen",
    "load_bundle",
    "load_map",
    "make_map",
    "map_prior",
    "map_styles",
    "place",
    "play_song",
    "read_midi",
    "read_song",
    "reconstruct",
    "rhythm_at",
    "rhythm_of",
    "sample",
    "score",
    "search",
    "show",
    "tap",
    "tempo_of",
    "to_groove",
    "to_performance",
    "update_index",
    "vary",
    "vary_song",
    "write_midi",
    "write_song",
]

_HOMES: Final = {
    "DrumMap": "music.kit",
    "GhostnoteError": "errors",
    "Groove": "music.groove",
    "Map": "pipeline.map",
    "Performance": "music.midi",
    "Score": "pipeline.scoring",
    "Song": "music.song",
    "attribute": "pipeline.attributes",
    "blend": "pipeline.interpolation",
    "cells": "pipeline.infilling",
    "concatenate": "music.groove",
    "continue_": "pipeline.continuing",
    "continue_song": "pipeline.songs",
    "fit_direction": "pipeline.attributes",
    "grid": "pipeline.interpolation",
    "humanize": "pipeline.humanising",
    "humanize_song": "pipeline.songs",
    "infill": "pipeline.infilling",
    "infill_song": "pipeline.songs",
    "interpolate": "pipeline.interpolation",
    "lengthen": "pipeline.continuing",
    "load_bundle": "bundle",
    "load_map": "music.kit",
    "make_map": "pipeline.map",
    "map_prior": "pipeline.map",
    "map_styles": "pipeline.map",
    "place": "pipeline.map",
    "play_song": "pipeline.songs",
    "read_midi": "music.midi",
    "read_song": "music.song",
    "reconstruct": "pipeline.reconstruction",
    "rhythm_at": "pipeline.tapping",
    "rhythm_of": "pipeline.tapping",
    "sample": "pipeline.sampling",
    "score": "pipeline.scoring",
    "search": "pipeline.search",
    "show": "notebook",
    "tap": "pipeline.tapping",
    "tempo_of": "pipeline.tapping",
    "to_groove": "music.grid",
    "to_performance": "music.grid",
    "update_index": "pipeline.search",
    "vary": "pipeline.variation",
    "vary_song": "pipeline.songs",
    "write_midi": "music.midi",
    "write_song": "music.song",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if "IPython" in sys.modules:
    # A notebook asks a value how to show it, and a list of grooves is a plain list.
    import_module(f"{__name__}.notebook").show_lists()
