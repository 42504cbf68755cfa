"""What a command loads before its work: not what no step uses, and nothing is out of reach afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.program import ROOT

_LOADS = """
import sys
from pipelines.libraries import load_libraries
load_libraries(whole_beam={whole})
import pipelines.runner
print(*[name for name in ("pandas", "scipy.linalg", "dill", "apache_beam") if name in sys.modules])
import numba, numpy, pandas, google.auth
product = numba.njit(lambda a, b: a @ b)(numpy.eye(2), numpy.eye(2))
print(product.sum(), pandas.DataFrame({{"a": [1]}}).a.sum())
"""


@pytest.mark.parametrize(
    ("whole", "loaded"), [(False, "apache_beam"), (True, "pandas dill apache_beam")], ids=["ours", "engines"]
)
def test_what_no_step_uses_is_loaded_for_engines_alone_and_can_be_imported_later(
    whole: bool, loaded: str
) -> None:
    program = [sys.executable, "-c", _LOADS.format(whole=whole)]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [loaded, "2.0 1"]
