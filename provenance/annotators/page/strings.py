"""Where known strings occur: one compiled pass over bytes, for all of them.

Each byte is judged by three independent table look-ups (a scalar form of the filter "Teddy" of Hyperscan); ASCII case
is ignored. Where each string holds one of a few rare probes, only stretches that hold a probe are judged so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.kernel import kernel

#: Places of one string that are kept; pages with more are not written for readers.
MOST_PLACES: Final = 1000
#: Places that there is room for at first: more than most pages have.
FEW: Final = 128
_BLOCK: Final = 16
#: Bytes of a probe, and of a stretch that is asked for all probes before its bytes are judged one by one: few enough to stay
#: in the first-level cache. 512 took 19 µs a page of 120 KB, for 13 probes of which 1.5% of its stretches hold one; to judge all bytes 95.
PROBE: Final = 4
_STRETCH: Final = 512
#: In bytes of letters the bit that tells small letters from capitals.
_SMALL: Final = 32


class Compiled(NamedTuple):
    """A compiled set of strings of at least three bytes each."""

    #: 3 x 256: groups of strings that have a byte at their first, second, third place.
    table: NDArray[np.uint8]
    needles: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    #: n x PROBE: each string holds one of them at most `reach` bytes after its first; none where all bytes are judged.
    probes: NDArray[np.uint8]
    reach: int

    def find(self, page: bytes) -> list[list[int]]:
        """Return the offsets of each string in `page`, ascending, at most `MOST_PLACES` of each."""
        strings = len(self.bounds) - 1
        places: list[list[int]] = [[] for _ in range(strings)]
        data = np.frombuffer(page, np.uint8)
        found = np.empty((FEW, 2), np.int64)
        count = find_places(data, self, np.zeros(strings, np.int64), found)
        if count > FEW:
            found = np.empty((count, 2), np.int64)
            find_places(data, self, np.zeros(strings, np.int64), found)
        for at, number in found[:count].tolist() if count else ():
            places[number].append(at)
        return places


def compile_strings(strings: Sequence[bytes], probes: Sequence[bytes] = ()) -> Compiled:
    """Return the searcher for `strings` (lower case).

    `probes`: runs of PROBE bytes, rare where is searched, of which each string holds one. Raises ValueError for no
    strings or too short ones, and for a string without a probe, if there are probes.
    """
    if not strings or min(map(len, strings)) < 3:
        raise ValueError("strings of at least three bytes are needed")
    held = [min((at for at in map(string.find, probes) if at >= 0), default=-1) for string in strings]
    if probes and (min(held) < 0 or {PROBE} != set(map(len, probes))):
        raise ValueError(f"each string must hold a probe of {PROBE} bytes")
    table = np.zeros((3, 256), np.uint8)
    for number, string in enumerate(strings):
        for place in range(3):
            for byte in (string[place : place + 1].lower()[0], string[place : place + 1].upper()[0]):
                table[place, byte] |= 1 << number % 8
    bounds = np.cumsum([0, *map(len, strings)]).astype(np.int64)
    needles = np.frombuffer(b"".join(strings), np.uint8)
    small = np.frombuffer(b"".join(probes), np.uint8).reshape(-1, PROBE) | np.uint8(_SMALL)
    return Compiled(table, needles, bounds, small, max(0, *held))


@kernel
def find_places(
    page: NDArray[np.uint8], strings: Compiled, counts: NDArray[np.int64], found: NDArray[np.int64]
) -> int:
    """Write (place, number of the string) to `found` as far as it reaches, in page order; how many there are."""
    start, judged = 0, 0
    size: int = 0
    if strings.probes.size:
        while start + _STRETCH + PROBE <= page.size:
            if _holds_probe(page[start : start + _STRETCH + PROBE], strings.probes):
                bounds = max(judged, start - strings.reach), start + _STRETCH
                size = _find_between(page, bounds, strings=strings, counts=counts, found=found, size=size)
                judged = start + _STRETCH
            start += _STRETCH
    bounds = max(judged, start - strings.reach), page.size
    size = _find_between(page, bounds, strings=strings, counts=counts, found=found, size=size)
    return size


@kernel
def _holds_probe(stretch: NDArray[np.uint8], probes: NDArray[np.uint8]) -> bool:
    """Whether one of the probes begins in a stretch, before its last PROBE bytes; other bytes may pass for letters."""
    first, second, third, fourth = stretch[:-4], stretch[1:-3], stretch[2:-2], stretch[3:-1]
    for number in range(len(probes)):
        probe, here = probes[number], False
        # No branch, and bytes that stay bytes: the processor looks at many at once.
        for at in range(first.size):
            here |= (
                (np.uint8(first[at] | np.uint8(_SMALL)) == probe[0])
                & (np.uint8(second[at] | np.uint8(_SMALL)) == probe[1])
                & (np.uint8(third[at] | np.uint8(_SMALL)) == probe[2])
                & (np.uint8(fourth[at] | np.uint8(_SMALL)) == probe[3])
            )
        if here:
            return True
    return False


@kernel
def _find_between(
    page: NDArray[np.uint8],
    bounds: tuple[int, int],
    strings: Compiled,
    counts: NDArray[np.int64],
    found: NDArray[np.int64],
    size: int,
) -> int:
    """Write the strings that begin between two bytes, behind `size` others; how many there are then."""
    start, last = bounds[0], min(bounds[1], page.size - 2)
    table = strings.table
    while start < last:
        window = page[start : min(start + _BLOCK, last) + 2]
        any_groups = np.uint8(0)
        for at in range(window.size - 2):  # no branch: the processor looks at several bytes at once
            any_groups |= table[0, window[at]] & table[1, window[at + 1]] & table[2, window[at + 2]]
        if any_groups:
            for at in range(start, min(start + _BLOCK, last)):
                groups = table[0, page[at]] & table[1, page[at + 1]] & table[2, page[at + 2]]
                if groups:
                    size = _note(page, at, groups, strings=strings, counts=counts, found=found, size=size)
        start += _BLOCK
    return size


@kernel
def holds_one(page: NDArray[np.uint8], strings: Compiled) -> bool:
    """Whether one of the strings stands in a short page."""
    for at in range(page.size - 2):
        groups = strings.table[0, page[at]] & strings.table[1, page[at + 1]] & strings.table[2, page[at + 2]]
        if groups:
            for number in range(strings.bounds.size - 1):
                if groups >> (number & 7) & 1 and _stands(page, at, strings, number):
                    return True
    return False


@kernel
def _stands(page: NDArray[np.uint8], at: int, strings: Compiled, number: int) -> bool:
    """Whether string `number` stands at `at`."""
    low, high = strings.bounds[number], strings.bounds[number + 1]
    if at + high - low > page.size:
        return False
    for offset in range(high - low):
        byte = page[at + offset]
        if 65 <= byte <= 90:
            byte += np.uint8(32)
        if byte != strings.needles[low + offset]:
            return False
    return True


@kernel
def _note(
    page: NDArray[np.uint8],
    at: int,
    groups: int,
    strings: Compiled,
    counts: NDArray[np.int64],
    found: NDArray[np.int64],
    size: int,
) -> int:
    """Write the strings of the groups that stand at `at`, behind `size` others; how many there are then."""
    for number in range(strings.bounds.size - 1):
        if groups >> (number & 7) & 1 and counts[number] < MOST_PLACES and _stands(page, at, strings, number):
            counts[number] += 1
            if size < len(found):
                found[size, 0], found[size, 1] = at, number
            size += 1
    return size
