"""Compressed files as a stream of decoded pieces, member by member, that survives damage.

A bit flip, junk or padding between members costs the damaged member, never the rest of the
file: decoding goes on at the next member that can be decoded. Memory is bounded for any input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provenance.records.members import (
    HEAD_BYTES,
    MAGIC,
    RETAINED_BYTES,
    ByteSource,
    Damaged,
    ZstdFrames,
    decoded_head,
    gzip_member,
    lz4_frame,
    skippable,
)

FIRST_BYTES = 1024  # the first piece of a member has at least these, so that its start can be recognised
SILENT_PADDING = 64  # zeros between records or members that are passed over without a word
_PADDING = b"\0\r\n"
_PADDING_PIECE = 64 << 10
_MAGIC_BYTES = max(map(len, MAGIC.values()))


class Piece(NamedTuple):
    """Decoded bytes of the member (gzip member, zstd or lz4 frame) that begins at byte `offset` of the file."""

    data: bytes
    offset: int
    first: bool
    last: bool


class Fault(NamedTuple):
    """Damage: `offset` is where the damaged member or junk begins; `reason` is a code of `outcomes.FAILED`."""

    offset: int
    reason: str
    detail: str


def _plain(source: ByteSource) -> Iterator[Piece | Fault]:
    first, begin = True, source.offset
    while source.need(1):
        data = source.buf[source.pos :] if source.pos else source.buf
        source.pos = len(source.buf)
        source.mark = source.offset
        yield Piece(data, begin, first, False)
        first = False


def pieces(
    source: ByteSource,
    codec: str,
    looks_like_start: Callable[[bytes], bool],
    zstd: ZstdFrames | None = None,
) -> Iterator[Piece | Fault]:
    """Decode a file from where `source` is: pieces in file order, and a `Fault` where data is damaged or is not compressed data.

    `codec` is "gzip", "zstd", "lz4" or "plain"; `looks_like_start` recognises the first bytes of a member
    that begins a record, which tells a true member from a compressed file inside a damaged one.
    `zstd` has met the frames before, where that is not the beginning.
    A few bytes of padding and empty members are passed over in silence; long padding is a piece of its own, so that
    who reads records can account for it. Never raises on what the file holds.
    """
    if codec == "plain":
        yield from _plain(source)
        return
    zstd = zstd or ZstdFrames()
    members = {"gzip": gzip_member, "zstd": zstd.frame, "lz4": lz4_frame}
    silent = SILENT_PADDING if source.offset else 0  # a file of nothing but zeros is not nothing
    while True:
        source.mark = source.offset
        yield from _padding(source, codec, silent)
        silent = SILENT_PADDING
        start = source.mark = source.offset
        if not source.need(1):
            return
        held: bytes | None = None
        first = True
        try:
            if not _begins(source, codec):
                other = other_coding(source, looks_like_start)
                if other is None:
                    raise Damaged("bad_compression", f"the bytes from {start:,} on are not {codec} data")
                if other == "plain":
                    yield from _bare(source, looks_like_start)
                else:
                    codec = other
                continue
            for out in members[codec](source):
                if held is not None and len(held) < FIRST_BYTES and first:
                    held += out
                    continue
                if held is not None:
                    yield Piece(held, start, first, False)
                    first = False
                held = out
            yield Piece(held or b"", start, first, True)
        except Damaged as damage:
            failed = source.offset
            if held:
                yield Piece(held, start, first, False)
            # A cut member ends with the file; a bad length in it may only look like that.
            found = damage.reason != "truncated" or failed - start <= RETAINED_BYTES
            found = found and _resynchronise(
                source, codec, zstd, start=start, failed=failed, looks_like_start=looks_like_start
            )
            yield Fault(start, damage.reason, damage.detail + _what_then(source, damage, found))
            if not found:
                return


def mixed_pieces(source: ByteSource, looks_like_start: Callable[[bytes], bool]) -> Iterator[Piece | Fault]:
    """As `pieces` of a file that begins uncompressed, where a compressed file may follow."""
    yield from _bare(source, looks_like_start)
    yield from pieces(source, "gzip", looks_like_start)


def _what_then(source: ByteSource, damage: Damaged, found: bool) -> str:
    """How reading goes on behind damage, as the end of a sentence."""
    if found:
        return f"; reading went on at byte {source.offset:,}"
    return "" if damage.reason == "truncated" else "; nothing after it can be decoded"


def other_coding(source: ByteSource, looks_like_start: Callable[[bytes], bool]) -> str | None:
    """How a file goes on that was put behind one of another coding: "plain" or a codec; None where no record begins here."""
    for codec, magic in MAGIC.items():
        source.need(HEAD_BYTES[codec])
        head = memoryview(source.buf)[source.pos : source.pos + HEAD_BYTES[codec]]
        if head[: len(magic)] == magic:
            return codec if looks_like_start(decoded_head(head, codec)) else None
    return "plain" if looks_like_start(source.buf[source.pos : source.pos + FIRST_BYTES]) else None


def _bare(source: ByteSource, looks_like_start: Callable[[bytes], bool]) -> Iterator[Piece | Fault]:
    """What is not compressed from the cursor up to the next member that begins a record, as one member."""
    begin, first = source.offset, True
    while source.need(_MAGIC_BYTES):
        found = [at for magic in MAGIC.values() if (at := source.buf.find(magic, source.pos)) >= 0]
        # Without one in sight its beginning may be all that is seen.
        at = min(found, default=max(source.pos + 1, len(source.buf) - _MAGIC_BYTES + 1))
        if at == source.pos:
            if other_coding(source, looks_like_start) not in (None, "plain"):
                break
            at += 1
        data = source.buf[source.pos : at]
        source.pos = at
        source.mark = source.offset
        yield Piece(data, begin, first, False)
        first = False
    yield Piece(b"", begin, first, True)


def _padding(source: ByteSource, codec: str, silent: int) -> Iterator[Piece]:
    """Pass zeros and line ends between members; more than `silent` zeros are given again, where no junk follows.

    Where none is to be silent, before the first member, line ends count as well.
    """
    start, zeros = source.offset, 0
    while source.need(1):
        if source.buf[source.pos] not in _PADDING:  # nearly always, and nothing is copied
            break
        here = source.buf[source.pos :].lstrip(_PADDING)
        passed = source.buf[source.pos : len(source.buf) - len(here)]
        zeros += passed.count(0) if silent else len(passed)
        source.pos = len(source.buf) - len(here)
        source.mark = source.offset
        if here:
            break
    if zeros > silent and (not source.need(1) or _begins(source, codec)):
        for done in range(0, zeros, _PADDING_PIECE):
            yield Piece(bytes(min(_PADDING_PIECE, zeros - done)), start + done, True, True)


def _begins(source: ByteSource, codec: str) -> bool:
    source.need(4)
    head = source.buf[source.pos : source.pos + 4]
    return head.startswith(MAGIC[codec]) or (codec != "gzip" and skippable(head))


def _resynchronise(
    source: ByteSource,
    codec: str,
    zstd: ZstdFrames,
    *,
    start: int,
    failed: int,
    looks_like_start: Callable[[bytes], bool],
) -> bool:
    """Move the cursor to the next member after `start` that decodes; False where there is none."""
    source.back_to(start + 1)
    return next_member(
        source, codec, zstd, lambda head: bool(head) and (looks_like_start(head) or source.offset >= failed)
    )


def next_member(
    source: ByteSource,
    codec: str,
    zstd: ZstdFrames,
    accepted: Callable[[bytes], bool],
    end: int | None = None,
) -> bool:
    """Move the cursor to the next member, before byte `end`, whose first decoded bytes are `accepted`; False where there is none."""
    magic = MAGIC[codec]
    while True:
        at = source.buf.find(magic, source.pos)
        source.pos = at if at >= 0 else max(source.pos, len(source.buf) - len(magic) + 1)
        source.mark = source.offset
        if end is not None and source.offset >= end:
            return False
        if at < 0:
            if not source.more():
                source.pos = len(source.buf)
                return False
            continue
        source.need(HEAD_BYTES[codec])
        data = memoryview(source.buf)[source.pos : source.pos + HEAD_BYTES[codec]]
        if accepted(zstd.head(data) if codec == "zstd" else decoded_head(data, codec)):
            return True
        source.pos += 1
