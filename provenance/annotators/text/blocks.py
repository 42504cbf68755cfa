"""The text of a page cut into blocks, each with what stands around it: one linear pass over the bytes.

A block is text between two ends of a line; it knows the elements that it stands under, what they are called and how
much of it is links. Hostile nesting costs no more than its bytes: the stack is bounded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.text import names
from provenance.annotators.text.structure import _letter, _name
from provenance.annotators.text.tags import entry_of, opens_markup, read_attributes, skip_comment, skip_raw

_TAGS = names.tag_table()
_WORDS = names.word_table()
_STACK = 512  # elements open at once that are told apart; deeper ones count as text of the deepest
_A, _P, _LI, _OPTION, _RT, _RP, _BODY, _HTML = (
    np.uint64(names.hash_of(name)) for name in ("a", "p", "li", "option", "rt", "rp", "body", "html")
)
_LINK_BIT, _PRE_BIT = (np.uint64(1 << names.CONTEXTS.index(name)) for name in ("a", "pre"))
_PRIME = np.uint64(0x100000001B3)

# Columns of the table of blocks.
(START, STOP, CHARS, LINKED, ELEMENT, BREAKS, STOPS, DIGITS, CAPITALS, SPACES, COLUMNS) = range(11)
# Columns of the table of elements.
(PARENT, FIRST, LAST, ELEMENT_COLUMNS) = range(4)


class Blocks(NamedTuple):
    """What a page holds."""

    text: npt.NDArray[np.uint8]  # UTF-8 with entities, runs of blanks made one
    rows: npt.NDArray[np.int64]  # a block each, see the columns above
    marks: npt.NDArray[np.uint64]  # of each block: `names.MARKS` that it stands under
    words: npt.NDArray[np.uint64]  # of each block: groups of `names.WORDS` that name an element above it
    paths: npt.NDArray[np.uint64]  # of each block: hash of the names of its element and of that one's parent
    elements: npt.NDArray[np.int64]  # an element each: parent, first block, block after the last
    title: tuple[int, int]  # where in the page its title stands
    tags: int


@njit(cache=True, nogil=True)
def _no_break(data, at):  # type: ignore[no-untyped-def]
    """Whether `&nbsp;` stands at `at`."""
    return (
        at + 5 < len(data)
        and data[at + 1] == 110
        and data[at + 2] == 98
        and data[at + 3] == 115
        and data[at + 4] == 112
        and data[at + 5] == 59
    )


@njit(cache=True, nogil=True)
def _copy(data, at, out, size, row, linked):  # type: ignore[no-untyped-def]
    """Copy text up to the next blank, entity or tag and count its characters; at least the one at `at`."""
    while True:
        byte = data[at]
        out[size] = byte
        size += 1
        at += 1
        if byte & 0xC0 != 0x80:
            row[CHARS] += 1
            row[LINKED] += linked
            if byte == 44 or byte == 46 or byte == 33 or byte == 63 or byte == 59 or byte == 0xE3:
                row[STOPS] += 1
            elif 48 <= byte <= 57:
                row[DIGITS] += 1
            elif 65 <= byte <= 90:
                row[CAPITALS] += 1
        if at >= len(data):
            return at, size
        byte = data[at]
        if byte == 60 or byte <= 32 or byte == 0xC2 or byte == 38:
            return at, size


@njit(cache=True, nogil=True)
def _closed(keys, stack_element, top, key, kind):  # type: ignore[no-untyped-def]
    """Place in the stack of what an end tag closes, or 0: an inline one does not end blocks inside it."""
    found = top
    while found > 0 and keys[found] != key:
        found -= 1
    inline = kind & (names.BLOCK | names.CELL) == 0
    return 0 if inline and stack_element[found] != stack_element[top] else found


@njit(cache=True, nogil=True)
def _read(data, tag_hashes, tag_values, word_hashes, word_groups, out, rows, marks, words, paths, elements):  # type: ignore[no-untyped-def]
    n, at, size, block, count = len(data), 0, 0, 0, 1
    keys = np.zeros(_STACK, np.uint64)
    stack_marks = np.zeros(_STACK, np.uint64)
    stack_words = np.zeros(_STACK, np.uint64)
    stack_paths = np.zeros(_STACK, np.uint64)
    stack_element = np.zeros(_STACK, np.int64)
    stack_skips = np.zeros(_STACK, np.bool_)
    top = skipping = tags = 0
    elements[0, PARENT] = -1
    elements[0, FIRST] = 0
    title_start = title_stop = 0
    open_block = False  # whether text of the block `block` was written
    blank = False
    breaks = 3
    while at < n:
        byte = data[at]
        if byte != 60 or not opens_markup(data, at):
            if skipping:
                at += 1
                continue
            if byte < 9 or 13 < byte < 32:  # a control character is not there
                at += 1
                continue
            if byte <= 32 or (byte == 0xC2 and at + 1 < n and data[at + 1] == 0xA0):
                blank = True
                if byte == 10 and stack_marks[top] & _PRE_BIT and open_block:
                    out[size] = 10
                    size += 1
                    blank = False
                at += 1 if byte <= 32 else 2
                continue
            if byte == 38 and _no_break(data, at):
                blank = True
                at += 6
                continue
            row = rows[block]
            if not open_block:
                open_block = True
                row[START], row[ELEMENT], row[BREAKS] = size, stack_element[top], breaks
                marks[block], words[block] = stack_marks[top], stack_words[top]
                paths[block] = stack_paths[top]
                breaks = 0
            else:
                marks[block] &= stack_marks[top]
                words[block] &= stack_words[top]
                if blank:
                    out[size] = 32
                    size += 1
                    row[SPACES] += 1
            blank = False
            linked = stack_marks[top] & _LINK_BIT != 0
            at, size = _copy(data, at, out, size, row=row, linked=linked)
            continue
        following = data[at + 1] if at + 1 < n else np.uint8(0)
        if following == 33 or following == 63 or (following == 47 and not _letter(data[at + 2])):
            at = skip_comment(data, at)
            continue
        closing = following == 47
        named = at + 2 if closing else at + 1
        tags += 1
        key, at = _name(data, named)
        at, own_words, own_marks, own_class, self_closed = read_attributes(data, at, word_hashes, word_groups)
        entry = entry_of(tag_hashes, tag_values, key)
        kind = entry if entry >= 0 else 0
        if kind & (names.BLOCK | names.CELL | names.BREAK):
            if open_block and not skipping:
                rows[block, STOP] = size
                out[size] = 10
                size += 1
                block += 1
                open_block = False
            blank = False
            breaks = max(breaks, 3 if kind & names.BLOCK else 2 if kind & names.BREAK else 1)
        if kind & names.VOID:
            continue
        if closing:
            if key in (_BODY, _HTML):
                continue
            found = _closed(keys, stack_element, top, key, kind)
            while found and top >= found:
                skipping -= stack_skips[top]
                if stack_element[top] != stack_element[top - 1]:
                    elements[stack_element[top], LAST] = block
                top -= 1
            continue
        if kind & (names.SKIPPED | names.RAWBODY) and self_closed:
            continue
        if kind & names.RAWBODY:
            stop = skip_raw(data, at, key)
            if kind & names.TITLE and title_stop == 0 and not skipping:
                title_start, title_stop = at, stop
            at = stop
            while at < n and data[at] != 62:
                at += 1
            at += 1
            continue
        # An element that its next sibling ends: p before a block, li before li, a before a.
        if top > 0 and (
            (keys[top] == _P and kind & names.BLOCK)
            or (key == keys[top] and (key in (_LI, _A, _OPTION, _RT, _RP)))
        ):
            skipping -= stack_skips[top]
            if stack_element[top] != stack_element[top - 1]:
                elements[stack_element[top], LAST] = block
            top -= 1
        if top + 1 >= _STACK:
            continue
        top += 1
        keys[top] = key
        mark = kind & 63
        stack_marks[top] = stack_marks[top - 1] | own_marks
        if mark:
            stack_marks[top] |= np.uint64(1) << np.uint64(mark - 1)
        stack_words[top] = stack_words[top - 1] | own_words
        stack_skips[top] = kind & names.SKIPPED != 0
        skipping += stack_skips[top]
        if kind & (names.BLOCK | names.CELL):
            stack_element[top] = count
            stack_paths[top] = (stack_paths[top - 1] * _PRIME >> np.uint64(20)) ^ (key ^ own_class) * _PRIME
            elements[count, PARENT] = stack_element[top - 1]
            elements[count, FIRST] = block
            count += 1
        else:
            stack_element[top] = stack_element[top - 1]
            stack_paths[top] = stack_paths[top - 1]
    if open_block:
        rows[block, STOP] = size
        block += 1
    while top > 0:
        if stack_element[top] != stack_element[top - 1]:
            elements[stack_element[top], LAST] = block
        top -= 1
    elements[0, LAST] = block
    return size, block, count, title_start, title_stop, tags


def read_blocks(page: bytes) -> Blocks:
    """Cut a page (bytes of HTML in UTF-8) into blocks; linear in its length."""
    data = np.frombuffer(page, np.uint8)
    room = int(np.count_nonzero(data == 60)) + 2
    rows = np.zeros((room, COLUMNS), np.int64)
    marks, words, paths = (np.zeros(room, np.uint64) for _ in range(3))
    elements = np.zeros((room, ELEMENT_COLUMNS), np.int64)
    out = np.empty(len(data) + room + 1, np.uint8)
    tag_hashes, tag_values = _TAGS
    word_hashes, word_groups = _WORDS
    size, block, count, start, stop, tags = _read(
        data=data, tag_hashes=tag_hashes, tag_values=tag_values, word_hashes=word_hashes, word_groups=word_groups,
        out=out, rows=rows, marks=marks, words=words, paths=paths, elements=elements,
    )  # fmt: skip
    return Blocks(
        text=out[:size], rows=rows[:block], marks=marks[:block], words=words[:block], paths=paths[:block],
        elements=elements[:count], title=(start, stop), tags=tags,
    )  # fmt: skip
