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
from provenance.annotators.dates.address import days_in_address, days_in_words
from provenance.annotators.dates.calendars import calendar_day
from provenance.annotators.dates.claim import Claim, day_of_header
from provenance.annotators.dates.contradiction import Machine, contradiction
from provenance.annotators.dates.data import in_head, in_pictures, in_scripts
from provenance.annotators.dates.order import Order, hours_east, order_of
from provenance.annotators.dates.readable import days_below, most_written
from provenance.annotators.dates.written import find_dates
from provenance.annotators.page.pages import Pages, batch_pages
from provenance.annotators.page.search import Page
from provenance.schema import TIME

#: No page is older than the first website.
FIRST_DAY = dt.date(1991, 8, 6)
LAST_DAY = dt.date(2100, 1, 1)
_DAY = dt.timedelta(days=1)
#: Bytes after a key in which its value is looked for, and keys that are looked at, to see whether data repeat a day.
_VALUE, _MOST_CONFIRMING = 48, 8

_CHANGE_IN_SCRIPT = re.compile(
    rb"(?i)datemodified\\?[\"']\s{0,4}:\s{0,4}\\?[\"']((?:19|20)\d\d)-(\d\d)-(\d\d)"
)
_LAST_MODIFIED = re.compile(r"^last-modified:[ \t]*([^\r\n]{10,40})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Dates:
    """Adds `published_time` (a day, as midnight UTC), `published_evidence` (what claims it) and `capture_doubt`.

    The last is null, or says in words why the record's capture cannot be true; the claim is then read without it.
    """

    name: ClassVar[str] = "dates"
    version: ClassVar[str] = "6"
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
    machine = Machine(document.page, order, document.url) if document.page else None
    if document.captured is not None:
        address = next(iter(days_in_address(document.url, order)), None)
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
    return _best(document, order, Machine(document.page, order, document.url) if document.page else None)


def _best(document: Document, order: Order, machine: Machine | None) -> Claim | None:
    captured = document.captured
    latest = captured.date() + _DAY if captured else LAST_DAY
    claims = (claim for claim in _claims(document, order, machine) if FIRST_DAY <= claim.day <= latest)
    best = next(claims, None)
    if best is None:
        return None
    if machine:
        best = _outvoted(best, document, machine, latest) or best
        best = _shown_later(best, machine, latest) or best
    return best if best.utc_hour is None or machine is None else _local(best, machine)


def _outvoted(best: Claim, document: Document, machine: Machine, latest: dt.date) -> Claim | None:
    """What is believed instead of a day that only one kind of place states, where three others agree on another day."""
    page, order = machine.page, machine.order
    places, written = page.places[b"datepublished"], f"{best.day}".encode()
    if not places or any(written in page.content[at : at + _VALUE] for at in places[:_MOST_CONFIRMING]):
        return None  # without taking a script apart
    kinds: list[Iterable[Claim]] = [
        chain(days_in_address(document.url, order), [document.stated] if document.stated else []),
        chain(machine.metas.published, machine.metas.dated),
        machine.scripts.published,
        machine.microdata,
        machine.times.published,
    ]
    first = [claim for claim in (_first(kind, latest) for kind in kinds) if claim]
    days = Counter(claim.day for claim in first)
    if days[best.day] > 1 or len(days) < 2:
        return None  # nothing that a person reads could turn it
    read = _first(machine.near, latest)
    if read:
        days[read.day] += 2 if days[read.day] else 0
    day, count = days.most_common(1)[0]
    return next(claim for claim in first if claim.day == day) if count > 2 and days[best.day] < 2 else None


def _shown_later(best: Claim, machine: Machine, latest: dt.date) -> Claim | None:
    """The day that readers are shown at the headline, where machines are told that it is that of a later text.

    A text is no older than its last change: of 300 pages 6 did so, and people took the day that they saw on each.
    """
    if best.evidence == "visible text":
        return None
    later = {day for day in _days_of_change(machine) if best.day < day <= latest}
    if not later or later.isdisjoint(days_below(machine.page, machine.order, machine.headline)):
        return None  # most pages, without weighing their days
    shown = _first(machine.near, latest)
    return shown if shown and shown.day in later else None


def _days_of_change(machine: Machine) -> Iterator[dt.date]:
    """Days of modification in `<meta>`, and in scripts without taking them apart."""
    yield from (claim.day for claim in machine.metas.modified)
    page = machine.page
    for at in page.places[b"datemodified"][:_MOST_CONFIRMING]:
        match = _CHANGE_IN_SCRIPT.match(page.content, at)
        day = match and calendar_day(int(match[1]), int(match[2]), int(match[3]))
        if day:
            yield day


def _first(claims: Iterable[Claim], latest: dt.date) -> Claim | None:
    return next((claim for claim in claims if FIRST_DAY <= claim.day <= latest), None)


def _local(best: Claim, machine: Machine) -> Claim:
    """The claim on the day that it had where it was written: east of UTC a day later, west of it a day earlier.

    It is moved to what the page states elsewhere, or else where it was another day in all places of the page's language.
    """
    hour, (least, most) = best.utc_hour or 0, hours_east(machine.page)
    later, earlier = hour + most >= 24, hour + least < 0
    if not later and not earlier:
        return best
    stated = chain(
        machine.metas.published, machine.scripts.published, machine.microdata, machine.times.published
    )
    local = [claim.day for claim in stated if claim.utc_hour is None]
    if best.day in local:
        return best
    possible = [best.day + _DAY] * later + [best.day - _DAY] * earlier
    elsewhere = [*(claim.day for claim in machine.near[:1]), *local]
    if elsewhere:
        return best._replace(day=elsewhere[0], utc_hour=None) if elsewhere[0] in possible else best
    return best._replace(day=possible[0], utc_hour=None) if hour + least >= 24 else best


def _claims(document: Document, order: Order, machine: Machine | None) -> Iterator[Claim]:
    # The publisher's own day, where machine-readable times are often in UTC.
    yield from days_in_address(document.url, order)
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


def _page_claims(machine: Machine) -> Iterator[Claim]:
    page, order = machine.page, machine.order
    yield from machine.metas.published
    yield from chain(machine.scripts.published, machine.microdata, machine.address)
    yield from machine.scripts.dated
    yield from chain(machine.times.published, machine.near, machine.metas.dated)
    yield from chain(machine.times.dated, in_scripts(page, order))
    yield from chain(machine.metas.modified, machine.scripts.modified, machine.times.modified)
    yield from chain(in_head(page, order), days_in_words(machine.url, order))
    yield from chain(most_written(page, order, machine.headline), in_pictures(page, machine.headline))


def _last_modified(value: str, captured: dt.datetime) -> Iterator[Claim]:
    """The header's day, unless it only repeats the time of the answer (pages made on request)."""
    modified = day_of_header(value)
    if modified and modified < captured.date() - _DAY:
        yield Claim(modified, "last-modified")
