"""What a record is for: a page, a file that a host keeps for programs, or what a crawler wrote about itself.

Only pages are texts to train on. A crawler's log can hold its user's command line, paths and passwords; robots.txt,
ads.txt and sitemaps are instructions to programs. Each is a row of the ledger with its own reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from provenance.records.rows import Row
from provenance.records.site_files import speaks_of_rights

#: Browsertrix and ArchiveWeb.page keep the text of a page under its address behind this.
_TEXT_OF = re.compile(r"urn:text(?:final)?:(?=[a-z][a-z0-9+.-]*:)", re.IGNORECASE)
#: Addresses that crawlers give what they write themselves: wget (metadata://gnu.org/…), wpull, crocoite and others
#: (urn:X-…), Browsertrix (urn:pageinfo, urn:view …), brozzler (screenshot:, thumbnail:, youtube-dl:), Heritrix (dns:,
#: whois:), Scoop (file:///provenance-summary.html).
_CRAWLER = re.compile(
    r"metadata:|urn:(?:x-|pageinfo:|view:|thumbnail:|fullpage|screenshot|behaviors?:|crawl|warcinfo|har:)"
    r"|(?:screenshot|thumbnail|youtube-dl|filedesc|warcinfo|whois):"
    r"|file:///(?:provenance-summary|video-extracted-[a-z]+|dom-snapshot|screenshot|pdf-snapshot)\.\w+\Z",
    re.IGNORECASE,
)
_LOOKUP = re.compile(r"dns:", re.IGNORECASE)
#: Files at the root of a host that programs fetch by their name, and what they are (RFC 9309; IAB ads.txt and
#: sellers.json; TDMRep; securitytxt.org; RFC 8615 for all below /.well-known/).
_AT_ROOT = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/?#]*/+(?:"
    r"(robots\.txt)|((?:app-)?ads\.txt|sellers\.json)|((?:ai|trust|security|tdmrep)\.(?:txt|json)|\.well-known/[^?#]*)"
    r")/*(?:[?#]|\Z)",
    re.IGNORECASE,
)
#: The same names deeper down, and sitemaps anywhere: programs' files unless a page is served there.
_ANYWHERE = re.compile(
    r"[^?#]*/(?:(robots\.txt)|((?:app-)?ads\.txt)|((?:[a-z0-9-]+[-_.])?sitemap[a-z0-9_.-]*\.(?:xml|txt)(?:\.gz)?))(?:[?#]|\Z)",
    re.IGNORECASE,
)
_ADDRESS_LINE = re.compile(rb"(?:https?://|ftp://)[^\s<>\"]+\Z", re.IGNORECASE)
_PAGES = ("text/html", "application/xhtml+xml")
#: What has one of these outcomes was fetched but is no page; its role is said in place of them.
_REPLACED = (None, "not_text", "empty")
#: Bytes of a plain text in which a list of addresses shows itself, and lines it has at least.
_LIST_BYTES, _LIST_LINES = 8192, 3


def with_roles(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, those that are no page's with the reason `bookkeeping` or `site_file`."""
    for row in rows:
        url = row.get("url")
        if url is not None and row.get("outcome") in _REPLACED:
            _assign(row, url)
        yield row


def _assign(row: Row, url: str) -> None:
    text_of = _TEXT_OF.match(url)
    if text_of:
        row["url"] = url[text_of.end() :]
        return
    if _CRAWLER.match(url) or (_LOOKUP.match(url) and row.get("outcome") is None):
        _close(row, "bookkeeping", f"{url[:200]} is what the crawler wrote about itself, not a page")
        return
    kind = _file_kind(row, url)
    if kind is not None:
        _close(row, "site_file", f"{kind}: written for programs, not a page")


def _file_kind(row: Row, url: str) -> str | None:
    """What a file for programs is, or None."""
    found = _AT_ROOT.match(url)
    if found:
        return (
            "robots.txt" if found[1] else "ads.txt" if found[2] else "a file that programs fetch by its name"
        )
    page = row.get("mime") in _PAGES
    if row.get("outcome") == "not_text" and not page and speaks_of_rights(url, row.get("body")):
        return "a licence document (RSL)"
    found = None if page else _ANYWHERE.match(url)
    if found:
        return "robots.txt" if found[1] else "ads.txt" if found[2] else "a sitemap"
    if page:
        return None
    content = row.get("body") or (row.get("text") or "")[:_LIST_BYTES].encode("utf-8", "replace")
    return "a list of addresses" if row.get("outcome") is None and _is_list(content[:_LIST_BYTES]) else None


def _is_list(head: bytes) -> bool:
    """Whether a plain text is nothing but addresses, one a line, as sitemaps in text form are."""
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    if len(head) == _LIST_BYTES and lines:
        lines.pop()  # it may be cut
    return len(lines) >= _LIST_LINES and all(map(_ADDRESS_LINE.match, lines))


def _close(row: Row, reason: str, detail: str) -> None:
    row["outcome"], row["detail"] = reason, detail
    # What a host says of its pages is read when they are annotated; a page that answers in its place says nothing.
    speaks = row.get("mime") not in _PAGES and speaks_of_rights(row.get("url"), row.get("body"))
    content = row.get("body") or (row.get("text") or "").encode("utf-8", "replace")
    row["body"], row["text"] = (content or None) if speaks else None, None
