"""Repeated lines, paragraphs and runs of words, counted as the Gopher rules count them.

Sets are open-addressing tables that live as long as a batch; of each only the part that a document needs is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.hashing import GOLDEN, PRIME
from provenance.annotators.kernel import kernel


class Seen(NamedTuple):
    """Room for a set of hashes (0: free) with a count and the first place of each."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.int32]
    firsts: NDArray[np.int32]


class Grams(NamedTuple):
    """Room for the n-grams of a text: the hash of each, the characters before each word, and those that are looked at."""

    grams: NDArray[np.uint64]
    lengths: NDArray[np.int32]
    places: NDArray[np.int32]
    slots: NDArray[np.int32]


def grams_room(words: int) -> Grams:
    """Room for the n-grams of so many words."""
    return Grams(
        grams=np.empty(words, np.uint64),
        lengths=np.empty(words + 1, np.int32),
        places=np.empty(words, np.int32),
        slots=np.empty(words, np.int32),
    )


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
def _pair(chars, at):  # type: ignore[no-untyped-def]
    return np.uint64(chars[at]) | np.uint64(chars[at + np.uint64(1)]) << np.uint64(32)


@kernel
def _hash(chars, start, stop):  # type: ignore[no-untyped-def]
    """64-bit hash of a run of characters."""
    value, other = np.uint64(stop - start), GOLDEN
    at, end = np.uint64(start), np.uint64(stop)
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    while at + four <= end:  # four at a time, two by two: the products of a row wait for one another
        value = (value ^ _pair(chars, at)) * PRIME
        other = (other ^ _pair(chars, at + two)) * GOLDEN
        value ^= value >> np.uint64(29)
        other ^= other >> np.uint64(31)
        at += four
    while at < end:
        value = (value ^ np.uint64(chars[at])) * PRIME
        value ^= value >> np.uint64(29)
        at += one
    value ^= other * GOLDEN
    return (value ^ value >> np.uint64(32)) * GOLDEN


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
def _top(grams, places, count, seen, slots):  # type: ignore[no-untyped-def]
    """(how often the most frequent of the n-grams at `places` stands there, where first); the earliest of equals.

    `slots` is filled with where each of them is counted.
    """
    keys, counts, firsts = seen.keys, seen.counts, seen.firsts
    mask = _clear(keys, count)
    most = best = 0
    for i in range(count):
        at = places[i]
        slot, new = _slot(keys, grams[at], mask)
        if new:
            counts[slot] = 1
            firsts[slot] = at
        else:
            counts[slot] += 1
        slots[i] = slot
        if counts[slot] > most or (counts[slot] == most and firsts[slot] < best):
            most, best = counts[slot], firsts[slot]
    return (most, best) if most > 1 else (1, 0)


@kernel
def _keep_repeated(places, count, counts, slots):  # type: ignore[no-untyped-def]
    """Leave in `places` only those whose n-gram stands there twice at least; how many they are."""
    kept = np.uint64(0)
    for i in range(count):
        places[kept] = places[i]
        kept += np.uint64(counts[slots[i]] > 1)
    return np.int64(kept)


@kernel
def _repeats(grams, places, count, lengths, order, keys):  # type: ignore[no-untyped-def]
    """Characters of all n-grams that were there before, none counted twice."""
    mask = _clear(keys, count)
    characters = end = 0
    for i in range(count):
        at = places[i]
        if at < end:
            continue
        _, new = _slot(keys, grams[at], mask)
        if not new:
            characters += lengths[at + order] - lengths[at]
            end = at + order
    return characters


@kernel
def repeated_grams(words, count, room, seen, out):  # type: ignore[no-untyped-def]
    """Fill `out` (9 values) with characters: of the top 2-, 3- and 4-gram, of repeated 5- to 10-grams.

    What begins with an n-gram that stands there once stands there once itself, so of longer ones few are looked at; where
    none stands twice no longer one does.
    """
    grams, lengths, places, slots = room.grams, room.lengths, room.places, room.slots
    lengths[0] = 0
    for at in range(count):
        size = (words[at, 0] & np.uint64(0xFFFFFFFF)) - (words[at, 0] >> np.uint64(32))
        lengths[at + 1] = lengths[at] + np.int32(size)
        grams[at] = words[at, 1] * GOLDEN
        places[at] = at
    out[:] = 0
    left = count
    for order in range(2, 11):
        if count - order + 1 <= 0 or (order > 5 and out[order - 3] == 0):
            return
        while left > 0 and places[left - 1] > count - order:
            left -= 1
        for i in range(left):
            at = places[i]
            value = (grams[at] ^ grams[at] >> np.uint64(31)) * PRIME
            grams[at] = (value + words[at + order - 1, 1]) * GOLDEN
        if order >= 5:
            out[order - 2] = _repeats(grams, places, left, lengths, order, keys=seen.keys)
            continue
        most, best = _top(grams, places, left, seen, slots)
        left = _keep_repeated(places, left, seen.counts, slots)
        out[order - 2] = most * (lengths[best + order] - lengths[best] + order - 1)
