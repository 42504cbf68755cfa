"""Where a document came from, read off its URL: the host and the registrable domain.

Work is done once per distinct host of a batch and remembered in a bounded cache; the
public suffix list is the one bundled with `publicsuffixlist`, so no network is touched.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from publicsuffixlist import PublicSuffixList

from provenance.annotators.columns import read_column

#: Authority of a URL (RFC 3986, 3.2) less userinfo and port. WARC 1.0 wrote target URIs in angle brackets.
_AUTHORITY = (
    r"^[\s<]*(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//"
    r"(?:[^/?#\\\s]*@)?"
    r"(?P<host>\[[^\]/?#\s]*\]|[^:/?#\\>\s]*)"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%\"`{}]")
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")  # the full stops that IDNA (RFC 3490, 3.1) reads as dots
_CACHED_HOSTS = 1 << 16
_LONGEST_HOST = 253  # RFC 1035, 2.3.4, without the trailing dot


@dataclass(frozen=True)
class Source:
    """Adds `host` (ASCII, lower case) and `domain` (registrable; null for addresses and bare suffixes)."""

    name: ClassVar[str] = "source"
    version: ClassVar[str] = "1"
    schema: ClassVar[pa.Schema] = pa.schema([("host", pa.string()), ("domain", pa.string())])

    def setup(self) -> None:
        """Load the public suffix list."""
        _suffixes()

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return `host` and `domain` for the `url` of each row."""
        return split_urls(read_column(batch, "url", pa.string()))


def split_urls(urls: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray]:
    """Return (host, domain) of each URL; null where the URL has no host that could exist in the DNS."""
    coded = _written_hosts(urls)
    pairs = [split_host(host) for host in coded.dictionary.to_pylist()]
    hosts = pa.array([host for host, _ in pairs], pa.string())
    domains = pa.array([domain for _, domain in pairs], pa.string())
    return hosts.take(coded.indices), domains.take(coded.indices)


def hosts_of(urls: pa.StringArray) -> pa.StringArray:
    """The first part of `split_urls`, which is had without the public suffix list."""
    coded = _written_hosts(urls)
    hosts = [normal_host(host) for host in coded.dictionary.to_pylist()]
    return pa.array(hosts, pa.string()).take(coded.indices)


def _written_hosts(urls: pa.StringArray) -> pa.DictionaryArray:
    return pc.struct_field(pc.extract_regex(urls, _AUTHORITY), "host").dictionary_encode()


@functools.lru_cache(maxsize=_CACHED_HOSTS)
def split_host(raw: str) -> tuple[str | None, str | None]:
    """Return the normal form of a host as written in a URL, and its registrable domain.

    Suffixes of the list's private part count (two projects on a shared host are two domains).
    """
    host = normal_host(raw)
    if host is None or host.startswith("[") or host.rpartition(".")[2].isdigit():
        return host, None
    return host, _suffixes().privatesuffix(host)


def normal_host(raw: str) -> str | None:
    """The normal form of a host as written in a URL; None where it cannot be one.

    That is lower-case ASCII: percent escapes undone, compatibility characters folded (NFKC), other labels in punycode,
    no trailing dot, addresses in their shortest form.
    """
    if raw.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(raw[1:-1]).compressed}]"
        except ValueError:
            return None
    host = _ascii(raw)
    if host is not None and host.rpartition(".")[2].isdigit():
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return None
    return host


def _ascii(raw: str) -> str | None:
    """Return `raw` in normal form, or None if it cannot be a host name."""
    if len(raw) > 4 * _LONGEST_HOST:
        return None
    host = unicodedata.normalize("NFKC", unquote(raw) if "%" in raw else raw).translate(_DOTS).lower()
    host = host.rstrip(".")
    if not host or _FORBIDDEN.search(host):
        return None
    labels = []
    for label in host.split("."):
        try:
            ascii_label = label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        except UnicodeError:
            return None
        if not 0 < len(ascii_label) <= 63:
            return None
        labels.append(ascii_label)
    host = ".".join(labels)
    return host if len(host) <= _LONGEST_HOST else None


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
