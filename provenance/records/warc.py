"""WARC headers (ISO 28500, versions 0.18 to 1.1): where records start and what their fields say.

Tolerant of what real writers produce: LF line ends, folded lines, brackets round URLs, missing fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_FOLD = re.compile(rb"\r?\n[ \t]+")
#: Headers whose fields are kept: framing is a record ahead of the rows (`frame.measured`), and reads that one's length.
_KEPT = 4
#: Names of fields that are remembered: writers have a dozen.
_NAMES = 256


class WarcDialect:
    """Record framing of WARC."""

    name = "WARC"
    start = re.compile(rb"WARC/\d+\.\d+[ \t\r]*\n")
    _anywhere = re.compile(rb"WARC/\d+\.\d+[ \t\r]*\n(?=(?i:WARC-|Content-)[A-Za-z-]{2,60}[ \t]*:)")
    start_bytes = 128
    header_end = re.compile(rb"\n\r*\n")  # no leading \r*: a long run of them would cost its square
    separator = re.compile(rb"\r*\n\r*\n")

    def find(self, data: bytes, begin: int, end: int) -> int | None:
        found = self._anywhere.search(data, begin, end)
        return found.start() if found else None

    def follows(self, data: bytes, at: int) -> bool:
        return True  # nothing that can stand before "WARC/" belongs to it

    def restart(self, header: bytes) -> int | None:
        return self.find(header, 1, len(header))

    def length(self, header: bytes) -> int | None:
        value = warc_fields(header).get(b"content-length", b"")
        return int(value) if value.isdigit() and len(value) < 19 else None


@lru_cache(_KEPT)
def warc_fields(header: bytes) -> Mapping[bytes, bytes]:
    """Field name in lower case -> value; the first of several counts. `header` includes the version line.

    Framing and the row both ask for the fields of the same header: the last answers are kept, for reading only.
    """
    if b"\n " in header or b"\n\t" in header:
        header = _FOLD.sub(b" ", header)
    fields: dict[bytes, bytes] = {}
    for line in header.split(b"\n")[:0:-1]:  # from the last one on, without that of the version
        name, colon, value = line.partition(b":")
        if colon:
            fields[_plain(name)] = value.strip()
    return fields


@lru_cache(_NAMES)
def _plain(name: bytes) -> bytes:
    """A name as it is compared."""
    return name.strip().lower()


def target_uri(value: bytes | None) -> str | None:
    """WARC-Target-URI as text, without the angle brackets that some writers add; None where empty."""
    if not value:
        return None
    if value[:1] == b"<" and value[-1:] == b">":
        value = value[1:-1]
    return as_text(value) or None


def as_text(value: bytes) -> str:
    """Header bytes as text: UTF-8, or Latin-1 where they are not."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def part_of(block: bytes) -> str | None:
    """What a warcinfo block says the file belongs to (`isPartOf`)."""
    found = re.search(rb"(?im)^[ \t]*isPartOf[ \t]*:[ \t]*([^\r\n]+)", block[:65536])
    return as_text(found.group(1).strip()) or None if found else None
