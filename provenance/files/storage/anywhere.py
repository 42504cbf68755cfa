"""Places of this machine and of stores, each by its own storage; the one that commands and workers use."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO

from provenance.files.storage.addresses import is_address
from provenance.files.storage.base import FileInfo, Storage
from provenance.files.storage.local import LocalStorage


class AnyStorage:
    """`s3://`, `gs://`, `hf://` and `https://` in their stores, all else on this machine; it holds nothing itself."""

    def open(self, path: str, size: int | None = None) -> BinaryIO:
        return _of(path).open(path, size)

    def create(self, path: str) -> AbstractContextManager[BinaryIO]:
        return _of(path).create(path)

    def list(self, directory: str, follow_links: bool = False) -> list[FileInfo]:
        return _of(directory).list(directory, follow_links)

    def info(self, path: str) -> FileInfo | None:
        return _of(path).info(path)

    def delete(self, path: str) -> None:
        _of(path).delete(path)


def _of(path: str) -> Storage:
    if not is_address(path):
        return LocalStorage()
    # Half a second of imports, where they are needed.
    from provenance.files.storage.stores import StoreStorage

    return StoreStorage()
