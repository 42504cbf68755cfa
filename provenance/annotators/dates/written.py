"""Dates as people write them: numeric and spelled-out days in running text, in some eighty languages.

Patterns are bounded, so hostile text costs linear time; each match becomes a calendar day or nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from provenance.annotators.dates.anchors import find_anchors
from provenance.annotators.dates.calendars import SIGNS, calendar_day, in_gregorian, in_one_word
from provenance.annotators.dates.months import month_named
from provenance.annotators.dates.order import Order

_YEAR = r"(?:19|20)\d\d"
#: Vowel signs from India to Cambodia are no letters to Python.
_WORD = r"(?:[^\W\d_]|[\u0900-\u109f\u1780-\u17ff]){2,14}"
_GAP = r"[ -]{1,2}"
_OF = r"(?:de |of |d['’]|ta['’] )"
#: A date that ends in a time of day which nothing parts from it: 2020-05-1210:30.
_END = r"(?!\d(?!\d:\d))"
#: Dates that begin with a number, then those that begin with a month; a place that holds neither is left at once.
DATE = re.compile(
    rf"(?=\d)(?:(?<![\d.,])(?P<y1>{_YEAR})(?P<sep>[-/.]| ?[年년] ?|\. | оны )(?P<m1>\d{{1,2}})(?:(?P=sep)| ?[月월] ?| сарын )(?P<d1>\d{{1,2}}){_END}"
    rf"|(?<![\d.,])(?P<d2>\d{{1,2}})(?:\.| ?st| ?nd| ?rd| ?th| ?er|º|ª|-?го|-е)?(?:[ -]{{0,2}}(?: ?day )?{_OF}?|[/.])(?P<n2>{_WORD})"
    rf"(?:/{_WORD})?\.?(?: ?,)?(?:{_GAP}(?:de |del |do |of )?|[/.])?(?P<y2>{_YEAR})(?!\d)"
    rf"|(?<![\w.,/])(?P<a4>\d{{1,2}})(?: (?=. \d\d? . \d))?(?P<s4>[./-]) ?(?P<b4>\d{{1,2}}) ?(?P=s4) ?(?P<y4>{_YEAR}|\d\d(?![\d.,/%-]))(?!\d|\.\d)"
    rf"|(?<![\d.,])(?P<y7>{_YEAR})(?:\. gada| жылғы|-yil) (?P<d7>\d{{1,2}})(?:\. |[ -])(?P<n7>{_WORD})"
    rf"|(?<![\d.,])(?P<y5>{_YEAR})(?:\. | m\. |[ ,-]{{1,2}}|(?:\(e\)|e)ko )(?P<n5>{_WORD})\.?[ -](?P<d5>\d{{1,2}})(?!\d)"
    rf"|(?<![\d.,])(?P<d6>\d{{1,2}}) [Tt]háng (?P<m6>\d{{1,2}})(?: năm|,)? (?P<y6>{_YEAR})(?!\d))"
    rf"|(?<![^\W_])(?P<n3>{_WORD})(?:\.|,)?(?:[ -](?:the )?|/|(?<=\.))(?P<d3>\d{{1,2}})(?: ?st| ?nd| ?rd| ?th)?"
    rf"(?:(?: ?,)?{_GAP}(?:de |of )?| ?,|/| \d\d:\d\d:\d\d (?:[A-Z]{{2,4}} )?)(?P<y3>{_YEAR})(?!\d)"
)

#: Every date holds a year of four digits or two separators between numbers (`anchors`); only the text around these is matched.
_BEFORE = 32
_AFTER = 24
#: What a date has beside its year; most years stand without.
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,2}(?![0-9])")
#: Zeros of other scripts: of Arabic and Persian, of India, of Thailand and Laos, and the wide one of East Asia.
_ZEROS = (0x0660, 0x06F0, *range(0x0966, 0x0DE7, 0x80), 0x0E50, 0x0ED0, 0xFF10)
#: Spaces that are no U+0020, and the digits of other scripts.
_PLAIN = str.maketrans(
    dict.fromkeys("\u00a0\u2009\u202f\u3000\t\n\r", " ")
    | {chr(zero + digit): str(digit) for zero in _ZEROS for digit in range(10)}
    | {"\u200e": None, "\u200f": None, "\u200b": None, "\u00ad": None, "\u060c": ","}
)
_FOREIGN = re.compile(
    "[" + "".join(chr(char) for char in _PLAIN if char > 127 and char != 0xA0) + SIGNS + "]"
)


def find_dates(text: str, order: Order) -> Iterator[tuple[dt.date, int]]:
    """Yield (day, offset) of each date written in `text`, in order.

    `order` is that of 3/4/2020 where both readings are possible, and of 3.4.20. Offsets are those of the text without
    its invisible characters.
    """
    if not text.isascii():
        # Alone: `translate` takes twenty times as long.
        text = text.replace("\u00a0", " ").replace("\u2013", "-")
        text = in_one_word(text)
        if _FOREIGN.search(text):
            text = in_gregorian(text.translate(_PLAIN), text)
    done = 0
    for start, end in find_anchors(text):
        if start < done:
            continue
        begin = max(done, start - _BEFORE)
        until = min(len(text), end + _AFTER)
        if not _NUMBER.search(text, begin, until):
            continue
        for match in DATE.finditer(text, begin, until):
            if match.end() == until < len(text):
                break  # the window may have cut a longer number; of a later place it is read again
            done = match.end()
            day = _day(match, order)
            if day is not None:
                yield day, match.start()


#: A day and a month's name before two digits of a year, or a month's name first, and nothing else: read only where an element is named for a day.
_SHORT_YEAR = re.compile(
    rf"\s*(?:{_WORD}[.,]{{0,2}} )?(?:(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)?[ ./-](?P<n>{_WORD})|(?P<m>{_WORD})\.? (?P<e>\d{{1,2}})(?:st|nd|rd|th)?)"
    r"[.,]{0,2}[ ./-]['’]?(?P<y>\d\d)\s*(?:[|,·–—-]|\n|\Z)"
)


def day_of_short_year(text: str) -> dt.date | None:
    """The day that `text` begins with and that has a name of a month and two digits of a year: 5 Mar 19, Mar 5 '19."""
    match = _SHORT_YEAR.match(text)
    month = month_named(match["n"] or match["m"]) if match else None
    return (
        calendar_day(_century(int(match["y"])), month, int(match["d"] or match["e"]))
        if match and month
        else None
    )


#: Words right before three short numbers that make them a day.
_CALLED_A_DAY = re.compile(
    r"(?i)(?:\bupdated|\bposted|\bpublished|\bmodified|\bdate|\bstand|veröffentlicht|aktualisiert|\bdatum|\bfecha|publié le|mis à jour le|"
    r"güncelleme|tarihi)(?: on| am| vom)?:? ?$"
)
#: Words right after them that do.
_CALLED_A_DAY_AFTER = re.compile(r"(?i)(?:['’]\w{2,3})? (?:tarihinde|güncellen|yay[ıi]nlan|eklen)")


#: The English name of a day of the week right before three numbers, which tells their order: Mon, 11/08/2021.
_WEEKDAYS = "mon tue wed thu fri sat sun".split()
_WEEKDAY = re.compile(rf"(?i)\b({'|'.join(_WEEKDAYS)})[a-z]{{0,6}}[,.]? $")
_LONGEST_WEEKDAY = 14


def _day(match: re.Match[str], order: Order) -> dt.date | None:
    for year, month, day in (("y1", "m1", "d1"), ("y6", "m6", "d6")):
        if match[year]:
            return calendar_day(int(match[year]), int(match[month]), int(match[day]))
    for year, name, day in (("y2", "n2", "d2"), ("y3", "n3", "d3"), ("y5", "n5", "d5"), ("y7", "n7", "d7")):
        if match[year]:
            number = month_named(match[name])
            return calendar_day(int(match[year]), number, int(match[day])) if number else None
    sure = bool(_CALLED_A_DAY.search(match.string, max(0, match.start() - 30), match.start()))
    sure = sure or bool(_CALLED_A_DAY_AFTER.match(match.string, match.end()))
    order = order if match["s4"] != "." else _dotted(order)
    numbers = match["a4"], match["b4"], match["y4"]
    found = _of_numbers(numbers, order, sure=sure)
    weekday = _WEEKDAY.search(match.string, max(0, match.start() - _LONGEST_WEEKDAY), match.start())
    if found and weekday and not _falls_on(found, weekday):
        other = _of_numbers(numbers, "month" if order == "day" else "day", sure=sure)
        return other if other and _falls_on(other, weekday) else found
    return found


def _falls_on(day: dt.date, weekday: re.Match[str]) -> bool:
    return _WEEKDAYS[day.weekday()] == weekday[1].casefold()


def _dotted(order: Order) -> Order:
    """Full stops between numbers are written day first, where the year is not first."""
    return "year" if order == "year" else "day"


def _of_numbers(numbers: tuple[str, str, str], order: Order, *, sure: bool) -> dt.date | None:
    """The day of three numbers of which the last, or the first, may be a year of two digits."""
    first, second, third = numbers
    a, b, c = int(first), int(second), int(third)
    if len(third) == 2:
        if not sure and (len(first) == 1 or len(second) == 1):
            return None  # 3.6.15 is a version or a section as well
        if order == "year":
            return calendar_day(_century(a), b, c)
        c = _century(c)
    month_first = b > 12 or (order == "month" and a <= 12)
    return calendar_day(c, a, b) if month_first else calendar_day(c, b, a)


def _century(year: int) -> int:
    """POSIX reads two digits from 69 on as the 1900s."""
    return year + (2000 if year < 69 else 1900)
