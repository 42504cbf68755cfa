"""Many token sequences in one flat array, and what every scheme needs of them.

Document d of a batch is `tokens[offsets[d]:offsets[d + 1]]`. Repeats are found here, once for all
schemes: a watermark's coin that is tossed twice in a document is still one coin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: No published tokenizer comes near; a larger id is a mistake or an attack.
MAX_TOKEN_ID = 2**31 - 1


def ragged(documents: Sequence[npt.ArrayLike]) -> tuple[I64, I64]:
    """Join token sequences into (tokens, offsets)."""
    arrays = [np.asarray(document, dtype=np.int64).reshape(-1) for document in documents]
    offsets = np.zeros(len(arrays) + 1, np.int64)
    np.cumsum([len(array) for array in arrays], out=offsets[1:])
    return (np.concatenate(arrays) if arrays else np.zeros(0, np.int64)), offsets


def checked(tokens: npt.ArrayLike, offsets: npt.ArrayLike) -> tuple[I64, I64]:
    """The two arrays as contiguous int64.

    Raises ValueError for a token id outside 0..2**31 - 1 and for offsets that do not rise from 0
    to the number of tokens.
    """
    flat = np.ascontiguousarray(tokens, dtype=np.int64)
    bounds = np.ascontiguousarray(offsets, dtype=np.int64)
    if flat.ndim != 1 or bounds.ndim != 1 or len(bounds) == 0:
        raise ValueError("tokens and offsets must be one-dimensional, offsets with at least one element")
    if bounds[0] != 0 or bounds[-1] != len(flat) or (np.diff(bounds) < 0).any():
        raise ValueError(f"offsets must rise from 0 to the number of tokens ({len(flat)})")
    if len(flat) and (flat.min() < 0 or flat.max() > MAX_TOKEN_ID):
        raise ValueError(f"token ids must lie in 0..{MAX_TOKEN_ID}")
    return flat, bounds


@njit(cache=True, nogil=True, inline="always")
def mix(x: np.uint64) -> np.uint64:
    """The finaliser of splitmix64: every input bit reaches every output bit."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def ngram_keys(tokens: I64, offsets: I64, width: int) -> U64:
    """A 64-bit hash of the `width` tokens that end at each position; 0 where fewer precede it."""
    out = np.zeros(len(tokens), np.uint64)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + width - 1, offsets[d + 1]):
            key = np.uint64(width)
            for k in range(i - width + 1, i + 1):
                key = mix(key + np.uint64(tokens[k]) + np.uint64(0x9E3779B97F4A7C15))
            out[i] = key
    return out


def pair_keys(seeds: npt.NDArray[np.uint32], tokens: I64) -> U64:
    """The name of each (seed, token) pair; shape (tokens,)."""
    return np.asarray((seeds.astype(np.uint64) << np.uint64(32)) | tokens.astype(np.uint64))


@njit(cache=True, nogil=True)
def table_size(length: int) -> int:
    """Places of a hash table for `length` entries: a power of two, half of it or more empty."""
    size = 16
    while size < 2 * length:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def longest(offsets: I64) -> int:
    """Tokens of the longest document."""
    most = 0
    for d in range(len(offsets) - 1):
        most = max(most, offsets[d + 1] - offsets[d])
    return most


@njit(cache=True, nogil=True, inline="always")
def place_of(key: np.uint64, keys: U64, owner: I64, document: int, size: int) -> np.int64:
    """Where the `document`'s key is in the first `size` places of a hash table, or would be; others' entries are empty."""
    place = np.int64(mix(key) & np.uint64(size - 1))
    while owner[place] == document and keys[place] != key:
        place = (place + 1) & (size - 1)
    return place


@njit(cache=True, nogil=True)
def first_of_each(keys: U64, wanted: Bools, offsets: I64) -> Bools:
    """True where `wanted` and the key did not occur, wanted, earlier in the same document."""
    out = np.zeros(len(keys), np.bool_)
    size = table_size(longest(offsets))
    table = np.zeros(size, np.uint64)
    owner = np.full(size, -1, np.int64)
    for d in range(len(offsets) - 1):
        used = table_size(offsets[d + 1] - offsets[d])
        for i in range(offsets[d], offsets[d + 1]):
            if not wanted[i]:
                continue
            slot = place_of(keys[i], table, owner, d, used)
            if owner[slot] != d:
                owner[slot] = d
                table[slot] = keys[i]
                out[i] = True
    return out


def sums(values: npt.NDArray[np.generic], offsets: I64) -> F64:
    """The sum of `values` in each document; shape (documents,)."""
    totals = np.zeros(len(values) + 1, np.float64)
    np.cumsum(values, dtype=np.float64, out=totals[1:])
    return np.asarray(totals[offsets[1:]] - totals[offsets[:-1]], dtype=np.float64)


@njit(cache=True, nogil=True)
def tie_breakers(tokens: I64, offsets: I64) -> F64:
    """A number in (0, 1) for each document, from its tokens alone: it splits the ties of a discrete null."""
    out = np.empty(len(offsets) - 1, np.float64)
    for d in range(len(offsets) - 1):
        key = np.uint64(0x2545F4914F6CDD1D)
        for i in range(offsets[d], offsets[d + 1]):
            key = mix(key + np.uint64(tokens[i]) + np.uint64(0x9E3779B97F4A7C15))
        out[d] = (np.float64(mix(key) >> np.uint64(11)) + 0.5) * 2.0**-53
    return out


@njit(cache=True, nogil=True)
def commonplace_pairs(tokens: I64, offsets: I64, counted: Bools, expected: float) -> Bools:
    """True where chance alone would bring this token after this one `expected` times or more in the document.

    That is as many as the `counted` pairs with the one first, times those with the other second, over all of them
    (counted pairs are distinct, so that a text in a loop is not taken for commonplace). Such pairs ("of the") stand
    in every document of a language, all with the colour that one key gives them.
    """
    out = np.zeros(len(tokens), np.bool_)
    most = longest(offsets)
    size = table_size(most)
    table = np.zeros(size, np.uint64)
    owner = np.full(size, -1, np.int64)
    firsts = np.zeros(size, np.int64)
    seconds = np.zeros(size, np.int64)
    slots = np.zeros(most, np.int64)
    for d in range(len(offsets) - 1):
        start, end = offsets[d], offsets[d + 1]
        used = table_size(end - start)
        pairs = 0
        for i in range(start, end):
            slot = place_of(np.uint64(tokens[i]), table, owner, d, used)
            if owner[slot] != d:
                owner[slot], table[slot], firsts[slot], seconds[slot] = d, np.uint64(tokens[i]), 0, 0
            slots[i - start] = slot
            if i > start and counted[i]:
                pairs += 1
                seconds[slot] += 1
                firsts[slots[i - start - 1]] += 1
        for i in range(start + 1, end):
            out[i] = firsts[slots[i - start - 1]] * seconds[slots[i - start]] >= expected * pairs
    return out
