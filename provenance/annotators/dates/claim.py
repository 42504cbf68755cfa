"""What a claim of a day is, and how a machine-readable value becomes one."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from provenance.annotators.dates.order import Order
from provenance.annotators.dates.written import calendar_day, find_dates

#: Year first; a time may follow, with an offset from UTC.
_ISO = re.compile(
    r"[\s\"'\\]{0,4}((?:19|20)\d\d)[-/.]?(\d\d?)[-/.]?(\d\d?)(?!\d)"
    r"(?:[T ]{1,2}(\d\d):?(\d\d)[\d:.,]{0,14} ?(Z|UTC|GMT|[+-]0?0:?0?0\b)?)?"
)
_EPOCH = re.compile(r"\s{0,4}(1[0-9]{9}|[6-9][0-9]{8})(?:[0-9]{3})?\s{0,4}$")


class Claim(NamedTuple):
    """A day, what claims it, and the hour of a time in UTC, whose day where it was written may be another."""

    day: dt.date
    evidence: str
    utc_hour: int | None = None


def read_value(value: str, evidence: str, order: Order) -> Claim | None:
    """The claim of a machine-readable value: the day it starts with, as it is written there, or else spells out."""
    match = _ISO.match(value)
    if match:
        day = calendar_day(int(match[1]), int(match[2]), int(match[3]))
        hour = int(match[4]) if match[6] else None
        return Claim(day, evidence, hour) if day else None
    epoch = _EPOCH.match(value)
    if epoch:
        moment = dt.datetime.fromtimestamp(int(epoch[1]), dt.UTC)
        return Claim(moment.date(), evidence, moment.hour)
    written = next((day for day, _ in find_dates(value, order)), None)
    return Claim(written, evidence) if written else None
