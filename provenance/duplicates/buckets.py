"""Candidates from buckets: documents with a key in common, each joined with the bucket's first and with the next.

A key that very many documents share is never held whole: its documents come block by block, in the order of their
addresses, and what has to be remembered from one block to the next is its first document and its last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np

from provenance.duplicates.scratch import Array, Piece, Routed, Scratch, read_piece, split, write_pieces
from provenance.duplicates.sketches import PARTITION_BYTES, U64, Blocks, growth

#: A partition of at most so many times the bytes that it should have is taken whole.
_WHOLE = 4
#: A key that a block's piece has this often is heavy: of any other, 4,096 blocks have at most 64 MB.
_HEAVY_ROWS = 1_024
_NONE = np.uint64(np.iinfo(np.uint64).max)

#: (key, address) pairs that indexes of earlier documents have for ascending keys.
Find = Callable[[U64], tuple[U64, U64]]
_Edges = tuple[U64, U64]


def unique_edges(low: U64, high: U64) -> _Edges:
    """Edges sorted by (low, high), each once."""
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    new = np.ones(len(low), np.bool_)
    new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return low[new], high[new]


def find_candidates(
    scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks, earlier: Find | None = None
) -> list[Routed]:
    """Task 2, for each key partition: write candidate edges (low, high) by block of the lower address.

    Sorted by key, a run of equal keys is a bucket; its lowest address is joined with every other one, and every address
    with the next. `pieces` are in the order of the blocks that they came from. What `earlier` finds is joined with
    documents, not with one another.
    """
    known = sorted(pieces)
    whole = _WHOLE * PARTITION_BYTES * growth(sum(blocks.rows))
    heavy = _heavy_keys(scratch, known) if sum(piece.length for piece in known) > whole else _none()

    def parts() -> Iterator[tuple[int, Sequence[Array]]]:
        light = _light_edges(scratch, known, heavy, earlier)
        for low, high in chain(light, _heavy_edges(scratch, known, heavy, earlier)):
            own = low < blocks.end
            low, high = unique_edges(low[own], high[own])
            yield from split(blocks.of(low), low, high)

    return write_pieces(scratch, path, parts())


def _none() -> U64:
    return np.empty(0, np.uint64)


def _heavy_keys(scratch: Scratch, pieces: list[Piece]) -> U64:
    """The keys that some piece has `_HEAVY_ROWS` times, ascending."""
    found = [_none()]
    for piece in pieces:
        keys = np.sort(read_piece(scratch, piece, "<u8", "<u8")[0])
        found.append(keys[_HEAVY_ROWS - 1 :][keys[_HEAVY_ROWS - 1 :] == keys[: 1 - _HEAVY_ROWS]])
    return np.unique(np.concatenate(found))


def _light_edges(scratch: Scratch, pieces: list[Piece], heavy: U64, earlier: Find | None) -> Iterator[_Edges]:
    """The edges of all keys that are not heavy, at once."""
    parts = [_of_keys(scratch, piece, heavy, within=False) for piece in pieces]
    keys, where = (np.concatenate([part[i] for part in parts]) for i in range(2))
    del parts
    if earlier is not None:
        found = earlier(np.unique(keys))
        keys, where = np.concatenate([keys, found[0]]), np.concatenate([where, found[1]])
    order = np.lexsort((where, keys))
    keys, where = keys[order], where[order]
    del order
    same = keys[1:] == keys[:-1]
    del keys
    starts = np.flatnonzero(np.concatenate([[True], ~same])[: len(where)])
    hubs = np.repeat(where[starts], np.diff(np.append(starts, len(where))))
    member = np.flatnonzero(same) + 1
    # Also pairing neighbours protects those that are similar to one another but not to the first.
    yield np.concatenate([hubs[member], where[member - 1]]), np.concatenate([where[member]] * 2)


def _heavy_edges(scratch: Scratch, pieces: list[Piece], heavy: U64, earlier: Find | None) -> Iterator[_Edges]:
    """The edges of heavy keys, those of one piece at a time; an edge comes once for each key and may come again for another."""
    if not len(heavy):
        return
    first, last = np.full(len(heavy), _NONE), np.full(len(heavy), _NONE)
    found = (_of_keys(scratch, piece, heavy, within=True) for piece in pieces)
    for keys, where in chain(found, [] if earlier is None else [earlier(heavy)]):
        if not len(keys):
            continue
        number = np.searchsorted(heavy, keys)
        order = np.lexsort((where, number))
        number, where = number[order], where[order]
        starts = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
        ends, own = np.append(starts[1:], len(where)) - 1, number[starts]
        first[own] = np.minimum(first[own], where[starts])
        before = np.concatenate([where[:1], where[:-1]])
        before[starts] = last[own]
        last[own] = where[ends]
        low, high = np.concatenate([first[number], before]), np.concatenate([where, where])
        edge = low < high  # the first document of a key has none, and nothing before it
        yield low[edge], high[edge]


def _of_keys(scratch: Scratch, piece: Piece, heavy: U64, within: bool) -> tuple[U64, U64]:
    """The (key, address) pairs of a piece whose keys are heavy, or are not."""
    keys, where = read_piece(scratch, piece, "<u8", "<u8")
    if not len(heavy):
        return keys, where
    chosen = (heavy.take(np.searchsorted(heavy, keys), mode="clip") == keys) == within
    return keys[chosen], where[chosen]
