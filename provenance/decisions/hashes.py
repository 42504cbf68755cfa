"""Seeded hashes of document ids, many at a time: what chooses among documents that nothing else tells apart.

XXH3 with 64 bits. Ids of 32 bytes, as every doc_id is, are hashed a column at a time; others one by one. Promise 5:
equal on every machine, and equal to what the library `xxhash` says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_LENGTH = 32
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
#: Constants of XXH3 (xxHash 0.8): the 64-bit prime, the start of the secret, and the multiplier of the last mixing.
_START = np.uint64(_LENGTH * 0x9E3779B185EBCA87 % 2**64)
_SECRET = np.array(
    [0xBE4BA423396CFEB8, 0x1CAD21F72C81017C, 0xDB979083E96DD4DE, 0x1F67B3B7A4A44072], np.uint64
)
_AVALANCHE = np.uint64(0x165667919E3779F9)


def selection_hash(doc_ids: pa.Array | pa.ChunkedArray | Sequence[str | None], seed: int) -> Hashes:
    """The seeded 64-bit hash (XXH3) of each document id; 0 for null. Equal on every machine."""
    column = doc_ids if isinstance(doc_ids, pa.Array | pa.ChunkedArray) else pa.array(doc_ids, pa.string())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    seed &= 2**64 - 1
    mixed = np.uint64(seed)
    usual = np.asarray(pc.equal(pc.binary_length(column), _LENGTH).fill_null(False))
    if usual.all():
        return _xxh3_32(_bytes(column), mixed)
    hashes = np.zeros(len(column), dtype=np.uint64)
    hashes[usual] = _xxh3_32(_bytes(column.filter(pa.array(usual))), mixed)
    others = np.flatnonzero(~usual & np.asarray(column.is_valid()))
    digest = xxhash.xxh3_64_intdigest
    hashes[others] = [digest(value, seed) for value in column.take(pa.array(others)).to_pylist()]
    return hashes


def _bytes(column: pa.Array) -> NDArray[np.uint64]:
    """The bytes of ids of 32 bytes each, as little-endian words of shape (ids, 4)."""
    if not len(column):
        return np.empty((0, 4), dtype="<u8")
    column = column.cast(pa.large_string())
    _, offsets, data = column.buffers()
    start = int(np.frombuffer(offsets, np.int64, count=1, offset=8 * column.offset)[0])
    words = np.frombuffer(data, dtype=np.uint8, count=_LENGTH * len(column), offset=start)
    return words.view("<u8").reshape(len(column), 4)


@numba.njit(cache=True, nogil=True)
def _xxh3_32(words: NDArray[np.uint64], seed: np.uint64) -> Hashes:
    """XXH3-64 of inputs of 32 bytes: its branch for 17 to 128 bytes, which takes two mixings here."""
    hashes = np.empty(len(words), dtype=np.uint64)
    for row in range(len(words)):
        total = _START
        for half in range(2):
            left = words[row, 2 * half] ^ (_SECRET[2 * half] + seed)
            right = words[row, 2 * half + 1] ^ (_SECRET[2 * half + 1] - seed)
            total += _fold(left, right)
        total ^= total >> np.uint64(37)
        total *= _AVALANCHE
        hashes[row] = total ^ (total >> _HALF)
    return hashes


@numba.njit(cache=True, nogil=True)
def _fold(left: np.uint64, right: np.uint64) -> np.uint64:
    """The two halves of the 128-bit product, as one by exclusive or."""
    a, b, c, d = left >> _HALF, left & _LOW, right >> _HALF, right & _LOW
    middle = a * d + (b * d >> _HALF)
    across = b * c + (middle & _LOW)
    upper = a * c + (middle >> _HALF) + (across >> _HALF)
    return upper ^ (left * right)
