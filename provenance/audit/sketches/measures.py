"""What a document says of its own variety, in one compiled pass over the hashes of its words.

MATTR (Covington and McFall 2010), MTLD (McCarthy and Jarvis 2010) and HD-D (the same) do not depend on the length of a
text as the plain ratio of types to tokens does; all are taken of the first `MOST_WORDS` words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.hashing import GOLDEN
from provenance.annotators.kernel import kernel

#: Measures of a document, in the order of `measure_document`; -1 stands for "too short".
MEASURES = ("mattr", "mtld", "hdd", "self_repetition")
#: Words of a document that are measured, and the fewest of which anything is said.
MOST_WORDS, FEWEST_WORDS = 2_000, 50
_WINDOW = 50  # of MATTR
_FACTOR = 0.72  # of MTLD: a factor ends where the ratio of types to tokens falls to it
_DRAW = 42  # of HD-D
_RUN = 4  # words of a repeated run
_SLOTS = 4_096


class Workspace(NamedTuple):
    """Buffers of `measure_document`, reused from document to document."""

    keys: NDArray[np.uint64]  # (slots,)
    ids: NDArray[np.int32]  # (slots,): number of the type that lies there
    stamps: NDArray[np.int64]  # (slots,): pass that filled a slot
    words: NDArray[np.int32]  # (MOST_WORDS,): number of each word's type
    counts: NDArray[np.int32]  # (MOST_WORDS,)
    absent: NDArray[np.float64]  # (MOST_WORDS + 1,): chance of HD-D by occurrences, where it is known
    seen: NDArray[np.int64]  # (MOST_WORDS,)
    passes: NDArray[np.int64]  # (1,)


def workspace() -> Workspace:
    """Buffers for one thread."""
    return Workspace(
        keys=np.zeros(_SLOTS, np.uint64),
        ids=np.zeros(_SLOTS, np.int32),
        stamps=np.zeros(_SLOTS, np.int64),
        words=np.zeros(MOST_WORDS, np.int32),
        counts=np.zeros(MOST_WORDS, np.int32),
        absent=np.zeros(MOST_WORDS + 1),
        seen=np.zeros(MOST_WORDS, np.int64),
        passes=np.zeros(1, np.int64),
    )


@kernel
def _number(space, key, next_id):  # type: ignore[no-untyped-def]
    """Number of a key in this pass: that of its first occurrence, or `next_id` where it is new."""
    stamp = space.passes[0]
    slot = (key * GOLDEN) >> np.uint64(52)
    while space.stamps[slot] == stamp:
        if space.keys[slot] == key:
            return space.ids[slot]
        slot = (slot + np.uint64(1)) & np.uint64(_SLOTS - 1)
    space.stamps[slot], space.keys[slot], space.ids[slot] = stamp, key, next_id
    return next_id


@kernel
def _factors(space, count, backwards):  # type: ignore[no-untyped-def]
    """Factors of MTLD in one direction, the last one in part."""
    factors = 0.0
    types = tokens = 0
    space.passes[0] += 1
    for i in range(count):
        word = space.words[count - 1 - i if backwards else i]
        tokens += 1
        if space.seen[word] != space.passes[0]:
            space.seen[word] = space.passes[0]
            types += 1
        if types / tokens <= _FACTOR:
            factors += 1.0
            types = tokens = 0
            space.passes[0] += 1
    if tokens:
        factors += (1.0 - types / tokens) / (1.0 - _FACTOR)
    return factors


@kernel
def _mattr(space, count):  # type: ignore[no-untyped-def]
    """Mean ratio of types to tokens in every window of _WINDOW words."""
    space.counts[:count] = 0
    types = total = 0
    for i in range(count):
        word = space.words[i]
        space.counts[word] += 1
        types += space.counts[word] == 1
        if i >= _WINDOW:
            gone = space.words[i - _WINDOW]
            space.counts[gone] -= 1
            types -= space.counts[gone] == 0
        if i >= _WINDOW - 1:
            total += types
    return total / (_WINDOW * (count - _WINDOW + 1))


@kernel
def _hdd(space, count, types):  # type: ignore[no-untyped-def]
    """Expected ratio of types to tokens in _DRAW words drawn without replacement."""
    space.counts[:types] = 0
    for i in range(count):
        space.counts[space.words[i]] += 1
    expected = 0.0
    space.absent[: count + 1] = -1.0
    for word in range(types):
        often = space.counts[word]
        if space.absent[often] < 0:  # most words of a document occur as often as another one
            absent = 1.0
            for j in range(_DRAW):
                absent *= max(count - often - j, 0) / (count - j)
            space.absent[often] = absent
        expected += 1.0 - space.absent[often]
    return expected / _DRAW


@kernel
def measure_document(hashes, count, space, found):  # type: ignore[no-untyped-def]
    """Fill `found` (float64, one for each of MEASURES) from the hashes of a document's words."""
    found[:] = -1.0
    if count < FEWEST_WORDS:
        return
    count = min(count, MOST_WORDS)
    space.passes[0] += 1
    types = 0
    for i in range(count):
        space.words[i] = _number(space, hashes[i], types)
        types += space.words[i] == types
    found[0] = _mattr(space, count)
    found[2] = _hdd(space, count, types)
    factors = (_factors(space, count, False) + _factors(space, count, True)) / 2
    found[1] = count / factors if factors > 0 else count
    space.passes[0] += 1
    runs = count - _RUN + 1
    distinct = 0
    for i in range(runs):
        key = np.uint64(0)
        for j in range(_RUN):
            key = key * GOLDEN + hashes[i + j]
        distinct += _number(space, key, distinct) == distinct
    found[3] = 1.0 - distinct / runs
