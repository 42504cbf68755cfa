"""Stored HTTP responses: status, headers and the payload with its transfer and content codings undone.

Archives hold what servers sent: false lengths, codings that were already undone, bombs. Decoding is
bounded at every step and keeps what is readable.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

import brotli  # type: ignore[import-untyped]
import zstandard

MAX_CODINGS = 5  # stacked content codings that are undone; real responses have one, rarely two
MAX_MEMBERS = 10_000  # gzip members read of a payload; servers send one, or one for each part put together
FIRST_STEP = 4 << 10  # compressed bytes of a gzip member that are decoded first, then twice as many each time
MAX_INTERIM = 8  # interim answers before the final one; servers that hint early send one or two
MAX_WINDOW = 1 << 25  # RFC 9659 limits zstd over HTTP to 8 MB; some servers send more

_LISTS = (b"content-encoding", b"transfer-encoding")
_STATUS = re.compile(rb"\s{0,8}HTTP(?:/\d+(?:\.\d+)?)?[ \t]+(\d{1,3})?(?!\d)", re.IGNORECASE)
_END = re.compile(rb"\n\r*\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}[ \t]*:[^\n]*(?:\n|\Z)")
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s;\"',]+)", re.IGNORECASE)


class Response(NamedTuple):
    """A response block taken apart. `status` is None without a readable status line; `headers` as stored."""

    status: int | None
    headers: bytes
    payload: bytes
    has_status_line: bool


class Decoded(NamedTuple):
    """A payload with codings undone. `reason`: None, "too_large" (payload holds the beginning) or "bad_encoding"."""

    payload: bytes
    reason: str | None
    detail: str | None


def split_response(block: bytes, most: int) -> Response:
    """Take a block apart. A block without status line is all payload (status None).

    Interim answers (100 Continue, 103 Early Hints: RFC 9110, 15.2) before the final one are passed over.
    """
    begin = _STATUS.match(block)
    if begin is None:
        return Response(None, b"", block, False)
    status = int(begin.group(1)) if begin.group(1) else None
    end = _END.search(block, begin.end(), begin.end() + most)
    for _ in range(MAX_INTERIM):
        final = _STATUS.match(block, end.end()) if end and status is not None and status < 200 else None
        if final is None:
            break
        begin, status = final, int(final.group(1)) if final.group(1) else None
        end = _END.search(block, begin.end(), begin.end() + most)
    if end:
        first = block.find(b"\n", begin.end(), end.end())
        return Response(
            status, block[first + 1 : end.start()] if first < end.start() else b"", block[end.end() :], True
        )
    at = block.find(b"\n") + 1 or len(block)
    head = at
    while line := _LINE.match(block, at):
        at = line.end()
    return Response(status, block[head:at], block[at:], True)


def content_length_fits(block: bytes, most: int) -> bool:
    """Whether a block is a response whose payload is as long as its own Content-Length says."""
    response = split_response(block, most)
    stated = header_values(response.headers, (b"content-length",))[0] or b""
    return stated.isdigit() and len(stated) < 19 and int(stated) == len(response.payload)


def header_values(headers: bytes, wanted: tuple[bytes, ...]) -> list[bytes | None]:
    """Values of the wanted fields (names in lower case). The first of several counts, unless it is empty; codings add up."""
    if b"\n " in headers or b"\n\t" in headers:
        headers = _FOLD.sub(b" ", headers)
    found: dict[bytes, bytes] = {}
    for line in headers.split(b"\n"):
        name, colon, value = line.partition(b":")
        name = name.strip().lower()
        if not colon or name not in wanted:
            continue
        if not found.get(name):
            found[name] = value.strip()
        elif name in _LISTS:  # RFC 9110, 5.3: several lines are one list, in their order
            found[name] += b", " + value.strip()
    return [found.get(name) for name in wanted]


def charset_of(content_type: str | None) -> str | None:
    """The charset parameter of a Content-Type, in lower case."""
    found = _CHARSET.search(content_type[:1024]) if content_type else None
    return found.group(1).lower()[:64] if found else None


def decode_payload(payload: bytes, transfer: bytes | None, content: bytes | None, most: int) -> Decoded:
    """Undo chunking and content codings; the result has at most `most` bytes.

    A coding that is declared but not there (many crawlers undo it and keep the header) is passed over.
    Data that ends early gives what was decoded, with a remark.
    """
    detail: str | None = None
    if transfer and b"chunked" in transfer.lower():
        payload, detail = _unchunk(payload)
    codings = [c for c in re.split(rb"[\s,]+", content.lower()) if c] if content else []
    if len(codings) > MAX_CODINGS:
        return Decoded(payload[:most], "bad_encoding", f"{len(codings)} stacked content codings")
    for coding in reversed(codings):
        if coding in (b"identity", b"none", b"utf-8", b"binary", b"8bit") or not payload:
            continue
        try:
            decoded, whole = _undo(coding, payload, most + 1)
        except _CodingError as error:
            if error.absent:
                continue
            return Decoded(payload[:most], "bad_encoding", str(error))
        payload = decoded
        if len(payload) > most:
            return Decoded(payload[:most], "too_large", _too_large(most))
        if not whole:
            detail = f"the {_name(coding)} coded payload ends early"
    if len(payload) > most:
        return Decoded(payload[:most], "too_large", _too_large(most))
    return Decoded(payload, None, detail)


def undo_gzip(payload: bytes, most: int) -> bytes | None:
    """A gzip payload decoded to at most `most` bytes, or None where it is damaged."""
    try:
        return _gunzip(payload, most)[0]
    except zlib.error:
        return None


def _too_large(most: int) -> str:
    return f"the payload is larger than {most:,} bytes once decoded (max_payload_bytes)"


def _name(coding: bytes) -> str:
    return coding[:40].decode("latin-1")


class _CodingError(Exception):
    def __init__(self, message: str, absent: bool) -> None:
        super().__init__(message)
        self.absent = absent


def _undo(coding: bytes, data: bytes, most: int) -> tuple[bytes, bool]:
    """(decoded, ended properly); raises _CodingError, `absent` where the data was never coded."""
    name = _name(coding)
    try:
        if coding in (b"gzip", b"x-gzip"):
            if data[:2] != b"\x1f\x8b":
                raise _CodingError(f"the payload is not {name}", absent=True)
            return _gunzip(data, most)
        if coding == b"deflate":
            return _deflate(data, most)
        if coding == b"br":
            return _brotli(data, most)
        if coding in (b"zstd", b"x-zstd"):
            if data[:4] != b"\x28\xb5\x2f\xfd":
                raise _CodingError(f"the payload is not {name}", absent=True)
            return _zstd(data, most)
    except (zlib.error, brotli.error, zstandard.ZstdError, MemoryError) as error:
        raise _CodingError(
            f"the {name} coded payload is damaged ({error})", absent=_readable(data)
        ) from error
    raise _CodingError(f"unknown content coding {name!r}", absent=_readable(data))


def _readable(data: bytes) -> bool:
    """True where data has no control bytes at its beginning, so it is text rather than coded."""
    head = data[:512]
    return len(head.translate(None, _CONTROLS)) == len(head)


_CONTROLS = bytes([*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])


def _gunzip(data: bytes, most: int) -> tuple[bytes, bool]:
    """(decoded, ended properly) of members behind one another, at most `most` bytes and `MAX_MEMBERS` of them."""
    out: list[bytes] = []
    at, left = 0, most
    while left > 0 and data[at : at + 2] == b"\x1f\x8b":
        if len(out) == MAX_MEMBERS:
            return b"".join(out), False
        try:
            part, at, whole = _gunzip_member(data, at, left)
        except zlib.error:
            if out:
                return b"".join(out), False
            raise
        out.append(part)
        left -= len(part)
        if not whole:
            return b"".join(out), False
    return b"".join(out), True


def _gunzip_member(data: bytes, at: int, most: int) -> tuple[bytes, int, bool]:
    """The member at `at`, at most `most` bytes of it; where the next one begins, and whether this one ended properly."""
    inflate, out, step = zlib.decompressobj(31), [], FIRST_STEP
    while at < len(data) and most > 0 and not inflate.eof:
        given = data[at : at + step]
        part = inflate.decompress(given, most)
        out.append(part)
        most -= len(part)
        at += len(given) - len(inflate.unused_data if inflate.eof else inflate.unconsumed_tail)
        # Small at first: zlib copies what is behind a member, which of many small ones would be all the rest each time.
        step *= 2
    return b"".join(out), at, inflate.eof


def _deflate(data: bytes, most: int) -> tuple[bytes, bool]:
    """Zlib (RFC 9110) or, as some servers send, raw deflate."""
    for bits in (15, -15):
        inflate = zlib.decompressobj(bits)
        try:
            return inflate.decompress(data, most), inflate.eof
        except zlib.error:
            if bits == -15:
                raise
    raise AssertionError("unreachable")


def _brotli(data: bytes, most: int) -> tuple[bytes, bool]:
    decoder = brotli.Decompressor()
    out: list[bytes] = []
    left, step = most, data
    while left > 0 and not decoder.is_finished():
        part = decoder.process(step, output_buffer_limit=min(left, 1 << 20))
        if not part and decoder.can_accept_more_data():
            break
        out.append(part)
        left -= len(part)
        step = b""
    return b"".join(out)[:most], decoder.is_finished()


def _zstd(data: bytes, most: int) -> tuple[bytes, bool]:
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(
        data, read_across_frames=True
    )
    out: list[bytes] = []
    left = most
    while left > 0 and (part := reader.read(min(left, 1 << 20))):
        out.append(part)
        left -= len(part)
    if not out:
        raise zstandard.ZstdError("no data")
    return b"".join(out), True


def _unchunk(data: bytes) -> tuple[bytes, str | None]:
    """Undo chunking. Data that is not chunked at all is returned as it is; broken chunking up to where it breaks."""
    out: list[bytes] = []
    at = 0
    while True:
        size = _CHUNK.match(data, at)
        if size is None:
            if not out:
                return data, None
            rest = data[at:]
            return b"".join(out), "the chunked payload ends early" if rest.strip() or not rest else None
        length = int(size.group(1), 16)
        if not length:
            return b"".join(out), None
        begin = size.end()
        out.append(data[begin : begin + length])
        at = begin + length
        if at >= len(data):
            return b"".join(out), "the chunked payload ends early"
        if data[at] == 13:
            at += 1
        if data[at : at + 1] == b"\n":
            at += 1
