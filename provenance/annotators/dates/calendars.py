"""Days of other calendars, rewritten as days of the Gregorian: Japanese eras, years of the Republic, of the Buddha, of Persia.

Only what cannot be meant otherwise is rewritten: an era's name, a Thai year beside Thai letters, a Persian month.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from provenance.annotators.dates.months import month_named

#: What text with such a day holds, for a class of characters: Thai letters, letters and digits of Persian, the sign of a year.
SIGNS: Final = "\u0e01-\u0e2e\u067e\u0686\u0698\u06a9\u06af\u06cc\u06f0-\u06f9年"
#: The year before an era's first.
_ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
_OF_AN_ERA = re.compile(r"(令和|平成|昭和|民國|民国) ?(元|\d{1,3}) ?年")
#: Months of the Levant that are two words.
_LEVANT = re.compile("(تشرين|كانون) (ال[أا]ول|الثان[يى])")
#: Vietnamese months are numbered, in words too; some sites write them first.
_VIETNAMESE_MONTHS: Final = {
    name: number for number, name in enumerate("một hai ba tư năm sáu bảy tám chín mười".split(), 1)
} | {"mười một": 11, "mười hai": 12}
_VIETNAMESE = re.compile(r"[Tt]háng (mười một|mười hai|\w{2,5})(?!\w)", re.IGNORECASE)
_VIETNAMESE_MONTH_FIRST = re.compile(r"[Tt]háng (\d{1,2}) (\d{1,2}), (\d{4})(?!\d)")
_THAI = re.compile("[\u0e01-\u0e2e]")
_THAI_SHORT = re.compile("([\u0e01-\u0e4e]{1,3})\\.([\u0e01-\u0e2e])\\.")
_OF_THE_BUDDHA = re.compile(r"(?:พศ ?)?(?<!\d)(2[45]\d\d)(?!\d)")
_BUDDHA: Final = 543
#: A Thai month, short or whole, before a year of two digits of the Buddha's calendar: 8 พ.ย. 64 is in 2021.
_OF_THE_BUDDHA_SHORT = re.compile(
    "(?<![0-9])([0-9]{1,2}) ?([\u0e01-\u0e4e]{2,12}) ?([4-9][0-9])(?![0-9./:-])"
)
_BUDDHA_SHORT: Final = 1957
_PERSIAN = re.compile("[\u067e\u0686\u0698\u06a9\u06af\u06cc\u06f0-\u06f9]")
#: Years of Persia since the web began, before those in which 14.. may be a lunar year; and years that only the Buddha's calendar has reached.
_PERSIAN_YEARS: Final = (1370, 1411)
_BUDDHIST_FROM: Final = 2500
_PERSIAN_MONTHS: Final = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند".split()
_OF_PERSIA = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}}) ?(?P<name>{'|'.join(_PERSIAN_MONTHS)}),?[ \u200c]?(?:ماه,? ?)?(?P<year>1[34]\d\d)(?!\d)"
    rf"|(?P<name2>{'|'.join(_PERSIAN_MONTHS)}) (?P<day2>\d{{1,2}}),? (?P<year2>1[34]\d\d)(?!\d)"
    r"|(?<!\d)(?P<y>1[34]\d\d)(?P<sign>[-/.])(?P<m>\d{1,2})(?P=sign)(?P<d>\d{1,2})(?!\d)"
    r"|(?<![\d/.-])(?P<d2>\d{1,2}) ?(?P<sign2>[-/.]) ?(?P<m2>\d{1,2}) ?(?P=sign2) ?(?P<y2>1[34]\d\d)(?!\d)"
)
_YEARS: Final = ("year", "year2", "y", "y2")
_DAYS: Final = ("day", "day2", "d", "d2")
#: Of 33 years of Persia those with a leap day, and the first day of one of its years.
_LEAP: Final = frozenset((1, 5, 9, 13, 17, 22, 26, 30))
_FIRST_OF_1300: Final = dt.date(1921, 3, 21)


def calendar_day(year: int, month: int, day: int) -> dt.date | None:
    """Return the day, or None if the calendar has no such day."""
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def in_one_word(text: str) -> str:
    """`text` with months of several words as one, تشرين الثاني, or as a number: Tháng Mười Một 8, 2021 is 8 tháng 11 2021."""
    # A letter beyond Latin-1 costs nothing to look for where there is none.
    if "ن" in text and ("تشرين " in text or "كانون " in text):
        text = _LEVANT.sub(r"\1\2", text)
    if "háng " in text or ("ư" in text and "thg " in text):
        text = _VIETNAMESE.sub(_number_of_vietnam, text)
        text = _VIETNAMESE_MONTH_FIRST.sub(r"\2 tháng \1 \3", text.replace("thg ", "tháng "))
    return text


def _number_of_vietnam(match: re.Match[str]) -> str:
    number = _VIETNAMESE_MONTHS.get(match[1].lower())
    return f"tháng {number}" if number else match[0]


def in_gregorian(text: str, original: str) -> str:
    """`text` with days of other calendars as those of the Gregorian; `original` is the same with the digits that it is written in."""
    if "年" in text:
        text = _OF_AN_ERA.sub(_year_of_an_era, text)
    if _THAI.search(text):
        text = _THAI_SHORT.sub(r"\1\2", text)
        text = _OF_THE_BUDDHA_SHORT.sub(_year_of_two_digits, text)
        text = _OF_THE_BUDDHA.sub(lambda match: str(int(match[1]) - _BUDDHA), text)
    return _OF_PERSIA.sub(_day_of_persia, text) if _PERSIAN.search(original) else text


def _year_of_two_digits(match: re.Match[str]) -> str:
    month = month_named(match[2])
    return f"{match[1]} {match[2]} {_BUDDHA_SHORT + int(match[3])}" if month else match[0]


def day_of_value(year: int, month: int, day: int) -> dt.date | None:
    """The Gregorian day of a machine's year, month and day, whose year tells its calendar: 1400 is Persian, 2564 the Buddha's."""
    if _PERSIAN_YEARS[0] <= year < _PERSIAN_YEARS[1]:
        return day_of_persia(year, month, day)
    return calendar_day(year - _BUDDHA if year > _BUDDHIST_FROM else year, month, day)


def _year_of_an_era(match: re.Match[str]) -> str:
    year = 1 if match[2] == "元" else int(match[2])
    return f"{_ERAS[match[1]] + year}年"


def _day_of_persia(match: re.Match[str]) -> str:
    name = match["name"] or match["name2"]
    year, number = (next(filter(None, match.group(*keys))) for keys in (_YEARS, _DAYS))
    month = _PERSIAN_MONTHS.index(name) + 1 if name else int(match["m"] or match["m2"])
    lunar = not name and int(year) >= _PERSIAN_YEARS[1]
    day = None if lunar else day_of_persia(int(year), month, int(number))
    return f"{day:%Y-%m-%d}" if day else match[0]


def day_of_persia(year: int, month: int, day: int) -> dt.date | None:
    """The Gregorian day of one in the Solar Hijri calendar; None before 1300 (1921) and where it has no such day."""
    if not (1300 <= year < 1500 and 1 <= month <= 12 and 1 <= day <= (31 if month <= 6 else 30)):
        return None
    leap_days = sum(earlier % 33 in _LEAP for earlier in range(1300, year))
    before = 31 * (month - 1) if month <= 7 else 186 + 30 * (month - 7)
    return _FIRST_OF_1300 + dt.timedelta(days=365 * (year - 1300) + leap_days + before + day - 1)
