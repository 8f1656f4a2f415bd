"""``ghostnote presets``: what can be trained."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import say


def presets(*, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """List the presets that can be trained, with the original's names for them.

    Parameters
    ----------
    as_json
        Print them as JSON, with every setting.
    """
    from ghostnote.model.size import n_parameters
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
    line = "{:24}  {:>4}  {:13}  {:12}  {:>7}  {:>3}  {:>4}"
    say(console, line.format("preset", "bars", "head", "task", "numbers", "z", "bits"))
    for name, preset in PRESETS.items():
        model = preset.run.model
        values = (
            *(name, model.bars, model.head.kind, preset.run.task.kind),
            *(f"{n_parameters(model) / 1e6:.1f} M", model.latent),
            f"{preset.run.objective.free_bits:g}",
        )
        say(console, line.format(*values))
        say(console, f"    {preset.about}")
        if preset.aliases:
            say(console, f"    the original's {', '.join(preset.aliases)}")
    say(console, "bits: what z may hold of a window before it costs anything")
