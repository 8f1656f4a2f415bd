"""``ghostnote sample``: new drum loops as files."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ghostnote.cli.batch import named, refuse_existing

if TYPE_CHECKING:
    from ghostnote.music.groove import Groove

_AUDIO = ("wav", "flac", "ogg", "mp3")
_PICTURES = ("svg", "png")
_FORMATS = ("mid", *_AUDIO, *_PICTURES)
_SHOWN = 4


def sample(
    *,
    n: Annotated[int, Parameter(name=("-n", "--number"))] = 4,
    seed: int | None = None,
    temperature: float | None = None,
    bpm: float | None = None,
    bars: int | None = None,
    fill_every: int | None = None,
    out: Annotated[Path, Parameter(name=("--out", "-o"))] = Path("loops"),
    formats: Annotated[
        Sequence[str], Parameter(name="--format", negative=(), show_default=False)
    ] = ("mid,wav,svg",),
    model: str = "groove-4bar",
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Write new drum loops as MIDI and audio, with one picture of them all.

    Loop i of a seed is always the same, whatever n is. A loop begins on its first beat: hits
    that the model plays before it are moved onto it, and counted.

    Example: ghostnote sample -n 8 --seed 7 --bpm 96 --out loops

    Parameters
    ----------
    n
        How many loops.
    seed
        Which ones; chosen at random, and printed, where not given.
    temperature
        Under 1 is safer, above 1 is wilder, 0 plays nothing unlikely. The model's own by default.
    bpm
        Tempo in quarter notes per minute; the model's own by default.
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
    force
        Overwrite files that exist.
    quiet
        Print nothing but errors.
    as_json
        Print what was written as JSON.
    """
    from ghostnote.bundle import DEFAULT, load_bundle
    from ghostnote.music.grid import on_the_beat
    from ghostnote.pipeline.sampling import sample as draw

    kinds = named(formats, _FORMATS)
    chosen = secrets.randbelow(10**6) if seed is None else seed
    bundle = load_bundle(model)
    width = max(2, len(str(n - 1)))
    names = [f"{bundle.name}-{chosen}-{index:0{width}}" for index in range(n)]
    of_each = [kind for kind in kinds if kind not in _PICTURES]
    pictures = [out / f"{bundle.name}-{chosen}.{kind}" for kind in kinds if kind in _PICTURES]
    files = [[out / f"{name}.{kind}" for kind in of_each] for name in names]
    refuse_existing((*pictures, *(file for group in files for file in group)), force=force)
    played = draw(n, seed=chosen, temperature=temperature, bpm=bpm, model=bundle)
    if bars is not None or fill_every is not None:
        from ghostnote.pipeline.continuing import lengthen

        played = lengthen(
            played, bundle.bars if bars is None else bars, fill_every=fill_every,
            temperature=temperature, seed=chosen, model=None if model == DEFAULT else bundle,
        )  # fmt: skip
    loops = [on_the_beat(groove) for groove in played]
    grooves = [groove for groove, _ in loops]
    _write(grooves, files, force)
    if pictures:
        from ghostnote.render.plot import write_picture

        for picture in pictures:
            write_picture(picture, grooves, names, overwrite=force)
    if as_json:
        _print_json(
            {
                "model": bundle.name,
                "seed": chosen,
                "temperature": bundle.temperature if temperature is None else temperature,
                "pictures": [str(picture) for picture in pictures],
                "loops": [
                    {
                        "index": index,
                        "files": [str(file) for file in group],
                        "bpm": groove.bpm,
                        "bars": groove.bars,
                        "hits": groove.n_hits,
                        "moved_onto_first_beat": moved,
                    }
                    for index, (group, (groove, moved)) in enumerate(zip(files, loops, strict=True))
                ],
            }
        )
    elif not quiet:
        _print_table(loops, names, of_each, pictures, out)


def _write(grooves: Sequence[Groove], files: Sequence[Sequence[Path]], force: bool) -> None:
    """Each groove as MIDI and as audio, as the suffixes of its files say."""
    from ghostnote.music.grid import to_performance
    from ghostnote.music.kit import builtin_map
    from ghostnote.music.midi import write_midi

    if any(file.suffix != ".mid" for group in files for file in group):
        from ghostnote.render.audio import mix, timed_hits, write_audio
        from ghostnote.render.kit import load_kit

        kit = load_kit()
    for groove, group in zip(grooves, files, strict=True):
        audio = None
        for file in group:
            if file.suffix == ".mid":
                write_midi(file, to_performance(groove, builtin_map("gm")), overwrite=force)
            else:
                audio = audio or mix(timed_hits(groove), kit)
                write_audio(file, audio, overwrite=force)


def _print_json(outcome: object) -> None:
    sys.stdout.write(json.dumps(outcome, indent=1) + "\n")


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
