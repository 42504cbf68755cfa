"""Where a page's own headline stands: what repeats its title, where the first heading is a site's name.

All that is read near a headline depends on this place: a wrong one dates the page by its menu.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from provenance.annotators.page.search import Page
from provenance.annotators.references import resolve

#: Characters of a title by which a headline is known, the fewest, and those that are read; what parts it from the site's name.
_TITLE, _LEAST_TITLE, _LONGEST_TITLE = 24, 10, 300
_TITLE_PARTS = re.compile(
    rb" [|:/\xc2\xb7-]+ | (?:\xe2\x80[\x93\x94\xa2]|\xc2\xbb|\xc2\xab) |\xef\xbd\x9c"
    rb"| &(?:#(?:0?124|171|183|187|8211|8212|8226)|ndash|mdash|[lr]aquo|middot|bull); "
)
#: A title of no more than a site's name.
_HOST = re.compile(rb"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}")
#: Headings that are compared with the title, bytes of each, and characters of these among which its beginning stands.
_MOST_HEADINGS, _LONGEST_HEADING, _EARLY = 5, 800, 200
#: Places of the title that are looked at, and the bytes before one in which a heading opens.
_MOST_REPEATED, _OPENING = 50, 400
#: Bytes of the body in which the title is sought where no `<h1>` holds it.
_SEARCHED = 150_000
_HEADING = re.compile(rb"<h[1-6](?![\w-])(?!.*</h[1-6])", re.IGNORECASE | re.DOTALL)


def find_headline(page: Page) -> int:
    """The first byte of the page's headline, or else of the first `<h1>`, of the title's first repetition, or of the body.

    The headline is an `<h1>` that holds the longest part of the page's title, or another heading that begins with it.
    """
    body = page.body
    title = read_title(page, body)
    headings = list(islice((pair for pair in page.tags(b"h1") if pair[0] >= body), _MOST_HEADINGS))
    for start, tag in headings[:1]:
        end = start + len(tag)
        if (
            len(page.content[end : end + _TITLE].strip()) >= _LEAST_TITLE
            and page.content[end : end + _TITLE] in title
        ):
            return start  # as most do, letter by letter
    longest = _longest_part(title)
    if not longest:
        return headings[0][0] if headings else body
    sought = plain(longest)[:_TITLE]
    for start, _ in headings:
        if sought in _plain_text(page, start):
            return start
    first = None
    for at in _repetitions(page, longest[:_TITLE], body):
        if _HEADING.search(page.content, max(0, at - _OPENING), at):
            return at
        first = at if first is None else first
    return headings[0][0] if headings else body if first is None else first


def _plain_text(page: Page, start: int) -> str:
    return plain(page.text(start, start + _LONGEST_HEADING))[:_EARLY]


def plain(raw: bytes | str) -> str:
    """A title's words, character references resolved, without capitals: what is compared."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return " ".join(resolve(text).split()).casefold()


def _repetitions(page: Page, title: bytes, body: int) -> Iterator[int]:
    """Where the body's text holds the beginning of its title."""
    at, end = body - 1, body + _SEARCHED
    for _ in range(_MOST_REPEATED):
        at = page.content.find(title, at + 1, end)
        if at < 0:
            return
        if page.is_text(at):
            yield at


def read_title(page: Page, body: int) -> bytes:
    """The content of the page's `<title>`, its first characters; empty where there is none before byte `body`."""
    end = body or len(page.content)
    start = page.content.find(b"<title", 0, end)
    if start < 0:
        return b""
    start = page.content.find(b">", start, end) + 1
    return page.content[start : page.content.find(b"</", start, end)][:_LONGEST_TITLE].strip()


def _longest_part(title: bytes) -> bytes:
    """The longest part of the title; empty where it is too short to be known again."""
    longest = max(_TITLE_PARTS.split(title), key=len).strip()
    return longest if len(longest) >= _LEAST_TITLE and not _HOST.fullmatch(longest) else b""
