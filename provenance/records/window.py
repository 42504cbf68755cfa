"""A view on decoded data that moves forwards and knows where members begin and where data is damaged.

Record framing reads through it. Only what lies between the cursor and the data asked for is held.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator

from provenance.records.compression import Fault, Piece
from provenance.records.members import MAGIC

#: What separates records of archives, where they are written as they should be.
LINE_ENDS = (b"\r\n\r\n", b"\n\n", b"\n", b"")
#: Given what is held from the cursor on and its offset: whether compressed records begin there, and all pieces from there on.
Turn = Callable[[bytes, int], tuple[bool, Iterator[Piece | Fault]]]
BLANK = re.compile(rb"[\r\n\0 \t]*")


class Window:
    """Bytes from a cursor on. Positions count decoded bytes from the beginning of the file.

    A *barrier* is a position that no record can reach across: damage, or a member that begins with the
    start of a record. `visible` and `need` never look beyond the next barrier.
    """

    def __init__(
        self, pieces: Iterator[Piece | Fault], is_start: Callable[[bytes], bool], turn: Turn | None = None
    ) -> None:
        """`turn` says how a file that is not compressed goes on where a compressed one was put behind it (`records.nested`)."""
        self._turn = turn
        self._pieces = pieces
        self._is_start = is_start
        self.buf = b""
        self.pos = 0
        self.base = 0
        self.ended = False
        self._open = False  # the member read last has more to come
        self._members: deque[tuple[int, int]] = deque()
        self._member = (0, 0)
        self._barriers: deque[tuple[int, Fault | None]] = deque()
        self._begun: int | None = None
        self._waiting: Piece | Fault | None = None  # looked at, and not read yet

    @property
    def position(self) -> int:
        return self.base + self.pos

    def need(self, count: int) -> int:
        """Make `count` bytes visible if there are so many before the next barrier; how many are."""
        have = len(self.buf) - self.pos
        parts: list[bytes] = []
        while have < count and not self.ended and not self._stopped():
            data = self._pull(self.base + self.pos + have)
            if data:
                parts.append(data)
                have += len(data)
        if parts:
            rest = self.buf[self.pos :] if self.pos < len(self.buf) else b""
            self.base += self.pos
            self.pos = 0
            self.buf = b"".join((rest, *parts)) if rest or len(parts) > 1 else parts[0]
        return self.visible

    @property
    def visible(self) -> int:
        """Bytes between the cursor and the next barrier or the end of what is held."""
        have = len(self.buf) - self.pos
        if self._barriers:
            return min(have, self._barriers[0][0] - self.position)
        return have

    @property
    def closed(self) -> bool:
        """True where the held data ends with the end of a member (or of the file, or at a barrier)."""
        return self.ended or not self._open or bool(self._barriers)

    def advance(self, count: int) -> None:
        self.pos += count
        here = self.position
        while self._barriers and self._barriers[0][1] is None and self._barriers[0][0] <= here:
            self._barriers.popleft()
        while self._members and self._members[0][0] <= here:
            self._member = self._members.popleft()

    def next_fault(self) -> Fault | None:
        """The damage at the end of the visible bytes, if that is what ends them."""
        if self._barriers and self._barriers[0][1] is not None:
            return self._barriers[0][1]
        return None

    def take_fault(self) -> Fault | None:
        """The damage exactly at the cursor, which is then passed."""
        if self._barriers and self._barriers[0][0] <= self.position:
            return self._barriers.popleft()[1]
        return None

    def skip_blank(self) -> int:
        """Pass empty lines and padding up to the next barrier; how many zero bytes were among them."""
        zeros = 0
        while self.need(1):
            stop = self.pos + self.visible
            blank = BLANK.match(self.buf, self.pos, stop)
            at = blank.end() if blank else self.pos
            zeros += self.buf.count(0, self.pos, at)
            self.advance(at - self.pos)
            if at < stop:
                break
        return zeros

    def whole_member(self) -> Piece | None:
        """The next member, where nothing but the line ends behind a record is before it and it is one piece.

        It stays to be read, until `pass_whole`.
        """
        if self._barriers or self._open or self.ended or self._begun is not None:
            return None
        if len(self.buf) - self.pos > len(LINE_ENDS[0]) or self.buf[self.pos :] not in LINE_ENDS:
            return None
        if self._waiting is None:
            self._waiting = next(self._pieces, None)
        item = self._waiting
        return item if isinstance(item, Piece) and item.first and item.last and item.data else None

    def pass_whole(self, member: Piece, size: int) -> None:
        """Move the cursor behind the first `size` bytes of the member that `whole_member` gave."""
        begin = self.base + len(self.buf)
        self.base, self.pos, self.buf, self._waiting = begin + size, 0, member.data[size:], None
        self._members.clear()
        self._member = (begin, member.offset)

    def turns(self) -> bool:
        """Whether the file goes on compressed at the cursor, where it was not before; it is decoded from there on."""
        if self._turn is None or not self.buf.startswith(tuple(MAGIC.values()), self.pos):
            return False
        waiting = self._waiting.data if isinstance(self._waiting, Piece) else b""
        turned, self._pieces = self._turn(self.buf[self.pos :] + waiting, self.stored_offset()[0])
        if turned:
            self._turn = None
        self.base, self.pos, self.buf, self._waiting, self.ended = self.position, 0, b"", None, False
        return turned

    def stored_offset(self) -> tuple[int, bool]:
        """Byte offset in the file for the cursor, and whether a member begins exactly here.

        Inside a member: the member's own offset plus the decoded bytes before the cursor.
        """
        at, offset = self._member
        return offset + self.position - at, self.position == at

    def _stopped(self) -> bool:
        return bool(self._barriers)

    def _pull(self, end: int) -> bytes:
        """Take the next piece, which begins at position `end`."""
        item, self._waiting = self._waiting or next(self._pieces, None), None
        if item is None:
            self.ended = True
            self._open = False
            return b""
        if isinstance(item, Fault):
            self._barriers.append((end, item))
            self._open = False
            return b""
        if item.first:
            self._begun = item.offset
        if item.data and self._begun is not None:
            self._members.append((end, self._begun))
            self._begun = None
            if end > self.position and self._is_start(item.data):
                self._barriers.append((end, None))
            elif end == self.position:
                self.advance(0)
        self._open = not item.last
        return item.data
