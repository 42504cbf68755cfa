"""Bytes that belong to no record are a row with their place and number; no file with bytes leaves no row at all."""

from __future__ import annotations

import random

import pytest

from tests.records.archives import ENCODERS, URLS, read, record

JUNK = b"Sentences of a text whose header is gone. " * 30
INFO = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Date: 2024-01-01T00:00:00Z\r\nContent-Length: 11\r\n\r\nsoftware: x\r\n\r\n"
REQUEST = (
    b"WARC/1.0\r\nWARC-Type: request\r\nWARC-Target-URI: https://a.example/\r\nContent-Length: 22\r\n\r\n"
    b"GET / HTTP/1.1\r\nA: b\r\n\r\n\r\n\r\n"
)
PARTS = [INFO, REQUEST, record(URLS[0]), REQUEST, record(URLS[1])]


@pytest.mark.parametrize("size", [5, 100, 1200])
@pytest.mark.parametrize("place", range(len(PARTS) + 1))
def test_junk_between_records_is_a_failure_that_says_how_much(place: int, size: int) -> None:
    data = b"".join([*PARTS[:place], JUNK[:size], *PARTS[place:]])
    rows = read(data, "x.warc")
    assert [row["url"] for row in rows if row["outcome"] is None] == URLS[:2]
    (lost,) = [row for row in rows if row["outcome"] is not None]
    assert lost["outcome"] == "bad_record"
    # White space at its end is padding like any other.
    assert any(f"{count:,} bytes" in lost["detail"] for count in (size, len(JUNK[:size].rstrip())))


@pytest.mark.parametrize("place", range(len(PARTS)))
def test_a_record_without_its_header_is_a_failure_even_behind_one_that_is_not_counted(place: int) -> None:
    headless = PARTS[place][PARTS[place].index(b"\r\n\r\n") + 4 :]
    for joint in (b"", b"\r\n\r\n"):
        before = b"".join(PARTS[:place]).removesuffix(b"\r\n\r\n" if not joint else b"")
        rows = read(before + headless + b"".join(PARTS[place + 1 :]), "x.warc")
        assert any(row["outcome"] == "bad_record" or row["detail"] for row in rows)


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
@pytest.mark.parametrize("place", range(len(PARTS) + 1))
def test_wiped_blocks_between_members_are_a_failure_and_a_little_padding_is_none(
    encoding: str, place: int
) -> None:
    for zeros, expected in ((3000, ["bad_record"]), (16, [])):
        parts = [ENCODERS[encoding](part) for part in PARTS]
        parts.insert(place, b"\0" * zeros)
        rows = read(b"".join(parts), "x.warc.gz" if encoding == "gzip" else "x.warc")
        assert [row["outcome"] for row in rows if row["outcome"]] == expected
        assert len(rows) == 2 + len(expected)
        assert not expected or any("3,000 zero bytes" in (row["detail"] or "") for row in rows)


def test_a_file_of_uncounted_records_only_is_one_row_that_says_so() -> None:
    (row,) = read(INFO + REQUEST + REQUEST, "x.warc")
    assert row["outcome"] == "bookkeeping"
    assert row["detail"].endswith("2 request, 1 warcinfo")


@pytest.mark.parametrize("data", [b"a", b"\0" * 4096, b"\r\n\r\n", JUNK, b"\x1f\x8b\x08junk", b"[1, 2]"])
def test_small_files_of_garbage_are_a_failure_with_their_size(data: bytes) -> None:
    (row,) = read(data, "x.warc.gz" if data[:1] == b"\x1f" else "x.warc")
    assert row["outcome"] in ("bad_container", "bad_compression", "truncated")
    assert data[:1] == b"\x1f" or f"{len(data):,} bytes" in row["detail"]


def test_nothing_is_said_of_files_without_a_byte_or_a_line() -> None:
    assert read(b"", "x.warc") == [] == read(b"\n\n", "x.jsonl")


def mutated(data: bytes, chance: random.Random) -> bytes:
    """An archive to which something happened."""
    at, length = chance.randrange(len(data)), chance.choice([1, 5, 50, 500, 4000])
    kinds = {
        "cut": data[:at],
        "begin": data[at:],
        "lose": data[:at] + data[at + length :],
        "insert": data[:at] + JUNK[:length] + data[at:],
        "wipe": data[:at] + b"\0" * len(data[at : at + length]) + data[at + length :],
        "flip": bytes([*data[:at], data[at] ^ 1 << chance.randrange(8), *data[at + 1 :]]),
    }
    return kinds[chance.choice(sorted(kinds))]


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_no_mutated_archive_leaves_no_row(encoding: str) -> None:
    chance = random.Random(7)
    encode = ENCODERS[encoding]
    for whole in (encode(b"".join(PARTS)), b"".join(map(encode, PARTS)), encode(INFO + REQUEST)):
        for _ in range(40):
            data = mutated(whole, chance)
            assert not data or read(data, "x.warc.gz")
