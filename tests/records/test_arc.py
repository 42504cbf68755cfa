"""ARC files of both versions, damaged ones too."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from tests.records.archives import PAGE, URLS, arc, read


def test_arc_records_behind_junk_and_wrong_lengths_are_read() -> None:
    junk = random.Random(2).randbytes(3000).replace(b"\n", b".")
    first, second, third = (arc(url, PAGE) for url in URLS[:3])
    for data in (
        junk + first + second + third,
        first + junk + second + third,
        first[:-30] + second + third,
        first + second[: len(second) // 2] + second[len(second) // 2 + 3 :] + third,
    ):
        rows = read(data, "x.arc")
        assert [row["url"] for row in rows if row["url"]] == URLS[:3]
        assert sum(row["body"] == PAGE for row in rows) >= 2


def test_arc_versions_1_and_2_are_read() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><p>old page</p></html>"
    size = str(len(block)).encode()
    arc = b"filedesc://x.arc 0.0.0.0 20010203000000 text/plain 5\n1 0 x\n\n"
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
