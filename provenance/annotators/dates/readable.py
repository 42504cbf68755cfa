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
from provenance.annotators.dates.possible import may_have_day
from provenance.annotators.dates.written import find_dates
from provenance.annotators.page.markup import attributes, first_of, words
from provenance.annotators.page.search import Page
from provenance.annotators.page.strings import compile_strings

#: Bytes of markup read after the headline, before it, and for the days that are written most often.
_AFTER, _BEFORE, _ANYWHERE = 12_000, 6_000, 100_000
#: Bytes of pages that are first asked whether they can have a day: most of 3 KB have none, and of 415 longer ones 15.
_SHORT = 16_000
_DATED_SEARCH = compile_strings(
    (b"date", b"datum", b"publi", b"posted", b"time", b"fecha", b"byline", b"dato")
)
#: The day itself as an attribute: the "abbr" pattern of microformats, and times in seconds beside "3 hours ago".
_DAY_INSIDE = re.compile(
    rb"\s(?:title|datetime|data-(?:date|datetime|time|utime|timestamp|published))\s?=\s?[\"']?"
    rb"(?:([^\"'>]{0,24}(?:19|20)\d\d[^\"'>]{0,16})|(1\d{9})(?:\d{3})?[\"'\s>])"
)
#: What every day holds, also in the digits of other scripts and where the year has two.
_MAYBE_YEAR = re.compile(rb"[0-9][0-9]|[\xd9-\xef]")
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
    "publi posted posté release issued veröffentlicht erstellt erschienen pubblicat geplaatst gepubliceerd dodan опубликован "
    "udgivet yayın".split()
)
#: Words that do, whole.
_NAMES_OF_DAYS = frozenset("date dated datum fecha data дата dato".split())
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
#: Bytes of a title by which a headline is known, the fewest, and those that are read; what parts it from the site's name.
_TITLE, _LEAST_TITLE, _LONGEST_TITLE = 32, 12, 300
_TITLE_PARTS = re.compile(rb" [|:\xc2\xb7-]+ | (?:\xe2\x80[\x93\x94\xa2]|\xc2\xbb|\xc2\xab) ")
#: Places of the title that are looked at.
_MOST_REPEATED = 50
#: Characters between two tags of which a day is the matter, not a detail of a sentence.
_ALONE = 50


def near_headline(page: Page, order: Order) -> Iterator[Claim]:
    """Days about the headline, by what is said of them.

    First those that are called the day of publication, then those in elements named for a day (after the headline, then
    the nearest before it), then those that stand by themselves, then those in sentences; days that are called a change
    come last.
    """
    start = page.headline
    found = list(_near(page, order, start))
    if not found and len(page.content) > start + _AFTER:
        again = _repeated_title(page)
        found = list(_near(page, order, again)) if again is not None else found
    yield from found


def _near(page: Page, order: Order, start: int) -> Iterator[Claim]:
    first, last = max(0, start - _BEFORE), start + _AFTER
    if len(page.content) < _SHORT and not may_have_day(page, _DATED_SEARCH, first, start, last):
        return
    parts = list(_named_parts(page, first, last))
    nearest = [part for at, part in parts if at >= start] + [
        part for at, part in reversed(parts) if at < start
    ]
    named = [(part, 1) for part in nearest]
    after, before = (page.text(*bounds, border=b"\n") for bounds in ((start, last), (first, start)))
    ranked: list[tuple[int, dt.date]] = []
    for part, rank in [*named, (after, 2), (before, 3)]:
        for day, at in find_dates(part.replace("\n", " "), order):
            said = _said_of(part, at)
            alone = rank == 1 or _run_length(part, at) <= _ALONE
            ranked.append((6 if said == "changed" else 0 if said else rank if alone else rank + 2, day))
    yield from (Claim(day, "visible text") for _, day in sorted(ranked, key=lambda item: item[0]))


def _run_length(part: str, at: int) -> int:
    """Characters between the tags around offset `at`."""
    end = part.find("\n", at + 12)
    return (end if end >= 0 else len(part)) - part.rfind("\n", 0, at) - 1


def most_written(page: Page, order: Order) -> Iterator[Claim]:
    """Days written anywhere, most frequent first: the last resort, and none where the page was not read whole."""
    start, end = page.body, len(page.content)
    near = page.headline
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


def _said_of(part: str, at: int) -> str:
    """What the last words before offset `at` say of a day: "changed", "published" or nothing.

    Words of another element count where the day stands first in its own.
    """
    before = part[max(0, at - _SPEAKING) : at].strip("\n ")
    words = _END.split(before.rpartition("\n")[2])[-1].lower()
    if any(sign in words for sign in _CHANGED_SIGNS) or any(map(_starts_changed, words.split())):
        return "changed"
    if any(sign in words for sign in _PUBLISHED_SIGNS) or any(map(_starts_published, words.split()[-3:])):
        return "published"
    return ""


def _starts_changed(word: str) -> bool:
    return word.lstrip("([").startswith(_CHANGED)


def _starts_published(word: str) -> bool:
    bare = word.lstrip("([")
    return bare.startswith(_PUBLISHED) or bare.rstrip(":") in _NAMES_OF_DAYS


def _named_parts(page: Page, first: int, last: int) -> Iterator[tuple[int, str]]:
    """Elements between two bytes whose class or id names a day: where their text begins, and at most 200 bytes of it."""
    places = sorted(first + at for found in _DATED_SEARCH.find(page.content[first:last]) for at in found)
    named = ((start + len(tag), tag) for start, tag in page.tags_at(places) if _CLASS.search(tag))
    for end, tag in islice(named, _MOST_DATED):
        inside = _DAY_INSIDE.search(tag)
        if inside:
            yield end, _stated(inside)
        elif _MAYBE_YEAR.search(page.content, end, end + 200):
            yield end, page.text(end, end + 200, border=b"\n")


def _stated(inside: re.Match[bytes]) -> str:
    """The day that a tag's attribute states, in digits."""
    if inside[2]:
        return f"{dt.datetime.fromtimestamp(int(inside[2]), dt.UTC):%Y-%m-%d}"
    return words(inside[1])


def _data_words(page: Page) -> Iterator[tuple[int, int]]:
    """Where _DATA_WORDS stand in scripts: (first byte of the script, place)."""
    for start, end in page.scripts():
        for word in _DATA_WORDS:
            at = page.content.find(word, start, end)
            while at >= 0:
                yield start, at
                at = page.content.find(word, at + len(word), end)


def _repeated_title(page: Page) -> int | None:
    """Where the body repeats the page's title: its headline, where the first `<h1>` is a logo."""
    body = page.body
    longest = max(_TITLE_PARTS.split(_title(page)), key=len).strip()
    title = longest[:_TITLE] if len(longest) >= _LEAST_TITLE else b""
    at = body - 1
    for _ in range(_MOST_REPEATED if title else 0):
        at = page.content.find(title, at + 1)
        if at < 0 or page.is_text(at):
            return at if at >= 0 else None
    return None


def _title(page: Page) -> bytes:
    """The content of the page's `<title>`; empty where there is none."""
    end = page.body or len(page.content)
    start = page.content.find(b"<title", 0, end)
    if start < 0:
        return b""
    start = page.content.find(b">", start, end) + 1
    return page.content[start : page.content.find(b"</", start, end)][:_LONGEST_TITLE].strip()
