"""From verified edges to clusters in which each dropped document is verified against its keeper.

Components of verified edges only say who may belong together. Inside one the best document by policy
keeps, whatever is similar to it is its duplicate, and the rest regroups: promise 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from provenance.duplicates.edges import TOLERANCE
from provenance.duplicates.scratch import (
    Array,
    Piece,
    Routed,
    Scratch,
    count_rows,
    read_piece,
    split,
    write_pieces,
)
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

#: Standing of a document as its first key, lowest first: it is removed with all that are similar to it; it is published
#: already and stays; it may be published; a filter drops it alone; it is published already and gives way; it only proves.
REMOVED, EARLIER, PASSED, DROPPED, REPLACED, WITNESS = range(6)


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


def send_members(
    scratch: Scratch, path: str, pieces: list[Piece], load: Callable[[U64], tuple[Sketches, U64]]
) -> list[Routed]:
    """Task 6, for each block with clustered documents: write what `choose_keepers` must know, by group.

    `pieces` are what `connect` wrote for the block; `load(addresses)` gives at least these of its documents, ascending, with
    their policy keys (uint64[n, any]), lowest keeps.
    """
    sketches: Sketches | None = None

    def parts() -> Iterator[tuple[int, Sequence[Array]]]:
        nonlocal sketches
        for piece in sorted(pieces):
            where, labels, groups = read_piece(scratch, piece, "<u8", "<u8", "<u8")
            if sketches is None or not sketches.holds(where):
                sketches, keys = load(np.unique(where))
                if len(keys) != len(sketches):
                    raise ValueError(f"{len(keys)} policy keys for {len(sketches)} documents")
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

    def take(self, rows: npt.NDArray[np.intp]) -> _Members:
        return _Members(self.sketches.take(rows), self.labels[rows], self.keys[rows])

    def beside(self, other: _Members) -> _Members:
        return _Members(
            concatenate([self.sketches, other.sketches], 0),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.keys, other.keys]),
        )


def _read_members(scratch: Scratch, piece: Piece) -> _Members:
    where, labels, keys, digests, signatures, flags = read_piece(scratch, piece, *_MEMBERS)
    n = len(where)
    sketches = Sketches(where, flags, digests.reshape(n, -1), signatures.reshape(n, -1))
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
    group_rows: int,
    standing: bool = False,
) -> list[Routed]:
    """Task 7, for each group: write (address, keeper's address, similarity to it) by block of the address.

    Documents in policy order: one that no earlier keeper of its component is similar to keeps; every
    other belongs to the first keeper, in policy order, to which its similarity is at least the threshold.
    Keepers of others are listed with themselves and similarity 1; documents alone in the end are not.
    With `standing`, a document whose first key is `REMOVED` or `EARLIER` is kept for itself, whatever it is similar to.
    A component larger than `group_rows` is settled in passes over its pieces, one at a time in memory.
    """
    pieces = sorted(pieces)
    read = [_read_members(scratch, piece) for piece in _first_few(scratch, pieces, group_rows)]
    if len(read) < len(pieces):
        del read
        found = _settle_in_passes(scratch, pieces, threshold - TOLERANCE, standing=standing)
        return write_pieces(
            scratch, path, (part for rows in found for part in split(blocks.of(rows[0]), *rows))
        )
    sketches = concatenate([part.sketches for part in read], read[0].sketches.signatures.shape[1])
    labels, keys = (np.concatenate([getattr(part, name) for part in read]) for name in ("labels", "keys"))
    where = sketches.addresses
    order = np.lexsort((where, *keys.T[::-1], labels))
    keeper, share = _settle(order, labels, sketches.compared, threshold - TOLERANCE, _firm(keys, standing))
    listed = np.flatnonzero(np.bincount(keeper, minlength=len(where))[keeper] > 1)
    where, keeper_at, share = where[listed], where[keeper[listed]], share[listed]
    return write_pieces(scratch, path, split(blocks.of(where), where, keeper_at, share))


def _first_few(scratch: Scratch, pieces: list[Piece], group_rows: int) -> Iterator[Piece]:
    """The pieces, as long as they hold at most `group_rows` documents together."""
    rows = 0
    for piece in pieces:
        rows += count_rows(scratch, piece)
        if rows > group_rows:
            return
        yield piece


def _firm(keys: U64, standing: bool) -> npt.NDArray[np.bool_]:
    """Which documents belong to none but themselves."""
    return keys[:, 0] <= EARLIER if standing else np.zeros(len(keys), np.bool_)


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
    scratch: Scratch, pieces: list[Piece], threshold: float, *, standing: bool
) -> Iterator[tuple[U64, U64, F32]]:
    """What `_settle` does for one component, holding one piece, the next candidates and a bit for each document.

    The next candidates in policy order settle among themselves; then one pass gives every other unsettled document to
    the first of the new keepers that it is similar to. Yields (addresses, keepers, similarities) of documents that belong
    together, as they are found.
    """
    open_rows = [np.ones(count_rows(scratch, piece), np.bool_) for piece in pieces]
    wanted = _FIRST_KEEPERS
    while any(rows.any() for rows in open_rows):
        best = _next_candidates(scratch, pieces, open_rows, wanted)
        count = len(best.labels)
        firm = _firm(best.keys, standing)
        own, share = _settle(
            np.arange(count), np.zeros(count, np.uint64), best.sketches.compared, threshold, firm
        )
        where = best.sketches.addresses
        keepers = np.flatnonzero(own == np.arange(count))
        stood_for = np.zeros(count, np.bool_)
        members = np.flatnonzero(own != np.arange(count))
        if len(members):
            stood_for[own[members]] = True
            yield where[members], where[own[members]], share[members]
        for i, piece in enumerate(pieces):
            if not open_rows[i].any():
                continue
            read = _read_members(scratch, piece)
            open_rows[i] &= ~np.isin(read.sketches.addresses, where)
            rows = np.flatnonzero(open_rows[i] & ~_firm(read.keys, standing))
            found, value = _first_similar(
                read.sketches.compared, rows, best.sketches.compared, keepers, threshold
            )
            rows, at, value = rows[found >= 0], keepers[found[found >= 0]], value[found >= 0]
            if len(rows):
                open_rows[i][rows] = False
                stood_for[at] = True
                yield read.sketches.addresses[rows], where[at], value
        alone = where[stood_for]
        if len(alone):
            yield alone, alone, np.ones(len(alone), np.float32)
        wanted = min(wanted * 8, _MOST_KEEPERS)


def _next_candidates(
    scratch: Scratch, pieces: list[Piece], open_rows: list[npt.NDArray[np.bool_]], wanted: int
) -> _Members:
    """The first `wanted` unsettled documents in policy order."""
    best: _Members | None = None
    for piece, unsettled in zip(pieces, open_rows, strict=True):
        rows = np.flatnonzero(unsettled)
        if not len(rows):
            continue
        found = _read_members(scratch, piece).take(rows)
        if best is not None:
            found = found.beside(best)
        order = np.lexsort((found.sketches.addresses, *found.keys.T[::-1]))
        best = found.take(order[:wanted])
    if best is None:
        raise ValueError("all documents are settled")
    return best


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
