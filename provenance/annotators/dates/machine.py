"""Days that a page states for machines: `<meta>`, JSON-LD and other data in scripts, microdata, `<time>`.

Each reader yields claims in the order in which they deserve belief. Values are read in the order of day, month and
year that the page's language has; a picture's or a comment's day is not the page's.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from provenance.annotators.dates.claim import Claim, read_value
from provenance.annotators.dates.headline import plain, read_title
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.possible import state_days
from provenance.annotators.page import json_ld
from provenance.annotators.page.markup import attributes, first_of, tag_name, words
from provenance.annotators.page.search import Page

_LONGEST_VALUE = 60
#: Attributes that name what a `<meta>` states.
_LABELS = (b"property", b"name", b"itemprop", b"http-equiv", b"pubdate")
#: A `<meta>` as most are written: taken apart in a quarter of the time.
_USUAL_META = re.compile(
    rb"<meta\s{1,3}(?:property|name|itemprop|http-equiv)=\"([^\"]{0,2000})\"\s{1,3}content=\"([^\"]{0,2000})\"\s{0,3}/?>",
    re.IGNORECASE,
)
#: Names of `<meta>` whose meaning is remembered.
_REMEMBERED = 4_096
#: Bytes before the headline, where menus and clocks are, and after it in which a time is the page's own.
_ABOVE, _BELOW = 1_500, 6_000
_KEY_VALUE = re.compile(rb"\\?[\"']\s{0,9}:\s{0,9}\\?[\"'](.{4,40})")
#: A value that may begin with a day: a number, one word or two and a number, or a letter beyond ASCII. Most `<meta>` have
#: none, and `possible.state_days` clears nearly all of these.
_MAY_BE_A_DAY = re.compile(
    rb"=\s{0,3}[\"']?\s{0,9}"
    rb"(?:[12]\d{3}|\d\d?[./ -]|\d\d?(?:st|nd|rd|th|er)\b|[A-Za-z]{3,9}[.,]{0,2} (?:[A-Za-z]{3,9}[.,]{0,2} )?\d|[\xc3-\xef])"
)
#: What names of `<meta>` elements say of a day, tried in this order, in lower case: that it is another day than the page's,
#: the day of a change, that of publication, or a day and no more.
_KINDS_OF_META: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("", r"expir|valid|until|event|birth|start|end[_-]?(?:date|time)|deadline|verif|build|version|generat|render|server|timestamp|unpubl|"
             r"publisher$|next|crawl|copyright|archiv|review|^time$|^datetime$|keyword|descri|title|image|video:duration|author|robots|viewport"),
        ("modified", r"modif|updat|lastmod|last[_-]?(?:mod|publ|pub)|chang|revis|\bedit|moddate"),
        ("published", r"publi|pub[._-]?(?:date|time)|pubd|issued|posted|firstpub|post[._-]?date|date[._-]?posted|creat|available|online_date|"
                      r"article_date_original|bepress_citation_date|original.?date|reg[_-]?date|p_?date$|ptime$|live[_-]?date|date_pub"),
        ("dated", r"date|dc\.?terms\.date|datum|fecha|submitted"),
    )
)  # fmt: skip
#: Characters of a headline by which it is known in a title.
_HEADLINE = 30
#: Types of schema.org that are a page's own text.
_TEXTS = re.compile(r"Article|Posting|Report$|^(?:Blog|Recipe|Question|QAPage|Review|HowTo|ClaimReview)$")
#: Types, and keys of an object inside another, whose day is not the page's.
_NOT_THE_PAGE = re.compile(
    r"(?i)image|photo|picture|logo|media|video|audio|thumbnail|^comment|^answer|person|organi[sz]ation|author|"
    r"publisher|^offers?$|product|event|rating|breadcrumb|^ispartof$|citation|mentions|itemlist|^item$|hasvariant|"
    r"^blogposts?$|isrelatedto|isbasedon|relatedlink|^book$|^movie$|^music|^tv"
)
_PUBLISHED_MARK = re.compile(rb"(?i)publi|pubdate|entry-date|posted|datecreated")
#: Words in a `<time>` that call its day that of publication, and the bytes in which they stand: the attribute may be of a change.
_SAID_PUBLISHED = re.compile(rb"(?i)[^<>]{0,20}?(?:publi|posted|ver\xc3\xb6ff|erstellt|pubbl)")
_SAID: Final = 30
_A_DAY = dt.timedelta(days=1)
_MODIFIED_MARK = re.compile(rb"(?i)updat|modifi|chang|edit(?:ed|date)")


class Stated(NamedTuple):
    """Claims of one kind of place: that the page was published, that it is dated, that it was modified."""

    published: list[Claim]
    dated: list[Claim]
    modified: list[Claim]


def read_metas(page: Page, order: Order) -> Stated:
    """The days of `<meta>` elements, each list in page order."""
    found = Stated([], [], [])
    for tag in page.tags_where(b"meta", state_days):
        if not _MAY_BE_A_DAY.search(tag):
            continue
        name, value = _said_by(tag)
        label = name.decode("latin-1").lower()
        bare = label.strip().removeprefix("og:")
        if bare.startswith("dc"):
            bare = bare.replace(":", ".")
        kind = _kind_of_meta(bare)
        claim = kind and read_value(words(value[:_LONGEST_VALUE]), f"meta {label}", order)
        if claim:
            getattr(found, kind).append(claim)
    return found


def _said_by(tag: bytes) -> tuple[bytes, bytes]:
    """What a `<meta>` names, and what it says of it."""
    usual = _USUAL_META.fullmatch(tag)
    if usual:
        return usual[1], usual[2]
    values = attributes(tag)
    return first_of(values, *_LABELS), first_of(values, b"content", b"datetime")


@lru_cache(_REMEMBERED)
def _kind_of_meta(name: str) -> str:
    """The field of `Stated` that a `<meta>` of this name speaks of; empty where its day is none of the page's."""
    return next((kind for kind, pattern in _KINDS_OF_META if pattern.search(name)), "")


def own_address(page: Page) -> str:
    """The address that the page gives as its own in `<link rel=canonical>`, or else in `og:url`; empty where it gives none."""
    for sought, value in ((b"canonical", b"href"), (b"og:url", b"content")):
        at = page.content.find(sought, 0, page.body or len(page.content))
        for _, tag in page.tags_at([at]) if at >= 0 else ():
            values = attributes(tag)
            if sought in (values.get(b"rel"), values.get(b"property"), values.get(b"name")):
                return words(values.get(value, b""))
    return ""


def read_scripts(page: Page, order: Order) -> Stated:
    """The days of JSON-LD, texts before other things of the page, and (as dated) of other data in scripts."""
    texts: list[tuple[Claim, dict[str, Any]]] = []
    others: list[Claim] = []
    modified: list[Claim] = []
    loose: list[Claim] = []
    for tag, script in page.scripts_with(b"datepublished", b"datemodified"):
        parsed = list(json_ld.objects(script)) if b"ld+json" in tag.lower() else []
        if not parsed:
            loose += _loose(script, b"datePublished", order)
        for item, is_text in _of_the_page(parsed):
            published = list(_values(item, "datePublished", order))
            if is_text:
                texts += [(claim, item) for claim in published]
            else:
                others += published
            modified += _values(item, "dateModified", order)
    return Stated(_own_first(texts, page) + others, loose, modified)


def _own_first(texts: list[tuple[Claim, dict[str, Any]]], page: Page) -> list[Claim]:
    """The claims of several texts, those before whose headline the page's title repeats: others are of related texts."""
    if len({claim.day for claim, _ in texts}) > 1:
        title = plain(read_title(page, page.body))
        texts = sorted(
            texts, key=lambda text: not _is_title(text[1].get("headline") or text[1].get("name"), title)
        )
    return [claim for claim, _ in texts]


def _is_title(headline: Any, title: str) -> bool:
    start = plain(headline)[:_HEADLINE] if isinstance(headline, str) else ""
    return bool(start) and start in title


def read_microdata(page: Page, order: Order) -> Iterator[Claim]:
    """Days of elements with itemprop (or RDFa property) datePublished, in an attribute or in their text."""
    for start, tag in page.tags_with(b"datepublished"):
        if tag_name(tag) == b"meta" and b"itemprop" not in tag:
            continue
        values = attributes(tag)
        if b"datePublished" not in values.get(b"itemprop", b"") + values.get(b"property", b""):
            continue
        raw = first_of(values, b"content", b"datetime")
        end = start + len(tag)
        value = words(raw) if raw else page.text(end, end + 120).lstrip()
        claim = read_value(value[:_LONGEST_VALUE], "itemprop datePublished", order)
        if claim and not _of_something_else(page, start):
            yield claim


def read_times(page: Page, order: Order, headline: int) -> Stated:
    """Days of `<time>`: marked as publication or near the headline, elsewhere, and marked as a change."""
    found = Stated([], [], [])
    marked: list[Claim] = []
    for start, tag in page.tags(b"time"):
        value = attributes(tag).get(b"datetime", b"")
        end = start + len(tag)
        text = words(value[:_LONGEST_VALUE]) if value else page.text(end, end + 60)
        claim = read_value(text, "time[datetime]" if value else "time", order)
        if claim:
            if value and _SAID_PUBLISHED.match(page.content, end, end + _SAID):
                said = read_value(page.text(end, end + 60), "time", order)
                claim = claim if said is None or abs(said.day - claim.day) <= _A_DAY else said
            around = tag + page.content[max(0, start - 120) : start].rpartition(b">")[0][-100:]
            if _MODIFIED_MARK.search(tag):
                found.modified.append(claim)
            elif _PUBLISHED_MARK.search(tag) or _PUBLISHED_MARK.search(around):
                marked.append(claim)
            elif -_ABOVE < start - headline < _BELOW:
                found.published.append(claim)
            else:
                found.dated.append(claim)
    return found._replace(published=marked + found.published)


def _of_the_page(parsed: list[tuple[dict[str, Any], str]]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Those objects of a JSON-LD script that can be the page itself and have a day, and whether each is a text."""
    for item, parent in parsed:
        if "datePublished" in item or "dateModified" in item:
            kinds = json_ld.types(item)
            text = any(_TEXTS.search(kind) for kind in kinds)
            if not _NOT_THE_PAGE.search(parent) and (text or not any(map(_NOT_THE_PAGE.search, kinds))):
                yield item, text


def _values(item: dict[str, Any], key: str, order: Order) -> Iterator[Claim]:
    for value in json_ld.strings(item.get(key, ())):
        claim = read_value(value[:_LONGEST_VALUE], f"json-ld {key}", order)
        if claim:
            yield claim


def _loose(script: bytes, key: bytes, order: Order) -> Iterator[Claim]:
    """Days of a key in a script that is no JSON-LD, or broken JSON-LD: at most 20."""
    at = script.find(key)
    for _ in range(20):
        if at < 0:
            return
        match = _KEY_VALUE.match(script, at + len(key))
        evidence = f"script {key.decode()}"
        claim = read_value(match[1].decode("utf-8", "replace"), evidence, order) if match else None
        if claim:
            yield claim
        at = script.find(key, at + len(key))


def _of_something_else(page: Page, start: int) -> bool:
    """The nearest scope of microdata before byte `start` is a picture's, a comment's or the like."""
    scope = page.content.rfind(b"itemtype", max(0, start - 2_000), start)
    kind = page.content[scope : scope + 80].decode("latin-1") if scope >= 0 else ""
    name = re.search(r"schema\.org/(\w+)", kind)
    return bool(name and _NOT_THE_PAGE.search(name[1]) and not _TEXTS.search(name[1]))
