"""Which n-grams of a passage the model knows, and what they weigh together.

Step by step over all n-grams and without a branch for each: half of them are known, so a processor that guesses is often
wrong, and what it waits for from the tables it asks for at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.kernel import kernel
from provenance.detectors.embedded.features import SEEN

#: Bits of a key by which most that are not in the table are turned away.
_SIEVE = 21
_ONE, _HALF = np.uint64(1), np.uint64(32)
_WRAP = np.uint64(SEEN - 1)


def sieve_of(keys: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One bit for each value of the upper 21 bits of a key (uint64[32768]): what passes no bit is none of `keys`.

    A quarter of a megabyte that stays near the processor, where the table of keys does not.
    """
    bits = np.zeros(1 << _SIEVE, np.uint8)
    bits[keys >> np.uint32(32 - _SIEVE)] = 1
    return np.packbits(bits, bitorder="little").view("<u8")


@njit(cache=True, nogil=True)
def place_keys(keys, values, table, placed):  # type: ignore[no-untyped-def]
    """Fill the open-addressing `table` (a power of two, all 0) with `keys`, and `placed` with their values."""
    for i in range(len(keys)):
        at = keys[i] & np.uint32(len(table) - 1)
        while table[at] != 0:
            at = (at + np.uint32(1)) & np.uint32(len(table) - 1)
        table[at] = keys[i]
        placed[at] = values[i]


@kernel
def is_new(key, stamp, seen):  # type: ignore[no-untyped-def]
    """Note `key` in `seen` under `stamp`; whether it was not there. Entries of other stamps are free."""
    mine = np.uint64(stamp) << _HALF | np.uint64(key)
    at = np.uint64(key) >> np.uint64(19)
    there = seen[at]
    fresh = there >> _HALF != np.uint64(stamp)
    while not fresh and there != mine:
        at = (at + _ONE) & _WRAP
        there = seen[at]
        fresh = there >> _HALF != np.uint64(stamp)
    seen[at] = mine  # as it was, where it was there
    return fresh


@kernel
def sum_weights(count, model, buffers, stamp, summed):  # type: ignore[no-untyped-def]
    """Fill `summed` (experts,) with the weights of the first `count` n-grams of `buffers.keys`; how many are known.

    An n-gram counts once in a passage; no two passages have the same `stamp`. Overwrites `buffers.keys`.
    """
    keys, places = buffers.keys, buffers.places
    passed = _sift(keys, count, model.sieve)
    known = _find(keys, passed, model.places, places)
    different = np.uint64(0)
    for k in range(known):
        places[different] = places[k]
        different += np.uint64(is_new(keys[k], stamp, buffers.seen))
    for expert in range(len(summed)):
        total = np.int64(0)
        for k in range(different):
            total += model.weights[places[k], expert]
        summed[expert] = total
    return np.int64(different)


@kernel
def _sift(keys, count, sieve):  # type: ignore[no-untyped-def]
    """Move those of the first `count` keys that pass the sieve to the front; how many they are."""
    kept = np.uint64(0)
    for k in range(np.uint64(count)):
        key = np.uint64(keys[k])
        keys[kept] = keys[k]
        kept += sieve[key >> np.uint64(17)] >> (key >> np.uint64(11) & np.uint64(63)) & _ONE
    return kept


@kernel
def _find(keys, count, table, places):  # type: ignore[no-untyped-def]
    """Move those of the first `count` keys that are in `table` to the front, and note where; how many they are."""
    last = np.uint64(len(table) - 1)
    for k in range(count):
        places[k] = table[keys[k] & last]  # all asked for before the first is waited for
    kept = np.uint64(0)
    for k in range(count):
        key, there = keys[k], places[k]
        at = np.uint64(key) & last
        beside = (at + _ONE) & last
        one_on = (there != key) & (there != 0)
        at = beside if one_on else at
        there = table[beside] if one_on else there
        # One in twenty: in the first two places most are found, or seen to be missing.
        while there != key and there != 0:
            at = (at + _ONE) & last
            there = table[at]
        keys[kept], places[kept] = key, at
        kept += np.uint64(there == key)
    return kept
