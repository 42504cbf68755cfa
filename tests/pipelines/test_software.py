"""A worker of another version refuses its task and says which versions met."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.internal import pickler

from pipelines.annotate import AnnotateFile
from pipelines.software import SoftwareError, compare, software
from provenance.configuration import Configuration
from provenance.files.storage import LocalStorage
from tests.program import ROOT


def test_a_task_arrives_as_it_was_sent() -> None:
    task = AnnotateFile(LocalStorage(), Configuration())
    arrived = pickler.loads(pickler.dumps(task))
    assert arrived.configuration == task.configuration


def test_both_versions_are_named() -> None:
    other = {**software(), "pyarrow": "1.0", "provenance-pipelines": "9.9 (code 0)"}
    with pytest.raises(SoftwareError) as refused:
        compare(other, software())
    for text in ("9.9 (code 0)", software()["provenance-pipelines"], "pyarrow: the command 1.0"):
        assert text in str(refused.value)
    assert "numpy" not in str(refused.value)


def test_a_worker_with_other_code_refuses_a_task_of_this_one(tmp_path: Path) -> None:
    """The same version by its number, one line of one module apart."""
    ignored = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc")
    for package in ("provenance", "pipelines"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    with (tmp_path / "provenance" / "outcomes.py").open("a") as module:
        module.write("# changed\n")
    task = tmp_path / "task"
    task.write_bytes(pickle.dumps(AnnotateFile(LocalStorage(), Configuration())))
    program = f"import pickle; pickle.load(open({str(task)!r}, 'rb'))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert "SoftwareError: workers run other software than the command (provenance-pipelines:" in ended.stderr
