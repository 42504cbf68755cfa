"""Tokens counted straight from the Arrow text buffer: exact byte-pair merges, most of them remembered.

Equal to the `tokenizers` library for the same file. What is remembered is found by all bytes of a piece, so a count
depends on the text alone, whatever came before and whichever thread asks.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from provenance.annotators.kernel import kernel
from provenance.annotators.tokens.pieces import LONGEST_PIECE, Text, character_classes, piece_end

#: Pieces whose counts are remembered, by slot (in bits), and the most bytes of such a piece: 2 MiB. Of the pieces of 1,034
#: real pages in many languages 84% are found there the first time, 71% in half as many slots that each batch begins anew.
_SLOTS = 16
_REMEMBERED = 32
_EIGHT, _THIRTY_TWO = np.uint64(8), np.uint64(32)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NO_RANK = np.int32(2**31 - 1)
_FREE = _ALL
#: A pair and its rank in one number, so that one look into memory tells both: left token, right token, rank.
_TOKEN_BITS, _RANK_BITS = 20, 24
MOST_TOKENS, MOST_MERGES = 1 << _TOKEN_BITS, 1 << _RANK_BITS


class Merges(NamedTuple):
    """Byte-pair merges as an open hash table of (left << 20 | right) << 24 | rank; all bits set where it is free."""

    byte_ids: npt.NDArray[np.int32]  # (256,) token of each byte
    table: npt.NDArray[np.uint64]  # a power of two, at most half full
    made: npt.NDArray[np.int32]  # the token that a merge makes, by rank


class Pieces(NamedTuple):
    """Pieces that were counted, and room to count one; all merges are by one table."""

    words: npt.NDArray[
        np.uint64
    ]  # (slots, 4) bytes of the piece of a slot, eight to a word, those after it zero
    counts: npt.NDArray[np.uint16]  # (slots,) its size << 8 | its tokens
    scratch: npt.NDArray[np.int32]  # (2, LONGEST_PIECE)


def no_pieces() -> Pieces:
    """Room for one thread."""
    slots = 1 << _SLOTS
    return Pieces(
        np.zeros((slots, _REMEMBERED // 8), np.uint64),
        np.zeros(slots, np.uint16),
        np.empty((2, LONGEST_PIECE), np.int32),
    )


class Remembering:
    """Counts by some merges, and remembers the pieces from call to call; threads that ask at once remember apart."""

    def __init__(self, merges: Merges) -> None:
        self.merges = merges
        self._free: list[Pieces] = []

    def count(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Tokens of each text, see `count`."""
        try:
            pieces = self._free.pop()
        except IndexError:
            pieces = no_pieces()
        counts = count(data, offsets, self.merges, pieces)
        self._free.append(pieces)
        return counts


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


@kernel
def _count(data, offsets, classes, merges, pieces, counts):  # type: ignore[no-untyped-def]
    """Fill `counts` with the tokens of each row of the text buffer."""
    for row in range(len(counts)):
        at, stop = offsets[row], offsets[row + 1]
        text = Text(data, stop, classes)
        total = 0
        while at < stop:
            end = piece_end(text, at)
            size = end - at
            if size <= _REMEMBERED and at + _REMEMBERED <= len(data):
                total += _remembered(data, at, end, merges, pieces)
            else:
                total += merge(data, at, end, merges, pieces.scratch)
            at = end
        counts[row] = total


@numba.njit(cache=True, nogil=True, inline="always")
def _remembered(data, at, end, merges, pieces):  # type: ignore[no-untyped-def]
    """Number of tokens of the piece data[at:end], as it was counted before or is now."""
    known, counts = pieces.words, pieces.counts
    size = end - at
    last = _ALL >> (np.uint64(-size) & np.uint64(7)) * _EIGHT  # bytes of its last word
    first, second, third, fourth = _word(data, at), np.uint64(0), np.uint64(0), np.uint64(0)
    if size <= 8:
        first &= last
    else:
        second = _word(data, at + 8)
        if size <= 16:
            second &= last
        else:
            third = _word(data, at + 16)
            if size <= 24:
                third &= last
            else:
                fourth = _word(data, at + 24) & last
    value = first * _GOLDEN ^ np.uint64(size)
    if size > 8:
        value = (value ^ value >> _THIRTY_TWO ^ second) * _GOLDEN
        value = ((value ^ value >> _THIRTY_TWO ^ third) * _GOLDEN ^ fourth) * _GOLDEN
    slot = value >> np.uint64(64 - _SLOTS)
    if (
        counts[slot] >> 8 != size
        or known[slot, 0] != first
        or (size > 8 and (known[slot, 1] != second or known[slot, 2] != third or known[slot, 3] != fourth))
    ):
        known[slot, 0], known[slot, 1], known[slot, 2], known[slot, 3] = first, second, third, fourth
        counts[slot] = size << 8 | merge(data, at, end, merges, pieces.scratch)
    return counts[slot] & 0xFF


@kernel
def _word(data, at):  # type: ignore[no-untyped-def]
    """The eight bytes from `at` on as one number: compiled, one look into memory."""
    here, word = np.uint64(at), np.uint64(0)
    for place in range(_EIGHT):
        word |= np.uint64(data[here + place]) << place * _EIGHT
    return word


def count(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    merges: Merges,
    pieces: Pieces | None = None,
) -> npt.NDArray[np.int64]:
    """Tokens of each text data[offsets[i]:offsets[i + 1]] (UTF-8 bytes), shape (n,); `pieces` are those of the same merges."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    _count(data, offsets, character_classes(), merges, pieces=pieces or no_pieces(), counts=counts)
    return counts
