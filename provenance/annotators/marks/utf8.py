"""Texts as the compiled scans see them: bytes of an Arrow array, decoded one character at a time.

Nothing is copied, and only characters that can matter are decoded; all others are stepped over by their first byte.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


class Text(NamedTuple):
    """One text: bytes `start` to `end` (not included) of `data`."""

    data: Bytes
    start: int
    end: int


def _leads() -> Bytes:
    table = np.zeros(256, np.uint8)
    table[[*range(0xCD, 0xD7), 0xD8, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0, 0xF3]] = 1
    return table


#: First bytes of the characters that can matter: invisible ones, odd spaces, letters that look Latin.
_LEADS: Final = _leads()


@njit(cache=True, inline="always")
def next_lead(data: Bytes, i: int, end: int) -> int:
    """The first byte from `i` on that begins a character that can matter; `end` where there is none.

    Takes no Text: an array taken out of a tuple in a loop is counted each time it is.
    """
    while i < end and _LEADS[data[i]] == 0:
        i += 1
    return i


@njit(cache=True, inline="always")
def decode(data: Bytes, i: int, end: int) -> tuple[Any, int]:
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
def back(data: Bytes, i: int, start: int) -> int:
    """First byte of the character that ends before byte `i`."""
    i -= 1
    while i > start and data[i] & 0xC0 == 0x80:
        i -= 1
    return i
