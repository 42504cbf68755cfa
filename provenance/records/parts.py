"""A part of a file: where its first record begins, and what it hands over to the next, so that all parts give what the whole gives.

Where a part begins is found by looking, which what a file holds can deceive; so each part also says where it ended, and
whoever has all of them knows whether every guess was right (docs/decisions/spans.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

from provenance.files.spans import Span
from provenance.records.archive import Dialect
from provenance.records.compression import next_member
from provenance.records.frame import Border
from provenance.records.members import ByteSource, ZstdFrames
from provenance.records.rows import Row
from provenance.records.times import CONTRADICTION

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Handover:
    """What a reader at the end of a part knows that who goes on has to.

    Attributes:
        at: byte at which the next record begins; None: there is none.
        last: the largest offset of a record so far; -1: it does not matter.
        source: what the archive says that it belongs to,
        begun: and when it was begun, in microseconds.
    """

    at: int | None
    last: int = -1
    source: str | None = None
    begun: int | None = None


@dataclass
class Part:
    """One span of a file, and what reading it found.

    Attributes:
        span: which.
        given: where it begins, from who has read what is before it; None: it is looked for.
        began: where it did, with what was taken for granted of what is before it; `at` None: nothing begins in it.
        ended: where the next record begins, and what records of this part say of the archive.
        unsourced: records that come before one that says what the archive belongs to.
        captured: the earliest and latest capture of records that come before one that says when it was begun.
    """

    span: Span
    given: Handover | None = None
    began: Handover = field(default_factory=lambda: Handover(None))
    ended: Handover = field(default_factory=lambda: Handover(None))
    unsourced: int = 0
    captured: tuple[int, int] | None = None

    @property
    def end(self) -> int | None:
        """Where it ends; None for the last, which goes to the end of the file."""
        return None if self.span.is_last else self.span.end

    def owns(self, begin: int) -> bool:
        """Whether what begins at a byte is in this part, for formats that say where everything begins."""
        return (not self.span.number or begin >= self.span.start) and (self.end is None or begin < self.end)

    def border(self, members: bool = False) -> Border | None:
        """The end as readers of records take it."""
        return None if self.end is None else Border(self.end, members)

    def close(self, border: Border | None, source: str | None = None, begun: int | None = None) -> None:
        """Take from a reader where it stopped, and what it was told of the archive by records of this part."""
        met = border is not None and border.next is not None
        at, last = (border.next, border.last) if border is not None and met else (None, -1)
        self.ended = Handover(at, last, source, begun)

    def note(self, row: Row, unsourced: bool, undated: bool) -> None:
        """Count a record that is judged by what was taken for granted of what is before this part."""
        self.unsourced += unsourced
        captured = row.get("capture_time")
        if undated and captured is not None:
            least, most = self.captured or (captured, captured)
            self.captured = (min(least, captured), max(most, captured))

    def as_json(self) -> dict[str, Any]:
        """As the footer of a shard has it."""
        found = asdict(self)
        del found["given"]
        return found


#: A file that is read as one.
WHOLE = Span(0, 1, 0, 0)


def read_part(found: dict[str, Any]) -> Part:
    """A part from what the footer of its shard says."""
    captured = found["captured"]
    return Part(
        span=Span(**found["span"]),
        began=Handover(**found["began"]),
        ended=Handover(**found["ended"]),
        unsourced=found["unsourced"],
        captured=None if captured is None else (captured[0], captured[1]),
    )


def misread(parts: Sequence[Part]) -> dict[int, Handover]:
    """The parts of one file, all of them in order, that took something else for granted than those before them say: what they should.

    Where one began elsewhere than the one before it ended, those behind it can only be judged when it has been read again.
    """
    found: dict[int, Handover] = {}
    known = parts[0].ended
    for part in parts[1:]:
        at = known.at
        if at is not None and at >= part.span.end:
            at = None
        last = known.last if at is not None and known.last >= at else -1
        expected = Handover(at, last, known.source, known.begun)
        if part.began.at != at or (at is not None and part.began.last != last):
            found[part.span.number] = expected
            break
        if at is None:
            continue
        if not _same_rows(part, expected):
            found[part.span.number] = expected
        source = known.source if part.ended.source is None else part.ended.source
        begun = known.begun if part.ended.begun is None else part.ended.begun
        known = Handover(part.ended.at, part.ended.last, source, begun)
    return found


def _same_rows(part: Part, expected: Handover) -> bool:
    """Whether the rows of a part are what they would be had it known what the archive says before it."""
    if part.unsourced and part.began.source != expected.source:
        return False
    if part.captured is None or part.began.begun == expected.begun:
        return True
    return not any(
        begun is not None and abs(captured - begun) > CONTRADICTION
        for begun in (part.began.begun, expected.begun)
        for captured in part.captured
    )


def find_line(stream: BinaryIO, span: Span) -> int | None:
    """Where the first line that begins in a span does; None where none does."""
    at = span.start - 1
    stream.seek(at)
    while at < span.end - 1:
        data = stream.read(min(_CHUNK, span.end - 1 - at))
        if not data:
            return None
        found = data.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(data)
    return None


def find_record(stream: BinaryIO, span: Span, dialect: Dialect) -> int | None:
    """Where the first record of an uncompressed archive that seems to begin in a span does."""
    at = span.start
    while at < span.end:
        stream.seek(at - 1)  # what is before a record tells whether it is one
        data = stream.read(1 + _CHUNK + dialect.start_bytes)
        found = dialect.find(data, 1, len(data))
        if found is not None:
            found += at - 1
            return found if found < span.end else None
        if len(data) < _CHUNK:
            return None
        at += _CHUNK
    return None


def find_member(
    stream: BinaryIO, span: Span, codec: str, zstd: ZstdFrames, starts: Callable[[bytes], bool]
) -> int | None:
    """Where the first member (gzip member, zstd or lz4 frame) of a span seems to begin that begins with a record."""
    stream.seek(span.start)
    source = ByteSource(stream, span.start)
    found = next_member(source, codec, zstd, starts, span.end)
    return source.offset if found else None
