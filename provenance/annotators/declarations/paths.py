"""Which pages of a host a rule is about: patterns of paths in the syntax of robots.txt (RFC 9309, 2.2.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urljoin, urlsplit


def path_of(url: str) -> str:
    """Path and query of an address, as rules name them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def pattern_on(url: str, address: str | None) -> str | None:
    """The pattern that `address`, which may be relative to the file or page at `url`, is on the host of `url`; None on another.

    None as `address` is all that `url` stands for, an empty pattern. A leading `www.` is the same host.
    """
    if address is None or not url:
        return ""
    try:
        target = urlsplit(urljoin(url, address))
        if _host(target.netloc) != _host(urlsplit(url).netloc):
            return None
    except ValueError:
        return None
    return path_of(target.geturl())


def matches(pattern: str, path: str) -> bool:
    """Whether a path begins as a pattern says: `*` is any text, `$` at the end the end of the path."""
    return _compile(pattern).match(path) is not None


def _host(netloc: str) -> str:
    return netloc.lower().removeprefix("www.")


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    ends = pattern.endswith("$")
    parts = (pattern[:-1] if ends else pattern).split("*")
    return re.compile(".*".join(map(re.escape, parts)) + (r"\Z" if ends else ""), re.DOTALL)
