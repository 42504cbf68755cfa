"""Files that are not of one coding: compressed twice, or begun as they are and continued by compressed files put behind them.

What lies inside is read once more by the same means; how far a file may expand in doing so is bounded.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from provenance.records.compression import Fault, Piece, mixed_pieces, other_coding, pieces
from provenance.records.members import ByteSource
from provenance.records.window import Turn

#: A compressed file that is compressed again does not shrink. One that does by more than this, from so many bytes on, was made
#: to expand without end.
_MOST_RATIO, _FREE_BYTES = 4, 1 << 20


class _Rest(io.RawIOBase):
    """A file from where it was left: bytes that were taken from it already, then what its source still has."""

    def __init__(self, ahead: bytes, source: ByteSource) -> None:
        self._ahead, self._source = io.BytesIO(ahead), source

    def read(self, size: int = -1) -> bytes:
        source = self._source
        if data := self._ahead.read(size):
            return data
        if not source.need(1):
            return b""
        data = source.buf[source.pos :][:size]
        source.pos += len(data)
        source.mark = source.offset
        return data


class _Inside(io.RawIOBase):
    """What a compressed file holds, as a file; `fault` says why it ended early."""

    def __init__(self, decoded: Iterator[Piece | Fault], source: ByteSource) -> None:
        self._decoded, self._source = decoded, source
        self._held, self._given = b"", 0
        self.fault: Fault | None = None

    def read(self, size: int = -1) -> bytes:
        while not self._held and self.fault is None:
            item = next(self._decoded, None)
            if item is None:
                return b""
            if isinstance(item, Fault):
                self.fault = item
            elif self._given > _FREE_BYTES + _MOST_RATIO * self._source.offset:
                detail = "a compressed file that was compressed again and expands like none that anybody wrote: reading stopped there"
                self.fault = Fault(item.offset, "too_large", detail)
            else:
                self._held = item.data
        data, self._held = self._held[:size], self._held[size:]
        self._given += len(data)
        return data


def inside(
    decoded: Iterator[Piece | Fault], source: ByteSource
) -> tuple[ByteSource, Callable[[Iterator[Piece | Fault]], Iterator[Piece | Fault]]]:
    """A compressed file inside a compressed one, and what adds to its pieces where the outer one was damaged.

    `decoded` is the outer file, read through `source`. Offsets are those in the outer file once decompressed.
    """
    stream = _Inside(decoded, source)

    def told(inner: Iterator[Piece | Fault]) -> Iterator[Piece | Fault]:
        for item in inner:
            if isinstance(item, Fault) and stream.fault is not None:
                item, stream.fault = stream.fault._replace(offset=item.offset), None
            yield item
        if stream.fault is not None:
            yield stream.fault

    return ByteSource(cast(BinaryIO, stream)), told


def mixed_lines(
    decoded: Iterator[Piece | Fault], source: ByteSource, looks_like_start: Callable[[bytes], bool]
) -> Iterator[Piece | Fault]:
    """Lines that are not compressed, and compressed ones behind them: no byte that begins a member can stand in UTF-8 JSON."""
    return mixed_pieces(ByteSource(cast(BinaryIO, _Inside(decoded, source))), looks_like_start)


def turn(source: ByteSource, looks_like_start: Callable[[bytes], bool]) -> Turn:
    """What a window over a plain archive asks where no record begins: whether a compressed archive does, and how the file goes on.

    It gives the bytes that it holds from there on, and their offset in the file.
    """

    def go_on(ahead: bytes, offset: int) -> tuple[bool, Iterator[Piece | Fault]]:
        rest = ByteSource(cast(BinaryIO, _Rest(ahead, source)), offset)
        codec = other_coding(rest, looks_like_start)
        turned = codec not in (None, "plain")
        return turned, pieces(rest, codec if turned and codec else "plain", looks_like_start)

    return go_on
