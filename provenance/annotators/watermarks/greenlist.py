"""Is a token in the head of a seeded permutation of the vocabulary? Answered fast and in bounded memory.

Green-list schemes toss this coin for every token. Lists of frequent seeds are kept as bitmaps; a rare
(seed, token) pair follows the one token through the shuffle and is remembered in a small table.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.watermarks.ragged import F64, I64, U64, Bools, mix
from provenance.annotators.watermarks.random import U32, swap_targets

#: Bitmaps are at most this many bytes for each scheme and key: 42,000 lists of a vocabulary of 50,000.
DEFAULT_CACHE_BYTES = 256 << 20
#: Remembered pairs, 8 bytes each.
_PAIRS = 1 << 20
#: A seed asked about this many different tokens in one batch gets a bitmap, if one is free.
_WORTH_A_LIST = 2

Bits = npt.NDArray[np.uint8]


class GreenLists:
    """The first `head` tokens of `randperm(vocab_size)` for any seed.

    Memory: `cache_bytes` of bitmaps (touched only as they fill), 8 MiB of pairs, 12 bytes per vocabulary entry.
    Answers never depend on what is cached. `lists=False` for schemes whose seeds are all but unique.
    """

    def __init__(
        self, vocab_size: int, head: int, lists: bool = True, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> None:
        self.vocab_size = vocab_size
        self.head = head
        # the last step of the shuffle swaps nothing
        self._steps = min(head, vocab_size - 1)
        self._reciprocals: F64 = 1.0 / (vocab_size - np.arange(self._steps, dtype=np.float64))
        width = (vocab_size + 7) // 8
        slots = max(1, cache_bytes // width) if lists else 1
        slots = min(slots, 1 << 20)
        self._bitmaps: Bits = np.empty((slots, width), np.uint8)
        size = 16
        while size < 2 * slots:
            size *= 2
        self._slot_of: I64 = np.full(size, -1, np.int64)
        self._slot_seed: U32 = np.zeros(slots, np.uint32)
        self._used = np.zeros(1, np.int64)
        self._lists = lists
        self._pairs: U64 = np.zeros(_PAIRS, np.uint64)

    @property
    def cached_lists(self) -> int:
        """How many lists are kept as bitmaps."""
        return int(self._used[0])

    def contains(self, seeds: U32, targets: I64) -> Bools:
        """Whether each target token is green under its seed; False for a token outside the vocabulary."""
        # most frequent seeds first, so that they get the bitmaps
        distinct, inverse, counts = np.unique(seeds, return_inverse=True, return_counts=True)
        rank = np.empty(len(distinct), np.int64)
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(distinct))
        group = rank[inverse]
        order = np.argsort(group, kind="stable")
        out = np.zeros(len(seeds), np.bool_)
        _answer(
            seeds,
            targets,
            order,
            out,
            self._lists,
            self.vocab_size,
            self._steps,
            self.head,
            self._reciprocals,
            self._bitmaps,
            self._slot_of,
            self._slot_seed,
            self._used,
            self._pairs,
        )
        return out


@njit(cache=True, nogil=True)
def _answer(
    seeds: U32,
    targets: I64,
    order: I64,
    out: Bools,
    lists: bool,
    size: int,
    steps: int,
    head: int,
    reciprocals: F64,
    bitmaps: Bits,
    slot_of: I64,
    slot_seed: U32,
    used: I64,
    pairs: U64,
) -> None:
    state = np.empty(624, np.uint32)
    swaps = np.empty(max(steps, 1), np.uint32)
    permutation = np.empty(size, np.uint32)
    scratch = np.empty(bitmaps.shape[1], np.uint8)
    start = 0
    while start < len(order):
        seed = seeds[order[start]]
        end = start
        while end < len(order) and seeds[order[end]] == seed:
            end += 1
        place = np.int64(mix(np.uint64(seed)) & np.uint64(len(slot_of) - 1))
        while slot_of[place] >= 0 and slot_seed[slot_of[place]] != seed:
            place = (place + 1) & (len(slot_of) - 1)
        slot = slot_of[place]
        if slot < 0 and lists and used[0] < len(bitmaps) and end - start >= _WORTH_A_LIST:
            slot = used[0]
            used[0] += 1
            slot_of[place] = slot
            slot_seed[slot] = seed
            _draw(seed, steps, head, size, reciprocals, state, swaps, permutation, bitmaps[slot])
        if slot >= 0:
            for k in range(start, end):
                token = targets[order[k]]
                if 0 <= token < size:
                    out[order[k]] = (bitmaps[slot, token >> 3] >> np.uint8(token & 7)) & np.uint8(1)
        elif end - start > 8:
            _draw(seed, steps, head, size, reciprocals, state, swaps, permutation, scratch)
            for k in range(start, end):
                token = targets[order[k]]
                if 0 <= token < size:
                    out[order[k]] = (scratch[token >> 3] >> np.uint8(token & 7)) & np.uint8(1)
        else:
            drawn = False
            for k in range(start, end):
                token = targets[order[k]]
                if not 0 <= token < size:
                    continue
                # bits: 32 of seed, 30 of token + 1 (so that 0 means empty), the answer
                name = (np.uint64(seed) << np.uint64(32)) | (np.uint64(token + 1) << np.uint64(1))
                spot = np.int64(mix(name) & np.uint64(len(pairs) - 1))
                if pairs[spot] & ~np.uint64(1) != name:
                    if not drawn:
                        swap_targets(seed, steps, size, reciprocals, state, swaps)
                        drawn = True
                    pairs[spot] = name | np.uint64(_follow(swaps, steps, head, token))
                out[order[k]] = pairs[spot] & np.uint64(1)
        start = end


@njit(cache=True, nogil=True)
def _draw(
    seed: np.uint32,
    steps: int,
    head: int,
    size: int,
    reciprocals: F64,
    state: U32,
    swaps: U32,
    permutation: U32,
    bitmap: Bits,
) -> None:
    swap_targets(seed, steps, size, reciprocals, state, swaps)
    for i in range(size):
        permutation[i] = i
    bitmap[:] = 0
    for i in range(steps):
        j = swaps[i]
        chosen = permutation[j]
        permutation[j] = permutation[i]
        bitmap[chosen >> 3] |= np.uint8(1) << np.uint8(chosen & 7)
    if head > steps:  # the whole vocabulary is green
        bitmap[:] = 255


@njit(cache=True, nogil=True)
def _follow(swaps: U32, steps: int, head: int, token: int) -> bool:
    if head > steps:
        return True
    place = np.uint32(token)
    start = 0
    while start < steps:
        # up to the step that would move the token out of its place, only a swap into it matters
        stop = min(steps, int(place)) if place >= start else steps
        i = start
        while i < stop:
            block = min(i + 256, stop)
            hits = 0
            for k in range(i, block):  # no early exit: the comparison is vectorised
                hits += swaps[k] == place
            if hits:
                return True
            i = block
        if stop == steps:
            return False
        if swaps[stop] == place:
            return True
        place = swaps[stop]
        start = stop + 1
    return False
