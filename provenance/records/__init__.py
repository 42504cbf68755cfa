"""Read crawl files, JSON lines and Parquet as record batches of `schema.RECORDS`; nothing disappears silently.

Every counted record gives one row. What is damaged gives a row that names the offset and the reason, and
reading goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import pyarrow as pa

from provenance.records.compression import ByteSource, Fault, Piece, pieces
from provenance.records.crawl import arc_rows, warc_rows
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
from provenance.records.options import ReadOptions
from provenance.records.parquet import table_rows
from provenance.records.roles import with_roles
from provenance.records.rows import Row, batches, failure
from provenance.records.window import Window

__all__ = ["DEFAULT_FIELDS", "ReadOptions", "read_records"]


def read_records(stream: BinaryIO, name: str, options: ReadOptions | None = None) -> Iterator[pa.RecordBatch]:
    """The records of one file, in file order, as batches of schema `provenance.schema.RECORDS`.

    `stream` is the stored file as it is, opened for bytes and at its beginning; it need not be seekable.
    Its format is told from its bytes; `name` only breaks ties. Damage and formats that cannot be read
    are rows with a reason of `outcomes.FAILED`, and so is damage that no reader foresaw: one row, where reading
    stopped. Only errors of the stream itself (OSError) are raised.
    An empty file gives nothing. Memory is bounded by `batch_bytes` and a few times `max_payload_bytes`.
    """
    options = options or ReadOptions()
    return batches(with_roles(_foreseen(_rows(stream, name, options))), options)


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


def _rows(stream: BinaryIO, name: str, options: ReadOptions) -> Iterator[Row]:
    source = ByteSource(stream)
    if source.need(4) >= 4 and source.buf[:4] == b"PAR1":
        yield from table_rows(source, stream, options)
        return
    codec = compression_of(source, name)
    decoded = pieces(source, codec, is_record_start)
    head, start = _peek(decoded)
    content = content_of(head, name)
    decoded = chain(start, decoded)
    if content == "jsonl" or (content == "empty" and is_named_lines(name)):
        yield from line_rows(decoded, options)
    elif content == "json":
        yield from value_rows(decoded, options)
    elif content == "parquet":
        yield failure(
            0,
            "bad_container",
            f"Parquet inside {codec}: decompress the file first (Parquet is compressed inside)",
        )
    elif content == "arc":
        yield from arc_rows(Window(decoded, is_record_start), options, True)
    elif content == "warc" or any(isinstance(item, Fault) for item in start):
        yield from warc_rows(Window(decoded, is_record_start), options, content == "warc")
    elif content in ("unknown", "empty"):
        for row in warc_rows(Window(decoded, is_record_start), options, False):
            if row.get("outcome") == "bad_container" and content == "unknown":
                row["detail"] = f"{row.get('detail')}: it is {named(head)}"
            yield row
    else:
        yield from (
            failure(item.offset, item.reason, item.detail) for item in decoded if isinstance(item, Fault)
        )


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
