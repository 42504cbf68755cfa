"""The elements that extraction asks a page for, each with the strings without which a page has none of them.

A selector costs a walk over the whole tree. `structure` looks for all the strings in its one pass over the tags
of a page, so the parser is asked only for what can be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

#: Words of class names that mean furniture; each earned its place on one half of the development pages
#: (scripts/evaluate/text.py), words that also name real content ("share", "widget", "sidebar", "teaser", "date") did not.
_FURNITURE = (
    "caption", "author-", "author_", "credit", "paywall", "footer", "contact", "Related", "Teaser", "Tags",
    "-tags", "linkbox", "download", "noprint", "slider", "cookie-", "cookiebanner", "breadcrumb", "copyright",
    "pagination",
)  # fmt: skip
_ARTICLE_CLASSES = (
    "entry-content", "post-content", "article-content", "article-body", "article__body", "article__content", "articleBody",
    "post-body", "post__content", "entry__content", "story-body", "articleContent", "article-text",
)  # fmt: skip


class Selector(NamedTuple):
    """A CSS selector, and strings of which the tag of each element that it selects holds at least one."""

    css: str
    hints: tuple[str, ...]


SKIPPED = (
    *(Selector(f'[class*="{word}"]:not(html,body,article,main)', (word,)) for word in _FURNITURE),
    Selector("figcaption", ("<figcaption",)),
    Selector("form", ("<form",)),
)
#: Where pages say that their article is, most telling first: each group is asked for as one selector.
NAMED = (
    (Selector("[itemprop~=articleBody],[property~=articleBody]", ("articleBody",)),),
    (
        *(Selector(f".{name}", (name,)) for name in _ARTICLE_CLASSES),
        Selector("#article-body,#articleBody", ("article-body", "articleBody")),
    ),
    (Selector("article", ("<article",)),),
)
#: All strings, in lower case (a search that ignores case finds at least what it must); a set of them is a mask of 64 bits.
HINTS = tuple(dict.fromkeys(hint.lower() for row in (*SKIPPED, *chain(*NAMED)) for hint in row.hints))
ALL = (1 << len(HINTS)) - 1


@lru_cache(maxsize=4096)
def skipped(held: int) -> list[str] | None:
    """What to leave out of a page whose tags hold the hints of the mask `held`: one selector for all of it, or None."""
    css = _join(SKIPPED, held)
    return [css] if css else None


@lru_cache(maxsize=4096)
def named(held: int) -> list[str]:
    """What to ask such a page for to find its article, most telling first."""
    return [css for group in NAMED if (css := _join(group, held))]


def _join(selectors: Sequence[Selector], held: int) -> str:
    """One selector for what those of `selectors` may select where the hints of `held` occur."""
    return ",".join(
        row.css for row in selectors if any(held >> HINTS.index(hint.lower()) & 1 for hint in row.hints)
    )
