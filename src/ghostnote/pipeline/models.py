"""Which model a verb is done with."""

from __future__ import annotations

from ghostnote.bundle import DEFAULT, Bundle, load_bundle
from ghostnote.runtime import Runtime

Model = str | Bundle | Runtime
"""A bundle, its name or its folder; or a `Runtime`, to load it once for many calls."""

__all__ = ["DEFAULT", "Model", "runtime_of"]


def runtime_of(model: Model) -> Runtime:
    """`model`, ready to run.

    Raises:
        BundleError: it cannot be loaded.
    """
    if isinstance(model, Runtime):
        return model
    return Runtime(model if isinstance(model, Bundle) else load_bundle(model))
