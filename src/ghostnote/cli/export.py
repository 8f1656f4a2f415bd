"""``ghostnote export``: make a model bundle out of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from cyclopts import Parameter
from rich.console import Console

from ghostnote.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from ghostnote.bundle import Bundle
    from ghostnote.data.windows import Windows


def export(
    run: Path,
    *,
    out: Annotated[Path, Parameter(name=("--out", "-o"))],
    target: Annotated[Literal["bundle", "magentajs"], Parameter(name="--format")] = "bundle",
    data: str | None = None,
    name: str | None = None,
    components: int = 1,
    temperature: float = 1.0,
    shared_velocity: float | None = None,
    shared_spread: float | None = None,
    calibrate: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Make a model bundle out of a run: weights, ONNX graphs, prior and card.

    A bundle of an older ghostnote is completed: it gets the graphs and the parts of its training
    data that it lacks, and keeps its weights, its prior and its scores.

    With --format magentajs, make a folder that magenta.js loads, out of a run or a bundle.

    Example: ghostnote export runs/groove-4bar -o my-model && ghostnote sample --model my-model

    Parameters
    ----------
    run
        The folder of a run; its best checkpoint is taken. Or a bundle, to complete it.
    out
        The folder to make.
    target
        bundle, or magentajs for the models that the original has too; of those, only --force and
        --quiet matter.
    data
        The corpus that the run was trained on.
    name
        What the model is called; the preset's name by default. Of a bundle, this and the five
        options below stay.
    components
        Gaussians in the prior that z is drawn from.
    temperature
        At which the model is sampled by default.
    shared_velocity
        How much a voice's velocities stray together in a loop that is drawn: the variance of what
        they stray by in common over that of what each strays by on its own, 0 to 10. Without it,
        as the run's model.head.shared_velocity says, which is 0 unless it was set.
    shared_spread
        How much tighter or looser a voice is played in one loop that is drawn than in another: the
        standard deviation of the logarithm of how far its velocities and its timing stray, 0 to 2.
        Without it, as the run's model.head.shared_spread says, which is 0 unless it was set.
    calibrate
        Fit the width of what the model says of velocity and timing to the corpus's validation
        split, and of a model that humanises how much of its likeliest timing is played.
    force
        Replace the folder if it exists.
    quiet
        Print nothing but errors.
    """
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(str(error.name), "train", "exporting") from None
    console = Console(quiet=quiet)
    if target == "magentajs":
        _for_magentajs(run, out, force=force)
        console.print(f"{_size(out)} in {out}", highlight=False)
        return
    from ghostnote.bundle import CONFIG
    from ghostnote.export.bundle import export_bundle
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.loop import BEST

    if components < 1:
        raise ConfigError(f"--components is {components}", remedy="1 or more")
    if not 0 <= temperature <= 10:
        raise ConfigError(f"--temperature is {temperature:g}", remedy="0 to 10")
    shared = _shared(shared_velocity=shared_velocity, shared_spread=shared_spread)
    if (run / CONFIG).is_file():
        bundle = _completed(run, data, out, force=force)
    else:
        checkpoint = load_checkpoint(run / BEST)
        bundle = export_bundle(
            checkpoint,
            _windows(checkpoint.config, data, "train"),
            out,
            name=name,
            components=components,
            temperature=temperature,
            shared=shared,
            held_out=_windows(checkpoint.config, data, "validation") if calibrate else None,
            overwrite=force,
        )
    console.print(f"{bundle.name}: {_size(out)} in {out}", highlight=False)


def _shared(**options: float | None) -> dict[str, float]:
    """Those that are given, if they are in their ranges."""
    from ghostnote.model.config import LikelihoodConfig

    hints = get_type_hints(LikelihoodConfig, include_extras=True)
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        (limits,) = hints[name].__metadata__
        if not limits.low <= value <= limits.high:
            option = name.replace("_", "-")
            raise ConfigError(
                f"--{option} is {value:g}", remedy=f"{limits.low:g} to {limits.high:g}"
            )
    return given


def _windows(run: Mapping[str, Any], data: str | None, split: str) -> Windows:
    """The windows of a split of the corpus `data`, as a run of these settings takes them."""
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.model.config import map_of
    from ghostnote.train.config import RunConfig, from_table

    trained = from_table(RunConfig, run)
    takes = load_corpus(data, drum_map=map_of(trained.model)).select(split=split)
    return windows(takes, bars=trained.model.bars, hop=trained.hop, meter=trained.model.signature)


def _completed(folder: Path, data: str | None, out: Path, *, force: bool) -> Bundle:
    from ghostnote.bundle import load_bundle
    from ghostnote.export.bundle import complete_bundle

    bundle = load_bundle(folder)
    if "training" not in bundle.config:
        raise ConfigError(
            f"{bundle.name} was not trained here, and nothing is known of its training data",
            remedy="import it again: ghostnote import",
        )
    training = _windows(bundle.config["training"]["run"], data, "train")
    return complete_bundle(bundle, training, out, overwrite=force)


def _size(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.iterdir()) / 2**20:.1f} MiB"


def _for_magentajs(source: Path, out: Path, *, force: bool) -> None:
    from ghostnote.bundle import CONFIG, load_bundle
    from ghostnote.export.bundle import build_model, load_model
    from ghostnote.interop.magenta import export_magentajs
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.config import RunConfig, from_table
    from ghostnote.train.loop import BEST

    if (source / CONFIG).is_file():
        bundle = load_bundle(source)
        export_magentajs(load_model(bundle), bundle.task, out, overwrite=force)
    else:
        checkpoint = load_checkpoint(source / BEST)
        task = from_table(RunConfig, checkpoint.config).task
        export_magentajs(build_model(checkpoint), task, out, overwrite=force)
