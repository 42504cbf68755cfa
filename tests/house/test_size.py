"""Nothing is so large that a reader loses the thread: files, functions, and arguments without names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.program import ROOT

#: Tables of data that are longer than a module should be.
TABLES = {"scripts/make/demo_articles.py"}
SOURCES = [
    path
    for folder in ("provenance", "pipelines", "scripts")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_have_at_most_400_lines(path: Path) -> None:
    if name_of(path) not in TABLES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_have_at_most_some_sixty_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 62, f"{node.name}: {lines}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_calls_name_their_arguments_where_there_are_more_than_five(path: Path) -> None:
    calls = [
        f"line {node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > 5
    ]
    assert not calls
