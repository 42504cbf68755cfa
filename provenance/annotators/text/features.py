"""What is known of each block of a page, as numbers: its own text, its neighbours, its place, and what stands above it.

Nothing here names a site. A mark or word of class names that covers over half of the prose of a page says nothing
about any part of it, and is taken away: a page inside one form, or inside what is called a slider, is read as any other.
What covers less counts by how little: the name of one caption says more than that of a third of the page.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.byte_search import eight_bytes
from provenance.annotators.hashing import BASIS, GOLDEN, PRIME
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
_AROUND_COUNT, _MARK_COUNT, _WORD_COUNT = len(_AROUND), len(_MARKS), len(_WORDS)
_PHRASE_HASHES, _PHRASE_GROUPS = phrases.phrase_table()
_PHRASE_COUNT = len(_PHRASES)
_NEAREST = np.array([1 + names.CONTEXTS.index(name) for name in ("article", "section", "ul")])
_FURNITURE = np.uint64(sum(1 << names.MARKS.index(mark) for mark in names.FURNITURE))
#: Slots of a table of keys that are looked at for one.
_MOST_PROBES = 16
#: Logarithms of one more than a count, as the C library tells them; a page asks for some four thousand.
_COUNTED = 4096
_LOGARITHMS = np.array([math.log1p(count) for count in range(_COUNTED)], np.float32)
#: What is counted of the signs of a text, each in a half of a number: | and the first byte of signs such as the middle dot; # @ / [ > _
_SEEN = np.zeros(256, np.uint64)
_SEEN[[124, 0xC2]], _SEEN[[35, 64, 47, 91, 62, 95]] = 1, 1 << 32
_ARTICLE, _H1 = (np.uint64(1 << names.CONTEXTS.index(name)) for name in ("article", "h1"))


def describe(blocks: Blocks) -> npt.NDArray[np.float32]:
    """One row of `NAMES` for each block (float32[blocks, len(NAMES)])."""
    columns = np.zeros((len(NAMES), len(blocks.rows)), np.float32)
    if len(blocks.rows):
        describe_into(
            text=blocks.text, rows=blocks.rows, marks=blocks.marks, words=blocks.words, paths=blocks.paths,
            elements=blocks.elements, title=blocks.title, columns=columns, first=0,
        )  # fmt: skip
    return columns.T


@njit(cache=True, nogil=True)
def prose_of(rows):  # type: ignore[no-untyped-def]
    """Characters of prose of each block: those outside links where the block is long and mostly no link."""
    prose = np.zeros(len(rows), np.int64)
    for i in range(len(rows)):
        chars, linked = rows[i, CHARS], rows[i, LINKED]
        if chars >= _PROSE_CHARS and linked < _PROSE_LINKED * chars:
            prose[i] = chars - linked
    return prose


@njit(cache=True, nogil=True)
def describe_into(text, rows, marks, words, paths, elements, title, columns, first):  # type: ignore[no-untyped-def]
    """Fill the columns of zeros that `describe` turns into a table, from block `first` on.

    Arrays are made here and handed to what only reads and writes: that counts no references.
    """
    n, prose = len(rows), prose_of(rows)
    starts, begins = word_starts(title)
    _own(text, rows, (title, starts, begins), columns=columns, first=first)
    _around(prose, rows, marks, columns=columns, first=first)
    hashes = np.empty(n, np.uint64)
    _hash_texts(text, rows, hashes)
    _alike(rows, _first_of(paths), np.zeros((4, n), np.int64), prose=prose, columns=columns, first=first)
    _repeated(_first_of(hashes), columns[_ALIKE_AT + 4, first : first + n])
    sums = np.zeros((3, n + 1), np.int64)
    _add_up(rows, prose, sums)
    above, numbers = np.zeros((len(elements), len(_NEAREST)), np.int64), np.zeros(len(elements), np.int64)
    _place(rows, (elements, above, numbers), sums, marks=marks, columns=columns, first=first)
    _called(marks, _FURNITURE, prose, columns=columns[_MARKS_AT : _MARKS_AT + _MARK_COUNT], first=first)
    _called(words, ~np.uint64(0), prose, columns=columns[_WORDS_AT : _WORDS_AT + _WORD_COUNT], first=first)


@kernel
def _log(count):  # type: ignore[no-untyped-def]
    """The logarithm of one more than a count."""
    return _LOGARITHMS[count] if 0 <= count < _COUNTED else np.float32(np.log1p(count))


@kernel
def _own(text, rows, titles, columns, first):  # type: ignore[no-untyped-def]
    title, starts, begins = titles
    for i in range(len(rows)):
        row, at, chars = rows[i], first + i, max(rows[i, CHARS], 1)
        block = text[row[START] : row[STOP]]
        last = block[len(block) - 1] if len(block) else np.uint8(0)
        seen = np.uint64(0)
        for byte in block:
            seen += _SEEN[byte]
        columns[0, at] = _log(row[CHARS])
        columns[1, at] = row[LINKED] / chars
        columns[2, at] = _log(row[SPACES])
        columns[3, at] = row[STOPS] / chars
        columns[4, at] = row[DIGITS] / chars
        columns[5, at] = row[CAPITALS] / chars
        # . ! ? " and the last bytes of closing quotation marks and of the ideographic full stop
        columns[6, at] = last == 46 or last == 33 or last == 63 or last == 34 or last == 0x9D or last == 0x82
        columns[7, at] = last == 58
        columns[8, at] = row[BREAKS]
        columns[9, at] = _log(np.int64(seen & np.uint64(0xFFFFFFFF)))
        columns[10, at] = _log(np.int64(seen >> np.uint64(32)))
        columns[11, at] = _kind_of(block[0]) if len(block) else 0
        if len(block) >= LEAST and begins[block[0]]:
            columns[12, at] = share_of(block, title, starts)
        if len(block) <= phrases.LONGEST:
            counts = columns[_PHRASES_AT : _PHRASES_AT + _PHRASE_COUNT, at]
            count_phrases(block, _PHRASE_HASHES, _PHRASE_GROUPS, counts)


@kernel
def _kind_of(byte):  # type: ignore[no-untyped-def]
    """What a text begins with: a sign, a digit, a capital, a letter beyond ASCII, a small letter."""
    if byte >= 128:
        return 3
    return 4 if 97 <= byte <= 122 else 2 if 65 <= byte <= 90 else 1 if 48 <= byte <= 57 else 0


@kernel
def _around(prose, rows, marks, columns, first):  # type: ignore[no-untyped-def]
    n, total, above = len(rows), max(prose.sum(), 1), 0
    last = heading = -_FAR - 1
    x = columns[_AROUND_AT : _AROUND_AT + _AROUND_COUNT, first : first + n]
    for i in range(n):
        for other, at in ((i - 1, 0), (i + 1, 3)):
            if 0 <= other < n:
                x[at, i], x[at + 1, i] = columns[0, first + other], columns[1, first + other]
                x[at + 2, i] = _log(prose[other])
        x[6, i] = min(i - last, _FAR + 1)
        x[8, i] = above / total
        x[9, i] = i / n
        x[10, i] = heading >= 0
        x[11, i] = min(i - heading, _FAR + 1)
        above += prose[i]
        if prose[i]:
            last = i
        if marks[i] & _H1:
            heading = i
    following = n + _FAR + 1
    for i in range(n - 1, -1, -1):
        x[7, i] = min(following - i, _FAR + 1)
        if prose[i]:
            following = i


@njit(cache=True, nogil=True)
def _first_of(keys):  # type: ignore[no-untyped-def]
    """The first block with the key of each."""
    firsts, size = np.empty(len(keys), np.int64), 8
    while size < 8 * len(keys):
        size *= 2
    if not _look_up(keys, np.full(size, -1, np.int32), firsts):
        _sort_out(keys, np.argsort(keys), firsts)
    return firsts


@kernel
def _look_up(keys, slots, firsts):  # type: ignore[no-untyped-def]
    """Find the first block with each key by a table of eight slots for each; False where one is too far from its own, as a hostile page may have it."""
    last = np.uint64(len(slots) - 1)
    for i in range(len(keys)):
        at, placed = keys[i] * GOLDEN >> np.uint64(32) & last, False
        for _ in range(_MOST_PROBES):
            other = slots[at]
            if other < 0:
                slots[at] = other = i
            if keys[other] == keys[i]:
                firsts[i], placed = other, True
                break
            at = at + np.uint64(1) & last
        if not placed:
            return False
    return True


@kernel
def _sort_out(keys, order, firsts):  # type: ignore[no-untyped-def]
    """The same by the order of the keys."""
    start = 0
    while start < len(order):
        stop, least = start, order[start]
        while stop < len(order) and keys[order[stop]] == keys[order[start]]:
            least = min(least, order[stop])
            stop += 1
        for place in range(start, stop):
            firsts[order[place]] = least
        start = stop


@kernel
def _alike(rows, firsts, sums, prose, columns, first):  # type: ignore[no-untyped-def]
    """Of all blocks in elements of the same names: what repeats is a list of other pages, or the paragraphs of this."""
    n, total = len(rows), max(prose.sum(), 1)
    x = columns[_ALIKE_AT : _ALIKE_AT + 4, first : first + n]
    counts, chars, linked, good = sums
    for i in range(n):
        counts[firsts[i]] += 1
        chars[firsts[i]] += rows[i, CHARS]
        linked[firsts[i]] += rows[i, LINKED]
        good[firsts[i]] += prose[i]
    for i in range(n):
        at = firsts[i]
        if at == i:
            x[0, i] = _log(counts[i])
            x[1, i] = np.log1p(chars[i] / counts[i])
            x[2, i] = linked[i] / max(chars[i], 1)
            x[3, i] = good[i] / total
        else:
            x[0, i], x[1, i], x[2, i], x[3, i] = x[0, at], x[1, at], x[2, at], x[3, at]


@kernel
def _hash_texts(text, rows, hashes):  # type: ignore[no-untyped-def]
    """A hash of the text of each block, eight bytes at once: it only tells whether two are the same."""
    for i in range(len(rows)):
        block = text[rows[i, START] : rows[i, STOP]]
        value, place, stop = BASIS, np.uint64(0), np.uint64(len(block))
        while place + np.uint64(8) <= stop:
            value = (value ^ eight_bytes(block, place)) * GOLDEN
            value ^= value >> np.uint64(29)
            place += np.uint64(8)
        while place < stop:
            value = (value ^ np.uint64(block[place])) * PRIME
            place += np.uint64(1)
        hashes[i] = value ^ stop


@kernel
def _repeated(firsts, column):  # type: ignore[no-untyped-def]
    for i in range(len(firsts)):
        if firsts[i] != i:
            column[i] = column[firsts[i]] = 1


@kernel
def _add_up(rows, prose, sums):  # type: ignore[no-untyped-def]
    """Prose, characters and characters of links of all blocks before each, and of all."""
    for i in range(len(rows)):
        sums[0, i + 1] = sums[0, i] + prose[i]
        sums[1, i + 1] = sums[1, i] + rows[i, CHARS]
        sums[2, i + 1] = sums[2, i] + rows[i, LINKED]


@kernel
def _enclose(elements, above, numbers):  # type: ignore[no-untyped-def]
    """The nearest article, section and list `above` each element, the `numbers` of articles, and how many there are."""
    articles = 0
    for element in range(1, len(elements)):
        for number in range(len(_NEAREST)):
            named = elements[element, TAG] == _NEAREST[number]
            above[element, number] = element if named else above[elements[element, PARENT], number]
        if elements[element, TAG] == _NEAREST[0]:
            articles += 1
            numbers[element] = articles
    return articles


@kernel
def _place(rows, tree, sums, marks, columns, first):  # type: ignore[no-untyped-def]
    n, (elements, above, numbers) = len(rows), tree
    good, chars, linked = sums
    total, article = max(good[n], 1), 0
    articles = _enclose(elements, above, numbers)
    at = _PLACE_AT
    for number in range(len(_ROOTS)):
        root = 0
        for element in range(len(elements)):
            held = good[elements[element, LAST]] - good[elements[element, FIRST]]
            if held >= _ROOTS[number] * good[n]:
                root = element
        columns[at, first + elements[root, FIRST] : first + elements[root, LAST]] = 1
        at += 1
    for i in range(n):
        if marks[i] & _ARTICLE:
            article += good[i + 1] - good[i]
    for i in range(n):
        element = rows[i, ELEMENT]
        for level in range(_LEVELS):
            begin, end = elements[element, FIRST], elements[element, LAST]
            x = columns[at + 4 * level : at + 4 * level + 4, first + i]
            held = good[end] - good[begin]
            x[0] = _log(held)
            x[1] = held / total
            x[2] = (linked[end] - linked[begin]) / max(chars[end] - chars[begin], 1)
            x[3] = _log(end - begin)
            element = max(elements[element, PARENT], 0)
        x = columns[at + 4 * _LEVELS : at + 4 * _LEVELS + 8, first + i]
        x[0], x[1], x[2], x[3] = _log(good[n]), _log(n), article / total, _log(articles)
        x[5] = numbers[above[rows[i, ELEMENT], 0]]
        for number, place in ((0, 4), (1, 6), (2, 7)):
            nearest = above[rows[i, ELEMENT], number]
            if nearest:
                x[place] = (good[elements[nearest, LAST]] - good[elements[nearest, FIRST]]) / total


@kernel
def _called(masks, doubtful, prose, columns, first):  # type: ignore[no-untyped-def]
    """Write the bits of `masks`, the `doubtful` ones as one less the share of the prose that they cover, if that is over a half."""
    total, present = max(prose.sum(), 1), np.uint64(0)
    for mask in masks:
        present |= mask
    for bit in range(len(columns)):
        if not present >> np.uint64(bit) & np.uint64(1):
            continue
        column, covered = columns[bit][first : first + len(masks)], 0
        for i in range(len(masks)):
            covered += prose[i] * np.int64(masks[i] >> np.uint64(bit) & np.uint64(1))
        weight = np.float32(1 - covered / total if doubtful >> np.uint64(bit) & np.uint64(1) else 1)
        if weight >= 1 - _OVER_HALF:
            for i in range(len(masks)):
                column[i] = weight if masks[i] >> np.uint64(bit) & np.uint64(1) else np.float32(0)
