"""Characters out of UTF-8 bytes and back, inside compiled code.

Whatever the bytes are, nothing at or beyond the end that the caller names is looked at.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, inline="always")
def decode(data, at, stop):  # type: ignore[no-untyped-def]
    """Code point at `at` and the number of its bytes; (0, 1) where the bytes are not UTF-8.

    Never looks at or beyond `stop`, so hostile bytes cannot make it read the next document.
    """
    first = np.uint32(data[at])
    if first < 0xC2:
        return (first if first < 0x80 else np.uint32(0)), 1
    if first < 0xE0:
        size = 2
        point = first & np.uint32(0x1F)
    elif first < 0xF0:
        size = 3
        point = first & np.uint32(0x0F)
    elif first < 0xF5:
        size = 4
        point = first & np.uint32(0x07)
    else:
        return np.uint32(0), 1
    if at + size > stop:
        return np.uint32(0), 1
    for i in range(1, size):
        byte = np.uint32(data[at + i])
        if byte & np.uint32(0xC0) != np.uint32(0x80):
            return np.uint32(0), 1
        point = np.uint32(point << np.uint32(6) | (byte & np.uint32(0x3F)))
    return point, size


@numba.njit(cache=True, nogil=True, inline="always")
def encode(point, out, at):  # type: ignore[no-untyped-def]
    """Write a code point at `at` of `out`, which has room for it; returns the position after it."""
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | point >> 6
        out[at + 1] = 0x80 | point & 0x3F
        return at + 2
    if point < 0x10000:
        out[at] = 0xE0 | point >> 12
        out[at + 1] = 0x80 | point >> 6 & 0x3F
        out[at + 2] = 0x80 | point & 0x3F
        return at + 3
    out[at] = 0xF0 | point >> 18
    out[at + 1] = 0x80 | point >> 12 & 0x3F
    out[at + 2] = 0x80 | point >> 6 & 0x3F
    out[at + 3] = 0x80 | point & 0x3F
    return at + 4
