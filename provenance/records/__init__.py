"""Read crawl files, JSON lines and Parquet as record batches of `schema.RECORDS`; nothing disappears silently.

Every counted record gives one row. What is damaged gives a row that names the offset and the reason, and
reading goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, cast

import pyarrow as pa

from provenance.files.spans import Span
from provenance.records import wacz
from provenance.records.arc import ArcDialect
from provenance.records.compression import Fault, Piece, pieces
from provenance.records.crawl import archive_head, archive_rows
from provenance.records.fields import DEFAULT_FIELDS
from provenance.records.formats import (
    SNIFF_BYTES,
    compression_of,
    content_of,
    is_named_lines,
    is_record_start,
    named,
)
from provenance.records.json_values import value_rows
from provenance.records.jsonl import line_rows
from provenance.records.members import MAGIC, ByteSource, ZstdFrames
from provenance.records.nested import inside, mixed_lines, turn
from provenance.records.options import ReadOptions
from provenance.records.parquet import table_rows
from provenance.records.parts import WHOLE, Handover, Part, find_line, find_member, find_record
from provenance.records.roles import with_roles
from provenance.records.rows import Row, batches, failure
from provenance.records.warc import WarcDialect
from provenance.records.window import Window

__all__ = ["DEFAULT_FIELDS", "Handover", "Part", "ReadOptions", "read_records"]


def read_records(
    stream: BinaryIO, name: str, options: ReadOptions | None = None, part: Part | None = None
) -> Iterator[pa.RecordBatch]:
    """The records of one file, in file order, as batches of schema `provenance.schema.RECORDS`.

    `stream` is the stored file as it is, opened for bytes and at its beginning; it need not be seekable.
    Its format is told from its bytes; `name` only breaks ties. Damage and formats that cannot be read
    are rows with a reason of `outcomes.FAILED`, and so is damage that no reader foresaw: one row, where reading
    stopped. Only errors of the stream itself (OSError) are raised.
    An empty file gives nothing. Memory is bounded by `batch_bytes` and a few times `max_payload_bytes`.

    Of a `part` only what begins in its span is read, and its stream has to be seekable; when all has come, it says where the
    next record begins. All of a file that cannot be cut is in its first part.
    """
    options = options or ReadOptions()
    return batches(with_roles(_foreseen(_rows(stream, name, options, part or Part(WHOLE)))), options)


def _foreseen(rows: Iterator[Row]) -> Iterator[Row]:
    """End with a failure row where a reader breaks: one strange file must not cost a crawl."""
    offset = -1
    try:
        for row in rows:
            offset = row["record_offset"]
            yield row
    except OSError:
        raise
    except Exception as error:
        detail = (
            f"reading stopped behind offset {offset:,}" if offset >= 0 else "reading stopped at the beginning"
        )
        yield failure(offset + 1, "bad_container", f"{detail} ({type(error).__name__}: {error})"[:500])


def _rows(stream: BinaryIO, name: str, options: ReadOptions, part: Part) -> Iterator[Row]:
    source = ByteSource(stream)
    if source.need(4) >= 4 and source.buf[:4] == b"PAR1":
        yield from table_rows(source, stream, options, part)
        return
    if source.buf[:4] == wacz.MAGIC and stream.seekable():
        yield from _wacz_rows(stream, options, part)
        return
    begun = _begin(source, name)
    if begun.can_be_cut:
        yield from _part_rows(stream, begun, options, part)
    elif not part.span.number:
        yield from _uncut_rows(begun, name, options)


@dataclass(frozen=True)
class _Begun:
    """A file whose beginning was looked at.

    Attributes:
        codec: how it is compressed.
        zstd: what its frames are decoded with.
        content: what it is, and `head`, from which that is told.
        damaged: whether its beginning is.
        decoded: all of it.
        source: what it is decoded from.
        nested: whether it is a compressed file in a compressed one.
    """

    codec: str
    zstd: ZstdFrames
    content: str
    head: bytes
    damaged: bool
    decoded: Iterator[Piece | Fault]
    source: ByteSource
    nested: bool = False

    @property
    def can_be_cut(self) -> bool:
        """Whether a record can be found by who has not read what is before it."""
        lines = self.content == "jsonl" and self.codec == "plain"
        return not self.damaged and not self.nested and (lines or self.content in ("warc", "arc"))

    @property
    def dialect(self) -> WarcDialect | ArcDialect:
        return ArcDialect() if self.content == "arc" else WarcDialect()


def _begin(source: ByteSource, name: str) -> _Begun:
    """Look at the beginning of a file; of one that was compressed twice, of what is inside."""
    codec, zstd = compression_of(source, name), ZstdFrames()
    decoded = pieces(source, codec, is_record_start, zstd)
    head, start = _peek(decoded)
    nested = codec != "plain" and head.startswith(tuple(MAGIC.values()))
    if nested:
        inner, told = inside(chain(start, decoded), source)
        codec, zstd = compression_of(inner, name), ZstdFrames()
        decoded = told(pieces(inner, codec, is_record_start, zstd))
        head, start = _peek(decoded)
    content = content_of(head, name)
    return _Begun(
        codec,
        zstd,
        content,
        head=head,
        damaged=any(isinstance(item, Fault) for item in start),
        decoded=chain(start, decoded),
        source=source,
        nested=nested,
    )


def _part_rows(stream: BinaryIO, begun: _Begun, options: ReadOptions, part: Part) -> Iterator[Row]:
    """What begins in the span of a part of a file that can be cut."""
    decoded = begun.decoded
    if part.span.number:
        part.began = part.given or _look_for(stream, begun, options, part.span)
        if part.began.at is None:
            return
        stream.seek(part.began.at)
        source = ByteSource(stream, part.began.at)
        decoded = pieces(source, begun.codec, is_record_start, begun.zstd)
    # Of one span all that is behind a compressed file that follows is its own.
    mixed = begun.codec == "plain" and part.span.of == 1
    if begun.content == "jsonl":
        if mixed:
            decoded = mixed_lines(decoded, begun.source, is_record_start)
        border = part.border()
        yield from line_rows(decoded, options, part.began.at or 0, border)
        part.close(border)
    else:
        window = Window(decoded, is_record_start, turn(begun.source, is_record_start) if mixed else None)
        members = begun.codec != "plain"
        yield from archive_rows(window, begun.dialect, options, True, part=part, members=members)


def _wacz_rows(stream: BinaryIO, options: ReadOptions, part: Part) -> Iterator[Row]:
    """Rows of the archives that begin in a part of a WACZ; offsets are those in the WACZ."""
    for entry in wacz.read_entries(stream):
        if not part.owns(entry.begin):
            continue
        if entry.problem is not None:
            yield failure(entry.begin, "bad_container", entry.problem)
            continue
        stream.seek(entry.begin)
        end = entry.begin + entry.size
        stretch = cast(BinaryIO, wacz.Stretch(stream, end))
        yield from record_rows(stretch, entry.name, options, entry.begin, end)


def record_rows(stream: BinaryIO, name: str, options: ReadOptions, begin: int, end: int) -> Iterator[Row]:
    """Rows of what lies in another file from byte `begin` up to `end`, an archive or a record of one; `stream` holds just that.

    Offsets are those in the other file.
    """
    held: Row | None = None
    begun = _begin(ByteSource(stream, begin), name)
    for row in _foreseen(_uncut_rows(begun, name, options)):
        row["record_offset"] = max(row["record_offset"], begin)  # 0: of all there is
        if held is not None:
            yield held
        held = row
    if held is not None:
        if held.get("record_length") is None:
            held["record_length"] = end - held["record_offset"]
        yield held


def _look_for(stream: BinaryIO, begun: _Begun, options: ReadOptions, span: Span) -> Handover:
    """Where a part seems to begin, by who has only seen the beginning of the file."""
    if begun.content == "jsonl":
        return Handover(find_line(stream, span))
    dialect = begun.dialect
    source, date = archive_head(Window(begun.decoded, is_record_start), dialect, options)
    if begun.codec == "plain":
        at = find_record(stream, span, dialect)
    else:
        at = find_member(
            stream, span, begun.codec, begun.zstd, lambda head: dialect.start.match(head) is not None
        )
    return Handover(at, source=source, begun=date)


def _uncut_rows(begun: _Begun, name: str, options: ReadOptions) -> Iterator[Row]:
    """All of a file that can only be read from its beginning."""
    content, decoded, head = begun.content, begun.decoded, begun.head
    if content == "jsonl" or (content == "empty" and is_named_lines(name)):
        yield from line_rows(decoded, options)
    elif content == "json":
        yield from value_rows(decoded, options)
    elif content == "parquet":
        yield failure(
            0,
            "bad_container",
            f"Parquet inside {begun.codec}: decompress the file first (Parquet is compressed inside)",
        )
    elif content in ("warc", "arc") or begun.damaged:
        yield from archive_rows(
            Window(decoded, is_record_start), begun.dialect, options, content in ("warc", "arc")
        )
    else:
        for row in archive_rows(Window(decoded, is_record_start), WarcDialect(), options, False):
            if row.get("outcome") == "bad_container" and content == "unknown":
                row["detail"] = f"{row.get('detail')}: it is {named(head)}"
            yield row


def _peek(decoded: Iterator[Piece | Fault]) -> tuple[bytes, list[Piece | Fault]]:
    """The beginning of the decoded data, and the items it was taken from."""
    items: list[Piece | Fault] = []
    size = 0
    for item in decoded:
        items.append(item)
        if isinstance(item, Piece):
            size += len(item.data)
        first = items[0]
        if size >= SNIFF_BYTES or (isinstance(first, Piece) and is_record_start(first.data)):
            break
    return b"".join(item.data for item in items if isinstance(item, Piece))[:SNIFF_BYTES], items
