"""Words of any script, read straight from UTF-8 bytes by a compiled scanner.

One table of 131,072 entries says for each character whether it separates, belongs to a word, is a
token by itself or can be ignored, and what it folds to; the scanner needs nothing else.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numba
import numpy as np
import numpy.typing as npt

from provenance.annotators.utf8 import decode

# What a character does, in the upper byte of its table entry (the lower three hold its folded form).
SEPARATOR, WORD, SINGLE, MARK, IGNORED = range(5)

#: Scripts written without spaces: every character is a token (its combining marks stay with it).
_SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark and zero
    (0x3021, 0x302F),  # Hangzhou numerals
    (0x3038, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1AFF0, 0x1B16F),  # Kana extensions
)
#: Invisible in running text: soft hyphen, joiners, word joiner, byte order mark, variation selectors,
#: and the general combining marks, so that composed and decomposed accents give the same token.
_INVISIBLE = (
    (0x00AD, 0x00AD),
    (0x0300, 0x036F),
    (0x200B, 0x200F),
    (0x2060, 0x2064),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
)
_TABLE_SIZE = 0x20000
# Planes 2 and 3 hold Han only (classed without a table), plane 14 only invisible selectors.
_HAN_START, _HAN_STOP = np.uint32(0x20000), np.uint32(0x40000)
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


def _within(point: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= point <= last for first, last in ranges)


def _class(point: int) -> int:
    if _within(point, _INVISIBLE):
        return IGNORED
    category = unicodedata.category(chr(point))
    if category[0] == "M":
        return MARK
    if category[0] not in "LN":
        return SEPARATOR
    return SINGLE if _within(point, _SPACELESS) else WORD


def _fold(point: int) -> int:
    """Case, width and accents removed where one character is left; otherwise the character itself."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(point)).casefold())
    kept = [c for c in folded if not 0x0300 <= ord(c) <= 0x036F]
    if len(kept) == 1 and ord(kept[0]) < _TABLE_SIZE and unicodedata.category(kept[0])[0] in "LN":
        return ord(kept[0])
    return point


@cache
def character_table() -> npt.NDArray[np.uint32]:
    """Class << 24 | folded code point, for the code points 0 to 0x1FFFF (uint32[131072], read-only).

    Derived from this Python's `unicodedata`; characters assigned by a later Unicode version separate.
    """
    table = np.zeros(_TABLE_SIZE, np.uint32)
    for point in range(_TABLE_SIZE):
        kind = _class(point)
        if kind:
            table[point] = kind << 24 | (_fold(point) if kind in (WORD, SINGLE) else point)
    table.flags.writeable = False
    return table


@numba.njit(cache=True, nogil=True, inline="always")
def _encode(point, out, at):  # type: ignore[no-untyped-def]
    """Write a code point as UTF-8; returns the position after it."""
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | point >> 6
        out[at + 1] = 0x80 | point & 0x3F
        return at + 2
    if point < 0x10000:
        out[at] = 0xE0 | point >> 12
        out[at + 1] = 0x80 | point >> 6 & 0x3F
        out[at + 2] = 0x80 | point & 0x3F
        return at + 3
    out[at] = 0xF0 | point >> 18
    out[at + 1] = 0x80 | point >> 12 & 0x3F
    out[at + 2] = 0x80 | point >> 6 & 0x3F
    out[at + 3] = 0x80 | point & 0x3F
    return at + 4


@numba.njit(cache=True, nogil=True)
def scan(data, start, stop, table, hashes, stream, stream_at):  # type: ignore[no-untyped-def]
    """Tokenise `data[start:stop]`: fills `hashes` (uint64, one for each token) and the normalised stream.

    A token's hash is FNV-1a (64 bits) over its folded code points. The stream is the folded tokens in
    UTF-8, each followed by a space; it takes at most 2 bytes for each byte of text. `hashes` needs room
    for stop - start tokens. Returns (number of tokens, position after the stream).
    """
    tokens = 0
    state = SEPARATOR
    value = _FNV_OFFSET
    at = start
    while at < stop:
        if data[at] < 0x80:
            # ASCII either separates or belongs to a word; most text is this, so it has a loop of its own.
            entry = table[data[at]]
            if state == SINGLE or (entry == 0 and state == WORD):
                hashes[tokens] = value
                tokens += 1
                stream[stream_at] = 0x20
                stream_at += 1
                value = _FNV_OFFSET
            state = SEPARATOR
            at += 1
            while entry != 0:
                state = WORD
                folded = entry & np.uint32(0x7F)
                value = (value ^ np.uint64(folded)) * _FNV_PRIME
                stream[stream_at] = folded
                stream_at += 1
                if at >= stop or data[at] >= 0x80:
                    break
                entry = table[data[at]]
                at += entry != 0
            continue
        point, size = decode(data, at, stop)
        at += size
        if point < _TABLE_SIZE:
            entry = table[point]
        elif point >= _HAN_START and point < _HAN_STOP:
            entry = np.uint32(np.uint32(SINGLE << 24) | point)
        else:
            entry = np.uint32(0)
        kind = entry >> 24
        if kind == IGNORED:
            continue
        starts = kind == SINGLE or (kind == WORD and state != WORD)
        if state != SEPARATOR and (starts or kind == SEPARATOR):
            hashes[tokens] = value
            tokens += 1
            stream[stream_at] = 0x20
            stream_at += 1
            value = _FNV_OFFSET
        if kind == SEPARATOR:
            state = SEPARATOR
            continue
        if kind != MARK:
            state = kind
        elif state == SEPARATOR:
            state = WORD
        folded = entry & np.uint32(0xFFFFFF)
        value = (value ^ np.uint64(folded)) * _FNV_PRIME
        stream_at = _encode(folded, stream, stream_at)
    if state != SEPARATOR:
        hashes[tokens] = value
        tokens += 1
        stream[stream_at] = 0x20
        stream_at += 1
    return tokens, stream_at


def tokens(text: str) -> list[str]:
    """The folded tokens of a text, as the signatures see them (for people and tests, not for speed)."""
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    hashes = np.empty(len(data) + 1, np.uint64)
    stream = np.empty(2 * len(data) + 1, np.uint8)
    _, end = scan(data, 0, len(data), character_table(), hashes, stream, 0)
    return stream[:end].tobytes().decode().split(" ")[:-1]
