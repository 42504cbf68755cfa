"""Whether a day can be read in a stretch of a page at all: one compiled pass that clears most pages of taking texts apart.

It may say yes where there is none and never no where there is one, so that what is found stays what it was (promise 5).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.dates.anchors import end_of_numbers, end_of_year, is_digit
from provenance.annotators.dates.months import MONTHS
from provenance.annotators.hashing import BASIS, PRIME, hash_word
from provenance.annotators.kernel import kernel
from provenance.annotators.page.search import Page
from provenance.annotators.page.spans import TAG, write_visible
from provenance.annotators.page.strings import Compiled, find_places
from provenance.annotators.references import read_usual

#: Bytes between a digit and what may be more than it looks, an `&` or a byte beyond ASCII, at which the texts are read: a
#: date has at most 30 characters between two digits, and the longest reference 33.
_BESIDE: Final = 80
#: Characters before and after a year in which its month stands (`written.find_dates`), and one more for a border of words.
_BEFORE, _AFTER = 33, 24
#: First bytes of characters that are digits to `written.find_dates`: Arabic and Persian, Indian and full-width ones.
_OTHER_DIGITS: Final = np.isin(np.arange(256), [0xD9, 0xDB, 0xE0, 0xEF])
MONTH_KEYS: Final = np.sort(np.array([hash_word(name) for name in MONTHS if name.isascii()], np.uint64))
#: Places of words that name a day which there is room for.
_ROOM: Final = 64


def may_have_day(page: Page, words: Compiled, first: int, start: int, last: int) -> bool:
    """Whether a day can be read from byte `first` to `start` or from there to `last`, or a tag there holds one of `words`."""
    data = np.frombuffer(page.content, np.uint8)
    first, start, last = (min(at, len(data)) for at in (first, start, last))
    places = np.empty((_ROOM, 2), np.int64)
    counts = np.zeros(len(words.bounds) - 1, np.int64)
    size = find_places(data[first:last], words, counts, places)
    if size > _ROOM:
        return True
    out, found = np.empty(last - first + 1, np.uint8), places[:size, 0]
    return bool(_has_day(data, page.spans, (first, start, last), found, out=out, months=MONTH_KEYS))


@kernel
def _has_day(page, spans, bounds, places, out, months):  # type: ignore[no-untyped-def]
    """Whether one of `places`, counted from the first byte, is in an opening tag, or a day may stand before or after the middle."""
    first, middle, last = bounds
    for place in places:
        at = place + first
        number = np.searchsorted(spans.starts, at, "right") - 1
        if number >= 0 and spans.kinds[number] == TAG and at < spans.ends[number]:
            return True
    size = write_visible(page, spans.starts, spans.ends, (middle, last, 32), out)
    if holds_day(out[:size], months):
        return True
    size = write_visible(page, spans.starts, spans.ends, (first, middle, 32), out)
    return holds_day(out[:size], months)


@kernel
def holds_day(text: NDArray[np.uint8], months: NDArray[np.uint64]) -> bool:
    """Whether `written.find_dates` may find a day in a text with references."""
    digit = other = -_BESIDE - 1
    at = -1
    while at + 1 < len(text):
        at += 1
        byte = text[at]
        if byte == 38 or byte >= 128:  # & and what is not ASCII
            length, _ = read_usual(text, at) if byte == 38 else (0, 0)
            if length:  # of a date it may be the apostrophe before a month
                at += length - 1
                continue
            if _OTHER_DIGITS[byte] or at - digit <= _BESIDE:
                return True
            other = at
        elif 48 <= byte <= 57:
            if at - other <= _BESIDE:
                return True
            digit = at
            if end_of_numbers(text, at):
                return True
            stop = end_of_year(text, at)
            if stop and _has_month(text, at, stop, months):
                return True
    return False


@kernel
def _has_month(text: NDArray[np.uint8], start: int, stop: int, months: NDArray[np.uint64]) -> bool:
    """Whether a number stands beside the year at `start`, parted by at most three signs, or the name of a month near it."""
    if is_digit(text, stop + 1) or is_digit(text, stop + 2):
        return True
    if is_digit(text, start - 2) or is_digit(text, start - 3) or is_digit(text, start - 4):
        return True
    at, until = max(0, start - _BEFORE), min(len(text), stop + _AFTER)
    while at < until:
        if not 97 <= text[at] | 32 <= 122:
            at += 1
            continue
        begin, whole, ordinal = at, BASIS, BASIS
        while at < until and 97 <= text[at] | 32 <= 122:
            letter = np.uint64(text[at] | np.uint8(32))
            whole = (whole ^ letter) * PRIME
            if at - begin >= 2:
                ordinal = (ordinal ^ letter) * PRIME
            at += 1
        if _is_month(whole, months) or (is_digit(text, begin - 1) and _is_month(ordinal, months)):  # 4thMay
            return True
    return False


@kernel
def _is_month(key: np.uint64, months: NDArray[np.uint64]) -> bool:
    place = np.searchsorted(months, key)
    return bool(place < len(months) and months[place] == key)


@kernel
def state_days(
    page: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], told: NDArray[np.bool_]
) -> None:
    """Say of each tag whether one of its values may begin with a day, as `machine.read_metas` wants it."""
    for number in range(len(starts)):
        tag = page[starts[number] : ends[number]]
        for at in range(tag.size):
            if tag[at] == 61 and _may_be_day(tag, at + 1):  # =
                told[number] = True
                break


@kernel
def _may_be_day(tag: NDArray[np.uint8], at: int) -> bool:
    """Whether a day may begin at `at`, behind white space and a quotation mark: with a number, a month's name, or no ASCII."""
    while at < tag.size and (tag[at] <= 32 or tag[at] == 34 or tag[at] == 39):
        at += 1
    if at < tag.size and 97 <= tag[at] | 32 <= 122:
        behind = _after_word(tag, at)
        return bool(behind > 0 and (is_digit(tag, behind) or is_digit(tag, _after_word(tag, behind))))
    if not is_digit(tag, at):
        return at < tag.size and tag[at] >= 0xC3
    behind = at + 2 if is_digit(tag, at + 1) else at + 1
    if is_digit(tag, behind):
        return bool(tag[at] <= 50 and is_digit(tag, at + 3))  # a year
    return behind < tag.size and (tag[behind] == 32 or 45 <= tag[behind] <= 47 or tag[behind] >= 97)


@kernel
def _after_word(tag: NDArray[np.uint8], at: int) -> int:
    """The byte after a word of three to nine letters, at most two full stops or commas, and a space; 0 where none begins."""
    begin = at
    while at < tag.size and 97 <= tag[at] | 32 <= 122:
        at += 1
    if not 3 <= at - begin <= 9:
        return 0
    begin = at
    while at < tag.size and at - begin < 2 and (tag[at] == 46 or tag[at] == 44):
        at += 1
    return at + 1 if at < tag.size and tag[at] == 32 else 0
