"""Measures of a passage's style that need no vocabulary: marks, lengths, repetition, the rhythm of sentences.

They mean much the same in every language once they are compared with what humans do in that language, so
what is learned of them in one language carries over to others.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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

#: Measures, in the order of their vector; rates of marks are roots of counts per word.
STYLE = (
    "comma", "stop", "question", "exclamation", "quote", "dash", "hyphen", "colon", "semicolon", "bracket",
    "ellipsis", "number", "capital_inside", "all_capitals", "contraction", "word_length", "word_length_sd",
    "long_words", "short_words", "type_ratio", "hapax", "sentence_mean", "sentence_sd", "sentence_cv",
    "sentence_short", "common_words", "repeat_gap", "comma_after_first", "sentence_step", "sentence_plain",
    "sentence_commas", "sentence_long", "comma_series", "same_start", "middle_words", "pair_repeat", "common_pairs",
)  # fmt: skip
#: Rates that are counted in place and end as the root of their share of the words.
_ROOTS = 15
#: A sentence counts as this many words at most, so that a table without stops is no style.
_LONGEST = 120


@njit(cache=True, nogil=True)
def style(first, last, tokens, recent, base, out):  # type: ignore[no-untyped-def]
    """Fill `out` (float32, one entry a name of STYLE) for tokens[first:last].

    `recent` is an int64 table of 65536 positions, and `base` leaves more than 1000 between calls, so it is never
    cleared.
    """
    for k in range(len(out)):
        out[k] = 0.0
    words = _count_words(first, last, tokens, out)
    if words == 0:
        for k in range(len(out)):
            out[k] = 0.0
        return
    _count_marks(first, last, tokens, out)
    commas = out[0]
    for k in range(_ROOTS):
        out[k] = np.sqrt(out[k] / words)
    _repetition(first, last, tokens, recent=recent, base=base, words=words, out=out)
    _sentences(first, last, tokens, commas, out)


@njit(cache=True, nogil=True)
def _count_words(first, last, tokens, out):  # type: ignore[no-untyped-def]
    """Shapes and lengths of words; return how many there are."""
    types, flags, lengths = tokens.types, tokens.flags, tokens.lengths
    words = 0
    total = 0.0
    squares = 0.0
    fresh = True  # at the start of a sentence
    before_common = False
    for i in range(first, last):
        if types[i] == MARK:
            fresh = fresh or (flags[i] & SENTENCE_END) != 0
            continue
        if types[i] == NUMBER:
            out[11] += 1
            fresh = False
            continue
        size = lengths[i]
        common = (flags[i] & COMMON) != 0
        words += 1
        total += size
        squares += size * size
        out[12] += (flags[i] & CAPITAL) != 0 and not fresh
        out[13] += (flags[i] & UPPER) != 0
        out[14] += (flags[i] & APOSTROPHE) != 0
        out[17] += size >= 8
        out[18] += size <= 3
        out[25] += common
        out[34] += 5 <= size <= 7
        out[36] += common and before_common
        before_common = common
        fresh = False
    if words:
        mean = total / words
        out[15] = mean
        out[16] = np.sqrt(max(0.0, squares / words - mean * mean))
        for k in (17, 18, 25, 34, 36):
            out[k] /= words
    return words


@njit(cache=True, nogil=True)
def _is_comma(value):  # type: ignore[no-untyped-def]
    return value == mark_hash(44) or value == mark_hash(0x3001)


@njit(cache=True, nogil=True)
def _count_marks(first, last, tokens, out):  # type: ignore[no-untyped-def]
    """Count each kind of mark."""
    hashes, types = tokens.hashes, tokens.types
    for i in range(first, last):
        if types[i] != MARK:
            continue
        value = hashes[i]
        if _is_comma(value):
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


@njit(cache=True, nogil=True)
def _repetition(first, last, tokens, recent, base, words, out):  # type: ignore[no-untyped-def]
    """How soon words and pairs of words come again."""
    hashes, types = tokens.hashes, tokens.types
    position = base
    gap_sum = 0.0
    gap_count = 0
    previous = np.uint32(0)
    for i in range(first, last):
        if types[i] != WORD and types[i] != IDEOGRAPH:
            continue
        position += 1
        slot = hashes[i] & np.uint32(0xFFFF)
        gap = position - recent[slot]
        recent[slot] = position
        if gap > 100:
            out[19] += 1
        else:
            gap_sum += np.log(np.float64(gap))
            gap_count += 1
        out[20] += gap > 1000
        pair = np.uint32(previous * np.uint32(0x9E3779B1) ^ hashes[i] * np.uint32(0x85EBCA6B)) >> np.uint32(
            16
        )
        out[35] += position - recent[pair] <= 1000
        recent[pair] = position
        previous = hashes[i]
    for k in (19, 20, 35):
        out[k] /= words
    out[26] = gap_sum / gap_count if gap_count else 0.0


@njit(cache=True, nogil=True)
def _sentences(first, last, tokens, all_commas, out):  # type: ignore[no-untyped-def]
    """Length of sentences, how it varies and steps from one to the next, where their commas are, how they begin."""
    hashes, types, flags = tokens.hashes, tokens.types, tokens.flags
    size = commas = count = before = steps = starts = 0
    since_comma = 1000
    total = squares = 0.0
    opener = opener_2 = opener_3 = np.uint32(0)
    fresh = True
    for i in range(first, last):
        if types[i] == NUMBER:
            fresh = False
        elif types[i] != MARK:
            size += 1
            since_comma += 1
            if fresh:
                starts += 1
                out[27] += i + 1 < last and types[i + 1] == MARK and hashes[i + 1] == mark_hash(44)
                out[33] += hashes[i] == opener or hashes[i] == opener_2 or hashes[i] == opener_3
                opener, opener_2, opener_3 = hashes[i], opener, opener_2
            fresh = False
        elif _is_comma(hashes[i]):
            commas += 1
            out[32] += since_comma <= 3
            since_comma = 0
        elif flags[i] & SENTENCE_END:
            if size > 1:
                count += 1
                total += min(size, _LONGEST)
                squares += min(size, _LONGEST) ** 2
                out[24] += size <= 7
                out[29] += commas == 0
                out[30] += commas >= 2
                out[31] += size > 25
                if before > 0:
                    out[28] += abs(np.log(np.float64(size) / before))
                    steps += 1
                before = size
            size = commas = 0
            since_comma = 1000
            fresh = True
    if count:
        mean = total / count
        deviation = np.sqrt(max(0.0, squares / count - mean * mean))
        out[21] = np.log(mean)
        out[22] = np.log(1.0 + deviation)
        out[23] = deviation / mean
        for k in (24, 29, 30, 31):
            out[k] /= count
    out[27] /= max(1, starts)
    out[28] /= max(1, steps)
    out[32] /= max(1.0, all_commas)
    out[33] /= max(1, starts)
