"""The map of docs/architecture.md holds over the whole tree: imports run one way, without circles, and Beam stays outside."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.program import ROOT

#: Names at the top of `provenance/` by floor; a module imports from its own name and from lower floors only.
FLOORS = (
    {"errors", "outcomes", "schema"},
    {"evidence", "files"},
    {"annotators", "records"},
    {"detectors", "watermarks"},
    {"duplicates"},
    {"filters"},
    {"configuration"},
    {"annotate", "decisions"},
    {"release"},
    {"audit", "calibrate", "demo", "feed"},
)
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
#: Tables of data that are longer than a module should be.
TABLES = {"provenance/annotators/dates/written.py", "scripts/make/demo_articles.py"}
MODULES = sorted(path for folder in ("provenance", "pipelines") for path in (ROOT / folder).rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "scripts").rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node that runs, functions included; what only type checkers see is left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from running(child)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Modules and packages that a module imports, by their full names."""
    found = set()
    known = {module_of(other) for other in MODULES}
    for node in running(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{item.name}" for item in node.names} & known
            found.update(submodules)
            if len(submodules) < len(node.names):
                found.add(node.module)
    return frozenset(found)


def test_the_top_of_the_library_is_small_and_every_name_has_its_floor() -> None:
    names = {
        path.stem
        for path in (ROOT / "provenance").iterdir()
        if path.name not in ("__pycache__", "__init__.py", "py.typed")
    }
    assert names <= set(FLOOR), "name its floor here and in docs/architecture.md"
    assert len(names) <= 20


def test_architecture_names_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.relative_to(ROOT).as_posix() for path in MODULES if path.name == "__init__.py"}
    assert sorted(name for name in packages if f"`{name}/`" not in text) == []


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_imports_run_downwards(path: Path) -> None:
    parts = module_of(path).split(".")
    if parts[0] == "pipelines" or len(parts) == 1:
        return
    own = parts[1]
    for name in imports_of(path):
        assert name.split(".")[0] != "pipelines", f"{module_of(path)} imports {name}"
        if name.startswith("provenance."):
            other = name.split(".")[1]
            assert other == own or FLOOR[other] < FLOOR[own], f"{module_of(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_the_library_knows_nothing_of_beam(path: Path) -> None:
    if module_of(path).startswith("provenance"):
        assert not {name for name in imports_of(path) if name.split(".")[0] == "apache_beam"}


def test_no_circles_even_through_imports_inside_functions() -> None:
    known = {module_of(path) for path in MODULES}
    graph = defaultdict(set)
    for path in MODULES:
        name = module_of(path)
        # A package's front only re-exports: what matters is who needs whom among the modules behind it.
        graph[name] |= {
            other for other in imports_of(path) if other in known and not name.startswith(f"{other}.")
        }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
