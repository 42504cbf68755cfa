"""Characters that a reader cannot see or cannot tell apart, found in the raw text, before any normalisation.

One compiled pass over the UTF-8 of an Arrow array gives counts by kind and the first places of each.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.annotators.columns import bytes_and_offsets
from provenance.annotators.marks.invisible import judge_run
from provenance.annotators.marks.lookalikes import IMITATION, REVERSE, mixed_word
from provenance.annotators.marks.scripts import (
    invisible_kind,
    is_ascii_letter,
    is_exotic_space,
    is_lookalike_script,
)
from provenance.annotators.marks.utf8 import Bytes, Offsets, Text, decode, next_lead

#: Signal names by kind (0 is unused); "c2pa" is a "variation-selectors" run with the wrapper's magic.
SIGNAL_NAMES: Final = (
    "",
    "zero-width",
    "bidi",
    "tag-characters",
    "variation-selectors",
    "exotic-space",
    "homoglyph",
)
EXOTIC_SPACE: Final = 5
HOMOGLYPH: Final = 6
KINDS: Final = 7
#: Places reported for one document and kind; the counts go on.
PLACES: Final = 4
#: Mixed words from which a text in Cyrillic or Greek is reported; single ones are slips of the keyboard layout.
SLIPS: Final = 3
#: First letter of the Roman numerals among the look-alikes.
_ROMAN: Final = 0x2160
#: Bytes of a text for each letter of another script below which the text itself is in that script.
_OWN_SCRIPT: Final = 5


class Findings(NamedTuple):
    """Where the kernel writes: `counts` (rows x KINDS), `places`, and what it keeps while it reads one text.

    `places` has columns row, kind, first byte, byte after, character. `cursor` is a byte and its character;
    `reverse` holds the first PLACES words of another script with Latin imitations.
    """

    counts: npt.NDArray[np.int32]
    places: npt.NDArray[np.int64]
    cursor: npt.NDArray[np.int64]
    reverse: npt.NDArray[np.int64]


def find_characters(
    texts: pa.LargeStringArray, use: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Marks of the characters in each text.

    `use` (rows): texts to look at; null texts must be excluded. Returns `counts` (rows x KINDS, by kind code) and
    `places` (at most PLACES for a text and kind; columns row, kind, first byte, byte after, character), in row order.
    """
    data, offsets = bytes_and_offsets(texts)
    result: tuple[Any, Any] = _scan(data, offsets, use)
    return result


@njit(cache=True, nogil=True)
def _scan(
    data: Bytes, offsets: Offsets, use: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    rows = len(offsets) - 1
    counts = np.zeros((rows, KINDS), np.int32)
    places = np.empty((64, 5), np.int64)
    cursor, reverse = np.zeros(2, np.int64), np.empty((PLACES, 2), np.int64)
    filled = 0
    for row in range(rows):
        if not use[row]:
            continue
        if filled + 2 * KINDS * PLACES > len(places):
            grown = np.empty((2 * len(places), 5), np.int64)
            grown[:filled] = places[:filled]
            places = grown
        found = Findings(counts, places, cursor, reverse)
        filled = _scan_text(Text(data, offsets[row], offsets[row + 1]), row, found, filled)
    return counts, places[:filled].copy()


@njit(cache=True)
def _scan_text(text: Text, row: int, found: Findings, filled: int) -> int:
    """Write the marks of one text; returns how many places are filled."""
    data, start, end = text
    first, i = filled, start
    scripts, unspaced, narrow, reverse, foreign = -1, -1, 0, 0, 0
    found.cursor[0], found.cursor[1] = start, 0
    while True:
        i = next_lead(data, i, end)
        if i >= end:
            break
        c, step = decode(data, i, end)
        kind, place, stop = 0, i, step
        if invisible_kind(c) > 0:
            stop, place, kind, scripts = judge_run(text, i, scripts)
            kind = kind if place < stop else 0
        elif is_exotic_space(c):
            between = (
                i > start and step < end and is_ascii_letter(data[i - 1]) and is_ascii_letter(data[step])
            )
            if between and c == 0x3000:
                unspaced = _has_cjk(text) if unspaced < 0 else unspaced
                between = unspaced == 0
            kind = EXOTIC_SPACE if between else 0
            narrow += c == 0x202F and not between
        elif is_lookalike_script(c):
            foreign += c < _ROMAN
            if _in_latin(text, i, step, c >= _ROMAN):
                place, stop, mixed = mixed_word(text, i)
                stop = max(stop, step)
                if mixed == IMITATION:
                    kind = HOMOGLYPH
                elif mixed == REVERSE and c < _ROMAN:
                    if reverse < PLACES:
                        found.reverse[reverse, 0], found.reverse[reverse, 1] = place, stop
                    reverse += 1
        if kind > 0:
            if found.counts[row, kind] < PLACES:
                _note(text, found, filled, (row, kind, place, stop))
                filled += 1
            found.counts[row, kind] += 1
        i = stop
    if found.counts[row, EXOTIC_SPACE] <= narrow:
        found.counts[row, EXOTIC_SPACE] = 0
    own = foreign * _OWN_SCRIPT > end - start
    filled = _settle_words(text, row, found, (filled, reverse, own))
    return _drop_unreported(row, found, first, filled)


@njit(cache=True)
def _settle_words(text: Text, row: int, found: Findings, words: tuple[int, int, bool]) -> int:
    """Count words of another script with Latin imitations; a few mixed words of such a text are slips of the layout."""
    filled, reverse, own = words
    if own and found.counts[row, HOMOGLYPH] + reverse < SLIPS:
        found.counts[row, HOMOGLYPH] = 0
        return filled
    if reverse >= SLIPS:
        for k in range(min(reverse, PLACES)):
            if found.counts[row, HOMOGLYPH] + k >= PLACES:
                break
            found.cursor[0], found.cursor[1] = text.start, 0
            _note(text, found, filled, (row, HOMOGLYPH, found.reverse[k, 0], found.reverse[k, 1]))
            filled += 1
        found.counts[row, HOMOGLYPH] += reverse
    return filled


@njit(cache=True)
def _drop_unreported(row: int, found: Findings, first: int, filled: int) -> int:
    """Take away the places of kinds that do not count after all; returns how many places are filled."""
    kept = first
    for k in range(first, filled):
        if found.counts[row, found.places[k, 1]] > 0:
            found.places[kept] = found.places[k]
            kept += 1
    return kept


@njit(cache=True)
def _note(text: Text, found: Findings, at: int, place: tuple[int, int, int, int]) -> None:
    """Write one place (row, kind, first byte, byte after) with its number of characters from the text's start."""
    row, kind, first, stop = place
    i, char = found.cursor[0], found.cursor[1]
    while i < first:
        char += text.data[i] & 0xC0 != 0x80
        i += 1
    found.cursor[0], found.cursor[1] = i, char
    found.places[at, 0], found.places[at, 1] = row, kind
    found.places[at, 2], found.places[at, 3], found.places[at, 4] = first, stop, char


@njit(cache=True)
def _has_cjk(text: Text) -> int:
    """1 where a text has a letter of the planes of Chinese, Japanese and Korean, U+3000 apart; else 0."""
    data, start, end = text
    for k in range(start, end):
        if 0xE3 <= data[k] <= 0xED and not (data[k] == 0xE3 and data[k + 1] == 0x80 and data[k + 2] == 0x80):
            return 1
    return 0


@njit(cache=True, inline="always")
def _in_latin(text: Text, i: int, step: int, numeral: bool) -> bool:
    """The letter from `i` to `step` touches a Latin one; a Roman `numeral` must stand between two small ones."""
    data, start, end = text
    if numeral:
        return i > start and step < end and 97 <= data[i - 1] <= 122 and 97 <= data[step] <= 122
    return (i > start and is_ascii_letter(data[i - 1])) or (step < end and is_ascii_letter(data[step]))
