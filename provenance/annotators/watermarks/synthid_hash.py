"""The hashes of SynthID-Text, old and new: from the tokens of an n-gram to its g-values, as compiled kernels.

2024: transformers and the first release of google-deepmind/synthid-text look hash and key up in a table of coin
flips. 2025: since June that repository starts from a hash of its keys and mixes on in place of the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.watermarks.ragged import I64, U64, Bools, longest, mix, place_of, table_size

G = npt.NDArray[np.uint8]

_MULTIPLIER = np.uint64(6364136223846793005)
#: Rounds of the 2025 hash after the key, and the bits that each drops: 64 // 12.
_ROUNDS = 12
_SHIFT = np.int64(5)


def initial_value(keys: Sequence[int]) -> np.uint64:
    """What the hash of 2025 starts from: SHA-256 of the keys as 64-bit numbers, modulo 2**63 - 1."""
    digest = hashlib.sha256(np.array(keys, dtype="<i8").tobytes()).digest()
    return np.uint64(int.from_bytes(digest, "big") % (2**63 - 1))


@njit(cache=True, nogil=True)
def drawn_hashes(count: int) -> U64:
    """Hashes for a null that cannot be enumerated; shape (count,)."""
    out = np.empty(count, np.uint64)
    for i in range(count):
        out[i] = mix(np.uint64(i) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1))
    return out


@njit(cache=True, nogil=True)
def ngram_hashes(tokens: I64, offsets: I64, ngram_len: int, start: np.uint64) -> tuple[U64, U64]:
    """The hash of the n-gram that ends at each position and of its context; 0 where fewer tokens precede.

    `start` is what the hash is before its first token: 1 in 2024, `initial_value(keys)` in 2025.
    """
    grams = np.zeros(len(tokens), np.uint64)
    contexts = np.zeros(len(tokens), np.uint64)
    one = np.uint64(1)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + ngram_len - 1, offsets[d + 1]):
            value = start
            for k in range(i - ngram_len + 1, i):
                value = (value + np.uint64(tokens[k])) * _MULTIPLIER + one
            contexts[i] = value
            grams[i] = (value + np.uint64(tokens[i])) * _MULTIPLIER + one
    return grams, contexts


@njit(cache=True, nogil=True)
def table_g_values(hashes: U64, keys: U64, table: G) -> G:
    """g-values of 2024: hash and key say where in a table of coin flips; shape (hashes, keys)."""
    out = np.empty((len(hashes), len(keys)), np.uint8)
    size = np.int64(len(table))
    for i in range(len(hashes)):
        for k in range(len(keys)):
            # the published code takes the remainder of a signed number, with the sign of the divisor
            place = np.int64((hashes[i] + keys[k]) * _MULTIPLIER + np.uint64(1)) % size
            if place < 0:
                place += size
            out[i, k] = table[place]
    return out


@njit(cache=True, nogil=True)
def shifted_g_values(hashes: U64, keys: U64) -> G:
    """g-values of 2025: a bit of hash and key after twelve further rounds; shape (hashes, keys)."""
    out = np.empty((len(hashes), len(keys)), np.uint8)
    one = np.uint64(1)
    for i in range(len(hashes)):
        for k in range(len(keys)):
            value = (hashes[i] + keys[k]) * _MULTIPLIER + one
            for _ in range(_ROUNDS):
                # the published code shifts signed numbers: the sign comes in from the left
                value = np.uint64(np.int64((value + one) * _MULTIPLIER + one) >> _SHIFT)
            out[i, k] = (value >> np.uint64(30)) & one
    return out


class Reading(NamedTuple):
    """What the published mask depends on; `eos` is -1 where there is no end of sequence."""

    ngram_len: int
    history: int
    eos: int


@njit(cache=True, nogil=True)
def published_mask(tokens: I64, offsets: I64, contexts: U64, reading: Reading) -> Bools:
    """True where the context is not among the last `history` ones and no end of sequence has come."""
    out = np.zeros(len(tokens), np.bool_)
    size = table_size(longest(offsets))
    table = np.zeros(size, np.uint64)
    seen_at = np.zeros(size, np.int64)
    owner = np.full(size, -1, np.int64)
    history = reading.history
    for d in range(len(offsets) - 1):
        used = table_size(offsets[d + 1] - offsets[d])
        first = offsets[d] + reading.ngram_len - 1
        ended = False
        for i in range(offsets[d], offsets[d + 1]):
            ended = ended or tokens[i] == reading.eos
            if i < first:
                continue
            slot = place_of(contexts[i], table, owner, d, used)
            # the history starts full of zeros, so a context that hashes to zero is taken for a repeat at first
            repeated = contexts[i] == 0 and i - first < history
            if owner[slot] == d and i - seen_at[slot] <= history:
                repeated = True
            owner[slot] = d
            table[slot] = contexts[i]
            seen_at[slot] = i
            out[i] = not (repeated or ended)
    return out
