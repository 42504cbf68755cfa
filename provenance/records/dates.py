"""Times as archives, JSON lines and tables write them, to microseconds since 1970 in UTC.

Only a full date proves anything: a year or a month alone, a date before the web and nonsense give none, and what
is there but gives none is remarked, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
DAY = 86_400_000_000
#: The first public web page went up in August 1991: nothing was captured from the web before.
FIRST_YEAR = 1991
#: A clock of 32 bits ends in January 2038. Without a clock of its own (same bytes at any time) the program calls
#: later times impossible: years of other calendars (2562) and fillers (2099, 9999) are what real files hold there.
LAST_YEAR = 2037
_FIRST = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_END = (datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND

#: As WARC writes it (ISO 28500, 5.4), which the standard library reads at half of the cost.
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ISO = re.compile(
    r"\s*(\d{4})([-/])(\d\d?)\2(\d\d?)"
    r"(?:[Tt ]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?\s*\Z"
)
_DIGITS = re.compile(r"\s*(\d{4})(\d\d)(\d\d)[Tt]?(\d\d)?(\d\d)?(\d\d)?")
#: RFC 5322, 3.3, as mail and HTTP write it.
_MAIL = re.compile(
    r"\s*(?:[A-Za-z]{3},\s*)?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)?"
    r"(?: (?:GMT|UTC?|Z|[ECMP][SD]T|[+-]\d{4}))?\s*\Z"
)
#: Digits of a day, a minute and a second of 1991 to 2037 that, as counts, would lie before 1991. Ten can be seconds as well.
_WRITTEN = (8, 12, 14)
_NUMBER = re.compile(r"\s*\d{9,19}(?:\.\d+)?\s*\Z")


def parse_time(value: str) -> int | None:
    """Microseconds since 1970-01-01 UTC of a date as ISO 8601, as 8 to 14 digits, as RFC 5322 or as a count since 1970.

    A date without time is the beginning of its day; a time without zone is UTC, as WARC 1.1 demands. None where it
    is none of these, or before 1991 or after 2037.
    """
    return read_time(value)[0]


def time_of(value: object) -> int | None:
    """As `parse_time`, for a value of any type: text, seconds to nanoseconds since 1970 (decimals too), date, datetime or {"$date": …}."""
    return read_time(value)[0]


def read_time(value: object) -> tuple[int | None, str | None]:
    """The time of a value, and what is wrong where it gives none: `unreadable`, or `impossible` for its year.

    A value that says nothing (None, NaN, text without a character) is not wrong.
    """
    micros = _any(value)
    if micros is not None:
        return (micros, None) if _FIRST <= micros < _END else (None, "impossible")
    absent = value is None or value != value or (isinstance(value, str) and not value.strip())
    return None, None if absent else "unreadable"


def day_of(micros: int) -> str:
    """The day of a time, as people write it."""
    return f"{_EPOCH + timedelta(microseconds=micros):%Y-%m-%d}"


def _any(value: object) -> int | None:
    """Microseconds since 1970 of a value of any type and any year."""
    if isinstance(value, bytes):
        value = value[:64].decode("utf-8", "replace")
    if isinstance(value, str):
        return _text(value[:64])
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MICROSECOND
    if isinstance(value, date):
        return _minute(value.year, value.month, value.day, 0, 0)
    if isinstance(value, Mapping) and len(value) == 1:  # extended JSON, as document stores export it
        (key, inner), *_ = value.items()
        return _any(inner) if key in ("$date", "$numberLong") else None
    if isinstance(value, Decimal):  # as warehouses store counts; NaN has no number
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e19:
        return None
    if value == int(value) and len(digits := str(int(value))) in _WRITTEN:
        parsed = _text(digits)  # 20250310030000 as a number, a float where others of its column are missing
        if parsed is not None and _FIRST <= parsed < _END:
            return parsed
    return _count(value)


def _count(value: float) -> int | None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970: the year 2100 tells the units apart."""
    for scale in (10**6, 10**3, 1):
        if value * scale < 4_102_444_800_000_000:
            micros = int(value * scale)
            return micros if micros >= _FIRST else None
    return int(value) // 1000


def _text(value: str) -> int | None:
    if _USUAL.fullmatch(value):
        try:
            return (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND
        except ValueError:  # a leap second, or no time at all
            pass
    match = _ISO.match(value)
    if match:
        year, _, month, day, hour, minute, second, fraction, zone = match.groups()
    elif _MAIL.match(value):
        return _mail(value)
    else:
        match = _DIGITS.match(value)
        base = _minute(*(int(part or 0) for part in match.groups()[:5])) if match else None
        if _NUMBER.match(value) and (match is None or base is None or int(match[1]) < FIRST_YEAR):
            return _count(float(value) if "." in value else int(value))
        if match is None or base is None:
            return None
        year, month, day, hour, minute, second = match.groups()
        fraction = zone = None
    midnight = hour == "24" and int(minute) == 0 == int(second or 0)  # ISO 8601: the end of the day
    base = _minute(int(year), int(month), int(day), 0 if midnight else int(hour or 0), int(minute or 0))
    if base is None or int(second or 0) > 60:
        return None
    micros = base + DAY * midnight + min(int(second or 0), 59) * 1_000_000
    if fraction:
        micros += int(fraction[:6].ljust(6, "0"))
    if zone and zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + (int(zone[-2:]) if len(zone) > 3 else 0)
        micros -= (minutes if zone[0] == "+" else -minutes) * 60_000_000
    return micros


def _mail(value: str) -> int | None:
    try:
        moment = parsedate_to_datetime(value.strip())
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _minute(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND
