"""The page about training runs: its blocks are executed in their order, on a release beside them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.program import ROOT, run

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def test_every_block_of_the_page_runs(
    blocks_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "release").symlink_to(blocks_release)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```(python|sh)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"python", "sh"}
    for kind, code in blocks:
        if kind == "python":
            exec(compile(code, "docs/training.md", "exec"), names)
            continue
        for line in code.splitlines():
            ended = run(*shlex.split(line)[1:])
            assert ended.code == 0, ended.err
    assert names["table"].num_rows == len(names["documents"]) == len(names["lines"])
    assert len(following := names["following"]["text"]) == 8 and all(following)
    assert names["sequences"].shape[1] == 2048
