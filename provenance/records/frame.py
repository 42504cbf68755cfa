"""One record of an archive as it was framed, and the border at which framing stops where a file is read in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from provenance.records.http import Response, split_response


@dataclass(slots=True)
class Frame:
    """One record, or a stretch of bytes that is none (`header` empty).

    `block` holds at most `max_payload_bytes` and an HTTP header; `cut` says that more was there.
    `reason` and `detail` are those of the ledger; a `detail` without a `reason` is a remark. `beyond` counts bytes
    that were taken for the record's although its announced length (None: it has none) ends before them. `length` counts
    bytes of the stored file up to the next record; None for the last record of a file. `whole`: it is all of a member, and is framed
    as the standard says.
    """

    offset: int
    header: bytes
    block: bytes
    cut: bool = False
    reason: str | None = None
    detail: str | None = None
    beyond: int = 0
    length: int | None = None
    whole: bool = False
    _response: Response | None = field(default=None, repr=False, compare=False)

    def response(self, most: int) -> Response:
        """The block as an HTTP response, whose header has at most `most` bytes; taken apart once, as it is when first asked for."""
        if self._response is None:
            self._response = split_response(self.block, most)
        return self._response


@dataclass(slots=True)
class Border:
    """Where reading is to stop: at the first record that begins there or later, and from which another reader can go on.

    Attributes:
        end: byte of the stored file.
        members: whether only who begins with a member can go on: the file is compressed.
        next: where that record begins, once it was met,
        offset: its offset as a frame has it,
        last: and the largest offset of a frame before it.
    """

    end: int
    members: bool = False
    next: int | None = None
    offset: int = -1
    last: int = -1

    def meets(
        self, stored: int, *, offset: int | None = None, last: int = -1, at_member: bool = True
    ) -> bool:
        """Whether the record at byte `stored` is the one to stop at, which is then noted."""
        if stored < self.end or (self.members and not at_member):
            return False
        self.next, self.offset, self.last = stored, stored if offset is None else offset, last
        return True


def measured(found: Iterator[Frame], border: Border | None = None) -> Iterator[Frame]:
    """The same frames, each with its `length`: it is known when the next one is, which may be behind the `border`."""
    held = next(found, None)
    for frame in found:
        if held is not None:
            held.length = frame.offset - held.offset
            yield held
        held = frame
    if held is not None:
        if border is not None and border.next is not None:
            held.length = border.offset - held.offset
        yield held
