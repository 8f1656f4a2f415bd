"""Which model a verb is done with."""

from __future__ import annotations

from ghostnote.bundle import DEFAULT, Bundle, load_bundle, shipped
from ghostnote.runtime import Runtime

Model = str | Bundle | Runtime
"""A bundle, its name or its folder; or a `Runtime`, to load it once for many calls."""

__all__ = ["DEFAULT", "Model", "model_for", "runtime_of"]


def runtime_of(model: Model) -> Runtime:
    """`model`, ready to run.

    Raises:
        BundleError: it cannot be loaded.
    """
    if isinstance(model, Runtime):
        return model
    return Runtime(model if isinstance(model, Bundle) else load_bundle(model))


def model_for(kind: str) -> Bundle:
    """The shipped bundle for a task of the kind ``humanize``, ``tap`` or ``infill``.

    One that was taught it alone, or else all tasks, or else `DEFAULT`.
    """
    bundles = [load_bundle(name) for name in shipped()]
    for wanted in (kind, "mixture"):
        for bundle in bundles:
            if bundle.task.kind == wanted and bundle.meter == (4, 4):
                return bundle
    return load_bundle(DEFAULT)
