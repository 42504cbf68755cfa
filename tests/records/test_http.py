"""HTTP responses inside records: taken apart at their header; bombs and long runs cost bounded memory and time."""

from __future__ import annotations

import gzip
import os
import time
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from provenance.records.http import MAX_MEMBERS, decode_payload, header_values, split_response
from tests.records.archives import PAGE, URLS, read_archive, record

BOMB = b"<html><body><p>" + b"\0" * (64 << 20)


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


@pytest.mark.parametrize(
    ("coding", "payload"),
    [
        (b"gzip", gzip.compress(BOMB)),
        (b"br", brotli.compress(BOMB, quality=2)),
        (b"zstd", zstandard.compress(BOMB)),
        (b"deflate", zlib.compress(BOMB)),
        (b"deflate", raw_deflate(BOMB)),
        (b"gzip, gzip", gzip.compress(gzip.compress(BOMB))),
        (b"br, zstd, gzip", gzip.compress(zstandard.compress(brotli.compress(BOMB, quality=2)))),
    ],
)
def test_a_payload_bomb_is_a_failure_row_and_costs_bounded_memory(coding: bytes, payload: bytes) -> None:
    data = gzip.compress(record(URLS[0], payload, b"Content-Encoding: " + coding + b"\r\n")) + gzip.compress(
        record(URLS[1])
    )
    read_archive(record(URLS[1]))  # what the first reading loads is not the bomb's
    tracemalloc.start()
    rows = read_archive(data, max_payload_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(row["url"], row["outcome"]) for row in rows] == [(URLS[0], "too_large"), (URLS[1], None)]
    assert peak < 24 << 20


@pytest.mark.parametrize("run", [b"\r", b" ", b"\n ", b"a", b"charset= ", b"\r\n\t"])
def test_long_runs_in_headers_cost_linear_time(run: bytes) -> None:
    filler = run * (1_000_000 // len(run))
    hostile = record(URLS[0]).replace(b"WARC-Date:", b"X: " + filler + b"\r\nWARC-Date:")
    hostile += record(URLS[1], headers=b"Content-Type: a; charset=" + filler + b"\r\n")
    rows = read_archive(gzip.compress(hostile) + gzip.compress(record(URLS[2])))
    assert rows[-1]["url"] == URLS[2] and rows[-1]["body"] == PAGE


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
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + b"HTTP/1.1 404 Gone\r\n\r\nx", 404, b"x"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", 100, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 404 as a text", 200, b"HTTP/1.1 404 as a text"),
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


def test_codings_of_several_header_lines_are_one_list_in_their_order() -> None:
    headers = (
        b"Content-Encoding: br\r\nContent-Type: text/html\r\ncontent-encoding: gzip\r\nContent-Type: x/y"
    )
    coding, kind = header_values(headers, (b"content-encoding", b"content-type"))
    assert (coding, kind) == (b"br, gzip", b"text/html")
    page = b"<html>" * 50
    assert decode_payload(gzip.compress(brotli.compress(page)), None, coding, 9999).payload == page
    # A proxy that says it once more did not do it once more.
    twice = header_values(b"Content-Encoding: gzip\r\nContent-Encoding: gzip", (b"content-encoding",))[0]
    assert decode_payload(gzip.compress(page), None, twice, 9999).payload == page


def test_a_payload_of_very_many_gzip_members_costs_linear_time() -> None:
    """Without that, 16 MB of empty members take 20 s of processor time."""
    empty, started = gzip.compress(b""), time.process_time()
    decoded = decode_payload(empty * ((16 << 20) // len(empty)), None, b"gzip", 16 << 20)
    assert decoded.payload == b""
    assert time.process_time() - started < 2


def test_a_payload_of_more_gzip_members_than_are_read_is_not_cut_silently() -> None:
    """It lost what stood behind the last member that is read, without a remark."""
    member = gzip.compress(b"word ")
    assert decode_payload(member * MAX_MEMBERS, None, b"gzip", 1 << 20) == (
        b"word " * MAX_MEMBERS,
        None,
        None,
    )
    cut = decode_payload(member * (MAX_MEMBERS + 1), None, b"gzip", 1 << 20)
    assert (cut.payload, cut.detail) == (b"word " * MAX_MEMBERS, "the gzip coded payload ends early")


@pytest.mark.parametrize("cut", [1, 5_000, 9_000])
def test_gzip_members_behind_one_another_are_one_payload_up_to_where_it_breaks_off(cut: int) -> None:
    parts = [bytes(range(256)) * 50, b"", b"x" * 100_000, os.urandom(9_000)]
    members = [gzip.compress(part, 1) for part in parts]
    assert decode_payload(b"".join(members), None, b"gzip", 1 << 20) == (b"".join(parts), None, None)
    short = decode_payload(b"".join(members)[:-cut], None, b"gzip", 1 << 20)
    assert b"".join(parts).startswith(short.payload) and len(short.payload) > 112_000
    assert short.detail == "the gzip coded payload ends early"
