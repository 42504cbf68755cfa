"""The text of a page cut into blocks, each with what stands around it: one linear pass over the bytes.

A block is text between two ends of a line; it knows the elements that it stands under, what they are called and how
much of it is links. Hostile nesting costs no more than its bytes: the stack is bounded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from provenance.annotators.byte_search import find
from provenance.annotators.hashing import PRIME, hash_word
from provenance.annotators.kernel import inlined, kernel
from provenance.annotators.text import names
from provenance.annotators.text.markup import (
    is_letter,
    opens_markup,
    read_name,
    skip_comment,
    skip_raw,
    skip_tag,
)
from provenance.annotators.text.runs import blank_width, copy_run, is_control, skip_blanks
from provenance.annotators.text.tags import entry_of, read_attributes

_STACK = 512  # elements open at once that are told apart; deeper ones count as text of the deepest
_A, _P, _LI, _OPTION, _RT, _RP, _BODY, _HTML = (
    np.uint64(hash_word(name)) for name in ("a", "p", "li", "option", "rt", "rp", "body", "html")
)
_LINK_BIT, _PRE_BIT = (np.uint64(1 << names.CONTEXTS.index(name)) for name in ("a", "pre"))
_UNREAD_BIT = np.uint64(1 << names.UNREAD)

# Columns of the table of blocks.
(START, STOP, CHARS, LINKED, ELEMENT, BREAKS, STOPS, DIGITS, CAPITALS, SPACES, COLUMNS) = range(11)
# Columns of the table of elements.
(PARENT, FIRST, LAST, TAG, ELEMENT_COLUMNS) = range(5)


class Blocks(NamedTuple):
    """What a page holds."""

    text: npt.NDArray[np.uint8]  # UTF-8 with entities, runs of blanks made one
    rows: npt.NDArray[np.int64]  # a block each, see the columns above
    marks: npt.NDArray[np.uint64]  # of each block: `names.MARKS` that it stands under
    words: npt.NDArray[np.uint64]  # of each block: groups of `names.WORDS` that name an element above it
    paths: npt.NDArray[np.uint64]  # of each block: hash of the names of its element and of that one's parent
    #: an element each: parent, first block, block after the last, 1 + its place in `names.CONTEXTS`
    elements: npt.NDArray[np.int64]
    title: npt.NDArray[np.uint8]  # of the page, with entities and blanks as they are
    tags: int


class _Tables(NamedTuple):
    """What is known of the names of elements, and of words in attributes (`names.table_of`)."""

    tag_hashes: npt.NDArray[np.uint64]
    tag_values: npt.NDArray[np.int64]
    word_hashes: npt.NDArray[np.uint64]
    word_groups: npt.NDArray[np.int64]


TABLES = _Tables(*names.tag_table(), *names.word_table())


class Found(NamedTuple):
    """Room for what is read, see `Blocks`: nothing is there before."""

    text: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    marks: npt.NDArray[np.uint64]
    words: npt.NDArray[np.uint64]
    paths: npt.NDArray[np.uint64]
    elements: npt.NDArray[np.int64]


class _Stack(NamedTuple):
    """The elements open at once, each with what it and those above it are called; the page itself is the first."""

    keys: npt.NDArray[np.uint64]
    marks: npt.NDArray[np.uint64]
    words: npt.NDArray[np.uint64]
    paths: npt.NDArray[np.uint64]
    elements: npt.NDArray[np.int64]
    skips: npt.NDArray[np.bool_]


class _Pen(NamedTuple):
    """Where writing stands."""

    size: int  # bytes written
    block: int
    writes: bool  # whether text of the block was written
    blank: bool  # whether a blank is due before more text
    breaks: int  # the strongest end of a line since the last text


class _Tag(NamedTuple):
    """A tag, as `tags.read_attributes` tells it."""

    key: int
    kind: int
    words: int
    marks: int
    called: int
    alone: bool


@kernel
def _is_text(data, at):  # type: ignore[no-untyped-def]
    return at < len(data) and (data[at] != 60 or not opens_markup(data, at))


@inlined
def _begin(found, stack, top, pen):  # type: ignore[no-untyped-def]
    """Begin the block of the pen under the element at the top of the stack."""
    row = found.rows[pen.block]
    row[:] = 0
    row[START], row[ELEMENT], row[BREAKS] = pen.size, stack.elements[top], pen.breaks
    found.marks[pen.block], found.words[pen.block] = stack.marks[top], stack.words[top]
    found.paths[pen.block] = stack.paths[top]


@inlined
def _read_text(data, at, found, stack, top, pen):  # type: ignore[no-untyped-def]
    """Write the text from `at` to the next markup; where that is, and the pen after it."""
    size, block, writes, blank, breaks = pen
    row = found.rows[block]
    linked = stack.marks[top] & _LINK_BIT != 0
    keeps_lines = stack.marks[top] & _PRE_BIT != 0
    while _is_text(data, at):
        byte = data[at]
        if is_control(byte):  # it is not there
            at += 1
            continue
        width = blank_width(data, at)
        if width:
            blank = True
            if byte == 10 and keeps_lines and writes:
                found.text[size] = 10
                size += 1
                blank = False
            at += width
            if not keeps_lines:
                at = skip_blanks(data, at)
            continue
        if not writes:
            _begin(found, stack, top, _Pen(size, block, writes, blank, breaks))
            writes, breaks = True, 0
        else:
            found.marks[block] &= stack.marks[top]
            found.words[block] &= stack.words[top]
            if blank:
                found.text[size] = 32
                size += 1
                row[SPACES] += 1
        run = copy_run(data, at, found.text, size, keeps_lines=keeps_lines)
        at, size, blank = run.at, run.size, run.blank
        row[CHARS] += run.chars
        row[LINKED] += run.chars if linked else 0
        row[STOPS] += run.stops
        row[DIGITS] += run.digits
        row[CAPITALS] += run.capitals
        row[SPACES] += run.spaces
    return at, _Pen(size, block, writes, blank, breaks)


@inlined
def _end_line(found, pen, kind, skipped):  # type: ignore[no-untyped-def]
    """The pen after a tag of this kind that ends a line: a block ends, where text of one was written and is not skipped."""
    size, block, writes, _, breaks = pen
    if writes and not skipped:
        found.rows[block, STOP] = size
        found.text[size] = 10
        size += 1
        block += 1
        writes = False
    more = 3 if kind & names.BLOCK else 2 if kind & names.BREAK else 1
    return _Pen(size, block, writes, False, max(breaks, more))


@inlined
def _pop(found, stack, top, block):  # type: ignore[no-untyped-def]
    """Take the top off the stack; returns the new one."""
    if stack.elements[top] != stack.elements[top - 1]:
        found.elements[stack.elements[top], LAST] = block
    return top - 1


@inlined
def _close(found, stack, top, key, kind, block):  # type: ignore[no-untyped-def]
    """Take off the stack what an end tag closes, if anything: an inline one does not end blocks inside it."""
    if key in (_BODY, _HTML):
        return top
    place = top
    while place > 0 and stack.keys[place] != key:
        place -= 1
    inline = kind & (names.BLOCK | names.CELL) == 0
    if place == 0 or (inline and stack.elements[place] != stack.elements[top]):
        return top
    while top >= place:
        top = _pop(found, stack, top, block)
    return top


@kernel
def _ends_sibling(sibling, key, kind):  # type: ignore[no-untyped-def]
    """Whether a start tag ends the open element `sibling`: a block a p, li an li, a an a."""
    return (sibling == _P and kind & names.BLOCK != 0) or (
        key == sibling and (key in (_LI, _A, _OPTION, _RT, _RP))
    )


@inlined
def _push(found, stack, top, tag, block, count):  # type: ignore[no-untyped-def]
    """Put the element of a tag on the stack; the new top and the number of elements."""
    under, top = top, top + 1
    stack.keys[top] = tag.key
    mark = tag.kind & 63
    stack.marks[top] = stack.marks[under] | tag.marks
    if mark:
        stack.marks[top] |= np.uint64(1) << np.uint64(mark - 1)
    stack.words[top] = stack.words[under] | tag.words
    unread = tag.kind & names.SKIPPED != 0 or tag.marks & _UNREAD_BIT != 0
    stack.skips[top] = stack.skips[under] or unread
    stack.elements[top] = stack.elements[under]
    stack.paths[top] = stack.paths[under]
    if tag.kind & (names.BLOCK | names.CELL):
        stack.elements[top] = count
        stack.paths[top] = (stack.paths[under] * PRIME >> np.uint64(20)) ^ (tag.key ^ tag.called) * PRIME
        found.elements[count, PARENT] = stack.elements[under]
        found.elements[count, FIRST] = block
        found.elements[count, TAG] = mark
        count += 1
    return top, count


@inlined
def _read_tag(data, at, tables):  # type: ignore[no-untyped-def]
    """The tag whose name begins at `at`, and the position after it."""
    key, at = read_name(data, at)
    at, words, marks, called, alone = read_attributes(data, at, tables.word_hashes, tables.word_groups)
    kind = max(entry_of(tables.tag_hashes, tables.tag_values, key), 0)
    return at, _Tag(key, kind, words=words, marks=marks, called=called, alone=alone)


@kernel
def _finish(found, stack, top, pen):  # type: ignore[no-untyped-def]
    """End the block and the elements that the end of the page leaves open; returns the number of blocks."""
    block = pen.block
    if pen.writes:
        found.rows[block, STOP] = pen.size
        block += 1
    while top > 0:
        top = _pop(found, stack, top, block)
    found.elements[0, LAST] = block
    return block


@kernel
def read_page(data, tables, found, stack):  # type: ignore[no-untyped-def]
    """Fill `found`; bytes of text, blocks, elements, start and stop of the title, tags."""
    at, top, count, tags, title_start, title_stop = 0, 0, 1, 0, 0, 0
    pen = _Pen(0, 0, False, False, 3)
    page = found.elements[0]
    page[PARENT], page[FIRST], page[TAG] = -1, 0, 0
    while at < len(data):
        if _is_text(data, at):
            if stack.skips[top]:
                at = find(data, at + 1, 60)
            else:
                at, pen = _read_text(data, at, found, stack=stack, top=top, pen=pen)
            continue
        closing = data[at + 1] == 47
        named = at + 2 if closing else at + 1
        if not is_letter(data[named]):
            at = skip_comment(data, at)
            continue
        tags += 1
        at, tag = _read_tag(data, named, tables)
        kind = tag.kind
        if kind & (names.BLOCK | names.CELL | names.BREAK):
            pen = _end_line(found, pen, kind, stack.skips[top])
        if kind & names.VOID:
            continue
        if closing:
            top = _close(found, stack, top, key=tag.key, kind=kind, block=pen.block)
            continue
        if kind & (names.SKIPPED | names.RAWBODY) and tag.alone:
            continue
        if kind & names.RAWBODY:
            stop = skip_raw(data, at, tag.key)
            if kind & names.TITLE and title_stop == 0 and not stack.skips[top]:
                title_start, title_stop = at, stop
            at = skip_tag(data, stop)
            continue
        if top > 0 and _ends_sibling(stack.keys[top], tag.key, kind):
            top = _pop(found, stack, top, pen.block)
        if top + 1 < _STACK:
            top, count = _push(found, stack, top, tag=tag, block=pen.block, count=count)
    block = _finish(found, stack, top, pen)
    return pen.size, block, count, title_start, title_stop, tags


def empty_stack() -> _Stack:
    """Room for the elements that are open at once; one serves many pages."""
    keys, marks, words, paths = np.zeros((4, _STACK), np.uint64)
    return _Stack(keys, marks, words, paths, np.zeros(_STACK, np.int64), skips=np.zeros(_STACK, np.bool_))


def room_for(size: int, openings: int, pages: int = 1) -> Found:
    """Room for what is read of so many pages of together `size` bytes and so many `<`."""
    room = openings + 2 * pages
    marks, words, paths = np.empty((3, room), np.uint64)
    return Found(
        text=np.empty(size + room + pages, np.uint8), rows=np.empty((room, COLUMNS), np.int64),
        marks=marks, words=words, paths=paths, elements=np.empty((room, ELEMENT_COLUMNS), np.int64),
    )  # fmt: skip


def read_blocks(page: bytes) -> Blocks:
    """Cut a page (bytes of HTML in UTF-8) into blocks; linear in its length."""
    data = np.frombuffer(page, np.uint8)
    found = room_for(len(data), page.count(b"<"))
    size, block, count, start, stop, tags = read_page(data, TABLES, found, empty_stack())
    return Blocks(
        text=found.text[:size], rows=found.rows[:block], marks=found.marks[:block], words=found.words[:block],
        paths=found.paths[:block], elements=found.elements[:count], title=data[start:stop], tags=tags,
    )  # fmt: skip
