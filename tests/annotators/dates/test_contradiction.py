"""A capture that its own record refutes proves nothing, and its claims are read without it."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from provenance.annotators.dates.claim import Claim, day_of_header
from provenance.annotators.dates.published import Document, read_dates
from provenance.annotators.page.search import search_page

CAPTURED = dt.datetime(2018, 12, 25, tzinfo=dt.UTC)


def dates(
    html: str = "", url: str = "", headers: str | None = None, stated: Claim | None = None
) -> tuple[str | None, str | None]:
    """The published day that is believed, and the doubt of the capture."""
    page = search_page(html.encode()) if html else None
    claim, doubt = read_dates(Document(url, CAPTURED, headers, page=page, stated=stated))
    return claim and claim.day.isoformat(), doubt


@pytest.mark.parametrize(
    "html",
    [
        "<meta property='article:published_time' content='2025-02-20'>",
        "<meta property='article:modified_time' content='2025-02-20'>",
        '<script type="application/ld+json">{"@type": "Article", "datePublished": "2025-02-20"}</script>',
        '<span itemprop="datePublished" content="2025-02-20">x</span>',
        '<meta name="date" content="2025-02-20"><time datetime="2025-02-20" class="published">x</time>',
    ],
)
def test_a_page_that_says_it_is_years_younger_refutes_its_capture(html: str) -> None:
    published, doubt = dates(html)
    assert published == "2025-02-20"
    assert doubt is not None and doubt.startswith("captured 2018-12-25, but ") and "2025-02-20" in doubt


@pytest.mark.parametrize("name", ["Date", "Last-Modified"])
def test_the_servers_clock_refutes_a_capture_and_is_not_a_proof(name: str) -> None:
    doubt = dates(headers=f"HTTP/1.1 200 OK\n{name}: Thu, 20 Feb 2025 08:00:00 GMT")[1]
    assert doubt == f"captured 2018-12-25, but HTTP {name} says 2025-02-20"


def test_the_inputs_own_claim_refutes_a_capture() -> None:
    stated = Claim(dt.date(2020, 5, 1), "field date")
    assert dates(stated=stated) == ("2020-05-01", "captured 2018-12-25, but field date says 2020-05-01")


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ("<meta property='article:published_time' content='2019-06-01'>", ""),  # within a year: slips and embargoes
        ("<meta property='article:published_time' content='2099-01-01'>", ""),  # nonsense itself
        ("<meta name='date' content='2025-02-20'>", ""),  # one claim of open meaning
        ("<p>The championship of 20 February 2025 will be held in May 2026.</p>", ""),
        ("<p>x</p>", "https://a.example/calendar/2025/02/20/"),
        ("<!-- <meta property='article:published_time' content='2025-02-20'> -->", ""),
    ],
)  # fmt: skip
def test_what_may_lie_in_the_future_refutes_nothing(html: str, url: str) -> None:
    assert dates(html, url)[1] is None


def test_an_earlier_claim_stands_beside_its_capture() -> None:
    assert dates("<meta property='article:published_time' content='2018-12-20'>") == ("2018-12-20", None)


@pytest.mark.parametrize("day", ["1994-11-06", "2000-02-29", "2037-12-31"])
def test_a_header_as_http_writes_it_is_the_day_that_mail_reads(day: str) -> None:
    moment = dt.datetime.fromisoformat(f"{day}T23:59:59+00:00")
    written = format_datetime(moment, usegmt=True)
    assert day_of_header(f" {written}\t") == parsedate_to_datetime(written).date() == moment.date()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("Wed, 31 Feb 2020 10:00:00 GMT", None),
        ("Wed, 01 Jan 2020 25:00:00 GMT", None),
        ("Wed, 1 Jan 2020 10:00:00 +0200", "2020-01-01"),
        ("Wednesday, 01-Jan-20 10:00:00 GMT", "2020-01-01"),
        ("nothing at all", None),
    ],
)
def test_other_headers_are_read_as_mail_or_not_at_all(written: str, day: str | None) -> None:
    assert str(day_of_header(written)) == str(day)
