"""The filesystem of this machine: written under a temporary name, made durable, and renamed (promise 5)."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from provenance.errors import no_room
from provenance.files.storage.base import FileInfo
from provenance.files.storage.troubles import StoreError


class LocalStorage:
    """The local filesystem."""

    def open(self, path: str, size: int | None = None) -> BinaryIO:
        return open(path, "rb")

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        """As every store does; a device or a pipe is written to, not replaced, and what a link points to instead of the link."""
        if _is_device_or_pipe(path):
            with open(path, "wb") as file:
                yield file
            return
        path = os.path.realpath(path) if os.path.islink(path) else path
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        temporary = f"{path}.{temporary_suffix()}"
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException as error:
            Path(temporary).unlink(missing_ok=True)
            if isinstance(error, OSError) and (why := no_room(error)):
                raise StoreError(f"{path}: cannot be written: {why}") from error
            if isinstance(error, OSError) and error.filename == temporary:
                error.filename = path  # the name that people know
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
                    # A link to nothing; else a temporary file that was renamed meanwhile.
                    if os.path.islink(path):
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


def temporary_suffix() -> str:
    """What is put behind the name of a file while it is written, never the same twice.

    Two workers may do one task at once, and those of several machines, or of containers, can have the same process number.
    """
    return f"{os.urandom(4).hex()}.tmp"


def _is_device_or_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
