"""The main text of an HTML page: what its author wrote, without what the site put around it.

A page is cut into blocks in one linear pass, and each block is judged by what stands in it and around it; no page costs
more than its bytes. trafilatura, or a function of one's own, can take its place in a process of its own (`guard`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numba import njit

from provenance.annotators.references import resolve
from provenance.annotators.text.blocks import BREAKS, START, STOP, Blocks, read_blocks
from provenance.annotators.text.choice import FALLBACK, Trees, choose
from provenance.annotators.text.furniture import drop_furniture
from provenance.annotators.text.lines import tidy

_LANG = re.compile(rb"<html\b[^>]{0,1000}?\slang\s*=\s*[\"']?([A-Za-z][A-Za-z0-9_-]{0,34})", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]{0,200}>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_HEAD = 20000  # bytes in which the language stands
_LEAST_LEFT = 0.5  # of a text, by rules that skip lines of it: more than that is no furniture
_TITLE_LIMIT = 500  # characters
_TITLE_BYTES = 4000


@dataclass(frozen=True)
class Page:
    """What a page says: main text (one paragraph a line), title, the language of its html element, where the text was."""

    text: str
    title: str
    lang: str | None
    source: str | None = None  # one of `choice.SOURCES`; null where there is no markup


def extract(page: bytes) -> Page:
    """The main text of a page (UTF-8), in time linear in its length."""
    blocks = read_blocks(page)
    text, source = extract_blocks(blocks)
    start, stop = blocks.title
    title = page[start : min(stop, start + _TITLE_BYTES)].decode("utf-8", "replace")
    found = _LANG.search(page[:_HEAD])
    return Page(
        text,
        _clean_title(resolve(title)),
        found.group(1).decode("ascii") if found else None,
        source if blocks.tags else None,
    )


def extract_blocks(blocks: Blocks, trees: Trees | None = None) -> tuple[str, str]:
    """The main text of a page that was cut into blocks, and where it was found, by other `trees` where they are given."""
    kept, source = choose(blocks, trees)
    out = np.empty(len(blocks.text) + len(blocks.rows), np.uint8)
    size = _join(blocks.text, blocks.rows, kept, out)
    found = tidy(resolve(out[:size].tobytes().decode("utf-8", "replace")))
    if source == FALLBACK:
        return found, source
    text = drop_furniture(found)
    return (text if len(text) > _LEAST_LEFT * len(found) else found), source


def extract_with_trafilatura(page: str) -> Page:
    """The same with trafilatura (an extra), at many times the cost.

    Raises `ImportError` where the extra `trafilatura` is not installed.
    """
    from trafilatura import extract as trafilatura_extract

    text = trafilatura_extract(page, include_comments=False, deduplicate=False) or ""
    found = _TITLE.search(page)
    lang = _LANG.search(page[:_HEAD].encode("utf-8", "replace"))
    return Page(
        tidy(text),
        _clean_title(resolve(found.group(1))) if found else "",
        lang.group(1).decode("ascii") if lang else None,
    )


def _clean_title(title: str) -> str:
    return " ".join(tidy(title).split())[:_TITLE_LIMIT]


@njit(cache=True, nogil=True)
def _join(text, rows, kept, out):  # type: ignore[no-untyped-def]
    size, before = 0, -1
    for i in range(len(rows)):
        if kept[i]:
            if before >= 0:
                out[size] = 32 if before == i - 1 and rows[i, BREAKS] == 1 else 10
                size += 1
            for place in range(rows[i, START], rows[i, STOP]):
                out[size] = text[place]
                size += 1
            before = i
    return size
