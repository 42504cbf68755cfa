"""Which field of a line or row is what: usual names, dotted paths, presets; a publisher's date is a claim, never proof."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.configuration import load_configuration
from provenance.records import ReadOptions, read_records
from provenance.records.fields import PRESETS, lookup, paths_of
from tests.records.archives import read

WHEN = datetime(2019, 4, 25, 12, 57, 54, tzinfo=UTC)
SAID = "2019-04-25T12:57:54Z"


def read_line(value: dict[str, Any], **options: Any) -> dict[str, Any]:
    (row,) = read(json.dumps(value).encode() + b"\n", "x.jsonl", **options)
    return row


def read_row(value: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The same as a row of Parquet."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([value]), file)
    (row,) = read(file.getvalue(), "x.parquet", **options)
    return row


@pytest.mark.parametrize("name", ["warc_date", "WARC-Date", "crawl_date", "fetch_time", "date_download"])
def test_a_field_that_can_only_be_the_time_of_a_fetch_proves_and_is_named(name: str) -> None:
    for reader in (read_line, read_row):
        row = reader({"text": "a text", name: SAID, "date": "2001-01-01"})
        assert (row["capture_time"], row["capture_evidence"]) == (WHEN, f"field {name}")
        assert (row["claimed_time"].year, row["claimed_by"]) == (2001, "field date")


@pytest.mark.parametrize("name", ["date", "timestamp", "created", "published", "date_publish"])
def test_a_date_that_may_be_the_publishers_claims_and_proves_nothing(name: str) -> None:
    for reader in (read_line, read_row):
        row = reader({"text": "a text", name: SAID})
        assert row["capture_time"] is None and row["capture_evidence"] is None
        assert (row["claimed_time"], row["claimed_by"]) == (WHEN, f"field {name}")


def test_a_mapped_field_proves_whatever_its_name_and_claims_no_more() -> None:
    row = read_line({"text": "a text", "date": SAID}, fields={"capture_time": "date"})
    assert (row["capture_time"], row["capture_evidence"], row["claimed_time"]) == (WHEN, "field date", None)


def test_a_time_that_is_there_but_cannot_be_read_is_remarked_unless_another_field_gives_one() -> None:
    row = read_line({"text": "a text", "warc_date": "May 12, 2019"})
    assert row["capture_time"] is None
    assert row["time_remark"] == "unreadable: field warc_date is 'May 12, 2019'"
    assert read_line({"text": "a text", "crawl_date": "2562-05-12"})["time_remark"].startswith("impossible: ")
    row = read_line({"text": "a text", "warc_date": "?", "crawl_date": SAID})
    assert row["capture_time"] == WHEN and row["time_remark"] is None
    assert read_line({"text": "a text", "warc_date": ""})["time_remark"] is None


def test_an_address_that_is_called_a_source_is_the_address() -> None:
    row = read_line({"text": "a text", "source": "https://news.example/1"})
    assert row["url"] == "https://news.example/1" and row["source"] is None
    row = read_line({"text": "a text", "source": "https://x.example/", "url": "https://y.example/"})
    assert row["url"] == "https://y.example/" and row["source"] is None


NESTED = {"content": "a text", "warc_headers": {"warc-target-uri": "https://o.example/1", "warc-date": SAID}}


def test_paths_reach_into_objects_structs_and_json_in_strings() -> None:
    fields = {"url": "warc_headers.warc-target-uri", "capture_time": "warc_headers.warc-date"}
    for reader in (read_line, read_row):
        row = reader(NESTED, fields=fields)
        assert (row["url"], row["capture_time"]) == ("https://o.example/1", WHEN)
    written = {"text": "a text", "meta": json.dumps({"url": "https://r.example/", "timestamp": SAID})}
    for reader in (read_line, read_row):
        row = reader(written, fields={"capture_time": "meta.timestamp"})
        assert row["capture_time"] == WHEN
    assert read_line({"a.b": {"c": "a text"}}, fields={"text": "a.b.c"})["text"] == "a text"
    assert read_row({"text": {"body": "a text"}}, fields={"text": "text.body"})["text"] == "a text"


def test_a_name_with_dots_of_its_own_goes_before_a_path() -> None:
    assert lookup({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert lookup({"a": {"b": {"c": 3}}}, "a.b.c") == 3
    assert lookup({"a": 1}, "a.b") is None
    assert paths_of({"a": {"b": {"c": 3}}, "d": None, "e": 0}) == ["a.b.c", "e"]


@pytest.mark.parametrize(
    ("preset", "value", "url"),
    [
        ("fineweb", {"text": "t", "id": "i", "dump": "CC-MAIN-2019-18", "url": "https://a/", "date": SAID}, "https://a/"),
        ("fineweb", {"text": "t", "metadata": {"url": "https://a/", "date": SAID}}, "https://a/"),
        ("c4", {"text": "t", "timestamp": SAID, "url": "https://a/"}, "https://a/"),
        ("cc_news", {"maintext": "t", "date_download": SAID, "date_publish": "2019-04-20", "url": "https://a/"}, "https://a/"),
        ("oscar", NESTED, "https://o.example/1"),
        ("redpajama", {"text": "t", "meta": {"url": "https://a/", "timestamp": SAID, "source": "c4"}}, "https://a/"),
        ("redpajama", {"raw_content": "t", "date_download": SAID, "url": "https://a/"}, "https://a/"),
        ("dolma", {"text": "t", "added": "2023-01-01", "metadata": {"warc_date": SAID, "warc_url": "https://a/"}}, "https://a/"),
    ],
)  # fmt: skip
def test_a_preset_reads_its_dataset_alike_from_lines_and_rows(
    preset: str, value: dict[str, Any], url: str
) -> None:
    for reader in (read_line, read_row):
        row = reader(value, preset=preset)
        assert (row["url"], row["capture_time"], row["outcome"]) == (url, WHEN, None)


def test_presets_tell_a_publishers_dates_from_the_times_of_fetches() -> None:
    news = read_line({"text": "t", "date": "2017-08-11 00:00:00"}, preset="cc_news")
    assert news["capture_time"] is None and news["claimed_by"] == "field date"
    page = {"text": "t", "date": "2015-03-01", "filedate": "2025-05-01", "source": "https://news.example/1"}
    row = read_line(page, preset="trafilatura")
    assert (row["capture_time"].year, row["claimed_time"].year, row["url"]) == (2025, 2015, page["source"])
    dolma = read_line({"text": "t", "created": "2010-01-01", "added": "2023-04-11T09:57:03Z"}, preset="dolma")
    assert (dolma["capture_time"].year, dolma["claimed_time"].year) == (2023, 2010)
    paper = {"text": "t", "meta": {"timestamp": "2018-01-01", "arxiv_id": "1801.00001", "url": "https://a/"}}
    row = read_line(paper, preset="redpajama")
    assert row["capture_time"] is None and row["claimed_by"] == "field meta.timestamp"


def test_every_preset_of_the_configuration_is_known_and_states_what_its_dates_mean(tmp_path: Path) -> None:
    for name, preset in PRESETS.items():
        config = tmp_path / "c.yaml"
        config.write_text(f"reading: {{preset: {name}}}")
        assert load_configuration(config).reading.options().preset == name
        assert preset.dates and preset.fields["text"]
    with pytest.raises(ValueError, match="known are fineweb"):
        ReadOptions(preset="pile")


def test_parquet_tries_names_row_by_row_as_lines_do(shared: Path) -> None:
    for name in ("null_text", "text_and_content"):
        with (shared / f"data/cases/14-parquet/{name}.parquet").open("rb") as stream:
            rows = [row for batch in read_records(stream, name) for row in batch.to_pylist()]
        assert [row["outcome"] for row in rows] == [None, None]
    mixed = [{"text": None, "content": "first"}, {"text": "second", "content": "other"}]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(mixed), file)
    assert [row["text"] for row in read(file.getvalue(), "x.parquet")] == ["first", "second"]
    assert [read_line(value)["text"] for value in mixed] == ["first", "second"]


def test_an_encrypted_parquet_file_is_named(shared: Path) -> None:
    data = (shared / "data/cases/14-parquet/encrypted.parquet").read_bytes()
    (row,) = read(data, "encrypted.parquet")
    assert row["outcome"] == "bad_container" and "an encrypted Parquet file" in row["detail"]
