"""Verification of candidate edges by signature, without ever holding more than a block of signatures.

Signatures are sent, each once, from the block of an edge's lower address to the block of its higher one;
there the share of equal positions decides. Only verified edges go on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from provenance.duplicates.buckets import unique_edges
from provenance.duplicates.scratch import Array, Piece, Routed, Scratch, read_piece, split, write_pieces
from provenance.duplicates.sketches import U64, Blocks, Sketches, similarity

#: Similarities are multiples of 1 / permutations in float32: a threshold is met within this much.
TOLERANCE = 1e-6
#: Edges of a block that are sent at a time, at least, and for each of its documents: 16 MB, and some 100 MB to sort them. A
#: corpus without heavy keys has less than one edge a document.
_PART_EDGES, _PART_ROWS = 1 << 20, 4
# Addresses, digests, higher ends, signatures, index of each edge's sender, flags: widest first, so aligned.
_SENT = ("<u8", "<u8", "<u8", "<u4", "<u4", "u1")


def edges_in_parts(scratch: Scratch, pieces: list[Piece], most: int) -> Iterator[tuple[U64, U64]]:
    """Edges of the pieces, sorted, each once in a part; a part ends when it has `most` edges.

    They are merged piece by piece, so that repeats never pile up.
    """
    low = high = np.empty(0, np.uint64)
    waiting: list[list[Array]] = []

    def merged() -> tuple[U64, U64]:
        return unique_edges(
            *(np.concatenate([held, *(part[i] for part in waiting)]) for i, held in enumerate((low, high)))
        )

    for piece in sorted(pieces):
        waiting.append(read_piece(scratch, piece, "<u8", "<u8"))
        if sum(len(part[0]) for part in waiting) > min(len(low) + 65_536, most):
            low, high = merged()
            waiting = []
        if len(low) >= most:
            yield low, high
            low = high = np.empty(0, np.uint64)
    low, high = merged()
    if len(low):
        yield low, high


def read_edges(scratch: Scratch, pieces: list[Piece]) -> tuple[U64, U64]:
    """All edges of the pieces, sorted, each once."""
    none = np.empty(0, np.uint64)
    return next(edges_in_parts(scratch, pieces, sys.maxsize), (none, none))


def send_signatures(
    scratch: Scratch, path: str, pieces: list[Piece], sketches: Sketches, blocks: Blocks
) -> list[Routed]:
    """Task 3, for each block with candidates: write edges and the signatures of their lower ends.

    `pieces` are the candidates whose lower address lies in the block of `sketches`; the result is
    partitioned by block of the higher address. A document with very many candidates has its signature sent once more for
    each part of them.
    """
    most = max(_PART_EDGES, _PART_ROWS * blocks.block_rows)

    def parts() -> Iterator[tuple[int, Sequence[Array]]]:
        for low, high in edges_in_parts(scratch, pieces, most):
            for block, (lows, highs) in split(blocks.of(high), low, high):
                sent, index = np.unique(lows, return_inverse=True)
                found = sketches.take(sketches.rows_of(sent))
                yield block, [sent, found.digests, highs, found.signatures, index.astype("<u4"), found.flags]

    return write_pieces(scratch, path, parts())


def verify_edges(
    scratch: Scratch,
    path: str,
    pieces: list[Piece],
    load: Callable[[U64], Sketches],
    threshold: float,
    blocks: Blocks,
) -> list[Routed]:
    """Task 4, for each block with candidates: write the edges whose similarity is at least the threshold, by block of the lower address.

    `pieces` are what `send_signatures` sent to the block; `load(addresses)` gives at least the sketches of these of its
    documents, ascending.
    """
    lows, highs = [], []
    sketches: Sketches | None = None
    for piece in sorted(pieces):
        where, digests, high, signatures, index, flags = read_piece(scratch, piece, *_SENT)
        n = len(where)
        sent = Sketches(where, flags, digests.reshape(n, -1), signatures.reshape(n, -1))
        if sketches is None or not sketches.holds(high):
            sketches = load(np.unique(high))
        share = similarity(sent, index.astype(np.intp), sketches, sketches.rows_of(high))
        verified = share >= threshold - TOLERANCE
        lows.append(where[index[verified]])
        highs.append(high[verified])
    low, high = np.concatenate(lows), np.concatenate(highs)
    return write_pieces(scratch, path, split(blocks.of(low), low, high))
