"""WACZ: a ZIP file with archives in its folder archive/, stored as they are, so that each is read where it lies.

A ZIP file can say anything of what it holds: nothing is unpacked and no name becomes a path; an entry that is not what
it says to be is a row with its reason.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from provenance.errors import plain
from provenance.files.storage import StoreError

MAGIC = b"PK\x03\x04"
#: The folder of archives (WACZ 1.1.1, section 4), and how files in it are named.
_ARCHIVE = re.compile(r"archive/.*\.(?:warc|arc)(?:\.(?:gz|zst|zstd|lz4))?\Z", re.IGNORECASE | re.DOTALL)
_NESTED = re.compile(r".*\.wacz\Z", re.IGNORECASE | re.DOTALL)
#: A directory of more bytes is not read: 180,000 entries at least, some 120 MB of memory; WACZ files have hundreds.
_MOST_DIRECTORY = 8 << 20
_LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field (APPNOTE 4.3.7)
_ENCRYPTED = 1
#: What damaged or invented directories make zipfile raise.
_DAMAGE = (zipfile.BadZipFile, ValueError, OverflowError, struct.error, NotImplementedError, EOFError)


@dataclass(frozen=True)
class Entry:
    """An archive in a WACZ: where its bytes are in the file, or what is wrong with it."""

    name: str
    begin: int
    size: int = 0
    problem: str | None = None


def read_entries(stream: BinaryIO) -> list[Entry]:
    """The archives of a ZIP file in the order of their bytes; `stream` is seekable.

    What cannot be read is an entry with a problem; a file without archives is one. Raises only errors of the stream (OSError).
    """
    size = stream.seek(0, io.SEEK_END)
    try:
        with zipfile.ZipFile(cast(BinaryIO, _Guarded(stream))) as file:
            infos, end = file.infolist(), file.start_dir
    except StoreError:
        raise
    except _DAMAGE as error:
        return [Entry("", 0, problem=f"the ZIP file cannot be opened ({' '.join(str(error).split())[:200]})")]
    entries = [_entry(stream, info, min(end, size)) for info in infos if _is_archive(info.filename)]
    if not entries:
        return [
            Entry("", 0, problem=f"the ZIP file has no archive/*.warc.gz among its {len(infos):,} entries")
        ]
    return list(_apart(sorted(entries, key=lambda entry: (entry.begin, entry.name))))


def _is_archive(name: str) -> bool:
    return _ARCHIVE.match(name) is not None or _NESTED.match(name) is not None


def _entry(stream: BinaryIO, info: zipfile.ZipInfo, end: int) -> Entry:
    """One entry of the directory, compared with what stands where it points to; `end` is where the entries do."""
    name, begin = info.filename, max(info.header_offset, 0)

    def bad(what: str) -> Entry:
        return Entry(name, begin, problem=f"{plain(name)[:200]} in the WACZ {what}")

    if _NESTED.match(name):
        return bad("is another WACZ: unpack it")
    if info.flag_bits & _ENCRYPTED:
        return bad("is encrypted")
    if info.compress_type != zipfile.ZIP_STORED:
        return bad("is compressed once more by the ZIP file, which WACZ does not allow: unpack it")
    if info.compress_size != info.file_size:
        return bad(f"is said to have {info.compress_size:,} bytes and {info.file_size:,}")
    stream.seek(begin)
    head = stream.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(MAGIC):
        return bad(f"is not where the directory says, at byte {begin:,}")
    _, of_name, of_extra = _LOCAL.unpack(head)
    written = stream.read(of_name)
    if (
        info.orig_filename.encode("utf-8") != written
        and info.orig_filename.encode("cp437", "replace") != written
    ):
        return bad(f"has another name at byte {begin:,}")
    data = begin + _LOCAL.size + of_name + of_extra
    if data + info.file_size > end:
        return bad(f"is said to have {info.file_size:,} bytes, but the file has {max(end - data, 0):,} there")
    return Entry(name, data, info.file_size)


def _apart(entries: list[Entry]) -> Iterator[Entry]:
    """The entries, of which none may lie over another: a small file could hold as much as one liked."""
    reached = 0
    for entry in entries:
        if entry.problem is None and entry.begin < reached:
            what = f"{plain(entry.name)[:200]} in the WACZ lies over the archive before it"
            yield Entry(entry.name, entry.begin, problem=what)
            continue
        if entry.problem is None:
            reached = entry.begin + entry.size
        yield entry


class Stretch(io.RawIOBase):
    """The bytes of a stream up to `end`, from where it is: an archive inside another file."""

    def __init__(self, stream: BinaryIO, end: int) -> None:
        self._stream = stream
        self._left = end - stream.tell()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


class _Guarded(io.RawIOBase):
    """A stream of which a directory is read that may say to be of any size; reading more than is sensible is an error."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_DIRECTORY:
            raise ValueError(f"its directory is said to have {size:,} bytes")
        return self._stream.read(size if size >= 0 else _MOST_DIRECTORY)
