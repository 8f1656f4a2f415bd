"""``ghostnote import``: models that other programs trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from ghostnote.errors import MissingExtraError

app = App(
    name="import",
    help="""Make model bundles out of models that other programs trained.

Example: ghostnote import magenta groovae_4bar.tar -o groovae""",
)


@app.command
def magenta(
    path: Path,
    *,
    out: Annotated[Path, Parameter(name=("--out", "-o"))],
    config: str | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Make a model bundle out of a checkpoint of Magenta's MusicVAE or GrooVAE.

    TensorFlow is not needed. The bundle computes what the original computed.

    Example: ghostnote import magenta groovae_2bar_humanize.tar -o humanize

    Parameters
    ----------
    path
        A TensorFlow checkpoint (PREFIX.index beside PREFIX.data-…), the folder or .tar that holds
        one, or a magenta.js folder.
    out
        The folder to make.
    config
        What the original calls the configuration, such as groovae_4bar; found out from the
        variables, and from the file's name, where not given.
    force
        Replace the folder if it exists.
    quiet
        Print nothing but errors.
    """
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(str(error.name), "train", "importing") from None
    from ghostnote.interop.magenta import import_magenta
    from ghostnote.interop.weights import read_weights

    bundle = import_magenta(read_weights(path), out, configuration=config, overwrite=force)
    size = sum(file.stat().st_size for file in out.iterdir()) / 2**20
    window = f"{bundle.bars} bars, {bundle.config['parameters']:,} parameters"
    Console(quiet=quiet).print(f"{bundle.name}: {window}, {size:.1f} MiB in {out}", highlight=False)
