"""What a command loads before its work: not what no step uses, and nothing is out of reach afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import DEMO, ROOT

_LATER = """
import sys
from pipelines.libraries import load_libraries
load_libraries(whole_beam={whole}, pandas={whole})
print(*[name for name in ("pandas", "scipy.linalg", "dill", "apache_beam") if name in sys.modules])
import numba, numpy, pandas, pyarrow, google.auth
product = numba.njit(lambda a, b: a @ b)(numpy.eye(2), numpy.eye(2))
frame = pyarrow.Table.from_pandas(pandas.DataFrame({{"a": [1]}})).to_pandas()
print(product.sum(), frame.a.sum())
"""

_CURATED = """
import sys
from pipelines.command.main import main
assert main(["curate", {crawl!r}, "--output", {release!r}, "--quiet"]) == 0
print(*sorted(sys.modules))
"""
#: Each a tenth of a second of processor time or more.
_SPARED = "datasketch mlcroissant openlineage pandas prov rdflib scipy.integrate scipy.linalg boto3 google.cloud.storage pymongo"


def printed(program: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()


@pytest.mark.parametrize(
    ("whole", "loaded"), [(False, "apache_beam"), (True, "pandas dill apache_beam")], ids=["ours", "engines"]
)
def test_what_no_step_uses_can_be_imported_later(whole: bool, loaded: str) -> None:
    assert printed(_LATER.format(whole=whole)) == [loaded, "2.0 1"]


def test_a_curate_ends_without_what_it_can_do_without(tmp_path: Path) -> None:
    program = _CURATED.format(crawl=str(DEMO / "demo-2019.jsonl"), release=str(tmp_path / "r"))
    loaded = set(printed(program)[-1].split())
    assert "apache_beam" in loaded and not loaded & set(_SPARED.split())
