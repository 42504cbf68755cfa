"""Closed and full standard files: what is said to a person never ends a job, a result that is lost is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT, run

PROGRAM = """
import sys
from pipelines.outputs import take_standard_files
take_standard_files()
print("progress", file=sys.stderr)
assert sys.stdin.read() == "" and not sys.stdout.isatty()
with open(sys.argv[1], "w") as data:
    assert data.fileno() > 2, "a data file took the place of a standard one"
    print("more", file=sys.stderr, flush=True)
"""


def shell(redirection: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = f'exec "$0" "$@" {redirection}'
    words = ["bash", "-c", command, sys.executable, *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_standard_files_that_are_closed_or_full_end_nothing_and_are_not_taken_for_data(
    tmp_path: Path, redirection: str
) -> None:
    ended = shell(redirection, "-c", PROGRAM, tmp_path / "data")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "data").read_text() == ""


@pytest.mark.parametrize(
    ("redirection", "why"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
@pytest.mark.parametrize("unbuffered", ["", "-u"])
def test_a_result_that_cannot_be_written_is_an_error(
    demo_release: Path, redirection: str, why: str, unbuffered: str
) -> None:
    words = [*filter(None, [unbuffered]), "-m", "pipelines.command", "list", demo_release]
    ended = shell(redirection, *words)
    assert ended.returncode == 1
    assert ended.stderr == f"error: what was to be said could not be written: {why}\n"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_too_little_memory_is_told_as_that(
    demo_release: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("provenance.release.verify.inspect", fail)
    ended = run("verify", demo_release)
    assert ended.code == 1 and "not enough memory" in ended.err
