"""Days of other calendars, rewritten as days of the Gregorian: Japanese eras, years of the Republic, of the Buddha, of Persia.

Only what cannot be meant otherwise is rewritten: an era's name, a Thai year beside Thai letters, a Persian month.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

#: What text with such a day holds, for a class of characters: Thai letters, letters and digits of Persian, the sign of a year.
SIGNS: Final = "\u0e01-\u0e2e\u067e\u0686\u0698\u06a9\u06af\u06cc\u06f0-\u06f9年"
#: The year before an era's first.
_ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
_OF_AN_ERA = re.compile(r"(令和|平成|昭和|民國|民国) ?(元|\d{1,3}) ?年")
_THAI = re.compile("[\u0e01-\u0e2e]")
_THAI_SHORT = re.compile("([\u0e01-\u0e4e]{1,3})\\.([\u0e01-\u0e2e])\\.")
_OF_THE_BUDDHA = re.compile(r"(?:พศ ?)?(?<!\d)(2[45]\d\d)(?!\d)")
_BUDDHA: Final = 543
_PERSIAN = re.compile("[\u067e\u0686\u0698\u06a9\u06af\u06cc\u06f0-\u06f9]")
_PERSIAN_MONTHS: Final = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند".split()
_OF_PERSIA = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}}) ?(?P<name>{'|'.join(_PERSIAN_MONTHS)}),? ?(?:ماه )?(?P<year>1[34]\d\d)(?!\d)"
    r"|(?<!\d)(?P<y>1[34]\d\d)(?P<sign>[-/.])(?P<m>\d{1,2})(?P=sign)(?P<d>\d{1,2})(?!\d)"
)
#: Of 33 years of Persia those with a leap day, and the first day of one of its years.
_LEAP: Final = frozenset((1, 5, 9, 13, 17, 22, 26, 30))
_FIRST_OF_1300: Final = dt.date(1921, 3, 21)


def calendar_day(year: int, month: int, day: int) -> dt.date | None:
    """Return the day, or None if the calendar has no such day."""
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def in_gregorian(text: str, original: str) -> str:
    """`text` with days of other calendars as those of the Gregorian; `original` is the same with the digits that it is written in."""
    if "年" in text:
        text = _OF_AN_ERA.sub(_year_of_an_era, text)
    if _THAI.search(text):
        text = _THAI_SHORT.sub(r"\1\2", text)
        text = _OF_THE_BUDDHA.sub(lambda match: str(int(match[1]) - _BUDDHA), text)
    return _OF_PERSIA.sub(_day_of_persia, text) if _PERSIAN.search(original) else text


def _year_of_an_era(match: re.Match[str]) -> str:
    year = 1 if match[2] == "元" else int(match[2])
    return f"{_ERAS[match[1]] + year}年"


def _day_of_persia(match: re.Match[str]) -> str:
    if match["name"]:
        year, month, number = int(match["year"]), _PERSIAN_MONTHS.index(match["name"]) + 1, int(match["day"])
    else:
        year, month, number = int(match["y"]), int(match["m"]), int(match["d"])
    day = day_of_persia(year, month, number)
    return f"{day:%Y-%m-%d}" if day else match[0]


def day_of_persia(year: int, month: int, day: int) -> dt.date | None:
    """The Gregorian day of one in the Solar Hijri calendar; None before 1300 (1921) and where it has no such day."""
    if not (1300 <= year < 1500 and 1 <= month <= 12 and 1 <= day <= (31 if month <= 6 else 30)):
        return None
    leap_days = sum(earlier % 33 in _LEAP for earlier in range(1300, year))
    before = 31 * (month - 1) if month <= 7 else 186 + 30 * (month - 7)
    return _FIRST_OF_1300 + dt.timedelta(days=365 * (year - 1300) + leap_days + before + day - 1)
