"""What a page would cost an HTML parser, and its text without one: both in one linear pass over the bytes.

Parsers are quadratic, or worse, in nesting depth, attributes of a tag and unclosed formatting; this module
measures those before a parser sees the page, and gives the plain text of pages that no parser should see.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from provenance.annotators.hashing import hash_word
from provenance.annotators.kernel import kernel
from provenance.annotators.references import resolve
from provenance.annotators.text.markup import is_letter, read_name, skip_comment, skip_raw, skip_tag

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
    return np.sort(np.array([hash_word(name) for name in names.split()], np.uint64))


class _Tables(NamedTuple):
    """Sorted hashes of the names of elements."""

    flat: np.ndarray
    formatting: np.ndarray
    raw: np.ndarray
    block: np.ndarray


_TABLES = _Tables(*(_table(names) for names in (_FLAT, _FORMATTING, _RAW, _BLOCK)))


class Structure(NamedTuple):
    """Upper bounds of what a parser would build."""

    depth: int  # elements open at once
    attributes: int  # of the richest tag
    formatting: int  # formatting elements open at once
    tags: int
    tag_bytes: int  # of the longest tag


@kernel
def _has(table: np.ndarray, key: np.uint64) -> bool:
    at = np.searchsorted(table, key)
    return bool(at < len(table) and table[at] == key)


@kernel
def _count_attributes(data, at):  # type: ignore[no-untyped-def]
    """Attributes of the tag whose name ends at `at`, and where its `>` is."""
    attributes, quote, inside, after_equals = 0, np.uint8(0), False, False
    while at < len(data):
        byte = data[at]
        if quote:
            if byte == quote:
                quote = np.uint8(0)
        elif byte == 62:
            break
        elif (byte == 34 or byte == 39) and after_equals:
            quote = byte
            after_equals = inside = False
        elif byte <= 32 or byte == 47:
            inside = False
        elif byte == 61:
            after_equals = True
        else:
            attributes += not inside and not after_equals
            after_equals = False
            inside = True
        at += 1
    return attributes, at


@kernel
def _copy_text(data, at, out, size):  # type: ignore[no-untyped-def]
    """Copy text, from the byte at `at` to the next `<`, where `out` is not empty; positions after it in both."""
    while True:
        if len(out):
            out[size] = data[at]
            size += 1
        at += 1
        if at >= len(data) or data[at] == 60:
            return at, size


@kernel
def _scan(data, tables, out):  # type: ignore[no-untyped-def]
    """Measure `data`; with a non-empty `out` (as long as `data`) also write the text there."""
    n, at, size = len(data), 0, 0
    depth = deepest = open_formatting = most_formatting = most_attributes = tags = longest = 0
    while at < n:
        following = data[at + 1] if data[at] == 60 and at + 1 < n else np.uint8(0)
        if following == 33 or following == 63:
            at = skip_comment(data, at)
            continue
        named = at + 2 if following == 47 else at + 1
        if following == 0 or named >= n or not is_letter(data[named]):
            at, size = _copy_text(data, at, out, size)
            continue
        start = at
        key, at = read_name(data, named)
        attributes, at = _count_attributes(data, at)
        self_closed = at < n and data[at - 1] == 47
        at += 1
        tags += 1
        longest = max(longest, at - start)
        most_attributes = max(most_attributes, attributes)
        if len(out) and _has(tables.block, key):
            out[size] = 10
            size += 1
        if following == 47:
            if depth > 0 and not _has(tables.flat, key):
                depth -= 1
            if open_formatting > 0 and _has(tables.formatting, key):
                open_formatting -= 1
        elif _has(tables.raw, key):
            if not self_closed:
                at = skip_tag(data, skip_raw(data, at, key))
        elif not _has(tables.flat, key):
            depth += 1
            deepest = max(deepest, depth)
            if _has(tables.formatting, key):
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
    return resolve(out[:size].tobytes().decode("utf-8", "replace"))


def _run(page: bytes, out: np.ndarray) -> tuple[int, int, int, int, int, int]:
    found: tuple[int, int, int, int, int, int] = _scan(np.frombuffer(page, np.uint8), _TABLES, out)
    return found
