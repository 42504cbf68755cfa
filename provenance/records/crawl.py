"""Rows of WARC and ARC files: each counted record gives one row, damage gives rows that say where and why.

Requests, metadata and warcinfo are read for what they say (warcinfo names the `source` and when the archive was
begun) and give no row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from provenance.records.arc import ArcDialect, ArcHeader, arc_fields
from provenance.records.archive import Frame, frames
from provenance.records.dates import parse_time
from provenance.records.http import split_response
from provenance.records.options import ReadOptions
from provenance.records.payload import conversion_row, kept_headers, resource_row, response_row
from provenance.records.rows import Row, failure
from provenance.records.times import capture_of, doubt_capture
from provenance.records.warc import WarcDialect, as_text, part_of, target_uri, warc_fields
from provenance.records.window import Window

_UNCOUNTED = ("warcinfo", "request", "metadata")
_MAX_HELD = 1000  # failure rows held back until the first record shows that the file is an archive at all


def warc_rows(window: Window, options: ReadOptions, certain: bool) -> Iterator[Row]:
    """Rows of a WARC file. `certain` is False where nothing but the name spoke for WARC."""
    yield from _archive_rows(window, WarcDialect(), options, certain)


def arc_rows(window: Window, options: ReadOptions, certain: bool) -> Iterator[Row]:
    """Rows of an ARC file."""
    yield from _archive_rows(window, ArcDialect(), options, certain)


def _archive_rows(
    window: Window, dialect: WarcDialect | ArcDialect, options: ReadOptions, certain: bool
) -> Iterator[Row]:
    """Failures before the first record wait: a file without any record is one failure, not many."""
    held: list[Row] = []
    seen = certain
    source: str | None = None
    begun: int | None = None
    for frame in frames(window, dialect, options):
        if not frame.header:
            row: Row | None = failure(frame.offset, frame.reason or "bad_record", frame.detail or "")
            if not seen:
                if len(held) < _MAX_HELD and row is not None:
                    held.append(row)
                continue
        else:
            seen = True
            if isinstance(dialect, ArcDialect):
                header = arc_fields(frame.header)
                if header.url.startswith(b"filedesc:"):
                    begun = parse_time(as_text(header.date)) or begun
                row = _arc_row(frame, header, options)
            else:
                fields = warc_fields(frame.header)
                if fields.get(b"warc-type", b"").lower() == b"warcinfo":
                    source = part_of(frame.block) or source
                    begun = parse_time(as_text(fields.get(b"warc-date", b""))) or begun
                row = _warc_row(frame, fields, options)
        if row is not None:
            if source is not None:
                row["source"] = source
            doubt_capture(row, begun)
            yield from itertools.chain(held, (row,))
            held = []
    if seen:
        yield from held
        return
    if held:
        damage = next((row for row in held if row["outcome"] != "bad_record"), None)
        yield damage or failure(
            0, "bad_container", "the file holds no WARC or ARC record, no JSON lines and no Parquet"
        )


def _warc_row(frame: Frame, fields: Mapping[bytes, bytes], options: ReadOptions) -> Row | None:
    kind = fields.get(b"warc-type", b"").decode("latin-1").lower()
    identity = fields.get(b"warc-record-id")
    declared = fields.get(b"content-type")
    date = fields.get(b"warc-date")
    if kind in _UNCOUNTED and frame.reason is None:
        return None
    row = Row(
        record_offset=frame.offset,
        record_id=as_text(identity) if identity else None,
        record_type=kind or None,
        url=target_uri(fields.get(b"warc-target-uri")),
    )
    if date:
        capture_of(row, as_text(date), "WARC-Date")
    if frame.reason is not None:
        row["outcome"], row["detail"] = frame.reason, frame.detail
        return row
    content_type = as_text(declared) if declared else None
    if kind == "response" or (not kind and frame.block[:5] == b"HTTP/"):
        if b"warc-segment-number" in fields and not frame.detail:
            frame.detail = "only the first segment of a record that was split over several"
        if content_type and content_type.lower().replace(" ", "").startswith("application/http"):
            content_type = None
        return response_row(row, frame, content_type, options)
    if kind == "resource":
        return resource_row(row, frame, content_type, options)
    if kind == "conversion":
        return conversion_row(row, frame, content_type, options)
    if kind == "revisit":
        response = split_response(frame.block, options.max_http_header_bytes)
        if response.has_status_line:
            row["http_status"] = response.status
            row["http_headers"] = kept_headers(response.headers, options.http_headers_kept)
        row["outcome"] = "revisit"
        original = fields.get(b"warc-refers-to") or fields.get(b"warc-refers-to-target-uri")
        row["detail"] = f"refers to {as_text(original)[:300]}" if original else None
        return row
    if kind == "continuation":
        origin = fields.get(b"warc-segment-origin-id")
        row["outcome"] = "segment"
        row["detail"] = f"continues {as_text(origin)[:300]}" if origin else None
        return row
    row["outcome"] = "bad_record"
    row["detail"] = f"the record at byte {frame.offset:,} has " + (
        f"the unknown WARC-Type {kind[:60]!r}" if kind else "no WARC-Type"
    )
    return row


def _arc_row(frame: Frame, header: ArcHeader, options: ReadOptions) -> Row | None:
    if header.url.startswith(b"filedesc:") and frame.reason is None:
        return None
    row = Row(
        record_offset=frame.offset,
        record_type="response",
        url=as_text(header.url).replace("\r", "").replace("\f", "") or None,
    )
    if header.date:
        capture_of(row, as_text(header.date), "ARC")
    if frame.reason is not None:
        row["outcome"], row["detail"] = frame.reason, frame.detail
        return row
    return response_row(row, frame, as_text(header.mime) or None, options)
