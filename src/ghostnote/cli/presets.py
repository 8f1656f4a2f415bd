"""``ghostnote presets``: what can be trained."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table


def presets(*, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """List the presets that can be trained, with the original's names for them.

    Parameters
    ----------
    as_json
        Print them as JSON, with every setting.
    """
    from ghostnote.train.config import to_table
    from ghostnote.train.presets import PRESETS

    console = Console()
    if as_json:
        table = {
            name: {"about": preset.about, "aliases": preset.aliases, "run": to_table(preset.run)}
            for name, preset in PRESETS.items()
        }
        console.print_json(json.dumps(table))
        return
    rows = Table(box=None, header_style="bold")
    for column in ("preset", "window", "z", "free bits", "also called", "what it is"):
        rows.add_column(column)
    for name, preset in PRESETS.items():
        model, objective = preset.run.model, preset.run.objective
        rows.add_row(
            name,
            f"{model.bars} bars of {model.meter}",
            str(model.latent),
            f"{objective.free_bits:g}",
            ", ".join(preset.aliases),
            preset.about,
        )
    console.print(rows)
