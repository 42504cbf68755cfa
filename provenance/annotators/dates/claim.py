"""What a claim of a day is, and how a machine-readable value becomes one."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from provenance.annotators.dates.calendars import calendar_day, day_of_value
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.written import find_dates

#: Year first; a time may follow, with an offset from UTC.
_ISO = re.compile(
    r"[\s\"'\\]{0,4}((?:19|20)\d\d|(?:1[34]|25)\d\d(?=[-/.]))[-/.]?(\d\d?)[-/.]?(\d\d?)(?!\d(?!\d{3}(?:\d\d)?(?!\d)))"
    r"(?:[T ]{1,2}(\d\d):?(\d\d)[\d:.,]{0,14} ?(Z|UTC|GMT|[+-]0?0:?0?0\b)?)?"
)
#: What servers write as the time of day of HTTP (RFC 9110, 5.6.7), which needs no parser of mail.
_IMF = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ((?:19|20)\d\d) "
    r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d GMT",
    re.ASCII,
)
_NAMES = {
    name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_EPOCH = re.compile(r"\s{0,4}(1[0-9]{9}|[6-9][0-9]{8})(?:[0-9]{3})?(?:\.[0-9]{1,9})?\s{0,4}$")


class Claim(NamedTuple):
    """A day, what claims it, and the hour of a time in UTC, whose day where it was written may be another."""

    day: dt.date
    evidence: str
    utc_hour: int | None = None


def read_value(value: str, evidence: str, order: Order) -> Claim | None:
    """The claim of a machine-readable value: the day it starts with, as it is written there, or else spells out."""
    match = _ISO.match(value)
    if match:
        day = day_of_value(int(match[1]), int(match[2]), int(match[3]))
        hour = int(match[4]) if match[6] else None
        return Claim(day, evidence, hour) if day else None
    epoch = _EPOCH.match(value)
    if epoch:
        moment = dt.datetime.fromtimestamp(int(epoch[1]), dt.UTC)
        return Claim(moment.date(), evidence, moment.hour)
    written = next((day for day, _ in find_dates(value, order)), None)
    return Claim(written, evidence) if written else None


def day_of_header(value: str) -> dt.date | None:
    """The day of an HTTP header's time, as it is written there; None where it is none."""
    value = value.strip()
    usual = _IMF.fullmatch(value)
    if usual:
        return calendar_day(int(usual[3]), _NAMES[usual[2]], int(usual[1]))
    try:
        return parsedate_to_datetime(value).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
