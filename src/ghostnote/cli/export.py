"""``ghostnote export``: make a model bundle out of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from ghostnote.errors import ConfigError, MissingExtraError


def export(
    run: Path,
    *,
    out: Annotated[Path, Parameter(name=("--out", "-o"))],
    data: str | None = None,
    name: str | None = None,
    components: int = 1,
    temperature: float = 1.0,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Make a model bundle out of a run: weights, ONNX graphs, prior and card.

    Example: ghostnote export runs/groove-4bar -o my-model && ghostnote sample --model my-model

    Parameters
    ----------
    run
        The folder of a run; its best checkpoint is taken.
    out
        The folder to make.
    data
        The corpus that the run was trained on.
    name
        What the model is called; the preset's name by default.
    components
        Gaussians in the prior that z is drawn from.
    temperature
        At which the model is sampled by default.
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
    from ghostnote.data.corpus import load_corpus
    from ghostnote.data.windows import windows
    from ghostnote.export.bundle import export_bundle
    from ghostnote.train.checkpoint import load_checkpoint
    from ghostnote.train.config import RunConfig, from_table
    from ghostnote.train.loop import BEST

    if components < 1:
        raise ConfigError(f"--components is {components}", remedy="1 or more")
    if not 0 <= temperature <= 10:
        raise ConfigError(f"--temperature is {temperature:g}", remedy="0 to 10")
    checkpoint = load_checkpoint(run / BEST)
    trained = from_table(RunConfig, checkpoint.config)
    takes = load_corpus(data).select(split="train")
    training = windows(
        takes, bars=trained.model.bars, hop=trained.hop, meter=trained.model.signature
    )
    bundle = export_bundle(
        checkpoint,
        training,
        out,
        name=name,
        components=components,
        temperature=temperature,
        overwrite=force,
    )
    size = sum(file.stat().st_size for file in out.iterdir()) / 2**20
    Console(quiet=quiet).print(f"{bundle.name}: {size:.1f} MiB in {out}", highlight=False)
