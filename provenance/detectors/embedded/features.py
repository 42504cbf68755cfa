"""Features of a passage: hashed n-grams of words, of words with their topic masked and of marks, and its style.

A document is read in passages of equal length, so that what the model sees has the length of what it was
trained on and a page of any size costs a bounded time. All features are blind to white space and markup.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.detectors.embedded.tokens import (
    APOSTROPHE,
    CAPITAL,
    COMMON,
    DASH,
    ELLIPSIS,
    IDEOGRAPH,
    MARK,
    NUMBER,
    QUOTE,
    SENTENCE_END,
    UPPER,
    WORD,
    mark_hash,
)

#: Tokens of a passage: a document of n tokens is cut in ceil(n / PASSAGE) equal parts.
PASSAGE = 400
#: Passages read of one document (the first ones).
MAX_PASSAGES = 12
#: N-grams a passage can have: five for each token, two more for each mark.
MAX_GRAMS = 7 * PASSAGE
#: Measures of style, in the order of their vector; rates are roots of counts per word.
STYLE = (
    "comma", "stop", "question", "exclamation", "quote", "dash", "hyphen", "colon", "semicolon", "bracket",
    "ellipsis", "number", "capital_inside", "all_capitals", "contraction", "word_length", "word_length_sd",
    "long_words", "short_words", "type_ratio", "hapax", "sentence_mean", "sentence_sd", "sentence_cv",
    "sentence_short", "common_words", "repeat_gap", "comma_after_first",
)  # fmt: skip

_P, _Q, _R, _S = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xD6E8FEB86659FD93),
    np.uint64(0xA0761D6478BD642F),
    np.uint64(0x8EBC6AF09C88C6E3),
)


@njit(cache=True, nogil=True)
def mix(value):  # type: ignore[no-untyped-def]
    """Spread a 64-bit state over the bits of the table (the finaliser of MurmurHash3)."""
    value = np.uint64(value)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


def index_vocabulary(vocabulary: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """An open-addressing table of the word hashes, at most half full; 0 marks a free entry."""
    size = 1 << max(4, int(2 * max(1, len(vocabulary)) - 1).bit_length())
    table = np.zeros(size, np.uint32)
    for value in vocabulary.tolist():
        at = value & (size - 1)
        while table[at]:
            at = (at + 1) & (size - 1)
        table[at] = value
    return table


@njit(cache=True, nogil=True)
def is_common(index, value):  # type: ignore[no-untyped-def]
    """Whether a word hash is in the table that `index_vocabulary` made."""
    at = value & np.uint32(len(index) - 1)
    while index[at] != 0:
        if index[at] == value:
            return True
        at = (at + np.uint32(1)) & np.uint32(len(index) - 1)
    return False


@njit(cache=True, nogil=True)
def mask(count, hashes, types, flags, lengths, suffixes, index, masked):  # type: ignore[no-untyped-def]
    """Write the masked stream: common words stay (and are flagged), others leave their
    ending and shape; return how many stay. `index` is made by `index_vocabulary`.
    """
    kept = 0
    for i in range(count):
        if types[i] != WORD:
            masked[i] = hashes[i]
        elif is_common(index, hashes[i]):
            masked[i] = hashes[i]
            flags[i] |= COMMON
            kept += 1
        else:
            shape = np.uint32(0x51ED270B) if flags[i] & CAPITAL else np.uint32(0x2545F491)
            if lengths[i] > 5:
                masked[i] = np.uint32((suffixes[i] ^ shape) * np.uint32(0x9E3779B1))
            else:
                masked[i] = np.uint32(shape * np.uint32(0x9E3779B1))
    return kept


@njit(cache=True, nogil=True)
def grams(first, last, hashes, types, masked, out):  # type: ignore[no-untyped-def]
    """Write the 32-bit keys of the n-grams of tokens[first:last] to `out` (uint32); return how many.

    Words in runs of 1, 2 and 3; masked words in runs of 4 and in pairs that leave one out; marks in runs of 2
    and 3 with the distance between them (as a power of two). A key can occur more than once and is never 0.
    """
    size = 0
    a = b = c = np.uint64(0)
    ma = mb = mc = md = np.uint64(0)
    mark = before = np.uint64(0)
    distance = 0
    for i in range(first, last):
        c = b
        b = a
        a = np.uint64(hashes[i])
        md = mc
        mc = mb
        mb = ma
        ma = np.uint64(masked[i])
        out[size] = _key(a + np.uint64(0x100000000))
        size += 1
        if i > first:
            out[size] = _key(b * _P + a * np.uint64(3))
            size += 1
        if i > first + 1:
            out[size] = _key((c * _P + b) * _Q + a * np.uint64(5))
            out[size + 1] = _key((mc * _R + ma) * _S + np.uint64(29))
            size += 2
        if i > first + 2:
            out[size] = _key(((md * _P + mc) * _Q + mb) * _S + ma * np.uint64(17))
            size += 1
        if types[i] != MARK:
            distance += 1
            continue
        here = a * np.uint64(16)
        while distance > 0:
            here += np.uint64(1)
            distance >>= 1
        out[size] = _key(mark * _Q + here * _R + np.uint64(43))
        out[size + 1] = _key((before * _P + mark) * _Q + here + np.uint64(41))
        size += 2
        before = mark
        mark = here
    return size


@njit(cache=True, nogil=True)
def _key(value):  # type: ignore[no-untyped-def]
    return max(np.uint32(1), np.uint32(mix(value) >> np.uint64(32)))


@njit(cache=True, nogil=True)
def style(first, last, hashes, types, flags, lengths, recent, base, out):  # type: ignore[no-untyped-def]
    """Fill `out` (float32, one entry a name of STYLE) for tokens[first:last].

    Rates are per word; `recent` is an int64 table of 65536 positions, and `base` leaves more than 1000
    between calls, so it is never cleared.
    """
    for k in range(len(out)):
        out[k] = 0.0
    words = 0
    total = 0.0
    squares = 0.0
    distinct = 0
    gap_sum = 0.0
    gap_count = 0
    sentence = 0
    sentences = 0
    s_total = 0.0
    s_squares = 0.0
    s_short = 0
    fresh = True  # at the start of a sentence
    starts = 0
    comma_starts = 0
    hapax_like = 0
    for i in range(first, last):
        t = types[i]
        if t in (WORD, IDEOGRAPH):
            words += 1
            sentence += 1
            size = lengths[i]
            total += size
            squares += size * size
            out[17] += size >= 8
            out[18] += size <= 3
            if flags[i] & CAPITAL and not fresh:
                out[12] += 1
            if flags[i] & UPPER:
                out[13] += 1
            if flags[i] & APOSTROPHE:
                out[14] += 1
            if flags[i] & COMMON:
                out[25] += 1
            slot = hashes[i] & np.uint32(0xFFFF)
            gap = base + words - recent[slot]
            if gap > 100:
                distinct += 1
            else:
                gap_sum += np.log(np.float64(gap))
                gap_count += 1
            if gap > 1000:
                hapax_like += 1
            recent[slot] = base + words
            if fresh:
                starts += 1
                if i + 1 < last and types[i + 1] == MARK and hashes[i + 1] == mark_hash(44):
                    comma_starts += 1
            fresh = False
        elif t == NUMBER:
            out[11] += 1
            fresh = False
        else:
            value = hashes[i]
            if value == mark_hash(44) or value == mark_hash(0x3001):
                out[0] += 1
            elif value == mark_hash(46) or value == mark_hash(0x3002):
                out[1] += 1
            elif value == mark_hash(63):
                out[2] += 1
            elif value == mark_hash(33):
                out[3] += 1
            elif value == mark_hash(QUOTE):
                out[4] += 1
            elif value == mark_hash(DASH):
                out[5] += 1
            elif value == mark_hash(45):
                out[6] += 1
            elif value == mark_hash(58):
                out[7] += 1
            elif value == mark_hash(59):
                out[8] += 1
            elif value == mark_hash(40):
                out[9] += 1
            elif value == mark_hash(ELLIPSIS):
                out[10] += 1
            if flags[i] & SENTENCE_END:
                if sentence > 1:
                    sentences += 1
                    s_total += min(sentence, 120)
                    s_squares += min(sentence, 120) ** 2
                    s_short += sentence <= 7
                sentence = 0
                fresh = True
    if words == 0:
        return
    for k in range(15):
        out[k] = np.sqrt(out[k] / words)
    mean = total / words
    out[15] = mean
    out[16] = np.sqrt(max(0.0, squares / words - mean * mean))
    out[17] /= words
    out[18] /= words
    out[19] = distinct / words
    out[20] = hapax_like / words
    if sentences > 0:
        s_mean = s_total / sentences
        deviation = np.sqrt(max(0.0, s_squares / sentences - s_mean * s_mean))
        out[21] = np.log(s_mean)
        out[22] = np.log(1.0 + deviation)
        out[23] = deviation / s_mean
        out[24] = s_short / sentences
    out[25] /= words
    out[26] = gap_sum / gap_count if gap_count else 0.0
    out[27] = comma_starts / starts if starts else 0.0


def hash_word(word: str) -> int:
    """The token hash of a lower-case word without accents (what `tokenise` gives), as an unsigned 32-bit number."""
    value = 2166136261
    for char in word:
        value = ((value ^ ord(char)) * 16777619) & 0xFFFFFFFF
    return value


def empty_tokens(
    size: int,
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint32]]:
    """Token arrays (hashes, types, flags, lengths, suffixes) of `size` entries for `tokenise`."""
    return (
        np.zeros(size, np.uint32),
        np.zeros(size, np.uint8),
        np.zeros(size, np.uint8),
        np.zeros(size, np.uint8),
        np.zeros(size, np.uint32),
    )
