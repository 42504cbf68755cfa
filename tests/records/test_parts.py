"""A file that is read in parts gives the rows of the file that is read at once, whatever is in it and wherever it is cut."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.files.spans import Span
from provenance.records import Handover, Part, ReadOptions, read_records
from provenance.records.parts import misread, read_part
from tests.records.archives import ENCODERS, PAGE, arc, read, record

BEGUN = b"2024-01-01T00:00:00Z"


def warcinfo(belongs: str, begun: bytes = BEGUN) -> bytes:
    block = f"software: x\r\nisPartOf: {belongs}\r\n".encode()
    head = b"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Date: " + begun + b"\r\nContent-Length: "
    return head + str(len(block)).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def request(url: str) -> bytes:
    block = b"GET / HTTP/1.1\r\n\r\n"
    head = b"WARC/1.1\r\nWARC-Type: request\r\nWARC-Target-URI: " + url.encode()
    return head + b"\r\nContent-Length: " + str(len(block)).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def evenly(size: int, count: int) -> list[Span]:
    count = min(count, size)
    borders = [size * number // count for number in range(count + 1)]
    return [Span(number, count, borders[number], borders[number + 1]) for number in range(count)]


def read_parts(data: bytes, name: str, spans: list[Span], **options: Any) -> tuple[list[dict[str, Any]], int]:
    """All rows of all parts, once nobody contradicts its neighbour, and how many parts were read again."""
    rows: list[list[dict[str, Any]]] = [[] for _ in spans]
    parts = [Part(span) for span in spans]
    pending: dict[int, Handover | None] = dict.fromkeys(range(len(spans)))
    again = -len(spans)
    while pending:
        for number, begins in pending.items():
            part = Part(spans[number], begins)
            batches = read_records(io.BytesIO(data), name, ReadOptions(**options), part)
            rows[number] = [row for batch in batches for row in batch.to_pylist()]
            parts[number] = read_part(json.loads(json.dumps(part.as_json())))
            again += 1
        pending = dict(misread(parts))
    return [row for found in rows for row in found], again


def check(data: bytes, name: str, spans: list[Span], **options: Any) -> int:
    """Compare with the whole file; returns how many parts were read again."""
    found, again = read_parts(data, name, spans, **options)
    whole = read(data, name, **options)
    assert [unnumbered(row) for row in found] == [unnumbered(row) for row in whole]
    return again


def unnumbered(row: dict[str, Any]) -> dict[str, Any]:
    """Lines are called by number or by offset; everything else is the same."""
    return {**row, "detail": re.sub(r"line [\d,]+|the line at byte [\d,]+", "L", row["detail"] or "")}


def archive(seed: int, codec: str, form: str, count: int) -> bytes:
    """Members of one or several records, some empty, some damaged, with junk and padding between them."""
    rng = random.Random(seed)
    out = [ENCODERS[codec](warcinfo("crawl") if form == "warc" else arc("filedesc://x.arc", b"1 0 x\n"))]
    for number in range(count):
        url = f"https://a.example/{seed}/{number}"
        page = PAGE + rng.randbytes(rng.choice([0, 300, 3000])).hex().encode()
        kind = rng.choice(
            ["one", "one", "one", "two", "cut", "flip", "junk", "zeros", "empty", "lie", "info", "request"]
        )
        one = record(url, page) if form == "warc" else arc(url, page)
        if kind == "two":
            one += record(url + "/b", page) if form == "warc" else arc(url + "/b", page)
        elif kind == "lie" and form == "warc":
            one = record(url, page, length=rng.choice([0, 10, len(page) * 3, "x"]))
        elif kind == "info" and form == "warc":
            one = warcinfo(f"crawl {number}", rng.choice([BEGUN, b"2019-01-01T00:00:00Z"]))
        elif kind == "request" and form == "warc":
            one = request(url)
        stored = ENCODERS[codec](one)
        if kind == "cut":
            stored = stored[: rng.randrange(len(stored))]
        elif kind == "flip":
            at = rng.randrange(len(stored))
            stored = stored[:at] + bytes([stored[at] ^ 1 << rng.randrange(8)]) + stored[at + 1 :]
        elif kind == "junk":
            stored = rng.randbytes(rng.choice([1, 50, 5000])) + stored
        elif kind == "zeros":
            stored += b"\0" * rng.choice([1, 100, 5000])
        elif kind == "empty":
            stored += ENCODERS[codec](b"")
        out.append(stored)
    return b"".join(out)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 1 << 32),
    st.sampled_from(sorted(ENCODERS)),
    st.sampled_from(["warc", "arc"]),
    st.integers(1, 12),
    st.integers(2, 40),
)
def test_any_archive_in_any_number_of_parts_gives_the_rows_of_the_whole(
    seed: int, codec: str, form: str, records: int, parts: int
) -> None:
    data = archive(seed, codec, form, records)
    check(data, f"x.{form}", evenly(len(data), parts), max_payload_bytes=20_000)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b'{"text": "a page"}',
                b"",
                b"  ",
                b"{",
                b"[1]",
                b"\xff\xfe",
                b"\0\0",
                b'{"text": "' + b"x" * 900 + b'"}',
                b"\r",
            ]
        ),
        max_size=60,
    ),
    st.integers(2, 40),
    st.booleans(),
)
def test_any_lines_in_any_number_of_parts_give_the_rows_of_the_whole(
    lines: list[bytes], count: int, ended: bool
) -> None:
    data = b"\n".join([b'{"text": "the first"}', *lines]) + b"\n" * ended
    assert check(data, "x.jsonl", evenly(len(data), count), max_line_bytes=500) == 0


@pytest.mark.parametrize("groups", [1, 3, 17])
@pytest.mark.parametrize("count", [2, 5, 40])
def test_a_table_is_cut_at_its_row_groups(groups: int, count: int) -> None:
    sink = io.BytesIO()
    texts = [f"page {number} " * 20 for number in range(170)]
    pq.write_table(pa.table({"text": texts}), sink, row_group_size=170 // groups)
    data = sink.getvalue()
    assert check(data, "x.parquet", evenly(len(data), count)) == 0


@pytest.mark.parametrize("cut", [2, 7])
def test_a_damaged_table_is_reported_once(cut: int) -> None:
    sink = io.BytesIO()
    pq.write_table(
        pa.table({"text": [f"page {number} " * 20 for number in range(99)]}), sink, row_group_size=20
    )
    data = bytearray(sink.getvalue())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    check(bytes(data), "x.parquet", evenly(len(data), cut))
    check(bytes(data[:-30]), "x.parquet", evenly(len(data) - 30, cut))
    nothing = io.BytesIO()
    pq.write_table(pa.table({"x": list(range(99))}), nothing, row_group_size=20)
    check(nothing.getvalue(), "x.parquet", evenly(len(nothing.getvalue()), cut))


def crawl(count: int, encode: Callable[[bytes], bytes], page: bytes = PAGE) -> bytes:
    pages = [record(f"https://a.example/{n}", page + str(n).encode()) for n in range(count)]
    return b"".join(encode(item) for item in [warcinfo("crawl"), *pages])


@pytest.mark.parametrize("codec", sorted(ENCODERS))
def test_every_cut_of_a_whole_archive_is_found_at_once(codec: str) -> None:
    data = crawl(30, ENCODERS[codec])
    for count in (2, 3, 7, 29, 100):
        assert check(data, "x.warc", evenly(len(data), count)) == 0


def test_frames_with_a_dictionary_at_the_head_are_found_in_the_middle() -> None:
    samples = [record(f"https://a.example/{n}", PAGE + bytes(str(n) * 40, "ascii")) for n in range(200)]
    dictionary = zstandard.train_dictionary(4000, samples)
    encode = zstandard.ZstdCompressor(dict_data=dictionary).compress
    content = dictionary.as_bytes()
    head = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
    data = head + crawl(40, encode)
    for count in (2, 5, 30):
        assert check(data, "x.warc.zst", evenly(len(data), count)) == 0


@pytest.mark.parametrize("inner", [gzip.compress, lambda data: data])
def test_an_archive_inside_a_page_deceives_a_part_but_not_the_file(inner: Callable[[bytes], bytes]) -> None:
    """A download of an archive: what a part takes for its first record is the payload of the one before."""
    held = b"".join(inner(record(f"https://inner.example/{n}", b"x" * 40)) for n in range(300))
    encode = (
        (lambda data: gzip.compress(data, compresslevel=0)) if inner is gzip.compress else ENCODERS["plain"]
    )
    pages = [encode(record(f"https://a.example/{n}", held, b"X: y\r\n")) for n in range(4)]
    data = encode(warcinfo("crawl")) + b"".join(pages)
    again = [check(data, "x.warc.gz", evenly(len(data), count)) for count in (2, 5, 9, 30)]
    assert max(again) > 0


def test_what_an_archive_says_of_itself_in_its_middle_reaches_the_parts_behind() -> None:
    old = warcinfo("another", b"2019-01-01T00:00:00Z")
    pages = [record(f"https://a.example/{n}") for n in range(40)]
    data = b"".join(map(gzip.compress, [warcinfo("crawl"), *pages[:20], old, *pages[20:]]))
    rows, again = read_parts(data, "x.warc.gz", evenly(len(data), 8))
    assert rows == read(data, "x.warc.gz")
    assert again == 4  # those wholly behind it
    assert {row["source"] for row in rows} == {"crawl", "another"}
    assert any("contradicted" in (row["time_remark"] or "") for row in rows)


def test_what_it_says_twice_alike_costs_nothing() -> None:
    pages = [record(f"https://a.example/{n}") for n in range(40)]
    info = warcinfo("crawl", b"2024-01-02T00:00:00Z")
    data = b"".join(map(gzip.compress, [warcinfo("crawl"), *pages[:20], info, *pages[20:]]))
    assert check(data, "x.warc.gz", evenly(len(data), 8)) == 0


@pytest.mark.parametrize("codec", sorted(ENCODERS))
def test_a_file_of_nothing_that_is_counted_is_said_to_be_so_once(codec: str) -> None:
    encode = ENCODERS[codec]
    data = encode(warcinfo("crawl")) + b"".join(encode(request(f"https://a.example/{n}")) for n in range(50))
    rows, again = read_parts(data, "x.warc", evenly(len(data), 7))
    assert rows == read(data, "x.warc") and len(rows) == 1 and again == 0
    assert "50 request" in rows[0]["detail"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (gzip.compress(b'{"text": "a page"}\n' * 500), "x.jsonl.gz"),
        (b"".join(gzip.compress(b'{"text": "a page"}\n' * 50) for _ in range(20)), "x.jsonl.gz"),
        (b"[" + b",\n".join([b'{"text": "a page"}'] * 500) + b"]", "x.json"),
        (gzip.compress(b"".join(record(f"https://a.example/{n}") for n in range(50))), "x.warc.gz"),
        (b"junk" * 100 + crawl(50, gzip.compress), "x.warc.gz"),
        (random.Random(1).randbytes(5000), "x.bin"),
        (bytes(5000), "x.warc.gz"),
    ],
    ids=["lines in gzip", "lines in members", "array", "one member", "junk first", "no format", "zeros"],
)
def test_what_cannot_be_cut_is_all_in_the_first_part(data: bytes, name: str) -> None:
    spans = evenly(len(data), 6)
    assert check(data, name, spans) == 0
    for span in spans[1:]:
        part = Part(span)
        rows = [row for batch in read_records(io.BytesIO(data), name, part=part) for row in batch.to_pylist()]
        assert not rows or "junk" in str(data[:4])


def test_a_line_over_many_parts_is_the_first_one_s() -> None:
    data = b'{"text": "a"}\n{"text": "' + b"x" * 3_000_000 + b'"}\n{"text": "b"}\n'
    for limit in (1000, 8_000_000):
        assert check(data, "x.jsonl", evenly(len(data), 20), max_line_bytes=limit) == 0


def test_the_development_crawl_gives_the_same_rows_in_parts(shared: Path) -> None:
    folder = shared / "data" / "web"
    paths = sorted(folder.glob("warc/*/*")) + sorted(folder.glob("crawl/malformed/*"))
    chosen = [path for path in paths if path.is_file() and 300 < path.stat().st_size < 400_000]
    assert len(chosen) > 60
    for path in chosen[::2]:
        data = path.read_bytes()
        check(data, path.name, evenly(len(data), 5))
