"""Rows of WARC and ARC files: each counted record gives one row, damage gives rows that say where and why.

Requests, metadata and warcinfo are read for what they say (warcinfo names the `source` and when the archive was
begun) and give no row.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from provenance.records.arc import ArcDialect, ArcHeader, arc_fields
from provenance.records.archive import frames
from provenance.records.dates import parse_time
from provenance.records.digests import add_digests
from provenance.records.frame import Frame, measured
from provenance.records.options import ReadOptions
from provenance.records.parts import WHOLE, Part
from provenance.records.payload import conversion_row, kept_headers, resource_row, response_row
from provenance.records.plain import plain_row
from provenance.records.rows import Row, failure
from provenance.records.times import capture_of, doubt_capture
from provenance.records.warc import WarcDialect, as_text, part_of, target_uri, warc_fields
from provenance.records.window import Window

_UNCOUNTED = ("warcinfo", "request", "metadata")
_LEADING = 8  # records that are looked at for what they say of the archive
_MAX_HELD = 1000  # failure rows held back until the first record shows that the file is an archive at all


def archive_rows(
    window: Window,
    dialect: WarcDialect | ArcDialect,
    options: ReadOptions,
    certain: bool,
    part: Part | None = None,
    members: bool = False,
) -> Iterator[Row]:
    """Rows of a WARC or ARC file, or of a `part` of it; `certain` is False where nothing but the name spoke for its format.

    Failures before the first record wait: a file without any record is one failure, not many. `members`: it is compressed.
    """
    held: list[Row] = []
    seen, given = certain, False
    part = part or Part(WHOLE)
    archive, border = _Archive(part), part.border(members)
    for frame in measured(frames(window, dialect, options, border, part.began.last), border):
        if not frame.header:
            row: Row | None = failure(frame.offset, frame.reason or "bad_record", frame.detail or "")
            if not seen:
                if len(held) < _MAX_HELD and row is not None:
                    held.append(row)
                continue
        else:
            seen = True
            row = archive.row(frame, dialect, options)
        if row is not None:
            row["record_length"] = frame.length
            archive.mark(row)
            given = True
            yield from itertools.chain(held, (row,))
            held = []
    part.close(border, archive.source, archive.begun)
    if seen:
        yield from held
        if part.span.number or given or held:
            return
        if archive.look_on(frames(window, dialect, options), dialect, options):
            yield Row(record_offset=0, outcome="bookkeeping", detail=archive.describe())
    elif held:
        damage = next((row for row in held if row["outcome"] != "bad_record"), None)
        yield damage or failure(0, "bad_container", _no_record(window.position))
    elif window.position:
        yield failure(0, "bad_container", f"its {window.position:,} bytes are empty lines and zeros")


def archive_head(
    window: Window, dialect: WarcDialect | ArcDialect, options: ReadOptions
) -> tuple[str | None, int | None]:
    """What the records before the first counted one say the archive belongs to, and when it was begun."""
    archive = _Archive(Part(WHOLE))
    for frame in itertools.islice(frames(window, dialect, options), _LEADING):
        if not frame.header or archive.row(frame, dialect, options) is not None:
            break
    return archive.source, archive.begun


class _Archive:
    """What the records that are not counted say about the others of their file."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.source: str | None = None
        self.begun: int | None = None
        self.uncounted: Counter[str] = Counter()

    def row(self, frame: Frame, dialect: WarcDialect | ArcDialect, options: ReadOptions) -> Row | None:
        """The row of a record, or None where it is not counted."""
        if frame.whole and isinstance(dialect, WarcDialect):
            plain = plain_row(frame, warc_fields(frame.header), options)
            if plain is not None:
                return plain
        if isinstance(dialect, ArcDialect):
            header = arc_fields(frame.header)
            kind = "filedesc" if header.url.startswith(b"filedesc:") else "response"
            written = header.date
        else:
            fields = warc_fields(frame.header)
            kind = fields.get(b"warc-type", b"").decode("latin-1").lower()
            written = fields.get(b"warc-date", b"")
        if kind in ("warcinfo", "filedesc"):
            self.source = part_of(frame.block) or self.source
            self.begun = parse_time(as_text(written)) or self.begun
        row = record_row(frame, options)
        if row is not None:
            return row
        self.uncounted[kind] += 1
        return _behind(frame, kind) if frame.beyond else None

    def mark(self, row: Row) -> None:
        """Name the source, and doubt a date that is far from the archive's own."""
        source = self.source if self.source is not None else self._part.began.source
        if source is not None:
            row["source"] = source
        self._part.note(row, self.source is None, self.begun is None)
        doubt_capture(row, self.begun if self.begun is not None else self._part.began.begun)

    def look_on(
        self, behind: Iterator[Frame], dialect: WarcDialect | ArcDialect, options: ReadOptions
    ) -> bool:
        """Whether the file has records and none of them is counted; `behind` are those that this part does not read."""
        for frame in behind:
            if not frame.header or self.row(frame, dialect, options) is not None:
                return False
        return bool(self.uncounted)

    def describe(self) -> str:
        said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.uncounted.items()))
        return f"the file holds nothing but records that are not counted: {said}"


def _behind(frame: Frame, kind: str) -> Row | None:
    """What follows a record that gives no row up to the next one: perhaps a record without its header."""
    announced = len(frame.block) - frame.beyond
    if not announced:  # no length to go by: its fields or headers end with an empty line
        ended = re.search(rb"\r?\n\r?\n", frame.block)
        announced = ended.end() if ended else len(frame.block)
    behind = len(frame.block[announced:].strip(b"\r\n\0 \t"))
    if not behind:
        return None
    where = f"behind the {kind} record at byte {frame.offset:,}"
    return failure(frame.offset, "bad_record", f"{behind:,} bytes {where} do not belong to any record")


def _no_record(size: int) -> str:
    return f"none of its {size:,} bytes belong to a record: the file holds no WARC or ARC record, no JSON lines and no Parquet"


def record_row(frame: Frame, options: ReadOptions) -> Row | None:
    """The row of one framed record of a WARC or ARC file, with the digest of its payload; None where it gives none."""
    if frame.header.startswith(b"WARC/"):
        fields = warc_fields(frame.header)
        row = _warc_row(frame, fields, options)
    else:
        fields, row = {}, _arc_row(frame, arc_fields(frame.header), options)
    if row is not None:
        add_digests(row, frame, fields, options.max_http_header_bytes)
    return row


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
        return conversion_row(row, frame, options)
    if kind == "revisit":
        response = frame.response(options.max_http_header_bytes)
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
