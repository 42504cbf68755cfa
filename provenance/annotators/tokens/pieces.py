"""Text cut into the pieces within which a tokenizer merges bytes, by one pattern and by one kernel that agree.

The pattern goes into the tokenizer's file, so that the `tokenizers` library cuts as the kernel does. Its classes are
ranges of code points written out here: no version of Unicode decides what a token is, and every piece is short.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from provenance.annotators.byte_search import eight_bytes
from provenance.annotators.kernel import kernel
from provenance.annotators.utf8 import decode

# Classes of characters. What is in none of the others is a letter: marks, joiners and characters of later Unicode too.
LETTER, DIGIT, MARK, SPACE, LINE = range(5)

#: Most characters of a piece: they bound the work on text without spaces (base64, rows of dashes, Thai).
LETTERS, DIGITS, MARKS, LINES_AFTER_MARKS, LINES, SPACES = 32, 3, 16, 4, 16, 16
#: Most UTF-8 bytes of a piece: a space and letters of four bytes each.
LONGEST_PIECE = 1 + 4 * LETTERS

_SPACE = "09 0B-0C 20 85 A0 1680 2000-200A 2028-2029 202F 205F 3000"
_LINE = "0A 0D"
_DIGIT = "30-39"
#: Punctuation, symbols, controls and emoji; the joiners U+200C and U+200D belong to the words that they are in.
_MARK = (
    "00-08 0E-1F 21-2F 3A-40 5B-60 7B-84 86-9F A1-A9 AB-B4 B6-B9 BB-BF D7 F7 2C2-2C5 2D2-2DF 37E 387 55A-55F 589-58A "
    "5BE 5C0 5C3 5C6 5F3-5F4 600-60F 61B-61F 66A-66D 6D4 700-70D 964-965 970 DF4 E2F E3F E4F E5A-E5B F04-F14 F3A-F3D "
    "104A-104F 10FB 1360-1368 1400 166D-166E 169B-169C 16EB-16ED 17D4-17D6 17D8-17DB 1800-180A 1944-1945 1FBD-1FC1 "
    "200B 200E-2027 202A-202E 2030-205E 2060-2070 2074-207E 2080-208E 20A0-20CF 2100-2101 2103-2106 2108-2109 2114 "
    "2116-2118 211E-2123 2125 2127 2129 212E 213A-213B 2140-2144 214A-214D 214F 218A-2BFF 2CE5-2CEA 2CF9-2CFF "
    "2E00-2E7F 2FF0-2FFF 3001-3004 3008-3020 3030 3036-3037 303D-303F 309B-309C 30A0 30FB 3190-3191 3196-319F "
    "31C0-31EF 3200-33FF 4DC0-4DFF A490-A4C6 A4FE-A4FF A60D-A60F A67E A6F2-A6F7 A700-A716 A828-A82B A874-A877 "
    "A8CE-A8CF A8F8-A8FA A92E-A92F A95F A9C1-A9CD AA5C-AA5F ABEB E000-F8FF FD3E-FD3F FDFC-FDFF FE00-FE6F FEFF-FF0F "
    "FF1A-FF20 FF3B-FF40 FF5B-FF65 FFE0-FFFF 1D000-1D24F 1F000-1FBFF"
)
#: The lowest bit of each of eight bytes.
_EACH = np.uint64(0x0101010101010101)
_TABLE_SIZE = 0x20000  # everything beyond is Han, or invisible: letters


def _ranges(written: str) -> list[tuple[int, int]]:
    """(first, last) code points of ranges in hexadecimal, separated by spaces."""
    pairs = [part.split("-") for part in written.split()]
    return [(int(pair[0], 16), int(pair[-1], 16)) for pair in pairs]


def _escaped(written: str) -> str:
    """The same ranges as they stand in a class of a regular expression (Oniguruma)."""
    return "".join(
        f"\\x{{{first:X}}}" + (f"-\\x{{{last:X}}}" if last > first else "")
        for first, last in _ranges(written)
    )


def pattern() -> str:
    """The regular expression whose matches, one after the other, are the pieces of a text (none is left out).

    In this order: an English ending after an apostrophe; letters, with the space before them; up to three digits;
    marks, with the space before and the line ends after them; line ends; spaces, of which the last is left for the
    piece that follows.
    """
    space, mark, line = _escaped(_SPACE), _escaped(_MARK), "\\r\\n"
    letter = f"[^{_escaped(_DIGIT)}{mark}{space}{line}]"
    return "|".join(
        [
            f"['\\x{{2019}}](?:[sdmt]|ll|ve|re)(?!{letter})",
            f" ?{letter}{{1,{LETTERS}}}",
            f"[{_escaped(_DIGIT)}]{{1,{DIGITS}}}",
            f" ?[{mark}]{{1,{MARKS}}}[{line}]{{0,{LINES_AFTER_MARKS}}}",
            f"[{line}]{{1,{LINES}}}",
            f"[{space}]{{1,{SPACES}}}(?![^{space}{line}])",
            f"[{space}]",
        ]
    )


@cache
def character_classes() -> npt.NDArray[np.uint8]:
    """Class of each code point below 0x20000 (uint8[131072], read-only); those beyond are letters."""
    classes = np.full(_TABLE_SIZE, LETTER, np.uint8)
    for kind, written in ((DIGIT, _DIGIT), (MARK, _MARK), (SPACE, _SPACE), (LINE, _LINE)):
        for first, last in _ranges(written):
            classes[first : last + 1] = kind
    classes.flags.writeable = False
    return classes


class Text(NamedTuple):
    """What the kernels read: bytes up to `stop`, and the classes of characters."""

    data: npt.NDArray[np.uint8]
    stop: int
    classes: npt.NDArray[np.uint8]


@kernel
def _class(text, at):  # type: ignore[no-untyped-def]
    """Class of the character at `at` and the position after it."""
    if text.data[at] < 0x80:
        return text.classes[text.data[at]], at + 1
    point, size = decode(text.data, at, text.stop)
    return (text.classes[point] if point < _TABLE_SIZE else np.uint8(LETTER)), at + size


@kernel
def _run(text, at, kind, most):  # type: ignore[no-untyped-def]
    """Position after at most `most` characters of class `kind` from `at`, and their number."""
    count = 0
    while at < text.stop and count < most:
        found, after = _class(text, at)
        if found != kind:
            break
        at = after
        count += 1
    return at, count


@kernel
def _is_apostrophe(text, at, after):  # type: ignore[no-untyped-def]
    """Whether the character from `at` to `after` is U+0027 or U+2019."""
    data = text.data
    if after - at == 3:
        return data[at] == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0x99
    return data[at] == 0x27


@kernel
def _ending(text, at):  # type: ignore[no-untyped-def]
    """Position after the English ending (s, d, m, t, ll, ve, re) at `at`; `at` where there is none."""
    if at >= text.stop:
        return at
    first = text.data[at]
    second = text.data[at + 1] if at + 1 < text.stop else np.uint8(0)
    end = at
    if first in (0x73, 0x64, 0x6D, 0x74):  # s d m t
        end = at + 1
    elif (first == 0x6C and second == 0x6C) or (first in (0x76, 0x72) and second == 0x65):  # ll ve re
        end = at + 2
    if end > at and end < text.stop and _class(text, end)[0] == LETTER:
        end = at
    return end


@kernel
def _spaces_end(text, at):  # type: ignore[no-untyped-def]
    """Position after the spaces from `at`; the last of several is left to what follows on the same line."""
    end, count = _run(text, at, SPACE, SPACES)
    if end < text.stop and count > 1:
        following, _ = _class(text, end)
        if following not in (SPACE, LINE):
            end, _ = _run(text, at, SPACE, count - 1)
    return end


@kernel
def _letters(data, at):  # type: ignore[no-untyped-def]
    """How many of the eight bytes from `at` on are letters of ASCII before the first that is none, all compared at once."""
    word = eight_bytes(data, at)
    small = (word | _EACH * np.uint64(0x20)) & _EACH * np.uint64(0x7F)
    below_a = ~(small + _EACH * np.uint64(0x80 - 0x61))
    above_z = small + _EACH * np.uint64(0x80 - 0x7B)
    others = (below_a | above_z | word) & _EACH * np.uint64(0x80)
    before = (others & (~others + np.uint64(1))) - np.uint64(1)  # all bits below the first of the others
    return ((before & _EACH) * _EACH >> np.uint64(56)) - np.uint64(others != 0)


@kernel
def piece_end(text, at):  # type: ignore[no-untyped-def]
    """Position after the piece that begins at `at` < `text.stop`: what `pattern` matches there."""
    data, stop = text.data, text.stop
    # Most pieces are words of ASCII, so they have a loop of their own.
    plain = at + 1 if data[at] == 0x20 and at + 1 < stop else at
    limit = min(stop, plain + LETTERS)
    end = plain
    if plain + LETTERS + 8 <= len(data):
        letters = np.uint64(8)
        while letters == 8 and end < limit:
            letters = _letters(data, np.uint64(end))
            end += np.int64(letters)
        end = min(end, limit)
    else:
        while end < limit and data[end] < 0x80 and text.classes[data[end]] == LETTER:
            end += 1
    if end > plain and (end == limit or data[end] < 0x80):
        return end
    start = at
    kind, after = _class(text, at)
    if data[at] == 0x20 and after < stop:
        following, _ = _class(text, after)
        if following in (LETTER, MARK):
            kind, at = following, after
    if kind == LETTER:
        return _run(text, at, LETTER, LETTERS)[0]
    if kind == DIGIT:
        return _run(text, at, DIGIT, DIGITS)[0]
    if kind == LINE:
        return _run(text, at, LINE, LINES)[0]
    if kind == SPACE:
        return _spaces_end(text, at)
    if at == start and _is_apostrophe(text, at, after):
        end = _ending(text, after)
        if end > after:
            return end
    return _run(text, _run(text, at, MARK, MARKS)[0], LINE, LINES_AFTER_MARKS)[0]


def pieces(text: str) -> list[str]:
    """The pieces of a text (for people and tests, not for speed)."""
    data = np.frombuffer(text.encode(), np.uint8)
    read = Text(data, len(data), character_classes())
    found, at = [], 0
    while at < len(data):
        end = piece_end(read, at)
        found.append(data[at:end].tobytes().decode())
        at = end
    return found
