"""Connected components by union-find are those of another program, named by their least node."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from provenance.duplicates.union import least_nodes


def by_scipy(pairs: list[tuple[int, int]], nodes: int) -> list[int]:
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(left), np.bool_), (left, right)), (nodes, nodes))
    labels = connected_components(graph, directed=False)[1]
    return [int(np.flatnonzero(labels == label)[0]) for label in labels]


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40))
def test_components_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    left, right = (np.array([pair[end] for pair in pairs], np.int32) for end in (0, 1))
    assert least_nodes(left, right, 30).tolist() == by_scipy(pairs, 30)


@pytest.mark.parametrize("turned", [False, True])
def test_a_chain_of_a_million_is_one_component(turned: bool) -> None:
    ends = np.arange(1_000_000)
    left, right = (ends[1:][::-1], ends[:-1][::-1]) if turned else (ends[:-1], ends[1:])
    assert not least_nodes(left, right, len(ends)).any()


def test_no_pairs_leave_every_node_alone() -> None:
    assert least_nodes(np.empty(0, np.int64), np.empty(0, np.int64), 3).tolist() == [0, 1, 2]
