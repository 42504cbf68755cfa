"""Which split of a release each document belongs to: whole sites, and whatever resembles them, on one side.

A document goes where its group goes: its registrable domain, joined with the domains that near-duplicates tie to
it. Groups are dealt by a seeded hash until every split has its share of the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from provenance.decisions.hashes import selection_hash
from provenance.errors import DataError

#: Ranges of group hashes that are dealt as one: with more groups than that, some hundred sites share a range.
GROUP_BINS = 1 << 16
_SHIFT = np.uint64(64 - 16)

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class SplitsError(DataError):
    """Splits that cannot be made of what was kept; the message says which can."""


@dataclass(frozen=True)
class SplitTable:
    """The split of each group.

    Attributes:
        seed: of the hash of groups.
        split: number of the split of each range of hashes (uint8[GROUP_BINS]); empty: all documents are of split 0.
        linked: hashes of groups that near-duplicates tie to others, ascending,
        leader: and the hash under which each of them counts.
    """

    seed: int = 0
    split: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    linked: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    leader: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))

    def groups(self, rows: pa.Table) -> Hashes:
        """The hash under which each document is dealt; rows have `doc_id` and `domain`."""
        own = group_hashes(rows, self.seed)
        at = np.searchsorted(self.linked, own)
        inside = at < len(self.linked)
        found = inside.copy()
        found[inside] = self.linked[at[inside]] == own[inside]
        own[found] = self.leader[at[found]]
        return own

    def find(self, rows: pa.Table) -> Ints:
        """The number of the split of each document."""
        if not len(self.split):
            return np.zeros(len(rows), np.int64)
        return self.split[group_bins(self.groups(rows))].astype(np.int64)


def group_hashes(rows: pa.Table, seed: int) -> Hashes:
    """The seeded hash of each document's registrable domain; of its doc_id where it has none."""
    hashes = selection_hash(rows["doc_id"], seed)
    coded = rows["domain"].combine_chunks().dictionary_encode()
    values = [xxhash.xxh3_64_intdigest(value, seed) for value in coded.dictionary.to_pylist()]
    known = np.asarray(coded.is_valid())
    codes = np.asarray(coded.indices.fill_null(0))
    hashes[known] = np.array(values, np.uint64)[codes[known]] if values else 0
    return hashes


def group_bins(hashes: Hashes) -> Ints:
    """The range of each group's hash."""
    return (hashes >> _SHIFT).astype(np.int64)
