"""Is a token in the head of a seeded permutation of the vocabulary? Answered fast and in bounded memory.

Green-list schemes toss this coin for every token. Lists of frequent seeds are kept as bitmaps; a rare
(seed, token) pair follows the one token through the shuffle and is remembered in a small table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.watermarks.ragged import I64, U64, Bools, mix
from provenance.annotators.watermarks.random import U32, Shuffle, shuffle, swap_targets

#: Bitmaps are at most this many bytes for each scheme and key: 42,000 lists of a vocabulary of 50,000.
DEFAULT_CACHE_BYTES = 256 << 20
#: Remembered pairs, 8 bytes each.
_PAIRS = 1 << 20
#: A seed asked about this many different tokens in one batch gets a bitmap, if one is free.
_WORTH_A_LIST = 2
#: A seed without one that is asked about more tokens than this is drawn as a list for the moment.
_MOST_FOLLOWED = 8

Bits = npt.NDArray[np.uint8]


class _Questions(NamedTuple):
    """Is `targets[k]` green under `seeds[k]`? Answered in `out[k]`; `order` brings equal seeds together."""

    seeds: U32
    targets: I64
    order: I64
    out: Bools


class _Cache(NamedTuple):
    """What is remembered: the list of `slot_seed[s]` is `bitmaps[s]`, s found by hash in `slot_of`; and pairs."""

    bitmaps: Bits
    slot_of: I64
    slot_seed: U32
    used: I64  # [1]
    pairs: U64


class _Drawing(NamedTuple):
    """A shuffle and the arrays in which it is drawn for one seed."""

    shuffle: Shuffle
    state: U32
    swaps: U32
    permutation: U32
    bitmap: Bits


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
        # the last step of a shuffle swaps nothing
        self._shuffle = shuffle(vocab_size, min(head, vocab_size - 1))
        width = (vocab_size + 7) // 8
        slots = min(max(1, cache_bytes // width), 1 << 20) if lists else 1
        size = 16
        while size < 2 * slots:
            size *= 2
        self._lists = lists
        self._cache = _Cache(
            bitmaps=np.empty((slots, width), np.uint8),
            slot_of=np.full(size, -1, np.int64),
            slot_seed=np.zeros(slots, np.uint32),
            used=np.zeros(1, np.int64),
            pairs=np.zeros(_PAIRS, np.uint64),
        )

    @property
    def cached_lists(self) -> int:
        """How many lists are kept as bitmaps."""
        return int(self._cache.used[0])

    def contains(self, seeds: U32, targets: I64) -> Bools:
        """Whether each target token is green under its seed; False for a token outside the vocabulary."""
        if self.head >= self.vocab_size:
            return np.asarray((targets >= 0) & (targets < self.vocab_size))
        # most frequent seeds first, so that they get the bitmaps
        distinct, inverse, counts = np.unique(seeds, return_inverse=True, return_counts=True)
        rank = np.empty(len(distinct), np.int64)
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(distinct))
        group = rank[inverse]
        order = np.argsort(group, kind="stable")
        out = np.zeros(len(seeds), np.bool_)
        _answer(_Questions(seeds, targets, order, out), self._shuffle, self._cache, self._lists)
        return out


@njit(cache=True, nogil=True)
def _answer(asked: _Questions, shuffle: Shuffle, cache: _Cache, lists: bool) -> None:
    drawing = _Drawing(
        shuffle,
        np.empty(624, np.uint32),
        np.empty(max(shuffle.steps, 1), np.uint32),
        np.empty(shuffle.size, np.uint32),
        np.empty(cache.bitmaps.shape[1], np.uint8),
    )
    order = asked.order
    start = 0
    while start < len(order):
        seed = asked.seeds[order[start]]
        end = start
        while end < len(order) and asked.seeds[order[end]] == seed:
            end += 1
        where = order[start:end]
        place = _place_of(seed, cache)
        slot = cache.slot_of[place]
        if slot < 0 and lists and cache.used[0] < len(cache.bitmaps) and end - start >= _WORTH_A_LIST:
            slot = cache.used[0]
            cache.used[0] += 1
            cache.slot_of[place] = slot
            cache.slot_seed[slot] = seed
            _draw(seed, drawing, cache.bitmaps[slot])
        if slot >= 0:
            _read(cache.bitmaps[slot], shuffle.size, where, asked)
        elif end - start > _MOST_FOLLOWED:
            _draw(seed, drawing, drawing.bitmap)
            _read(drawing.bitmap, shuffle.size, where, asked)
        else:
            _follow_each(seed, where, asked, drawing, cache.pairs)
        start = end


@njit(cache=True, nogil=True)
def _place_of(seed: np.uint32, cache: _Cache) -> np.int64:
    """Where in `slot_of` the seed is, or would be."""
    last = len(cache.slot_of) - 1
    place = np.int64(mix(np.uint64(seed)) & np.uint64(last))
    while cache.slot_of[place] >= 0 and cache.slot_seed[cache.slot_of[place]] != seed:
        place = (place + 1) & last
    return place


@njit(cache=True, nogil=True)
def _draw(seed: np.uint32, drawing: _Drawing, bitmap: Bits) -> None:
    """Fill `bitmap` with the list of a seed."""
    permutation = drawing.permutation
    swap_targets(seed, drawing.shuffle, drawing.state, drawing.swaps)
    for i in range(drawing.shuffle.size):
        permutation[i] = i
    bitmap[:] = 0
    for i in range(drawing.shuffle.steps):
        j = drawing.swaps[i]
        chosen = permutation[j]
        permutation[j] = permutation[i]
        bitmap[chosen >> 3] |= np.uint8(1) << np.uint8(chosen & 7)


@njit(cache=True, nogil=True)
def _read(bitmap: Bits, size: int, where: I64, asked: _Questions) -> None:
    """Answer the questions `where` from a list."""
    for k in where:
        token = asked.targets[k]
        if 0 <= token < size:
            asked.out[k] = (bitmap[token >> 3] >> np.uint8(token & 7)) & np.uint8(1)


@njit(cache=True, nogil=True)
def _follow_each(seed: np.uint32, where: I64, asked: _Questions, drawing: _Drawing, pairs: U64) -> None:
    """Answer the questions `where`, all of one seed, from remembered pairs or token by token."""
    drawn = False
    for k in where:
        token = asked.targets[k]
        if not 0 <= token < drawing.shuffle.size:
            continue
        # bits: 32 of seed, 30 of token + 1 (so that 0 means empty), the answer
        name = (np.uint64(seed) << np.uint64(32)) | (np.uint64(token + 1) << np.uint64(1))
        spot = np.int64(mix(name) & np.uint64(len(pairs) - 1))
        if pairs[spot] & ~np.uint64(1) != name:
            if not drawn:
                swap_targets(seed, drawing.shuffle, drawing.state, drawing.swaps)
                drawn = True
            pairs[spot] = name | np.uint64(_follow(drawing.swaps, drawing.shuffle.steps, token))
        asked.out[k] = pairs[spot] & np.uint64(1)


@njit(cache=True, nogil=True)
def _follow(swaps: U32, steps: int, token: int) -> bool:
    """Whether the shuffle brings `token` into its first `steps` places."""
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
