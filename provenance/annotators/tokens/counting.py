"""Tokens counted straight from the Arrow text buffer: exact byte-pair merges, most of them remembered.

Equal to the `tokenizers` library for the same file. A call keeps nothing for the next one, so a count depends on
the text alone, whatever came before and whichever thread asks.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from provenance.annotators.kernel import kernel
from provenance.annotators.tokens.pieces import LONGEST_PIECE, Text, character_classes, piece_end

#: Pieces whose counts one call remembers, by slot, and the most bytes of such a piece: 1 MiB, about the second-level cache.
#: Of the pieces in 2 to 4 MB of text 90% (English), 84% (German), 76% (Russian), 65% (Japanese) are found there; four
#: times as many slots gain 10% at most.
_SLOTS = 1 << 15
_REMEMBERED = 32
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NO_RANK = np.int32(2**31 - 1)
_FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
#: A pair and its rank in one number, so that one look into memory tells both: left token, right token, rank.
_TOKEN_BITS, _RANK_BITS = 20, 24
MOST_TOKENS, MOST_MERGES = 1 << _TOKEN_BITS, 1 << _RANK_BITS


class Merges(NamedTuple):
    """Byte-pair merges as an open hash table of (left << 20 | right) << 24 | rank; all bits set where it is free."""

    byte_ids: npt.NDArray[np.int32]  # (256,) token of each byte
    table: npt.NDArray[np.uint64]  # a power of two, at most half full
    made: npt.NDArray[np.int32]  # the token that a merge makes, by rank


def build_merges(
    byte_ids: npt.NDArray[np.int64], pairs: npt.NDArray[np.int64], made: npt.NDArray[np.int64]
) -> Merges:
    """The table of `pairs` (token ids below MOST_TOKENS, shape (merges, 2), best first) that become the tokens `made`."""
    table = np.full(1 << max(4, int(2 * len(pairs) - 1).bit_length()), _FREE, np.uint64)
    _fill(pairs, table)
    return Merges(byte_ids.astype(np.int32), table, made.astype(np.int32))


@numba.njit(cache=True, nogil=True, inline="always")
def _find(left, right, table):  # type: ignore[no-untyped-def]
    """Slot of a pair, or the free slot where it would stand, and the pair as the table writes it."""
    pair = np.uint64(left) << np.uint64(_TOKEN_BITS) | np.uint64(right)
    mask = np.uint64(len(table) - 1)
    slot = ((pair * _GOLDEN) >> np.uint64(32)) & mask
    while table[slot] != _FREE and table[slot] >> np.uint64(_RANK_BITS) != pair:
        slot = (slot + np.uint64(1)) & mask
    return slot, pair


@numba.njit(cache=True, nogil=True)
def _fill(pairs, table):  # type: ignore[no-untyped-def]
    for rank in range(len(pairs)):
        slot, pair = _find(pairs[rank, 0], pairs[rank, 1], table)
        table[slot] = pair << np.uint64(_RANK_BITS) | np.uint64(rank)  # the last counts, as in the library


@numba.njit(cache=True, nogil=True, inline="always")
def _rank(left, right, merges):  # type: ignore[no-untyped-def]
    slot, _ = _find(left, right, merges.table)
    entry = merges.table[slot]
    return _NO_RANK if entry == _FREE else np.int32(entry & np.uint64((1 << _RANK_BITS) - 1))


@kernel
def merge(data, start, stop, merges, scratch):  # type: ignore[no-untyped-def]
    """Number of tokens of the piece data[start:stop]: the best pair is merged, the leftmost of equals, until none is left.

    `scratch` has room for two rows of `LONGEST_PIECE` numbers: tokens, and the rank of each with its right neighbour.
    """
    tokens, ranks = scratch[0], scratch[1]
    count = stop - start
    for i in range(count):
        tokens[i] = merges.byte_ids[data[start + i]]
    for i in range(count - 1):
        ranks[i] = _rank(tokens[i], tokens[i + 1], merges)
    while count > 1:
        best, at = _NO_RANK, 0
        for i in range(count - 1):
            if ranks[i] < best:
                best, at = ranks[i], i
        if best == _NO_RANK:
            break
        tokens[at] = merges.made[best]
        count -= 1
        for i in range(at + 1, count):
            tokens[i] = tokens[i + 1]
            ranks[i - 1] = ranks[i]
        if at + 1 < count:
            ranks[at] = _rank(tokens[at], tokens[at + 1], merges)
        if at > 0:
            ranks[at - 1] = _rank(tokens[at - 1], tokens[at], merges)
    return count


@numba.njit(cache=True, nogil=True)
def _count(data, offsets, classes, merges, counts):  # type: ignore[no-untyped-def]
    """Fill `counts` with the tokens of each row of the text buffer."""
    known = np.zeros((_SLOTS, _REMEMBERED), np.uint8)
    known_bytes = np.zeros(_SLOTS, np.uint8)
    known_tokens = np.zeros(_SLOTS, np.uint8)
    scratch = np.empty((2, LONGEST_PIECE), np.int32)
    for row in range(len(counts)):
        at, stop = offsets[row], offsets[row + 1]
        text = Text(data, stop, classes)
        total = 0
        while at < stop:
            end = piece_end(text, at)
            size = end - at
            if size > _REMEMBERED:
                total += merge(data, at, end, merges, scratch)
                at = end
                continue
            value = _FNV_OFFSET
            for i in range(at, end):
                value = (value ^ np.uint64(data[i])) * _FNV_PRIME
            slot = (value ^ value >> np.uint64(32)) & np.uint64(_SLOTS - 1)
            same = known_bytes[slot] == size
            if same:
                for i in range(size):
                    if known[slot, i] != data[at + i]:
                        same = False
                        break
            if not same:
                known_bytes[slot] = size
                known_tokens[slot] = merge(data, at, end, merges, scratch)
                for i in range(size):
                    known[slot, i] = data[at + i]
            total += known_tokens[slot]
            at = end
        counts[row] = total


def count(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], merges: Merges
) -> npt.NDArray[np.int64]:
    """Tokens of each text data[offsets[i]:offsets[i + 1]] (UTF-8 bytes), shape (n,)."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    _count(data, offsets, character_classes(), merges, counts)
    return counts
