"""The published pseudo-random functions from a context of tokens to a seed, to the bit, as compiled kernels.

Sources: the original repository's `alternative_prf_schemes` (Kirchenbauer et al. 2023), transformers'
`WatermarkLogitsProcessor`, and MarkLLM's KGW variants. Arithmetic on tensors wraps at 64 bits there, arithmetic on
Python integers does not: both are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from provenance.annotators.watermarks.ragged import I64
from provenance.annotators.watermarks.random import U32, product_modulo

#: Every function by name, in the order of the codes below.
PRF_NAMES = (
    "additive_prf", "multiplicative_prf", "minfunc_prf", "simple_skip_prf", "skipgram_prf", "anchored_skipgram_prf",
    "minhash_prf", "anchored_minhash_prf", "minskipgram_prf", "noncomm_prf", "position_prf",
    "markllm_time", "markllm_additive", "markllm_skip", "markllm_min", "markllm_plain",
)  # fmt: skip
_ADDITIVE, _MULTIPLICATIVE, _MINFUNC, _SIMPLE_SKIP, _SKIPGRAM, _ANCHORED_SKIPGRAM = range(6)
_MINHASH, _ANCHORED_MINHASH, _MINSKIPGRAM, _NONCOMM, _POSITION = range(6, 11)
_TIME, _SUM, _SKIP, _MIN, _PLAIN = range(11, 16)


class Hashing(NamedTuple):
    """A seeding as the kernels take it: code of the function, key wrapped at 64 bits, and its size modulo 2**64 - 1.

    The context of a token is the `window` tokens that end `lag` before it; `table` is the permutation to hash with.
    """

    prf: int
    window: int
    lag: int
    key: np.int64
    magnitude: np.uint64
    negative: bool
    table: I64


@njit(cache=True, nogil=True)
def seeds_of(tokens: I64, offsets: I64, hashing: Hashing) -> U32:
    """The 32-bit seed at each position; 0 where fewer than `window` tokens precede."""
    out = np.zeros(len(tokens), np.uint32)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + hashing.window - 1 + hashing.lag, offsets[d + 1]):
            end = i - hashing.lag + 1
            context = tokens[end - hashing.window : end]
            if hashing.prf <= _MINFUNC:
                out[i] = _scaled(_of_ids(context, hashing.prf), hashing)
            elif hashing.prf <= _POSITION:
                out[i] = _reduced(_of_hashes(context, hashing))
            else:
                out[i] = _of_vocabulary(context, hashing)
    return out


@njit(cache=True, nogil=True, inline="always")
def _positive_modulo(x: np.int64, n: int) -> np.int64:
    rest = x % n
    return rest + n if rest < 0 else rest


@njit(cache=True, nogil=True)
def _scaled(value: np.int64, hashing: Hashing) -> np.uint32:
    """The low 32 bits of (key·value) mod (2**64 - 1), the product not wrapped."""
    # the magnitude of -2**63 does not fit in int64, its bits as uint64 do
    size = np.uint64(-value) if value < 0 else np.uint64(value)
    total = product_modulo(size, hashing.magnitude)
    if hashing.negative != (value < 0) and total != np.uint64(0):
        total = np.uint64(0xFFFFFFFFFFFFFFFF) - total
    return np.uint32(total & np.uint64(0xFFFFFFFF))


@njit(cache=True, nogil=True)
def _reduced(value: np.int64) -> np.uint32:
    """The low 32 bits of value mod (2**64 - 1), as Python reduces a negative number."""
    bits = np.uint64(value)
    if value < 0:
        bits -= np.uint64(1)
    return np.uint32(bits & np.uint64(0xFFFFFFFF))


@njit(cache=True, nogil=True)
def _of_ids(context: I64, prf: int) -> np.int64:
    """Sum, product or least of the ids."""
    if prf == _ADDITIVE:
        value = np.int64(0)
        for token in context:
            value += token
        return value
    value = context[0]
    for token in context[1:]:
        value = value * token if prf == _MULTIPLICATIVE else min(value, token)
    return value


@njit(cache=True, nogil=True)
def _hashed(token: np.int64, hashing: Hashing) -> np.int64:
    """A token's place in the permuted table, from 1; the key is part of what is looked up."""
    return np.int64(hashing.table[_positive_modulo(hashing.key * token, len(hashing.table))] + 1)


@njit(cache=True, nogil=True)
def _of_hashes(context: I64, hashing: Hashing) -> np.int64:
    """The functions of the original repository that hash by a table, and the one that weighs by position."""
    prf, key = hashing.prf, hashing.key
    first, last = context[0], context[-1]
    if prf == _SKIPGRAM:
        return _hashed(first, hashing)
    if prf == _ANCHORED_SKIPGRAM:
        return _hashed(first, hashing) * _hashed(last, hashing)
    if prf == _MINSKIPGRAM:
        return _least_pair(context, hashing)
    if prf == _ANCHORED_MINHASH:
        size = len(hashing.table)
        anchor = hashing.table[last % size] + 1
        value = key * (hashing.table[first % size] + 1) * anchor
        for token in context[1:]:
            value = min(value, key * (hashing.table[token % size] + 1) * anchor)
        return np.int64(value)
    if prf == _SIMPLE_SKIP:
        value = np.int64(1)
        for token in context[::2]:
            value *= _hashed(token, hashing)
        return value
    if prf == _MINHASH:
        value = _hashed(first, hashing)
        for token in context[1:]:
            value = min(value, _hashed(token, hashing))
        return value
    if prf == _NONCOMM:
        value = key
        for token in context:
            value *= hashing.table[_positive_modulo(value * token, len(hashing.table))] + 1
            value = _positive_modulo(value, 4294967296)
        return value
    value = np.int64(0)
    for k in range(len(context)):
        value += key * context[k] * (k + 1)
    return np.int64(value)


@njit(cache=True, nogil=True)
def _least_pair(context: I64, hashing: Hashing) -> np.int64:
    """The least product of two different tokens' hashes."""
    value = np.int64(0x7FFFFFFFFFFFFFFF)
    for k in range(len(context) - 1):
        left = _hashed(context[k], hashing)
        for token in context[k + 1 :]:
            value = min(value, left * _hashed(token, hashing))
    return value


@njit(cache=True, nogil=True)
def _of_vocabulary(context: I64, hashing: Hashing) -> np.uint32:
    """MarkLLM's: the key times an element of a permutation of the vocabulary, modulo the vocabulary."""
    prf, key, table = hashing.prf, hashing.key, hashing.table
    size = len(table)
    value = context[0] if prf in (_SKIP, _MIN) else np.int64(1)
    if prf in (_TIME, _PLAIN):
        value = np.int64(1)
        for token in context:
            value = (value % size) * (token % size)
        if prf == _PLAIN:  # without permutation, and without the last reduction
            return np.uint32(np.uint64(key * (value % size)) & np.uint64(0xFFFFFFFF))
    elif prf == _SUM:
        value = context.sum()
    value = table[value % size]
    if prf == _MIN:
        for token in context[1:]:
            value = min(value, table[token % size])
    return np.uint32(_positive_modulo(_positive_modulo(key, size) * value, size))
