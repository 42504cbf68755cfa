"""Small archives made by hand, and what is read of them."""

from __future__ import annotations

import gzip
import io
from typing import Any

import lz4.frame
import zstandard

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


ENCODERS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "plain": lambda data: data,
}


URLS = [f"https://a.example/{index}" for index in range(4)]


def arc(url: str, body: bytes) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    return f"{url} 10.0.0.1 20080430204825 text/html {len(block)}\n".encode() + block + b"\n"


def read(data: bytes, name: str = "x", **options: Any) -> list[dict[str, Any]]:
    """All rows of a file called `name`."""
    batches = read_records(io.BytesIO(data), name, ReadOptions(**options))
    return [row for batch in batches for row in batch.to_pylist()]


def read_archive(data: bytes, **options: Any) -> list[dict[str, Any]]:
    """The same of a file that is named as an archive."""
    return read(data, "x.warc.gz", **options)
