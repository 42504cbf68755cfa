"""Byte-pair merges of one piece of text: the best pair first, until none is left.

Equal to the `tokenizers` library for the same file. Nothing here branches on what a text says, so that a piece costs
what its length is: a processor that guesses each comparison is wrong in half of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from provenance.annotators.hashing import GOLDEN
from provenance.annotators.kernel import kernel
from provenance.annotators.tokens.pieces import LONGEST_PIECE

#: A pair and its rank in one number, so that one look into memory tells both: left token, right token, rank.
_TOKEN_BITS, _RANK_BITS = 20, 24
#: The last token and the last rank are left out, for they say that there is none.
MOST_TOKENS, MOST_MERGES = (1 << _TOKEN_BITS) - 1, (1 << _RANK_BITS) - 1
_TOKEN_SHIFT, _RANK_SHIFT = np.uint64(_TOKEN_BITS), np.uint64(_RANK_BITS)
_RANK = np.uint64((1 << _RANK_BITS) - 1)
_FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
#: What stands before the first token and after the last one: no pair with it is in a table.
_EDGE = np.uint64(1 << 42)
#: A rank and the place of its left token in one number, which orders pairs as they are merged: eight bits for the place.
_PLACE = np.uint32(0xFF)
_NOTHING = np.uint32(0xFFFFFFFF)
#: Places are looked through so many at a time.
_STEP = 8
_ROOM = -(-(LONGEST_PIECE + 2) // _STEP) * _STEP
#: Displacements that are tried for the pairs of a group before the table is doubled.
_TRIED = 1 << 16


class Merges(NamedTuple):
    """Byte-pair merges as a table of (left << 20 | right) << 24 | rank, all bits set where it is free.

    Each pair stands where its group's number of `moved` puts it, and nowhere else: one look finds it or tells that it is
    none.
    """

    byte_ids: npt.NDArray[np.uint32]  # (256,) token of each byte
    table: npt.NDArray[np.uint64]  # a power of two, at most half full
    moved: npt.NDArray[np.uint16]  # a power of two, one for about four pairs
    made: npt.NDArray[np.uint32]  # the token that a merge makes, by rank


class Scratch(NamedTuple):
    """A piece while it is merged: its tokens from place 1 on, each with the places of its neighbours."""

    tokens: npt.NDArray[np.uint64]
    pairs: npt.NDArray[np.uint32]  # rank of each token with the one after it, and its place
    before: npt.NDArray[np.uint8]
    after: npt.NDArray[np.uint8]


def scratch() -> Scratch:
    """Room for the longest piece."""
    return Scratch(
        tokens=np.zeros(_ROOM, np.uint64),
        pairs=np.full(_ROOM, _NOTHING, np.uint32),
        before=np.zeros(_ROOM, np.uint8),
        after=np.zeros(_ROOM, np.uint8),
    )


def build_merges(
    byte_ids: npt.NDArray[np.int64], pairs: npt.NDArray[np.int64], made: npt.NDArray[np.int64]
) -> Merges:
    """The table of `pairs` (token ids below MOST_TOKENS, shape (merges, 2), best first) that become the tokens `made`.

    Where a pair stands twice its last rank counts, as in the library.
    """
    keys = pairs[:, 0].astype(np.uint64) << _TOKEN_SHIFT | pairs[:, 1].astype(np.uint64)
    different, last = np.unique(keys[::-1], return_index=True)
    entries = different << _RANK_SHIFT | (len(keys) - 1 - last).astype(np.uint64)
    moved = np.zeros(1 << max(2, int(len(entries) // 4).bit_length()), np.uint16)
    groups = (different * _SPREAD >> np.uint64(32)).astype(np.int64) & (len(moved) - 1)
    sizes = np.bincount(groups, minlength=len(moved))
    order = np.lexsort((groups, -sizes[groups]))  # large groups first, while there is room
    size = 1 << max(4, int(2 * len(entries) - 1).bit_length())
    table = np.empty(size, np.uint64)
    while not _place(entries[order], groups[order], table, moved):
        table = np.empty(2 * len(table), np.uint64)
    return Merges(byte_ids.astype(np.uint32), table, moved, made.astype(np.uint32))


@kernel
def _slot(pair, moved, size):  # type: ignore[no-untyped-def]
    """Where a pair would stand that its group moves by so much."""
    return ((pair ^ np.uint64(moved)) * GOLDEN >> np.uint64(32)) & np.uint64(size - 1)


@numba.njit(cache=True, nogil=True)
def _place(entries, groups, table, moved):  # type: ignore[no-untyped-def]
    """Fill `table` and `moved` with entries, those of a group one after the other; whether there was room for all."""
    table[:] = _FREE
    first = 0
    while first < len(entries):
        last = first
        while last < len(entries) and groups[last] == groups[first]:
            last += 1
        move = 0
        placed = first
        while placed < last and move < _TRIED:
            slot = _slot(entries[placed] >> _RANK_SHIFT, move, len(table))
            if table[slot] == _FREE:
                table[slot] = entries[placed]
                placed += 1
                continue
            while placed > first:  # take back those that had room
                placed -= 1
                table[_slot(entries[placed] >> _RANK_SHIFT, move, len(table))] = _FREE
            move += 1
        if placed < last:
            return False
        moved[groups[first]] = move
        first = last
    return True


@kernel
def _pair(left, right, place, merges):  # type: ignore[no-untyped-def]
    """The rank of two tokens and the place of the left one; _NOTHING where they are not merged."""
    pair = left << _TOKEN_SHIFT | right
    group = (pair * _SPREAD >> np.uint64(32)) & np.uint64(merges.moved.size - 1)
    entry = merges.table[_slot(pair, merges.moved[group], merges.table.size)]
    found = np.uint32(entry & _RANK) << np.uint32(8) | np.uint32(place)
    return np.uint32(found if entry >> _RANK_SHIFT == pair else _NOTHING)


@kernel
def _least(pairs, at):  # type: ignore[no-untyped-def]
    """The least of eight numbers from `at` on, one by one: a wide register would wait for what was just written."""
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    a, b = min(pairs[at], pairs[at + one]), min(pairs[at + two], pairs[at + three])
    at += four
    c, d = min(pairs[at], pairs[at + one]), min(pairs[at + two], pairs[at + three])
    return min(min(a, b), min(c, d))


@kernel
def merge(data, start, stop, merges, scratch):  # type: ignore[no-untyped-def]
    """Number of tokens of the piece data[start:stop]: the best pair is merged, the leftmost of equals, until none is left.

    They stay in `scratch.tokens`, the first at place 1, each with the place of the next one in `scratch.after`.
    """
    tokens, pairs, before, after = scratch
    size = np.uint64(stop) - np.uint64(start)
    one = np.uint64(1)
    tokens[0] = _EDGE
    for i in range(size):
        tokens[i + one] = merges.byte_ids[data[np.uint64(start) + i]]
    tokens[size + one] = _EDGE
    for i in range(size + one):
        pairs[i] = _pair(tokens[i], tokens[i + one], i, merges)
        before[i + one] = i
        after[i] = i + one
    read = (size + np.uint64(_STEP)) & ~np.uint64(_STEP - 1)
    for i in range(size + one, read):
        pairs[i] = _NOTHING
    count = size
    while True:
        best = _NOTHING
        for i in range(np.uint64(0), read, np.uint64(_STEP)):
            best = min(best, _least(pairs, i))
        if best == _NOTHING:
            return count
        at = np.uint64(best & _PLACE)
        tokens[at] = np.uint64(merges.made[best >> np.uint32(8)])
        count -= one
        gone = np.uint64(after[at])
        following, previous = np.uint64(after[gone]), np.uint64(before[at])
        after[at], before[following] = following, at
        pairs[gone] = _NOTHING
        pairs[at] = _pair(tokens[at], tokens[following], at, merges)
        pairs[previous] = _pair(tokens[previous], tokens[at], previous, merges)
