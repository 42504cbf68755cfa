"""Parquet of any string type, damaged and huge files too."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from provenance.records import ReadOptions, read_records
from tests.records.archives import read


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())],
)
def test_parquet_text_of_any_string_type_is_read(kind: pa.DataType) -> None:
    text = pa.array(["one", None, "three"], pa.binary() if kind == pa.binary() else pa.string()).cast(kind)
    rows = read(parquet(pa.table({"content": text, "url": ["u1", "u2", "u3"]})))
    assert [(row["record_offset"], row["text"], row["outcome"]) for row in rows] == [
        (0, "one", None),
        (1, None, "bad_row"),
        (2, "three", None),
    ]


def test_parquet_without_text_names_its_columns() -> None:
    (row,) = read(parquet(pa.table({"speech": ["a"]})))
    assert row["outcome"] == "bad_container" and "speech" in row["detail"]
    assert read(parquet(pa.table({"speech": ["a"]})), fields={"text": "speech"})[0]["text"] == "a"


def test_parquet_html_comes_as_body_where_mapped() -> None:
    data = parquet(
        pa.table(
            {"html": [b"<html><p>x</p></html>", b"\x89PNG\r\n\x1a\n"], "captured": [datetime(2020, 1, 1)] * 2}
        )
    )
    rows = read(data, fields={"body": "html", "capture_time": "captured"})
    assert rows[0]["body"] == b"<html><p>x</p></html>" and rows[0]["text"] is None
    assert rows[0]["capture_time"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert rows[1]["outcome"] == "not_text"


def test_a_damaged_row_group_costs_only_itself() -> None:
    table = pa.table({"text": [f"text {index} " * 50 for index in range(300)]})
    data = bytearray(parquet(table, row_group_size=100, use_dictionary=False, compression="zstd"))
    meta = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(0)
    data[meta.data_page_offset : meta.data_page_offset + 60] = b"\xff" * 60
    rows = read(bytes(data))
    assert sum(row["outcome"] is None for row in rows) == 200
    assert [row["outcome"] for row in rows if row["outcome"]] == ["bad_compression"]
    assert read(bytes(data[: len(data) // 2]))[0]["outcome"] == "bad_container"


def test_parquet_with_two_columns_of_one_name_uses_the_first() -> None:
    table = pa.Table.from_arrays([pa.array(["one"]), pa.array(["other"])], names=["text", "text"])
    assert [row["text"] for row in read(parquet(table))] == ["one"]


@pytest.mark.parametrize("dictionary", [True, False])
def test_parquet_with_invalid_utf8_and_impossible_dates_loses_no_row(dictionary: bool) -> None:
    offsets, data = pa.py_buffer(np.array([0, 5, 9], np.int32)), pa.py_buffer(b"caf\xe9sfine")
    text = pa.Array.from_buffers(pa.string(), 2, [None, offsets, data])
    table = pa.table(
        {"text": text, "crawl_date": pa.array([2**62, 1_700_000_000_000_000], pa.timestamp("us"))}
    )
    rows = read(parquet(table, use_dictionary=dictionary))
    assert [row["text"] for row in rows] == ["caf\N{REPLACEMENT CHARACTER}s", "fine"]
    assert rows[0]["capture_time"] is None and rows[1]["capture_time"].year == 2023


def test_a_parquet_file_that_repeats_one_long_text_costs_bounded_memory() -> None:
    """A dictionary of one text and a thousand references to it: a megabyte that stands for a gigabyte."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), pa.array(["x" * (1 << 20)]))
    data = parquet(pa.table({"text": text}))
    assert len(data) < 1 << 20
    pool = pa.default_memory_pool()
    before, most, rows = pool.bytes_allocated(), 0, 0
    for batch in read_records(io.BytesIO(data), "x.parquet", ReadOptions()):
        rows += batch.num_rows
        most = max(most, pool.bytes_allocated() - before)
        assert batch.nbytes < 6 << 20
    assert rows == 1000
    assert most < 40 << 20


def test_a_large_row_group_is_read_piece_by_piece() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    noise = np.random.default_rng(1).bytes(16 << 20).hex()
    table = pa.table({"text": [noise[at : at + 1000] for at in range(0, len(noise), 1000)]})
    stream = Counting(parquet(table, row_group_size=1 << 30, use_dictionary=False))
    assert len(stream.getvalue()) > 16 << 20 and pq.read_metadata(stream).num_row_groups == 1
    stream.taken = 0
    stream.seek(0)
    next(read_records(stream, "x.parquet", ReadOptions()))
    assert stream.taken < 8 << 20


def test_paths_reach_into_maps_as_spark_writes_them() -> None:
    pairs = [[("url", "https://m.example/"), ("warc_date", "2020-01-01")], None, [("url", None)]]
    columns = {"text": ["a", "b", "c"], "metadata": pa.array(pairs, pa.map_(pa.string(), pa.string()))}
    first, *others = read(parquet(pa.table(columns)))
    assert (first["url"], first["capture_evidence"]) == ("https://m.example/", "field metadata.warc_date")
    assert [(row["url"], row["capture_time"], row["text"]) for row in others] == [
        (None, None, "b"),
        (None, None, "c"),
    ]


@pytest.mark.parametrize(
    "moment",
    [
        pa.array([Decimal("1577836800")], pa.decimal128(38, 0)),
        pa.array([Decimal("1577836800000.00")], pa.decimal256(40, 2)),
        pa.array([b"2020-01-01"]),
        pa.array([b"2020-01-01"]).dictionary_encode(),
        pa.array([1577836800], pa.uint64()),
        pa.array([18262], pa.date32()),
    ],
)
def test_a_time_is_read_from_every_type_that_holds_one(moment: pa.Array) -> None:
    (row,) = read(parquet(pa.table({"text": ["a"], "crawl_date": moment})))
    assert row["capture_time"] == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_column_that_is_encrypted_costs_its_rows_and_not_the_process() -> None:
    class Kms(encryption.KmsClient):
        def wrap_key(self, key_bytes: bytes, _name: str) -> str:
            return base64.b64encode(key_bytes).decode()

    factory = encryption.CryptoFactory(lambda _: Kms())
    keys = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["text"]}, plaintext_footer=True
    )
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), keys)
    data = parquet(pa.table({"text": ["a", "b"], "url": ["u", "v"]}), encryption_properties=properties)
    (row,) = read(data)
    assert row["outcome"] == "bad_compression"
    assert "2 rows are lost (it is encrypted: write it without encryption)" in row["detail"]


def test_rows_that_a_footer_promises_and_nobody_finds_are_a_failure() -> None:
    data = parquet(pa.table({"text": ["one", "two", "three"]}), store_schema=False)
    counts = data.rindex(
        b"\x16\x06", len(data) - 400
    )  # the varint of the rows: three, for the last time in the group
    rows = read(data[:counts] + b"\x16\x0a" + data[counts + 2 :])
    assert [row["text"] for row in rows if row["outcome"] is None] == ["one", "two", "three"]
    assert [row["detail"] for row in rows if row["outcome"]] == [
        "row group 0 of the Parquet file cannot be read from row 3 on: 2 rows are lost (it holds 5 by its footer, and no more are there)"
    ]
