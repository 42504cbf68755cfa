"""Names, attributes and values of tags, read off their bytes without building a tree.

Every pattern is bounded, so a tag costs time in proportion to its length. Bytes are UTF-8.
"""

from __future__ import annotations

import re

from provenance.annotators.references import resolve

_ATTRIBUTE = re.compile(
    rb"([\w:.\-]{2,40})(?:\s{0,3}=\s{0,3}(?:\"([^\"]{0,2000})\"|'([^']{0,2000})'|([^\s\"'>]{1,500})))?"
)
_TAG_NAME = re.compile(rb"<([A-Za-z][A-Za-z0-9:-]{0,30})[\s/>]")


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
    """Return an attribute's value as text, character references resolved."""
    return resolve(raw.decode("utf-8", "replace")).strip()
