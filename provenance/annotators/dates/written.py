"""Dates as people write them: numeric and spelled-out days in running text, in some thirty languages.

Patterns are bounded, so hostile text costs linear time; each match becomes a calendar day or nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

_MONTHS = """
january jan januar jänner jänner. januari janvier janv gennaio gen enero ene janeiro styczeń stycznia sty январь января янв січня leden ledna tammikuu tammikuuta ocak ianuarie január januára ιανουαρίου janúar sausio janvāris يناير जनवरी jaanuar januarie siječnja januara
february feb februar feber februari février fevrier févr febbraio febrero fevereiro fev luty lutego lut февраль февраля фев лютого únor února helmikuu helmikuuta şubat februarie február februára φεβρουαρίου vasario فبراير फ़रवरी veebruar februarie veljače februara
march mar märz maerz maart mars marzo março marco marzec marca март марта мар березня březen března maaliskuu maaliskuuta mart martie március marts μαρτίου kovo مارس मार्च märts ožujka marta mrz
april apr avril avr aprile abril abr kwiecień kwietnia kwi апрель апреля апр квітня duben dubna huhtikuu huhtikuuta nisan aprilie április απριλίου balandžio أبريل अप्रैल aprill travnja aprila ápr
may mai mei maj maggio mag mayo maio maj maja май мая травня květen května toukokuu toukokuuta mayıs május maí μαΐου gegužės مايو मई svibnja maj
june jun juni juin giugno giu junio junho czerwiec czerwca cze июнь июня июн червня červen června kesäkuu kesäkuuta haziran iunie június ιουνίου birželio يونيو जून juuni junie lipnja juna
july jul juli juillet juil luglio lug julio julho lipiec lipca lip июль июля июл липня červenec července heinäkuu heinäkuuta temmuz iulie július ιουλίου liepos يوليو जुलाई juuli julie srpnja jula
august aug augustus août aout agosto ago sierpień sierpnia sie август августа авг серпня srpen srpna elokuu elokuuta ağustos augusti augusztus αυγούστου rugpjūčio أغسطس अगस्त kolovoza avgusta
september sep sept septembre settembre set septiembre setembro wrzesień września wrz сентябрь сентября сен вересня září syyskuu syyskuuta eylül septembrie szeptember σεπτεμβρίου rugsėjo سبتمبر सितंबर rujna septembra
october oct oktober okt octobre ottobre ott octubre outubro out październik października paź октябрь октября окт жовтня říjen října lokakuu lokakuuta ekim octombrie október οκτωβρίου spalio أكتوبر अक्टूबर oktoober listopada oktobra
november nov novembre noviembre novembro listopad listopada lis ноябрь ноября ноя листопада listopadu marraskuu marraskuuta kasım noiembrie νοεμβρίου lapkričio نوفمبر नवंबर studenoga novembra
december dec dez dezember décembre decembre déc dicembre dic diciembre dezembro grudzień grudnia gru декабрь декабря дек грудня prosinec prosince joulukuu joulukuuta aralık decembrie δεκεμβρίου gruodžio ديسمبر दिसंबर detsember desember prosinca decembra
"""
#: Month of each name, lower case, without the full stop. A name that two languages give to different
#: months (Polish and Croatian "listopada") keeps its first reading by number of speakers: see below.
MONTHS = {
    name.rstrip("."): month
    for month, names in reversed(list(enumerate(_MONTHS.strip().splitlines(), 1)))
    for name in names.split()
} | {"listopada": 11, "lipca": 7, "lipnja": 6, "srpnja": 7, "marca": 3}

_YEAR = r"(?:19|20)\d\d"
_WORD = r"[^\W\d_]{3,13}"
DATE = re.compile(
    rf"(?<![\d.,])(?P<y1>{_YEAR})(?P<sep>[-/.]|\s?年\s?|\. )(?P<m1>\d{{1,2}})(?:(?P=sep)|\s?月\s?)(?P<d1>\d{{1,2}})(?!\d)"
    rf"|(?<![\d.,])(?P<d2>\d{{1,2}})(?:\.|st|nd|rd|th|er|º|ª)?[ \u00a0-]{{0,2}}(?:de |of |d['’])?(?P<n2>{_WORD})\.?,?"
    rf"[ \u00a0-]{{1,2}}(?:de |del |of )?(?P<y2>{_YEAR})(?!\d)"
    rf"|(?<![^\W_])(?P<n3>{_WORD})\.?[ \u00a0-](?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,?[ \u00a0-]{{1,2}}(?P<y3>{_YEAR})(?!\d)"
    rf"|(?<![\d.,/])(?P<a4>\d{{1,2}})(?P<s4>[./-]) ?(?P<b4>\d{{1,2}})(?P=s4) ?(?P<y4>{_YEAR}|\d\d(?![\d.,/%-]))(?!\d|\.\d)"
)

#: Every date holds a year of four digits or two separators between numbers; only the text around these is matched.
_ANCHOR = re.compile(
    r"[0-9](?:(?<![0-9].)(?:(?<=1)9|(?<=2)0)[0-9]{2}(?![0-9])"
    r"|[./-](?:[0-9]{1,2}[./-] ?| [0-9]{1,2}[./-])[0-9]{2})"
)
_BEFORE = 40
_AFTER = 24


def find_dates(text: str, month_first: bool) -> Iterator[tuple[dt.date, int]]:
    """Yield (day, offset) of each date written in `text`, in order.

    `month_first` reads 3/4/2020 as March 4, where both readings are possible.
    """
    done = 0
    for anchor in _ANCHOR.finditer(text):
        if anchor.start() < done:
            continue
        begin = max(done, anchor.start() - _BEFORE)
        until = min(len(text), anchor.end() + _AFTER)
        for match in DATE.finditer(text, begin, until):
            done = match.end()
            if done == until < len(text):
                break  # the window may have cut a longer number
            day = _day(match, month_first)
            if day is not None:
                yield day, match.start()


def calendar_day(year: int, month: int, day: int) -> dt.date | None:
    """Return the day, or None if the calendar has no such day."""
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _day(match: re.Match[str], month_first: bool) -> dt.date | None:
    if match["y1"]:
        return calendar_day(int(match["y1"]), int(match["m1"]), int(match["d1"]))
    if match["y2"] or match["y3"]:
        name, day, year = (
            (match["n2"], match["d2"], match["y2"])
            if match["y2"]
            else (match["n3"], match["d3"], match["y3"])
        )
        month = MONTHS.get(name.lower())
        return calendar_day(int(year), month, int(day)) if month else None
    first, second, year = int(match["a4"]), int(match["b4"]), int(match["y4"])
    if year < 100:
        year += 2000 if year < 70 else 1900  # POSIX reads two digits from 69 on as the 1900s
    swap = second > 12 or (month_first and first <= 12 and match["s4"] != ".")
    return calendar_day(year, first, second) if swap else calendar_day(year, second, first)
