"""Every error that ghostnote raises on purpose.

An error names three things: the file or value concerned, the reason, and the remedy. The command
line prints exactly that, in one line and without a traceback, and exits with `exit_code`.
"""

from __future__ import annotations

from pathlib import Path


class GhostnoteError(Exception):
    """Something a user can act on.

    `reason` says what is wrong, `source` which file or value it is wrong with, `remedy` what to
    do about it. `str(error)` is the one line ``source: reason (remedy)``.
    """

    exit_code = 1

    def __init__(
        self, reason: str, *, source: str | Path | None = None, remedy: str | None = None
    ) -> None:
        self.reason = reason
        self.source = None if source is None else str(source)
        self.remedy = remedy
        super().__init__(reason)

    def __str__(self) -> str:
        text = self.reason if self.source is None else f"{self.source}: {self.reason}"
        return text if self.remedy is None else f"{text} ({self.remedy})"

    def at(self, source: str | Path) -> GhostnoteError:
        """The same error about `source`, for callers that know the file a value came from."""
        return type(self)(self.reason, source=source, remedy=self.remedy)


class GrooveError(GhostnoteError):
    """Values that are no valid `Groove`, or an operation that a groove does not allow."""


class DrumMapError(GhostnoteError):
    """A drum map that cannot be read, or a voice that does not exist."""


class MidiError(GhostnoteError):
    """A file that is no MIDI, is damaged, or holds nothing that can be used."""


class DataError(GhostnoteError):
    """A data set that is missing, damaged or empty, or a filter that selects nothing."""


class BundleError(GhostnoteError):
    """A model bundle that is missing, damaged, or of another version."""


class WeightsError(GhostnoteError):
    """Weights of another program that are missing, damaged, or of a kind that is not read."""


class ConfigError(GhostnoteError):
    """An unknown preset or key, or a value out of range."""

    exit_code = 2


class TrainingError(GhostnoteError):
    """A run that cannot start, resume or go on."""


class OutputError(GhostnoteError):
    """A file that exists already, or a place that cannot be written."""


class StudioError(GhostnoteError):
    """A studio that cannot be opened."""


class MissingExtraError(GhostnoteError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            remedy=f"pip install 'ghostnote[{extra}]'",
        )

    def at(self, source: str | Path) -> GhostnoteError:
        """Unchanged: a missing package is not the fault of any one file."""
        return self
