"""Options that commands share, in groups. A group is one parameter of a command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ghostnote.music.kit import DEFAULT_MAP, load_map

if TYPE_CHECKING:
    from ghostnote.music.kit import DrumMap


@Parameter(name="*")
@dataclass(frozen=True)
class Speech:
    """What is said."""

    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False
    """Print nothing but errors."""
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False
    """Print what was done as JSON."""

    @property
    def silent(self) -> bool:
        """Whether nothing is said in words."""
        return self.quiet or self.as_json


@Parameter(name="*")
@dataclass(frozen=True)
class Writing(Speech):
    """Where the files go that are made of others, and what is said of them."""

    out: Annotated[Path | None, Parameter(name=("--out", "-o"))] = None
    """The folder to write to, laid out as the folders given; by default beside each file, with the
    word for what was done added to its name."""
    force: Annotated[bool, Parameter(negative=())] = False
    """Overwrite files that exist."""
    skip_existing: Annotated[bool, Parameter(negative=())] = False
    """Leave out files whose output exists."""


@Parameter(name="*")
@dataclass(frozen=True)
class Listening:
    """How the drums of a file are found and read."""

    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP
    """Which pitches play which voice: ghostnote, td11, gm, magenta-train,
    magenta-infer or a TOML file."""
    channel: int | None = None
    """The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
    or the only one."""

    def pitches(self) -> DrumMap:
        """The map, of the nine voices.

        Raises:
            DrumMapError: there is none, or it has other classes.
        """
        return load_map(self.drum_map).of_nine()
