"""The command line names what was probably meant, and starts without the libraries that it does not need."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys

import pytest

from pipelines.outputs import _escaped
from tests.program import ROOT, run


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["curate", "x", "--outptu", "r"], "--output"),
        (["curate", "x", "--output", "r", "--max-sinthetic=0.1"], "--max-synthetic"),
        (["annotate", "x", "--worksapce", "w"], "--workspace"),
        (["curat", "x"], "curate"),
        (["verfy", "r"], "verify"),
        (["score", "--format", "line"], "lines"),
        (["watermark", "detect", "f", "--tokeniser", "t"], "--tokenizer"),
        (["watermark", "scheme"], "schemes"),
    ],
)
def test_what_was_probably_meant_is_named(arguments: list[str], meant: str) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert f"did you mean {meant}?" in ended.err


@pytest.mark.parametrize("arguments", [["score", "--zzz"], ["nonsense"], ["verify", "r", "-5x", "extra"]])
def test_nothing_is_suggested_where_nothing_is_near(arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2 and "did you mean" not in ended.err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["watermark", "--help"], ["curate", "--help"]]
)
def test_help_starts_without_any_library(arguments: list[str]) -> None:
    script = (
        "import sys; from pipelines.command import main; code = main(sys.argv[1:]);"
        "heavy = {'apache_beam', 'numpy', 'pyarrow', 'numba', 'pydantic', 'yaml'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


def test_an_output_that_is_not_in_utf8_takes_every_text() -> None:
    command = [sys.executable, "-m", "pipelines.command", "export", "--help"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert rb"NAME,\u2026" in ended.stdout
    # What is written so is still JSON.
    codecs.register_error("here.escape", _escaped)
    text = json.dumps({"title": "Größe 東京 😀 \ud800"}, ensure_ascii=False)
    for encoding in ("ascii", "latin-1", "cp1252"):
        assert json.loads(text.encode(encoding, "here.escape").decode(encoding)) == json.loads(text)
