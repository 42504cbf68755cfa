"""Labelled or provably human documents are read from files, releases and workspaces alike."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from provenance.calibrate.documents import LabelledError
from provenance.calibrate.embedded import calibrate
from provenance.detectors.embedded.calibration import (
    read_calibration,
)
from provenance.detectors.embedded.model import load_model
from tests.program import run


@pytest.fixture(scope="module")
def pool(shared: Path) -> pd.DataFrame:
    """English passages that the detector was not trained on."""
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_val.parquet")
    return pool[pool.language == "en"].reset_index(drop=True)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def test_old_documents_of_a_release_a_workspace_and_dated_lines_are_the_same(
    pool: pd.DataFrame, tmp_path: Path
) -> None:
    human = pool[pool.label == "human"].text.drop_duplicates().tolist()[:500]
    rows = [
        {"text": text, "date": "2019-02-03" if i < 400 else "2025-02-03", "url": f"https://a.example/{i}"}
        for i, text in enumerate(human)
    ]
    crawl = write(tmp_path / "crawl.jsonl", rows)
    ended = run("curate", crawl, "--output", tmp_path / "r", "--max-synthetic", "1", "--quiet")
    assert ended.code == 0, ended.err
    versions = set()
    for given in ("r", "r.workspace"):
        ended = run("calibrate", tmp_path / given, "--output", tmp_path / "c.json", "--json")
        assert ended.code == 0, ended.err
        found = json.loads(ended.out)
        assert 300 < found["documents"]["human"] <= 400
        assert read_calibration(tmp_path / "c.json", load_model().version).version == found["version"]
        versions.add(found["version"])
    assert len(versions) == 1
    assert 0 <= calibrate([str(crawl)]).provenance["documents"]["human"] - found["documents"]["human"] <= 5
    shown = run("calibrate", crawl, "--output", tmp_path / "d.json")
    assert shown.code == 0
    assert "proven false-positive rates" in shown.out and "limits" in shown.out
    # The file does what it says: nothing exceeds what its humans allow, and the pipeline takes it.
    ended = run("score", crawl, "--calibration", tmp_path / "c.json")
    assert ended.code == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.jsonl", None, "no such file"),
        ("notes.txt", "x", "not named like"),
        ("a.jsonl", '{"text": "x"}\n', "--human-only"),
        ("a.jsonl", '{"text": "x", "label": "robot"}\n', "'robot' is none of"),
        ("a.jsonl", '{"text": "x", "label": "human"}\n{broken\n', "line 2: is not JSON"),
        ("a.jsonl", '{"text": 3, "label": "human"}\n', 'line 1: needs an object with a string "text"'),
        ("a.jsonl", '{"text": ' + "[" * 100_000, "line 1: is not JSON"),
        ("a.parquet", "PAR1 not", "cannot be read"),
        ("a.jsonl.gz", "not gzip", "cannot be read"),
        ("empty", "dir", "holds no JSON lines"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    path = tmp_path / name
    if content == "dir":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    ended = run("calibrate", path, "--output", tmp_path / "c.json")
    assert ended.code == 2, ended.err
    assert name in ended.err and words in ended.err
    assert not (tmp_path / "c.json").exists()
    with pytest.raises(LabelledError):
        calibrate([str(path)])
