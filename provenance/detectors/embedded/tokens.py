"""Tokens for the embedded detector, straight from UTF-8 bytes.

The pass ignores what differs between corpora rather than authors: case of hashes, accents, white
space, list and heading marks, quote and dash shapes, URLs, e-mail addresses and footnote marks.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Tokens read of one document: bounds time and memory on hostile input.
MAX_TOKENS = 8192

WORD, NUMBER, IDEOGRAPH, MARK = 1, 2, 3, 4
CAPITAL, UPPER, APOSTROPHE, SENTENCE_END, COMMON, HANGUL = 1, 2, 4, 8, 16, 32

_SPACE, _LETTER, _DIGIT, _IDEO, _MARK, _SKIP, _NEWLINE, _APOS, _DASH, _HYPHEN = range(10)
_FNV = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_WWW = np.uint32(0x1DC3B877)
#: Codes of marks after folding; the hash of a mark is made from its code.
QUOTE, DASH, ELLIPSIS = 0x22, 0x2014, 0x2026


class Characters(NamedTuple):
    """Class, whether upper case, and folded code of each code point of the basic plane, shape (65536,) each."""

    kinds: NDArray[np.uint8]
    upper: NDArray[np.uint8]
    fold: NDArray[np.uint16]


class Tokens(NamedTuple):
    """The tokens of a text, one entry each; `suffixes` hold the last letters of words and the codes of marks."""

    hashes: NDArray[np.uint32]
    types: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    lengths: NDArray[np.uint8]
    suffixes: NDArray[np.uint32]


def empty_tokens(size: int) -> Tokens:
    """Room for `size` tokens."""
    return Tokens(
        hashes=np.zeros(size, np.uint32),
        types=np.zeros(size, np.uint8),
        flags=np.zeros(size, np.uint8),
        lengths=np.zeros(size, np.uint8),
        suffixes=np.zeros(size, np.uint32),
    )


@lru_cache(maxsize=1)
def character_tables() -> Characters:
    """What `tokenise` knows of characters.

    Folding is lower case without accents for letters (so composed and decomposed input agree) and one
    shape for each kind of quote, dash and terminal mark. Source: the Unicode database of the running Python.
    """
    kinds = np.zeros(65536, np.uint8)
    upper = np.zeros(65536, np.uint8)
    fold = np.arange(65536, dtype=np.uint16)
    for code in range(65536):
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Mn", "Me", "Cf", "Cc") or code == 0xFFFD:
            kinds[code] = _SKIP
        elif 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF:
            kinds[code] = _IDEO
        elif category[0] == "L" or category == "Mc":
            kinds[code] = _LETTER
            upper[code] = category in ("Lu", "Lt")
            if code < 0xAC00:
                base = unicodedata.normalize("NFD", char.lower())[0]
                fold[code] = ord(base)
        elif category == "Nd":
            kinds[code] = _DIGIT
        elif category[0] == "P":
            kinds[code] = _MARK
    for char in "\t\v\f\x1c\x1d\x1e\x1f\x85":
        kinds[ord(char)] = _SPACE
    for char in "\n\r\u2028\u2029":
        kinds[ord(char)] = _NEWLINE
    # Marks of markup carry no authorship; the normaliser of the corpus removes most of them.
    for char in "*_#`~|<>\\[]{}@&/+=^$•·▪◦●○‣":
        kinds[ord(char)] = _SPACE
    for char in "'’‘‚‛′´ʼ":
        kinds[ord(char)] = _APOS
        fold[ord(char)] = ord("'")
    for char in '"“”„‟″«»':
        kinds[ord(char)] = _MARK
        fold[ord(char)] = QUOTE
    for char in "–—―":
        kinds[ord(char)] = _DASH
        fold[ord(char)] = DASH
    kinds[ord("-")] = kinds[0x2010] = kinds[0x2011] = _HYPHEN
    fold[0x2010] = fold[0x2011] = ord("-")
    for char, plain in zip("！？，：；（）", "!?,:;()", strict=True):
        kinds[ord(char)] = _MARK
        fold[ord(char)] = ord(plain)
    fold[0xFF0E] = ord(".")
    return Characters(kinds, upper, fold)


@njit(cache=True, nogil=True)
def _decode(data, at, stop):  # type: ignore[no-untyped-def]
    """Code point at `at` and the position after it; broken bytes give a space."""
    first = data[at]
    if first < 0x80:
        return np.int64(first), at + 1
    if 0xC2 <= first < 0xE0 and at + 1 < stop:
        return np.int64((first & 0x1F) << 6 | (data[at + 1] & 0x3F)), at + 2
    if 0xE0 <= first < 0xF0 and at + 2 < stop:
        return np.int64((first & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | (data[at + 2] & 0x3F)), at + 3
    if 0xF0 <= first < 0xF5 and at + 3 < stop:
        return np.int64(0x10000), at + 4
    return np.int64(0x20), at + 1


@njit(cache=True, nogil=True)
def mark_hash(code):  # type: ignore[no-untyped-def]
    """Hash of a punctuation mark, apart from those of words."""
    return np.uint32((np.uint32(code) ^ np.uint32(0x9E3779B9)) * np.uint32(0x85EBCA6B))


@njit(cache=True, nogil=True)
def _is_space(byte):  # type: ignore[no-untyped-def]
    return byte == 32 or (9 <= byte <= 13)


@njit(cache=True, nogil=True)
def tokenise(data, start, stop, characters, tokens):  # type: ignore[no-untyped-def]
    """Fill `tokens` (`Tokens`) from data[start:stop] and return how many there are; reading ends when it is full.

    Linear in the bytes, with look-ahead of at most four.
    """
    kinds, upper, fold = characters
    hashes, types, flags, lengths, suffixes = tokens
    count = 0
    at = start
    run_start = 0  # the first token since the last white space: what an address takes back
    line_start = True
    limit = len(hashes)
    while at < stop and count < limit:
        code, after = _decode(data, at, stop)
        if code >= 0x10000:
            at = after
            continue
        kind = kinds[code]
        if kind == _LETTER:
            value = _FNV
            tail = np.uint32(0)
            size = 0
            capitals = 0
            flag = 0
            first_upper = upper[code]
            while True:
                folded = fold[code]
                value = np.uint32((value ^ np.uint32(folded)) * _PRIME)
                shift = np.uint32(16) if folded >= 0xAC00 else np.uint32(11)  # two syllables, three letters
                tail = np.uint32((tail << shift) ^ np.uint32(folded))
                size += 1
                capitals += upper[code]
                at = after
                while at < stop:  # marks that combine with the letter, soft hyphens
                    code, after = _decode(data, at, stop)
                    if code < 0x10000 and kinds[code] == _SKIP:
                        at = after
                    else:
                        break
                if at >= stop or code >= 0x10000:
                    break
                if kinds[code] == _LETTER:
                    continue
                if kinds[code] == _APOS and after < stop:
                    ahead, beyond = _decode(data, after, stop)
                    if ahead < 0x10000 and kinds[ahead] == _LETTER:
                        value = np.uint32((value ^ np.uint32(39)) * _PRIME)
                        flag |= APOSTROPHE
                        code, after = ahead, beyond
                        continue
                break
            if first_upper:
                flag |= CAPITAL
            if folded >= 0xAC00:
                flag |= HANGUL
            if capitals > 1 and capitals == size:
                flag |= UPPER
            hashes[count] = value
            types[count] = WORD
            flags[count] = flag
            lengths[count] = min(size, 255)
            suffixes[count] = tail
            count += 1
            line_start = False
            scheme = at + 2 < stop and data[at] == 58 and data[at + 1] == 47 and data[at + 2] == 47  # "://"
            mail = at + 1 < stop and data[at] == 64 and not _is_space(data[at + 1])
            web = size == 3 and tail == _WWW and at < stop and data[at] == 46
            if scheme or mail or web:
                count = run_start
                while at < stop and not _is_space(data[at]) and data[at] not in (34, 41, 60, 62, 93):
                    at += 1
            continue
        if kind == _SPACE:
            if code == 91 and at + 2 < stop and 48 <= data[at + 1] <= 57:  # footnote mark "[12]"
                ahead_at = at + 1
                while ahead_at < stop and ahead_at < at + 4 and 48 <= data[ahead_at] <= 57:
                    ahead_at += 1
                if ahead_at < stop and data[ahead_at] == 93:
                    at = ahead_at + 1
                    continue
            if (
                code == 64
                and at > start
                and not _is_space(data[at - 1])
                and at + 1 < stop
                and not _is_space(data[at + 1])
            ):
                count = run_start  # the address began with digits or marks
                while at < stop and not _is_space(data[at]):
                    at += 1
                continue
            if code == 32 or code == 9 or code == 160:
                run_start = count
            at = after
            continue
        if kind == _NEWLINE:
            run_start = count
            line_start = True
            at = after
            continue
        if kind == _DIGIT:
            size = 0
            while kind == _DIGIT:
                size += 1
                at = after
                if at >= stop:
                    break
                code, after = _decode(data, at, stop)
                if code >= 0x10000:
                    break
                kind = kinds[code]
            if (
                line_start
                and size <= 3
                and at + 1 < stop
                and (data[at] == 46 or data[at] == 41)
                and _is_space(data[at + 1])
            ):
                at += 2  # a list number
                line_start = False
                continue
            line_start = False
            hashes[count] = mark_hash(0x30 + min(size, 5))
            types[count] = NUMBER
            flags[count] = 0
            lengths[count] = min(size, 255)
            suffixes[count] = 0
            count += 1
            continue
        if kind == _IDEO:
            line_start = False
            hashes[count] = np.uint32((_FNV ^ np.uint32(fold[code])) * _PRIME)
            types[count] = IDEOGRAPH
            flags[count] = 0
            lengths[count] = 1
            suffixes[count] = 0
            count += 1
            at = after
            continue
        if kind == _SKIP:
            at = after
            continue
        # marks
        folded = np.int64(fold[code])
        if kind in (_DASH, _HYPHEN) and line_start and after < stop and _is_space(data[after]):
            at = after
            continue
        if kind == _APOS:
            folded = QUOTE
        if kind == _HYPHEN and after < stop:
            ahead, beyond = _decode(data, after, stop)
            spaced = at == start or _is_space(data[at - 1])
            if ahead < 0x10000 and kinds[ahead] == _HYPHEN:
                folded = DASH
                after = beyond
            elif spaced and _is_space(data[after]):
                folded = DASH
        while after < stop:  # runs of one mark are one mark
            ahead, beyond = _decode(data, after, stop)
            if ahead == code:
                after = beyond
                if folded == 46:
                    folded = ELLIPSIS
            else:
                break
        line_start = False
        ends = (
            folded == 46
            or folded == 33
            or folded == 63
            or folded == 0x3002
            or folded == ELLIPSIS
            or folded == 0x61F
            or folded == 0x6D4
        )
        hashes[count] = mark_hash(folded)
        types[count] = MARK
        flags[count] = SENTENCE_END if ends else 0
        lengths[count] = 1
        suffixes[count] = np.uint32(folded)
        count += 1
        at = after
    return count
