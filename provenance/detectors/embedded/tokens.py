"""Tokens for the embedded detector, straight from UTF-8 bytes.

The pass ignores what differs between corpora rather than authors: case of hashes, accents, white
space, list and heading marks, quote and dash shapes, URLs, e-mail addresses and footnote marks.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.hashing import BASIS_32, PRIME_32
from provenance.annotators.kernel import kernel

#: Tokens read of one document: bounds time and memory on hostile input.
MAX_TOKENS = 8192

WORD, NUMBER, IDEOGRAPH, MARK = 1, 2, 3, 4
CAPITAL, UPPER, APOSTROPHE, SENTENCE_END, COMMON, HANGUL = 1, 2, 4, 8, 16, 32

_SPACE, _LETTER, _DIGIT, _IDEO, _MARK, _SKIP, _NEWLINE, _APOS, _DASH, _HYPHEN = range(10)
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


@kernel
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


@kernel
def mark_hash(code):  # type: ignore[no-untyped-def]
    """Hash of a punctuation mark, apart from those of words."""
    return np.uint32((np.uint32(code) ^ np.uint32(0x9E3779B9)) * np.uint32(0x85EBCA6B))


@kernel
def _is_space(byte):  # type: ignore[no-untyped-def]
    return byte == 32 or (9 <= byte <= 13)


@kernel
def _put(tokens, place, value, kind, flags, size, suffix):  # type: ignore[no-untyped-def]
    """Write one token; returns the place of the next one."""
    tokens.hashes[place] = value
    tokens.types[place] = kind
    tokens.flags[place] = flags
    tokens.lengths[place] = min(size, 255)
    tokens.suffixes[place] = suffix
    return place + 1


@kernel
def _read_letters(data, at, stop, value, tail):  # type: ignore[no-untyped-def]
    """Read on over letters of ASCII, which most are: where they end, hash and tail, how many they are and how many capitals."""
    size = capitals = 0
    while at < stop:
        byte = data[np.uint64(at)]
        small = np.uint8(byte | np.uint8(32))
        if np.uint8(small - np.uint8(97)) >= np.uint8(26):
            break
        value = np.uint32((value ^ np.uint32(small)) * PRIME_32)
        tail = np.uint32((tail << np.uint32(11)) ^ np.uint32(small))
        size += 1
        capitals += byte < np.uint8(97)
        at += 1
    return at, value, tail, size, capitals


@kernel
def _read_word(data, code, after, stop, characters):  # type: ignore[no-untyped-def]
    """Read on from the letter `code` that ends at `after`: where the word ends, its hash, flags, length and tail."""
    kinds, upper, fold = characters
    value = BASIS_32
    tail = np.uint32(0)
    size = 0
    capitals = 0
    flags = CAPITAL if upper[code] else 0
    while True:
        folded = fold[code]
        value = np.uint32((value ^ np.uint32(folded)) * PRIME_32)
        shift = np.uint32(16) if folded >= 0xAC00 else np.uint32(11)  # two syllables, three letters
        tail = np.uint32((tail << shift) ^ np.uint32(folded))
        size += 1
        capitals += upper[code]
        at = after
        at, value, tail, more, high = _read_letters(data, at, stop, value, tail)
        if more:
            folded = np.uint16(0)
        size += more
        capitals += high
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
                value = np.uint32((value ^ np.uint32(39)) * PRIME_32)
                flags |= APOSTROPHE
                code, after = ahead, beyond
                continue
        break
    if folded >= 0xAC00:
        flags |= HANGUL
    if capitals > 1 and capitals == size:
        flags |= UPPER
    return at, value, flags, size, tail


@kernel
def _skip_address(data, at, stop, size, tail):  # type: ignore[no-untyped-def]
    """Where the address ends whose first word (its length and tail are given) ends at `at`; `at` where it is none."""
    scheme = at + 2 < stop and data[at] == 58 and data[at + 1] == 47 and data[at + 2] == 47  # "://"
    mail = at + 1 < stop and data[at] == 64 and not _is_space(data[at + 1])
    web = size == 3 and tail == _WWW and at < stop and data[at] == 46
    if scheme or mail or web:
        while at < stop and not _is_space(data[at]) and data[at] not in (34, 41, 60, 62, 93):
            at += 1
    return at


@kernel
def _skip_mail(data, at, start, stop):  # type: ignore[no-untyped-def]
    """Where the address ends that has its "@" at `at`; `at` where it is none."""
    if data[at] != 64 or at == start or _is_space(data[at - 1]):
        return at
    if at + 1 < stop and not _is_space(data[at + 1]):
        while at < stop and not _is_space(data[at]):
            at += 1
    return at


@kernel
def _skip_footnote(data, at, stop):  # type: ignore[no-untyped-def]
    """Position after the footnote mark ("[12]") that begins at `at`; `at` where it is none."""
    if data[at] == 91 and at + 2 < stop and 48 <= data[at + 1] <= 57:
        ahead = at + 1
        while ahead < stop and ahead < at + 4 and 48 <= data[ahead] <= 57:
            ahead += 1
        if ahead < stop and data[ahead] == 93:
            return ahead + 1
    return at


@kernel
def _read_number(data, after, stop, kinds):  # type: ignore[no-untyped-def]
    """Read on from the digit that ends at `after`: where the number ends, and its digits."""
    size, kind = 0, _DIGIT
    while kind == _DIGIT:
        size += 1
        at = after
        if at >= stop:
            break
        code, after = _decode(data, at, stop)
        if code >= 0x10000:
            break
        kind = kinds[code]
    return at, size


@kernel
def _numbers_list(data, at, stop, size):  # type: ignore[no-untyped-def]
    """Whether a number of `size` digits at the start of a line, which ends at `at`, counts the items of a list."""
    return size <= 3 and at + 1 < stop and (data[at] == 46 or data[at] == 41) and _is_space(data[at + 1])


@kernel
def _read_mark(data, at, start, stop, characters):  # type: ignore[no-untyped-def]
    """Read the mark at `at`, of which a run is one: where it ends, and its folded code."""
    kinds, _, fold = characters
    code, after = _decode(data, at, stop)
    folded = fold[code]
    if kinds[code] == _APOS:
        folded = QUOTE
    if kinds[code] == _HYPHEN and after < stop:
        ahead, beyond = _decode(data, after, stop)
        spaced = at == start or _is_space(data[at - 1])
        if ahead < 0x10000 and kinds[ahead] == _HYPHEN:
            folded = DASH
            after = beyond
        elif spaced and _is_space(data[after]):
            folded = DASH
    while after < stop:
        ahead, beyond = _decode(data, after, stop)
        if ahead != code:
            break
        after = beyond
        if folded == 46:
            folded = ELLIPSIS
    return after, folded


@kernel
def _ends_sentence(folded):  # type: ignore[no-untyped-def]
    """Whether a mark of this folded code ends a sentence (full stops of any script, "!", "?")."""
    return (
        folded == 46
        or folded == 33
        or folded == 63
        or folded == 0x3002
        or folded == ELLIPSIS
        or folded == 0x61F
        or folded == 0x6D4
    )


@kernel
def tokenise(data, start, stop, characters, tokens):  # type: ignore[no-untyped-def]
    """Fill `tokens` (`Tokens`) from data[start:stop] and return how many there are; reading ends when it is full.

    Linear in the bytes, with look-ahead of at most four.
    """
    kinds, upper, fold = characters
    count = 0
    at = start
    run_start = 0  # the first token since the last white space: what an address takes back
    line_start = True
    limit = len(tokens.hashes)
    while at < stop and count < limit:
        code, after = _decode(data, at, stop)
        if code == 32:
            run_start, at = count, after
            continue
        kind = kinds[code] if code < 0x10000 else np.uint8(_SKIP)
        if kind == _LETTER:
            begin, capital = at, upper[code] != 0
            at, value, tail, size, capitals = _read_letters(data, begin, stop, BASIS_32, np.uint32(0))
            flags = CAPITAL * capital | UPPER * (capitals > 1 and capitals == size)
            following = data[at] if at < stop else np.uint8(32)
            if following >= 0x80 or kinds[following] == _APOS or kinds[following] == _SKIP:  # no plain word
                at, value, flags, size, tail = _read_word(data, code, after, stop, characters)
                following = data[at] if at < stop else np.uint8(32)
            count = _put(tokens, count, value, kind=WORD, flags=flags, size=size, suffix=tail)
            if following == 58 or following == 64 or following == 46:  # : @ .
                end = _skip_address(data, at, stop, size, tail)
                if end > at:
                    count, at = run_start, end
            line_start = False
        elif kind == _SPACE:
            mail, footnote = _skip_mail(data, at, start, stop), _skip_footnote(data, at, stop)
            if mail > at:
                count = run_start  # the address began with digits or marks
            elif code == 9 or code == 160:
                run_start = count
            at = max(mail, footnote, after)
        elif kind == _NEWLINE:
            run_start, line_start, at = count, True, after
        elif kind == _SKIP:
            at = after
        elif kind == _DIGIT:
            at, size = _read_number(data, after, stop, kinds)
            if line_start and _numbers_list(data, at, stop, size):
                at += 2
            else:
                value = mark_hash(0x30 + min(size, 5))
                count = _put(tokens, count, value, kind=NUMBER, flags=0, size=size, suffix=0)
            line_start = False
        elif kind == _IDEO:
            value = np.uint32((BASIS_32 ^ np.uint32(fold[code])) * PRIME_32)
            count = _put(tokens, count, value, kind=IDEOGRAPH, flags=0, size=1, suffix=0)
            line_start, at = False, after
        elif line_start and kind in (_DASH, _HYPHEN) and after < stop and _is_space(data[after]):
            at = after  # the dash of a list
        else:
            at, folded = _read_mark(data, at, start, stop, characters)
            flags = SENTENCE_END if _ends_sentence(folded) else 0
            count = _put(tokens, count, mark_hash(folded), kind=MARK, flags=flags, size=1, suffix=folded)
            line_start = False
    return count
