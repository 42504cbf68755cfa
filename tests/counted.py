"""A store in memory that counts what it is asked and takes its time for each answer, as an object store does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

from provenance.files.storage import stores, uploads
from provenance.files.storage.addresses import SCHEMES, Scheme

SCHEME = "counted"
#: Objects in one answer of a listing, as S3 and Google Cloud Storage have it.
_PAGE = 1000


class CountedFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """`counted://`: objects of this process."""

    protocol = SCHEME
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    calls: ClassVar[Counter[str]] = Counter()
    by_path: ClassVar[Counter[str]] = Counter()
    bytes_read: ClassVar[int] = 0
    latency: ClassVar[float] = 0.0
    sizes: ClassVar[dict[str, int]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix(f"{SCHEME}://").strip("/")

    def find(self, path: str, detail: bool = False, **given: Any) -> Any:
        begin = path.rstrip("/") + "/"
        found = {
            name: {"name": name, "type": "file", "size": size, "ETag": f"{hash((name, size))}"}
            for name, size in self.sizes.items()
            if name.startswith(begin)
        }
        for _ in range(0, max(len(found), 1), _PAGE):
            self._count("find", path)
        return found

    def info(self, path: str, **given: Any) -> Any:
        self._count("info", path)
        if path not in self.sizes:
            raise FileNotFoundError(path)
        return {"name": path, "type": "file", "size": self.sizes[path], "ETag": "1"}

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **given: Any) -> bytes:
        self._count("read", path)
        found = bytes(self.store[path][start:end])
        CountedFileSystem.bytes_read += len(found)
        return found

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **given: Any) -> None:
        self._count("write", path)
        self.store[path], self.sizes[path] = value, len(value)

    def rm_file(self, path: str) -> None:
        self._count("delete", path)
        if self.sizes.pop(path, None) is None:
            raise FileNotFoundError(path)
        self.store.pop(path, None)

    def _count(self, call: str, path: str) -> None:
        with self._lock:
            self.calls[call] += 1
            self.by_path[path] += 1
        if self.latency:
            time.sleep(self.latency)


@contextmanager
def counted_store(latency: float = 0.0) -> Iterator[type[CountedFileSystem]]:
    """The scheme `counted` in this process, empty, with `latency` seconds for each call."""
    SCHEMES[SCHEME] = Scheme("fsspec", None, True, "bucket", "nowhere")
    stores.PARTS[SCHEME] = uploads.S3Parts  # never made: all that is written here is small
    fsspec.register_implementation(SCHEME, CountedFileSystem, clobber=True)
    kind = CountedFileSystem
    kind.store, kind.sizes, kind.calls, kind.by_path, kind.latency = {}, {}, Counter(), Counter(), latency
    kind.bytes_read = 0
    stores._client.cache_clear()
    try:
        yield kind
    finally:
        del SCHEMES[SCHEME], stores.PARTS[SCHEME]
        stores._client.cache_clear()
