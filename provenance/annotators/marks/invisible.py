"""Runs of invisible characters: which are honest writing, and a text without those that are not.

A *run* is a maximal stretch of invisible characters. What honest writing puts there (emoji sequences, joiners, script
breaks, direction marks) is no mark, so a run keeps its honest beginning.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.annotators.columns import bytes_and_offsets
from provenance.annotators.marks.scripts import (
    BIDI,
    SELECTOR,
    TAG,
    ZERO_WIDTH,
    breaks_line,
    invisible_kind,
    is_ascii_alphanumeric,
    is_ascii_letter,
    is_emoji,
    is_hangul,
    is_rtl,
    takes_break,
    takes_joiner,
    takes_selector,
)
from provenance.annotators.marks.utf8 import Bytes, Offsets, Text, back, decode, next_lead

#: Bits of `_scripts_of`.
RIGHT_TO_LEFT: Final = 1
UNSPACED: Final = 2
KOREAN: Final = 4
#: Honest invisible characters in one run; longer ones are taken for data.
HONEST_RUN: Final = 3


class Around(NamedTuple):
    """What stands about a run: the visible characters before and after (10 at the text's ends), and the text.

    `inside`: in a word, two Latin letters on each side. `scripts`: bits of the text.
    """

    before: int
    after: int
    inside: bool
    scripts: int


def clean_invisible(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """`texts` without marked invisible runs; the very same array where there is none.

    Removes zero-width, bidi, tag and variation-selector marks (C2PA wrappers with them) and nothing else: honest
    joiners, emoji, direction marks, soft hyphens and exotic spaces stay. Idempotent. Nulls stay null.
    """
    data, offsets = bytes_and_offsets(texts)
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


@njit(cache=True)
def judge_run(text: Text, i: int, scripts: int) -> tuple[int, int, int, int]:
    """Judge the run that begins at byte `i`.

    Returns the byte after it, the byte where its mark begins (the byte after it: none), the kind of the mark, and
    `scripts` of the text (-1: not looked at yet).
    """
    data, start, end = text
    before: Any = np.int64(10)
    if i > start:
        before = decode(data, back(data, i, start), end)[0]
    stop, selectors, tags, directions, others = i, 0, 0, 0, 0
    after: Any = np.int64(10)
    while stop < end:
        c, step = decode(data, stop, end)
        kind = invisible_kind(c)
        if kind == 0:
            after = c
            break
        selectors += kind == SELECTOR
        tags += kind == TAG
        directions += kind == BIDI
        others += kind == ZERO_WIDTH
        stop = step
    if scripts < 0 and directions + others > 0:
        scripts = _scripts_of(text)
    inside = (
        i - start > 1
        and end - stop > 1
        and is_ascii_letter(before)
        and is_ascii_letter(int(data[i - 2]))
        and is_ascii_letter(after)
        and is_ascii_letter(int(data[stop + 1]))
    )
    around = Around(before, after, inside, max(scripts, 0))
    mark = _honest_end(Text(data, i, stop), around)
    if selectors > 0 and (selectors > 1 or others + tags + directions == 0):
        kind = SELECTOR
    elif tags > 0:
        kind = TAG
    elif others > 0:
        kind = ZERO_WIDTH
    else:
        kind = BIDI if directions > 0 else SELECTOR
    return stop, mark, kind, scripts


@njit(cache=True)
def _honest_end(run: Text, around: Around) -> int:
    """Where the honest beginning of a run stops (its end: all of it is honest)."""
    data, start, end = run
    i = start
    c, step = decode(data, i, end)
    if around.before == 0x1F3F4 and invisible_kind(c) == TAG:
        i = _flag_end(run)
    elif invisible_kind(c) == SELECTOR and takes_selector(around.before, c):
        i, first = step, c
        for _ in range(2):  # editors double the selector now and then
            if i < end:
                c, step = decode(data, i, end)
                if c == first:
                    i = step
    if i < end:
        c, step = decode(data, i, end)
        if c == 0x200D and step == end and is_emoji(around.before) and is_emoji(around.after):
            return end
    kept, count = i, 0
    while i < end:
        c, step = decode(data, i, end)
        if not _honest(c, around, i == start and step == end):
            return i
        # Korean pages draw blanks of any width with fillers: one character over and over holds no data
        i, count = step, count + (c != 0x3164 or around.scripts & KOREAN == 0)
        if count > HONEST_RUN:
            return kept
    return i


@njit(cache=True)
def _flag_end(run: Text) -> int:
    """Where the subdivision flag stops that begins a run after U+1F3F4: two to six letters and the cancel tag."""
    data, start, end = run
    at, count = start, 0
    while at < end:
        c, step = decode(data, at, end)
        if not 0xE0030 <= c <= 0xE007A:
            return step if c == 0xE007F and 2 <= count <= 6 else start
        at, count = step, count + 1
    return start


@njit(cache=True)
def _honest(c: int, around: Around, alone: bool) -> bool:
    """Invisible `c` is spelling or layout, not a mark. `alone`: it is the whole run."""
    before, after, inside, scripts = around
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
    if 0x180B <= c <= 0x180F:
        return 0x1800 <= before <= 0x18AF
    if 0x1BCA0 <= c <= 0x1BCA3:  # shorthand
        return 0x1BC00 <= before <= 0x1BC9F or 0x1BC00 <= after <= 0x1BC9F
    if 0x1D173 <= c <= 0x1D17A:  # beams and slurs of music
        return 0x1D100 <= before <= 0x1D1FF or 0x1D100 <= after <= 0x1D1FF
    if c == 0x17B4 or c == 0x17B5:
        return 0x1780 <= before <= 0x17FF
    if c == 0x115F or c == 0x1160 or c == 0x3164 or c == 0xFFA0:
        if is_hangul(before) or is_hangul(after):
            return True
        return c == 0x3164 and scripts & KOREAN > 0 and not latin
    if invisible_kind(c) != 2:
        return False
    # wikis and networks put these about names; in left-to-right text they change nothing
    idle = c == 0x200E or c == 0x2066 or c == 0x2068 or c == 0x2069
    return scripts & RIGHT_TO_LEFT > 0 or (alone and idle and not latin)


@njit(cache=True)
def _scripts_of(text: Text) -> int:
    """RIGHT_TO_LEFT, UNSPACED and KOREAN as bits: what the text's visible letters allow everywhere in it."""
    data, i, end = text
    found = 0
    while i < end and found != RIGHT_TO_LEFT | UNSPACED | KOREAN:
        if data[i] < 0xD6:
            i += 1
            continue
        c, i = decode(data, i, end)
        if invisible_kind(c) > 0:  # fillers stand in blocks of letters, and cleaning may remove them
            continue
        if is_rtl(c):
            found |= RIGHT_TO_LEFT
        elif takes_break(c):
            found |= UNSPACED
            if is_hangul(c):
                found |= KOREAN
    return found


@njit(cache=True, nogil=True)
def _clean(data: Bytes, offsets: Offsets, out: Bytes, out_offsets: Offsets) -> int:
    """Copy every text without its marked runs to `out` (where it has room; else only count); bytes removed."""
    removed, write = 0, offsets[0]
    copy = len(out) > 0
    base = offsets[0]
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        if copy:
            out_offsets[row] = write - base
        i, done, scripts = start, start, -1
        while True:
            i = next_lead(data, i, end)
            if i >= end:
                break
            c, step = decode(data, i, end)
            if invisible_kind(c) == 0:
                i = step
                continue
            stop, mark, _, scripts = judge_run(Text(data, start, end), i, scripts)
            if mark < stop:
                removed += stop - mark
                if copy:
                    out[write - base : write - base + mark - done] = data[done:mark]
                    write += mark - done
                done = stop
            i = stop
        if copy:
            out[write - base : write - base + end - done] = data[done:end]
            write += end - done
    if copy:
        out_offsets[len(offsets) - 1] = write - base
    return removed
