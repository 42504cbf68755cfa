"""Files in a real S3: whole or absent, read by ranges, and each trouble told by its own words."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from provenance.errors import UsageError
from provenance.files.storage import (
    AnyStorage,
    StoreError,
    check_address,
    each,
    read_bytes,
    uploads,
    write_bytes,
)
from provenance.files.storage.ranges import RangeReader
from tests.stores import S3, be_patient, use_s3, web_server

STORAGE = AnyStorage()


def test_a_file_is_found_listed_read_and_deleted(s3: S3) -> None:
    for name in ("r/a", "r/b/c", "rest"):
        write_bytes(STORAGE, f"s3://crawls/{name}", name.encode())
    assert {item.path for item in STORAGE.list("s3://crawls/r")} == {"s3://crawls/r/a", "s3://crawls/r/b/c"}
    found = STORAGE.info("s3://crawls/r/a")
    assert found is not None and (found.size, found) == (3, STORAGE.list("s3://crawls/r")[0])
    assert STORAGE.info("s3://crawls/r") is None and STORAGE.list("s3://crawls/r/a") == []
    assert read_bytes(STORAGE, "s3://crawls/r/b/c") == b"r/b/c"
    STORAGE.delete("s3://crawls/r")
    STORAGE.delete("s3://crawls/never-there")
    assert s3.names("crawls") == ["rest"]


def test_a_rewritten_file_has_another_token(s3: S3) -> None:
    tokens = set()
    for data in (b"1", b"2"):
        write_bytes(STORAGE, "s3://crawls/x", data)
        tokens.add(STORAGE.list("s3://crawls")[0].modified)
    assert len(tokens) == 2


def test_a_large_file_goes_up_in_parts_and_appears_at_its_end(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    data = os.urandom(12 << 20)
    with STORAGE.create("s3://crawls/large") as file:
        file.write(data[: 11 << 20])
        assert s3.names("crawls") == [] and len(s3.uploads("crawls")) == 1
        file.write(data[11 << 20 :])
    assert s3.read("crawls", "large") == data


@pytest.mark.parametrize("size", [4, 12 << 20])
def test_a_file_that_is_not_written_to_its_end_leaves_nothing(
    s3: S3, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    with pytest.raises(RuntimeError), STORAGE.create("s3://crawls/x") as file:
        file.write(bytes(size))
        raise RuntimeError
    assert s3.names("crawls") == [] and s3.uploads("crawls") == []


def test_columns_of_parquet_are_read_without_the_rest_of_the_file(s3: S3) -> None:
    table = pa.table({"small": pa.array(range(1000)), "large": [os.urandom(4096) for _ in range(1000)]})
    with STORAGE.create("s3://crawls/x.parquet") as file:
        pq.write_table(table, file, compression="none", row_group_size=500)
    read: list[int] = []
    with STORAGE.open("s3://crawls/x.parquet") as file:
        assert isinstance(file, RangeReader)
        fetch = file._fetch
        file._fetch = lambda start, end: (read.append(end - start), fetch(start, end))[1]  # type: ignore[func-returns-value]
        assert pq.ParquetFile(file).read(["small"])["small"].to_pylist() == list(range(1000))
    assert sum(read) < 1 << 20 < 4096 * 1000


def test_reading_forwards_takes_few_requests_and_going_back_none() -> None:
    data, asked = os.urandom(20 << 20), []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        return data[start:end]

    file = RangeReader("s3://x/y", len(data), fetch)
    parts = list(iter(lambda: file.read(256 << 10), b""))
    assert b"".join(parts) == data and len(asked) <= 9
    file.seek(-100, os.SEEK_END)
    assert file.read() == data[-100:] and len(asked) <= 9


def test_each_trouble_has_a_message_of_its_own(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="no such object: 's3://crawls/none'"):
        STORAGE.open("s3://crawls/none")
    no_bucket = "s3://elsewhere: there is no such bucket"
    with pytest.raises(StoreError, match=no_bucket):
        STORAGE.list("s3://elsewhere/crawl")
    with pytest.raises(StoreError, match=no_bucket):
        STORAGE.open("s3://elsewhere/crawl")
    with pytest.raises(StoreError, match=no_bucket):
        write_bytes(STORAGE, "s3://elsewhere/x", b"x")
    requests.post(f"{s3.endpoint}/moto-api/reset-auth", data=b"0", timeout=5)
    try:
        for call in (STORAGE.list, STORAGE.info, STORAGE.open, STORAGE.delete):
            with pytest.raises(StoreError, match=r"refused the credentials.*AWS_ACCESS_KEY_ID"):
                call("s3://crawls/x")
        with pytest.raises(StoreError, match="cannot be written: the store refused the credentials"):
            write_bytes(STORAGE, "s3://crawls/x", b"x")
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        be_patient(monkeypatch, 60)
        with pytest.raises(StoreError, match=r"refused the credentials.*Unable to locate credentials"):
            STORAGE.list("s3://crawls/x")
    finally:
        requests.post(f"{s3.endpoint}/moto-api/reset-auth", data=b"Infinity", timeout=5)


def test_addresses_that_cannot_be_used_are_refused_without_asking_a_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match=r"hdfs:// is not supported; write a path .* s3://, gs:// .* hf://"):
        check_address("hdfs://a/b")
    with pytest.raises(UsageError, match="hf:// can only be read"):
        check_address("hf://datasets/a/b", writing=True)
    with pytest.raises(UsageError, match="names no bucket; write s3://BUCKET/"):
        check_address("s3://")
    monkeypatch.setattr("provenance.files.storage.addresses.find_spec", lambda name: None)
    with pytest.raises(
        UsageError, match=r"needs the package gcsfs, .* pip install 'provenance-pipelines\[gcs\]'"
    ):
        check_address("gs://bucket/x")


def test_a_store_that_was_never_reached_is_not_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    use_s3(monkeypatch, "http://127.0.0.1:9", seconds=300)
    with pytest.raises(StoreError, match="tried 4 times"):
        STORAGE.list("s3://unreached/x")


@pytest.mark.parametrize("ranges", [True, False])
def test_files_of_a_web_server_are_read_whether_or_not_it_knows_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranges: bool
) -> None:
    be_patient(monkeypatch, 60)
    data = os.urandom(1 << 20)
    (tmp_path / "a.warc.gz").write_bytes(data)
    with web_server(tmp_path, ranges) as address:
        with STORAGE.open(f"{address}/a.warc.gz") as file:
            assert file.read(10) == data[:10]
            file.seek(-10, os.SEEK_END)
            assert file.read() == data[-10:]
        assert STORAGE.info(f"{address}/none") is None
        with pytest.raises(UsageError, match="can only be read"):
            STORAGE.delete(f"{address}/a.warc.gz")


def test_calls_side_by_side_keep_their_order() -> None:
    assert each(lambda number: number * 2, range(200)) == list(range(0, 400, 2))
