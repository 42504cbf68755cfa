"""The attributes of one tag of a page in words and marks.

Compiled helpers of `blocks`, each linear in the bytes that it reads.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.kernel import kernel
from provenance.annotators.text import names

_CLASS, _ID, _ROLE, _ITEMPROP, _PROPERTY, _STYLE, _HIDDEN, _ARIA = (
    np.uint64(names.hash_of(name))
    for name in ("class", "id", "role", "itemprop", "property", "style", "hidden", "aria-hidden")
)
_DISPLAY, _NONE, _TRUE, _ARTICLE_BODY = (
    np.uint64(names.hash_of(name)) for name in ("display", "none", "true", "articlebody")
)
_EDIT, _PERMALINK = (np.uint64(names.hash_of(word)) for word in names.BESIDE_HEADINGS)
_HIDDEN_BIT, _BODY_BIT, _UNREAD_BIT = (
    np.uint64(1 << bit) for bit in (names.HIDDEN, names.BODY_PROPERTY, names.UNREAD)
)
_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


@kernel
def entry_of(hashes, values, key):  # type: ignore[no-untyped-def]
    """Value of `key` in a table of hashes (`names.table_of`), -1 where it is not in it."""
    last = np.uint64(len(hashes) - 1)
    at = key & last
    while hashes[at] != key:
        if hashes[at] == 0:
            return np.int64(-1)
        at = (at + np.uint64(1)) & last
    return values[at]


@kernel
def _hides(data, start, stop):  # type: ignore[no-untyped-def]
    """Whether a style says `display: none`."""
    of_display, value = False, _OFFSET
    for i in range(start, stop + 1):
        byte = data[i] | 32 if i < stop else np.uint8(59)
        if 97 <= byte <= 122 or byte == 45:
            value = (value ^ np.uint64(byte)) * _PRIME
        elif byte == 58:
            of_display = value == _DISPLAY
            value = _OFFSET
        elif byte > 32:
            if of_display and value == _NONE:
                return True
            of_display = of_display and byte != 59
            value = _OFFSET
    return False


@kernel
def _named(data, start, stop, key, hashes, groups):  # type: ignore[no-untyped-def]
    """Words, marks and hash of the value at `start` to `stop` of an attribute; words end at a change of case, too."""
    words, marks = np.uint64(0), np.uint64(0)
    value = whole = glued = _OFFSET
    lower, length = False, 0
    for i in range(start, stop + 1):
        byte = data[i] if i < stop else np.uint8(32)
        small = 97 <= byte <= 122 or byte >= 128
        capital = 65 <= byte <= 90
        if length and (not (small or capital) or (capital and lower)):
            if key == _ARIA:
                if value == _TRUE:
                    marks |= _HIDDEN_BIT
            elif length > 1:
                group = entry_of(hashes, groups, value)
                if group >= 0:
                    words |= np.uint64(1) << np.uint64(group)
                if value in (_EDIT, _PERMALINK):
                    marks |= _UNREAD_BIT
            value, length = _OFFSET, 0
        if small or capital:
            byte |= np.uint8(32)
            value = (value ^ np.uint64(byte)) * _PRIME
            glued = (glued ^ np.uint64(byte)) * _PRIME
            length += 1
        else:
            if glued == _ARTICLE_BODY and (key in (_ITEMPROP, _PROPERTY)):
                marks |= _BODY_BIT
            glued = _OFFSET
        lower = bool(small)
        if not 48 <= byte <= 57:  # numbers tell elements apart that are alike
            whole = (whole ^ np.uint64(byte)) * _PRIME
    return words, marks, (whole if key == _CLASS else np.uint64(0))


@kernel
def _value(data, at):  # type: ignore[no-untyped-def]
    """Start and stop of the value of an attribute after its `=`, and where reading goes on."""
    n = len(data)
    while at < n and data[at] <= 32:
        at += 1
    if at < n and (data[at] == 34 or data[at] == 39):
        stop = at + 1
        while stop < n and data[stop] != data[at]:
            stop += 1
        return at + 1, stop, stop + 1
    stop = at
    while stop < n and data[stop] > 32 and data[stop] != 62:
        stop += 1
    return at, stop, stop


@kernel
def read_attributes(data, at, hashes, groups):  # type: ignore[no-untyped-def]
    """Read from the end of a tag's name to its `>`.

    Returns the position after it, groups of words and marks (`names`), a hash of the class, whether it closes itself.
    """
    n = len(data)
    words, marks, called = np.uint64(0), np.uint64(0), np.uint64(0)
    closed = False
    while at < n and data[at] != 62:
        byte = data[at]
        if byte <= 32 or byte == 47:
            closed = byte == 47
            at += 1
            continue
        closed = False
        key = _OFFSET
        while at < n:
            byte = data[at]
            if byte <= 32 or byte == 61 or byte == 62 or byte == 47:
                break
            if 65 <= byte <= 90:
                byte |= np.uint8(32)
            key = (key ^ np.uint64(byte)) * _PRIME
            at += 1
        while at < n and data[at] <= 32:
            at += 1
        if at >= n or data[at] != 61:
            if key == _HIDDEN:
                marks |= _HIDDEN_BIT
            continue
        start, stop, at = _value(data, at + 1)
        if key == _HIDDEN or (key == _STYLE and _hides(data, start, stop)):
            marks |= _HIDDEN_BIT
        elif key in (_CLASS, _ID, _ROLE, _ITEMPROP, _PROPERTY, _ARIA):
            more_words, more_marks, hashed = _named(data, start, stop, key, hashes=hashes, groups=groups)
            words |= more_words
            marks |= more_marks
            called ^= hashed
    return at + 1, words, marks, called, closed
