"""Connected components of verified edges: in one task where there are few, by alternating stars where there are many.

Kiveris et al. 2014 (Connected components in MapReduce and beyond, algorithm 3): every node is joined with the least node it
knows, first from its larger, then from its smaller neighbours, until all components are stars. A task holds the nodes of one
block and one piece of edges at a time, however large a component is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numba
import numpy as np
import numpy.typing as npt

from provenance.duplicates.edges import read_edges
from provenance.duplicates.scratch import Array, Piece, Routed, Scratch, read_piece, split, write_pieces
from provenance.duplicates.sketches import U64, Blocks
from provenance.duplicates.union import least_nodes

#: Edges are connected by one task up to this many bytes of them (four million edges, some 300 MB of memory).
ONE_TASK_BYTES = 64 << 20
#: Partition of a piece that holds nothing: its task changed an edge, so another round is needed.
CHANGED = -1

_Parts = Iterator[tuple[int, Sequence[Array]]]


def connect(
    scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks, group_rows: int
) -> list[Routed]:
    """Task 5 where edges are few: components of all verified edges, ids only.

    Writes (address, component's lowest address, group) by block. Components share a group until it has
    about `group_rows` documents (as many as a block: groups x blocks are pieces too); a larger component has a group of its own.
    """
    low, high = read_edges(scratch, pieces)
    root, node = _contract(low, high)
    del low, high
    where, sizes = np.unique(root, return_counts=True)
    groups = _groups(sizes + 1, group_rows)
    at = np.searchsorted(where, root)
    node, root = np.concatenate([where, node]), np.concatenate([where, root])
    groups = np.concatenate([groups, groups[at]])
    order = np.argsort(node)
    node, root, groups = node[order], root[order], groups[order]
    return write_pieces(scratch, path, split(blocks.of(node), node, root, groups))


def spread_edges(scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks) -> list[Routed]:
    """Task 5a, for each block with verified edges: write them as (node, neighbour), both ways, by block of the node.

    What one piece connects is joined with its least node before it is written.
    """

    def parts() -> _Parts:
        for piece in sorted(pieces):
            low, high = _contract(*read_piece(scratch, piece, "<u8", "<u8"))
            yield from _both_ways(low, high, blocks)

    return write_pieces(scratch, path, parts())


def large_star(scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks) -> list[Routed]:
    """Task 5b, for each block: join the larger neighbours of each node with the least node next to it.

    Writes (least, neighbour) by block of the neighbour, and a piece for `CHANGED` where an edge is not what it was.
    """
    nodes, least = _least(scratch, pieces)
    changed = 0

    def parts() -> _Parts:
        nonlocal changed
        for piece in sorted(pieces):
            node, neighbour = read_piece(scratch, piece, "<u8", "<u8")
            larger = neighbour > node
            node, neighbour = node[larger], neighbour[larger]
            to = least[np.searchsorted(nodes, node)]
            changed += int((to != node).sum())
            yield from split(blocks.of(neighbour), to, neighbour)

    written = write_pieces(scratch, path, parts())
    return written + _changed(path, changed)


def small_star(scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks) -> list[Routed]:
    """Task 5c, for each block: join the smaller neighbours of each node, and the node, with the least of them.

    `pieces` are what `large_star` wrote; the result is (node, neighbour), both ways, by block of the node, and a piece for
    `CHANGED` where a node had several smaller neighbours.
    """
    nodes, least = _least(scratch, pieces, by=1)
    changed = 0

    def parts() -> _Parts:
        nonlocal changed
        yield from _both_ways(least, nodes, blocks)
        for piece in sorted(pieces):
            low, high = read_piece(scratch, piece, "<u8", "<u8")
            to = least[np.searchsorted(nodes, high)]
            other = np.unique(np.column_stack([to, low])[low != to], axis=0)
            changed += len(other)
            yield from _both_ways(other[:, 0], other[:, 1], blocks)

    written = write_pieces(scratch, path, parts())
    return written + _changed(path, changed)


def label_components(
    scratch: Scratch, path: str, pieces: list[Piece], blocks: Blocks, group_rows: int
) -> list[Routed]:
    """Task 5d, for each block, when all components are stars: what `connect` writes, with groups of the block's own.

    `pieces` are the (node, neighbour) pairs of the last round.
    """
    counted: dict[int, int] = {}
    for piece in sorted(pieces):
        node, neighbour = read_piece(scratch, piece, "<u8", "<u8")
        found, counts = np.unique(node[neighbour > node], return_counts=True)
        for root, count in zip(found.tolist(), counts.tolist(), strict=True):
            counted[root] = counted.get(root, 0) + count
    roots = np.array(sorted(counted), np.uint64)
    if not len(roots):
        return []
    sizes = np.array([counted[root] + 1 for root in sorted(counted)], np.int64)
    first = int(blocks.of(roots[:1])[0]) * blocks.block_rows  # a block has no more roots than rows
    groups = _groups(sizes, group_rows) + np.uint64(first)

    def parts() -> _Parts:
        yield from split(blocks.of(roots), roots, roots, groups)
        for piece in sorted(pieces):
            node, neighbour = read_piece(scratch, piece, "<u8", "<u8")
            larger = neighbour > node
            node, neighbour = node[larger], neighbour[larger]
            yield from split(blocks.of(neighbour), neighbour, node, groups[np.searchsorted(roots, node)])

    return write_pieces(scratch, path, parts())


def _contract(low: U64, high: U64) -> tuple[U64, U64]:
    """The components of some edges as stars: (least node, each other node)."""
    where = np.unique(np.concatenate([low, high]))
    if not len(where):
        return where, where
    rows, columns = (np.searchsorted(where, ends) for ends in (low, high))
    root = where[least_nodes(rows, columns, len(where))]
    other = root != where
    return root[other], where[other]


def _both_ways(low: U64, high: U64, blocks: Blocks) -> _Parts:
    node, neighbour = np.concatenate([low, high]), np.concatenate([high, low])
    yield from split(blocks.of(node), node, neighbour)


def _least(scratch: Scratch, pieces: list[Piece], by: int = 0) -> tuple[U64, U64]:
    """The distinct nodes of column `by` and the least of each of them and its neighbours."""
    nodes = least = np.empty(0, np.uint64)
    for piece in sorted(pieces):
        columns = read_piece(scratch, piece, "<u8", "<u8")
        node = np.concatenate([nodes, columns[by]])
        found = np.concatenate([least, np.minimum(columns[by], columns[1 - by])])
        order = np.argsort(node, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(node[order]) > 0]))
        nodes, least = node[order][starts], np.minimum.reduceat(found[order], starts)
    return nodes, least


def _changed(path: str, count: int) -> list[Routed]:
    return [(CHANGED, Piece(path, 0, 0))] if count else []


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
