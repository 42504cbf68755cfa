"""Measures of a passage's style that need no vocabulary: marks, lengths, repetition, the rhythm of sentences.

They mean much the same in every language once they are compared with what humans do in that language, so
what is learned of them in one language carries over to others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from provenance.annotators.kernel import kernel
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
#: The codes of the marks that are counted, by their lower byte, which tells them apart, and the measure of each.
_COUNTED = (
    (0x2C, 0), (0x3001, 0), (0x2E, 1), (0x3002, 1), (0x3F, 2), (0x21, 3), (QUOTE, 4), (DASH, 5), (0x2D, 6), (0x3A, 7),
    (0x3B, 8), (0x28, 9), (ELLIPSIS, 10),
)  # fmt: skip
_MARKS, _MEASURE_OF_MARK = np.zeros(256, np.uint32), np.zeros(256, np.uint8)
for _code, _measure in _COUNTED:
    _MARKS[_code & 0xFF], _MEASURE_OF_MARK[_code & 0xFF] = _code, _measure
#: A word that comes again within so many is near; the logarithms of these distances, and 0 beyond.
_NEAR = 100
_LOGARITHMS = np.array([0.0, *(math.log(gap) for gap in range(1, _NEAR + 1)), 0.0])
#: A sentence counts as this many words at most, so that a table without stops is no style.
_LONGEST = 120


@kernel
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


@kernel
def _count_words(first, last, tokens, out):  # type: ignore[no-untyped-def]
    """Shapes and lengths of words; return how many there are."""
    types, flags, lengths = tokens.types, tokens.flags, tokens.lengths
    words = numbers = total = squares = inside = upper = contracted = 0
    long = short = common = middle = pairs = 0
    fresh = True  # at the start of a sentence
    before_common = False
    for i in range(np.uint64(first), np.uint64(last)):  # no branch: which token comes next is no use to guess
        mark, number = types[i] == MARK, types[i] == NUMBER
        word = not (mark | number)
        flag = flags[i]
        size: Any = np.int64(lengths[i]) * word
        is_common = word & ((flag & COMMON) != 0)
        words += word
        numbers += number
        total += size
        squares += size * size
        inside += word & ((flag & CAPITAL) != 0) & (not fresh)
        upper += word & ((flag & UPPER) != 0)
        contracted += word & ((flag & APOSTROPHE) != 0)
        long += size >= 8
        short += word & (size <= 3)
        common += is_common
        middle += (size >= 5) & (size <= 7)
        pairs += is_common & before_common
        before_common = is_common | (before_common & (not word))
        fresh = mark & (fresh | ((flag & SENTENCE_END) != 0))
    out[11], out[12], out[13], out[14] = numbers, inside, upper, contracted
    out[17], out[18], out[25], out[34], out[36] = long, short, common, middle, pairs
    if words:
        mean = total / words
        out[15] = mean
        out[16] = np.sqrt(max(0.0, squares / words - mean * mean))
        for k in (17, 18, 25, 34, 36):
            out[k] /= words
    return words


@kernel
def _is_comma(value):  # type: ignore[no-untyped-def]
    return value == mark_hash(44) or value == mark_hash(0x3001)


@kernel
def _count_marks(first, last, tokens, out):  # type: ignore[no-untyped-def]
    """Count each kind of mark."""
    types, codes = tokens.types, tokens.suffixes
    for i in range(np.uint64(first), np.uint64(last)):
        if types[i] == MARK:
            place = codes[i] & np.uint32(0xFF)
            out[_MEASURE_OF_MARK[place]] += _MARKS[place] == codes[i]


@kernel
def _repetition(first, last, tokens, recent, base, words, out):  # type: ignore[no-untyped-def]
    """How soon words and pairs of words come again."""
    hashes, types = tokens.hashes, tokens.types
    position = base
    gap_sum = 0.0
    gap_count = far = once = pairs = 0
    previous = np.uint32(0)
    for i in range(np.uint64(first), np.uint64(last)):  # no branch: marks leave all as it was
        word = (types[i] == WORD) | (types[i] == IDEOGRAPH)
        value = hashes[i]
        position += word
        slot = value & np.uint32(0xFFFF)
        before = recent[slot]
        gap = position - before
        recent[slot] = position if word else before
        near = np.uint64(gap) if word else np.uint64(_NEAR + 1)
        gap_sum += _LOGARITHMS[min(near, np.uint64(_NEAR + 1))]
        gap_count += word & (gap <= _NEAR)
        far += word & (gap > _NEAR)
        once += word & (gap > 1000)
        pair = np.uint32(previous * np.uint32(0x9E3779B1) ^ value * np.uint32(0x85EBCA6B)) >> np.uint32(16)
        before = recent[pair]
        pairs += word & (position - before <= 1000)
        recent[pair] = position if word else before
        previous = value if word else previous
    out[19], out[20], out[35] = far, once, pairs
    for k in (19, 20, 35):
        out[k] /= words
    out[26] = gap_sum / gap_count if gap_count else 0.0


@kernel
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
