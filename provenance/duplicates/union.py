"""Connected components of pairs in memory, by union-find: every task's share of the stars, and what splits keep together.

Tarjan 1975 (Efficiency of a good but not linear set union algorithm), with path halving; the lower root stays the root, so a
component is named by its least node, whatever the order of its pairs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]


def least_nodes(left: npt.NDArray[np.integer], right: npt.NDArray[np.integer], nodes: int) -> I64:
    """The least node that each of the nodes 0 to `nodes` - 1 is connected with, itself included.

    Args:
        left, right: the two ends of each pair, shape (pairs,).
        nodes: how many there are.
    """
    return _least_nodes(left.astype(np.int64, copy=False), right.astype(np.int64, copy=False), nodes)


@njit(cache=True, nogil=True)
def _least_nodes(left: I64, right: I64, nodes: int) -> I64:
    above = np.arange(nodes)
    for pair in range(len(left)):
        one, other = _root(above, left[pair]), _root(above, right[pair])
        above[max(one, other)] = min(one, other)
    for node in range(nodes):  # what stands above a node is less than it, so it points to its root already
        above[node] = above[above[node]]
    return above


@njit(cache=True, nogil=True)
def _root(above: I64, node: int) -> int:
    while above[node] != node:
        above[node] = above[above[node]]
        node = above[node]
    return node
