"""Days that people can read on a page: in elements named for them, around the headline, and anywhere.

A day that the words before it call a change, a visit or an archive's is read last.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from provenance.annotators.dates.claim import Claim
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.possible import may_have_day
from provenance.annotators.dates.written import day_of_short_year, find_dates
from provenance.annotators.page.markup import words
from provenance.annotators.page.search import Page
from provenance.annotators.page.strings import compile_strings

#: Bytes of markup read after the headline, before it, and for the days that are written most often.
AFTER, BEFORE, _ANYWHERE = 12_000, 6_000, 100_000
#: Bytes of markup in which a page shows its own day, a byline.
_BELOW: Final = 4_000
#: Bytes of pages that are first asked whether they can have a day: most of 3 KB have none, and of 415 longer ones 15.
_SHORT = 16_000
_DATED = (b"date", b"datum", b"publi", b"posted", b"time", b"fecha", b"byline", b"dato", b'title="20')
DATED_SEARCH = compile_strings(_DATED)
#: The day itself as an attribute: the "abbr" pattern of microformats, and times in seconds beside "3 hours ago".
_DAY_INSIDE = re.compile(
    rb"\s(?:title|aria-label|content|value|datetime|data-[a-z-]{0,20}(?:date|time|timestamp|publish(?:ed)?|seconds|created|value)(?:-?at|-?on)?)"
    rb"\s?=\s?[\"']?(?:([^\"'>]{0,24}(?:19|20)\d\d[^\"'>]{0,16})|(1\d{9})(?:\d{3})?[\"'\s>])",
    re.IGNORECASE,
)
_YEAR_OR_SECONDS = re.compile(rb"(?:19|20)\d\d|1\d{9}")
#: What every day holds, also in the digits of other scripts and where the year has two.
_MAYBE_YEAR = re.compile(rb"[0-9][0-9]|[\xd9-\xef]")
#: Elements named for a day that are looked at.
_MOST_DATED = 40
_CLASS = re.compile(
    rb"=(?<=(?:ss|id|op|ty|me)=)[\"']?[^\"'>]{0,120}?(?:date|datum|publi(?!sher|c\b)|posted|time|fecha|byline|dato)",
    re.IGNORECASE,  # class, id, itemprop, property, name: what begins with a sign is found ten times as fast
)
#: What other tags have that state a day themselves.
_STATING = (b"<time", b"<abbr", b"-time ", b"datetime=", b"data-")
#: A day as an element's title, beside "2 hours ago"; that of a link or a picture is of what it leads to or shows.
_TITLED = re.compile(rb"<(?!a\s|img\s)[^>]*\stitle=\"20\d\d-\d\d-\d\d", re.IGNORECASE)
#: In the tag of such an element: the day is that of a change, or of something beside the page.
_CHANGE_NAMED = re.compile(rb"(?i)modifi|updat|changed|edited|geaendert|aktualis")
_OTHER_NAMED = re.compile(
    rb"(?i)comment|related|teaser|sidebar|event|clock|today|current|birth|expir|recent|latest|popular|weather|footer|widget|archive"
)
_CHANGED_RANK: Final = 7
#: Where readers' comments begin, the tags that hold them (a link at the headline leads there), and how far behind all else their days come.
_COMMENTS = re.compile(
    rb"=[\"']?(?:[\w-]{1,20} ){0,2}(?:(?:post-?)?[Cc]omments?[-_]?(?:list|area|section|wrap(?:per)?)?|disqus_thread|"
    rb"[Kk]ommentare|[Cc]ommentaires|[Cc]omentarios)[\"'\s>]"
)
_SEARCH = compile_strings((*_DATED, b"comment", b"kommentar", b"comentario", b"disqus_thread"))
_HOLDING = re.compile(rb"(?i)<(?:div|section|ol|ul|dl|h[2-6]|aside|table)\s")
_MOST_COMMENTS: Final = 40
_COMMENTS_RANK: Final = 10
_CLOSE: Final = 1_500
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
#: Characters between two tags of which a day is the matter, not a detail of a sentence.
_ALONE = 50


class _Part(NamedTuple):
    """An element that is named for a day: where its text begins, the text, and whether it is named for a change or another thing."""

    at: int
    text: str
    changed: bool
    other: bool


def near_headline(page: Page, order: Order, start: int, changed: set[dt.date]) -> Iterator[Claim]:
    """Days about the headline, which begins at byte `start`, by what is said of them; `changed` are said to be of a change.

    First those that are called the day of publication, then those in elements named for a day (after the headline, then
    the nearest before it), then those that stand by themselves, then those in sentences; days that are called a change
    come last.
    """
    first, last = max(0, start - BEFORE), start + AFTER
    if len(page.content) < _SHORT and not may_have_day(page, DATED_SEARCH, first, start, last):
        return
    places = [[first + at for at in found] for found in _SEARCH.find(page.content[first:last])]
    parts = list(_named_parts(page, sorted(chain(*places[: len(_DATED)]))))
    comments = _start_of_comments(page, start, last, sorted(chain(*places[len(_DATED) :])))
    below, far = start + _BELOW, [part for part in parts if part.at >= start + _BELOW]
    above = [part for part in reversed(parts) if part.at < start]
    nearest = [part for part in parts if start <= part.at < below] + above + far
    named = [
        (part.text, _rank(part, start) + _COMMENTS_RANK * (part.at >= comments), True) for part in nearest
    ]
    after, before = (page.text(*bounds, border=b"\n") for bounds in ((start, comments), (first, start)))
    ranked: list[tuple[int, dt.date]] = []
    changed = set(changed)
    loose = [(after, 2, False), (before, 3, False)]
    if comments < last:
        loose.append((page.text(comments, last, border=b"\n"), 2 + _COMMENTS_RANK, False))
    for text, rank, in_element in [*named, *loose]:
        days = list(find_dates(text.replace("\n", " "), order))
        short = day_of_short_year(text) if in_element and not days else None
        if short:
            days = [(short, 0)]
        for day, at in reversed(days) if text is before else days:  # the nearest first
            said = _said_of(text, at)
            if rank == _CHANGED_RANK:
                changed.add(day)
            if day in changed and not said:
                ranked.append((3, day))
            elif said == "changed":
                ranked.append((_CHANGED_RANK, day))
            else:
                alone = in_element or _run_length(text, at) <= _ALONE
                told = 0 if rank < _COMMENTS_RANK else _COMMENTS_RANK
                ranked.append((told if said else rank if alone else rank + 3, day))
    yield from (Claim(day, "visible text") for _, day in sorted(ranked, key=lambda item: item[0]))


def _rank(part: _Part, start: int) -> int:
    """What the days of an element are worth before others, by its name and by how far above the headline it stands."""
    return _CHANGED_RANK if part.changed else 4 if part.other or start - part.at > _CLOSE else 1


def _start_of_comments(page: Page, start: int, last: int, places: list[int]) -> int:
    """The first byte of what readers wrote below the text, one of whose words stands at `places`; `last` where none is found."""
    tags = page.tags_at([at for at in places if at >= start][:_MOST_COMMENTS]) if places else ()
    return next((at for at, tag in tags if _HOLDING.match(tag) and _COMMENTS.search(tag)), last)


def days_below(page: Page, order: Order, start: int) -> Iterator[dt.date]:
    """The days that can be read right below the headline, which begins at byte `start`."""
    return (day for day, _ in find_dates(page.text(start, start + _BELOW), order))


def _run_length(part: str, at: int) -> int:
    """Characters between the tags around offset `at`."""
    end = part.find("\n", at + 12)
    return (end if end >= 0 else len(part)) - part.rfind("\n", 0, at) - 1


def most_written(page: Page, order: Order, near: int) -> Iterator[Claim]:
    """Days written anywhere, most frequent first: the last resort, and none where the page was not read whole."""
    start, end = page.body, len(page.content)
    if page.cut or (near - BEFORE <= start and end <= near + AFTER):
        return  # of a short page `near_headline` has read everything
    text = page.text(start, start + _ANYWHERE, resolve=False)
    days: Counter[dt.date] = Counter(day for day, _ in find_dates(text, order))
    yield from (Claim(day, "visible text") for day, _ in days.most_common(20))


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


def _named_parts(page: Page, places: list[int]) -> Iterator[_Part]:
    """Elements whose class or id names a day, at `places` where such a word stands, with at most 200 bytes of their text."""
    left = _MOST_DATED
    for start, tag in page.tags_at(places):
        end = start + len(tag)
        if tag[:5].lower() == b"<meta" or tag.rfind(b"<") > 0 or b"&lt;" in tag:
            continue  # the page shows nothing of it, nor of markup in an attribute
        inside = _DAY_INSIDE.search(tag) if _YEAR_OR_SECONDS.search(tag) else None
        if inside and _may_state(tag):
            text = _stated(inside)
        elif not inside and _MAYBE_YEAR.search(page.content, end, end + 200) and _CLASS.search(tag):
            text = page.text(end, end + 200, border=b"\n")
        else:
            continue
        yield _Part(end, text, bool(_CHANGE_NAMED.search(tag)), bool(_OTHER_NAMED.search(tag)))
        left -= 1
        if not left:
            return


def _may_state(tag: bytes) -> bool:
    """Whether an element is one whose attributes state a day of the page."""
    return any(sign in tag for sign in _STATING) or bool(_CLASS.search(tag) or _TITLED.match(tag))


def _stated(inside: re.Match[bytes]) -> str:
    """The day that a tag's attribute states, in digits."""
    if inside[2]:
        return f"{dt.datetime.fromtimestamp(int(inside[2]), dt.UTC):%Y-%m-%d}"
    return words(inside[1])
