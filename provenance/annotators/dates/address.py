"""The day in a page's address, and days in its words: a path of year, month and day is the publisher's own filing.

Words of an address are those of a headline, so a day among them may be what the text is about.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import lru_cache

from provenance.annotators.dates.calendars import calendar_day
from provenance.annotators.dates.claim import Claim
from provenance.annotators.dates.months import month_named
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.written import find_dates

#: Addresses whose days are remembered: that of a page is asked for several times.
_REMEMBERED = 64
#: Characters of an address that are read.
_LONGEST = 2_000
#: 2020/05/12, 2020-05-12, 20200512, t20200512, 2020/0512, 2020-05/12, 202005/12, 2020/may/12.
_YEAR_FIRST = re.compile(
    r"[/_.=-]t?((?:19|20)\d\d)([-/_.]?)([01]?\d|[a-z]{3,9})(\2|(?<=\d\d)/|(?<=/\d\d))([0-3]\d(?!\d)|\d(?=/|$))",
    re.IGNORECASE,
)
_YEAR_LAST = re.compile(r"[/_.=-](\d\d)([-_./])(\d\d|[a-z]{3})\2((?:19|20)\d\d)(?!\d)", re.IGNORECASE)
#: 2010/POLITICS/08/13/, with two digits each, so that the third of a season's is none.
_WITH_SECTION = re.compile(r"/((?:19|20)\d\d)/[a-z][a-z._-]{1,24}/([01]\d)/([0-3]\d)/", re.IGNORECASE)
_MONTH_FIRST = re.compile(r"/([a-z]{3,9})/(\d\d?)/((?:19|20)\d\d)(?=/|$)", re.IGNORECASE)
#: Numbers of posts that hold the time at which they were given out: bits behind it, and milliseconds of its unit and start.
#: https://github.com/twitter-archive/snowflake (epoch 1288834974657), mastodon/mastodon `lib/mastodon/snowflake.rb`; that the
#: number of an activity and of a film begin with milliseconds and seconds of Unix time is seen, and documented nowhere.
_NUMBERED = (
    (
        re.compile(r"//(?:\w+\.)?(?:twitter|x)\.com/\w+/status(?:es)?/(\d{15,19})(?!\d)"),
        22,
        1,
        1_288_834_974_657,
    ),
    (re.compile(r"//\w+\.linkedin\.com/.{0,300}activity[:-](\d{19})(?!\d)"), 22, 1, 0),
    (re.compile(r"//(?:\w+\.)?tiktok\.com/@[^/]{1,40}/video/(\d{19})(?!\d)"), 32, 1_000, 0),
    (re.compile(r"//[^/]{1,80}/@[^/]{1,80}/(1\d{17})(?!\d)"), 16, 1, 0),
)
#: What all of these hold.
_LONG_NUMBER = re.compile(r"\d{15}")
_SIGNS = re.compile(r"[-_+/]")


@lru_cache(_REMEMBERED)
def days_in_address(url: str, order: Order) -> tuple[Claim, ...]:
    """The days that `url` files the page under, by its path or its number; numbers before a year are in the order of the page."""
    return tuple(_days_in_address(url, order))


def _days_in_address(url: str, order: Order) -> Iterator[Claim]:
    path = _path(url)
    moment = _given_out(path) if _LONG_NUMBER.search(path) else None
    if moment:
        yield Claim(moment.date(), "url path", moment.hour)
    if "19" not in path and "20" not in path:
        return  # no year
    for day in (_year_first(path), _year_last(path, order)):
        if day:
            yield Claim(day, "url path")


def days_in_words(url: str, order: Order) -> Iterator[Claim]:
    """Days that the words of the path spell out: report-of-12-may-2020."""
    path = _path(url)
    if "19" in path or "20" in path:
        yield from (Claim(day, "url words") for day, _ in find_dates(_SIGNS.sub(" ", path), order))


def _given_out(path: str) -> dt.datetime | None:
    """When the post was given its number, where the number says so (UTC)."""
    for pattern, bits, unit, start in _NUMBERED:
        match = pattern.search(path)
        if match:
            return dt.datetime.fromtimestamp(((int(match[1]) >> bits) * unit + start) // 1000, dt.UTC)
    return None


def _path(url: str) -> str:
    return url[:_LONGEST].partition("?")[0].partition("#")[0]


def _year_first(path: str) -> dt.date | None:
    for match in _YEAR_FIRST.finditer(path):
        month = match[3]
        if not month.isdigit() and not match[2]:
            continue
        number = int(month) if month.isdigit() else month_named(month) or 0
        if not match[2] and (len(month) < 2 or len(match[5]) < 2):
            continue
        if match[4] != match[2] and (len(match[5]) < 2 or path[match.end() : match.end() + 1] != "/"):
            continue  # a month's folder and the number of an article
        day = calendar_day(int(match[1]), number, int(match[5]))
        if day:
            return day
    filed = _WITH_SECTION.search(path)
    return calendar_day(int(filed[1]), int(filed[2]), int(filed[3])) if filed else None


def _year_last(path: str, order: Order) -> dt.date | None:
    for match in _YEAR_LAST.finditer(path):
        if match[3].isdigit():
            first, second, year = int(match[1]), int(match[3]), int(match[4])
            month_first = second > 12 or (order == "month" and first <= 12)
            day = calendar_day(year, first, second) if month_first else calendar_day(year, second, first)
        else:
            day = calendar_day(int(match[4]), month_named(match[3]) or 0, int(match[1]))
        if day:
            return day
    for match in _MONTH_FIRST.finditer(path):
        day = calendar_day(int(match[3]), month_named(match[1]) or 0, int(match[2]))
        if day:
            return day
    return None
