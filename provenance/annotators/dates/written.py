"""Dates as people write them: numeric and spelled-out days in running text, in some forty languages.

Patterns are bounded, so hostile text costs linear time; each match becomes a calendar day or nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from provenance.annotators.dates.anchors import find_anchors
from provenance.annotators.dates.order import Order

_MONTHS = """
january jan januar jänner jänner. januari janvier janv gennaio gen enero ene janeiro styczeń stycznia sty январь января янв січня leden ledna tammikuu tammikuuta ocak ianuarie január januára ιανουαρίου janúar sausio janvāris يناير जनवरी jaanuar januarie siječnja januara gener ianuarius januarja ינואר ژانویه януари בינואר
february feb februar feber februari février fevrier févr febbraio febrero fevereiro fev luty lutego lut февраль февраля фев лютого únor února helmikuu helmikuuta şubat februarie február februára φεβρουαρίου vasario فبراير फ़रवरी veebruar februarie veljače februara febrer februarja פברואר فوریه февруари בפברואר
march mar märz maerz maart mars marzo março marco marzec marca март марта мар березня březen března maaliskuu maaliskuuta mart martie március marts μαρτίου kovo مارس मार्च märts ožujka marta mrz març maret מרץ מרס مارچ آذار במרץ במרס
april apr avril avr aprile abril abr kwiecień kwietnia kwi апрель апреля апр квітня duben dubna huhtikuu huhtikuuta nisan aprilie április απριλίου balandžio أبريل अप्रैल aprill travnja aprila ápr אפריל آوریل ابريل نيسان април באפריל
may mai mei maj maggio mag mayo maio maj maja май мая травня květen května toukokuu toukokuuta mayıs május maí μαΐου gegužės مايو मई svibnja maj maig מאי مه أيار במאי
june jun juni juin giugno giu junio junho czerwiec czerwca cze июнь июня июн червня červen června kesäkuu kesäkuuta haziran iunie június ιουνίου birželio يونيو जून juuni junie lipnja juna juny junija יוני ژوئن يونيه حزيران юни ביוני
july jul juli juillet juil luglio lug julio julho lipiec lipca lip июль июля июл липня červenec července heinäkuu heinäkuuta temmuz iulie július ιουλίου liepos يوليو जुलाई juuli julie srpnja jula juliol julija יולי ژوئیه يوليه تموز юли ביולי
august aug augustus août aout agosto ago sierpień sierpnia sie август августа авг серпня srpen srpna elokuu elokuuta ağustos augusti augusztus αυγούστου rugpjūčio أغسطس अगस्त kolovoza avgusta agost agustus אוגוסט اوت اغسطس באוגוסט
september sep sept septembre settembre set septiembre setembro wrzesień września wrz сентябрь сентября сен вересня září syyskuu syyskuuta eylül septembrie szeptember σεπτεμβρίου rugsėjo سبتمبر सितंबर rujna septembra setembre ספטמבר سپتامبر أيلول септември בספטמבר
october oct oktober okt octobre ottobre ott octubre outubro out październik października paź октябрь октября окт жовтня říjen října lokakuu lokakuuta ekim octombrie október οκτωβρίου spalio أكتوبر अक्टूबर oktoober listopada oktobra אוקטובר اکتبر اكتوبر октомври באוקטובר
november nov novembre noviembre novembro listopad listopada lis ноябрь ноября ноя листопада listopadu marraskuu marraskuuta kasım noiembrie νοεμβρίου lapkričio نوفمبر नवंबर studenoga novembra נובמבר نوامبر ноември בנובמבר
december dec dez dezember décembre decembre déc dicembre dic diciembre dezembro grudzień grudnia gru декабрь декабря дек грудня prosinec prosince joulukuu joulukuuta aralık decembrie δεκεμβρίου gruodžio ديسمبر दिसंबर detsember desember prosinca decembra desembre דצמבר دسامبر декември בדצמבר
"""
#: Month of each name, lower case, without the full stop. A name that two languages give to different
#: months (Polish and Croatian "listopada") keeps its first reading by number of speakers: see below.
MONTHS = {
    name.rstrip("."): month
    for month, names in reversed(list(enumerate(_MONTHS.strip().splitlines(), 1)))
    for name in names.split()
} | {"listopada": 11, "lipca": 7, "lipnja": 6, "srpnja": 7, "marca": 3}

_YEAR = r"(?:19|20)\d\d"
_WORD = r"(?:[^\W\d_]|[\u0900-\u0d7f]){2,14}"  # vowel signs of India are no letters to Python
_GAP = r"[ -]{1,2}"
#: Dates that begin with a number, then those that begin with a month; a place that holds neither is left at once.
DATE = re.compile(
    rf"(?=\d)(?:(?<![\d.,])(?P<y1>{_YEAR})(?P<sep>[-/.]| ?[年년] ?|\. )(?P<m1>\d{{1,2}})(?:(?P=sep)| ?[月월] ?)(?P<d1>\d{{1,2}})(?!\d)"
    rf"|(?<![\d.,])(?P<d2>\d{{1,2}})(?:\.|st|nd|rd|th|er|º|ª|-?го|-е)?[ -]{{0,2}}(?:de |of |d['’])?(?P<n2>{_WORD})\.?,?"
    rf"{_GAP}(?:de |del |of )?(?P<y2>{_YEAR})(?!\d)"
    rf"|(?<![\w.,/])(?P<a4>\d{{1,2}})(?P<s4>[./-]) ?(?P<b4>\d{{1,2}})(?P=s4) ?(?P<y4>{_YEAR}|\d\d(?![\d.,/%-]))(?!\d|\.\d)"
    rf"|(?<![\d.,])(?P<y5>{_YEAR})(?:\. | m\. |[ ,-]{{1,2}})(?P<n5>{_WORD})\.?[ -](?P<d5>\d{{1,2}})(?!\d)"
    rf"|(?<![\d.,])(?P<d6>\d{{1,2}}) [Tt]háng (?P<m6>\d{{1,2}})(?: năm|,)? (?P<y6>{_YEAR})(?!\d))"
    rf"|(?<![^\W_])(?P<n3>{_WORD})\.?[ -](?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,?{_GAP}(?P<y3>{_YEAR})(?!\d)"
)

#: Every date holds a year of four digits or two separators between numbers (`anchors`); only the text around these is matched.
_BEFORE = 32
_AFTER = 20
#: What a date has beside its year; most years stand without.
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,2}(?![0-9])")
#: Spaces that are no U+0020, and the digits of other scripts.
_PLAIN = str.maketrans(
    dict.fromkeys("\u00a0\u2009\u202f\u3000\t\n\r", " ")
    | {
        chr(zero + digit): str(digit)
        for zero in (0x0660, 0x06F0, 0x0966, 0x09E6, 0xFF10)
        for digit in range(10)
    }
    | {"\u200e": None, "\u200f": None, "\u200b": None, "\u00ad": None}
)
_FOREIGN = re.compile("[" + "".join(chr(char) for char in _PLAIN if char > 127 and char != 0xA0) + "]")


def find_dates(text: str, order: Order) -> Iterator[tuple[dt.date, int]]:
    """Yield (day, offset) of each date written in `text`, in order.

    `order` is that of 3/4/2020 where both readings are possible, and of 3.4.20. Offsets are those of the text without
    its invisible characters.
    """
    if not text.isascii():
        text = text.replace("\u00a0", " ")
        if _FOREIGN.search(text):
            text = text.translate(_PLAIN)
    done = 0
    for start, end in find_anchors(text):
        if start < done:
            continue
        begin = max(done, start - _BEFORE)
        until = min(len(text), end + _AFTER)
        if not _NUMBER.search(text, begin, until):
            continue
        for match in DATE.finditer(text, begin, until):
            done = match.end()
            if done == until < len(text):
                break  # the window may have cut a longer number
            day = _day(match, order)
            if day is not None:
                yield day, match.start()


#: Words right before three short numbers that make them a day.
_CALLED_A_DAY = re.compile(
    r"(?i)(?:\bupdated|\bposted|\bpublished|\bmodified|\bdate|\bstand|veröffentlicht|aktualisiert|\bdatum|\bfecha|publié le|mis à jour le|"
    r"güncelleme|tarihi)(?: on| am| vom)?:? ?$"
)


def calendar_day(year: int, month: int, day: int) -> dt.date | None:
    """Return the day, or None if the calendar has no such day."""
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _day(match: re.Match[str], order: Order) -> dt.date | None:
    for year, month, day in (("y1", "m1", "d1"), ("y6", "m6", "d6")):
        if match[year]:
            return calendar_day(int(match[year]), int(match[month]), int(match[day]))
    for year, name, day in (("y2", "n2", "d2"), ("y3", "n3", "d3"), ("y5", "n5", "d5")):
        if match[year]:
            number = MONTHS.get(match[name].lower())
            return calendar_day(int(match[year]), number, int(match[day])) if number else None
    sure = bool(_CALLED_A_DAY.search(match.string, max(0, match.start() - 30), match.start()))
    order = order if match["s4"] != "." else _dotted(order)
    return _of_numbers((match["a4"], match["b4"], match["y4"]), order, sure=sure)


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
