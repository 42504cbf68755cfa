"""Compiled kernels that the package carries: used where they fit, passed over where they do not, and never in place of newer source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numba import njit, types

from provenance.files import ready_kernels
from provenance.files.kernel_identity import kernel_identity
from provenance.files.ready_kernels import Archive, archive_path, build, write_archive
from tests.program import ROOT

TYPES = (types.int64,)


def identity_of(source: str, **names: object) -> str:
    """Identity of the function `kernel` of a module with this source."""
    module = ModuleType("provenance.made_up")
    vars(module).update(names)
    exec(source, vars(module))
    return kernel_identity(vars(module)["kernel"], {"nogil": True}, TYPES)


def test_equal_constants_that_are_written_differently_are_different_code_in_any_order() -> None:
    """Else the identity of a kernel would depend on which one a process met first."""
    written = ("1.0", "True", "1", "0.0", "-0.0", "0", "False")
    found = [identity_of(f"def kernel(a): return a if a else {constant}") for constant in written]
    limits = [
        identity_of("def kernel(a): return a + LIMIT", LIMIT=value) for value in (1.0, True, 1, 0.0, -0.0)
    ]
    assert len({*found, *limits}) == len(found) + len(limits)
    assert found == [identity_of(f"def kernel(a): return a if a else {constant}") for constant in written]


def test_an_identity_follows_what_a_kernel_calls_and_reads() -> None:
    source = "def kernel(x):\n    return helper(x) + LIMIT + TABLE[x]"

    def helper(x: int) -> int:
        return x + 1

    def changed(x: int) -> int:
        return x + 2

    changed.__qualname__ = helper.__qualname__
    table = np.arange(3)
    same = identity_of(source, helper=njit(helper), LIMIT=5, TABLE=table)
    assert same == identity_of(source, helper=njit(helper), LIMIT=5, TABLE=table.copy())
    assert same != identity_of(source, helper=njit(changed), LIMIT=5, TABLE=table)
    assert same != identity_of(source, helper=njit(helper), LIMIT=6, TABLE=table)
    assert same != identity_of(source, helper=njit(helper), LIMIT=5, TABLE=table[::-1])
    assert same != identity_of(source, helper=njit(fastmath=True)(helper), LIMIT=5, TABLE=table)


def test_words_about_a_kernel_are_no_part_of_it() -> None:
    one, other = (f'def kernel(x):\n    """{words}"""\n    return x' for words in ("One.", "Two words."))
    assert identity_of(one) == identity_of(other)
    assert identity_of(one) != identity_of(other.replace("return x", "return -x"))


def test_an_archive_of_another_build_or_a_damaged_one_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kernels.zip"
    write_archive(path, {"a-kernel": b"code"})
    assert Archive(path).get("a-kernel") == b"code"
    assert Archive(path).get("another") is None
    first = path.read_bytes()
    write_archive(path, {"a-kernel": b"code"})
    assert path.read_bytes() == first, "the same kernels are the same bytes"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("build.json", json.dumps({**build(), "numba": "0.1"}))
        archive.writestr("a-kernel", b"code")
    assert Archive(path).get("a-kernel") is None
    path.write_bytes(first[:-40])
    assert Archive(path).get("a-kernel") is None
    assert Archive(tmp_path / "none.zip").get("a-kernel") is None


def test_a_processor_that_lacks_what_the_code_may_use_gets_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path / "kernels.zip", {"a-kernel": b"code"})
    monkeypatch.setattr(ready_kernels, "_NEEDED", ("avx2", "of-tomorrow"))
    assert Archive(tmp_path / "kernels.zip").get("a-kernel") is None


#: Annotates a bundled crawl and says what had to be compiled.
SCRIPT = """
import sys
from provenance.files.inputs import InputFile
from provenance.files.kernel_cache import compiled_kernels
compiled_kernels()
from numba.core import event
class Names(event.Listener):
    def on_start(self, event): print(event.data["dispatcher"].py_func.__qualname__)
    def on_end(self, event): pass
event.register("numba:compile", Names())
from provenance import Annotation, Configuration, annotate_records
annotation = Annotation(Configuration())
annotation.setup()
with open(sys.argv[1], "rb") as stream:
    for batch in annotate_records(stream, InputFile(sys.argv[1], "demo.warc.gz", 0, ""), annotation):
        pass
"""


def test_annotating_compiles_nothing_on_a_fresh_machine(tmp_path: Path) -> None:
    """After a change of kernels: `python scripts/make kernels`."""
    if not archive_path().exists() or Archive(archive_path())._kernels is None:
        pytest.skip("the archive in the package is for another machine, Python or numba")
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT / "provenance" / "demo" / "demo-2025.warc.gz")],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "", "kernels of another source than the package's: run python scripts/make kernels"
    assert not list(tmp_path.rglob("*.nbi"))


@pytest.mark.parametrize("files", [1, 2])
def test_curating_texts_that_resemble_each_other_in_chains_compiles_nothing(
    files: int, tmp_path: Path
) -> None:
    """Their keepers are chosen by a kernel that the demo does not need; from one file or several it is the same."""
    if not archive_path().exists() or Archive(archive_path())._kernels is None:
        pytest.skip("the archive in the package is for another machine, Python or numba")
    words = [f"word{number}" for number in range(260)]
    texts = [json.dumps({"text": " ".join(words[first : first + 200])}) for first in (0, 30, 60)]
    inputs = [tmp_path / f"{number}.jsonl" for number in range(files)]
    for number, path in enumerate(inputs):
        path.write_text("\n".join(texts[number::files]) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pipelines.command", "curate", *map(str, inputs)]
    ended = subprocess.run(
        [*command, "--output", str(tmp_path / "release"), "--quiet", "--max-synthetic", "1"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "duplicates" in ended.stdout
    assert not list(tmp_path.rglob("*.nbi"))
