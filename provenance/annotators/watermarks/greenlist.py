"""Is a token in the head of a seeded permutation of the vocabulary? Answered fast and in bounded memory.

Green-list schemes toss this coin for every token. Lists of frequent seeds are kept as bitmaps; a rare
(seed, token) pair follows the one token through the shuffle and is remembered in a small table.
"""

from __future__ import annotations

from typing import NamedTuple

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
#: So many targets of one seed are answered sooner by drawing its whole list than by following each.
_WORTH_A_DRAW = 8

Bits = npt.NDArray[np.uint8]


class Shuffle(NamedTuple):
    """The shuffle of a vocabulary of `size` tokens whose first `head` places are green."""

    size: int
    head: int
    steps: int  # that swap something
    reciprocals: F64


class Kept(NamedTuple):
    """What was worked out before: lists by seed, where `lists` are kept, and single answers."""

    lists: bool
    bitmaps: Bits
    slot_of: I64
    slot_seed: U32
    used: I64
    pairs: U64


class Scratch(NamedTuple):
    """Buffers of one call."""

    state: U32
    swaps: U32
    permutation: U32


class GreenLists:
    """The first `head` tokens of `randperm(vocab_size)` for any seed.

    Memory: `cache_bytes` of bitmaps (touched only as they fill), 8 MiB of pairs, 12 bytes per vocabulary entry.
    Answers never depend on what is cached. `lists=False` for schemes whose seeds are all but unique.
    """

    def __init__(
        self, vocab_size: int, head: int, lists: bool = True, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> None:
        # the last step of the shuffle swaps nothing
        steps = min(head, vocab_size - 1)
        reciprocals: F64 = 1.0 / (vocab_size - np.arange(steps, dtype=np.float64))
        self._shuffle = Shuffle(vocab_size, head, steps, reciprocals)
        width = (vocab_size + 7) // 8
        slots = max(1, cache_bytes // width) if lists else 1
        slots = min(slots, 1 << 20)
        size = 16
        while size < 2 * slots:
            size *= 2
        self._kept = Kept(
            lists,
            bitmaps=np.empty((slots, width), np.uint8),
            slot_of=np.full(size, -1, np.int64),
            slot_seed=np.zeros(slots, np.uint32),
            used=np.zeros(1, np.int64),
            pairs=np.zeros(_PAIRS, np.uint64),
        )

    @property
    def cached_lists(self) -> int:
        """How many lists are kept as bitmaps."""
        return int(self._kept.used[0])

    def contains(self, seeds: U32, targets: I64) -> Bools:
        """Whether each target token is green under its seed; False for a token outside the vocabulary."""
        # most frequent seeds first, so that they get the bitmaps
        distinct, inverse, counts = np.unique(seeds, return_inverse=True, return_counts=True)
        rank = np.empty(len(distinct), np.int64)
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(distinct))
        group = rank[inverse]
        order = np.argsort(group, kind="stable")
        out = np.zeros(len(seeds), np.bool_)
        _answer((seeds, targets, order), self._shuffle, self._kept, out)
        return out


@njit(cache=True, nogil=True)
def _answer(asked: tuple[U32, I64, I64], shuffle: Shuffle, kept: Kept, out: Bools) -> None:
    """Answer for seeds and targets in an order that brings equal seeds together."""
    seeds, targets, order = asked
    size = shuffle.size
    scratch = Scratch(
        np.empty(624, np.uint32), np.empty(max(shuffle.steps, 1), np.uint32), np.empty(size, np.uint32)
    )
    drawn = np.empty(kept.bitmaps.shape[1], np.uint8)
    start = 0
    while start < len(order):
        seed = seeds[order[start]]
        end = start
        while end < len(order) and seeds[order[end]] == seed:
            end += 1
        slot = _slot(seed, end - start, shuffle, kept, scratch)
        if slot >= 0 or end - start > _WORTH_A_DRAW:
            if slot < 0:
                _draw(seed, shuffle, scratch, drawn)
            bitmap = kept.bitmaps[slot] if slot >= 0 else drawn
            for k in range(start, end):
                token = targets[order[k]]
                if 0 <= token < size:
                    out[order[k]] = (bitmap[token >> 3] >> np.uint8(token & 7)) & np.uint8(1)
        else:
            _follow_each(seed, (targets, order[start:end]), shuffle, kept.pairs, (scratch, out))
        start = end


@njit(cache=True, nogil=True)
def _slot(seed: np.uint32, asked: int, shuffle: Shuffle, kept: Kept, scratch: Scratch) -> int:
    """The slot of a seed's bitmap, drawn now where it is worth it; -1 where there is none."""
    slot_of = kept.slot_of
    place = np.int64(mix(np.uint64(seed)) & np.uint64(len(slot_of) - 1))
    while slot_of[place] >= 0 and kept.slot_seed[slot_of[place]] != seed:
        place = (place + 1) & (len(slot_of) - 1)
    slot = slot_of[place]
    if slot < 0 and kept.lists and kept.used[0] < len(kept.bitmaps) and asked >= _WORTH_A_LIST:
        slot = kept.used[0]
        kept.used[0] += 1
        slot_of[place] = slot
        kept.slot_seed[slot] = seed
        _draw(seed, shuffle, scratch, kept.bitmaps[slot])
    return int(slot)


@njit(cache=True, nogil=True)
def _follow_each(
    seed: np.uint32,
    asked: tuple[I64, I64],
    shuffle: Shuffle,
    pairs: U64,
    writes: tuple[Scratch, Bools],
) -> None:
    """Answer for a few targets of one seed by following each through the shuffle; what was answered before is kept."""
    targets, order = asked
    scratch, out = writes
    drawn = False
    for k in order:
        token = targets[k]
        if not 0 <= token < shuffle.size:
            continue
        # bits: 32 of seed, 30 of token + 1 (so that 0 means empty), the answer
        name = (np.uint64(seed) << np.uint64(32)) | (np.uint64(token + 1) << np.uint64(1))
        spot = np.int64(mix(name) & np.uint64(len(pairs) - 1))
        if pairs[spot] & ~np.uint64(1) != name:
            if not drawn:
                _swap(seed, shuffle, scratch)
                drawn = True
            answer = _follow(scratch.swaps, shuffle.steps, shuffle.head, token)
            pairs[spot] = name | np.uint64(answer)
        out[k] = pairs[spot] & np.uint64(1)


@njit(cache=True, nogil=True)
def _swap(seed: np.uint32, shuffle: Shuffle, scratch: Scratch) -> None:
    swap_targets(
        seed,
        shuffle.steps,
        shuffle.size,
        shuffle.reciprocals,
        state=scratch.state,
        out=scratch.swaps,
    )


@njit(cache=True, nogil=True)
def _draw(seed: np.uint32, shuffle: Shuffle, scratch: Scratch, bitmap: Bits) -> None:
    _swap(seed, shuffle, scratch)
    permutation, swaps = scratch.permutation, scratch.swaps
    for i in range(shuffle.size):
        permutation[i] = i
    bitmap[:] = 0
    for i in range(shuffle.steps):
        j = swaps[i]
        chosen = permutation[j]
        permutation[j] = permutation[i]
        bitmap[chosen >> 3] |= np.uint8(1) << np.uint8(chosen & 7)
    if shuffle.head > shuffle.steps:  # the whole vocabulary is green
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
