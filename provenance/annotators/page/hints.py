"""Where a few strings occur in a page: one compiled pass over its bytes for all of them.

Lets an annotator pay for a page in proportion to what the page holds. Each byte is judged by three
independent table look-ups (a scalar form of the filter "Teddy" of Hyperscan); ASCII case is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Places of one string that are kept; pages with more are not written for readers.
MOST_PLACES = 400
_BLOCK = 16


@dataclass(frozen=True)
class Hints:
    """A compiled set of strings of at least three bytes each."""

    table: NDArray[
        np.uint8
    ]  # 3 x 256: groups of strings that have a byte at their first, second, third place
    needles: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    def find(self, page: bytes) -> list[list[int]]:
        """Return the offsets of each string in `page`, ascending, at most `MOST_PLACES` of each."""
        strings = len(self.bounds) - 1
        places = np.empty((strings, MOST_PLACES), np.int64)
        counts = np.zeros(strings, np.int64)
        _find(np.frombuffer(page, np.uint8), self.table, self.needles, self.bounds, places, counts)
        return [places[i, :count].tolist() if count else [] for i, count in enumerate(counts.tolist())]


def compile_hints(strings: Sequence[bytes]) -> Hints:
    """Return the searcher for `strings` (lower case). Raises ValueError for none or too short ones."""
    if not strings or min(map(len, strings)) < 3:
        raise ValueError("strings of at least three bytes are needed")
    table = np.zeros((3, 256), np.uint8)
    for number, string in enumerate(strings):
        for place in range(3):
            for byte in (string[place : place + 1].lower()[0], string[place : place + 1].upper()[0]):
                table[place, byte] |= 1 << number % 8
    bounds = np.cumsum([0, *map(len, strings)]).astype(np.int64)
    return Hints(table, np.frombuffer(b"".join(strings), np.uint8), bounds)


@njit(cache=True, nogil=True)
def _find(
    page: NDArray[np.uint8],
    table: NDArray[np.uint8],
    needles: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    places: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    start, last = 0, page.size - 2
    while start < last:
        window = page[start : start + _BLOCK + 2]
        any_groups = np.uint8(0)
        for at in range(window.size - 2):  # no branch: the processor looks at several bytes at once
            any_groups |= table[0, window[at]] & table[1, window[at + 1]] & table[2, window[at + 2]]
        if any_groups:
            for at in range(start, min(start + _BLOCK, last)):
                groups = table[0, page[at]] & table[1, page[at + 1]] & table[2, page[at + 2]]
                if groups:
                    _note(page, at, groups, needles, bounds, places, counts)
        start += _BLOCK


@njit(cache=True, nogil=True)
def _note(
    page: NDArray[np.uint8],
    at: int,
    groups: int,
    needles: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    places: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Count the strings of the groups that stand at `at`."""
    for number in range(bounds.size - 1):
        low, high = bounds[number], bounds[number + 1]
        if not groups >> (number & 7) & 1 or at + high - low > page.size:
            continue
        same = True
        for offset in range(high - low):
            byte = page[at + offset]
            if 65 <= byte <= 90:
                byte += np.uint8(32)
            if byte != needles[low + offset]:
                same = False
                break
        if same and counts[number] < places.shape[1]:
            places[number, counts[number]] = at
            counts[number] += 1
