"""The program as a user runs it, and what it left on disk, for end-to-end tests."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.command import main

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "provenance" / "demo"


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path) -> Outcome:
    """Run a command in this process, where models and kernels are loaded once for all tests."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start a command as a process group of its own, so that it can be killed with all its children."""
    command = [sys.executable, "-m", "pipelines.command", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)


def contents(directory: Path) -> dict[str, str]:
    """Digest of every file below a directory by its path: two directories are equal if these are."""
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def ledger(release: Path) -> pd.DataFrame:
    return pd.read_parquet(release / "_ledger")


def data(release: Path) -> pd.DataFrame:
    return pd.read_parquet(release / "data")


def annotated(release: Path, columns: list[str]) -> pd.DataFrame:
    """Columns of the annotated shards in the workspace beside a release."""
    folder = Path(f"{release}.workspace") / "annotated"
    return pa.concat_tables(pq.read_table(path, columns=columns) for path in folder.iterdir()).to_pandas()
