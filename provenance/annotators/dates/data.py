"""Days in data of a page that are no vocabulary's: keys of scripts, the description, the title, pictures.

They are read where nothing better dates the page, as where a program writes the page in the reader's browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from provenance.annotators.dates.calendars import calendar_day
from provenance.annotators.dates.claim import Claim, read_value
from provenance.annotators.dates.headline import read_title
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.written import find_dates
from provenance.annotators.page.markup import attributes, first_of, words
from provenance.annotators.page.search import Page
from provenance.annotators.page.strings import Compiled, compile_strings

#: Places of such keys that are looked at, bytes before and after one in which the key begins and its value ends.
_MOST_KEYS, _BEFORE, _AFTER = 40, 24, 100
#: What keys of a day of publication hold, in lower case, and (read last) the key that says no more than that it is a day.
_KEYS = compile_strings(
    (b"publi", b"firstpub", b"pubdate", b"pub_date", b"pub-date", b"posted", b"postdate", b"post_date", b"create", b"creation",
     b"issued", b"release", b"articledate", b"article_date", b"displaydate", b"display_date", b"uploaddate",
     b"upload_date", b"date_gmt", b"datetext", b"regdate")
)  # fmt: skip
_DATE_KEY = compile_strings((b'"date"', b'"date\\"', b"date:"))
_KEY_VALUE = re.compile(
    rb"([A-Za-z][\w-]{2,40})[\\\"']{0,4}\s{0,4}[:=]\s{0,4}(?:\{\"simpleText\":\s?|new Date\()?"
    rb"(?:[\\\"']{1,4}([^\"'\\]{6,40})|(1[0-9]{9}(?:[0-9]{3})?)(?![\w.]))"
)
_OF_PUBLICATION = re.compile(
    r"(?i)publi(?:sh|cation)|first_?pub|pub[_-]?date|posted|post[_-]?date|create|creation|issued|release|article[_-]?date|display[_-]?date|"
    r"upload[_-]?date|date[_-]?gmt|datetext|reg[_-]?date"
)
_OF_ANOTHER_DAY = re.compile(
    r"(?i)updat|modif|last|expir|unpubl|publisher|until|end|event|user|account|cookie"
)
#: A picture filed under its day, and the bytes after the headline in which pictures are the page's own.
_PICTURE = re.compile(
    rb"<(?:img|IMG|meta|META)\s(?:[^>]{0,400}?\s)?(?:src|content)=[\"']?[^\"'<> ]{0,300}?/((?:19|20)\d\d)([/-])(\d\d)\2(\d\d)/"
)
_SHOWN = 12_000
_DAY_AND_TIME = re.compile(rb"\s?(?:19|20)\d\d-\d\d-\d\d(?:[T ]|$)")


def in_scripts(page: Page, order: Order) -> Iterator[Claim]:
    """Days under keys of data in scripts: first those that speak of publication, then `date`."""
    for key, value in _pairs(page, _KEYS):
        name = key.decode("latin-1")
        if _OF_PUBLICATION.search(name) and not _OF_ANOTHER_DAY.search(name):
            claim = read_value(value.decode("utf-8", "replace"), f"script {name}", order)
            if claim:
                yield claim
    for key, value in _pairs(page, _DATE_KEY):
        claim = (
            read_value(value.decode("latin-1"), "script date", order)
            if key.lower() == b"date" and _DAY_AND_TIME.match(value)
            else None
        )
        if claim:
            yield claim


def in_head(page: Page, order: Order) -> Iterator[Claim]:
    """Days that the page's description and its title write."""
    for _, tag in page.tags(b"meta"):
        values = attributes(tag) if b"escription" in tag else {}
        if first_of(values, b"name", b"property").lower() in (b"description", b"og:description"):
            days = find_dates(words(values.get(b"content", b"")), order)
            yield from (Claim(day, "meta description") for day, _ in days)
    yield from (Claim(day, "title") for day, _ in find_dates(words(read_title(page, page.body)), order))


def in_pictures(page: Page, headline: int) -> Iterator[Claim]:
    """The latest day in the addresses of the page's pictures: no page is older than what it shows."""
    found = [match for _, tag in page.tags(b"meta") if b"og:image" in tag for match in _PICTURE.finditer(tag)]
    shown = page.content[headline : headline + _SHOWN]
    if b"/20" in shown or b"/19" in shown:
        pictures = _PICTURE.finditer(page.content, headline, headline + _SHOWN)
        found += [match for match in pictures if page.tags_at([match.start()])]
    days = [calendar_day(int(match[1]), int(match[3]), int(match[4])) for match in found]
    yield from (Claim(day, "picture address") for day in sorted(filter(None, days), reverse=True)[:1])


def _pairs(page: Page, keys: Compiled) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values about the places in scripts where one of `keys` stands, in page order."""
    for start, end in islice(_places(page, keys), _MOST_KEYS):
        for match in _KEY_VALUE.finditer(page.content, start, end):
            yield match[1], match[2] or match[3]


def _places(page: Page, keys: Compiled) -> Iterator[tuple[int, int]]:
    """Stretches of scripts about `keys`; where two would overlap, the later begins where the earlier ends."""
    for start, end, places in page.places_in_scripts(keys):
        reached = start
        for at in places:
            if at >= reached:
                first, reached = max(reached, at - _BEFORE), min(end, at + _AFTER)
                yield first, reached
