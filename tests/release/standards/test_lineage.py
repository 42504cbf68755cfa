"""OpenLineage: every stage starts and completes, and every column says what it was made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenance.release.standards.columns import FROM_RECORDS, FROM_SHARDS, RECORDS_READ, comes_from
from provenance.release.standards.lineage import check_lineage, crawl_datasets
from provenance.schema import ANNOTATED, DECISIONS, RECORDS, RELEASE_COLUMNS
from tests.release.described import manifest_of


@pytest.fixture
def events(demo_release: Path) -> list[dict[str, Any]]:
    text = (demo_release / "lineage.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_stage_starts_and_completes_under_one_parent(events: list[dict[str, Any]]) -> None:
    stages = ["annotate", "deduplicate", "select", "publish"]
    assert [(event["job"]["name"], event["eventType"]) for event in events] == [
        (stage, state) for stage in stages for state in ("START", "COMPLETE")
    ]
    assert len({event["run"]["runId"] for event in events}) == 4
    assert len({event["run"]["facets"]["parent"]["run"]["runId"] for event in events}) == 1


def test_the_dataset_that_one_stage_leaves_is_what_the_next_one_reads(events: list[dict[str, Any]]) -> None:
    ended = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}

    def names(event: dict[str, Any], side: str) -> set[str]:
        return {item["name"] for item in event[side]}

    assert names(ended["annotate"], "outputs") == names(ended["deduplicate"], "inputs")
    assert names(ended["publish"], "inputs") == names(ended["annotate"], "outputs") | names(
        ended["select"], "outputs"
    )


def test_counts_and_columns_are_those_of_the_release(
    demo_release: Path, events: list[dict[str, Any]]
) -> None:
    counts = manifest_of(demo_release)["counts"]
    data, ledger = events[-1]["outputs"]
    assert data["outputFacets"]["outputStatistics"]["rowCount"] == counts["kept"]
    assert ledger["outputFacets"]["outputStatistics"]["rowCount"] == counts["records"]
    assert [field["name"] for field in data["facets"]["schema"]["fields"]][
        : len(RELEASE_COLUMNS)
    ] == RELEASE_COLUMNS
    assert set(data["facets"]["columnLineage"]["fields"]) == set(RELEASE_COLUMNS)


def test_every_column_stands_in_the_lineage_of_columns_and_comes_from_one_that_exists() -> None:
    made_later = {"text", "text_bytes", "token_count", "word_count", "language", "language_score", "quality", "watermarks",
                  "personal_data", "detectors", "detector_abstained", "detector_words", "detector_known", "evidence",
                  "minhash", "text_digest", "word_sample"}  # fmt: skip
    assert set(FROM_RECORDS) | made_later == set(ANNOTATED.names)
    assert set(FROM_SHARDS) == set(DECISIONS.names)
    runs = {"annotate": "a", "select": "s"}
    for table, known in (("annotated", RECORDS.names), ("decisions", ANNOTATED.names)):
        for column, origins in comes_from(table, runs).items():
            assert origins, column
            assert {name for _, _, name in origins} <= set(known), column


def test_many_inputs_are_one_dataset_beyond_the_first_thousand() -> None:
    inputs = [{"name": f"{number}.warc", "bytes": 10} for number in range(1500)]
    records, *files = crawl_datasets(inputs, records=7)
    assert (records.namespace, records.name) == RECORDS_READ and records.rows == 7
    assert len(files) == 1001
    assert (files[-1].bytes, files[-1].files) == (5000, 500)


def test_a_run_that_never_completes_is_found(demo_release: Path) -> None:
    lines = (demo_release / "lineage.jsonl").read_bytes().splitlines(keepends=True)
    (problem,) = check_lineage(b"".join(lines[:-1]))
    assert "has the events START, not START and COMPLETE" in problem
    problem, _ = check_lineage(b"".join(lines).replace(b'"eventTime"', b'"eventTimes"', 1))
    assert problem.startswith("line 1: is no OpenLineage run event")
