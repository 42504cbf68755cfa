"""Tags and attributes read straight off the bytes of a page, without building a tree.

For facts that sit in a few known places of a page: fixed-string search finds the places, bounded
patterns read them. Everything works on ASCII-compatible encodings and costs linear time.
"""

from __future__ import annotations

import html
import re

#: Bytes of a tag that are read.
LONGEST_TAG = 4_000

_ATTRIBUTE = re.compile(
    rb"([\w:.\-]{2,40})(?:\s{0,3}=\s{0,3}(?:\"([^\"]{0,2000})\"|'([^']{0,2000})'|([^\s\"'>]{1,500})))?"
)
_TAG_NAME = re.compile(rb"<([A-Za-z][A-Za-z0-9:-]{0,30})[\s/>]")


def tag_at(page: bytes, start: int) -> bytes:
    """Return the tag that begins at `start` up to its `>`; empty if none follows within `LONGEST_TAG`."""
    end = page.find(b">", start, start + LONGEST_TAG)
    return page[start : end + 1] if end > 0 else b""


def tag_around(page: bytes, at: int) -> tuple[int, bytes]:
    """Return (start, tag) of the tag whose attributes hold offset `at`; an empty tag if it is not in one."""
    start = page.rfind(b"<", max(0, at - LONGEST_TAG), at)
    tag = tag_at(page, start) if start >= 0 else b""
    return (start, tag) if start + len(tag) > at else (start, b"")


def tag_name(tag: bytes) -> bytes:
    """Return the lower-case name of `tag`; empty for anything that is not an opening tag."""
    match = _TAG_NAME.match(tag)
    return match[1].lower() if match else b""


def attributes(tag: bytes) -> dict[bytes, bytes]:
    """Return the attributes of `tag` by lower-case name, values as they stand; the first of a name wins."""
    found: dict[bytes, bytes] = {}
    for match in _ATTRIBUTE.finditer(tag, len(tag_name(tag)) + 1):
        found.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
    return found


def first_of(values: dict[bytes, bytes], *names: bytes) -> bytes:
    """Return the value of the first of the attributes `names` that is there and not empty; else empty."""
    return next((values[name] for name in names if values.get(name)), b"")


def words(raw: bytes) -> str:
    """Return an attribute's value as text: UTF-8 or else Latin-1, character references resolved."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return html.unescape(text).strip()
