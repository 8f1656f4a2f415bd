"""The files of the page, as a list that is made when the studio opens.

A path that a client asks for is looked up in that list, and never joined to a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from ghostnote.render.kit import BUNDLED as KIT

PAGE: Final = Path(__file__).parent / "page"
INDEX: Final = "index.html"

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""What is served, by suffix; anything else in the folder is not."""


@dataclass(frozen=True)
class Asset:
    """A file that is served, read when it is first asked for."""

    path: Path

    @cached_property
    def content(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()

    @cached_property
    def etag(self) -> str:
        """What tells its content from any other."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @property
    def media_type(self) -> str:
        """What it is."""
        return MEDIA_TYPES[self.path.suffix]


def page_files() -> dict[str, Path]:
    """What the page is made of, by its path beside `INDEX`; the samples of the kit in `kit/`."""
    return dict(_found(PAGE, "")) | dict(_found(KIT, "kit/"))


def assets() -> Mapping[str, Asset]:
    """The same as what is served; `INDEX` is at the root too."""
    listed = {name: Asset(path) for name, path in page_files().items()}
    return listed | ({"": listed[INDEX]} if INDEX in listed else {})


def _found(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in MEDIA_TYPES and path.is_file():
            yield prefix + path.relative_to(folder).as_posix(), path
