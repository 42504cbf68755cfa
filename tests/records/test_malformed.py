"""Damaged archives: good records are read, damage is a row that says where and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenance.outcomes import DROPPED, FAILED
from provenance.records import ReadOptions, read_records
from provenance.schema import RECORDS


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as stream:
        batches = list(read_records(stream, path.name, ReadOptions()))
    assert all(batch.schema.equals(RECORDS) for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


def test_every_good_record_of_the_malformed_set_is_read_once(shared: Path) -> None:
    folder = shared / "data/web/crawl/malformed"
    missed = []
    for line in (folder / "malformed.jsonl").read_text().splitlines():
        case = json.loads(line)
        urls = [row["url"] for row in rows(folder / case["file"]) if row["outcome"] is None]
        missed += [(case["file"], url) for url in case["recoverable_urls"] if urls.count(url) != 1]
    assert missed == []


def test_offsets_increase_and_reasons_are_known(shared: Path) -> None:
    for path in sorted((shared / "data/web/crawl/malformed").glob("*.warc*")):
        found = rows(path)
        offsets = [row["record_offset"] for row in found]
        assert offsets == sorted(set(offsets)), path.name
        for row in found:
            assert row["outcome"] is None or row["outcome"] in DROPPED | FAILED
            assert row["outcome"] not in FAILED or row["detail"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gzip-truncated.warc.gz", "truncated"),
        ("gzip-bitflip.warc.gz", "bad_compression"),
        ("gzip-badcrc.warc.gz", "bad_compression"),
        ("gzip-garbage-between.warc.gz", "bad_compression"),
        ("html.warc.gz", "bad_container"),
        ("random.warc", "bad_container"),
        ("warc-type-unknown.warc.gz", "bad_record"),
    ],
)
def test_damage_is_one_failure_row(shared: Path, name: str, reason: str) -> None:
    found = rows(shared / "data/web/crawl/malformed" / name)
    assert [row["outcome"] for row in found if row["outcome"] in FAILED] == [reason]


def test_an_empty_file_has_no_rows(shared: Path) -> None:
    assert rows(shared / "data/web/crawl/malformed/empty.warc.gz") == []
