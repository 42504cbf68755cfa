"""Where a page is markup and where it is text: one compiled pass over its bytes, as a browser would divide them.

Tags inside comments, strings of scripts, style sheets, text areas, templates and attributes are none, so nothing is
read there for a declaration. Source: HTML Living Standard, 13.2.5 (tokenization), without its error recovery inside
foreign content; linear in the length of the page.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.byte_search import find
from provenance.annotators.kernel import kernel

#: Kinds of spans. Text is what lies between them.
TAG, CLOSING, COMMENT, SCRIPT, RAW = 0, 1, 2, 3, 4
_NAME_LENGTH: Final = 8
#: Indices without a sign spare compiled code to ask of each whether it counts from the end.
_ONE: Final = np.uint64(1)


def name_key(name: bytes) -> int:
    """An element's name (lower case, at most eight letters) as one number."""
    return int.from_bytes(name[:_NAME_LENGTH].ljust(_NAME_LENGTH, b"\0"), "big")


_SCRIPT: Final = np.uint64(name_key(b"script"))
_TEMPLATE: Final = np.uint64(name_key(b"template"))
#: Elements whose content is text and not markup.
_RAW: Final = np.array(
    [
        name_key(name)
        for name in (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
    ],
    np.uint64,
)
#: Elements that are asked for by name.
NAMES: Final = (b"html", b"body", b"meta", b"time", b"h1", b"footer")
_NAMED: Final = np.array([name_key(name) for name in NAMES], np.uint64)
#: Bytes that can end a tag or begin a quoted value: > " '
_ENDS: Final = np.isin(np.arange(256), [62, 34, 39])


class Spans(NamedTuple):
    """Spans of a page in their order: first byte, byte after, kind, and which of NAMES a tag's element is (else -1, and in a template)."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    names: NDArray[np.int8]

    def part(self, first: int, last: int) -> Spans:
        """Those from number `first` up to `last`."""
        return Spans(
            self.starts[first:last], self.ends[first:last], self.kinds[first:last], self.names[first:last]
        )


def divide(page: bytes) -> Spans:
    """Return the spans of `page`: tags, comments, and the contents of elements that hold no markup.

    Tags inside a `<template>` are of kind RAW.
    """
    spans = room_for(page.count(b"<"))
    return spans.part(0, write_spans(np.frombuffer(page, np.uint8), *spans))


def room_for(opening: int) -> Spans:
    """Room for the spans of a page with so many `<`."""
    room = 2 * opening + 1
    return Spans(
        np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint8), np.empty(room, np.int8)
    )


def visible(page: bytes, spans: Spans, start: int, stop: int, border: bytes = b" ") -> bytes:
    """The text of `page` from byte `start` to `stop`: each stretch of white space is one space, one with tags a `border`."""
    stop = min(stop, len(page))
    if stop <= start:
        return b""
    out = np.empty(stop - start + 1, np.uint8)
    size = write_visible(
        np.frombuffer(page, np.uint8), spans.starts, spans.ends, bounds=(start, stop, border[0]), out=out
    )
    return out[:size].tobytes()


@kernel
def write_spans(
    page: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    names: NDArray[np.int8],
) -> int:
    """Write the spans of a page, see `divide`; how many there are."""
    end, i, count, templates = len(page), 0, 0, 0
    while True:
        i = find(page, i, 60)
        if i + 1 >= end:
            return count
        second = page[i + 1]
        kind, name, stop = TAG, np.uint64(0), i
        if second == 33 or second == 63:  # ! ?
            kind, stop = COMMENT, _comment_end(page, i)
        else:
            kind = CLOSING if second == 47 else TAG  # /
            name, at = _name(page, i + 1 + kind)
            if name == np.uint64(0):  # text: a tag begins with a letter
                i += 1
                continue
            stop = _after(page, at, 62) if kind == CLOSING else _tag_end(page, at)
            templates -= kind == CLOSING and name == _TEMPLATE and templates > 0
        starts[count], ends[count] = i, stop
        kinds[count] = RAW if templates > 0 and kind == TAG else kind
        names[count] = _place_in(_NAMED, name) if kind == TAG and templates == 0 else -1
        count += 1
        i = stop
        if kind == TAG:
            templates += name == _TEMPLATE
            if _place_in(_RAW, name) >= 0:
                stop = _raw_end(page, i, name)
                starts[count], ends[count] = i, stop
                kinds[count] = SCRIPT if name == _SCRIPT and templates == 0 else RAW
                names[count] = -1
                count += 1
                i = stop


@kernel
def _name(page: NDArray[np.uint8], i: int) -> tuple[np.uint64, int]:
    """The key of the name that begins at `i` (0: no letter stands there) and the byte after the name."""
    key, read = np.uint64(0), 0
    while i < len(page):
        byte = page[i]
        if 65 <= byte <= 90:
            byte += np.uint8(32)
        letter = 97 <= byte <= 122
        if not letter and (read == 0 or byte <= 32 or byte == 47 or byte == 62):
            break
        if read < _NAME_LENGTH:
            key |= np.uint64(byte) << np.uint64(8 * (_NAME_LENGTH - 1 - read))
        read += 1
        i += 1
    if read > _NAME_LENGTH:
        key |= np.uint64(0x80)  # a longer name is another
    return key, i


@kernel
def _after(page: NDArray[np.uint8], i: int, byte: int) -> int:
    """The place after the next `byte`, or the page's end."""
    found: int = find(page, i, byte)
    return found + 1 if found < len(page) else found


@kernel
def _tag_end(page: NDArray[np.uint8], i: int) -> np.int64:
    """The byte after an opening tag, whose attributes begin at `i`; a quoted value may hold `>`."""
    first, at, end = np.uint64(i), np.uint64(i), np.uint64(page.size)
    while True:
        while at < end and not _ENDS[page[at]]:
            at += _ONE
        if at == end or page[at] == 62:
            return np.int64(at + _ONE if at < end else end)
        before = at - _ONE
        while before > first and page[before] <= 32:
            before -= _ONE
        quote, at = page[at], at + _ONE
        if page[before] == 61:
            at = np.uint64(find(page, at, quote))
            if at == end:  # a quotation that never ends: without it
                whole: np.int64 = _after(page, i, 62)
                return whole
            at += _ONE


@kernel
def _place_in(keys: NDArray[np.uint64], name: np.uint64) -> int:
    for k in range(len(keys)):
        if keys[k] == name:
            return k
    return -1


@kernel
def _comment_end(page: NDArray[np.uint8], i: int) -> int:
    """The byte after the comment, declaration or processing instruction that begins at `i`."""
    if i + 3 >= len(page) or page[i + 2] != 45 or page[i + 3] != 45:
        stop: int = _after(page, i, 62)
        return stop
    i += 4
    if i < len(page) and page[i] == 62:
        return i + 1
    i -= 2
    while True:
        i = _after(page, i, 62)
        if i == len(page) or (page[i - 2] == 45 and page[i - 3] == 45):
            return i
        if page[i - 2] == 33 and page[i - 3] == 45 and page[i - 4] == 45:
            return i


@kernel
def _raw_end(page: NDArray[np.uint8], i: int, name: np.uint64) -> int:
    """Where the closing tag of element `name` begins, or the page's end."""
    while True:
        i = _after(page, i, 60)
        if i + 1 >= len(page):
            return len(page)
        if page[i] == 47:
            found, _ = _name(page, i + 1)
            if found == name:
                return i - 1


@kernel
def _first_above(values: NDArray[np.int64], bound: int) -> int:
    """How many of the ascending `values` are at most `bound`."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] <= bound:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def write_visible(
    page: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    bounds: tuple[int, int, int],
    out: NDArray[np.uint8],
) -> int:
    """Write what `visible` gives to `out`; its length. `bounds`: first byte, byte after the last, border."""
    i, stop, border = bounds
    last = _first_above(starts, stop - 1)
    size, space = 0, True
    for k in range(_first_above(ends, i), last + 1):
        until = min(starts[k], stop) if k < last else stop
        while i < until:
            byte = page[i]
            if byte > 32 or not space:
                out[size] = byte if byte > 32 else 32
                size += 1
            space = byte <= 32
            i += 1
        if k < last:
            i = max(i, ends[k])
            size += not space
            if size:
                out[size - 1] = border
            space = True
    return size
