"""Most records are read in one look: their rows are those of a record that is looked at closely."""

from __future__ import annotations

import gzip
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.records.crawl import record_row
from provenance.records.frame import Frame
from provenance.records.options import ReadOptions
from provenance.records.plain import plain_row
from provenance.records.rows import Row
from provenance.records.warc import warc_fields
from tests.records.archives import read, record

#: Lines that writers and servers add, well formed and not.
LINES = (
    b"Content-Type: \r\n", b"CONTENT-TYPE:text/plain;charset=latin-1\r\n", b"Content-Type: application/pdf\r\n",
    b"Transfer-Encoding: chunked\r\n", b"content-encoding: gzip\r\n", b"X-Crawl-Content-Encoding: gzip\r\n", b" folded\r\n",
    b"Name : value\r\n", b"X: \xe9\xff\r\n", b"no colon\r\n", b"LF: only\n", b"\r\n", b"\n\n", b"\r", b"\0", b"HTTP/1.0 301\r\n",
    b"WARC-Segment-Number: 1\r\n", b"WARC-Date: 2021-02-30T00:00:00Z\r\n", b"WARC-Date: 2016-12-31T23:59:60Z\r\n",
    b"warc-type: resource\r\n", b"Odd: WARC/1.0\r\n", b"WARC-Payload-Digest: sha1:AAAA\r\n", b"Content-Length: 5\r\n",
)  # fmt: skip


def stored(data: bytes) -> Frame:
    header, _, rest = data.partition(b"\r\n\r\n")
    return Frame(0, header + b"\r", rest.removesuffix(b"\r\n\r\n"), whole=True)


def test_a_page_as_crawlers_write_it_is_read_in_one_look() -> None:
    frame = stored(record("https://a.example/1"))
    row = plain_row(frame, warc_fields(frame.header), ReadOptions())
    assert row is not None
    closely = record_row(frame, ReadOptions())
    assert closely is not None
    assert _stated(closely) == _stated(row)


@pytest.mark.parametrize(
    "data",
    [
        record("https://a.example/1", status=b"404 Not Found"),
        record("https://a.example/1", headers=b"Content-Encoding: br\r\n"),
        record("https://a.example/1", headers=b"X: folded\r\n line\r\n"),
        record("https://a.example/1", b"%PDF-1.7 "),
        record("https://a.example/1", b" \n"),
    ],
    ids=["an error", "compressed", "a folded line", "no text", "empty"],
)
def test_what_is_odd_is_left_to_a_close_look(data: bytes) -> None:
    frame = stored(data)
    assert plain_row(frame, warc_fields(frame.header), ReadOptions()) is None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_record_gives_the_same_row_as_a_member_of_its_own_and_in_a_stream_of_records(seed: int) -> None:
    chosen = random.Random(seed)
    records = [_changed(record(f"https://a.example/{number}"), chosen) for number in range(3)]
    in_members = read(b"".join(gzip.compress(item, 1, mtime=0) for item in records), "x.warc.gz")
    in_a_stream = read(gzip.compress(b"".join(records), 1, mtime=0), "x.warc.gz")
    if len(in_members) == len(in_a_stream):  # a member ends what a stream goes on with
        assert [_told(row) for row in in_members] == [_told(row) for row in in_a_stream]


def _changed(data: bytes, chosen: random.Random) -> bytes:
    """A record with lines put in anywhere in its header or its answer's, whose length is told anew."""
    header, _, block = data.removesuffix(b"\r\n\r\n").partition(b"\r\n\r\n")
    parts = [header.partition(b"Content-Length")[0], block]
    for _ in range(chosen.randrange(3)):
        part = chosen.randrange(2)
        ends = [at + 1 for at in range(len(parts[part])) if parts[part][at] == 10]
        at = chosen.choice(ends)
        parts[part] = parts[part][:at] + chosen.choice(LINES) + parts[part][at:]
    return parts[0] + b"Content-Length: " + str(len(parts[1])).encode() + b"\r\n\r\n" + parts[1] + b"\r\n\r\n"


def _stated(row: Row) -> dict[str, object]:
    return {name: value for name, value in row.items() if value is not None}


def _told(row: dict[str, object]) -> dict[str, object]:
    """What does not depend on where the record lies."""
    return {
        name: value for name, value in row.items() if name not in ("record_offset", "record_length", "detail")
    }
