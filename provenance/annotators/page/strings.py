"""Where known strings occur: one compiled pass over bytes, for all of them.

Of a page every second to fifth place is looked at, or each where a string is as short as that: three or four bytes there, hashed,
say whether a string can stand about them. ASCII case is ignored.
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
#: Bytes that are hashed, and the shortest string from which on they are four; slots of the table (2 to this power), multiplier.
_GRAM, _LONGER, _MOST_STEP = 3, 7, 5
_SLOTS: Final = 13
_MULTIPLIER: Final = np.uint32(0x9E3779B1)
_SHIFT: Final = np.uint32(32 - _SLOTS)
#: A letter's capital and itself are one where this bit is set; so are a few signs, which the whole string tells apart.
_FOLD: Final = np.uint32(0x20202020)
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
#: Bytes of markup and text from the most frequent on, and words of most pages: a string is looked for by the rarest of its bytes.
_FREQUENT: Final = b' etaoinsrl=d"<>/c-hupmg.0f:1b;y'
_USUAL: Final = (
    b"application articles available class= comments common.css content= created creative data- description disclaimer discount "
    b'document.function function( generation http https href="https://www. icense images index insert listing manifest message '
    b'modules operated options posted.publishing response script sources style text/css title toolbar type="text/javascript user value var window.'
)


class Compiled(NamedTuple):
    """A compiled set of strings of at least three bytes each.

    Attributes:
        table: groups of strings that have a byte at their first, second, third place; shape (3, 256).
        slots: groups of strings that have the bytes of a hash among those they are looked for by.
        offsets: of each string, where these begin in it.
        mask: of the bytes that are hashed.
        step: from one place that is looked at to the next.
        needles: the strings, one behind the other.
        bounds: where each begins in them, and the last one's end.
    """

    table: NDArray[np.uint8]
    slots: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    mask: np.uint32
    step: int
    needles: NDArray[np.uint8]
    bounds: NDArray[np.int64]

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


def compile_strings(strings: Sequence[bytes]) -> Compiled:
    """Return the searcher for `strings` (lower case). Raises ValueError for none or too short ones."""
    if not strings or min(map(len, strings)) < 3:
        raise ValueError("strings of at least three bytes are needed")
    table = np.zeros((3, 256), np.uint8)
    for number, string in enumerate(strings):
        for place in range(3):
            for byte in (string[place : place + 1].lower()[0], string[place : place + 1].upper()[0]):
                table[place, byte] |= 1 << number % 8
    shortest = min(map(len, strings))
    gram = _GRAM if shortest < _LONGER else _GRAM + 1
    step = min(shortest - gram + 1, _MOST_STEP)
    slots, offsets = np.zeros(1 << _SLOTS, np.uint8), np.zeros(len(strings), np.int64)
    for number, string in enumerate(strings):
        offsets[number] = start = _rarest(string, gram, step)
        for at in range(start, start + step):
            slots[_slot(string[at : at + gram])] |= 1 << number % 8
    bounds = np.cumsum([0, *map(len, strings)]).astype(np.int64)
    mask = np.uint32((1 << 8 * gram) - 1)
    return Compiled(table, slots, offsets, mask, step, np.frombuffer(b"".join(strings), np.uint8), bounds)


def _rarest(string: bytes, gram: int, step: int) -> int:
    """Where the `step` places with `gram` bytes each begin of which the most frequent one is the rarest."""

    def rarity(at: int) -> int:
        if string[at : at + gram] in _USUAL:
            return 0
        ranks = [_FREQUENT.find(byte) for byte in string[at : at + gram]]
        return sum(rank if rank >= 0 else len(_FREQUENT) for rank in ranks)

    return max(
        range(len(string) - gram - step + 2),
        key=lambda start: min(rarity(start + at) for at in range(step)),
    )


def _slot(gram: bytes) -> int:
    folded = int.from_bytes(bytes(byte | 0x20 for byte in gram), "little")
    return (folded * int(_MULTIPLIER) & 0xFFFFFFFF) >> int(_SHIFT)


@kernel
def find_places(
    page: NDArray[np.uint8], strings: Compiled, counts: NDArray[np.int64], found: NDArray[np.int64]
) -> int:
    """Write (place, number of the string) to `found` as far as it reaches, each string's ascending; how many there are."""
    size, at = 0, 0
    while True:
        at, groups = _next(page, at, strings.slots, mask=strings.mask, step=strings.step)
        if not groups:
            return size
        size = _note(page, at, groups, strings=strings, counts=counts, found=found, size=size)
        at += strings.step


@kernel
def _next(
    page: NDArray[np.uint8], start: int, slots: NDArray[np.uint8], mask: np.uint32, step: int
) -> tuple[int, int]:
    """The first place from `start` on, in steps, about which a string may stand, and the groups of such strings; none: 0."""
    # Of a place without a sign the compiler does not ask each time whether it is counted from the end: half of the time.
    at, last, stride = np.uint64(start), np.uint64(max(0, page.size - 3)), np.uint64(step)
    while at < last:
        four = (
            np.uint32(page[at])
            | np.uint32(page[at + _ONE]) << np.uint32(8)
            | np.uint32(page[at + _TWO]) << np.uint32(16)
            | np.uint32(page[at + _THREE]) << np.uint32(24)
        )
        groups = slots[np.uint32(np.uint32((four | _FOLD) & mask) * _MULTIPLIER) >> _SHIFT]
        if groups:
            return np.int64(at), groups
        at += stride
    if at > last or page.size < _GRAM:
        return np.int64(at), np.uint8(0)
    three = (
        np.uint32(page[at])
        | np.uint32(page[at + _ONE]) << np.uint32(8)
        | np.uint32(page[at + _TWO]) << np.uint32(16)
    )
    return np.int64(at), slots[np.uint32(np.uint32((three | _FOLD) & mask) * _MULTIPLIER) >> _SHIFT]


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
    if at < 0 or at + high - low > page.size:
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
    """Write the strings of the groups by whose bytes at `at` they are found, behind `size` others; how many there are then."""
    for number in range(strings.bounds.size - 1):
        if groups >> (number & 7) & 1 and counts[number] < MOST_PLACES:
            for place in range(strings.step):
                start = at - strings.offsets[number] - strings.step + 1 + place
                if _stands(page, start, strings, number):
                    counts[number] += 1
                    if size < len(found):
                        found[size, 0], found[size, 1] = start, number
                    size += 1
    return size
