"""JSON lines, Parquet, ARC, WET and the parts of a response: what each input becomes."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from provenance.records import ReadOptions, read_records
from provenance.records.dates import parse_time, time_of
from provenance.records.http import decode_payload, split_response
from provenance.records.mime import sniff


def read(data: bytes, name: str = "x", **options: Any) -> list[dict[str, Any]]:
    batches = read_records(io.BytesIO(data), name, ReadOptions(**options))
    return [row for batch in batches for row in batch.to_pylist()]


LINE = {"id": "a", "url": "https://a.example/", "date": "2021-06-07", "text": "Grüße", "source": "dump"}


@pytest.mark.parametrize("encode", [bytes, gzip.compress, zstandard.compress])
def test_json_lines_give_a_row_for_each_line(encode: Any) -> None:
    lines = [
        json.dumps(LINE),
        "",
        "{broken",
        json.dumps({"text": 5}),
        json.dumps({"body": "x"}),
        "[1]",
        json.dumps(LINE),
    ]
    rows = read(encode(b"\xef\xbb\xbf" + "\r\n".join(lines).encode()), "x.jsonl")
    assert [row["outcome"] for row in rows] == [None, "bad_row", "bad_row", "bad_row", "bad_row", None]
    assert rows[0]["text"] == "Grüße" and rows[0]["record_id"] == "a" and rows[0]["source"] == "dump"
    assert rows[0]["capture_time"] == datetime(2021, 6, 7, tzinfo=UTC)
    assert "line 3" in rows[1]["detail"]


def test_json_lines_are_known_by_their_bytes_even_after_a_bad_first_line() -> None:
    good = json.dumps(LINE).encode()
    assert [row["outcome"] for row in read(b"oops\n" + good + b"\n" + good, "x.warc.gz")] == [
        "bad_row",
        None,
        None,
    ]


def test_a_line_that_is_too_long_costs_only_itself() -> None:
    good = json.dumps(LINE).encode()
    rows = read(good + b"\n" + b'{"text": "' + b"a" * 5000 + b'"}\n' + good, max_line_bytes=1000)
    assert [row["outcome"] for row in rows] == [None, "too_large", None]


def test_deep_json_and_lone_surrogates_and_nul_do_not_raise() -> None:
    rows = read(
        b'{"text": "a"}\n{"text": ' + b"[" * 200_000 + b'\n{"text": "\\ud800 x"}\n{"text": "a\\u0000b"}\n'
    )
    assert [row["outcome"] for row in rows] == [None, "bad_row", None, None]


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
    table = pa.table({"text": text, "date": pa.array([2**62, 1_700_000_000_000_000], pa.timestamp("us"))})
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


def test_a_line_with_broken_utf8_or_stray_nuls_is_read_and_says_so() -> None:
    broken, padded = read(b'{"text": "caf\xe9"}\n\0\0{"text": "fine"}\0\n', "x.jsonl")
    assert broken["text"] == "caf\N{REPLACEMENT CHARACTER}" and "UTF-8" in broken["detail"]
    assert (padded["text"], padded["detail"]) == ("fine", None)


def test_arc_versions_1_and_2_are_read() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><p>old page</p></html>"
    size = str(len(block)).encode()
    arc = b"filedesc://x.arc 0.0.0.0 20000101000000 text/plain 5\n1 0 x\n\n"
    arc += b"http://a.example/ 1.2.3.4 20010203040506 text/html " + size + b"\n" + block + b"\n"
    arc += (
        b"http://b.example/a b 1.2.3.4 20010203040506 text/html 200 - - 0 x.arc "
        + size
        + b"\n"
        + block
        + b"\n"
    )
    rows = read(arc)
    assert [row["url"] for row in rows] == ["http://a.example/", "http://b.example/a b"]
    assert all(
        row["capture_time"] == datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC) and row["outcome"] is None
        for row in rows
    )


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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-03-10T03:00:00Z", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2025-03-10T03:00:00.123456789Z", datetime(2025, 3, 10, 3, 0, 0, 123456, tzinfo=UTC)),
        ("2025-03-10T05:00:00+02:00", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("20250310030000", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2025031003", datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (1741575600, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        (1741575600000, datetime(2025, 3, 10, 3, tzinfo=UTC)),
        ("2099-01-01T00:00:00Z", datetime(2099, 1, 1, tzinfo=UTC)),
        ("2025-03", None),
        ("2025", None),
        ("1970-01-01T00:00:00Z", None),
        ("10 March 2025", None),
        ("2025-02-30", None),
        (float("nan"), None),
        (True, None),
    ],
)
def test_only_full_dates_are_capture_times(value: object, expected: datetime | None) -> None:
    micros = parse_time(value) if isinstance(value, str) else time_of(value)
    assert micros == (None if expected is None else int(expected.timestamp()) * 10**6 + expected.microsecond)


@pytest.mark.parametrize(
    ("body", "declared", "expected"),
    [
        (b"<!DOCTYPE html><p>x", "image/png", "text/html"),
        (b"  \n<p>x</p>", None, "text/html"),
        (b"Warning: line 3\n<html><body>x", "text/html", "text/html"),
        (b"<?xml version='1.0'?><!DOCTYPE html><html xmlns='x'>", None, "application/xhtml+xml"),
        (b"<?xml version='1.0'?><rss>", "text/html", "text/xml"),
        (b"<svg xmlns='x'>", None, "image/svg+xml"),
        (b"%PDF-1.4 x", "text/html", "application/pdf"),
        (bytes(range(256)) * 20, "text/html", "application/octet-stream"),
        (b'{"a": 1}', "text/html", "application/json"),
        (b"{curly} words are text", "text/html", "text/plain"),
        (b"plain words", "text/html; charset=utf-8", "text/plain"),
        (b"var a = 1", "application/javascript", "application/javascript"),
        ("<html><p>x</p></html>".encode("utf-16"), None, "text/html"),
        ("<html><p>x</p></html>".encode("utf-16-be"), "text/html", "text/html"),
        ("Привет".encode("windows-1251"), "text/html", "text/plain"),
        (b"<html>" + b"a\0 " * 100, "text/html", "text/html"),
    ],
)
def test_types_are_told_from_the_bytes(body: bytes, declared: str | None, expected: str) -> None:
    assert sniff(body, declared) == expected


@pytest.mark.parametrize(
    ("block", "status", "payload"),
    [
        (b"HTTP/2 200\r\nA: b\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 404 Not Found\nA: b\n\nx", 404, b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", 200, b""),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n<html>", 200, b"<html>"),
        (b"<html>", None, b"<html>"),
        (b"HTTP/1.1", None, b""),
    ],
)
def test_responses_are_split_at_their_header(block: bytes, status: int | None, payload: bytes) -> None:
    response = split_response(block, 1 << 20)
    assert (response.status, response.payload if response.has_status_line else block) in [
        (status, payload),
        (None, block),
    ]


def test_chunking_and_codings_that_are_not_there_are_passed_over() -> None:
    assert decode_payload(b"<html>", b"chunked", b"gzip, br", 100).payload == b"<html>"
    assert decode_payload(b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"Chunked", None, 100).payload == b"abcde"
    assert decode_payload(b"3\r\nabc\r\nzz", b"chunked", None, 100).payload == b"abc"
    cut = decode_payload(gzip.compress(b"abc" * 999)[:-12], None, b"gzip", 9999)
    assert cut.payload.startswith(b"abc") and cut.detail
    assert decode_payload(gzip.compress(b"x")[:9] + b"\xff" * 9, None, b"gzip", 99).reason == "bad_encoding"


def test_batches_are_bounded_in_rows_and_bytes() -> None:
    line = json.dumps({"text": "a" * 1000}).encode() + b"\n"
    sizes = [
        batch.num_rows for batch in read_records(io.BytesIO(line * 100), "x", ReadOptions(batch_bytes=10_000))
    ]
    assert sizes == [10] * 10
    with pytest.raises(ValueError, match="batch_rows"):
        ReadOptions(batch_rows=0)
    with pytest.raises(ValueError, match="unknown column"):
        ReadOptions(fields={"txt": "a"})


def test_warcinfo_names_the_source_and_wet_carries_text() -> None:
    def record(kind: str, block: bytes) -> bytes:
        head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Length: {len(block)}\r\n\r\n"
        return head.encode() + block + b"\r\n\r\n"

    data = record("warcinfo", b"isPartOf: CC-MAIN-2024-22\r\n") + record(
        "conversion", "Grüße\xff".encode()[:-1]
    )
    (row,) = read(data + record("conversion", b" \n"))[:1]
    assert row["source"] == "CC-MAIN-2024-22" and row["text"].startswith("Grüße") and row["body"] is None
