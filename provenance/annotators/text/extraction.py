"""The main text of an HTML page: what its author wrote, without what the site put around it.

resiliparse finds the main content; this module adds what it misses: elements whose class says that they
are furniture, the element that the page itself names as its article, and lines that only lead elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from provenance.annotators.text import selectors
from provenance.annotators.text.furniture import drop_furniture
from provenance.annotators.text.lines import tidy

_LANG = re.compile(r"<html\b[^>]{0,1000}?\slang\s*=\s*[\"']?([A-Za-z][A-Za-z0-9_-]{0,34})", re.IGNORECASE)
_TITLE_LIMIT = 500  # characters
#: A named element is believed from this length on, and from this share of what the extractor found (tuned).
_NAMED_CHARS = 300
_NAMED_SHARE = 0.5
#: A text shorter than so many characters, beside a page with so many times more, is a failed extraction.
_SUSPICIOUS = 200
_SUSPICIOUS_FACTOR = 3
#: Characters from which on a named element is an article without comparison, which costs a second pass.
_NAMED_SURE = 2000


@dataclass(frozen=True)
class Page:
    """What a page says: main text (one paragraph a line), title and the language of its html element."""

    text: str
    title: str
    lang: str | None


def extract(page: str, held: int = selectors.ALL) -> Page:
    """The main text of an HTML page; cost is quadratic in nesting depth, so bound that first (`structure`).

    `held`: which of `selectors.HINTS` its tags hold, as `structure.measure` found; those of others are not looked for.
    """
    tree = HTMLTree.parse(page)
    found = tidy(_main(tree, held))
    text = drop_furniture(found)
    if (
        len(found) < _SUSPICIOUS
    ):  # the whole page may sit in what looked like furniture: ask again, more simply
        plain = tidy(extract_plain_text(HTMLTree.parse(page), alt_texts=False, list_bullets=False))
        text = plain if len(plain) > _SUSPICIOUS_FACTOR * len(text) else text
    return Page(text, _title(tree.title or ""), _lang(page))


def extract_with_trafilatura(page: str) -> Page:
    """The same with trafilatura (an extra): better text at ten times the cost.

    Raises `ImportError` where the extra `trafilatura` is not installed.
    """
    from trafilatura import extract as trafilatura_extract

    text = trafilatura_extract(page, include_comments=False, deduplicate=False) or ""
    return Page(tidy(text), _title(HTMLTree.parse(page).title or ""), _lang(page))


def _main(tree: HTMLTree, held: int) -> str:
    body = tree.body
    skip = selectors.skipped(held)
    if body is None:
        return _plain(tree, skip)
    whole: str | None = None
    for css in selectors.named(held):
        sizes = [(len(node.text or ""), node) for node in body.query_selector_all(css)]
        size, longest = max(sizes, key=lambda sized: sized[0], default=(0, None))
        if longest is None or size < _NAMED_CHARS:
            continue
        if size < _NAMED_SURE:  # short for an article: only if the rest of the page has little more
            whole = _plain(tree, skip) if whole is None else whole
            if size < _NAMED_SHARE * len(whole):
                continue
        body.replace_children(longest)
        named = _plain(tree, skip)
        if whole is not None:
            return named if len(named) > _NAMED_SHARE * len(whole) else whole
        if len(named) > _NAMED_SHARE * _NAMED_SURE:
            return named
        return extract_plain_text(tree, alt_texts=False, list_bullets=False, skip_elements=skip)
    return _plain(tree, skip) if whole is None else whole


def _plain(tree: HTMLTree, skip: list[str] | None) -> str:
    return extract_plain_text(
        tree, main_content=True, comments=False, alt_texts=False, list_bullets=False, skip_elements=skip
    )


def _title(title: str) -> str:
    return " ".join(tidy(title).split())[:_TITLE_LIMIT]


def _lang(page: str) -> str | None:
    found = _LANG.search(page[:20000])
    return found.group(1) if found else None
