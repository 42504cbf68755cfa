"""Records as nearly all are: a page that was answered with success, whose header and answer are written as the standards say.

One look takes such a record apart. It says nothing of any other, which is then looked at closely, so that a row is the same
either way (promise 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from provenance.records.digests import encode_sha1
from provenance.records.frame import Frame
from provenance.records.http import charset_of
from provenance.records.mime import DOCUMENTS, sniff
from provenance.records.options import ReadOptions
from provenance.records.rows import Row, digest
from provenance.records.times import capture_of
from provenance.records.warc import as_text, target_uri

#: A whole answer of success: each line ends as HTTP has it, none is folded, and no name has a space.
_ANSWER = re.compile(rb"HTTP/1\.[01] (2[0-9][0-9])(?: [^\r\n]*)?(\r\n(?:[!-9;-~]+:[^\r\n]*\r\n)+)\r\n")
_HTTP = b"application/http"
_CODED = (b"\ntransfer-encoding:", b"\ncontent-encoding:")
_TYPE = b"\ncontent-type:"
#: Types of content that are remembered: servers have few.
_REMEMBERED = 256


def plain_row(frame: Frame, fields: Mapping[bytes, bytes], options: ReadOptions) -> Row | None:
    """The row of a WARC record as `crawl.record_row` gives it, for a page that has nothing odd about it; else None.

    `fields` are those of the record's header.
    """
    if fields.get(b"warc-type") != b"response" or b"warc-segment-number" in fields or frame.detail:
        return None
    if not fields.get(b"content-type", _HTTP).startswith(_HTTP):
        return None
    block = frame.block
    answer = _ANSWER.match(block, 0, options.http_headers_kept)
    if answer is None or answer.end() > options.max_http_header_bytes:
        return None
    body, headers = block[answer.end() :], answer[2]
    named = headers.lower()
    if _CODED[0] in named or _CODED[1] in named or len(body) > options.max_payload_bytes:
        return None
    if body[:3] == b"\x1f\x8b\x08" or not body.lstrip(b" \t\r\n\0\f"):
        return None
    declared = charset = None
    at = named.find(_TYPE)
    if at >= 0:
        declared, charset = _type(headers[at + len(_TYPE) : headers.find(b"\r", at)])
        if not declared:
            return None
    mime = sniff(body, declared, charset)
    identity, date = fields.get(b"warc-record-id"), fields.get(b"warc-date")
    written = fields.get(b"warc-payload-digest")
    own = encode_sha1(body)
    if mime not in DOCUMENTS or (written is not None and written != own):
        return None
    row: Row = {
        "record_offset": frame.offset,
        "record_id": as_text(identity) if identity else None,
        "record_type": "response",
        "url": target_uri(fields.get(b"warc-target-uri")),
        "http_status": int(answer[1]),
        "http_headers": as_text(headers[2:-1].replace(b"\r", b"")),
        "mime": mime,
        "charset": charset,
        "content_digest": digest(body),
        "payload_digest": own.decode(),
        "body": body,
    }
    if date:
        capture_of(row, as_text(date), "WARC-Date")
    if written is not None:
        row["digest_verified"] = True
    return row


@lru_cache(_REMEMBERED)
def _type(value: bytes) -> tuple[str, str | None]:
    """A Content-Type as text, and its charset."""
    declared = as_text(value.strip())
    return declared, charset_of(declared)
