"""Files that are hashed while they are read or written, so that a manifest names their SHA-256 without reading them again.

What a reader reads in order is hashed as it comes; what it passed over (the pages of a Parquet file) is read at the end.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any, BinaryIO

_CHUNK = 1 << 20


class DigestedFile(io.BufferedIOBase):
    """Reads as `file` does, and knows the SHA-256 of the whole file, or of a range of it, at the end."""

    def __init__(self, file: BinaryIO, start: int = 0, end: int | None = None) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._hashed = start  # bytes up to here are in the hash
        self._end = end
        self._at = file.tell()

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the bytes from `start` to `end`; what of them was not read yet is read first."""
        self.seek(self._hashed)
        while self._left(self._hashed + _CHUNK) and self.read(self._left(self._hashed + _CHUNK)):
            pass
        return self._hash.hexdigest()

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._file.read(-1 if size is None else size)
        self._see(data)
        return data

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = self._file.seek(offset, whence)
        if self._at is None:  # some stores' files answer nothing
            self._at = self._file.tell()
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def _see(self, data: bytes) -> None:
        """Hash what of `data`, read at the cursor, follows what is hashed already."""
        start, self._at = self._at, self._at + len(data)
        new = self._left(self._at)
        if start <= self._hashed and new > 0:
            begin = self._hashed - start
            self._hash.update(memoryview(data)[begin : begin + new])
            self._hashed += new

    def _left(self, until: int) -> int:
        """Bytes before `until`, at most to the end, that are not in the hash."""
        return (until if self._end is None else min(until, self._end)) - self._hashed


class WrittenFile:
    """A file that is hashed while it is written, as pyarrow writes; closing it leaves `file` open."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def hexdigest(self) -> str:
        """Hexadecimal SHA-256 of what was written so far."""
        return self.hash.hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        """What the manifest says of the bytes of the file."""
        return {"path": path, "bytes": self.size, "sha256": self.hexdigest()}
