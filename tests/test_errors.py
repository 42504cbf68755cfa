"""Every error that a person can mend says by its class how a command ends."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from provenance.errors import DataError, UsageError
from tests.program import ROOT

#: Internal signals that never reach a person.
_SIGNALS = {"ProblemsError", "UnsaidError", "_CodingError"}


def error_classes() -> list[tuple[str, str]]:
    """(module, name) of every exception class that the program defines."""
    found = []
    for folder in ("provenance", "pipelines"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.ClassDef)
                    and node.name.endswith("Error")
                    and node.name not in _SIGNALS
                ):
                    found.append((module, node.name))
    return found


@pytest.mark.parametrize(("module", "name"), error_classes())
def test_every_error_is_one_of_the_two_kinds(module: str, name: str) -> None:
    error = getattr(importlib.import_module(module), name)
    assert issubclass(error, UsageError) != issubclass(error, DataError)


@pytest.mark.parametrize(
    ("home", "name", "base"),
    [
        ("provenance.configuration", "ConfigurationError", ValueError),
        ("provenance.files.inputs", "InputError", ValueError),
        ("provenance.calibrate.documents", "LabelledError", ValueError),
        ("provenance.calibrate.embedded", "CalibrateError", ValueError),
        ("provenance.detectors.embedded.calibration", "CalibrationError", ValueError),
        ("provenance.annotators.watermarks.tokenizers", "TokenizerError", ValueError),
        ("provenance.files.workspace", "WorkspaceError", RuntimeError),
        ("provenance.release.manifest", "ReleaseError", RuntimeError),
        ("provenance.audit.inputs", "AuditError", RuntimeError),
    ],
)
def test_errors_can_be_caught_where_they_always_could(home: str, name: str, base: type) -> None:
    assert issubclass(getattr(importlib.import_module(home), name), base)


def test_no_command_lists_errors_by_hand() -> None:
    source = Path(ROOT / "pipelines" / "command" / "main.py").read_text(encoding="utf-8")
    [run] = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "_run"
    ]
    caught = {
        ast.unparse(node.type)
        for node in ast.walk(run)
        if isinstance(node, ast.ExceptHandler) and node.type is not None
    }
    assert {name for name in caught if name.endswith("Error")} == {
        "UsageError",
        "DataError",
        "BrokenPipeError",
    }
