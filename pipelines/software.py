"""What a worker runs must be what the command runs: other code or other libraries would write other bytes (promise 5).

The tasks of all stages are `Shipped`: they carry the versions of the command and compare them where they arrive,
before anything else of them is read.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pipelines
import provenance
from provenance.errors import UsageError

#: Libraries whose versions show in the bytes that a worker writes, or in what it finds.
_LIBRARIES = ("apache-beam", "pyarrow", "numpy", "numba", "fasttext-predict", "resiliparse", "fastwarc")


class SoftwareError(UsageError):
    """A worker runs other software than the command; the message names both versions of all that differs."""


class Shipped:
    """A task that the command makes and workers run."""

    def __getstate__(self) -> dict[str, Any]:
        return {"software": software(), "task": self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        compare(state["software"], software())
        self.__dict__.update(state["task"])


@cache
def software() -> dict[str, str]:
    """Versions by name: of Python, of this package with its code's digest, and of the libraries that matter."""
    found = {"Python": platform.python_version()}
    found["provenance-pipelines"] = f"{provenance.__version__} (code {_digest()})"
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def compare(command: dict[str, str], worker: dict[str, str]) -> None:
    """Compare what the command runs with what a worker runs.

    Raises:
        SoftwareError: names what differs.
    """
    names = [name for name in {**command, **worker} if command.get(name) != worker.get(name)]
    if names:
        differences = "; ".join(
            f"{name}: the command {command.get(name, 'none')}, the worker {worker.get(name, 'none')}"
            for name in names
        )
        raise SoftwareError(
            f"workers run other software than the command ({differences}): "
            "install the same on both, or give workers the image that the command runs in"
        )


@cache
def code_of(*packages: str) -> str:
    """Digest of the sources of packages of `provenance`, such as "decisions": what a stage left by other code is not gone on from.

    Annotators have versions of their own, because they cost the most; between two releases of the program nothing else tells.
    """
    total = hashlib.sha256()
    for package in packages:
        _add_sources(total, *(Path(folder) / package for folder in provenance.__path__))
    return total.hexdigest()[:12]


def _digest() -> str:
    """Of the sources of both packages, by their names below them."""
    total = hashlib.sha256()
    _add_sources(total, *map(Path, (*pipelines.__path__, *provenance.__path__)))
    return total.hexdigest()[:12]


def _add_sources(total: Any, *folders: Path) -> None:
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
