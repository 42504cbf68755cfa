"""ARC headers (Internet Archive ARC, versions 1 and 2): one line before each record.

Field counts vary in real files, so a line is read from its address outwards and its length from the right.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ADDRESS = rb"(?:\d{1,3}(?:\.\d{1,3}){3}|None|-|[0-9a-fA-F:]{3,45})"
_LINE = rb"(?:[A-Za-z][A-Za-z0-9+.\-]{1,30}:[^\n]{0,8000}?)[ \t]" + _ADDRESS + rb"[ \t]"
_PARTS = re.compile(
    rb"(.*?)[ \t](?:\d{1,3}(?:\.\d{1,3}){3}|None|-|(?=[0-9a-fA-F]*:)[0-9a-fA-F:]{3,45})[ \t]+(\S+)[ \t]*(.*)\Z",
    re.DOTALL,
)
_SWAPPED = re.compile(rb"(.*)[ \t](\d{12,14})\Z", re.DOTALL)


class ArcHeader(NamedTuple):
    """The fields of a record line; `length` is None where it is no number >= 0."""

    url: bytes
    date: bytes
    mime: bytes
    length: int | None


class ArcDialect:
    """Record framing of ARC."""

    name = "ARC"
    start = re.compile(_LINE + rb"[^\n]{1,2000}\n")
    _anywhere = re.compile(rb"(?<![^\n])" + _LINE + rb"[0-9]{8,20}[ \t][^\n]{1,2000}\n")
    #: What stands behind the address of a record line; with its length at the end, so that no prose looks like it.
    _behind = re.compile(rb"[ \t]" + _ADDRESS + rb"[ \t][0-9]{14}[ \t][^\n]{1,2000}?[ \t][0-9]{1,18}\r?\n")
    _scheme = re.compile(rb"(?:https?|ftp|filedesc)://[!-~]{0,8000}\Z|dns:[!-~]{0,300}\Z")
    start_bytes = 12_000
    header_end = re.compile(rb"\r?\n")
    separator = re.compile(rb"\r?\n")

    def find(self, data: bytes, begin: int, end: int) -> int | None:
        """At the beginning of a line, or behind junk without a line end: there only with a web address."""
        line = self._anywhere.search(data, begin, end)
        behind = self._behind.search(data, begin, line.start() if line else end)
        while behind:
            floor = max(begin, behind.start() - 8000)
            address = self._scheme.search(data[floor : behind.start()])
            if address:
                return floor + address.start()
            behind = self._behind.search(data, behind.end(), line.start() if line else end)
        return line.start() if line else None

    def follows(self, data: bytes, at: int) -> bool:
        """A line that is cut out of a longer word is not where a record begins: the length before it is wrong."""
        return at == 0 or not data[at - 1 : at].isalnum() or data[at : at + 4] == b"http"

    def restart(self, header: bytes) -> int | None:
        return None  # one line

    def length(self, header: bytes) -> int | None:
        return arc_fields(header).length


def arc_fields(line: bytes) -> ArcHeader:
    """Split "URL IP date mime [result checksum location offset file] length"."""
    match = _PARTS.match(line)
    if match is None:
        return ArcHeader(line, b"", b"", None)
    url, date, rest = match.groups()
    fields = rest.split()
    length = int(fields[-1]) if fields and fields[-1].isdigit() and len(fields[-1]) < 19 else None
    version_2 = len(fields) >= 7 and re.fullmatch(rb"\d{3}|-|0", fields[-6]) is not None
    mime = b" ".join(fields[:-6] if version_2 else fields[:-1])
    swapped = _SWAPPED.match(url)
    if swapped and not date[:8].isdigit():  # the date stands before the address
        url, mime, date = swapped.group(1), b" ".join((date, mime)), swapped.group(2)
    if b"/" in date and re.match(
        rb"\d{8,}", fields[0] if fields else b""
    ):  # date and type in each other's place
        date, mime = fields[0], date
    return ArcHeader(url, date, mime, length)
