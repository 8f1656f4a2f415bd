"""``ghostnote card``: write a bundle's model card from its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from ghostnote.cli.batch import say
from ghostnote.errors import ConfigError, DataError, MissingExtraError


def card(
    bundle: str,
    /,
    *,
    report: Path | None = None,
    machine: str | None = None,
    show: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Write a bundle's model card anew, from what its config says and what was measured of it.

    Example: ghostnote card my-model --report report/report.json

    Parameters
    ----------
    bundle
        A bundle by name, or its folder.
    report
        A report.json of `ghostnote evaluate`, whose figures of the bundle are kept in it first.
    machine
        What the model was trained on, where its run did not write that down.
    show
        Print the card, and write nothing.
    quiet
        Print nothing but errors.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("torch", "train", "writing a card") from None
    from ghostnote.bundle import CARD, load_bundle
    from ghostnote.export.bundle import write_description
    from ghostnote.export.card import card as text_of

    chosen = load_bundle(bundle)
    config = dict(chosen.config)
    if machine is not None:
        config["training"] = _on(config, machine, chosen.name)
    if report is not None:
        config["scores"] = {**config["scores"], **_scores(report, chosen.name)}
    if show:
        say(Console(), text_of(config).rstrip())
        return
    write_description(chosen.path, config)
    if not quiet:
        say(Console(), f"written to {chosen.path / CARD}")


def _on(config: Mapping[str, Any], machine: str, name: str) -> dict[str, Any]:
    training = config.get("training")
    if training is None:
        raise ConfigError(f"{name} was not trained here", remedy="leave out --machine")
    if training.get("machine") not in (None, "", machine):
        raise ConfigError(
            f"{name} was trained on {training['machine']}, as its run wrote down",
            remedy="leave out --machine",
        )
    return {**training, "machine": machine}


def _scores(report: Path, name: str) -> dict[str, Any]:
    """The figures of the bundle `name`, by split.

    Raises:
        DataError: the file is no report, or not of this bundle.
    """
    from ghostnote.evaluate.report import SCHEMA, headline

    remedy = f"make one: ghostnote evaluate {name} -o FOLDER"
    try:
        document = json.loads(report.read_text("utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}, not {SCHEMA}")
        found = [judged for judged in document["bundles"] if judged["bundle"] == name]
        scores = {judged["split"]: headline(judged) for judged in found}
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror}", source=report, remedy=remedy
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"is no report: {error!r}", source=report, remedy=remedy) from error
    if not scores:
        raise DataError(f"says nothing of {name}", source=report, remedy=remedy)
    return scores
