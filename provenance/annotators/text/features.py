"""What is known of each block of a page, as numbers: its own text, its neighbours, its place, and what stands above it.

Nothing here names a site. A mark or word of class names that covers over half of the prose of a page says nothing
about any part of it, and is taken away: a page inside one form, or inside what is called a slider, is read as any other.
What covers less counts by how little: the name of one caption says more than that of a third of the page.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.kernel import kernel
from provenance.annotators.text import names, phrases
from provenance.annotators.text.blocks import (
    BREAKS,
    CAPITALS,
    CHARS,
    DIGITS,
    ELEMENT,
    FIRST,
    LAST,
    LINKED,
    PARENT,
    SPACES,
    START,
    STOP,
    STOPS,
    TAG,
    Blocks,
)  # fmt: skip
from provenance.annotators.text.phrases import count_phrases
from provenance.annotators.text.title import LEAST, share_of, word_starts

#: Prose is a block of so many characters of which less than this share are links.
_PROSE_CHARS, _PROSE_LINKED = 60, 0.4
_ROOTS = np.array([0.5, 0.7, 0.9])  # shares of the prose that the deepest element must hold
_LEVELS = 4  # elements above a block that are described
_FAR = 20  # blocks; farther ones are all the same
_OVER_HALF = 0.5

_OWN = "chars linked spaces stops digits capitals ends colon breaks separators signs starts titled".split()
_AROUND = (
    "before_chars before_linked before_prose after_chars after_linked after_prose since_prose until_prose prose_above "
    "position after_heading since_heading"
).split()
_ALIKE = "alike_count alike_chars alike_linked alike_prose repeated".split()
_PLACE = (
    *(f"root_{share:.0%}" for share in _ROOTS),
    *(f"{what}_{level}" for level in range(_LEVELS) for what in ("prose", "share", "linked", "blocks")),
    "page_prose", "page_blocks", "page_article", "page_articles", "article_share", "article_number", "section_share", "list_share",
)  # fmt: skip
_PHRASES = tuple(f'"{group[0]}"' for group in phrases.PHRASES)
_MARKS = tuple(f"<{mark}>" for mark in names.MARKS)
_WORDS = tuple(f".{group[0]}" for group in names.WORDS)
#: Names of the columns of `describe`.
NAMES = (*_OWN, *_AROUND, *_ALIKE, *_PLACE, *_PHRASES, *_MARKS, *_WORDS)

_AT = {}
_next = 0
for _section, _width in (
    ("own", len(_OWN)),
    ("around", len(_AROUND)),
    ("alike", len(_ALIKE)),
    ("place", len(_PLACE)),
    ("phrases", len(_PHRASES)),
    ("marks", len(_MARKS)),
    ("words", len(_WORDS)),
):
    _AT[_section] = _next
    _next += _width
_AROUND_AT, _ALIKE_AT, _PLACE_AT, _PHRASES_AT, _MARKS_AT, _WORDS_AT = (
    _AT[name] for name in ("around", "alike", "place", "phrases", "marks", "words")
)
_MARK_COUNT, _WORD_COUNT = len(_MARKS), len(_WORDS)
_PHRASE_HASHES, _PHRASE_GROUPS = phrases.phrase_table()
_PHRASE_COUNT = len(_PHRASES)
_NEAREST = np.array([1 + names.CONTEXTS.index(name) for name in ("article", "section", "ul")])
_FURNITURE = np.uint64(sum(1 << names.MARKS.index(mark) for mark in names.FURNITURE))
_ARTICLE, _H1 = (np.uint64(1 << names.CONTEXTS.index(name)) for name in ("article", "h1"))


def describe(blocks: Blocks) -> npt.NDArray[np.float32]:
    """One row of `NAMES` for each block (float32[blocks, len(NAMES)])."""
    table = np.zeros((len(NAMES), len(blocks.rows)), np.float32).T
    if len(blocks.rows):
        describe_into(
            text=blocks.text, rows=blocks.rows, marks=blocks.marks, words=blocks.words, paths=blocks.paths,
            elements=blocks.elements, title=blocks.title, table=table,
        )  # fmt: skip
    return table


@njit(cache=True, nogil=True)
def prose_of(rows):  # type: ignore[no-untyped-def]
    """Characters of prose of each block: those outside links where the block is long and mostly no link."""
    prose = np.zeros(len(rows))
    for i in range(len(rows)):
        chars, linked = rows[i, CHARS], rows[i, LINKED]
        if chars >= _PROSE_CHARS and linked < _PROSE_LINKED * chars:
            prose[i] = chars - linked
    return prose


@njit(cache=True, nogil=True)
def _sums(values):  # type: ignore[no-untyped-def]
    sums = np.zeros(len(values) + 1)
    for i in range(len(values)):
        sums[i + 1] = sums[i] + values[i]
    return sums


@njit(cache=True, nogil=True)
def describe_into(text, rows, marks, words, paths, elements, title, table):  # type: ignore[no-untyped-def]
    """Fill the table of zeros that `describe` returns."""
    prose = prose_of(rows)
    _own(text, rows, title, table=table)
    _around(prose, rows, marks, table)
    _alike(text, rows, paths, prose, table)
    _place(rows, marks, elements, prose, table)
    _called(marks, _FURNITURE, prose, table[:, _MARKS_AT : _MARKS_AT + _MARK_COUNT])
    _called(words, ~np.uint64(0), prose, table[:, _WORDS_AT : _WORDS_AT + _WORD_COUNT])


@njit(cache=True, nogil=True)
def _own(text, rows, title, table):  # type: ignore[no-untyped-def]
    starts, begins = word_starts(title)
    for i in range(len(rows)):
        row, chars = rows[i], max(rows[i, CHARS], 1)
        last = text[row[STOP] - 1] if row[STOP] > row[START] else np.uint8(0)
        separators = signs = 0
        for place in range(row[START], row[STOP]):
            byte = text[place]
            separators += byte == 124 or byte == 0xC2  # a bar, or a sign such as the middle dot
            # The signs are # @ / [ > _
            signs += byte == 35 or byte == 64 or byte == 47 or byte == 91 or byte == 62 or byte == 95
        table[i, 0] = np.log1p(row[CHARS])
        table[i, 1] = row[LINKED] / chars
        table[i, 2] = np.log1p(row[SPACES])
        table[i, 3] = row[STOPS] / chars
        table[i, 4] = row[DIGITS] / chars
        table[i, 5] = row[CAPITALS] / chars
        # . ! ? " and the last bytes of closing quotation marks and of the ideographic full stop
        table[i, 6] = last == 46 or last == 33 or last == 63 or last == 34 or last == 0x9D or last == 0x82
        table[i, 7] = last == 58
        table[i, 8] = row[BREAKS]
        table[i, 9] = np.log1p(separators)
        table[i, 10] = np.log1p(signs)
        table[i, 11] = _kind_of(text[row[START]]) if row[STOP] > row[START] else 0
        block = text[row[START] : row[STOP]]
        if len(block) >= LEAST and begins[block[0]]:
            table[i, 12] = share_of(block, title, starts)
        if len(block) <= phrases.LONGEST:
            counts = table[i, _PHRASES_AT : _PHRASES_AT + _PHRASE_COUNT]
            count_phrases(block, _PHRASE_HASHES, _PHRASE_GROUPS, counts)


@kernel
def _kind_of(byte):  # type: ignore[no-untyped-def]
    """What a text begins with: a sign, a digit, a capital, a letter beyond ASCII, a small letter."""
    if byte >= 128:
        return 3
    return 4 if 97 <= byte <= 122 else 2 if 65 <= byte <= 90 else 1 if 48 <= byte <= 57 else 0


@njit(cache=True, nogil=True)
def _around(prose, rows, marks, table):  # type: ignore[no-untyped-def]
    n, total, above = len(rows), max(prose.sum(), 1.0), 0.0
    last = heading = -_FAR - 1
    for i in range(n):
        x = table[i, _AROUND_AT:]
        for other, at in ((i - 1, 0), (i + 1, 3)):
            if 0 <= other < n:
                x[at], x[at + 1], x[at + 2] = table[other, 0], table[other, 1], np.log1p(prose[other])
        x[6] = min(i - last, _FAR + 1)
        x[8] = above / total
        x[9] = i / n
        x[10] = heading >= 0
        x[11] = min(i - heading, _FAR + 1)
        above += prose[i]
        if prose[i]:
            last = i
        if marks[i] & _H1:
            heading = i
    following = n + _FAR + 1
    for i in range(n - 1, -1, -1):
        table[i, _AROUND_AT + 7] = min(following - i, _FAR + 1)
        if prose[i]:
            following = i


@njit(cache=True, nogil=True)
def _alike(text, rows, paths, prose, table):  # type: ignore[no-untyped-def]
    """Of all blocks in elements of the same names: what repeats is a list of other pages, or the paragraphs of this."""
    n, total = len(rows), max(prose.sum(), 1.0)
    order = np.argsort(paths)
    start = 0
    while start < n:
        stop, chars, linked, good = start, 0.0, 0.0, 0.0
        while stop < n and paths[order[stop]] == paths[order[start]]:
            chars += rows[order[stop], CHARS]
            linked += rows[order[stop], LINKED]
            good += prose[order[stop]]
            stop += 1
        for place in range(start, stop):
            x = table[order[place], _ALIKE_AT:]
            x[0] = np.log1p(stop - start)
            x[1] = np.log1p(chars / (stop - start))
            x[2] = linked / max(chars, 1.0)
            x[3] = good / total
        start = stop
    hashes = np.zeros(n, np.uint64)
    for i in range(n):
        value = np.uint64(0xCBF29CE484222325)
        for place in range(rows[i, START], rows[i, STOP]):
            value = (value ^ np.uint64(text[place])) * np.uint64(0x100000001B3)
        hashes[i] = value
    order = np.argsort(hashes)
    for place in range(1, n):
        if hashes[order[place]] == hashes[order[place - 1]]:
            table[order[place], _ALIKE_AT + 4] = 1
            table[order[place - 1], _ALIKE_AT + 4] = 1


@njit(cache=True, nogil=True)
def _place(rows, marks, elements, prose, table):  # type: ignore[no-untyped-def]
    n = len(rows)
    good, chars, linked = _sums(prose), _sums(rows[:, CHARS]), _sums(rows[:, LINKED])
    total, article = max(good[n], 1.0), 0.0
    roots = np.zeros(len(_ROOTS), np.int64)
    # The nearest article, section and list above each element.
    above = np.zeros((len(elements), len(_NEAREST)), np.int64)
    numbers, articles = np.zeros(len(elements), np.int64), 0
    for element in range(1, len(elements)):
        for number in range(len(_NEAREST)):
            named = elements[element, TAG] == _NEAREST[number]
            above[element, number] = element if named else above[elements[element, PARENT], number]
        if elements[element, TAG] == _NEAREST[0]:
            articles += 1
            numbers[element] = articles
    for element in range(len(elements)):
        held = good[elements[element, LAST]] - good[elements[element, FIRST]]
        for number in range(len(_ROOTS)):
            if held >= _ROOTS[number] * good[n]:
                roots[number] = element
    for i in range(n):
        if marks[i] & _ARTICLE:
            article += prose[i]
    for i in range(n):
        x = table[i, _PLACE_AT:]
        for number in range(len(_ROOTS)):
            root = elements[roots[number]]
            x[number] = root[FIRST] <= i < root[LAST]
        at = len(_ROOTS)
        element = rows[i, ELEMENT]
        for _ in range(_LEVELS):
            first, last = elements[element, FIRST], elements[element, LAST]
            x[at] = np.log1p(good[last] - good[first])
            x[at + 1] = (good[last] - good[first]) / total
            x[at + 2] = (linked[last] - linked[first]) / max(chars[last] - chars[first], 1.0)
            x[at + 3] = np.log1p(last - first)
            at += 4
            element = max(elements[element, PARENT], 0)
        x[at] = np.log1p(good[n])
        x[at + 1] = np.log1p(n)
        x[at + 2] = article / total
        x[at + 3] = np.log1p(articles)
        x[at + 5] = numbers[above[rows[i, ELEMENT], 0]]
        for number, place in ((0, 4), (1, 6), (2, 7)):
            nearest = above[rows[i, ELEMENT], number]
            if nearest:
                x[at + place] = (good[elements[nearest, LAST]] - good[elements[nearest, FIRST]]) / total


@njit(cache=True, nogil=True)
def _called(masks, doubtful, prose, table):  # type: ignore[no-untyped-def]
    """Write the bits of `masks`, the `doubtful` ones as one less the share of the prose that they cover, if that is over a half."""
    count = table.shape[1]
    covered = np.zeros(count)
    for i in range(len(masks)):
        if prose[i]:
            for bit in range(count):
                if masks[i] >> np.uint64(bit) & np.uint64(1):
                    covered[bit] += prose[i]
    total, weights = max(prose.sum(), 1.0), np.zeros(count, np.float32)
    telling = np.uint64(0)
    for bit in range(count):
        mask = np.uint64(1) << np.uint64(bit)
        weights[bit] = 1 - covered[bit] / total if doubtful & mask else 1
        if weights[bit] >= 1 - _OVER_HALF:
            telling |= mask
    for i in range(len(masks)):
        mask = masks[i] & telling
        for bit in range(count):
            table[i, bit] = weights[bit] * np.float32(mask >> np.uint64(bit) & np.uint64(1))
