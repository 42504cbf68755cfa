"""Where the strings occur that the readers of a page read around: one compiled pass a page, for all of them.

`Pages` is made once for a batch and handed to its readers, so that each page is paid for once. Each byte is judged
by three independent table look-ups (a scalar form of the filter "Teddy" of Hyperscan); ASCII case is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

#: Bytes of a page that are read: 99% of the `<time datetime>` elements of 597 dated pages begin before it.
SCANNED: Final = 400_000
#: Places of one string that are kept; pages with more are not written for readers.
MOST_PLACES: Final = 400
#: The start of a C2PATextManifestWrapper in UTF-8 (C2PA 2.x): U+FEFF and "C2PATXT" NUL as variation selectors.
WRAPPER: Final = ("\ufeff" + "".join(chr(0xE0100 + byte - 16) for byte in b"C2PATXT") + chr(0xFE00)).encode()
#: What is looked for, in lower case; bytes beyond ASCII as they are.
STRINGS: Final = (
    b"<meta", b"<time", b"datepublished", b"datemodified",
    b"ai-disclosure", b"aidisclosure", b"ai-generated",
    b"license", b"c2pa-manifest", b"application/c2pa", b"creativecommons.org/",
    b"digitalsourcetype", b"application/ld+json", b"application/rsl+xml",
    WRAPPER, b"begin c2pa manifest",
)  # fmt: skip
_BLOCK = 16

#: Offsets of each string in a page, ascending.
Places = dict[bytes, list[int]]


class Compiled(NamedTuple):
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
        _find(np.frombuffer(page, np.uint8), self, places, counts)
        return [places[i, :count].tolist() if count else [] for i, count in enumerate(counts.tolist())]


def compile_strings(strings: Sequence[bytes]) -> Compiled:
    """Return the searcher for `strings` (lower case). Raises ValueError for none or too short ones."""
    if not strings or min(map(len, strings)) < 3:
        raise ValueError("strings of at least three bytes are needed")
    table = np.zeros((3, 256), np.uint8)
    for number, string in enumerate(strings):
        for place in range(3):
            for byte in (string[place : place + 1].lower()[0], string[place : place + 1].upper()[0]):
                table[place, byte] |= 1 << number % 8
    bounds = np.cumsum([0, *map(len, strings)]).astype(np.int64)
    return Compiled(table, np.frombuffer(b"".join(strings), np.uint8), bounds)


_SEARCH = compile_strings([string.lower() for string in STRINGS])


@dataclass(frozen=True)
class Page:
    """The part of a page that is read, and where `STRINGS` occur in it."""

    content: bytes
    places: Places


def search_page(body: bytes) -> Page:
    """Return the searched page of a `body`."""
    content = body[:SCANNED]
    return Page(content, dict(zip(STRINGS, _SEARCH.find(content), strict=True)))


class Pages:
    """The searched pages of a batch, by row; a page is searched when it is first asked for."""

    def __init__(self, bodies: pa.LargeBinaryArray) -> None:
        self._bodies = bodies
        self._searched: dict[int, Page | None] = {}

    def __getitem__(self, row: int) -> Page | None:
        """The page of a row; None where it has no body, or an empty one."""
        if row not in self._searched:
            body = self._bodies[row]
            content = body.as_buffer()[:SCANNED].to_pybytes() if body.is_valid else b""
            self._searched[row] = search_page(content) if content else None
        return self._searched[row]


@njit(cache=True, nogil=True)
def _find(
    page: NDArray[np.uint8], strings: Compiled, places: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    start, last = 0, page.size - 2
    table = strings.table
    while start < last:
        window = page[start : start + _BLOCK + 2]
        any_groups = np.uint8(0)
        for at in range(window.size - 2):  # no branch: the processor looks at several bytes at once
            any_groups |= table[0, window[at]] & table[1, window[at + 1]] & table[2, window[at + 2]]
        if any_groups:
            for at in range(start, min(start + _BLOCK, last)):
                groups = table[0, page[at]] & table[1, page[at + 1]] & table[2, page[at + 2]]
                if groups:
                    _note(page, at, groups, strings, (places, counts))
        start += _BLOCK


@njit(cache=True, nogil=True)
def _note(
    page: NDArray[np.uint8],
    at: int,
    groups: int,
    strings: Compiled,
    found: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Count the strings of the groups that stand at `at`."""
    places, counts = found
    for number in range(strings.bounds.size - 1):
        low, high = strings.bounds[number], strings.bounds[number + 1]
        if not groups >> (number & 7) & 1 or at + high - low > page.size:
            continue
        same = True
        for offset in range(high - low):
            byte = page[at + offset]
            if 65 <= byte <= 90:
                byte += np.uint8(32)
            if byte != strings.needles[low + offset]:
                same = False
                break
        if same and counts[number] < places.shape[1]:
            places[number, counts[number]] = at
            counts[number] += 1
