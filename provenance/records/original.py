"""One record as its archive stores it, read by range: what a release says where it came from can be looked at again.

A compressed archive has one member for each record, so the member at the offset is the record. Where several share a member,
the file is read from its beginning up to it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from provenance.errors import DataError
from provenance.records.arc import ArcDialect
from provenance.records.archive import frames
from provenance.records.compression import Fault, Piece, pieces
from provenance.records.crawl import record_row
from provenance.records.formats import compression_of, content_of, is_record_start
from provenance.records.frame import Frame
from provenance.records.members import MAGIC, ByteSource
from provenance.records.nested import mixed_lines, turn
from provenance.records.options import ReadOptions
from provenance.records.rows import Row
from provenance.records.warc import WarcDialect
from provenance.records.window import Turn, Window

#: A block of this size is printed; more is no record that could have become a document.
_OPTIONS = ReadOptions(max_payload_bytes=1 << 30)
#: What is read at first where the length is not known.
_FIRST_BYTES = 256 << 10


@dataclass(frozen=True)
class Original:
    """A record: its bytes, decompressed, and what a reader makes of them (None for a line or what is no archive record)."""

    data: bytes
    row: Row | None


def read_original(stream: BinaryIO, name: str, offset: int, length: int | None = None) -> Original:
    """The record that begins at `offset` of a stored WARC, ARC or JSON lines file; `stream` must be seekable.

    `length` counts stored bytes, where they are known: no more than these are read.

    Raises:
        DataError: where no record begins there.
    """
    found = _member(stream, name, offset, length)
    if found is not None:
        return found
    stream.seek(0)
    if stream.read(4) == b"PAR1":
        raise DataError(
            f"{name}: is a Parquet file, whose rows are no records: its row {offset:,} has the text itself"
        )
    stream.seek(0)
    source = ByteSource(stream)
    codec = compression_of(source, name)
    decoded = pieces(source, codec, is_record_start)
    first = next((item.data for item in decoded if isinstance(item, Piece)), b"")
    if codec != "plain" and first.startswith(tuple(MAGIC.values())):
        raise DataError(
            f"{name}: was compressed twice: decompress it once and name that file, whose offsets these are"
        )
    if content_of(first, name) == "jsonl":
        return Original(_line(stream, name, offset), None)
    return _within(stream, name, offset)


def _member(stream: BinaryIO, name: str, offset: int, length: int | None) -> Original | None:
    """The record of the member that begins at `offset`; None where none begins there."""
    stream.seek(offset)
    stored = stream.read(length if length is not None else _FIRST_BYTES)
    if not is_record_start(stored) and not stored.startswith(tuple(MAGIC.values())):
        return None
    rest = None if length is not None else stream
    source = ByteSource(cast(BinaryIO, _Joined(stored, rest)), offset)
    codec = compression_of(source, name)
    data: list[bytes] = []
    frame = next(_frames(_kept(pieces(source, codec, is_record_start), data)), None)
    if frame is None or not frame.header:  # the member begins inside a record, or holds none
        return None
    whole = b"".join(data)
    end = whole.find(frame.block, len(frame.header)) + len(frame.block)
    return Original(whole[:end], record_row(frame, _OPTIONS))


def _within(stream: BinaryIO, name: str, offset: int) -> Original:
    """The record at `offset`, found by reading the file from its beginning."""
    stream.seek(0)
    source = ByteSource(stream)
    codec = compression_of(source, name)
    turned = turn(source, is_record_start) if codec == "plain" else None
    for frame in _frames(pieces(source, codec, is_record_start), turned):
        if frame.offset == offset and frame.header:
            return Original(frame.header + b"\r\n\r\n" + frame.block, record_row(frame, _OPTIONS))
        if frame.offset > offset:
            break
    raise DataError(
        f"{name}: no record begins at byte {offset:,}: the file is another one, or was written anew"
    )


def _frames(decoded: Iterator[Piece | Fault], turned: Turn | None = None) -> Iterator[Frame]:
    first = next(decoded, None)
    if first is None:
        return
    begins = first.data if isinstance(first, Piece) else b""
    dialect = WarcDialect() if begins.startswith(b"WARC/") else ArcDialect()

    def whole() -> Iterator[Piece | Fault]:
        yield first
        yield from decoded

    yield from frames(Window(whole(), is_record_start, turned), dialect, _OPTIONS)


def _kept(decoded: Iterator[Piece | Fault], data: list[bytes]) -> Iterator[Piece | Fault]:
    """The same pieces, their bytes added to `data`."""
    for item in decoded:
        if isinstance(item, Piece):
            data.append(item.data)
        yield item


def _line(stream: BinaryIO, name: str, offset: int) -> bytes:
    """The line that begins at byte `offset` of the decompressed text."""
    stream.seek(0)
    source = ByteSource(stream)
    at = 0
    line = b""
    codec = compression_of(source, name)
    decoded = pieces(source, codec, is_record_start)
    for item in mixed_lines(decoded, source, is_record_start) if codec == "plain" else decoded:
        if not isinstance(item, Piece):
            break
        begin, at = at, at + len(item.data)
        if at > offset:
            line += item.data[max(offset - begin, 0) :]
            if b"\n" in line:
                break
    if not line:
        raise DataError(
            f"{name}: has no line at byte {offset:,}: the file is another one, or was written anew"
        )
    return line.partition(b"\n")[0]


class _Joined(io.RawIOBase):
    """Bytes that were read already, then the rest of a stream, if there is one."""

    def __init__(self, head: bytes, rest: BinaryIO | None) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            found, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
            return found
        return self._rest.read(size) if self._rest is not None else b""
