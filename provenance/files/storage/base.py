"""The few operations that the program needs of a filesystem, and what can be said with them.

A file is either complete under its name or absent: readers never meet half of one (promise 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Calls to a store that are under way at once: with 50 ms for each, 90,000 of them take 71 s.
AT_ONCE = 64


@dataclass(frozen=True)
class FileInfo:
    """One stored file: its path, size in bytes and a token that changes when it is rewritten."""

    path: str
    size: int
    modified: str


class Storage(Protocol):
    """Operations on paths, which are strings; directories exist by having files."""

    def open(self, path: str, size: int | None = None) -> BinaryIO:
        """Open for reading; seekable. A `size` that is known, in bytes, spares a store the question."""
        ...

    def create(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Context manager: a file that appears under `path` when the block ends without an error."""
        ...

    def list(self, directory: str, follow_links: bool = False) -> list[FileInfo]:
        """All files below `directory`, in no given order; empty where it does not exist.

        `follow_links` enters directories through links, each directory once. Raises OSError where a directory
        cannot be read.
        """
        ...

    def info(self, path: str) -> FileInfo | None:
        """The file at `path`, or None."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file or a whole directory; nothing happens where there is none."""
        ...


def join(directory: str, *names: str) -> str:
    """Path below `directory`, with forward slashes on every filesystem."""
    return "/".join([directory.rstrip("/"), *names])


def read_bytes(storage: Storage, path: str) -> bytes:
    """The whole of a small file."""
    with storage.open(path) as file:
        return file.read()


def write_bytes(storage: Storage, path: str, data: bytes) -> None:
    """Replace a small file as a whole."""
    with storage.create(path) as file:
        file.write(data)


def all_there(storage: Storage, paths: Sequence[str]) -> bool:
    """Whether there is a file at every path; their directories are listed, not each of them asked for."""
    directories = sorted({path.rpartition("/")[0] for path in paths})
    there = {item.path for directory in directories for item in storage.list(directory or ".")}
    return there.issuperset(paths)


def each(function: Callable[[Item], Result], items: Iterable[Item], at_once: int = AT_ONCE) -> list[Result]:
    """`function` of every item, in their order, `at_once` of them at a time; for what waits for a store.

    The first error is raised when what was under way has ended; nothing further is begun.
    """
    given = list(items)
    if len(given) < 2:
        return [function(item) for item in given]
    threads = ThreadPoolExecutor(min(at_once, len(given)))
    try:
        return list(threads.map(function, given))
    finally:
        threads.shutdown(cancel_futures=True)
