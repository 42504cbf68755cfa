"""A workspace of another version: what its shards hold stands, what changed runs again, and the program says which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipelines.annotate
import pipelines.job
from provenance.annotators.quality.annotator import Quality
from provenance.annotators.source import Source
from tests.pipelines.test_increments import OLD, crawl, text
from tests.program import data, run


def shard(release: Path) -> Path:
    (path,) = Path(f"{release}.workspace", "annotated").iterdir()
    return path


def test_only_annotators_that_changed_run_again_and_on_the_texts_of_the_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, release = crawl(tmp_path / "crawl" / "a.jsonl", [text(i) for i in range(4)], OLD), tmp_path / "r"
    arguments = ("curate", folder, "--output", release, "--max-synthetic", "1")
    assert run(*arguments).code == 0
    before, published = pq.read_table(shard(release)), data(release)

    def read_again(*_: object) -> None:
        raise AssertionError("an input was read again")

    with monkeypatch.context() as patch:
        patch.setattr(Quality, "version", "another")
        patch.setattr(pipelines.annotate, "annotate_records", read_again)
        again = run(*arguments)
        assert again.code == 0, again.err
        assert "quality run again on the texts of its shards; no input of it is read again" in again.err
        assert pq.read_table(shard(release)).equals(before)
        assert data(release).equals(published)
        # A shard that lacks a column of the new version has it as null.
        table = before.drop_columns(["record_length", "quality"])
        written = pq.read_metadata(shard(release)).metadata
        pq.write_table(table.replace_schema_metadata(written), shard(release))
        patch.setattr(Quality, "version", "a third")
        assert run(*arguments).code == 0
        assert pq.read_table(shard(release)).equals(before)
    monkeypatch.setattr(Source, "version", "another")
    pages = run(*arguments)
    assert pages.code == 0 and "all inputs are annotated again, because of pages" in pages.err


def test_records_on_which_an_annotator_failed_come_back_once_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, release = crawl(tmp_path / "crawl" / "a.jsonl", [text(i) for i in range(4)], OLD), tmp_path / "r"
    crawl(tmp_path / "crawl" / "b.jsonl", [f"Thursday. {text(5)}"], OLD)
    arguments = ("curate", folder, "--output", release, "--max-synthetic", "1")
    measure = Quality.__call__

    def fail(self: Quality, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        if any(words.startswith("Thursday") for words in batch["text"].to_pylist()):
            raise ValueError("no Thursdays")
        return measure(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Quality, "__call__", fail)
        assert run(*arguments).code == 0
        assert len(data(release)) == 4
    monkeypatch.setattr(Quality, "version", "mended")
    again = run(*arguments)
    assert again.code == 0 and "1 inputs of which an annotator failed are read again" in again.err
    assert len(data(release)) == 5


@pytest.mark.parametrize(
    ("package", "unchanged"),
    [
        ("none", ["annotate", "deduplicate", "select", "publish"]),
        ("release", ["annotate", "deduplicate", "select"]),
        ("decisions", ["annotate", "deduplicate"]),
        ("duplicates", ["annotate"]),
    ],
)
def test_stages_go_on_only_from_what_the_same_code_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, unchanged: list[str]
) -> None:
    """Between two releases the version's number is the same, and only the sources tell that other code decides."""
    folder = crawl(tmp_path / "crawl" / "a.jsonl", [text(i) for i in range(4)], OLD)
    arguments = ("curate", folder, "--output", tmp_path / "r", "--max-synthetic", "1")
    assert run(*arguments).code == 0
    code_of = pipelines.job.code_of
    monkeypatch.setattr(
        pipelines.job, "code_of", lambda *names: "other" if package in names else code_of(*names)
    )
    again = run(*arguments)
    assert again.code == 0
    assert [
        line.split(":")[0] for line in again.err.splitlines() if line.endswith(": unchanged")
    ] == unchanged
