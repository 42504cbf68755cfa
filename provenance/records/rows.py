"""Rows of `schema.RECORDS`, gathered into Arrow record batches of bounded rows and bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np
import pyarrow as pa

from provenance.records.options import ReadOptions
from provenance.schema import RECORDS


class Row(TypedDict, total=False):
    """One row; what is left out is null. times count microseconds since 1970 in UTC."""

    record_offset: int
    record_length: int | None
    record_id: str | None
    record_type: str | None
    url: str | None
    capture_time: int | None
    capture_evidence: str | None
    claimed_time: int | None
    claimed_by: str | None
    time_remark: str | None
    http_status: int | None
    http_headers: str | None
    mime: str | None
    charset: str | None
    content_digest: str | None
    payload_digest: str | None
    digest_verified: bool | None
    body: bytes | None
    text: str | None
    source: str | None
    outcome: str | None
    detail: str | None


def digest(content: bytes) -> str:
    """The `content_digest` of a payload or of the UTF-8 bytes of a text."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def failure(offset: int, reason: str, detail: str, record_type: str | None = None) -> Row:
    """A row for what could not be read."""
    return Row(record_offset=offset, outcome=reason, detail=detail, record_type=record_type)


def batches(rows: Iterator[Row], options: ReadOptions) -> Iterator[pa.RecordBatch]:
    """Pack rows into batches of at most `batch_rows` rows and `batch_bytes` of body and text, or of one row."""
    held: list[Row] = []
    size = 0
    for row in rows:
        own = len(row.get("body") or b"") + len(row.get("text") or "")
        if held and (size + own > options.batch_bytes or len(held) >= options.batch_rows):
            yield _batch(held)
            held, size = [], 0
        held.append(row)
        size += own
    if held:
        yield _batch(held)


def _batch(rows: list[Row]) -> pa.RecordBatch:
    columns = [
        _bytes([row.get("body") for row in rows])
        if field.name == "body"
        else pa.array([row.get(field.name) for row in rows], field.type)
        for field in RECORDS
    ]
    return pa.record_batch(columns, schema=RECORDS)


def _bytes(values: Sequence[bytes | None]) -> pa.LargeBinaryArray:
    """The values as an array, copied once: Arrow's own way doubles its room again and again."""
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum([len(value or b"") for value in values], out=offsets[1:])
    known = pa.array([value is not None for value in values]).buffers()[1]
    content = pa.py_buffer(b"".join([value or b"" for value in values]))
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(values), [known, pa.py_buffer(offsets), content]
    )
