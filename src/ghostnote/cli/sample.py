"""``ghostnote sample``: new drum loops as files."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ghostnote.cli.batch import named
from ghostnote.cli.loops import FORMATS, PICTURES, Plan, print_json, read_groove
from ghostnote.music.kit import DEFAULT_MAP, load_map

if TYPE_CHECKING:
    from ghostnote.music.groove import Groove

_SHOWN = 4


def sample(
    *,
    n: Annotated[int, Parameter(name=("-n", "--number"))] = 4,
    seed: int | None = None,
    temperature: float | None = None,
    bpm: float | None = None,
    bars: int | None = None,
    fill_every: int | None = None,
    near: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    radius: float = 0.5,
    style: str | None = None,
    beat_type: str | None = None,
    out: Annotated[Path, Parameter(name=("--out", "-o"))] = Path("loops"),
    formats: Annotated[
        Sequence[str], Parameter(name="--format", negative=(), show_default=False)
    ] = ("mid,wav,svg",),
    model: str = "groove-4bar",
    drum_map: Annotated[str, Parameter(name="--map")] = DEFAULT_MAP,
    channel: int | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Write new drum loops as MIDI and audio, with one picture of them all.

    Loop i of a seed is always the same, whatever n is. A loop begins on its first beat: hits
    that the model plays before it are moved onto it, and counted.

    Example: ghostnote sample -n 8 --seed 7 --bpm 96 --style jazz --out loops

    Parameters
    ----------
    n
        How many loops.
    seed
        Which ones; chosen at random, and printed, where not given.
    temperature
        Under 1 is safer, above 1 is wilder, 0 plays nothing unlikely. The model's own by default.
    bpm
        Tempo in quarter notes per minute; loops are like those of the training data that are about
        as fast. By default the tempo of --near or else the model's own, and loops like all of them.
    near
        A drum MIDI file to draw around, or - for standard input; its first bars, if it has more
        than the model draws.
    radius
        How far from --near, from 0, at it, to 1, as far as any draw.
    style
        Draw like this style of the training data, such as jazz; any is all of them.
    beat_type
        Draw like the beats or the fills of the training data: beat or fill.
    bars
        How many bars; as many as the model has by default. More are written by the model that was
        taught to infill, each to follow those before it.
    fill_every
        Every so manieth bar is a fill; none is by default.
    out
        The folder to write to.
    formats
        What to write, separated by commas: mid, wav, flac, ogg, mp3 for each loop, svg, png for
        the picture of all; mid,wav,svg by default.
    model
        A model bundle by name, or its folder.
    drum_map
        Which pitches of --near play which voice: ghostnote, td11, gm, magenta-train,
        magenta-infer or a TOML file.
    channel
        The channel of the drums of --near, 1 to 16; where not given 10, or that of a track named
        after drums, or the only one.
    force
        Overwrite files that exist.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from rich.console import Console

    from ghostnote.bundle import DEFAULT, load_bundle
    from ghostnote.cli.batch import say
    from ghostnote.errors import GrooveError
    from ghostnote.music.grid import on_the_beat
    from ghostnote.pipeline.sampling import sample as draw

    kinds = named(formats, FORMATS)
    chosen = secrets.randbelow(10**6) if seed is None else seed
    bundle = load_bundle(model)
    width = max(2, len(str(n - 1)))
    read = None if near is None else read_groove(near, load_map(drum_map).of_nine(), channel)
    words = [bundle.name, *(part for part in (read and read.stem, style, beat_type) if part)]
    name = "-".join((*words, str(chosen)))
    names = [f"{name}-{index:0{width}}" for index in range(n)]
    plan = Plan.of(out, names, name, kinds, force=force)
    centre = None if read is None else read.groove[: bundle.bars]
    try:
        played = draw(
            n,
            seed=chosen,
            temperature=temperature,
            bpm=bpm,
            near=centre,
            radius=radius,
            style=style,
            beat_type=beat_type,
            model=bundle,
        )
    except GrooveError as error:
        raise error if read is None else error.at(read.source) from None
    if bars is not None or fill_every is not None:
        from ghostnote.pipeline.continuing import lengthen

        played = lengthen(
            played, bundle.bars if bars is None else bars, fill_every=fill_every,
            temperature=temperature, seed=chosen, model=None if model == DEFAULT else bundle,
        )  # fmt: skip
    loops = [on_the_beat(groove) for groove in played]
    plan.write([groove for groove, _ in loops], force=force)
    if as_json:
        print_json(
            {
                "model": bundle.name,
                "seed": chosen,
                "temperature": bundle.temperature if temperature is None else temperature,
                "near": None if read is None else {**read.plain, "radius": radius},
                "style": style,
                "beat_type": beat_type,
                "pictures": [str(picture) for picture in plan.pictures],
                "loops": [
                    {
                        "index": index,
                        "files": [str(file) for file in group],
                        "bpm": groove.bpm,
                        "bars": groove.bars,
                        "hits": groove.n_hits,
                        "moved_onto_first_beat": moved,
                    }
                    for index, (group, (groove, moved)) in enumerate(
                        zip(plan.files, loops, strict=True)
                    )
                ],
            }
        )
    elif not quiet:
        if read is not None:
            cut = read.groove.bars - played[0].bars
            rest = (f"its first {played[0].bars} bars; {cut} left out",) if cut else ()
            for remark in (*read.remarks, *rest):
                say(Console(), f"{near}: {remark}")
        of_each = [kind for kind in kinds if kind not in PICTURES]
        _print_table(loops, names, of_each, plan.pictures, out)


def _print_table(
    loops: Sequence[tuple[Groove, int]],
    names: Sequence[str],
    kinds: Sequence[str],
    pictures: Sequence[Path],
    out: Path,
) -> None:
    from rich.console import Console
    from rich.table import Table

    from ghostnote.render.terminal import piano_roll

    console = Console(highlight=False, emoji=False)
    for name, (groove, _) in zip(names[:_SHOWN], loops, strict=False):
        console.print(name, style="bold")
        console.print(piano_roll(groove))
    if len(loops) > _SHOWN:
        console.print(f"… and {len(loops) - _SHOWN} more")
    table = Table(box=None, header_style="bold")
    for column in ("file", "bpm", "hits", "bars"):
        table.add_column(column, justify="left" if column == "file" else "right")
    suffixes = ",".join(kinds)
    for name, (groove, _) in zip(names, loops, strict=True):
        file = f"{name}.{suffixes if len(kinds) < 2 else '{' + suffixes + '}'}"
        table.add_row(file, f"{groove.bpm:g}", str(groove.n_hits), str(groove.bars))
    console.print(table)
    for picture in pictures:
        console.print(f"picture: {picture.name}")
    moved = sum(count for _, count in loops)
    early = f"; hits moved onto a first beat: {moved}" if moved else ""
    console.print(f"{len(loops)} loop{'s' * (len(loops) != 1)} in {out}{early}")
