"""Loads Beam and numba without the libraries that they load where they find them and that no step here uses.

Beam looks for clients of stores and databases, for pandas and older ways to pickle; numba for SciPy's matrices. A curate of
one document took 3,800 modules with them, and 2,900 without; what is passed over here can be imported afterwards.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
_OF_NUMBA = ("scipy.linalg.cython_blas",)


def load_libraries(whole_beam: bool) -> None:
    """Import both, in a process that has no other threads yet; `whole_beam`: with all that Beam finds, for engines that need it."""
    with _without(*_OF_NUMBA):
        importlib.import_module("numba.np.arraymath")
    with _without(*() if whole_beam else _OF_BEAM):
        importlib.import_module("apache_beam")


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Let imports of these modules fail that are not imported yet."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
