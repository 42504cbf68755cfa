"""Repeated lines, paragraphs and runs of words, counted as the Gopher rules count them.

Sets are open-addressing tables that live as long as a batch; of each only the part that a document needs is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.kernel import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0x100000001B3)


class Seen(NamedTuple):
    """Room for a set of hashes (0: free) with a count and the first place of each."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.int32]
    firsts: NDArray[np.int32]


def room(entries: int) -> Seen:
    """A set for so many entries, at most half full."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return Seen(np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int32))


@kernel
def _clear(keys, entries):  # type: ignore[no-untyped-def]
    """Empty the part of the set that `entries` need; returns the mask of its slots."""
    size = 16
    while size < 2 * entries:
        size *= 2
    keys[:size] = 0
    return np.uint64(size - 1)


@kernel
def _slot(keys, key, mask):  # type: ignore[no-untyped-def]
    """(slot of `key`, whether it is new there)."""
    key |= np.uint64(1)
    slot = (key >> np.uint64(33)) & mask
    while keys[slot] != 0:
        if keys[slot] == key:
            return slot, False
        slot = (slot + np.uint64(1)) & mask
    keys[slot] = key
    return slot, True


@kernel
def _hash(chars, start, stop):  # type: ignore[no-untyped-def]
    """64-bit hash of a run of characters."""
    value = np.uint64(stop - start)
    at = start
    while at + 1 < stop:  # two at a time: the products wait for one another
        value = (value ^ np.uint64(chars[at]) ^ np.uint64(chars[at + 1]) << np.uint64(32)) * _PRIME
        value ^= value >> np.uint64(29)
        at += 2
    if at < stop:
        value = (value ^ np.uint64(chars[at])) * _PRIME
    return (value ^ value >> np.uint64(32)) * _GOLDEN


@kernel
def repeated(chars, starts, stops, count, keys):  # type: ignore[no-untyped-def]
    """(how many of the pieces were there before, their characters)."""
    pieces = characters = 0
    if count < 2:
        return pieces, characters
    mask = _clear(keys, count)
    for at in range(count):
        _, new = _slot(keys, _hash(chars, starts[at], stops[at]), mask)
        if not new:
            pieces += 1
            characters += stops[at] - starts[at]
    return pieces, characters


@kernel
def _top(grams, count, seen):  # type: ignore[no-untyped-def]
    """(how often the most frequent n-gram stands there, where first); the earliest of equals."""
    keys, counts, firsts = seen.keys, seen.counts, seen.firsts
    mask = _clear(keys, count)
    most = best = 0
    for at in range(count):
        slot, new = _slot(keys, grams[at], mask)
        if new:
            counts[slot] = 1
            firsts[slot] = at
        else:
            counts[slot] += 1
        if counts[slot] > most or (counts[slot] == most and firsts[slot] < best):
            most, best = counts[slot], firsts[slot]
    return most, best


@kernel
def _repeats(grams, lengths, count, order, keys):  # type: ignore[no-untyped-def]
    """Characters of all n-grams that were there before, none counted twice."""
    mask = _clear(keys, count)
    characters = 0
    at = 0
    while at < count:
        _, new = _slot(keys, grams[at], mask)
        if new:
            at += 1
        else:
            characters += lengths[at + order] - lengths[at]
            at += order
    return characters


@kernel
def repeated_grams(words, count, grams, lengths, seen, out):  # type: ignore[no-untyped-def]
    """Fill `out` (9 values) with characters: of the top 2-, 3- and 4-gram, of repeated 5- to 10-grams.

    Where no n-gram stands twice no longer one does, so most texts are read up to 5-grams only.
    """
    lengths[0] = 0
    for at in range(count):
        size = (words[at, 0] & np.uint64(0xFFFFFFFF)) - (words[at, 0] >> np.uint64(32))
        lengths[at + 1] = lengths[at] + np.int32(size)
        grams[at] = words[at, 1] * _GOLDEN
    out[:] = 0
    most, best = 2, 0
    for order in range(2, 11):
        left = count - order + 1
        if left <= 0 or (order > 5 and out[order - 3] == 0):
            return
        for at in range(left):
            value = (grams[at] ^ grams[at] >> np.uint64(31)) * _PRIME
            grams[at] = (value + words[at + order - 1, 1]) * _GOLDEN
        if order >= 5:
            out[order - 2] = _repeats(grams, lengths, left, order, seen.keys)
            continue
        if most > 1:
            most, best = _top(grams, left, seen)
        else:
            best = 0
        out[order - 2] = most * (lengths[best + order] - lengths[best] + order - 1)
