"""Labelled or provably human documents are read from files, releases and workspaces alike."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from provenance.calibrate.documents import LabelledError, find_sources, read_documents
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
        {
            "text": text,
            "crawl_date": "2019-02-03" if i < 400 else "2025-02-03",
            "url": f"https://a.example/{i}",
        }
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


def labels(path: Path, human_only: bool = False) -> list[bool]:
    """Whether each document that is read is synthetic."""
    (source,) = find_sources([str(path)])
    return [bool(value) for batch in read_documents(source, human_only) for value in batch.synthetic]


def test_labels_are_read_in_any_spelling_and_rows_without_are_left_out(tmp_path: Path) -> None:
    given = ["human", " Synthetic ", 0, 1, True, False, "TRUE", None]
    path = write(tmp_path / "a.jsonl", [{"text": f"t{k}", "label": label} for k, label in enumerate(given)])
    assert labels(path) == [False, True, False, True, True, False, True]


def test_a_date_from_before_chat_models_proves_human_and_a_later_one_nothing(tmp_path: Path) -> None:
    dates = ["2022-11-29", "2022-11-30", "2019-05-01T00:00:00Z", "yesterday", None]
    path = write(
        tmp_path / "a.jsonl.gz", [{"text": f"t{k}", "warc_date": date} for k, date in enumerate(dates)]
    )
    assert labels(path) == [False, False]
    assert labels(path, human_only=True) == [False] * 5


def test_the_first_date_of_a_capture_counts_and_a_publishers_date_does_not(tmp_path: Path) -> None:
    rows = [
        {"text": "x", "proven_by": "2025-01-01", "warc_date": "2010-01-01"},
        {"text": "y", "crawl_date": "2010-01-01"},
        {"text": "z", "date": "2010-01-01"},
    ]
    assert labels(write(tmp_path / "a.jsonl", rows)) == [False]


def test_groups_domains_and_texts_are_told_apart_by_their_own_values(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "one", "label": "human", "group": "g", "domain": "a.example", "language": "en"},
        {"text": "two", "label": "human", "group": "g"},
        {"text": "one", "label": "human", "language": 7},
    ]
    (source,) = find_sources([str(write(tmp_path / "a.jsonl", rows))])
    (found,) = read_documents(source, False)
    assert found.languages == ["en", None, None]
    assert found.text_hashes[0] == found.text_hashes[2] != found.text_hashes[1]
    assert found.groups[0] == found.groups[1] != found.groups[2] == found.text_hashes[2]
    assert found.domains[0] != found.domains[1] == found.domains[2]


def test_files_are_named_by_their_content_and_come_in_one_order(tmp_path: Path) -> None:
    for folder, names in (("x", ("b.jsonl", "a.jsonl")), ("y", ("a.jsonl", "b.jsonl"))):
        (tmp_path / folder).mkdir()
        for name in names:
            write(tmp_path / folder / name, [{"text": name, "label": "human"}])
    left, right = ([(s.name, s.digest) for s in find_sources([str(tmp_path / folder)])] for folder in "xy")
    assert left == right
    assert [name for name, _ in left] == ["a.jsonl", "b.jsonl"]


def test_a_workspace_that_is_not_decided_yet_is_refused(tmp_path: Path) -> None:
    crawl = write(tmp_path / "crawl.jsonl", [{"text": "a text of some words", "crawl_date": "2019-01-01"}])
    assert run("annotate", crawl, "--workspace", tmp_path / "w", "--quiet").code == 0
    with pytest.raises(LabelledError, match="run `provenance select` first"):
        find_sources([str(tmp_path / "w")])
