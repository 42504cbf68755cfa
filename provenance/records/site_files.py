"""Which records are files in which a host says how its pages may be used: their bytes are kept whatever their type is."""

from __future__ import annotations

import re

#: Their addresses, as a regular expression that Arrow reads too: at the root of a host, RSL documents anywhere.
ADDRESSES = r"(?i)^https?://[^/?#]+/+(?:robots\.txt|ai\.txt|\.well-known/(?:ai\.txt|tdmrep\.json)|(?:[^?#]*/)?(?:rsl|license)[^/?#]*\.xml)(?:[?#]|$)"
_ADDRESS = re.compile(ADDRESSES)


def speaks_of_rights(url: str | None) -> bool:
    """Whether an address is that of robots.txt, ai.txt, tdmrep.json or an RSL document."""
    return url is not None and _ADDRESS.match(url) is not None
