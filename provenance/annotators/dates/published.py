"""When a page says it was published: the most reliable claim that its capture does not refute.

Claims only; what proves a date is a capture. Each published time names its evidence, and
scanning is bounded: fixed-string searches over the first part of the page, and bounded windows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import ClassVar, NamedTuple

import pyarrow as pa

from provenance.annotators.columns import read_column
from provenance.annotators.dates.written import MONTHS, calendar_day, find_dates
from provenance.annotators.page.markup import attributes, first_of, tag_at
from provenance.annotators.page.search import Page, Pages
from provenance.schema import TIME

Claim = tuple[dt.date, str]

#: No page is older than the first website.
FIRST_DAY = dt.date(1991, 8, 6)
LAST_DAY = dt.date(2100, 1, 1)
_SEARCHED = 100_000  # bytes read for a date in words when nothing else is found

_ISO = re.compile(rb"[\s\"'\\]{0,4}((?:19|20)\d\d)[-/.]?(\d\d?)[-/.]?(\d\d?)(?!\d)")
_JSON_VALUE = re.compile(rb"\\?[\"']\s{0,9}:\s{0,9}\\?[\"'](.{4,40})")
_URL_DAY = re.compile(
    r"[/_.=-]((?:19|20)\d\d)([-/_.]?)([01]?\d|[a-z]{3})\2([0-3]\d(?!\d)|\d(?=/|$))", re.IGNORECASE
)
_TAG = re.compile(
    r"<(?:script|style)\b.{0,4000}?</(?:script|style)|<[^>]{0,2000}>|<!--.{0,2000}?-->",
    re.DOTALL | re.IGNORECASE,
)
_LAST_MODIFIED = re.compile(r"^last-modified:[ \t]*([^\r\n]{10,40})", re.IGNORECASE | re.MULTILINE)
_DATED_CLASS = re.compile(
    rb"=[\"'](?:(?<=class=.)|(?<=id=.))[^\"'>]{0,60}(?:date|datum|publish|posted|time|fecha|byline|dato)[^\"'>]{0,60}[\"'][^>]{0,300}>"
)
_LANG = re.compile(rb"<html[^>]{0,300}?\blang=[\"']?([A-Za-z-]{2,10})", re.IGNORECASE)

#: Names of `<meta>` elements, by what they claim. Compared in lower case, the prefix "og:" dropped.
_PUBLISHED_META = frozenset(
    "article:published_time article:published article:published_date article:publish_date article:post_date article:create_time "
    "article_date_original published_time published-date published_date publisheddate publishdate publish-date publish_date "
    "publication_date publication-date publicationdate publishtime publish_time pubdate pub_date pub-date pubtime "
    "parsely-pub-date sailthru.date cxenseparse:recs:publishtime cxenseparse:publishtime shareaholic:article_published_time "
    "dc.date.issued dcterms.issued dc.issued dcterms.created dc.created dc.date.created dcterms.available "
    "citation_publication_date citation_online_date bepress_citation_date prism.publicationdate rnews:datepublished "
    "datepublished originalpublicationdate bt:pubdate sw-pubdate created createdate date_published video:release_date "
    "release_date article.published article.created content_publisheddate firstpublished".split()
)
_DATED_META = frozenset(
    "date dc.date dc:date dcterms.date datecreated uploaddate creation_date analyticsattributes.articledate".split()
)
_MODIFIED_META = frozenset(
    "article:modified_time article:modified article:modified_date article:updated_time updated_time datemodified dcterms.modified "
    "dc.date.modified last-modified lastmod modified_time moddate bt:moddate".split()
)


@dataclass(frozen=True)
class Dates:
    """Adds `published_time` (a day, as midnight UTC) and `published_evidence` (what claims it)."""

    name: ClassVar[str] = "dates"
    version: ClassVar[str] = "2"
    schema: ClassVar[pa.Schema] = pa.schema([("published_time", TIME), ("published_evidence", pa.string())])

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the best claim of each row, from `url`, `body`, `text`, `http_headers` and `capture_time`."""
        return self.read(batch, Pages(read_column(batch, "body", pa.large_binary())))

    def read(self, batch: pa.RecordBatch, pages: Pages) -> Sequence[pa.Array]:
        """Return the best claim of each row, whose page is in `pages`."""
        urls = read_column(batch, "url", pa.string()).to_pylist()
        captures = read_column(batch, "capture_time", TIME).to_pylist()
        headers = read_column(batch, "http_headers", pa.string()).to_pylist()
        texts = read_column(batch, "text", pa.large_string())
        claims = [
            find_published(
                Document(url or "", captured, headers[row], page=pages[row], text=texts[row].as_py())
            )
            for row, (url, captured) in enumerate(zip(urls, captures, strict=True))
        ]
        days = [claim and dt.datetime.combine(claim[0], dt.time(), dt.UTC) for claim in claims]
        return pa.array(days, TIME), pa.array([claim and claim[1] for claim in claims], pa.string())


class Document(NamedTuple):
    """Where a claim can stand: the address, the answer's headers, the page, and the text that was extracted."""

    url: str = ""
    captured: dt.datetime | None = None
    headers: str | None = None
    page: Page | None = None
    text: str | None = None


def find_published(document: Document) -> Claim | None:
    """Return (day, evidence) of the first claim that can be true, in order of reliability, or None.

    A day before the web or more than one day after the capture (time zones) is not believed.
    """
    captured = document.captured
    latest = captured.date() + dt.timedelta(days=1) if captured else LAST_DAY
    return next((claim for claim in _claims(document) if FIRST_DAY <= claim[0] <= latest), None)


def _claims(document: Document) -> Iterator[Claim]:
    in_url = _url_day(document.url)
    if in_url:  # the publisher's own day, where machine-readable times are often in UTC
        yield in_url, "url path"
    if document.page:
        yield from _page_claims(document.page, document.url)
    elif document.text:
        month_first = _month_first(document.url, b"")
        for part in (document.text[:1500], document.text[-600:]):
            yield from ((day, "visible text") for day, _ in find_dates(part, month_first))
    modified = _LAST_MODIFIED.search(document.headers) if document.headers else None
    if modified and document.captured:
        yield from _last_modified(modified[1], document.captured)


def _page_claims(page: Page, url: str) -> Iterator[Claim]:
    places = page.places
    published, modified_at = places[b"datepublished"], places[b"datemodified"]
    published_meta, dated_meta, modified_meta = _meta_dates(page.content, places[b"<meta"])
    yield from published_meta
    yield from _json_dates(page.content, b"datePublished", published)
    yield from _microdata(page.content, published)
    yield from dated_meta
    yield from _time_elements(page.content, places[b"<time"])
    month_first = _month_first(url, page.content)
    yield from _near_headline(page.content, month_first)
    yield from modified_meta
    yield from _json_dates(page.content, b"dateModified", modified_at)
    yield from _most_written(page.content, month_first)


def _day_in(raw: bytes) -> dt.date | None:
    """Return the day that a machine-readable value starts with, or else spells out."""
    match = _ISO.match(raw)
    if match:
        return calendar_day(int(match[1]), int(match[2]), int(match[3]))
    return next((day for day, _ in find_dates(raw.decode("utf-8", "replace"), True)), None)


def _json_dates(page: bytes, key: bytes, places: list[int]) -> Iterator[Claim]:
    for at in places:
        if not page.startswith(key, at):  # the search ignores case, JSON-LD does not
            continue
        match = _JSON_VALUE.match(page, at + len(key))
        day = _day_in(match[1]) if match else None
        if day:
            yield day, f"json-ld {key.decode()}"


def _microdata(page: bytes, places: list[int]) -> Iterator[Claim]:
    """Dates of elements with itemprop (or RDFa property) datePublished, in an attribute or in their text."""
    for at in places:
        start = page.rfind(b"<", max(0, at - 300), at)
        tag = tag_at(page, start) if start >= 0 else b""
        if not tag or start + len(tag) <= at:
            continue
        values = attributes(tag)
        if b"datePublished" not in values.get(b"itemprop", b"") + values.get(b"property", b""):
            continue
        inner = page[start + len(tag) : start + len(tag) + 80].partition(b"<")[0]
        day = _day_in(values.get(b"content") or values.get(b"datetime") or inner)
        if day:
            yield day, "itemprop datePublished"


def _meta_dates(page: bytes, places: list[int]) -> list[list[Claim]]:
    """Return the dates of `<meta>` elements: [published, dated, modified], each in page order."""
    found: list[list[Claim]] = [[], [], []]
    for at in places:
        tag = tag_at(page, at)
        if b"20" not in tag and b"19" not in tag:
            continue
        values = attributes(tag)
        name = first_of(values, b"property", b"name", b"itemprop", b"http-equiv")
        label = name.decode("latin-1").lower()
        bare = label.removeprefix("og:")
        kind = (
            0
            if bare in _PUBLISHED_META
            else 1
            if bare in _DATED_META
            else 2
            if bare in _MODIFIED_META
            else -1
        )
        day = _day_in(values.get(b"content", b"")) if kind >= 0 else None
        if day:
            found[kind].append((day, f"meta {label}"))
    return found


def _time_elements(page: bytes, places: list[int]) -> Iterator[Claim]:
    """Dates of `<time datetime>`: those marked as publication first, then in page order."""
    marked: list[Claim] = []
    plain: list[Claim] = []
    for at in places:
        tag = tag_at(page, at)
        value = attributes(tag).get(b"datetime")
        day = _day_in(value) if value else None
        if day:
            good = b"ubli" in tag or b"pubdate" in tag or b"entry-date" in tag
            (marked if good and b"updated" not in tag else plain).append((day, "time[datetime]"))
    yield from marked
    yield from plain


def _url_day(url: str) -> dt.date | None:
    """Return the day in the path of `url`: /2020/05/12/, 2020-05-12, 20200512 or /2020/may/12."""
    for match in _URL_DAY.finditer(url[:2000].partition("?")[0]):
        month = match[3]
        if not month.isdigit() and not match[2]:
            continue
        number = int(month) if month.isdigit() else MONTHS.get(month.lower(), 0)
        if not match[2] and (len(month) < 2 or len(match[4]) < 2):
            continue
        day = calendar_day(int(match[1]), number, int(match[4]))
        if day:
            return day
    return None


def _near_headline(page: bytes, month_first: bool) -> Iterator[Claim]:
    """Dates people can read: in an element named for them, then around the first headline, then anywhere near."""
    for count, match in enumerate(_DATED_CLASS.finditer(page)):
        if count > 40:
            break
        for day, _ in find_dates(_plain(page[match.end() : match.end() + 200]), month_first):
            yield day, "visible text"
    headline = page.find(b"<h1")
    start = max(0, headline if headline >= 0 else page.find(b"<body"))
    for day, _ in find_dates(_plain(page[start : start + 8_000]), month_first):
        yield day, "visible text"
    for day, _ in find_dates(_plain(page[max(0, start - 4_000) : start]), month_first):
        yield day, "visible text"


def _most_written(page: bytes, month_first: bool) -> Iterator[Claim]:
    """Days written anywhere in the page, most frequent first: the last resort."""
    start = max(0, page.find(b"<body"))
    days = Counter(day for day, _ in find_dates(_plain(page[start : start + _SEARCHED]), month_first))
    for day, _ in days.most_common(20):
        yield day, "visible text"


def _plain(part: bytes) -> str:
    return _TAG.sub(
        " ", part.decode("utf-8", "replace") if b"\xc3" in part or part.isascii() else part.decode("latin-1")
    )


def _month_first(url: str, page: bytes) -> bool:
    """Say whether 3/4/2020 means March 4: pages in US English, or in English on a host of no country."""
    match = _LANG.search(page, 0, 4_000)
    language = match[1].decode("ascii").lower() if match else ""
    if language.startswith("en-"):
        return language in ("en-us", "en-ph", "en-ca")
    host = re.match(r"[a-z]+://[^/:?#]*?([a-z]+)(?=[:/?#]|$)", url[:300].lower())
    return (
        language in ("en", "") and host is not None and host[1] in ("com", "org", "net", "edu", "gov", "us")
    )


def _last_modified(value: str, captured: dt.datetime) -> Iterator[Claim]:
    """The header's day, unless it only repeats the time of the answer (pages made on request)."""
    try:
        modified = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, IndexError):
        return
    if modified.date() < captured.date() - dt.timedelta(days=1):
        yield modified.date(), "last-modified"
