"""What compressed files are made of: gzip members, zstd and lz4 frames, each decoded piece by piece, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import lz4.frame
import zstandard

if TYPE_CHECKING:
    import zlib
else:
    try:  # half the time of the standard library's, with the same interface and the same bytes
        from zlib_ng import zlib_ng as zlib
    except ImportError:
        import zlib

READ_BYTES = 256 << 10
#: Compressed bytes handed over at once: small, as what lies behind a member is copied back.
STEP_BYTES = 16 << 10
PIECE_BYTES = 1 << 20  # most decoded bytes of one piece
#: Decoded bytes of a member that are one piece: most pages have fewer, and then their record is read at one look.
_GATHERED = 1 << 19
RETAINED_BYTES = 4 << 20  # how far back the search for the next member may go after damage
MAX_WINDOW = 1 << 27  # zstd's own default limit for decoders

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"  # first frame of a .warc.zst: skippable, holds the dictionary
#: Compressed bytes that give the first decoded ones: zstd and lz4 decode block by block (RFC 8878; lz4 frame format).
HEAD_BYTES = {"gzip": 16 << 10, "zstd": 160 << 10, "lz4": (4 << 20) + 64}
HEAD = 4096  # decoded bytes that tell what a member begins with
MAGIC = {"gzip": b"\x1f\x8b\x08", "zstd": ZSTD_MAGIC, "lz4": b"\x04\x22\x4d\x18"}


class Damaged(Exception):
    """A member cannot be decoded to its end."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class ByteSource:
    """A file read forwards, with the bytes since `mark` (at most `RETAINED_BYTES`) kept for a second look."""

    def __init__(self, stream: BinaryIO, offset: int = 0) -> None:
        self._stream = stream
        self.buf = b""
        self.pos = 0
        self.base = offset
        self.mark = offset

    @property
    def offset(self) -> int:
        return self.base + self.pos

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        # Up to a multiple of it: whoever begins elsewhere in the file meets the same borders, and so the same bytes of damaged members.
        chunk = self._stream.read(READ_BYTES - (self.base + len(self.buf)) % READ_BYTES)
        if not chunk:
            return False
        keep = max(0, min(self.pos, max(self.mark - self.base, self.pos - RETAINED_BYTES)))
        self.buf = self.buf[keep:] + chunk if keep < len(self.buf) else bytes(chunk)
        self.base += keep
        self.pos -= keep
        return True

    def need(self, count: int) -> int:
        """Make `count` bytes visible if the file has them; how many are."""
        while len(self.buf) - self.pos < count and self.more():
            pass
        return len(self.buf) - self.pos

    def back_to(self, offset: int) -> None:
        """Move the cursor to `offset`, or as near to it as what is kept allows."""
        self.pos = max(0, offset - self.base)


def _early(codec: str, source: ByteSource) -> Damaged:
    return Damaged(
        "truncated", f"{codec} data ends early at byte {source.offset:,} (the file is probably truncated)"
    )


def _broken(codec: str, start: int, error: object) -> Damaged:
    return Damaged("bad_compression", f"{codec} data that begins at byte {start:,} is damaged ({error})")


def gzip_member(source: ByteSource) -> Iterator[bytes]:
    """Decode the member at the cursor.

    Raises:
        Damaged: it cannot be decoded to its end.
    """
    start = source.offset
    inflate = zlib.decompressobj(31)
    parts, size = list[bytes](), 0
    while not inflate.eof:
        visible = source.need(STEP_BYTES)
        step = source.buf[source.pos : source.pos + STEP_BYTES]
        try:
            out = inflate.decompress(step, PIECE_BYTES - size)
        except zlib.error as error:
            if source.offset == start:
                yield _salvaged(step)
            elif size:
                yield b"".join(parts)
            raise _broken("gzip", start, str(error).rsplit(": ", 1)[-1]) from error
        # At the end of a member what is left is in unused_data, and once more in unconsumed_tail.
        source.pos += len(step) - len(inflate.unused_data if inflate.eof else inflate.unconsumed_tail)
        if inflate.eof and not parts:  # most are small
            if out:
                yield out
            return
        parts.append(out)
        size += len(out)
        early = not out and not visible and not inflate.eof
        if size and (size >= _GATHERED or inflate.eof or early):
            yield b"".join(parts)
            parts, size = [], 0
        if early:
            raise _early("gzip", source)


def _salvaged(step: bytes) -> bytes:
    """What a damaged member decodes to before the damage (zlib gives nothing of a call that fails)."""
    inflate, out = zlib.decompressobj(31), []
    try:
        for at in range(0, len(step), 16):
            out.append(inflate.decompress(step[at : at + 16], PIECE_BYTES))
    except zlib.error:
        pass
    return b"".join(out)[:PIECE_BYTES]


def lz4_frame(source: ByteSource) -> Iterator[bytes]:
    """Decode the frame at the cursor, as `gzip_member`."""
    start = source.offset
    if source.need(8) >= 8 and skippable(source.buf[source.pos : source.pos + 4]):
        _skip_frame(source, "lz4")
        return
    frame = lz4.frame.LZ4FrameDecompressor()
    while not frame.eof:
        step = b""
        if frame.needs_input:
            visible = source.need(STEP_BYTES)
            step = source.buf[source.pos : source.pos + STEP_BYTES]
            if not visible:
                raise _early("lz4", source)
        try:
            out = frame.decompress(step, PIECE_BYTES)
        except (RuntimeError, MemoryError, OverflowError) as error:
            raise _broken("lz4", start, error) from error
        source.pos += len(step)
        if frame.eof:
            source.pos -= len(frame.unused_data or b"")
        if out:
            yield bytes(out)


def skippable(magic: bytes) -> bool:
    """Whether a zstd or lz4 frame that begins so holds no data."""
    return len(magic) == 4 and 0x50 <= magic[0] <= 0x5F and magic[1:] == b"\x2a\x4d\x18"


def _skip_frame(source: ByteSource, codec: str) -> bytes:
    """Pass a skippable frame; its content is returned where it is at most `RETAINED_BYTES`."""
    size = int.from_bytes(source.buf[source.pos + 4 : source.pos + 8], "little")
    source.pos += 8
    if size <= RETAINED_BYTES:
        if source.need(size) < size:
            raise _early(codec, source)
        content = source.buf[source.pos : source.pos + size]
        source.pos += size
        return content
    while size:
        visible = min(size, source.need(1))
        if not visible:
            raise _early(codec, source)
        source.pos += visible
        size -= visible
    return b""


class ZstdFrames:
    """Frames decoded block by block, so that a frame that expands a thousandfold costs one block at a time."""

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self._first = True

    def frame(self, source: ByteSource) -> Iterator[bytes]:
        """Decode the frame at the cursor, as `gzip_member`; a dictionary in the first frame is for all that follow."""
        start = source.offset
        if source.need(8) >= 8 and skippable(source.buf[source.pos : source.pos + 4]):
            magic = source.buf[source.pos : source.pos + 4]
            content = _skip_frame(source, "zstd")
            if magic == DICTIONARY_MAGIC and self._first:
                self._load(content, start)
            self._first = False
            return
        self._first = False
        head = self._header_bytes(source)
        checksum = source.buf[source.pos + 4] >> 2 & 1
        decoder = self._decoder.decompressobj()
        try:
            out = decoder.decompress(source.buf[source.pos : source.pos + head])
            source.pos += head
            last = False
            while not last:
                if source.need(3) < 3:
                    raise _early("zstd", source)
                block = int.from_bytes(source.buf[source.pos : source.pos + 3], "little")
                last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
                if kind == 3 or size > 128 << 10:
                    raise _broken("zstd", start, "impossible block")
                size = 3 + (1 if kind == 1 else size) + (4 if last and checksum else 0)
                if source.need(size) < size:
                    raise _early("zstd", source)
                out = decoder.decompress(source.buf[source.pos : source.pos + size])
                source.pos += size
                if out:
                    yield out
        except zstandard.ZstdError as error:
            # zstd's own words depend on the frames that its decoder had met before.
            raise _broken("zstd", start, "it cannot be decoded") from error

    def head(self, data: bytes | memoryview, most: int = HEAD) -> bytes:
        """The first decoded bytes of a frame that `data` begins with; empty where it cannot be decoded."""
        try:
            return self._decoder.stream_reader(data).read(most)
        except (MemoryError, zstandard.ZstdError):
            return b""

    def _load(self, content: bytes, start: int) -> None:
        """Use the dictionary of a .warc.zst (iipc draft "zstd in WARC": plain, or itself a zstd frame)."""
        try:
            if content.startswith(ZSTD_MAGIC):
                reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(content)
                content = reader.read(RETAINED_BYTES)
            dictionary = zstandard.ZstdCompressionDict(content)
            self._decoder = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=MAX_WINDOW)
        except (zstandard.ZstdError, ValueError) as error:
            raise Damaged(
                "bad_compression", f"the zstd dictionary at byte {start:,} cannot be used ({error})"
            ) from error

    @staticmethod
    def _header_bytes(source: ByteSource) -> int:
        """Length of a frame header (RFC 8878, section 3.1.1.1)."""
        if source.need(5) < 5:
            raise _early("zstd", source)
        flags = source.buf[source.pos + 4]
        single = flags >> 5 & 1
        size = 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
        if source.need(size) < size:
            raise _early("zstd", source)
        return size


def decoded_head(data: bytes | memoryview, codec: str, most: int = HEAD) -> bytes:
    """The first decoded bytes of a member that `data` begins with; empty where it cannot be decoded."""
    try:
        if codec == "gzip":
            return zlib.decompressobj(31).decompress(data, most)
        if codec == "lz4":
            return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, most))
        return ZstdFrames().head(data, most)
    except (zlib.error, RuntimeError, MemoryError):
        return b""
