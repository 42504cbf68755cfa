"""What a page would cost an HTML parser, and its text without one: both in one linear pass over the bytes.

Parsers are quadratic, or worse, in nesting depth, attributes of a tag and unclosed formatting; this module
measures those before a parser sees the page, and gives the plain text of pages that no parser should see.
"""

from __future__ import annotations

import html
from typing import NamedTuple

import numpy as np
from numba import njit

from provenance.annotators.text.names import hash_of

#: Elements that no parser nests (void), or closes by itself at the next of their kind: no depth in them.
_FLAT = "area base br col embed hr img input link meta param source track wbr p li dt dd tr td th option thead tbody html body head"
#: Reopened by the parser in each new block while unclosed (HTML standard, 13.2.4.3): they multiply.
_FORMATTING = "a b big code em font i nobr s small strike strong tt u"
#: Between their tags there is no markup.
_RAW = "script style title textarea xmp iframe noembed noframes svg template"
#: End a line of text.
_BLOCK = (
    "address article aside blockquote body br center dd details dialog dir div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol optgroup option p pre section summary table tbody td tfoot "
    "th thead title tr ul"
)


def _table(names: str) -> np.ndarray:
    return np.sort(np.array([hash_of(name) for name in names.split()], np.uint64))


_TABLES = tuple(_table(names) for names in (_FLAT, _FORMATTING, _RAW, _BLOCK))


class Structure(NamedTuple):
    """Upper bounds of what a parser would build."""

    depth: int  # elements open at once
    attributes: int  # of the richest tag
    formatting: int  # formatting elements open at once
    tags: int
    tag_bytes: int  # of the longest tag


@njit(cache=True, nogil=True)
def _has(table: np.ndarray, key: np.uint64) -> bool:
    at = np.searchsorted(table, key)
    return bool(at < len(table) and table[at] == key)


@njit(cache=True, nogil=True)
def _letter(byte: int) -> bool:
    return (97 <= byte <= 122) or (65 <= byte <= 90)


@njit(cache=True, nogil=True)
def _name(data: np.ndarray, at: int) -> tuple[np.uint64, int]:
    """Hash of the lower-cased tag name that starts at `at`, and where it ends."""
    value = np.uint64(0xCBF29CE484222325)
    while at < len(data):
        byte = data[at]
        if byte <= 32 or byte == 47 or byte == 62:
            break
        if 65 <= byte <= 90:
            byte += np.uint8(32)
        value = (value ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        at += 1
    return value, at


@njit(cache=True, nogil=True)
def _scan(
    data: np.ndarray,
    flat: np.ndarray,
    formatting: np.ndarray,
    raw: np.ndarray,
    block: np.ndarray,
    out: np.ndarray,
) -> tuple[int, int, int, int, int, int]:
    """Measure `data`; with a non-empty `out` (as long as `data`) also write the text there."""
    n, at, size = len(data), 0, 0
    depth = deepest = open_formatting = most_formatting = most_attributes = tags = longest = 0
    write = len(out) > 0
    while at < n:
        byte = data[at]
        if byte != 60:
            if write:
                out[size] = byte
                size += 1
            at += 1
            continue
        start = at
        following = data[at + 1] if at + 1 < n else np.uint8(0)
        if following == 33 or following == 63:  # <! and <?
            at += 2
            if following == 33 and at + 1 < n and data[at] == 45 and data[at + 1] == 45:
                at += 2
                inner = at
                while at < n and not (  # --> or --!>
                    data[at] == 62
                    and (
                        (data[at - 1] == 45 and data[at - 2] == 45)
                        or (
                            at - 3 >= inner
                            and data[at - 1] == 33
                            and data[at - 2] == 45
                            and data[at - 3] == 45
                        )
                    )
                ):
                    at += 1
            else:
                while at < n and data[at] != 62:
                    at += 1
            at += 1
            continue
        closing = following == 47
        named = at + 2 if closing else at + 1
        if named >= n or not _letter(data[named]):
            if write:
                out[size] = byte
                size += 1
            at += 1
            continue
        key, at = _name(data, named)
        attributes, quote, inside, after_equals = 0, np.uint8(0), False, False
        while at < n:
            byte = data[at]
            if quote:
                if byte == quote:
                    quote = np.uint8(0)
            elif byte == 62:
                break
            elif (byte == 34 or byte == 39) and after_equals:
                quote = byte
                after_equals = False
                inside = False
            elif byte <= 32 or byte == 47:
                inside = False
            else:
                if byte == 61:
                    after_equals = True
                elif not inside and not after_equals:
                    attributes += 1
                    inside = True
                else:
                    after_equals = False
                    inside = True
            at += 1
        self_closed = at > 0 and at < n and data[at - 1] == 47
        at += 1
        tags += 1
        longest = max(longest, at - start)
        most_attributes = max(most_attributes, attributes)
        if write and _has(block, key):
            out[size] = 10
            size += 1
        if closing:
            if not _has(flat, key) and depth > 0:
                depth -= 1
            if open_formatting > 0 and _has(formatting, key):
                open_formatting -= 1
            continue
        if _has(raw, key):
            if self_closed:
                continue
            while at < n:  # to the end tag of the same name
                if data[at] == 60 and at + 2 < n and data[at + 1] == 47 and _letter(data[at + 2]):
                    other, end = _name(data, at + 2)
                    if other == key:
                        while end < n and data[end] != 62:
                            end += 1
                        at = end + 1
                        break
                at += 1
            continue
        if not _has(flat, key):
            depth += 1
            deepest = max(deepest, depth)
            if _has(formatting, key):
                open_formatting += 1
                most_formatting = max(most_formatting, open_formatting)
    return deepest, most_attributes, most_formatting, tags, longest, size


def measure(page: bytes) -> Structure:
    """Bounds of what a parser would build from `page` (ASCII-compatible bytes); linear in its length."""
    depth, attributes, formatting, tags, tag_bytes, _ = _run(page, np.empty(0, np.uint8))
    return Structure(depth, attributes, formatting, tags, tag_bytes)


def strip(page: bytes) -> str:
    """All visible text of `page` (UTF-8), lines broken at block elements; linear in its length."""
    out = np.empty(max(len(page), 1), np.uint8)
    size = _run(page, out)[-1]
    return html.unescape(out[:size].tobytes().decode("utf-8", "replace"))


def _run(page: bytes, out: np.ndarray) -> tuple[int, int, int, int, int, int]:
    flat, formatting, raw, block = _TABLES
    found: tuple[int, int, int, int, int, int] = _scan(
        np.frombuffer(page, np.uint8), flat=flat, formatting=formatting, raw=raw, block=block, out=out
    )
    return found
