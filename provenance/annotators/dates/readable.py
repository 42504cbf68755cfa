"""Days that people can read on a page: in elements named for them, around the headline, and anywhere.

A day that the words before it call a change, a visit or an archive's is read last.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from provenance.annotators.dates.claim import Claim, read_value
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.written import find_dates
from provenance.annotators.page.markup import attributes, first_of, words
from provenance.annotators.page.search import Page, compile_strings

#: Bytes of markup read after the headline, before it, and for the days that are written most often.
_AFTER, _BEFORE, _ANYWHERE = 12_000, 6_000, 100_000
_DATED_SEARCH = compile_strings(
    (b"date", b"datum", b"publi", b"posted", b"time", b"fecha", b"byline", b"dato")
)
#: Elements named for a day that are looked at.
_MOST_DATED = 40
_CLASS = re.compile(
    rb"(?:class|id)\s{0,2}=\s{0,2}[\"']?[^\"'>]{0,120}(?:date|datum|publi|posted|time|fecha|byline|dato)",
    re.IGNORECASE,
)
_DATA_WORDS = (b"ublish", b"ublication", b"osted", b"reated")
_DATA_KEY = re.compile(
    rb"\\?[\"']((?:first-?|original-?)?(?:date-?|time-?)?(?:publish|publication|posted|created|issue)[\w-]{0,12})\\?[\"']"
    rb"\s{0,4}:\s{0,4}\\?[\"']([^\"'\\]{6,40})",
    re.IGNORECASE,
)
#: Beginnings of words before a day that say it is the day of publication, and such words of scripts without spaces.
_PUBLISHED = tuple(
    "publi posted posté release issued date datum: datum veröffentlicht erstellt erschienen fecha pubblicat data: geplaatst "
    "gepubliceerd dodan опубликован дата udgivet yayın".split()
)
_PUBLISHED_SIGNS = ("发布", "发表", "發布", "發表", "公開", "投稿", "掲載", "등록", "입력")
#: Beginnings of words before a day that say it is another one.
_CHANGED = tuple(
    "updat modif chang edited revis retriev access visited captur archiv expir joined since aktualisier geändert zuletzt "
    "änderung bearbeitet abgerufen abruf überarbeitet mise maj consult actualizad atualizad aggiornat gewijzigd bijgewerkt "
    "geraadpleegd aktualizac zmieni обновлен изменен uppdaterad opdateret oppdatert güncelle".split()
)
_CHANGED_SIGNS = ("更新", "最終", "갱신", "수정")
#: What ends the words that speak of a day.
_END = re.compile(r"[.!?\d。！？]")
_SPEAKING = 30


def near_headline(page: Page, order: Order) -> Iterator[Claim]:
    """Days about the first headline, by what is said of them.

    First those that are called the day of publication, then those in elements named for a day, then those after the
    headline and those before it; days that are called a change come last.
    """
    start = headline(page)
    first, last = max(0, start - _BEFORE), start + _AFTER
    named = [(part, 1) for part in _named_parts(page, first, last)]
    parts = [*named, (page.text(start, last), 2), (page.text(first, start), 3)]
    ranked: list[tuple[int, dt.date]] = []
    for part, rank in parts:
        for day, at in find_dates(part, order):
            said = _said_of(part[max(0, at - _SPEAKING) : at])
            ranked.append((4 if said == "changed" else 0 if said else rank, day))
    yield from (Claim(day, "visible text") for _, day in sorted(ranked, key=lambda item: item[0]))


def most_written(page: Page, order: Order) -> Iterator[Claim]:
    """Days written anywhere, most frequent first: the last resort, and none where the page was not read whole."""
    start, end = _body(page), len(page.content)
    near = headline(page)
    if page.cut or (near - _BEFORE <= start and end <= near + _AFTER):
        return  # of a short page `near_headline` has read everything
    text = page.text(start, start + _ANYWHERE, resolve=False)
    days: Counter[dt.date] = Counter(day for day, _ in find_dates(text, order))
    yield from (Claim(day, "visible text") for day, _ in days.most_common(20))


def in_data(page: Page, order: Order) -> Iterator[Claim]:
    """Days that the page's description writes, and days under keys of data in scripts that speak of publication."""
    for _, tag in page.tags(b"meta"):
        values = attributes(tag) if b"escription" in tag else {}
        if first_of(values, b"name", b"property").lower() in (b"description", b"og:description"):
            days = find_dates(words(values.get(b"content", b"")), order)
            yield from (Claim(day, "meta description") for day, _ in days)
    for start, at in islice(_data_words(page), _MOST_DATED):
        match = _DATA_KEY.search(page.content, max(start, at - 24), at + 80)
        claim = (
            read_value(match[2].decode("utf-8", "replace"), f"script {match[1].decode()}", order)
            if match
            else None
        )
        if claim:
            yield claim


def _said_of(before: str) -> str:
    """What the last words before a day say of it: "changed", "published" or nothing."""
    words = _END.split(before[-_SPEAKING:])[-1].lower()
    if any(sign in words for sign in _CHANGED_SIGNS) or any(map(_starts_changed, words.split())):
        return "changed"
    if any(sign in words for sign in _PUBLISHED_SIGNS) or any(map(_starts_published, words.split()[-3:])):
        return "published"
    return ""


def _starts_changed(word: str) -> bool:
    return word.lstrip("([").startswith(_CHANGED)


def _starts_published(word: str) -> bool:
    return word.lstrip("([").startswith(_PUBLISHED)


def _named_parts(page: Page, first: int, last: int) -> Iterator[str]:
    """Texts of the elements between two bytes whose class or id names a day, at most 200 bytes of each."""
    places = sorted(first + at for found in _DATED_SEARCH.find(page.content[first:last]) for at in found)
    ends = (start + len(tag) for start, tag in page.tags_at(places) if _CLASS.search(tag))
    yield from (page.text(end, end + 200) for end in islice(ends, _MOST_DATED))


def _data_words(page: Page) -> Iterator[tuple[int, int]]:
    """Where _DATA_WORDS stand in scripts: (first byte of the script, place)."""
    for start, end in page.scripts():
        for word in _DATA_WORDS:
            at = page.content.find(word, start, end)
            while at >= 0:
                yield start, at
                at = page.content.find(word, at + len(word), end)


def headline(page: Page) -> int:
    """The first byte of the first headline, or of the body."""
    body = _body(page)
    found = page.first(b"h1", body)
    return found[0] if found else body


def _body(page: Page) -> int:
    """The body's start, behind the banner that a web archive puts there."""
    archive = page.places[b"wayback toolbar insert"]
    body = page.first(b"body")
    return max(archive[-1] if archive else 0, body[0] if body else 0)
