"""How much of a text is said once: sentences that come again are no further evidence of who wrote them.

A refrain or a line of a template keeps the score that it has, and would be believed as if a longer text had it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.hashing import BASIS, PRIME

#: Below this share a text repeats itself, and its words are counted once. Of 48,349 texts of the development release in
#: pieces none is below; of 1,053 real pages five are, tables and lists.
_LEAST = 0.5
#: Sentences of a text that are remembered: what comes after so many different ones counts as new.
_SLOTS = 4096
#: Bytes that a mark at the end of a sentence or a line can begin with.
_LEADS = np.isin(np.arange(256), list(b".!?\n\xd8\xe0\xe2\xe3\xef"))


def count_once(texts: pa.Array, words: NDArray[np.int32]) -> NDArray[np.int32]:
    """The words (n,) of n texts, of those that repeat themselves the part that is no repetition."""
    share = said_once(texts)
    return np.where(share < _LEAST, (words * share).astype(np.int32), words)


def said_once(texts: pa.Array) -> NDArray[np.float64]:
    """The share (n,) of the bytes of each of n texts in sentences that stand there for the first time; 1 without any."""
    share = np.ones(len(texts))
    _weigh(*text_buffers(texts), np.zeros(_SLOTS, np.uint64), np.full(_SLOTS, -1), share)
    return share


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weigh(data, offsets, keys, owners, share):  # type: ignore[no-untyped-def]
    """Fill `share`; a slot of `keys` counts for the text that `owners` names."""
    for text in range(len(share)):
        at, last = offsets[text], offsets[text + 1]
        once, whole, known = 0, 0, 0
        while at < last:
            first, code = at, BASIS
            mark = 0
            while at < last:
                byte = data[at]
                if _LEADS[byte]:
                    mark = _end(data, at, last)
                    if mark:
                        break
                code = (code ^ np.uint64(byte)) * PRIME
                at += 1
            whole += at - first
            if known < _SLOTS // 2 and at > first:
                slot = np.int64((code ^ (code >> np.uint64(32))) & np.uint64(_SLOTS - 1))
                while owners[slot] == text and keys[slot] != code:
                    slot = (slot + 1) & (_SLOTS - 1)
                if owners[slot] != text:
                    owners[slot], keys[slot] = text, code
                    known += 1
                    once += at - first
            else:
                once += at - first
            at += mark
            while at < last and data[at] <= 0x20:
                at += 1
        if whole > 0:
            share[text] = once / whole


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _end(data, at, last):  # type: ignore[no-untyped-def]
    """Bytes of the mark at this place that ends a sentence or a line: one of . ! ? … 。 ！ ？ । ؟ or a line feed; else 0."""
    lead = data[at]
    if lead < 0x80:
        return 1 if lead == 0x2E or lead == 0x21 or lead == 0x3F or lead == 0x0A else 0
    if lead == 0xD8:
        return 2 if at + 1 < last and data[at + 1] == 0x9F else 0
    if at + 2 >= last:
        return 0
    second, third = data[at + 1], data[at + 2]
    if lead == 0xE2:
        return 3 if second == 0x80 and third == 0xA6 else 0
    if lead == 0xE3:
        return 3 if second == 0x80 and third == 0x82 else 0
    if lead == 0xEF:
        return 3 if second == 0xBC and (third == 0x81 or third == 0x9F) else 0
    return 3 if lead == 0xE0 and second == 0xA5 and third == 0xA4 else 0
