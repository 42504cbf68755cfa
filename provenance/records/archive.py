"""Where each record of a WARC or ARC file begins and ends, whatever its header claims.

A length is believed when a record, padding or the end follows the block it announces. Otherwise
the block ends where the next record can be seen to begin, and reading goes on there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from provenance.records.compression import SILENT_PADDING, Fault, Piece
from provenance.records.frame import Border, Frame
from provenance.records.http import content_length_fits
from provenance.records.options import ReadOptions
from provenance.records.window import BLANK, LINE_ENDS, Window

_SEPARATOR = re.compile(rb"\r?\n\r?\n")
_TRAILING = re.compile(rb"(?:\r?\n)+\Z")
_SCAN_BYTES = 256 << 10
#: Bytes of a record in which its header is looked for at first.
_HEADER_BYTES = 2048


class Dialect(Protocol):
    """The syntax of record headers: WARC's or ARC's."""

    name: str
    #: Matches at the first byte of a record.
    start: re.Pattern[bytes]
    #: Most bytes that recognising a start needs.
    start_bytes: int
    #: What ends a header.
    header_end: re.Pattern[bytes]
    #: What follows a block whose announced length is right.
    separator: re.Pattern[bytes]

    def find(self, data: bytes, begin: int, end: int) -> int | None:
        """Where in data[begin:end] a record starts, if any: stricter than `start`, as payloads are searched."""
        ...

    def follows(self, data: bytes, at: int) -> bool:
        """Whether what `start` matches at `at` can be a record there, by the bytes before it."""
        ...

    def restart(self, header: bytes) -> int | None:
        """Where in a header another record starts, because the header was cut."""
        ...

    def length(self, header: bytes) -> int | None:
        """The announced length of the block; None where missing or not a number >= 0."""
        ...


def frames(
    window: Window, dialect: Dialect, options: ReadOptions, border: Border | None = None, last: int = -1
) -> Iterator[Frame]:
    """Split a stream into records. Offsets increase strictly, from above `last`. Never raises on what the file holds.

    Padding and junk up to the record at which a `border` stops belong to what is before it.
    """
    last_offset = last
    failed_at = -1  # where a failure was reported last: junk that follows it directly is part of it
    while True:
        member = window.whole_member()
        if member is not None and member.offset > last_offset:
            whole, size = _whole(member, dialect, options)
            if whole is not None:
                if border is not None and border.meets(member.offset, last=last_offset):
                    return
                window.pass_whole(member, size)
                last_offset = member.offset
                yield whole
                continue
        before, _ = window.stored_offset()
        zeros = window.skip_blank()
        if zeros > SILENT_PADDING:
            last_offset = max(before, last_offset + 1)
            yield _padding(last_offset, zeros)
        stored, at_member = window.stored_offset()
        offset = max(stored, last_offset + 1)
        if not window.need(1):
            fault = window.take_fault()
            if fault is None:
                return
            if failed_at != window.position:
                last_offset = max(fault.offset, last_offset + 1)
                yield _lost(last_offset, b"", fault)
            failed_at = window.position
            continue
        window.need(dialect.start_bytes)
        if dialect.start.match(window.buf, window.pos, window.pos + window.visible):
            if border is not None and border.meets(
                stored, offset=offset, last=last_offset, at_member=at_member
            ):
                return
            frame = _record(window, dialect, options, offset, at_member)
        elif window.turns():
            continue
        else:
            follows = failed_at == window.position
            frame = _junk(window, dialect, offset)
            failed_at = window.position
            if follows:
                continue
        last_offset = offset
        yield frame


def _whole(member: Piece, dialect: Dialect, options: ReadOptions) -> tuple[Frame | None, int]:
    """The record that is all of a member, as most are, and where it ends; None where anything about it is odd."""
    data = member.data
    if not dialect.start.match(data, 0, dialect.start_bytes):
        return None, 0
    found = dialect.header_end.search(data, 0, _HEADER_BYTES)
    if found is None:
        return None, 0
    header, begin = data[: found.start()], found.end()
    length = dialect.length(header)
    if length is None or length > options.max_payload_bytes + options.max_http_header_bytes:
        return None, 0
    end = begin + length
    if end > len(data) or data[end:] not in LINE_ENDS or dialect.restart(header) is not None:
        return None, 0
    return Frame(member.offset, header, data[begin:end], whole=True), end


def _padding(offset: int, zeros: int) -> Frame:
    """Zeros where a record could have been: blocks of a disk that were never written, or were wiped."""
    what = f"{zeros:,} zero bytes from {offset:,} on do not belong to any record"
    return Frame(offset, b"", b"", reason="bad_record", detail=what)


def _lost(offset: int, header: bytes, fault: Fault) -> Frame:
    """A record, or bytes before one, of which damage left no block."""
    return Frame(offset, header, b"", reason=fault.reason, detail=fault.detail)


def _junk(window: Window, dialect: Dialect, offset: int) -> Frame:
    """Pass what is not a record, up to the next start of a record or barrier."""
    begin = window.position
    _scan(window, dialect)
    passed = window.position - begin
    fault = None if window.need(1) else window.take_fault()
    if fault is not None:
        return _lost(offset, b"", fault)
    what = f"{passed:,} bytes at {offset:,} do not belong to any record and were passed over"
    return Frame(offset, b"", b"", reason="bad_record", detail=what)


def _scan(
    window: Window,
    dialect: Dialect,
    keep: list[bytes] | None = None,
    most: int = 0,
    until: int | None = None,
) -> None:
    """Move to the next start of a record, barrier, end or the position `until`.

    The first `most` bytes of what is passed go to `keep`; without it, a start at the cursor itself is passed.
    """
    skip = 1 if keep is None else 0
    while True:
        wanted = _SCAN_BYTES + dialect.start_bytes
        visible = window.need(wanted)
        stop = window.pos + visible
        found = dialect.find(window.buf, window.pos + skip, stop)
        final = found is not None or visible < wanted
        end = found if found is not None else stop if final else stop - dialect.start_bytes
        if until is not None and window.base + end >= until:
            end, final = until - window.base, True
        if keep is not None and most > 0:
            part = window.buf[window.pos : min(end, window.pos + most)]
            keep.append(part)
            most -= len(part)
        skip = 0
        window.advance(end - window.pos)
        if final:
            return


def _record(window: Window, dialect: Dialect, options: ReadOptions, offset: int, at_member: bool) -> Frame:
    begin = window.position
    header = _header(window, dialect, options.max_record_header_bytes)
    if header is None:
        return _headless(window, dialect, offset)
    restart = dialect.restart(header)
    if restart is not None:
        window.advance(begin + restart - window.position)
        detail = f"the header of the record at byte {offset:,} breaks off where another record begins"
        return Frame(offset, header[:restart], b"", reason="bad_record", detail=detail)
    length = dialect.length(header)
    most = options.max_payload_bytes + options.max_http_header_bytes
    if length is None:
        return _unmeasured(window, dialect, offset, header, most)
    if length > most:
        return _large(window, dialect, offset, header, length=length, most=most)
    have = window.need(length)
    if have < length:
        return _short(window, dialect, offset, header, length=length, have=have)
    if _followed(window, dialect, length):
        block = window.buf[window.pos : window.pos + length]
        window.advance(length)
        frame = Frame(offset, header, block)
        fault = window.next_fault()
        if at_member and fault is not None and fault.offset == offset:
            _blame_member(window, frame)
        return frame
    return _overrun(window, dialect, options, offset, header=header, length=length)


def _header(window: Window, dialect: Dialect, most: int) -> bytes | None:
    """Take the header, or None where it has no end within `most` bytes."""
    size, searched = _HEADER_BYTES, 0
    while True:
        have = window.need(size)
        found = dialect.header_end.search(window.buf, window.pos + max(0, searched - 4), window.pos + have)
        if found:
            header = window.buf[window.pos : found.start()]
            window.advance(found.end() - window.pos)
            return header
        if have < size or size >= most:
            return None
        searched, size = have, min(size * 8, most)


def _headless(window: Window, dialect: Dialect, offset: int) -> Frame:
    """A record whose header does not end: the damage, the end of the file, or a header without limit."""
    header = window.buf[window.pos : window.pos + min(window.visible, 2048)]
    window.advance(min(window.visible, 5))
    _scan(window, dialect)
    if not window.need(1):
        fault = window.take_fault()
        if fault is not None:
            return _lost(offset, header, fault)
        if window.ended:
            detail = f"the file ends inside the header of the record at byte {offset:,}"
            return Frame(offset, header, b"", reason="truncated", detail=detail)
    detail = f"the header of the record at byte {offset:,} does not end"
    return Frame(offset, header, b"", reason="bad_record", detail=detail)


def _followed(window: Window, dialect: Dialect, length: int) -> bool:
    """True where the block of `length` bytes is followed by a record, a barrier or the end of a member."""
    ahead = length + 64
    while True:
        have = len(window.buf) - window.pos
        if have < ahead and not window.closed:
            window.need(ahead)
        stop = window.pos + window.visible
        blank = BLANK.match(window.buf, window.pos + length, stop)
        at = blank.end() if blank else window.pos + length
        if at < stop:
            begin = at - window.pos
            window.need(begin + dialect.start_bytes) if not window.closed else None
            at = window.pos + begin
            starts = dialect.start.match(window.buf, at, window.pos + window.visible)
            return bool(starts) and dialect.follows(window.buf, at)
        if window.closed:
            return True
        ahead = max(ahead * 2, at - window.pos + 64)


def _blame_member(window: Window, frame: Frame) -> None:
    """Damage found at the end of the member that holds just this record is this record's."""
    window.skip_blank()
    if window.need(1):
        return
    fault = window.take_fault()
    if fault is None:
        return
    frame.detail = fault.detail
    if fault.reason != "truncated":  # only the member's trailer is missing: the record is whole
        frame.reason = fault.reason
        frame.block = b""


def _short(window: Window, dialect: Dialect, offset: int, header: bytes, *, length: int, have: int) -> Frame:
    """The block ends before its announced length."""
    found = dialect.find(window.buf, window.pos, window.pos + have)
    size = found - window.pos if found is not None else have
    block = window.buf[window.pos : window.pos + size]
    fault = window.next_fault()
    window.advance(size)
    if found is not None:
        return _corrected(offset, header, block, length)
    if fault is not None:
        window.take_fault()
        return _lost(offset, header, fault)
    if window.ended and not _SEPARATOR.search(block[-4:]):
        detail = f"the file ends {length - have:,} bytes before the record at byte {offset:,} does"
        return Frame(offset, header, b"", reason="truncated", detail=detail)
    return _corrected(offset, header, block, length)


def _overrun(
    window: Window, dialect: Dialect, options: ReadOptions, offset: int, *, header: bytes, length: int
) -> Frame:
    """Something else than a record follows the block: the length is wrong, or junk lies between records."""
    most = options.max_payload_bytes + options.max_http_header_bytes
    found = dialect.find(window.buf, window.pos, window.pos + window.visible)
    size = found - window.pos if found is not None else length
    block = window.buf[window.pos : window.pos + min(size, length)]
    if size < length:
        window.advance(size)
        return _corrected(offset, header, block, length)
    separator = dialect.separator.match(window.buf, window.pos + length, window.pos + window.visible)
    window.advance(length)
    if separator or content_length_fits(block, options.max_http_header_bytes):
        return Frame(offset, header, block)
    kept = [block]
    _scan(window, dialect, kept, most - length)
    if not window.need(1):
        fault = window.take_fault()
        if fault is not None:
            return _lost(offset, header, fault)
    return _corrected(offset, header, b"".join(kept), length)


def _unmeasured(window: Window, dialect: Dialect, offset: int, header: bytes, most: int) -> Frame:
    """No usable length: the block reaches to the next record, barrier or end."""
    begin = window.position
    kept: list[bytes] = []
    _scan(window, dialect, kept, most)
    fault = None if window.need(1) else window.next_fault()
    # damage in this record's own member; that of later ones is not its concern
    if fault is not None and fault.offset <= offset:
        window.take_fault()
        return _lost(offset, header, fault)
    frame = _corrected(offset, header, b"".join(kept), None)
    frame.cut = window.position - begin > most
    return frame


def _corrected(offset: int, header: bytes, block: bytes, length: int | None) -> Frame:
    tail = _TRAILING.search(block[-8:])
    if tail:
        block = block[: len(block) - min(4, tail.end() - tail.start())]
    if length is None:
        detail = f"the announced length is missing or not a number; the record holds {len(block):,} bytes"
    else:
        detail = _lie(length, len(block))
    return Frame(offset, header, block, detail=detail, beyond=max(0, len(block) - (length or 0)))


def _large(window: Window, dialect: Dialect, offset: int, header: bytes, *, length: int, most: int) -> Frame:
    """A block that is not held in memory: its beginning is kept, the rest is passed over.

    As it cannot be looked at again, a record that begins inside it ends it: a false length would
    otherwise cost the rest of the file. (An uncompressed WARC stored as a payload this large is split.)
    """
    have = window.need(most)
    if have < most:
        return _short(window, dialect, offset, header, length=length, have=have)
    begin = window.position
    kept: list[bytes] = []
    _scan(window, dialect, kept, most, begin + length)
    passed = window.position - begin
    if passed >= length:
        return Frame(offset, header, kept[0] if len(kept) == 1 else b"".join(kept), cut=True)
    if window.need(1):
        return Frame(offset, header, b"".join(kept)[:most], cut=passed > most, detail=_lie(length, passed))
    fault = window.take_fault()
    if fault is not None:
        return _lost(offset, header, fault)
    if window.ended:
        detail = f"the file ends {length - passed:,} bytes before the record at byte {offset:,} does"
        return Frame(offset, header, b"", reason="truncated", detail=detail)
    return Frame(offset, header, b"".join(kept)[:most], cut=passed > most, detail=_lie(length, passed))


def _lie(length: int, held: int) -> str:
    return f"the announced length is {length:,} bytes but the record holds {held:,}"
