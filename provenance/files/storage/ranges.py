"""A stored object as a file: read forwards in growing ranges, elsewhere in small ones, each asked for until it is whole.

A range that comes back short is asked for again, so a connection that is killed in mid-body costs a pause and no byte.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from provenance.files.storage.patience import persist
from provenance.files.storage.troubles import ShortRead

#: Bytes of the first range and of one that does not go on from the last: a Parquet footer of a shard fits.
FIRST_BYTES = 128 << 10
#: Most bytes of a range: at 50 ms for each, 160 MB a second, and what a reader holds of its file is a few of them.
MOST_BYTES = 8 << 20
#: Ranges that are held: a reader of Parquet goes to and fro between the columns of a row group.
_HELD = 4


class RangeReader(io.RawIOBase):
    """A seekable file over `fetch(start, end)`, which gives the bytes from `start` up to `end` of the object at `path`."""

    def __init__(self, path: str, size: int, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self.path, self.size = path, size
        self._fetch = fetch
        self._position = 0
        # (where it starts, its bytes), the one used last at the end
        self._ranges: list[tuple[int, bytes]] = []
        self._window = FIRST_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end of the object."""
        left = max(self.size - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted:
            start, held = self._range(self._position, wanted)
            at = self._position - start
            part = held[at : at + wanted] if at or wanted < len(held) else held
            parts.append(part)
            self._position += len(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _range(self, position: int, wanted: int) -> tuple[int, bytes]:
        """The held range that covers `position`, fetched where there is none."""
        for index, (start, data) in enumerate(self._ranges):
            if start <= position < start + len(data):
                self._ranges.append(self._ranges.pop(index))
                return self._ranges[-1]
        goes_on = bool(self._ranges) and position == self._ranges[-1][0] + len(self._ranges[-1][1])
        self._window = min(self._window * 2, MOST_BYTES) if goes_on else FIRST_BYTES
        end = min(position + max(self._window, min(wanted, MOST_BYTES)), self.size)
        data = persist(lambda: self._whole(position, end), self.path, "read")
        self._ranges = [*self._ranges[-(_HELD - 1) :], (position, data)]
        return self._ranges[-1]

    def _whole(self, start: int, end: int) -> bytes:
        data = self._fetch(start, end)
        if len(data) != end - start:
            raise ShortRead(f"{len(data):,} bytes came of the {end - start:,} from byte {start:,} on")
        return data
