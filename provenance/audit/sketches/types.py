"""Exact counts of a coordinated sample of types: the words, pairs, lines whose hash lies below a limit.

Every dataset samples the same types, so that what one has lost another still counts; the limit is halved when a table
is full, and which types are in it at the end depends only on which types there are, not on their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.hashing import GOLDEN, mix
from provenance.annotators.kernel import kernel

#: Documents fall into so many groups by the hash of their site or text, the units of all intervals.
GROUPS = 64
#: Occurrences, and documents in which a type occurs.
OCCURRENCES, DOCUMENTS = 0, 1
_USED, _LEVEL = 0, 1


class Table(NamedTuple):
    """A hash table of sampled types as compiled code sees it."""

    slots: NDArray[np.int32]  # (power of two,): row of the type that hashes here, -1 where none does
    keys: NDArray[np.uint64]  # (capacity,): mixed hash of each row's type
    tally: NDArray[np.uint32]  # (capacity, 2, GROUPS): OCCURRENCES and DOCUMENTS
    last: NDArray[np.int64]  # (capacity,): number of the document that counted a row last
    state: NDArray[np.int64]  # rows in use, level: types with key >> (64 - level) == 0 are sampled


@dataclass
class Sampled:
    """Types of one kind with their counts by group; memory is bounded by `capacity`.

    `level` halvings of the sampling rate were needed: a type is in the sample with probability 2 ** -level.
    """

    capacity: int
    table: Table

    @classmethod
    def empty(cls, capacity: int) -> Sampled:
        """No types; `capacity` is the most that are kept, a power of two."""
        return cls(
            capacity,
            Table(
                slots=np.full(2 * capacity, -1, np.int32),
                keys=np.zeros(capacity, np.uint64),
                tally=np.zeros((capacity, 2, GROUPS), np.uint32),
                last=np.full(capacity, -1, np.int64),
                state=np.zeros(2, np.int64),
            ),
        )

    @property
    def level(self) -> int:
        """How often the sampling rate was halved."""
        return int(self.table.state[_LEVEL])

    def rows(self, level: int | None = None) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        """Keys in ascending order and their tally, shape (types, 2, GROUPS), sampled at a `level` no lower than its own."""
        used = int(self.table.state[_USED])
        keys = self.table.keys[:used]
        order = np.argsort(keys)
        keys = keys[order]
        if level:
            order = order[: np.searchsorted(keys, np.uint64(1) << np.uint64(64 - level))]
        return keys[: len(order)], self.table.tally[order]

    def merge(self, keys: NDArray[np.uint64], tally: NDArray[np.uint32], level: int) -> None:
        """Add the rows of another sample (`rows`) and its level."""
        while self.level < level:
            halve(self.table)
        insert(self.table, keys, tally)


@kernel
def type_key(value):  # type: ignore[no-untyped-def]
    """The key of a type by its hash: spread over all bits, never 0."""
    return max(mix(value), np.uint64(1))


@kernel
def highest(table):  # type: ignore[no-untyped-def]
    """The highest key that belongs to the sample."""
    return ~np.uint64(0) >> np.uint64(table.state[_LEVEL])


@kernel
def halve(table):  # type: ignore[no-untyped-def]
    """Halve the sampling rate: rows whose key no longer belongs to the sample are given up."""
    table.state[_LEVEL] += 1
    limit = np.uint64(64 - table.state[_LEVEL])
    kept = 0
    for row in range(table.state[_USED]):
        if table.keys[row] >> limit == 0:
            if kept != row:
                table.keys[kept] = table.keys[row]
                table.last[kept] = table.last[row]
                for group in range(GROUPS):
                    table.tally[kept, 0, group] = table.tally[row, 0, group]
                    table.tally[kept, 1, group] = table.tally[row, 1, group]
            kept += 1
    table.tally[kept : table.state[_USED]] = 0
    table.state[_USED] = kept
    table.slots[:] = -1
    mask = np.uint64(len(table.slots) - 1)
    for row in range(kept):
        slot = (table.keys[row] * GOLDEN) >> np.uint64(20) & mask
        while table.slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table.slots[slot] = row


@kernel
def find(table, key):  # type: ignore[no-untyped-def]
    """The row of a mixed hash, made where it is new; -1 where it does not belong to the sample."""
    while True:
        level = table.state[_LEVEL]
        if level and key >> np.uint64(64 - level) != 0:
            return -1
        mask = np.uint64(len(table.slots) - 1)
        slot = (key * GOLDEN) >> np.uint64(20) & mask
        row = table.slots[slot]
        while row >= 0:
            if table.keys[row] == key:
                return row
            slot = (slot + np.uint64(1)) & mask
            row = table.slots[slot]
        used = table.state[_USED]
        if used < len(table.keys):
            table.slots[slot] = used
            table.keys[used] = key
            table.last[used] = -1
            table.state[_USED] = used + 1
            return used
        halve(table)


@kernel
def count_type(table, key, group, document):  # type: ignore[no-untyped-def]
    """Count one occurrence of a type in a document, whose numbers rise."""
    row = find(table, key)
    if row >= 0:
        table.tally[row, OCCURRENCES, group] += 1
        if table.last[row] != document:
            table.last[row] = document
            table.tally[row, DOCUMENTS, group] += 1


@njit(cache=True, nogil=True)
def insert(table, keys, tally):  # type: ignore[no-untyped-def]
    """Add rows that were counted elsewhere."""
    for i in range(len(keys)):
        row = find(table, keys[i])
        if row >= 0:
            table.tally[row] += tally[i]
