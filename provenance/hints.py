"""Which of a few strings occur in a page at all: one compiled, skipping pass over its bytes.

Lets an annotator pay for a page in proportion to what the page holds: the search is that of
Wu and Manber (1994, TR-94-17) with blocks of two bytes, ASCII case ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True)
class Hints:
    """A compiled set of at most 64 strings of at least four bytes each."""

    shift: NDArray[np.uint8]
    shortest: int
    needles: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    def search(self, page: bytes) -> int:
        """Return a bit for each string that occurs in `page`, the first string at bit 0."""
        if not page:
            return 0
        haystack = np.frombuffer(page, np.uint8)
        return int(_search(haystack, self.shift, self.shortest, self.needles, self.bounds))


def compile_hints(strings: Sequence[bytes]) -> Hints:
    """Return the searcher for `strings` (lower case). Raises ValueError for too many or too short ones."""
    if not 0 < len(strings) <= 64 or min(map(len, strings)) < 4:
        raise ValueError("one to 64 strings of at least four bytes are needed")
    shortest = min(255, *map(len, strings))
    shift = np.full(65_536, shortest - 1, np.uint8)
    for string in strings:
        for at in range(1, shortest):
            for first in _cases(string[at - 1]):
                for second in _cases(string[at]):
                    block = first << 8 | second
                    shift[block] = min(shift[block], shortest - 1 - at)
    bounds = np.cumsum([0, *map(len, strings)]).astype(np.int64)
    return Hints(shift, shortest, np.frombuffer(b"".join(strings), np.uint8), bounds)


def _cases(byte: int) -> set[int]:
    character = bytes([byte])
    return {character.lower()[0], character.upper()[0]}


@njit(cache=True, nogil=True)
def _search(
    haystack: NDArray[np.uint8],
    shift: NDArray[np.uint8],
    shortest: int,
    needles: NDArray[np.uint8],
    bounds: NDArray[np.int64],
) -> np.uint64:
    found = np.uint64(0)
    size = haystack.size
    at = shortest - 1
    while at < size:
        step = shift[np.int64(haystack[at - 1]) << 8 | haystack[at]]
        if step:
            at += step
            continue
        start = at - shortest + 1
        for number in range(bounds.size - 1):
            low, high = bounds[number], bounds[number + 1]
            if start + high - low > size:
                continue
            same = True
            for offset in range(high - low):
                byte = haystack[start + offset]
                if 65 <= byte <= 90:
                    byte += np.uint8(32)
                if byte != needles[low + offset]:
                    same = False
                    break
            if same:
                found |= np.uint64(1) << np.uint64(number)
        at += 1
    return found
