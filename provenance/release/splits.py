"""Which split of a release each document belongs to: whole sites, and whatever resembles them, on one side.

A document goes where its group goes: its registrable domain, joined with the domains that near-duplicates tie to
it. Groups are counted here and dealt by `provenance.release.split_choice`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from provenance.decisions.hashes import selection_hash
from provenance.duplicates.edges import read_edges
from provenance.duplicates.scratch import Piece, StorageScratch
from provenance.duplicates.sketches import ROW_BITS
from provenance.duplicates.union import least_nodes
from provenance.files.shards import read_range, read_rows
from provenance.files.storage import Storage, read_bytes

#: Ranges of group hashes that are dealt as one: with more groups than that, some hundred sites share a range.
GROUP_BINS = 1 << 16
_SHIFT = np.uint64(64 - 16)
_READ = ("doc_id", "domain")

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class ShardPaths:
    """An annotated shard and its decisions."""

    name: str
    annotated: str
    decisions: str


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


def link_groups(
    storage: Storage,
    shards: Sequence[ShardPaths],
    scratch: StorageScratch,
    pieces: Sequence[Piece],
    seed: int,
) -> SplitTable:
    """Groups that components of verified near-duplicates tie together, by the documents of them that are kept.

    Two kept documents of a component are less similar than the threshold, but each is near something that is near the
    other. `pieces` hold the verified edges; ids and hashes alone are in memory.
    """
    low, high = read_edges(scratch, list(pieces))
    where = np.unique(np.concatenate([low, high]))
    if not len(where):
        return SplitTable(seed)
    label = least_nodes(np.searchsorted(where, low), np.searchsorted(where, high), len(where))
    shard = (where >> np.uint64(ROW_BITS)).astype(np.int64)
    components, groups = [], []
    for number in np.unique(shard).tolist():
        of = shard == number
        rows = (where[of] & np.uint64((1 << ROW_BITS) - 1)).astype(np.int64)
        decision = read_rows(storage, shards[number].decisions, ["decision"], rows)["decision"]
        kept = np.asarray(decision.to_numpy() == "kept")
        table = read_rows(storage, shards[number].annotated, _READ, rows[kept])
        components.append(label[of][kept])
        groups.append(group_hashes(table, seed))
    return _tied(np.concatenate(components), np.concatenate(groups), seed)


def _tied(component: Ints, group: Hashes, seed: int) -> SplitTable:
    """Groups that share a component, each with the lowest hash of all that it is tied to."""
    found, at = np.unique(group, return_inverse=True)
    known, component = np.unique(component, return_inverse=True)
    label = least_nodes(component + len(found), at, len(found) + len(known))[: len(found)]
    lowest = np.full(int(label.max(initial=-1)) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, label, found)
    leader = lowest[label]
    several = np.bincount(label, minlength=len(lowest))[label] > 1
    return SplitTable(seed, linked=found[several], leader=leader[several])


def count_groups(storage: Storage, shard: ShardPaths, table: SplitTable) -> NDArray[np.float64]:
    """Tokens of the kept documents of a shard, and how many of them are expected to be synthetic, by range of group hashes.

    Of shape (2, GROUP_BINS). The second are whole millionths, so that sums do not depend on their order.
    """
    counts = np.zeros((2, GROUP_BINS))
    decided = read_range(storage, shard.decisions, ["decision", "synthetic_probability"], 0, 1 << ROW_BITS)
    rows = np.flatnonzero(decided["decision"].to_numpy() == "kept")
    facts = read_rows(storage, shard.annotated, [*_READ, "token_count"], rows)
    if len(facts):
        bins = group_bins(table.groups(facts))
        tokens = np.maximum(np.asarray(facts["token_count"].fill_null(0), np.float64), 1)
        probability = np.nan_to_num(np.asarray(decided["synthetic_probability"], np.float64)[rows])
        np.add.at(counts[0], bins, tokens)
        np.add.at(counts[1], bins, np.round(tokens * probability * 1e6))
    return counts


def sum_groups(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Counts of several shards as one; exact, as long as they are whole and below 2^53."""
    return np.asarray(np.sum(parts, axis=0), np.float64)


def save_groups(
    storage: Storage, path: str, links: SplitTable, counts: NDArray[np.float64], fingerprint: str
) -> None:
    """Keep what splits are chosen from; `fingerprint` is that of all it depends on."""
    with storage.create(path) as file:
        np.savez(file, fingerprint=fingerprint, counts=counts, linked=links.linked, leader=links.leader)


def read_groups(
    storage: Storage, path: str, seed: int, fingerprint: str
) -> tuple[SplitTable, NDArray[np.float64]] | None:
    """Kept links and counts, or None where there are none of this fingerprint."""
    if storage.info(path) is None:
        return None
    found = np.load(io.BytesIO(read_bytes(storage, path)), allow_pickle=False)
    if str(found["fingerprint"]) != fingerprint:
        return None
    return SplitTable(seed, linked=found["linked"], leader=found["leader"]), found["counts"]


def read_pieces(storage: Storage, path: str) -> list[Piece]:
    """Where verified edges lie, as stage 2 left word of it."""
    return [Piece(**piece) for _, piece in json.loads(read_bytes(storage, path))]
