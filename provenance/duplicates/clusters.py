"""From verified edges to clusters in which each dropped document is verified against its keeper.

Components of verified edges only say who may belong together. Inside one the best document by policy
keeps, whatever is similar to it is its duplicate, and the rest regroups: promise 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from provenance.duplicates.edges import TOLERANCE, read_edges
from provenance.duplicates.scratch import Array, Piece, Routed, Scratch, read_piece, split, write_pieces
from provenance.duplicates.sketches import (
    F32,
    I64,
    U64,
    Blocks,
    Compared,
    Sketches,
    concatenate,
    equal_share,
)

# Addresses, component labels, policy keys, digests, signatures, flags: widest first, so aligned.
_MEMBERS = ("<u8", "<u8", "<u8", "<u8", "<u4", "u1")
# A component too large for one group asks for the next this many keepers in one pass over its members.
_FIRST_KEEPERS, _MOST_KEEPERS = 1, 1024

#: Standing of a document as its first key, where there are filters: it is removed with all that are similar to it,
#: it may be published, it is dropped alone.
REMOVED, PASSED, DROPPED = 0, 1, 2


def policy_keys(
    proven: I64,
    log_odds: npt.NDArray[np.float64],
    word_counts: npt.NDArray[Any],
    doc_ids: npt.NDArray[np.uint8],
) -> U64:
    """The default policy as sortable keys (uint64[n, 5]): the lexicographically lowest row keeps.

    Earliest proven time first (int64 microseconds; the lowest int64, NaT, comes last), then lowest
    synthetic log-odds (NaN last), then most words, then lowest doc_id (uint8[n, 16]). Another policy is
    another array of this kind, of any width.
    """
    sign = np.uint64(1 << 63)
    time = proven.astype(np.int64).view(np.uint64) ^ sign
    time = np.where(time == 0, np.uint64(2**64 - 1), time)
    # IEEE 754: all bits of negatives and the sign of others flipped, order is that of unsigned integers.
    odds = (log_odds.astype(np.float64) + 0.0).view(np.uint64)
    odds = np.where(odds & sign, ~odds, odds | sign)
    odds = np.where(np.isnan(log_odds), np.uint64(2**64 - 1), odds)
    words = sign - word_counts.astype(np.uint64)
    ids = np.ascontiguousarray(doc_ids, np.uint8).view(">u8").astype(np.uint64).reshape(-1, 2)
    return np.column_stack([time, odds, words, ids])


def connect(
    scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks, group_rows: int = 8_192
) -> list[Routed]:
    """Task 5, the only one of its kind: components of all verified edges, ids only.

    Writes (address, component's lowest address, group) by block. Components share a group until it has
    about `group_rows` documents; a larger component has a group of its own.
    """
    low, high = read_edges(scratch, pieces)
    where = np.unique(np.concatenate([low, high]))
    if not len(where):
        return []
    rows, columns = (np.searchsorted(where, ends).astype(np.int32) for ends in (low, high))
    del low, high
    graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), (len(where), len(where)))
    del rows, columns
    _, labels = connected_components(graph, directed=False)
    del graph
    _, first, component, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    groups = _groups(sizes, group_rows)
    return write_pieces(
        scratch, path, split(blocks.of(where), where, where[first[component]], groups[component])
    )


@numba.njit(cache=True, nogil=True)
def _groups(sizes: npt.NDArray[np.intp], group_rows: int) -> U64:
    """Group of each component: consecutive small ones together, each large one alone."""
    groups = np.empty(sizes.size, np.uint64)
    filled, current, last = 0, np.int64(-1), np.int64(-1)
    for i in range(sizes.size):
        if sizes[i] > group_rows:
            last += 1
            groups[i] = last
            continue
        if current < 0 or filled + sizes[i] > group_rows:
            last += 1
            current, filled = last, 0
        groups[i] = current
        filled += sizes[i]
    return groups


def send_members(
    scratch: Scratch, path: str, pieces: list[Piece], sketches: Sketches, keys: U64
) -> list[Routed]:
    """Task 6, for each block with clustered documents: write what `choose_keepers` must know, by group.

    `pieces` are what `connect` wrote for the block of `sketches`; `keys` are the policy keys of the
    documents of `sketches` (uint64[n, any]), lowest keeps.
    """
    if len(keys) != len(sketches):
        raise ValueError(f"{len(keys)} policy keys for {len(sketches)} documents")

    def parts() -> Iterator[tuple[int, Sequence[Array]]]:
        for piece in sorted(pieces):
            where, labels, groups = read_piece(scratch, piece, "<u8", "<u8", "<u8")
            for group, (members, component) in split(groups, where, labels):
                rows = sketches.rows_of(members)
                found = sketches.take(rows)
                yield group, [members, component, keys[rows], found.digests, found.signatures, found.flags]

    return write_pieces(scratch, path, parts())


@dataclass(frozen=True)
class _Members:
    sketches: Sketches
    labels: U64  # [n]
    keys: U64  # [n, any]


def _read_members(scratch: Scratch, piece: Piece) -> _Members:
    where, labels, keys, digests, signatures, flags = read_piece(scratch, piece, *_MEMBERS)
    n = len(where)
    sketches = Sketches(where, flags, digests.reshape(n, 2), signatures.reshape(n, -1))
    return _Members(sketches, labels, keys.reshape(n, -1))


@numba.njit(cache=True, nogil=True)
def _settle(
    order: npt.NDArray[np.intp],
    labels: U64,
    compared: Compared,
    threshold: float,
    firm: npt.NDArray[np.bool_],
) -> tuple[I64, F32]:
    """Greedy choice inside runs of equal labels of `order`: the keeper of each row, as a row, and its share.

    A row that is `firm` belongs to none but itself.
    """
    keeper = np.full(labels.size, -1, np.int64)
    share = np.zeros(labels.size, np.float32)
    start = 0
    while start < order.size:
        stop = start + 1
        while stop < order.size and labels[order[stop]] == labels[order[start]]:
            stop += 1
        for i in range(start, stop):
            one = order[i]
            if keeper[one] >= 0:
                continue
            keeper[one] = one
            share[one] = 1
            for j in range(i + 1, stop):
                other = order[j]
                if keeper[other] < 0 and not firm[other]:
                    found = equal_share(compared, one, compared, other)
                    if found >= threshold:
                        keeper[other] = one
                        share[other] = found
        start = stop
    return keeper, share


def choose_keepers(
    scratch: Scratch,
    path: str,
    pieces: list[Piece],
    threshold: float,
    blocks: Blocks,
    group_rows: int = 8_192,
    standing: bool = False,
) -> list[Routed]:
    """Task 7, for each group: write (address, keeper's address, similarity to it) by block of the address.

    Documents in policy order: one that no earlier keeper of its component is similar to keeps; every
    other belongs to the first keeper, in policy order, to which its similarity is at least the threshold.
    Keepers of others are listed with themselves and similarity 1; documents alone in the end are not.
    With `standing`, a document whose first key is `REMOVED` is kept for itself, whatever it is similar to.
    A component larger than `group_rows` is settled in passes over its pieces, one at a time in memory.
    """
    pieces = sorted(pieces)
    keys_parts, where_parts, label_parts = [], [], []
    held: list[Sketches] = []
    for piece in pieces:
        members = _read_members(scratch, piece)
        where_parts.append(members.sketches.addresses)
        label_parts.append(members.labels)
        keys_parts.append(members.keys)
        held.append(members.sketches)
        if sum(map(len, where_parts)) > group_rows:
            held.clear()
    where, labels, keys = map(np.concatenate, (where_parts, label_parts, keys_parts))
    order = np.lexsort((where, *keys.T[::-1], labels))
    firm = keys[:, 0] == REMOVED if standing else np.zeros(len(where), bool)
    if len(where) <= group_rows:
        sketches = concatenate(held, held[0].signatures.shape[1])
        keeper, share = _settle(order, labels, sketches.compared, threshold - TOLERANCE, firm)
    else:
        sizes = list(map(len, where_parts))
        keeper, share = _settle_in_passes(scratch, pieces, sizes, order, threshold - TOLERANCE, firm=firm)
    listed = np.flatnonzero(np.bincount(keeper, minlength=len(where))[keeper] > 1)
    where, keeper_at, share = where[listed], where[keeper[listed]], share[listed]
    return write_pieces(scratch, path, split(blocks.of(where), where, keeper_at, share))


@numba.njit(cache=True, nogil=True)
def _first_similar(
    left: Compared,
    rows: npt.NDArray[np.intp],
    right: Compared,
    keepers: npt.NDArray[np.intp],
    threshold: float,
) -> tuple[I64, F32]:
    """For each of `rows` of `left` the first of `keepers` in `right` similar to it, or -1; and the share."""
    found = np.full(rows.size, -1, np.int64)
    share = np.zeros(rows.size, np.float32)
    for i in range(rows.size):
        for j in range(keepers.size):
            value = equal_share(left, rows[i], right, keepers[j])
            if value >= threshold:
                found[i], share[i] = j, value
                break
    return found, share


def _settle_in_passes(
    scratch: Scratch,
    pieces: list[Piece],
    sizes: list[int],
    order: npt.NDArray[np.intp],
    threshold: float,
    *,
    firm: npt.NDArray[np.bool_],
) -> tuple[I64, F32]:
    """What `_settle` does for one component, holding one piece and the next candidates at a time.

    The next candidates in policy order settle among themselves; then one pass gives every other
    unsettled document to the first of the new keepers that it is similar to.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)])
    keeper, share = np.full(len(order), -1, np.int64), np.zeros(len(order), np.float32)
    wanted = _FIRST_KEEPERS
    while len(order):
        candidates = order[:wanted]
        held, rows = [], []
        for i in np.unique(np.searchsorted(starts, candidates, "right") - 1).tolist():
            here = np.sort(candidates[(candidates >= starts[i]) & (candidates < starts[i + 1])])
            held.append(_read_members(scratch, pieces[i]).sketches.take(here - starts[i]))
            rows.append(here)
        taken, row = concatenate(held, 0), np.concatenate(rows)
        place = np.searchsorted(row, candidates)
        alike = np.zeros(len(row), np.uint64)
        own, own_share = _settle(place, alike, taken.compared, threshold, firm[row])
        keeper[row], share[row] = row[own], own_share
        new = place[own[place] == place]
        for i, piece in enumerate(pieces):
            own_rows = slice(starts[i], starts[i + 1])
            unsettled = np.flatnonzero((keeper[own_rows] < 0) & ~firm[own_rows])
            if len(unsettled):
                read = _read_members(scratch, piece).sketches
                found, value = _first_similar(read.compared, unsettled, taken.compared, new, threshold)
                similar = found >= 0
                at = unsettled[similar] + starts[i]
                keeper[at], share[at] = row[new[found[similar]]], value[similar]
        order = order[keeper[order] < 0]
        wanted = min(wanted * 8, _MOST_KEEPERS)
    return keeper, share


@dataclass(frozen=True)
class Clusters:
    """Every document that is dropped as a duplicate or kept in place of one, by ascending address.

    A keeper is listed with itself and similarity 1.
    """

    addresses: U64
    keepers: U64
    similarities: F32

    def __len__(self) -> int:
        return len(self.addresses)


def read_clusters(scratch: Scratch, pieces: list[Piece]) -> Clusters:
    """What `choose_keepers` wrote, of one block or of all, in order of address."""
    if not pieces:
        return Clusters(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.float32))
    parts = [read_piece(scratch, piece, "<u8", "<u8", "<f4") for piece in sorted(pieces)]
    where, keepers, share = (np.concatenate([p[i] for p in parts]) for i in range(3))
    order = np.argsort(where)
    return Clusters(where[order], keepers[order], share[order])
