"""The main text of an HTML page: what its author wrote, without what the site put around it.

A page is cut into blocks in one linear pass, and each block is judged by what stands in it and around it; no page costs
more than its bytes. trafilatura, or a function of one's own, can take its place in a process of its own (`guard`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.columns import ByteRows
from provenance.annotators.references import resolve
from provenance.annotators.text.blocks import Blocks
from provenance.annotators.text.choice import FALLBACK, Trees, choose
from provenance.annotators.text.furniture import drop_copies, drop_furniture
from provenance.annotators.text.lines import tidy
from provenance.annotators.text.together import count_openings, join, read_texts

_LANG = re.compile(rb"<html\b[^>]{0,1000}?\slang\s*=\s*[\"']?([A-Za-z][A-Za-z0-9_-]{0,34})", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]{0,200}>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_PLAIN = re.compile(r"[\t\n\r -~]*")
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
    """The main text of a page (UTF-8, or what is left of it), in time linear in its length."""
    data = np.frombuffer(page, np.uint8)
    rows = ByteRows(data, np.zeros(1, np.int64), np.array([len(data)], np.int64))
    return next(extract_all(rows, count_openings(rows), whole=False))


def extract_all(rows: ByteRows, openings: NDArray[np.int64], whole: bool = True) -> Iterator[Page]:
    """The main text of each page; `openings`: how many `<` each has, `whole`: all of them are UTF-8 without damage."""
    for number, found in enumerate(read_texts(rows, openings, whole)):
        page = rows.data[rows.starts[number] : rows.stops[number]]
        text = found.text.decode("utf-8", "replace")
        if not found.tidied:
            text = tidy(resolve(text))
        start, stop = found.title
        title = page[start : min(stop, start + _TITLE_BYTES)].tobytes().decode("utf-8", "replace")
        lang = _LANG.search(page[:_HEAD].tobytes())
        yield Page(
            text if found.source == FALLBACK else _without_furniture(text),
            _clean_title(resolve(title)),
            lang.group(1).decode("ascii") if lang else None,
            found.source if found.tags else None,
        )


def extract_blocks(blocks: Blocks, trees: Trees | None = None) -> tuple[str, str]:
    """The main text of a page that was cut into blocks, and where it was found, by other `trees` where they are given."""
    kept, source = choose(blocks, trees)
    out = np.empty(len(blocks.text) + len(blocks.rows), np.uint8)
    size = join(blocks.text, blocks.rows, kept, out)
    found = tidy(resolve(out[:size].tobytes().decode("utf-8", "replace")))
    return found if source == FALLBACK else _without_furniture(found), source


def _without_furniture(found: str) -> str:
    found = drop_copies(found)
    text = drop_furniture(found)
    return text if len(text) > _LEAST_LEFT * len(found) else found


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
    if _PLAIN.fullmatch(title):  # of which `tidy` only joins blanks
        return " ".join(title.split())[:_TITLE_LIMIT]
    return " ".join(tidy(title).split())[:_TITLE_LIMIT]
