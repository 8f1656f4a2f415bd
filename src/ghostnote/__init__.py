"""A latent space of drum loops: sample, morph and humanise grooves.

The names below are imported when they are first used, so that ``import ghostnote`` is free and
nobody waits for a runtime that they do not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ghostnote.bundle import load_bundle
    from ghostnote.errors import GhostnoteError
    from ghostnote.music.grid import to_groove, to_performance
    from ghostnote.music.groove import Groove, concatenate
    from ghostnote.music.kit import DrumMap, load_map
    from ghostnote.music.midi import Performance, read_midi, write_midi
    from ghostnote.pipeline.attributes import attribute, fit_direction
    from ghostnote.pipeline.map import Map, make_map, map_prior
    from ghostnote.pipeline.reconstruction import reconstruct
    from ghostnote.pipeline.sampling import sample
    from ghostnote.pipeline.search import search, update_index

__version__ = "0.1.0"

__all__ = [
    "DrumMap",
    "GhostnoteError",
    "Groove",
    "Map",
    "Performance",
    "__version__",
    "attribute",
    "concatenate",
    "fit_direction",
    "load_bundle",
    "load_map",
    "make_map",
    "map_prior",
    "read_midi",
    "reconstruct",
    "sample",
    "search",
    "to_groove",
    "to_performance",
    "update_index",
    "write_midi",
]

_HOMES: Final = {
    "DrumMap": "music.kit",
    "GhostnoteError": "errors",
    "Groove": "music.groove",
    "Map": "pipeline.map",
    "Performance": "music.midi",
    "attribute": "pipeline.attributes",
    "concatenate": "music.groove",
    "fit_direction": "pipeline.attributes",
    "load_bundle": "bundle",
    "load_map": "music.kit",
    "make_map": "pipeline.map",
    "map_prior": "pipeline.map",
    "read_midi": "music.midi",
    "reconstruct": "pipeline.reconstruction",
    "sample": "pipeline.sampling",
    "search": "pipeline.search",
    "to_groove": "music.grid",
    "to_performance": "music.grid",
    "update_index": "pipeline.search",
    "write_midi": "music.midi",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
