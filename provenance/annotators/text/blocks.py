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

_TAGS = names.tag_table()
_WORDS = names.word_table()
_STACK = 512  # elements open at once that are told apart; deeper ones count as text of the deepest
_CLASS, _ID, _ROLE, _ITEMPROP, _PROPERTY, _STYLE, _HIDDEN, _ARIA = (
    np.uint64(names.hash_of(name))
    for name in ("class", "id", "role", "itemprop", "property", "style", "hidden", "aria-hidden")
)
_NONE, _TRUE, _ARTICLE_BODY = (np.uint64(names.hash_of(name)) for name in ("none", "true", "articlebody"))
_A, _P, _LI, _OPTION, _BODY, _HTML = (
    np.uint64(names.hash_of(name)) for name in ("a", "p", "li", "option", "body", "html")
)
_HIDDEN_BIT, _BODY_BIT, _LINK_BIT, _PRE_BIT = (
    np.uint64(1 << bit)
    for bit in (names.HIDDEN, names.BODY_PROPERTY, names.CONTEXTS.index("a"), names.CONTEXTS.index("pre"))
)
_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)

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
def _entry(hashes, values, key):  # type: ignore[no-untyped-def]
    at = np.searchsorted(hashes, key)
    return values[at] if at < len(hashes) and hashes[at] == key else np.int64(-1)


@njit(cache=True, nogil=True)
def _attribute(data, at, start, stop, key, hashes, groups):  # type: ignore[no-untyped-def]
    """Words, marks and hash of the value at `start` to `stop` of an attribute."""
    words, marks, value = np.uint64(0), np.uint64(0), _OFFSET
    whole = _OFFSET
    if key == _STYLE:
        colon = False
        for i in range(start, stop):
            byte = data[i] | 32
            if 97 <= byte <= 122:
                value = (value ^ np.uint64(byte)) * _PRIME
            else:
                if colon and value == _NONE:
                    return words, _HIDDEN_BIT, np.uint64(0)
                colon = data[i] == 58 or (colon and data[i] == 32)
                value = _OFFSET
        return words, (_HIDDEN_BIT if colon and value == _NONE else marks), np.uint64(0)
    lower = False
    length = 0
    glued = _OFFSET
    for i in range(start, stop + 1):
        byte = data[i] if i < stop else np.uint8(32)
        small = 97 <= byte <= 122 or byte >= 128
        capital = 65 <= byte <= 90
        if length and (not (small or capital) or (capital and lower)):
            if key == _ARIA:
                if value == _TRUE:
                    marks |= _HIDDEN_BIT
            elif length > 1:
                group = _entry(hashes, groups, value)
                if group >= 0:
                    words |= np.uint64(1) << np.uint64(group)
            value, length = _OFFSET, 0
        if small or capital:
            byte |= np.uint8(32)
            value = (value ^ np.uint64(byte)) * _PRIME
            glued = (glued ^ np.uint64(byte)) * _PRIME
            length += 1
        else:
            if glued == _ARTICLE_BODY and (key == _ITEMPROP or key == _PROPERTY):
                marks |= _BODY_BIT
            glued = _OFFSET
        lower = small
        if not 48 <= byte <= 57:
            whole = (whole ^ np.uint64(byte)) * _PRIME
    return words, marks, (whole if key == _CLASS else np.uint64(0))


@njit(cache=True, nogil=True)
def _opens(data, at):  # type: ignore[no-untyped-def]
    """Whether the `<` at `at` begins markup, and does not stand for itself."""
    following = data[at + 1] if at + 1 < len(data) else np.uint8(0)
    if following == 47 and at + 2 < len(data):
        following = data[at + 2]
    return following == 33 or following == 63 or _letter(following)


@njit(cache=True, nogil=True)
def _skip_comment(data, at):  # type: ignore[no-untyped-def]
    """Position after the comment or declaration whose `<` is at `at`."""
    n = len(data)
    if at + 3 < n and data[at + 1] == 33 and data[at + 2] == 45 and data[at + 3] == 45:
        at += 4
        inner = at
        while at < n:
            if data[at] == 62 and (
                (data[at - 1] == 45 and data[at - 2] == 45)
                or (at - 3 >= inner and data[at - 1] == 33 and data[at - 2] == 45 and data[at - 3] == 45)
            ):
                break
            at += 1
    else:
        while at < n and data[at] != 62:
            at += 1
    return at + 1


@njit(cache=True, nogil=True)
def _skip_raw(data, at, key):  # type: ignore[no-untyped-def]
    """Where the end tag of name `key` begins, or the end."""
    n = len(data)
    while at < n:
        if data[at] == 60 and at + 2 < n and data[at + 1] == 47 and _letter(data[at + 2]):
            other, _ = _name(data, at + 2)
            if other == key:
                return at
        at += 1
    return n


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
        if byte != 60 or not _opens(data, at):
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
            if (
                byte == 38
                and at + 5 < n
                and data[at + 1] == 110
                and data[at + 2] == 98
                and data[at + 3] == 115
                and data[at + 4] == 112
                and data[at + 5] == 59
            ):
                blank = True
                at += 6
                continue
            linked = stack_marks[top] & _LINK_BIT != 0
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
            while True:
                out[size] = byte
                size += 1
                if byte & 0xC0 != 0x80:
                    row[CHARS] += 1
                    if linked:
                        row[LINKED] += 1
                    if byte == 44 or byte == 46 or byte == 33 or byte == 63 or byte == 59 or byte == 0xE3:
                        row[STOPS] += 1
                    elif 48 <= byte <= 57:
                        row[DIGITS] += 1
                    elif 65 <= byte <= 90:
                        row[CAPITALS] += 1
                at += 1
                if at >= n:
                    break
                byte = data[at]
                if byte == 60 or byte <= 32 or byte == 0xC2 or byte == 38:
                    break
            continue
        following = data[at + 1] if at + 1 < n else np.uint8(0)
        if following == 33 or following == 63 or (following == 47 and not _letter(data[at + 2])):
            at = _skip_comment(data, at)
            continue
        closing = following == 47
        named = at + 2 if closing else at + 1
        tags += 1
        key, at = _name(data, named)
        own_words, own_marks, own_class = np.uint64(0), np.uint64(0), np.uint64(0)
        self_closed = False
        while at < n and data[at] != 62:
            byte = data[at]
            if byte <= 32 or byte == 47:
                self_closed = byte == 47
                at += 1
                continue
            self_closed = False
            value = _OFFSET
            while at < n:
                byte = data[at]
                if byte <= 32 or byte == 61 or byte == 62 or byte == 47:
                    break
                if 65 <= byte <= 90:
                    byte |= np.uint8(32)
                value = (value ^ np.uint64(byte)) * _PRIME
                at += 1
            while at < n and data[at] <= 32:
                at += 1
            if at < n and data[at] == 61:
                at += 1
                while at < n and data[at] <= 32:
                    at += 1
                if at < n and (data[at] == 34 or data[at] == 39):
                    quote = data[at]
                    at += 1
                    start = at
                    while at < n and data[at] != quote:
                        at += 1
                    stop = at
                    at += 1
                else:
                    start = at
                    while at < n and data[at] > 32 and data[at] != 62:
                        at += 1
                    stop = at
                if not closing and (
                    value == _CLASS
                    or value == _ID
                    or value == _ROLE
                    or value == _ITEMPROP
                    or value == _PROPERTY
                    or value == _STYLE
                    or value == _ARIA
                ):
                    more_words, more_marks, more_class = _attribute(
                        data, at, start, stop, value, word_hashes, word_groups
                    )
                    own_words |= more_words
                    own_marks |= more_marks
                    own_class ^= more_class
            elif value == _HIDDEN:
                own_marks |= _HIDDEN_BIT
        at += 1
        entry = _entry(tag_hashes, tag_values, key)
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
            if key == _BODY or key == _HTML:
                continue
            found = top
            while found > 0 and keys[found] != key:
                found -= 1
            if found > 0 and not (
                kind & (names.BLOCK | names.CELL) == 0 and _crosses(keys, found, top, tag_hashes, tag_values)
            ):
                while top >= found:
                    if stack_skips[top]:
                        skipping -= 1
                    if stack_element[top] != stack_element[top - 1]:
                        elements[stack_element[top], LAST] = block
                    top -= 1
            continue
        if kind & (names.SKIPPED | names.RAWBODY) and self_closed:
            continue
        if kind & names.RAWBODY:
            stop = _skip_raw(data, at, key)
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
            or (key == _LI and keys[top] == _LI)
            or (key == _A and keys[top] == _A)
            or (key == _OPTION and keys[top] == _OPTION)
        ):
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


@njit(cache=True, nogil=True)
def _crosses(keys, found, top, tag_hashes, tag_values):  # type: ignore[no-untyped-def]
    """Whether a block is open above `found`: an inline end tag does not end it."""
    for i in range(found + 1, top + 1):
        entry = _entry(tag_hashes, tag_values, keys[i])
        if entry >= 0 and entry & (names.BLOCK | names.CELL):
            return True
    return False


def read_blocks(page: bytes) -> Blocks:
    """Cut a page (bytes of HTML in UTF-8) into blocks; linear in its length."""
    data = np.frombuffer(page, np.uint8)
    room = int(np.count_nonzero(data == 60)) + 2
    rows = np.zeros((room, COLUMNS), np.int64)
    marks, words, paths = (np.zeros(room, np.uint64) for _ in range(3))
    elements = np.zeros((room, ELEMENT_COLUMNS), np.int64)
    out = np.empty(len(data) + room + 1, np.uint8)
    size, block, count, start, stop, tags = _read(
        data, *_TAGS, *_WORDS, out, rows, marks, words, paths, elements
    )
    return Blocks(
        out[:size],
        rows[:block],
        marks[:block],
        words[:block],
        paths[:block],
        elements[:count],
        (start, stop),
        tags,
    )
