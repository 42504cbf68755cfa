"""Capture times as archives, JSON lines and tables write them, to microseconds since 1970 in UTC.

Only a full date proves anything: a year or a month alone, a date before the web and nonsense give None.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: The first public web page went up in August 1991: nothing was captured from the web before.
FIRST_YEAR = 1991

_ISO = re.compile(
    r"\s*(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:[Tt ]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*(Z|z|UTC|GMT|[+-]\d\d:?\d\d)?\s*\Z"
)
_DIGITS = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?")


def parse_time(value: str) -> int | None:
    """Microseconds since 1970-01-01 UTC of an ISO 8601 or a 14-digit (8 to 14) date, or None.

    A date without time is the beginning of its day; a time without zone is UTC, as WARC 1.1 demands.
    """
    value = value[:64]
    match = _ISO.match(value)
    if match:
        year, month, day, hour, minute, second, fraction, zone = match.groups()
    else:
        match = _DIGITS.match(value)
        if match is None:
            return None
        year, month, day, hour, minute, second = match.groups()
        fraction = zone = None
    base = _minute(int(year), int(month), int(day), int(hour or 0), int(minute or 0))
    if base is None or int(second or 0) > 60:
        return None
    micros = base + min(int(second or 0), 59) * 1_000_000
    if fraction:
        micros += int(fraction[:6].ljust(6, "0"))
    if zone and zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        micros -= (minutes if zone[0] == "+" else -minutes) * 60_000_000
    return micros


@lru_cache(maxsize=4096)
def _minute(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND if year >= FIRST_YEAR else None


def time_of(value: object) -> int | None:
    """As `parse_time`, for a value of any type: text, seconds to nanoseconds since 1970, date or datetime."""
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MICROSECOND if aware.year >= FIRST_YEAR else None
    if isinstance(value, date):
        return _minute(value.year, value.month, value.day, 0, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e19:
        return None
    if isinstance(value, int) and 10_000_000 <= value // 10**6 <= 99_991_231 and len(str(value)) == 14:
        parsed = parse_time(str(value))  # 20250310030000 as a number
        if parsed is not None:
            return parsed
    for scale in (10**6, 10**3, 1):  # seconds, milliseconds, microseconds
        if value * scale < 4_102_444_800_000_000:  # the year 2100 tells the units apart
            micros = int(value * scale)
            return micros if micros >= 662_688_000_000_000 else None  # 1991-01-01
    return int(value) // 1000
