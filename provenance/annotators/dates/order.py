"""In which order a page writes day, month and year, and by which clocks: read off its language, and off its host.

Source: the short dates of the Unicode CLDR, by language and territory.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from provenance.annotators.page.markup import attributes
from provenance.annotators.page.search import Page

#: What a date of three numbers begins with, where more than one reading is possible.
Order = Literal["day", "month", "year"]

#: Territories in which English is written month first.
_MONTH_FIRST = frozenset(("us", "ph", "ca", "as", "gu", "pr", "vi", "mp", "fm", "pw", "mh"))
_YEAR_FIRST = frozenset(("ja", "ko", "zh", "hu", "lt", "mn", "eu"))
_YEAR_FIRST_HOSTS = frozenset(("jp", "kr", "cn", "tw", "hu", "lt", "mn"))
_GENERIC_HOSTS = frozenset(("com", "org", "net", "edu", "gov", "us", "mil", "info"))
#: Hours east of UTC, summer included, where most of a language is written (IANA time zones of its countries).
_HOURS_EAST = {
    language: (first, last)
    for languages, first, last in (
        ("de it nl pl cs sk sl hr sr bs hu sv da no nb nn sq mk mt", 1, 2),
        ("fi et lv lt bg ro el uk he", 2, 3),
        ("is ga cy", 0, 1), ("tr be", 3, 3), ("fa", 3, 5), ("hi bn ta te mr ml gu kn pa ne", 5, 6),
        ("th vi", 7, 7), ("id", 7, 9), ("zh ms", 8, 8), ("ja ko", 9, 9),
    )
    for language in languages.split()
}  # fmt: skip
#: Tags of roots that are remembered: all pages of a site have the same, of at most 4 KB.
_REMEMBERED = 512
_HOST_END = re.compile(r"[a-z]+://[^/:?#]*?([a-z]+)(?=[:/?#]|$)")


def order_of(url: str, page: Page | None) -> Order:
    """The order of the page at `url`: 3/4/2020 is March 4 in US English, and in English on a host of no country."""
    language, _, territory = _language(page).partition("-")
    if language in _YEAR_FIRST:
        return "year"
    if language == "en" and territory:
        return "month" if territory[-2:] in _MONTH_FIRST else "day"
    if language in ("en", ""):
        match = _HOST_END.match(url[:300].lower())
        host = match[1] if match else ""
        if host in _YEAR_FIRST_HOSTS and not language:
            return "year"
        return "month" if host in _GENERIC_HOSTS else "day"
    return "day"


def hours_east(page: Page) -> tuple[int, int]:
    """Between how many hours east of UTC the language of the page is written: everywhere, where it names none or a wide one."""
    return _HOURS_EAST.get(_language(page).partition("-")[0], (-8, 13))


def _language(page: Page | None) -> str:
    """The language tag of the page's root, in lower case; empty where it has none."""
    root = page.first(b"html") if page else None
    return _language_of(root[1]) if root else ""


@lru_cache(_REMEMBERED)
def _language_of(root: bytes) -> str:
    values = attributes(root)
    tag = values.get(b"lang") or values.get(b"xml:lang") or b""
    return tag.decode("latin-1").lower().replace("_", "-").strip()
