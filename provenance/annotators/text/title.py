"""Whether a block is the page's title, or a part of it between what a site adds: a headline, which is a column of its own.

Compiled helpers of `features`, linear in the block for each word of the title that begins as it does.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provenance.annotators.kernel import kernel

#: Bytes of a block from which on it may be part of a title.
LEAST = 8
_READ = 400  # bytes of a title


@njit(cache=True, nogil=True)
def word_starts(title):  # type: ignore[no-untyped-def]
    """Where words begin in the title, and of each byte whether one begins with it."""
    size = min(len(title), _READ)
    starts, count, begins = np.empty(size + 1, np.int64), 0, np.zeros(256, np.bool_)
    for at in range(size):
        if title[at] > 32 and (at == 0 or title[at - 1] <= 32):
            starts[count] = at
            begins[title[at]] = True
            count += 1
    return starts[:count], begins


@kernel
def share_of(block, title, starts):  # type: ignore[no-untyped-def]
    """Share of the title that is this block, which begins where a word does; 0 where it is no part of it."""
    for at in starts:
        if at + len(block) > len(title):
            return 0.0
        same = 0
        while same < len(block) and title[at + same] == block[same]:
            same += 1
        if same == len(block):
            return len(block) / len(title)
    return 0.0
