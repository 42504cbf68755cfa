"""When a page says it was published: the most reliable claim that its capture does not refute.

Claims only; what proves a date is a capture. Each published time names its evidence. The order of belief was set on
half of the sites of 597 dated pages and measured on the other half.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, NamedTuple

import pyarrow as pa

from provenance.annotators.columns import read_column
from provenance.annotators.dates.claim import Claim, day_of_header
from provenance.annotators.dates.contradiction import Machine, contradiction
from provenance.annotators.dates.order import Order, order_of
from provenance.annotators.dates.readable import in_data, most_written, near_headline
from provenance.annotators.dates.written import MONTHS, calendar_day, find_dates
from provenance.annotators.page.pages import Pages, batch_pages
from provenance.annotators.page.search import Page
from provenance.schema import TIME

#: No page is older than the first website.
FIRST_DAY = dt.date(1991, 8, 6)
LAST_DAY = dt.date(2100, 1, 1)
_DAY = dt.timedelta(days=1)
#: Bytes after a key in which its value is looked for, and keys that are looked at, to see whether data repeat a day.
_VALUE, _MOST_CONFIRMING = 48, 8

_URL_DAY = re.compile(
    r"[/_.=-]((?:19|20)\d\d)([-/_.]?)([01]?\d|[a-z]{3})\2([0-3]\d(?!\d)|\d(?=/|$))", re.IGNORECASE
)
_URL_YEAR_LAST = re.compile(r"[/_.=-](\d\d)([-_./])(\d\d)\2((?:19|20)\d\d)(?!\d)")
_LAST_MODIFIED = re.compile(r"^last-modified:[ \t]*([^\r\n]{10,40})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Dates:
    """Adds `published_time` (a day, as midnight UTC), `published_evidence` (what claims it) and `capture_doubt`.

    The last is null, or says in words why the record's capture cannot be true; the claim is then read without it.
    """

    name: ClassVar[str] = "dates"
    version: ClassVar[str] = "5"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("published_time", TIME), ("published_evidence", pa.string()), ("capture_doubt", pa.string())]
    )

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the best claim of each row, from `url`, `body`, `charset`, `text`, `http_headers` and `capture_time`."""
        return self.read(batch, batch_pages(batch))

    def read(self, batch: pa.RecordBatch, pages: Pages) -> Sequence[pa.Array]:
        """Return the best claim of each row, whose page is in `pages`."""
        urls = read_column(batch, "url", pa.string()).to_pylist()
        captures = read_column(batch, "capture_time", TIME).to_pylist()
        headers = read_column(batch, "http_headers", pa.string()).to_pylist()
        texts = read_column(batch, "text", pa.large_string())
        stated = read_column(batch, "claimed_time", TIME).to_pylist()
        fields = read_column(batch, "claimed_by", pa.string()).to_pylist()
        found = [
            read_dates(
                Document(
                    url or "",
                    captured,
                    headers[row],
                    page=pages[row],
                    text=None if pages[row] else texts[row].as_py(),
                    stated=Claim(stated[row].date(), fields[row]) if stated[row] else None,
                )
            )
            for row, (url, captured) in enumerate(zip(urls, captures, strict=True))
        ]
        claims, doubts = [claim for claim, _ in found], [doubt for _, doubt in found]
        days = [claim and dt.datetime.combine(claim.day, dt.time(), dt.UTC) for claim in claims]
        evidence = pa.array([claim and claim.evidence for claim in claims], pa.string())
        return pa.array(days, TIME), evidence, pa.array(doubts, pa.string())


class Document(NamedTuple):
    """Where a claim can stand: the address, the answer's headers, the page, the text, and what the input gives beside it."""

    url: str = ""
    captured: dt.datetime | None = None
    headers: str | None = None
    page: Page | None = None
    text: str | None = None
    stated: Claim | None = None


def read_dates(document: Document) -> tuple[Claim | None, str | None]:
    """The claim that is believed, and why the capture is not, where the record's own claims refute it."""
    order = order_of(document.url, document.page)
    machine = Machine(document.page, order) if document.page else None
    if document.captured is not None:
        address = next(_in_address(document.url, order), None)
        claim = contradiction(document.captured, document.headers, document.stated, machine, address)
        if claim is not None:
            doubt = f"captured {document.captured:%Y-%m-%d}, but {claim.evidence} says {claim.day:%Y-%m-%d}"
            return _best(document._replace(captured=None), order, machine), doubt
    return _best(document, order, machine), None


def find_published(document: Document) -> Claim | None:
    """Return the first claim that can be true, in order of reliability, or None.

    A day before the web or more than one day after the capture (time zones) is not believed. A time in UTC is moved
    to the day that the page itself writes for it, where that is the next or the one before.
    """
    order = order_of(document.url, document.page)
    return _best(document, order, Machine(document.page, order) if document.page else None)


def _best(document: Document, order: Order, machine: Machine | None) -> Claim | None:
    captured = document.captured
    latest = captured.date() + _DAY if captured else LAST_DAY
    claims = (claim for claim in _claims(document, order, machine) if FIRST_DAY <= claim.day <= latest)
    best = next(claims, None)
    if best is None:
        return None
    if machine:
        best = _outvoted(best, document, machine, latest) or best
    return best if best.utc_hour is None else _local(best, claims)


def _outvoted(best: Claim, document: Document, machine: Machine, latest: dt.date) -> Claim | None:
    """What is believed instead of a day that only one kind of place states, where three others agree on another day."""
    page, order = machine.page, machine.order
    places, written = page.places[b"datepublished"], f"{best.day}".encode()
    if not places or any(written in page.content[at : at + _VALUE] for at in places[:_MOST_CONFIRMING]):
        return None  # without taking a script apart
    kinds: list[Iterable[Claim]] = [
        chain(_in_address(document.url, order), [document.stated] if document.stated else []),
        chain(machine.metas.published, machine.metas.dated),
        machine.scripts.published,
        machine.microdata,
        machine.times.published,
    ]
    first = [claim for claim in (_first(kind, latest) for kind in kinds) if claim]
    days = Counter(claim.day for claim in first)
    if days[best.day] > 1 or not any(count > 1 for day, count in days.items() if day != best.day):
        return None  # nothing that a person reads could turn it
    read = _first(near_headline(page, order), latest)
    if read:
        first.append(read)
        days[read.day] += 1
    day, count = days.most_common(1)[0]
    return next(claim for claim in first if claim.day == day) if count > 2 and days[best.day] < 2 else None


def _first(claims: Iterable[Claim], latest: dt.date) -> Claim | None:
    return next((claim for claim in claims if FIRST_DAY <= claim.day <= latest), None)


def _local(best: Claim, others: Iterator[Claim]) -> Claim:
    """The claim on the day that it had where it was written: east of UTC a day later, west of it a day earlier."""
    possible = {best.day + _DAY} if (best.utc_hour or 0) >= 10 else set()
    possible |= {best.day - _DAY} if (best.utc_hour or 0) <= 12 else set()
    for other in others:
        if other.utc_hour is None and other.evidence != "visible text" and other.day == best.day:
            return best
        if other.evidence == "visible text" or other.utc_hour is None:
            return best._replace(day=other.day, utc_hour=None) if other.day in possible else best
    return best


def _claims(document: Document, order: Order, machine: Machine | None) -> Iterator[Claim]:
    # The publisher's own day, where machine-readable times are often in UTC.
    yield from _in_address(document.url, order)
    if document.stated:
        yield document.stated
    if machine:
        yield from _page_claims(machine)
    elif document.text:
        for part in (document.text[:1500], document.text[-600:]):
            yield from (Claim(day, "visible text") for day, _ in find_dates(part, order))
    modified = _LAST_MODIFIED.search(document.headers) if document.headers else None
    if modified and document.captured:
        yield from _last_modified(modified[1], document.captured)


def _in_address(url: str, order: Order) -> Iterator[Claim]:
    in_url = _url_day(url)
    if in_url:
        yield Claim(in_url, "url path")
    year_last = _url_year_last(url, order)
    if year_last:
        yield Claim(year_last, "url path")


def _page_claims(machine: Machine) -> Iterator[Claim]:
    page, order = machine.page, machine.order
    yield from machine.metas.published
    yield from chain(machine.scripts.published, machine.microdata, machine.scripts.dated, machine.metas.dated)
    yield from chain(machine.times.published, near_headline(page, order), machine.times.dated)
    yield from chain(machine.metas.modified, machine.scripts.modified, machine.times.modified)
    yield from in_data(page, order)
    yield from most_written(page, order)


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


def _url_year_last(url: str, order: Order) -> dt.date | None:
    """Return the day in the path of `url` that ends in its year: 29-10-2021."""
    for match in _URL_YEAR_LAST.finditer(url[:2000].partition("?")[0]):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        month_first = second > 12 or (order == "month" and first <= 12)
        day = calendar_day(year, first, second) if month_first else calendar_day(year, second, first)
        if day:
            return day
    return None


def _last_modified(value: str, captured: dt.datetime) -> Iterator[Claim]:
    """The header's day, unless it only repeats the time of the answer (pages made on request)."""
    modified = day_of_header(value)
    if modified and modified < captured.date() - _DAY:
        yield Claim(modified, "last-modified")
