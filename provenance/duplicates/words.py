"""Words and operators of any script, read straight from UTF-8 bytes by a compiled scanner.

One table of 131,072 entries says for each character whether it separates, belongs to a word, is a
token by itself or can be ignored, and what it folds to; a second one holds the accents that a composed
letter carries, so that accents and tones tell words apart and composed and decomposed text is the same.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numba
import numpy as np
import numpy.typing as npt

from provenance.annotators.hashing import BASIS, PRIME
from provenance.annotators.kernel import kernel
from provenance.annotators.utf8 import decode, encode

# What a character does, in the upper byte of its table entry (the lower three hold its folded form).
SEPARATOR, WORD, SINGLE, MARK, IGNORED, OPERATOR = range(6)

#: Scripts written without spaces: every character is a token (its combining marks stay with it).
_SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark and zero
    (0x3021, 0x302F),  # Hangzhou numerals
    (0x3038, 0x30FF),  # Hiragana, Katakana
    (0x3105, 0x312F),  # Bopomofo
    (0x31A0, 0x31BF),  # Bopomofo extended
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A00, 0x1AAF),  # Buginese, Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x1BC0, 0x1BFF),  # Batak
    (0xA000, 0xA4CF),  # Yi
    (0xA930, 0xA95F),  # Rejang
    (0xA980, 0xA9FF),  # Javanese, Myanmar extended B
    (0xAA60, 0xAADF),  # Myanmar extended A, Tai Viet
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x11700, 0x1174F),  # Ahom
    (0x12000, 0x1254F),  # Cuneiform
    (0x13000, 0x1345F),  # Egyptian hieroglyphs
    (0x14400, 0x1467F),  # Anatolian hieroglyphs
    (0x16FE0, 0x18DFF),  # Tangut, Khitan small script
    (0x1AFF0, 0x1B2FF),  # Kana extensions, Nushu
)
#: Signs that change what formulas and code say, besides the mathematical symbols (category Sm); a run of them is a token.
_OPERATORS = "^*#&%"
#: The general combining marks: accents and tones.
_ACCENTS = (0x0300, 0x036F)
#: Invisible in running text: soft hyphen, joiners, word joiner, byte order mark, variation selectors.
_INVISIBLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x200B, 0x200F),
    (0x2060, 0x2064),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
)
_TABLE_SIZE = 0x20000
# Planes 2 and 3 hold Han only (classed without a table), plane 14 only invisible selectors.
_HAN_START, _HAN_STOP = np.uint32(0x20000), np.uint32(0x40000)
_MOST_ACCENTS = 3  # of one letter: Greek and Vietnamese have no more
_FIRST_ACCENT = np.uint32(_ACCENTS[0] - 1)
#: Bytes that the normalised stream may take for each byte of text.
STREAM_ROOM = 3


def _members(ranges: tuple[tuple[int, int], ...]) -> bytearray:
    """One byte for each code point of the table: 1 within a range."""
    found = bytearray(_TABLE_SIZE)
    for first, last in ranges:
        found[first : last + 1] = b"\1" * (last + 1 - first)
    return found


_IS_INVISIBLE, _IS_SPACELESS = _members(_INVISIBLE), _members(_SPACELESS)


def _class(point: int) -> int:
    if _IS_INVISIBLE[point]:
        return IGNORED
    character = chr(point)
    category = unicodedata.category(character)
    if category[0] == "M":
        return MARK
    if category == "Sm" or (_plain(character) or unicodedata.normalize("NFKC", character)) in _OPERATORS:
        return OPERATOR
    if category[0] not in "LN":
        return SEPARATOR
    return SINGLE if _IS_SPACELESS[point] else WORD


def _plain(character: str) -> str | None:
    """The character, where it is made of no others: most are, and to normalise each of them takes most of the time."""
    return None if unicodedata.decomposition(character) else character


def _is_accent(character: str) -> bool:
    return _ACCENTS[0] <= ord(character) <= _ACCENTS[1]


def _fold(point: int) -> tuple[int, list[int]]:
    """A character without case, width and accents where one character is left, and its accents; else itself."""
    character = chr(point)
    if _plain(character) and character.casefold() == character and not _is_accent(character):
        return point, []
    parts = unicodedata.normalize("NFKD", character)
    # An iota below is an accent here, though folding its case makes it a letter.
    folded = "".join(c if _is_accent(c) else unicodedata.normalize("NFKD", c.casefold()) for c in parts)
    kept = [c for c in folded if not _is_accent(c)]
    if len(kept) == 1 and ord(kept[0]) < _TABLE_SIZE and _class(ord(kept[0])) in (WORD, SINGLE, OPERATOR):
        accents = [ord(c) for c in folded if c != kept[0]]
        if len(accents) <= _MOST_ACCENTS and folded[0] == kept[0]:
            return ord(kept[0]), accents
    return point, []


@cache
def character_table() -> npt.NDArray[np.uint32]:
    """Two rows for the code points 0 to 0x1FFFF (uint32[2, 131072], read-only).

    First class << 24 | folded code point, then the accents of the character: 1 + their place among the combining marks,
    eight bits each, the first lowest. Derived from this Python's `unicodedata`; characters assigned by a later
    Unicode version separate.
    """
    table = np.zeros((2, _TABLE_SIZE), np.uint32)
    for point in range(_TABLE_SIZE):
        kind = _class(point)
        if kind:
            folded, accents = _fold(point) if kind in (WORD, SINGLE, OPERATOR) else (point, [])
            table[0, point] = kind << 24 | folded
            table[1, point] = sum(
                1 + accent - _ACCENTS[0] << 8 * place for place, accent in enumerate(accents)
            )
    table.flags.writeable = False
    return table


@numba.njit(cache=True, nogil=True, inline="always")
def _add(value, folded, accents, stream, stream_at):  # type: ignore[no-untyped-def]
    """The hash after a folded character and its accents, and the stream where it has room."""
    value = (value ^ np.uint64(folded)) * PRIME
    if stream.size:
        stream_at = encode(folded, stream, stream_at)
    while accents:
        accent = (accents & np.uint32(0xFF)) + _FIRST_ACCENT
        value = (value ^ np.uint64(accent)) * PRIME
        if stream.size:
            stream_at = encode(accent, stream, stream_at)
        accents >>= np.uint32(8)
    return value, stream_at


@kernel
def _look_up(data, at, stop, table):  # type: ignore[no-untyped-def]
    """Table entry and accents of the character at `at` (no ASCII), and the number of its bytes."""
    point, size = decode(data, at, stop)
    if point < _TABLE_SIZE:
        return table[0, point], table[1, point], size
    if point >= _HAN_START and point < _HAN_STOP:
        return np.uint32(np.uint32(SINGLE << 24) | point), np.uint32(0), size
    return np.uint32(0), np.uint32(0), size


@kernel
def _read_ascii(data, at, stop, table, value, stream, stream_at):  # type: ignore[no-untyped-def]
    """Read the ASCII letters and digits from `at` on into the hash `value` and the stream; returns where each is then."""
    keep = stream.size > 0
    while at < stop and data[at] < 0x80:
        entry = table[0, data[at]]
        if entry >> 24 != WORD:
            break
        folded = entry & np.uint32(0x7F)
        value = (value ^ np.uint64(folded)) * PRIME
        if keep:
            stream[stream_at] = folded
            stream_at += 1
        at += 1
    return at, value, stream_at


@kernel
def _end_token(stream, stream_at):  # type: ignore[no-untyped-def]
    """Position after the space that follows a token, where the stream has room."""
    if stream.size:
        stream[stream_at] = 0x20
        stream_at += 1
    return stream_at


@kernel
def scan(data, start, stop, table, hashes, stream):  # type: ignore[no-untyped-def]
    """Tokenise `data[start:stop]`: fills `hashes` (uint64, one for each token) and, where it has room, the normalised stream.

    A token is a word, a character of a script without spaces, or a run of operators; its hash is FNV-1a (64 bits) over its
    folded code points, each followed by its accents. The stream is the folded tokens in UTF-8, each followed by a space; it
    takes at most STREAM_ROOM bytes for each byte of text. `hashes` needs room for stop - start tokens.
    Returns (number of tokens, number of those that are no operators, position after the stream).
    """
    tokens = operators = stream_at = 0
    state = SEPARATOR
    value = BASIS
    at = start
    while at < stop:
        if data[at] < 0x80:
            entry, accents, size = table[0, data[at]], np.uint32(0), 1
            if entry >> 24 == WORD and state in (WORD, SEPARATOR):
                # Most text is ASCII words, so they have a loop of their own.
                state = WORD
                at, value, stream_at = _read_ascii(
                    data, at, stop, table=table, value=value, stream=stream, stream_at=stream_at
                )
                continue
        else:
            entry, accents, size = _look_up(data, at, stop, table)
        kind = entry >> 24
        at += size
        if kind == IGNORED:
            continue
        starts = kind == SINGLE or (kind != MARK and kind != state)
        if state != SEPARATOR and (starts or kind == SEPARATOR):
            hashes[tokens] = value
            tokens += 1
            operators += state == OPERATOR
            stream_at = _end_token(stream, stream_at)
            value = BASIS
        if kind == SEPARATOR:
            state = SEPARATOR
            continue
        if kind != MARK:
            state = kind
        elif state == SEPARATOR:
            state = WORD
        value, stream_at = _add(value, entry & np.uint32(0xFFFFFF), accents, stream, stream_at)
    if state != SEPARATOR:
        hashes[tokens] = value
        tokens += 1
        operators += state == OPERATOR
        stream_at = _end_token(stream, stream_at)
    return tokens, tokens - operators, stream_at


@kernel
def squeeze(data, start, stop, out, at):  # type: ignore[no-untyped-def]
    """Copy `data[start:stop]` to `out` from `at` on with runs of blanks made one and none at the ends; returns where it ends."""
    begin, after_blank = at, True
    for place in range(start, stop):  # no branch: where a word ends is no use to guess
        byte = data[np.uint64(place)]
        blank = byte <= 0x20
        out[at] = np.uint8(0x20) if blank else byte
        at += not (blank & after_blank)
        after_blank = blank
    return at - (after_blank & (at > begin))


def tokens(text: str) -> list[str]:
    """The folded tokens of a text, as the signatures see them (for people and tests, not for speed)."""
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    hashes = np.empty(len(data) + 1, np.uint64)
    stream = np.empty(STREAM_ROOM * len(data) + 1, np.uint8)
    _, _, end = scan(data, 0, len(data), character_table(), hashes=hashes, stream=stream)
    return stream[:end].tobytes().decode().split(" ")[:-1]
