"""The studio as a folder of files, which needs no server of ours: its models run in the browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final, NamedTuple

from ghostnote import __version__
from ghostnote.bundle import CONFIG, DECODER, ENCODER, LATENT, SCORER, Bundle
from ghostnote.errors import OutputError, StudioError
from ghostnote.files import atomic_folder
from ghostnote.render.kit import load_kit
from ghostnote.studio import verbs
from ghostnote.studio.gate import CONTENT_POLICY
from ghostnote.studio.listing import INDEX, page_files
from ghostnote.studio.models import Models

GRAPHS: Final = (ENCODER, DECODER, SCORER, LATENT)
"""The files of a bundle that playing with it takes, besides its `CONFIG`."""

MANIFEST: Final = "studio.json"
MODELS: Final = "models"
PLANE: Final = "map.json"

_REMOTE, _LOCAL = 'data-engine="remote"', 'data-engine="local"'
_POLICY: Final = re.sub(
    r"; frame-ancestors [^;]*",
    "",
    CONTENT_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"),
)
"""As a page can say it of itself, which has no say in who frames it; graphs run as WebAssembly."""


class Written(NamedTuple):
    """What was written: how many files, and their bytes."""

    files: int
    size: int


def write_static(folder: Path, *, force: bool = False) -> Written:
    """Write the studio to `folder`, to be put on any web host, under any path.

        index.html …            the page, told to use the engine of the browser
        studio.json             what `models` and `kit` answer, the version, and where models are
        kit/                    the samples
        models/NAME/            the graphs of each model, its config.json and latent.safetensors,
                                and map.json: its map of styles, with the plane's `centre` and
                                `axes` in the latent space

    Raises:
        OutputError: `folder` exists, and `force` is false or it is no such folder; or it cannot be
            written.
        StudioError: this installation has no page.
    """
    if folder.exists() and not force:
        raise OutputError("exists already", source=folder, remedy="use --force to replace it")
    if folder.exists() and not (folder / MANIFEST).is_file() and any(_content(folder)):
        raise OutputError(
            "is not a studio's folder, and would be replaced with all that is in it",
            source=folder,
            remedy="choose a folder that does not exist",
        )
    models = Models()
    pages = page_files()
    if INDEX not in pages:
        raise StudioError("has no page", remedy="install ghostnote again")
    with atomic_folder(folder) as new:
        for name, source in pages.items():
            target = new / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        (new / INDEX).write_text(_local(pages[INDEX].read_text("utf-8")), "utf-8")
        for info in models.plain["models"]:
            _write_model(new / MODELS / info["name"], models, info["name"])
        manifest = {
            "engine": "local",
            "version": __version__,
            "models": models.plain["models"],
            "kit": verbs.kit(load_kit()),
            "files": {info["name"]: f"{MODELS}/{info['name']}" for info in models.plain["models"]},
        }
        _write_json(new / MANIFEST, manifest)
        written = [path for path in new.rglob("*") if path.is_file()]
        return Written(len(written), sum(path.stat().st_size for path in written))


def _content(folder: Path) -> list[Path]:
    return [folder] if not folder.is_dir() else list(folder.iterdir())


def _local(page: str) -> str:
    """The page, told to use its own engine and to keep to itself."""
    if page.count(_REMOTE) != 1 or page.count("<head>") != 1:
        raise StudioError("has a page that cannot be told to use the browser's engine")
    policy = f'<head>\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    return page.replace(_REMOTE, _LOCAL).replace("<head>", policy)


def _write_model(folder: Path, models: Models, name: str) -> None:
    runtime = models.runtime("sample", name)
    bundle = runtime.bundle
    folder.mkdir(parents=True)
    shutil.copyfile(bundle.path / CONFIG, folder / CONFIG)
    for file in _files(bundle):
        (folder / file).write_bytes(bundle.read(file))
    plane = models.plane(runtime)
    told = verbs.style_map(models, name)
    told |= {"centre": plane.centre.tolist(), "axes": plane.axes.tolist()}
    _write_json(folder / PLANE, told)


def _files(bundle: Bundle) -> list[str]:
    return [name for name in GRAPHS if name in bundle.config["files"]]


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, separators=(",", ":")), "utf-8")
