"""Hostile archives: bombs cost bounded memory, lying headers cost one record, nothing ever raises."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import brotli
import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.outcomes import DROPPED, FAILED
from provenance.records import ReadOptions, read_records

PAGE = (
    b"<!doctype html><html><body>"
    + b"<p>The council approved the new budget yesterday.</p>" * 20
    + b"</body></html>"
)


class Pipe(io.RawIOBase):
    """A stream that cannot seek and hands out a few bytes at a time."""

    def __init__(self, data: bytes, step: int = 977) -> None:
        self._data, self._at, self._step = data, 0, step

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part = self._data[self._at : self._at + self._step]
        self._at += len(part)
        return part


def record(
    url: str, payload: bytes = PAGE, headers: bytes = b"", status: bytes = b"200 OK", length: object = None
) -> bytes:
    block = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html\r\n" + headers + b"\r\n" + payload
    size = str(len(block) if length is None else length).encode()
    head = (
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:x:"
        + url.encode()
        + b">\r\nWARC-Target-URI: "
    )
    head += url.encode() + b"\r\nWARC-Date: 2024-01-02T03:04:05Z\r\nContent-Length: " + size + b"\r\n\r\n"
    return head + block + b"\r\n\r\n"


def read(data: bytes, name: str = "x.warc.gz", **options: int) -> list[dict[str, Any]]:
    batches = read_records(io.BytesIO(data), name, ReadOptions(**options))
    return [row for batch in batches for row in batch.to_pylist()]


ENCODERS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "plain": lambda data: data,
}
URLS = [f"https://a.example/{index}" for index in range(4)]


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("whole", [False, True])
def test_every_codec_gives_the_same_records_by_member_or_in_one(codec: str, whole: bool) -> None:
    records = [record(url) for url in URLS]
    encode = ENCODERS[codec]
    data = encode(b"".join(records)) if whole else b"".join(map(encode, records))
    rows = read(data)
    assert [row["url"] for row in rows] == URLS
    assert all(row["body"] == PAGE and row["outcome"] is None for row in rows)
    if not whole:
        sizes = [len(encode(item)) for item in records]
        assert [row["record_offset"] for row in rows] == [sum(sizes[:index]) for index in range(4)]


@pytest.mark.parametrize("codec", ENCODERS)
def test_a_stream_that_cannot_seek_reads_the_same(codec: str) -> None:
    data = b"".join(ENCODERS[codec](record(url)) for url in URLS)
    piped = [row for batch in read_records(Pipe(data), "x", ReadOptions()) for row in batch.to_pylist()]
    assert piped == read(data)


def test_warc_zst_with_a_dictionary_in_its_first_frame_is_read() -> None:
    records = [record(url) for url in URLS]
    trained = zstandard.train_dictionary(2048, [record(f"https://b.example/{i}") for i in range(200)])
    compressor = zstandard.ZstdCompressor(dict_data=trained)
    content = zstandard.compress(trained.as_bytes())
    frame = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
    assert [row["url"] for row in read(frame + b"".join(map(compressor.compress, records)))] == URLS


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
    tracemalloc.start()
    rows = read(data, max_payload_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(row["url"], row["outcome"]) for row in rows] == [(URLS[0], "too_large"), (URLS[1], None)]
    assert peak < 24 << 20


@pytest.mark.parametrize("codec", ENCODERS)
def test_a_record_that_decompresses_to_much_is_not_held(codec: str) -> None:
    data = ENCODERS[codec](record(URLS[0], BOMB)) + ENCODERS[codec](record(URLS[1]))
    tracemalloc.start()
    rows = read(data, max_payload_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(row["url"], row["outcome"]) for row in rows] == [(URLS[0], "too_large"), (URLS[1], None)]
    assert peak < 24 << 20


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("length", [0, 1, 700, 1200, 10**5, 10**15, 10**40, -1, "x", ""])
def test_a_lying_length_costs_no_other_record(codec: str, whole: bool, length: object) -> None:
    records = [record(URLS[0]), record(URLS[1], length=length), record(URLS[2]), record(URLS[3])]
    encode = ENCODERS[codec]
    data = encode(b"".join(records)) if whole else b"".join(map(encode, records))
    rows = read(data)
    assert [row["url"] for row in rows] == URLS
    assert all(row["body"] == PAGE for row in rows if row["url"] != URLS[1])


def test_a_huge_length_over_more_than_is_held_in_memory_costs_no_other_record() -> None:
    filler = [record(f"https://f.example/{index}", PAGE * 20) for index in range(120)]
    rows = read(record(URLS[0], length=10**15) + b"".join(filler), max_payload_bytes=1 << 16)
    assert [row["url"] for row in rows][1:] == [f"https://f.example/{index}" for index in range(120)]
    assert all(row["outcome"] is None for row in rows[1:])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_to_one_member_costs_no_other_and_never_raises(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(["gzip", "zstd", "lz4"]))
    members = [ENCODERS[codec](record(url)) for url in URLS]
    hurt = data.draw(st.integers(0, 3))
    member = bytearray(members[hurt])
    for at in data.draw(st.lists(st.integers(0, len(member) - 1), min_size=1, max_size=4)):
        member[at] ^= data.draw(st.integers(1, 255))
    members[hurt] = bytes(member)
    rows = read(b"".join(members))
    for index, url in enumerate(URLS):
        if index != hurt:
            assert [row["url"] for row in rows if row["body"] == PAGE].count(url) == 1
    assert all(row["outcome"] is None or row["outcome"] in DROPPED | FAILED for row in rows)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(URLS), st.binary(max_size=200)), max_size=8),
    st.sampled_from(sorted(ENCODERS)),
    st.integers(0, 60),
)
def test_any_mixture_of_members_and_junk_is_read_without_raising(
    parts: list[Any], codec: str, cut: int
) -> None:
    data = b"".join(ENCODERS[codec](record(part)) if isinstance(part, str) else part for part in parts)
    rows = read(data[: len(data) - cut] if cut else data)
    offsets = [row["record_offset"] for row in rows]
    assert offsets == sorted(set(offsets))
    assert all(row["outcome"] is None or row["outcome"] in DROPPED | FAILED for row in rows)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=4000),
    st.sampled_from(["", "\x1f\x8b\x08", "WARC/1.0\r\n", '{"a":', "PAR1", "filedesc://x"]),
)
def test_no_bytes_raise(data: bytes, magic: str) -> None:
    read(magic.encode("latin-1") + data, "any.jsonl.gz")


@pytest.mark.parametrize("run", [b"\r", b" ", b"\n ", b"a", b"charset= ", b"\r\n\t"])
def test_long_runs_in_headers_cost_linear_time(run: bytes) -> None:
    filler = run * (1_000_000 // len(run))
    hostile = record(URLS[0]).replace(b"WARC-Date:", b"X: " + filler + b"\r\nWARC-Date:")
    hostile += record(URLS[1], headers=b"Content-Type: a; charset=" + filler + b"\r\n")
    rows = read(gzip.compress(hostile) + gzip.compress(record(URLS[2])))
    assert rows[-1]["url"] == URLS[2] and rows[-1]["body"] == PAGE


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("whole", [False, True])
def test_where_the_reads_fall_changes_nothing(codec: str, whole: bool) -> None:
    """A block that ends just where the data at hand ends was read as empty once."""
    records = [record(url, PAGE[: 40 + 37 * index]) for index, url in enumerate(URLS)]
    encode = ENCODERS[codec]
    data = encode(b"".join(records)) if whole else b"".join(map(encode, records))
    expected = read(data)
    assert len(expected) == 4 and all(row["body"] for row in expected)
    for step in [*range(1, 40), *range(40, len(data), 7)]:
        rows = [row for batch in read_records(Pipe(data, step), "x.warc.gz") for row in batch.to_pylist()]
        assert rows == expected, f"in steps of {step} bytes"


def test_a_header_that_breaks_off_costs_only_its_own_record() -> None:
    """What is left of a header must not be read together with the next one."""
    for cut in range(11, 150, 9):
        rows = read(record(URLS[0]) + record(URLS[1])[:cut] + record(URLS[2]), "x.warc")
        good = [row["url"] for row in rows if row["outcome"] is None]
        assert good == [URLS[0], URLS[2]], f"cut after {cut} bytes"
        assert [row["outcome"] for row in rows if row["outcome"]] in (["bad_record"], [])


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
def test_a_record_without_length_is_not_blamed_for_what_follows_its_member(codec: str) -> None:
    encode = ENCODERS[codec]
    data = encode(record(URLS[0], length="none")) + b"junk" * 20 + encode(record(URLS[1]))
    rows = read(data)
    assert [(row["url"], row["outcome"]) for row in rows] == [
        (URLS[0], None),
        (None, "bad_compression"),
        (URLS[1], None),
    ]


def test_junk_behind_a_record_whose_own_header_confirms_its_length_is_not_part_of_it() -> None:
    sized = record(URLS[0], headers=b"Content-Length: %d\r\n" % len(PAGE)).removesuffix(b"\r\n\r\n")
    rows = read(sized + b"\x00\x01junk" + record(URLS[1]), "x.warc")
    assert [row["body"] for row in rows if row["outcome"] is None] == [PAGE, PAGE]


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_the_next_member_is_found_though_its_first_block_is_large(codec: str) -> None:
    noise = random.Random(1).randbytes(200_000)
    encode = ENCODERS[codec]
    data = encode(record(URLS[0])) + b"\xff" * 50 + encode(record(URLS[1], noise)) + encode(record(URLS[2]))
    assert [row["url"] for row in read(data) if row["url"]] == URLS[:3]


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
@pytest.mark.parametrize("junk", [b"\0" * 1000, b"a stray line\r\n" * 30, b"\xfe" * 400_000], ids=len)
def test_members_behind_junk_are_read(codec: str, junk: bytes) -> None:
    """Small zstd and lz4 members hold their text as it is, which must not make the file a plain one."""
    data = junk + b"".join(ENCODERS[codec](record(url)) for url in URLS)
    rows = read(data, "x.warc." + {"gzip": "gz", "zstd": "zst", "lz4": "lz4"}[codec])
    assert [row["url"] for row in rows if row["outcome"] is None] == URLS


def arc(url: str, body: bytes) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    return f"{url} 10.0.0.1 20080430204825 text/html {len(block)}\n".encode() + block + b"\n"


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
