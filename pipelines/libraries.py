"""Loads Beam, numba and Arrow without the libraries that they load where they find them and that no step here uses.

Beam looks for clients of stores and databases, for pandas and older ways to pickle; numba for SciPy's matrices; Arrow, at the
first value that it makes, for pandas. A curate of one document took 3,800 modules with them, and takes 2,200 without; what is
passed over here can be imported afterwards.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

import pyarrow as pa

#: What Beam tries to import and does without. Its own readers and writers are not used: `provenance.files.storage` opens all files.
_OF_BEAM = (
    "absl",
    "apache_beam.io.gcp.bigquery",
    "boto3",
    "dill",
    "google.auth",
    "google.cloud.storage",
    "pandas",
    "pymongo",
)
#: What numba asks for to know whether it is there; a kernel that multiplies matrices imports it when it is compiled.
_OF_NUMBA = ("scipy.linalg",)


def load_libraries(whole_beam: bool, pandas: bool) -> None:
    """Import them, in a process that has no other threads yet.

    `whole_beam`: with all that Beam finds, for engines that may need it; `pandas`: Arrow is to know values of pandas, such as
    its missing one, which only annotators of third parties could give it.
    """
    with _without(*_OF_NUMBA):
        importlib.import_module("numba.np.arraymath")
    with _without(*() if whole_beam else _OF_BEAM):
        importlib.import_module("apache_beam")
    with _without(*() if pandas else ("pandas",)):
        pa.scalar(0)  # here it looks, once and for all


class _Absent(MetaPathFinder):
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname in self.names:
            raise ModuleNotFoundError(f"{fullname} is not loaded here", name=fullname)


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Let imports of these modules fail that are not imported yet."""
    absent = _Absent(names)
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
