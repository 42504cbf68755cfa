"""The program starts where neither its package nor a home can be written to, and gives the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT

#: A person's number that no account of a test machine has.
NOBODY = 65_534
#: Imports every module, which defines all kernels, and runs a small one.
SCRIPT = """
import importlib, pkgutil, provenance
for module in pkgutil.walk_packages(provenance.__path__, "provenance."):
    if not module.name.endswith("neural.onnx"):
        importlib.import_module(module.name)
import numpy as np
from provenance.duplicates.components import _groups
print(_groups(np.array([3, 9000, 5]), 8192).tolist(), _groups.stats.cache_path)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library without compiled kernels, in which others cannot write."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(
        ROOT / "provenance",
        folder / "provenance",
        ignore=shutil.ignore_patterns("__pycache__", "demo", "kernels-*.zip"),
    )
    return folder


def test_every_kernel_is_defined_without_a_home_or_a_writable_package(package: Path, tmp_path: Path) -> None:
    """As nobody, who may read everything, the interpreter too: a container run as a user of its own."""
    if os.getuid() != 0:
        pytest.skip("only root can run a command as somebody else")
    somebody_else = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]
    kept = {
        name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    }
    tmp_path.chmod(0o777)
    ended = subprocess.run(
        [*somebody_else, sys.executable, "-c", SCRIPT],
        env={**kept, "HOME": "/nonexistent", "PYTHONPATH": str(package), "TMPDIR": str(tmp_path)},
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (cache,) = tmp_path.iterdir()
    assert ended.stdout.startswith(f"[0, 1, 0] {cache}/")
    assert cache.stat().st_mode & 0o777 == 0o700, (
        "what is read from a cache is run: nobody else may write there"
    )
    assert list(cache.rglob("*.nbi"))


def test_a_cache_that_somebody_else_could_have_filled_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from provenance.files import kernel_cache

    place = tmp_path / f"provenance-kernels-{os.getuid()}"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    assert kernel_cache._private(str(tmp_path)) is None
    place.chmod(0o700)
    assert kernel_cache._private(str(tmp_path)) == str(place)
    place.rmdir()
    place.symlink_to(tmp_path)
    assert kernel_cache._private(str(tmp_path)) is None


def test_kernels_stay_in_memory_where_nothing_can_be_written_to() -> None:
    script = (
        "from provenance.files import kernel_cache as cache\n"
        "cache._can_write = lambda path: False\n"
        "cache._private = lambda path: None\n"
        "cache.settle_kernel_cache()\n"
        "import numba\n"
        "@numba.njit(cache=True)\n"
        "def double(x):\n"
        "    return 2 * x\n"
        "assert double(21) == 42 and type(double._cache).__name__ == 'NullCache'\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
