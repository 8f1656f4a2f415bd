"""``ghostnote map``: a folder of grooves, or a model's prior, as a map."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import Source, refuse_existing, say
from ghostnote.cli.labels import labels_of
from ghostnote.cli.search import indexed, tell
from ghostnote.errors import ConfigError
from ghostnote.files import write_bytes
from ghostnote.music.kit import DEFAULT_MAP

if TYPE_CHECKING:
    from ghostnote.pipeline.map import Map
    from ghostnote.pipeline.search import Update
    from ghostnote.runtime import Runtime

_DATA = ("csv", "json")


def map_(
    folder: Path | None = None,
    /,
    *,
    prior: int | None = None,
    out: Annotated[Path, Parameter(name=("--out", "-o"))] = Path("map.svg"),
    layout: Literal["pca", "neighbours"] = "pca",
    labels: str | None = None,
    seed: int = 0,
    index: Path | None = None,
    model: str = "groove-4bar",
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Draw a folder of grooves, or a model's prior, as a map with styles as colour.

    Each window of a file is a point. Styles are the names of the folders below the one given, or
    what --labels says; of a prior, the style that a draw is like.

    Example: ghostnote map loops -o map.svg

    Parameters
    ----------
    folder
        A folder of drum MIDI files; without it, the prior is drawn.
    prior
        How many draws of the prior; 1,000 by default.
    out
        What to write: .svg or .png, a picture; .csv or .json, the points.
    layout
        pca shows the two directions along which the grooves differ most; neighbours shows which
        grooves are near one another, and no distances.
    labels
        A CSV file with a column of file names and one of labels: FILE.csv or FILE.csv:COLUMN.
    seed
        Of the draws, and of the layout by neighbours.
    index
        The file that keeps the folder's index, as for search.
    model
        A model bundle by name, or its folder.
    drum_map
        Which pitches play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums, 1 to 16; where not given 10, or that of a track named after drums,
        or the only one.
    force
        Overwrite what exists.
    quiet
        Print nothing but errors.
    as_json
        Print what was made as JSON.
    """
    from ghostnote.bundle import load_bundle
    from ghostnote.pipeline.map import map_prior
    from ghostnote.runtime import Runtime

    if folder is not None and prior is not None:
        raise ConfigError("a folder and --prior are two maps", remedy="ask for one of them")
    kind = out.suffix[1:].lower()
    if kind not in _DATA:
        from ghostnote.render.plot import PICTURE_FORMATS

        if kind not in PICTURE_FORMATS:
            raise ConfigError(
                f"unknown format {kind!r}",
                source=out,
                remedy=f"one of: {', '.join((*PICTURE_FORMATS, *_DATA))}",
            )
    refuse_existing([out], force=force)
    runtime = Runtime(load_bundle(model))
    update = None
    if folder is None:
        made = map_prior(prior or 1000, model=runtime, layout=layout, seed=seed)
        title = f"{runtime.bundle.name}, {len(made):,} draws of the prior"
    else:
        made, update = _of_folder(
            folder, index, runtime, drum_map, channel, labels, layout, seed,
            quiet=quiet or as_json,
        )  # fmt: skip
        title = f"{folder.name or folder}, {len(made):,} windows"
    if kind == "csv":
        write_bytes(out, _csv(made), overwrite=force)
    elif kind == "json":
        write_bytes(out, json.dumps(_plain(made), indent=1).encode() + b"\n", overwrite=force)
    else:
        from ghostnote.render.scatter import write_scatter

        write_scatter(
            out, made.points, made.styles, made.labels,
            title=title, note=_note(made), overwrite=force,
        )  # fmt: skip
    if as_json:
        document = {
            "file": str(out),
            "points": len(made),
            "layout": made.layout,
            "explained": list(made.explained),
            "trustworthiness": made.trust,
            "failed": [list(item) for item in update.failed] if update else [],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif not quiet:
        if update is not None:
            tell(update)
        say(Console(), f"{len(made):,} points in {out}; {_note(made)}")


def _of_folder(  # noqa: PLR0917 - one call, of which every option is a part
    folder: Path,
    index: Path | None,
    runtime: Runtime,
    drum_map: str,
    channel: int | None,
    labels: str | None,
    layout: str,
    seed: int,
    *,
    quiet: bool,
) -> tuple[Map, Update | None]:
    from ghostnote.pipeline.map import make_map

    found, update = indexed(folder, index, runtime, drum_map, channel, as_it_is=False, quiet=quiet)
    counts = np.diff(found.start).tolist()
    names = [found.name(file) for file in range(len(counts))]
    sources = [Source(found.folder / name, Path(name)) for name in names]
    told = labels_of(sources, labels)
    files = np.repeat(np.arange(len(names)), counts).tolist()
    bars = found.bar.tolist()
    points = [
        f"{names[file]}" + (f", bar {bar + 1}" if counts[file] > 1 else "")
        for file, bar in zip(files, bars, strict=True)
    ]
    styles = [told.get(sources[file].path, "") for file in files] if told else []
    return make_map(found.mu, labels=points, styles=styles, layout=layout, seed=seed), update


def _note(made: Map) -> str:
    trust = f"trustworthiness {made.trust:.3f}"
    if made.layout == "neighbours":
        return f"neighbours, {trust}"
    return f"PCA, {made.explained[0]:.0%} and {made.explained[1]:.0%} of the variance, {trust}"


def _rows(made: Map) -> list[tuple[str, str, float, float]]:
    none = [""] * len(made)
    return [
        (label, style, x, y)
        for label, style, (x, y) in zip(
            made.labels or none, made.styles or none, made.points.round(6).tolist(), strict=True
        )
    ]


def _csv(made: Map) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["label", "style", "x", "y"])
    writer.writerows(_rows(made))
    return text.getvalue().encode("utf-8", "surrogateescape")


def _plain(made: Map) -> dict[str, object]:
    columns = ("label", "style", "x", "y")
    return {
        "layout": made.layout,
        "explained": list(made.explained),
        "trustworthiness": made.trust,
        "points": [dict(zip(columns, row, strict=True)) for row in _rows(made)],
    }
