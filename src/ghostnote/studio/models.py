"""The models of a studio: loaded once, and known by their names alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Final

from ghostnote import __version__
from ghostnote.bundle import DEFAULT, load_bundle, shipped
from ghostnote.errors import ConfigError
from ghostnote.pipeline.map import Map, map_styles, styles_of
from ghostnote.pipeline.models import model_for
from ghostnote.runtime import Runtime
from ghostnote.studio.queue import stop_if_unwanted

_TAUGHT: Final = {"humanize": "humanize", "tap": "tap", "infill": "infill", "continue": "infill"}
"""Verbs that are done by a model that was taught a task."""

_PLAIN: Final = ("sample", "vary", "interpolate", "blend", "place", "reconstruct", "attribute")
VERBS: Final = (*_PLAIN, "score", "map", *_TAUGHT)
"""All that is done with a model."""

_BATCH: Final = 16
"""Windows that go through a graph at once: few, since work can be stopped only between batches."""


class Models:
    """The shipped models, by name. Their graphs are loaded when they are first used."""

    def __init__(self, names: Iterable[str] | None = None) -> None:
        self._runtimes = {
            name: Runtime(load_bundle(name), batch=_BATCH, before=stop_if_unwanted)
            for name in (shipped() if names is None else names)
        }
        self._defaults = dict.fromkeys(VERBS, DEFAULT) | {
            verb: model_for(task).name for verb, task in _TAUGHT.items()
        }
        self._planes: dict[str, Map] = {}
        self._lock = threading.Lock()

    def runtime(self, verb: str, name: str | None = None) -> Runtime:
        """The model called `name`, by default the one that `verb` is done with.

        Raises:
            ConfigError: there is none of that name.
        """
        chosen = self._defaults[verb] if name is None else name
        if chosen not in self._runtimes:
            raise ConfigError(
                f"there is no model {chosen!r}", remedy=f"one of: {', '.join(self._runtimes)}"
            )
        return self._runtimes[chosen]

    def plane(self, runtime: Runtime) -> Map:
        """The map of a model's styles, which is made when it is first asked for."""
        with self._lock:
            name = runtime.bundle.name
            if name not in self._planes:
                self._planes[name] = map_styles(model=runtime)
            return self._planes[name]

    def warm(self) -> None:
        """Load what the first requests need, so that nobody waits for it."""
        from ghostnote.pipeline.sampling import sample

        runtime = self.runtime("sample")
        sample(model=runtime)
        self.plane(runtime)

    @property
    def plain(self) -> dict[str, Any]:
        """What there is, as `schemas.Models` has it."""
        return {
            "version": __version__,
            "models": [self._plain(runtime) for runtime in self._runtimes.values()],
        }

    def _plain(self, runtime: Runtime) -> dict[str, Any]:
        bundle = runtime.bundle
        parts = bundle.parts
        return {
            "name": bundle.name,
            "task": bundle.task.kind,
            "bars": bundle.bars,
            "meter": list(bundle.meter),
            "bpm": bundle.bpm,
            "temperature": bundle.temperature,
            "default_for": [verb for verb in VERBS if self._defaults[verb] == bundle.name],
            "styles": styles_of(bundle),
            "beat_types": [part.value for part in parts if part.kind == "beat_type"],
            "tempos": [list(part.value) for part in parts if part.kind == "bpm"],
            "attributes": list(bundle.directions),
        }
