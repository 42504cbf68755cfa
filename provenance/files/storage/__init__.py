"""Where files are kept, on this machine or in a store; nothing else in the program opens a crawl, a workspace or a release.

A file is either complete under its name or absent (docs/decisions/publication.md).
"""

from provenance.files.storage.addresses import check_address, is_address, lists
from provenance.files.storage.anywhere import AnyStorage
from provenance.files.storage.base import FileInfo, Storage, all_there, each, join, read_bytes, write_bytes
from provenance.files.storage.local import LocalStorage
from provenance.files.storage.troubles import StoreError

__all__ = [
    "AnyStorage",
    "FileInfo",
    "LocalStorage",
    "Storage",
    "StoreError",
    "all_there",
    "check_address",
    "each",
    "is_address",
    "join",
    "lists",
    "read_bytes",
    "write_bytes",
]
