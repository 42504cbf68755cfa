"""Characters that a reader cannot see or cannot tell apart: found in the raw text, and removed from the
published one.

One compiled pass over the UTF-8 of an Arrow array, before any normalisation. A *run* is a maximal stretch
of invisible
characters; what honest writing puts there (emoji sequences, joiners, script breaks, direction marks) is no
finding.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.annotators.marks.scripts import (
    IMITATED,
    IMITATES,
    breaks_line,
    invisible_kind,
    is_ascii_alphanumeric,
    is_ascii_letter,
    is_emoji,
    is_exotic_space,
    is_hangul,
    is_lookalike_script,
    is_rtl,
    letter_script,
    takes_break,
    takes_joiner,
    takes_selector,
)

#: Signal names by the kernel's kind code (0 is unused); "c2pa" is a "variation-selectors" run with the
#: wrapper's magic.
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
#: Bits of `_scripts_of`.
RIGHT_TO_LEFT: Final = 1
UNSPACED: Final = 2
#: Bytes looked at on each side for the rest of a mixed word.
WORD_REACH: Final = 128
#: Honest invisible characters in one run; longer ones are taken for data.
HONEST_RUN: Final = 3
#: Mixed words from which a text in Cyrillic or Greek is reported; single ones are slips of the keyboard
#: layout.
SLIPS: Final = 3

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def _leads() -> Bytes:
    table = np.zeros(256, np.uint8)
    for lead in (
        0xCD,
        0xCE,
        0xCF,
        0xD0,
        0xD1,
        0xD2,
        0xD3,
        0xD4,
        0xD5,
        0xD6,
        0xD8,
        0xE1,
        0xE2,
        0xE3,
        0xEF,
        0xF3,
    ):
        table[lead] = 1
    return table


#: First bytes of the characters that can matter; everything else is stepped over unread.
_LEADS: Final = _leads()


@njit(cache=True, inline="always")
def _decode(data: Bytes, i: int, end: int) -> tuple[Any, int]:
    """Code point at byte `i` and the byte after it; a cut sequence decodes to U+FFFD."""
    b = np.int64(data[i])
    if b < 0x80:
        return b, i + 1
    if b < 0xE0:
        if i + 2 > end or b < 0xC0:
            return np.int64(0xFFFD), i + 1
        return (b & 0x1F) << 6 | (np.int64(data[i + 1]) & 0x3F), i + 2
    if b < 0xF0:
        if i + 3 > end:
            return np.int64(0xFFFD), end
        return (b & 0x0F) << 12 | (np.int64(data[i + 1]) & 0x3F) << 6 | (np.int64(data[i + 2]) & 0x3F), i + 3
    if i + 4 > end:
        return np.int64(0xFFFD), end
    c = (b & 0x07) << 18 | (np.int64(data[i + 1]) & 0x3F) << 12 | (np.int64(data[i + 2]) & 0x3F) << 6
    return c | (np.int64(data[i + 3]) & 0x3F), i + 4


@njit(cache=True, inline="always")
def _back(data: Bytes, i: int, start: int) -> int:
    """First byte of the character that ends before byte `i`."""
    i -= 1
    while i > start and data[i] & 0xC0 == 0x80:
        i -= 1
    return i


@njit(cache=True)
def _scripts_of(data: Bytes, start: int, end: int) -> int:
    """RIGHT_TO_LEFT and UNSPACED as bits: what the text's visible letters allow everywhere in it."""
    i, found = start, 0
    while i < end and found != RIGHT_TO_LEFT | UNSPACED:
        if data[i] < 0xD6:
            i += 1
            continue
        c, i = _decode(data, i, end)
        if invisible_kind(c) > 0:  # fillers stand in blocks of letters, and cleaning may remove them
            continue
        if is_rtl(c):
            found |= RIGHT_TO_LEFT
        elif takes_break(c):
            found |= UNSPACED
    return found


@njit(cache=True)
def _honest(c: int, before: int, after: int, alone: bool, inside: bool, scripts: int) -> bool:
    """Invisible `c` between two visible characters (10 at the text's ends) is spelling or layout, not a
    mark. `inside`: in a word, two Latin letters on each side.
    """
    latin = is_ascii_letter(before) and is_ascii_letter(after)
    if c == 0x200C or c == 0x200D:
        if takes_joiner(before) or takes_joiner(after):
            return True
        return c == 0x200C and alone and scripts & RIGHT_TO_LEFT > 0 and not latin
    if c == 0x200B:
        if takes_break(before) or takes_break(after):
            return True
        if alone and scripts & UNSPACED > 0 and not latin:
            return True
        return alone and breaks_line(before) and is_ascii_alphanumeric(after)
    if c == 0xFEFF:
        return alone and (before == 10 or before == 13 or after == 10 or after == 13)
    if c == 0x2060:
        return not latin
    if 0x2061 <= c <= 0x2064:  # invisible operators, as MathML is turned into text
        return c == 0x2061 or not inside
    if c == 0x202D or c == 0x202E:
        return is_rtl(before) or is_rtl(after)
    if c == 0x034F:
        return before >= 0x0300
    if c == 0x180E:
        return 0x1800 <= before <= 0x18AF
    if c == 0x17B4 or c == 0x17B5:
        return 0x1780 <= before <= 0x17FF
    if c == 0x115F or c == 0x1160 or c == 0x3164 or c == 0xFFA0:
        return is_hangul(before) or is_hangul(after)
    if invisible_kind(c) != 2:
        return False
    # wikis and networks put these about names; in left-to-right text they change nothing
    idle = c == 0x200E or c == 0x2066 or c == 0x2068 or c == 0x2069
    return scripts & RIGHT_TO_LEFT > 0 or (alone and idle and not latin)


@njit(cache=True)
def _honest_end(
    data: Bytes, start: int, end: int, before: int, after: int, inside: bool, scripts: int
) -> int:
    """Where the honest beginning of the run `start`–`end` stops (`end`: all of it is honest)."""
    i = start
    c, step = _decode(data, i, end)
    if (
        before == 0x1F3F4 and invisible_kind(c) == 3
    ):  # subdivision flag: black flag, two to six letters, cancel tag
        at, count = i, 0
        while at < end:
            c, step = _decode(data, at, end)
            if not 0xE0030 <= c <= 0xE007A:
                break
            at, count = step, count + 1
        if at < end and c == 0xE007F and 2 <= count <= 6:
            i = step
    elif invisible_kind(c) == 4 and takes_selector(before, c):
        i, first = step, c
        for _ in range(2):  # editors double the selector now and then
            if i < end:
                c, step = _decode(data, i, end)
                if c == first:
                    i = step
    if i < end:
        c, step = _decode(data, i, end)
        if c == 0x200D and step == end and is_emoji(before) and is_emoji(after):
            return end
    kept, count = i, 0
    while i < end:
        c, step = _decode(data, i, end)
        if not _honest(c, before, after, i == start and step == end, inside, scripts):
            return i
        i, count = step, count + 1
        if count > HONEST_RUN:
            return kept
    return i


@njit(cache=True)
def _run(data: Bytes, i: int, start: int, end: int, scripts: int) -> tuple[int, int, int, int]:
    """Judge the run that begins at `i`: byte after it, byte where its mark begins, kind, `scripts` of the text
    (-1: not looked at yet).
    """
    before: Any = np.int64(10)
    if i > start:
        before = _decode(data, _back(data, i, start), end)[0]
    stop, selectors, tags, directions, others = i, 0, 0, 0, 0
    after: Any = np.int64(10)
    while stop < end:
        c, step = _decode(data, stop, end)
        kind = invisible_kind(c)
        if kind == 0:
            after = c
            break
        selectors += kind == 4
        tags += kind == 3
        directions += kind == 2
        others += kind == 1
        stop = step
    if scripts < 0 and directions + others > 0:
        scripts = _scripts_of(data, start, end)
    inside = (
        i - start > 1
        and end - stop > 1
        and is_ascii_letter(before)
        and is_ascii_letter(int(data[i - 2]))
        and is_ascii_letter(after)
        and is_ascii_letter(int(data[stop + 1]))
    )
    mark = _honest_end(data, i, stop, before, after, inside, max(scripts, 0))
    if selectors > 0 and (selectors > 1 or others + tags + directions == 0):
        kind = 4
    elif tags > 0:
        kind = 3
    elif others > 0:
        kind = 1
    else:
        kind = 2 if directions > 0 else 4
    return stop, mark, kind, scripts


@njit(cache=True)
def _mixed_word(data: Bytes, i: int, start: int, end: int) -> tuple[int, int, int]:
    """Word around byte `i`: its first byte, the byte after it, and 1 for a Latin word with imitations (2:
    the reverse).
    """
    first = i
    while first > start and i - first < WORD_REACH:
        at = _back(data, first, start)
        c, _ = _decode(data, at, end)
        if not (is_ascii_letter(c) or is_lookalike_script(c) or 0xC0 <= c <= 0x24F):
            break
        first = at
    latin, plain, imitations, foreign, inside = 0, 0, 0, 0, 0
    waiting, script, ours = 0, 0, 15
    last = first
    while last < end and last - i < WORD_REACH:
        c, step = _decode(data, last, end)
        if is_ascii_letter(c):
            latin += 1
            plain += IMITATED[c] == 0
            ours &= IMITATED[c]
            inside += waiting
            waiting = 0
        elif 0xC0 <= c <= 0x24F:
            latin += 1
            plain += 1
            ours = 0
            inside += waiting
            waiting = 0
        elif is_lookalike_script(c):
            if IMITATES[c] > 0:
                imitations += 1
                waiting += 1
            else:
                foreign += 1
                script = letter_script(c)
        else:
            break
        last = step
    # A foreign ending on a Latin name (as Russian writes cases) is not an imitation: a Latin letter must
    # follow it.
    if foreign == 0 and inside > 0 and (imitations > 1 or latin >= 2):
        return first, last, 1
    # every Latin letter must imitate one of the word's own script
    if foreign > 0 and ours >> script & 1 and latin > 0 and imitations + foreign > latin:
        return first, last, 2
    return first, last, 0


@njit(cache=True, inline="always")
def _between_small(data: Bytes, i: int, step: int, start: int, end: int) -> bool:
    return i > start and step < end and 97 <= data[i - 1] <= 122 and 97 <= data[step] <= 122


@njit(cache=True, nogil=True)
def _scan(
    data: Bytes, offsets: Offsets, use: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    rows = len(offsets) - 1
    counts = np.zeros((rows, KINDS), np.int32)
    places = np.empty((64, 5), np.int64)
    filled = 0
    reverse_at = np.empty((PLACES, 2), np.int64)
    for row in range(rows):
        if not use[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        if filled + 2 * KINDS * PLACES > len(places):
            grown = np.empty((2 * len(places), 5), np.int64)
            grown[:filled] = places[:filled]
            places = grown
        i, scripts, cjk = start, -1, -1
        narrow_honest, reverse, cyrillic, mixed_from = 0, 0, 0, filled
        at, at_char = start, 0  # how far characters have been counted
        while True:
            while i < end and _LEADS[data[i]] == 0:
                i += 1
            if i >= end:
                break
            c, step = _decode(data, i, end)
            kind, place, stop = 0, i, step
            if c < 0x0530 or 0x0531 <= c <= 0x0587:
                if c == 0x034F:
                    stop, place, kind, scripts = _run(data, i, start, end, scripts)
                    kind = kind if place < stop else 0
                elif is_lookalike_script(c):
                    cyrillic += 1
                    if (i > start and is_ascii_letter(data[i - 1])) or (
                        step < end and is_ascii_letter(data[step])
                    ):
                        place, stop, found = _mixed_word(data, i, start, end)
                        if stop <= i:
                            stop = step
                        if found == 1:
                            kind = HOMOGLYPH
                        elif found == 2:
                            if reverse < PLACES:
                                reverse_at[reverse, 0] = place
                                reverse_at[reverse, 1] = stop
                            reverse += 1
            elif invisible_kind(c) > 0:
                stop, place, kind, scripts = _run(data, i, start, end, scripts)
                kind = kind if place < stop else 0
            elif is_exotic_space(c):
                between = (
                    i > start and step < end and is_ascii_letter(data[i - 1]) and is_ascii_letter(data[step])
                )
                if c == 0x3000 and between:
                    if cjk < 0:
                        cjk = 0
                        for k in range(start, end):
                            if (
                                0xE3 <= data[k] <= 0xED
                                and k != i
                                and not (data[k] == 0xE3 and data[k + 1] == 0x80 and data[k + 2] == 0x80)
                            ):
                                cjk = 1
                                break
                    between = cjk == 0
                if between:
                    kind = EXOTIC_SPACE
                elif c == 0x202F:
                    narrow_honest += 1
            elif 0x2160 <= c <= 0x217F and _between_small(data, i, step, start, end):
                place, stop, found = _mixed_word(data, i, start, end)
                if stop <= i:
                    stop = step
                kind = HOMOGLYPH if found == 1 else 0
            if kind > 0:
                if counts[row, kind] < PLACES:
                    while at < place:
                        at_char += data[at] & 0xC0 != 0x80
                        at += 1
                    places[filled, 0] = row
                    places[filled, 1] = kind
                    places[filled, 2] = place
                    places[filled, 3] = stop
                    places[filled, 4] = at_char
                    filled += 1
                counts[row, kind] += 1
            i = stop
        if counts[row, EXOTIC_SPACE] <= narrow_honest:
            counts[row, EXOTIC_SPACE] = 0
        # Where the text itself is Cyrillic or Greek, a few mixed words are slips of the keyboard layout.
        own = cyrillic * 5 > (end - start)
        if own and counts[row, HOMOGLYPH] + reverse < SLIPS:
            counts[row, HOMOGLYPH] = 0
        elif reverse >= SLIPS:
            for k in range(min(reverse, PLACES)):
                if counts[row, HOMOGLYPH] + k >= PLACES:
                    break
                at, at_char = start, 0
                while at < reverse_at[k, 0]:
                    at_char += data[at] & 0xC0 != 0x80
                    at += 1
                places[filled, 0] = row
                places[filled, 1] = HOMOGLYPH
                places[filled, 2] = reverse_at[k, 0]
                places[filled, 3] = reverse_at[k, 1]
                places[filled, 4] = at_char
                filled += 1
            counts[row, HOMOGLYPH] += reverse
        kept = mixed_from
        for k in range(mixed_from, filled):
            if counts[row, places[k, 1]] > 0:
                places[kept] = places[k]
                kept += 1
        filled = kept
    return counts, places[:filled].copy()


@njit(cache=True, nogil=True)
def _clean(data: Bytes, offsets: Offsets, out: Bytes, out_offsets: Offsets) -> int:
    """Copy every text without its marked runs to `out` (where it has room; else only count); bytes
    removed.
    """
    removed, write = 0, offsets[0]
    copy = len(out) > 0
    base = offsets[0]
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        if copy:
            out_offsets[row] = write - base
        i, done, scripts = start, start, -1
        while True:
            while i < end and _LEADS[data[i]] == 0:
                i += 1
            if i >= end:
                break
            c, step = _decode(data, i, end)
            if invisible_kind(c) == 0:
                i = step
                continue
            stop, mark, _, scripts = _run(data, i, start, end, scripts)
            if mark < stop:
                removed += stop - mark
                if copy:
                    for k in range(done, mark):
                        out[write - base] = data[k]
                        write += 1
                done = stop
            i = stop
        if copy:
            for k in range(done, end):
                out[write - base] = data[k]
                write += 1
    if copy:
        out_offsets[len(offsets) - 1] = write - base
    return removed


def buffers(texts: pa.LargeStringArray | pa.LargeBinaryArray) -> tuple[Bytes, Offsets]:
    """Bytes and offsets (rows + 1, into those bytes) of a large string or binary array, without a copy."""
    _, offsets, data = texts.buffers()
    rows = len(texts)
    if offsets is None or rows == 0:
        return np.zeros(0, np.uint8), np.zeros(rows + 1, np.int64)
    ends = np.frombuffer(offsets, np.int64, rows + 1, texts.offset * 8)
    return (np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)), ends


def find_characters(
    texts: pa.LargeStringArray, use: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Marks of the characters in each text.

    `use` (rows): texts to look at; null texts must be excluded. Returns `counts` (rows × KINDS, by kind
    code) and
    `places` (at most PLACES for a text and kind; columns row, kind, first byte, byte after, character), in
    row order.
    """
    data, offsets = buffers(texts)
    result: tuple[Any, Any] = _scan(data, offsets, use)
    return result


def clean_invisible(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """`texts` without marked invisible runs; the very same array where there is none.

    Removes zero-width, bidi, tag and variation-selector marks (C2PA wrappers with them) and nothing else:
    honest joiners,
    emoji, direction marks, soft hyphens and exotic spaces stay. Idempotent. Nulls stay null.
    """
    data, offsets = buffers(texts)
    nothing = np.zeros(0, np.uint8)
    removed = _clean(data, offsets, nothing, np.zeros(1, np.int64))
    if removed == 0:
        return texts
    out = np.empty(max(int(offsets[-1] - offsets[0] - removed), 1), np.uint8)
    out_offsets = np.empty(len(offsets), np.int64)
    _clean(data, offsets, out, out_offsets)
    validity = texts.is_valid() if texts.null_count else None
    mask = (
        pa.py_buffer(np.packbits(validity.to_numpy(zero_copy_only=False), bitorder="little"))
        if validity is not None
        else None
    )
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(out_offsets), pa.py_buffer(out), mask)
