"""The attributes of one tag of a page in words and marks.

Compiled helpers of `blocks`, each linear in the bytes that it reads.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.byte_search import eight_bytes, find
from provenance.annotators.hashing import BASIS, PRIME, hash_word
from provenance.annotators.kernel import inlined, kernel
from provenance.annotators.text import names

_CLASS, _ID, _ROLE, _ITEMPROP, _PROPERTY, _STYLE, _HIDDEN, _ARIA = (
    np.uint64(hash_word(name))
    for name in ("class", "id", "role", "itemprop", "property", "style", "hidden", "aria-hidden")
)
_DISPLAY, _NONE, _TRUE, _ARTICLE_BODY = (
    np.uint64(hash_word(name)) for name in ("display", "none", "true", "articlebody")
)
_EDIT, _PERMALINK = (np.uint64(hash_word(word)) for word in names.BESIDE_HEADINGS)
_HIDDEN_BIT, _BODY_BIT, _UNREAD_BIT = (
    np.uint64(1 << bit) for bit in (names.HIDDEN, names.BODY_PROPERTY, names.UNREAD)
)
_ONE = np.uint64(1)
#: How half of all attributes are written: they are known at one look, and their names need no hash.
_HREF, _CLASS_IS = (np.uint64(int.from_bytes(begin, "little")) for begin in (b'href="', b'class="'))
_SIX_BYTES, _SEVEN_BYTES = np.uint64((1 << 48) - 1), np.uint64((1 << 56) - 1)
#: What a byte is in the value of an attribute; what is not ASCII counts as small.
_DIGIT, _SMALL, _CAPITAL = 1, 2, 3
_KINDS = np.zeros(256, np.uint8)
_KINDS[48:58], _KINDS[97:123], _KINDS[128:], _KINDS[65:91] = _DIGIT, _SMALL, _SMALL, _CAPITAL
#: Each byte of the name of an attribute in small letters, 0 where it ends the name.
_NAMED = names.small_letters(ends=b"=/>")


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
    of_display, value = False, BASIS
    for i in range(start, stop + 1):
        byte = data[i] | 32 if i < stop else np.uint8(59)
        if 97 <= byte <= 122 or byte == 45:
            value = (value ^ np.uint64(byte)) * PRIME
        elif byte == 58:
            of_display = value == _DISPLAY
            value = BASIS
        elif byte > 32:
            if of_display and value == _NONE:
                return True
            of_display = of_display and byte != 59
            value = BASIS
    return False


@kernel
def _read_words(data, start, stop, hashes, groups):  # type: ignore[no-untyped-def]
    """Words at `start` to `stop`, whether one stands beside headings, and a hash of all; words end at a change of case, too."""
    words, beside, whole = np.uint64(0), False, BASIS
    place, end = np.uint64(start), np.uint64(stop)
    while place < end:
        begin, value, lower = place, BASIS, False
        while place < end:
            byte = data[place]
            kind = _KINDS[byte]
            if kind < _SMALL or (kind == _CAPITAL and lower):
                break
            small = np.uint64(byte | np.uint8(32))
            value = (value ^ small) * PRIME
            whole = (whole ^ small) * PRIME
            lower = kind == _SMALL
            place += _ONE
        if place > begin + _ONE:
            group = entry_of(hashes, groups, value)
            if group >= 0:
                words |= _ONE << np.uint64(group)
            beside |= value in (_EDIT, _PERMALINK)
        while place < end and _KINDS[data[place]] < _SMALL:
            if _KINDS[data[place]] != _DIGIT:  # numbers tell elements apart that are alike
                whole = (whole ^ np.uint64(data[place])) * PRIME
            place += _ONE
    return words, beside, (whole ^ np.uint64(32)) * PRIME


@kernel
def _has_name(data, start, stop, name, glued):  # type: ignore[no-untyped-def]
    """Whether a word has this hash; `glued`: it may go on behind a change of case."""
    value, lower, length = BASIS, False, 0
    for place in range(np.uint64(start), np.uint64(stop)):
        kind = _KINDS[data[place]]
        if kind < _SMALL or (kind == _CAPITAL and lower and not glued):
            if length and value == name:
                return True
            value, length = BASIS, 0
        if kind >= _SMALL:
            value = (value ^ np.uint64(data[place] | np.uint8(32))) * PRIME
            length += 1
        lower = kind == _SMALL
    return length > 0 and value == name


@kernel
def _skip_blank(data, at):  # type: ignore[no-untyped-def]
    """Position of the next byte that is no blank."""
    place, stop = np.uint64(at), np.uint64(len(data))
    while place < stop and data[place] <= 32:
        place += _ONE
    return np.int64(place)


@inlined
def _value(data, at):  # type: ignore[no-untyped-def]
    """Start and stop of the value of an attribute after its `=`, and where reading goes on."""
    at = _skip_blank(data, at)
    if at < len(data) and (data[at] == 34 or data[at] == 39):
        stop = find(data, at + 1, data[at])
        return at + 1, stop, stop + 1
    place, end = np.uint64(at), np.uint64(len(data))
    while place < end and data[place] > 32 and data[place] != 62:
        place += _ONE
    return at, np.int64(place), np.int64(place)


@kernel
def _attribute_name(data, at):  # type: ignore[no-untyped-def]
    """Hash of the name of the attribute at `at` in small letters, and where it ends."""
    key, place, stop = BASIS, np.uint64(at), np.uint64(len(data))
    while place < stop:
        small = _NAMED[data[place]]
        if small == 0:
            break
        key = (key ^ np.uint64(small)) * PRIME
        place += _ONE
    return key, np.int64(place)


@inlined
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
        begins = eight_bytes(data, np.uint64(at)) if at + 8 <= n else np.uint64(0)
        if begins & _SIX_BYTES == _HREF:
            at = find(data, at + 6, 34) + 1
            continue
        if begins & _SEVEN_BYTES == _CLASS_IS:
            key, start, stop = _CLASS, at + 7, find(data, at + 7, 34)
            at = stop + 1
        else:
            key, at = _attribute_name(data, at)
            at = _skip_blank(data, at)
            if at >= n or data[at] != 61:
                if key == _HIDDEN:
                    marks |= _HIDDEN_BIT
                continue
            start, stop, at = _value(data, at + 1)
        if key == _HIDDEN or (key == _STYLE and _hides(data, start, stop)):
            marks |= _HIDDEN_BIT
        elif key in (_CLASS, _ID, _ROLE, _ITEMPROP, _PROPERTY):
            more, beside, whole = _read_words(data, start, stop, hashes, groups)
            words |= more
            if beside:
                marks |= _UNREAD_BIT
            if key == _CLASS:
                called ^= whole
            elif key in (_ITEMPROP, _PROPERTY) and _has_name(data, start, stop, _ARTICLE_BODY, glued=True):
                marks |= _BODY_BIT
        elif key == _ARIA and _has_name(data, start, stop, _TRUE, glued=False):
            marks |= _HIDDEN_BIT
    return at + 1, words, marks, called, closed
