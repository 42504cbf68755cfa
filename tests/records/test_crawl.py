"""Real and damaged archives are read as other readers and their truths say; whatever a file holds, nothing raises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.outcomes import DROPPED, FAILED
from provenance.records import ReadOptions, read_records
from provenance.schema import RECORDS
from tests.records.archives import read


def test_counts_of_real_archives_agree_with_other_readers(shared: Path) -> None:
    folder = shared / "data/web/warc"
    compared = 0
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        case = json.loads(line)
        others = [
            case[reader] for reader in ("warcio", "fastwarc") if case[reader] and "error" not in case[reader]
        ]
        if not others:
            continue
        with (folder / case["file"]).open("rb") as stream:
            rows = [row for batch in read_records(stream, case["file"]) for row in batch.to_pylist()]
        counts: dict[str, int] = {}
        for row in rows:
            if row["record_type"]:
                counts[row["record_type"]] = counts.get(row["record_type"], 0) + 1
        uncounted = ("warcinfo", "request", "metadata", "null")
        expected = [{k: v for k, v in other.items() if k not in uncounted} for other in others]
        assert counts in expected, (case["file"], counts, expected)
        compared += 1
    assert compared > 100


def test_the_crawl_is_read_as_its_truth_says(shared: Path) -> None:
    folder = shared / "data/web/crawl"
    truth = pq.read_table(folder / "truth.parquet").to_pandas()
    for file, expected in truth.groupby("file"):
        with (folder / file).open("rb") as stream:
            rows = [row for batch in read_records(stream, str(file)) for row in batch.to_pylist()]
        assert len(rows) == len(expected)
        found = {row["record_id"]: row for row in rows}
        for case in expected.itertuples():
            row = found[case.record_id]
            if case.format in ("warc", "wet"):
                assert row["record_offset"] == case.offset
            if case.expect_document is not None and case.adversarial != "only_html_tag":
                assert (row["outcome"] is None) == case.expect_document, case.adversarial


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


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=4000),
    st.sampled_from(["", "\x1f\x8b\x08", "WARC/1.0\r\n", '{"a":', "PAR1", "filedesc://x"]),
)
def test_no_bytes_raise(data: bytes, magic: str) -> None:
    read(magic.encode("latin-1") + data, "any.jsonl.gz")


def test_a_reader_that_breaks_costs_the_rest_of_its_file_and_says_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*arguments: object) -> Iterator[Any]:
        yield {"record_offset": 7, "text": "read before"}
        raise KeyError("something nobody thought of")

    monkeypatch.setattr("provenance.records.line_rows", broken)
    first, last = read(b'{"text": "a"}', "x.jsonl")
    assert first["text"] == "read before"
    assert (last["outcome"], last["record_offset"]) == ("bad_container", 8)
    assert "KeyError" in last["detail"] and "offset 7" in last["detail"]
