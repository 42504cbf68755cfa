"""Where files are kept: the few operations the program needs of a filesystem.

`LocalStorage` is here; `pipelines.storage` adds every filesystem of Beam. A file is either
complete under its name or absent: writers use a temporary name and rename.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class FileInfo:
    """One stored file: its path, size in bytes and a token that changes when it is rewritten."""

    path: str
    size: int
    modified: str


class Storage(Protocol):
    """Operations on paths, which are strings; directories exist by having files."""

    def open(self, path: str) -> BinaryIO:
        """Open for reading; seekable."""
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


class LocalStorage:
    """The local filesystem."""

    def open(self, path: str) -> BinaryIO:
        return open(path, "rb")

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # The process number keeps two workers that retry the same task from sharing a temporary file.
        temporary = f"{path}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def list(self, directory: str, follow_links: bool = False) -> list[FileInfo]:
        found = []
        entered = set()
        for folder, below, names in os.walk(directory, onerror=_refuse, followlinks=follow_links):
            if follow_links:
                real = os.path.realpath(folder)
                if real in entered:
                    below.clear()
                    continue
                entered.add(real)
            below.sort()
            for name in names:
                path = os.path.join(folder, name)
                try:
                    status = os.stat(path)
                except FileNotFoundError:
                    if os.path.islink(
                        path
                    ):  # a link to nothing; else a temporary file that was renamed meanwhile
                        found.append(FileInfo(path, 0, "missing"))
                    continue
                if stat.S_ISREG(status.st_mode):
                    found.append(FileInfo(path, status.st_size, str(status.st_mtime_ns)))
        return found

    def info(self, path: str) -> FileInfo | None:
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileInfo(path, status.st_size, str(status.st_mtime_ns))

    def delete(self, path: str) -> None:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink(missing_ok=True)


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


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
