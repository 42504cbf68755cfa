"""Which records are files in which a host says how its pages may be used: their bytes are kept whatever their type is."""

from __future__ import annotations

import re

#: Their addresses, as a regular expression that Arrow reads too: at the root of a host, RSL documents anywhere.
ADDRESSES = r"(?i)^https?://[^/?#]+/+(?:robots\.txt|ai\.txt|\.well-known/(?:ai\.txt|tdmrep\.json)|(?:[^?#]*/)?(?:rsl|license)[^/?#]*\.xml)(?:[?#]|$)"
_ADDRESS = re.compile(ADDRESSES)


#: How an RSL document begins, whatever its address: robots.txt and pages name it by any.
_RSL = re.compile(rb"<(?:[A-Za-z][\w.-]{0,30}:)?rsl\b[^>]{0,500}rslstandard\.org", re.IGNORECASE)
_HEAD_BYTES = 2048


def speaks_of_rights(url: str | None, body: bytes | None = None) -> bool:
    """Whether a record is robots.txt, ai.txt, tdmrep.json or an RSL document, by its address or how its body begins."""
    named = url is not None and _ADDRESS.match(url) is not None
    return named or (body is not None and _RSL.search(body[:_HEAD_BYTES]) is not None)
