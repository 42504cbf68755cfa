"""From the block of a record to its row: is it a document, and if not, why not.

Shared by WARC and ARC. A document is the decoded payload of a successful response whose bytes are text.
"""

from __future__ import annotations

from provenance.records.frame import Frame
from provenance.records.http import (
    Response,
    charset_of,
    decode_payload,
    header_values,
    undo_gzip,
)
from provenance.records.mime import DOCUMENTS, sniff
from provenance.records.options import ReadOptions
from provenance.records.rows import Row, digest
from provenance.records.site_files import speaks_of_rights
from provenance.records.warc import as_text

#: Text too, where text was announced.
_TEXTUAL = (
    "application/xhtml+xml",
    "application/json",
    "image/svg+xml",
)
_LONGEST_TARGET = 2_048
_WANTED = (b"content-type", b"transfer-encoding", b"content-encoding")


def response_row(row: Row, frame: Frame, declared: str | None, options: ReadOptions) -> Row:
    """Complete the row of a response. `declared` is the type the archive gives, for a block without HTTP header."""
    response = frame.response(options.max_http_header_bytes)
    row["detail"] = frame.detail
    if not response.has_status_line:
        return _body(row, frame, response, declared, options)
    content_type, transfer, coding = header_values(response.headers, _WANTED)
    declared = as_text(content_type) if content_type else None
    row["http_status"] = response.status
    row["http_headers"] = kept_headers(response.headers, options.http_headers_kept)
    row["charset"] = charset_of(declared)
    status = response.status
    if status is None:
        row["outcome"], row["detail"] = "bad_record", "the HTTP status line has no status"
    elif status == 304:
        row["outcome"], row["detail"] = "revisit", "304 Not Modified: the payload is in an earlier capture"
    elif 300 <= status < 400:
        row["outcome"], row["detail"] = "redirect", f"HTTP status {status}{_target(response)}"
    elif not 200 <= status < 300:
        row["outcome"], row["detail"] = "http_error", f"HTTP status {status}"
    else:
        return _body(row, frame, response, declared, options, codings=(transfer, coding))
    return row


def _target(response: Response) -> str:
    """Where a redirect leads, as it stands in its header and no longer than an address is."""
    (location,) = header_values(response.headers, (b"location",))
    return f" to {as_text(location.strip())[:_LONGEST_TARGET]}" if location and location.strip() else ""


def resource_row(row: Row, frame: Frame, declared: str | None, options: ReadOptions) -> Row:
    """Complete the row of a resource: the block is the payload, fetched with success."""
    row["detail"] = frame.detail
    row["charset"] = charset_of(declared)
    return _body(row, frame, Response(None, b"", frame.block, False), declared, options)


def conversion_row(row: Row, frame: Frame, options: ReadOptions) -> Row:
    """Complete the row of a conversion (WET): the block is text in UTF-8."""
    row["detail"] = frame.detail
    block = frame.block
    if frame.cut or len(block) > options.max_payload_bytes:
        row["outcome"] = "too_large"
        row["detail"] = f"the text is larger than {options.max_payload_bytes:,} bytes (max_payload_bytes)"
        return row
    row["content_digest"] = digest(block)
    if not block.lstrip(b" \t\r\n\0"):
        row["outcome"] = "empty"
        return row
    mime = sniff(block, "text/plain")
    if not mime.startswith("text/") and mime not in _TEXTUAL:
        row["mime"] = mime
        row["outcome"], row["detail"] = "not_text", f"the payload is {mime}"
        return row
    row["mime"] = "text/plain"
    row["text"] = block.decode("utf-8", "replace").removeprefix("\ufeff")
    return row


def kept_headers(headers: bytes, most: int) -> str:
    """HTTP header lines as sent, with LF line ends, whole lines of at most `most` bytes."""
    kept = headers.replace(b"\r", b"")
    if len(kept) > most:
        kept = kept[: max(0, kept.rfind(b"\n", 0, most))]
    return as_text(kept)


def _body(
    row: Row,
    frame: Frame,
    response: Response,
    declared: str | None,
    options: ReadOptions,
    codings: tuple[bytes | None, bytes | None] = (None, None),
) -> Row:
    """Complete a row from the payload of its response; `codings` are its transfer and content encodings."""
    most = options.max_payload_bytes
    payload = response.payload
    decoded = decode_payload(payload, *codings, most)
    body, reason, detail = decoded
    if reason == "bad_encoding" and not frame.cut:
        row["outcome"], row["detail"] = reason, detail
        return row
    if (
        body[:3] == b"\x1f\x8b\x08"
        and reason is None
        and (declared is None or declared.lower().startswith("text/"))
    ):
        inner = undo_gzip(body, most + 1)  # sent compressed without saying so
        if inner and len(inner) <= most:
            body = inner
        elif inner:
            body, reason = inner[:most], "too_large"
    if frame.cut:
        reason = "too_large"
    if not body.lstrip(b" \t\r\n\0\f"):  # from one side: most pages are not copied
        row["outcome"] = reason or "empty"
        row["detail"] = detail if reason else row.get("detail")
        if reason is None:
            row["content_digest"] = digest(body)
        return row
    mime = sniff(body, declared, row.get("charset"))
    row["mime"] = mime
    if reason is None:
        row["content_digest"] = digest(body)
    if mime not in DOCUMENTS:
        row["outcome"], row["detail"] = "not_text", f"the payload is {mime}"
        row["body"] = body if speaks_of_rights(row.get("url"), body) else None
    elif reason is not None:
        row["outcome"] = reason
        row["detail"] = detail or f"the payload is larger than {most:,} bytes (max_payload_bytes)"
    else:
        row["body"] = body
        row["detail"] = row.get("detail") or detail
    return row
