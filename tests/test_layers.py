"""The arrows between modules point down, and nobody imports what is heavy before it is needed.

`BELOW` is the architecture: for each part of the package, the parts that it may import. A part
that is not named here fails, so that a new one gets its place deliberately.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import ghostnote

ROOT = Path(ghostnote.__file__).parent

FOUNDATION = {"errors", "files"}
PRODUCT = {
    *("music", "latent", "directions", "render", "notebook", "bundle", "runtime", "pipeline"),
    "studio",
}
VERBS = {"train", "evaluate", "baselines", "export", "interop"}
LABORATORY = {"data", "model"} | VERBS

BELOW: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "music": set(),
    "latent": {"music"},
    "render": {"music"},
    "notebook": {"music", "render"},
    "directions": set(),
    "bundle": {"music", "latent", "directions"},
    "runtime": {"music", "latent", "bundle"},
    "pipeline": {"music", "latent", "directions", "render", "notebook", "bundle", "runtime"},
    "studio": {"music", "latent", "render", "bundle", "runtime", "pipeline"},
    "data": {"music"},
    "model": {"music"},
    **dict.fromkeys(VERBS, PRODUCT | LABORATORY),
    "cli": PRODUCT | LABORATORY,
    "__init__": set(),
    "__main__": {"cli"},
}

SHOWN = {("music.groove.Groove._repr_html_", "notebook")}
"""The one arrow that points up. A notebook asks the value itself how to show it, by this method;
nothing else calls it, and until it is called nothing above is imported."""

TORCH_MAY_STAND_IN = {"model"} | VERBS
MUSIC_MAY_IMPORT = {"numpy"}


class Import(NamedTuple):
    """One import statement: where it stands, what it names, and whether it is put off.

    `place` is the module with the class and function around the statement.
    """

    module: str
    line: int
    imported: str
    lazy: bool
    place: str

    @property
    def part(self) -> str:
        return part_of(self.module)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.imported}"


def part_of(module: str) -> str:
    """``ghostnote.music.kit`` → ``music``; ``ghostnote`` itself → ``__init__``."""
    return [*module.split("."), "__init__"][1]


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for path in sorted(ROOT.rglob("*.py")) for found in imports_of(path))


def imports_of(path: Path) -> Iterator[Import]:
    names = list(path.relative_to(ROOT.parent).with_suffix("").parts)
    if names[-1] == "__init__":
        names.pop()
    module = ".".join(names)

    def visit(node: ast.AST, lazy: bool, place: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(module, child.lineno, alias.name, lazy, place)
            elif isinstance(child, ast.ImportFrom):
                assert not child.level, f"{module}:{child.lineno} is a relative import"
                for alias in child.names:
                    named = f"{child.module}.{alias.name}"
                    yield Import(module, child.lineno, named, lazy, place)
            else:
                inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                put_off = inside or (isinstance(child, ast.If) and _is_type_checking(child))
                name = getattr(child, "name", None)
                yield from visit(child, lazy or put_off, f"{place}.{name}" if name else place)

    yield from visit(ast.parse(path.read_text("utf-8")), False, module)


def _is_type_checking(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def internal() -> Iterator[tuple[Import, str]]:
    """The imports of ghostnote's own parts, each with the part that it goes to."""
    for found in imports():
        names = found.imported.split(".")
        if names[0] == "ghostnote" and len(names) > 1 and not names[1].startswith("__"):
            yield found, names[1]


def test_every_part_has_its_place() -> None:
    parts = {path.stem if path.is_file() else path.name for path in ROOT.iterdir()}
    assert parts - {"__pycache__", "py", "bundles"} <= set(BELOW)


def test_no_module_needs_itself() -> None:
    """Not even the long way round, within a part or between the verbs of the laboratory."""
    modules = {found.module for found in imports()}
    needs: dict[str, set[str]] = {module: set() for module in modules}
    for found, _ in internal():
        if not found.lazy:
            named = found.imported
            needs[found.module].add(named if named in modules else named.rpartition(".")[0])
    TopologicalSorter(needs).prepare()


def test_arrows_point_down() -> None:
    wrong = [
        str(found)
        for found, part in internal()
        if found.part not in {part, "__init__"}
        and part not in BELOW[found.part] | FOUNDATION
        and (found.place.removeprefix("ghostnote."), part) not in SHOWN
    ]
    assert not wrong


def test_values_reach_up_to_be_shown_only_when_asked() -> None:
    up = {
        (found.place.removeprefix("ghostnote."), part): found.lazy
        for found, part in internal()
        if part == "notebook" and part not in BELOW[found.part] and found.part != "__init__"
    }
    assert up == dict.fromkeys(SHOWN, True)


def test_the_product_never_names_the_laboratory() -> None:
    wrong = [
        str(found) for found, part in internal() if found.part in PRODUCT and part in LABORATORY
    ]
    assert not wrong


def test_torch_stands_in_the_laboratory_only() -> None:
    """And inside the functions of the laboratory's commands."""
    wrong = [
        str(found)
        for found in imports()
        if found.imported.split(".")[0] == "torch"
        and found.part not in TORCH_MAY_STAND_IN
        and not (found.part == "cli" and found.lazy)
    ]
    assert not wrong


def test_servers_stand_in_the_studio_only() -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.imported.split(".")[0] in WEB and found.part != "studio"
    ]
    assert not wrong


def test_music_needs_numpy_and_nothing_else() -> None:
    allowed = MUSIC_MAY_IMPORT | {"ghostnote"} | set(sys.stdlib_module_names)
    wrong = [
        str(found)
        for found in imports()
        if found.part == "music" and found.imported.split(".")[0] not in allowed
    ]
    assert not wrong


def test_models_know_no_files_and_no_midi() -> None:
    forbidden = ("pathlib", "os", "io", "ghostnote.files", "ghostnote.music.midi")
    wrong = [
        str(found)
        for found in imports()
        if found.part == "model"
        and any(f"{found.imported}.".startswith(f"{name}.") for name in forbidden)
    ]
    assert not wrong


COMMANDS = sorted(f"ghostnote.cli.{path.stem}" for path in (ROOT / "cli").glob("[a-z]*.py"))
HEAVY = (
    "torch onnxruntime onnx soundfile matplotlib sklearn tensorboard mido numpy rich cyclopts "
    "fastapi starlette pydantic uvicorn"
)
WEB = {"fastapi", "starlette", "pydantic", "uvicorn"}


@pytest.mark.parametrize(
    ("statement", "may_load"),
    [
        ("import ghostnote", set()),
        ("import ghostnote.cli", set()),
        (f"import {', '.join(COMMANDS)}", {"cyclopts", "rich", "numpy"}),
        ("from ghostnote import Groove, GhostnoteError, load_map", {"numpy"}),
        ("import ghostnote.pipeline.sampling, ghostnote.bundle, ghostnote.render", {"numpy"}),
        ("import ghostnote.interop.weights", {"numpy"}),
        ("import ghostnote.studio.api", {"numpy", *WEB}),
    ],
)
def test_what_an_import_loads(statement: str, may_load: set[str]) -> None:
    code = f"import sys; {statement}; print(*(set({HEAVY.split()!r}) & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) <= may_load
