"""Bytes looked for eight at a time, inside compiled code.

Nothing at or beyond the end of what is searched is looked at.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.kernel import kernel

_ONE, _EIGHT = np.uint64(1), np.uint64(8)
_EACH, _UPPER = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
#: Number of the lowest byte that is marked by its upper bit, in the upper byte of its product with this one.
_ORDER = np.uint64(0x0001020304050607)


@kernel
def eight_bytes(data, at):  # type: ignore[no-untyped-def]
    """Eight bytes from `at` on as one number, the first one lowest: the compiler makes one load of it."""
    number = np.uint64(data[at])
    for place in range(_ONE, _EIGHT):
        number |= np.uint64(data[at + place]) << place * _EIGHT
    return number


@kernel
def find(data, at, wanted):  # type: ignore[no-untyped-def]
    """Where the next byte `wanted` is from `at` on, or the end: eight at once, as values and scripts are long."""
    place, stop = np.uint64(at), np.uint64(len(data))
    pattern = np.uint64(wanted) * _EACH
    while place + _EIGHT <= stop:
        other = eight_bytes(data, place) ^ pattern
        marked = (other - _EACH) & ~other & _UPPER
        if marked:  # of bytes that are marked only the lowest is surely zero
            lowest = marked & (~marked + _ONE)
            return np.int64(place + (((lowest >> np.uint64(7)) * _ORDER) >> np.uint64(56)))
        place += _EIGHT
    while place < stop and data[place] != wanted:
        place += _ONE
    return np.int64(place)
