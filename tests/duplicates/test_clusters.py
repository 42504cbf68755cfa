"""From verified edges to keepers: the policy, and passes over what memory does not hold."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from provenance import duplicates
from provenance.duplicates import Blocks, LocalScratch, Sketches
from provenance.duplicates.clusters import choose_keepers, read_clusters, send_members
from provenance.duplicates.components import connect
from provenance.duplicates.scratch import read_piece, write_pieces
from provenance.duplicates.sketches import SHINGLED


def test_policy_prefers_early_then_human_then_long_then_low_identifier() -> None:
    nan = float("nan")
    time = np.array([5, 5, 5, 5, 5, -3, np.iinfo(np.int64).min], np.int64)
    odds = np.array([0.5, -1.0, -1.0, -1.0, nan, 9.0, -9.0])
    tokens = np.array([9, 10, 20, 20, 50, 1, 99], np.int32)
    ids = np.zeros((7, 16), np.uint8)
    ids[2, 0] = 1
    keys = duplicates.policy_keys(time, odds, tokens, ids)
    assert np.lexsort(keys.T[::-1]).tolist() == [5, 3, 2, 1, 0, 4, 6]


def chain(documents: int) -> Sketches:
    """Documents of which each is .75 similar to its neighbours and .5 to theirs."""
    signatures = np.zeros((documents, 4), np.uint32)
    for value in range(documents + 3):
        rows = np.arange(max(0, value - 3), min(documents, value + 1))
        signatures[rows, value % 4] = value
    where = np.arange(documents, dtype=np.uint64)
    return Sketches(
        where, np.full(documents, SHINGLED, np.uint8), np.zeros((documents, 2), np.uint64), signatures
    )


@pytest.mark.parametrize("group_rows", [2, 4, 100])
@pytest.mark.parametrize("latest_first", [False, True])
def test_nobody_is_dropped_for_a_document_that_is_only_similar_to_a_similar_one(
    tmp_path: Path, group_rows: int, latest_first: bool
) -> None:
    scratch, sketches, blocks = LocalScratch(tmp_path), chain(7), Blocks((7,))
    where = sketches.addresses
    keys = (where[::-1] if latest_first else where).reshape(-1, 1).copy()
    verified = [piece for _, piece in write_pieces(scratch, "verified", [(0, [where[:-1], where[1:]])])]
    connected = [piece for _, piece in connect(scratch, "components", verified, blocks, group_rows)]
    members = [piece for _, piece in send_members(scratch, "members", connected, lambda _: (sketches, keys))]
    chosen = choose_keepers(scratch, "chosen", members, 0.75, blocks, group_rows)
    found = read_clusters(scratch, [piece for _, piece in chosen])
    dropped = {a: k for a, k in zip(found.addresses.tolist(), found.keepers.tolist(), strict=True) if a != k}
    # the last of an odd chain is alone in the end, and so in no cluster
    assert dropped == ({5: 6, 3: 4, 1: 2} if latest_first else {1: 0, 3: 2, 5: 4})
    assert len(found) == 6
    assert found.similarities.tolist() == [1, 0.75] * 3 if not latest_first else [0.75, 1] * 3


def test_small_components_share_a_group_and_large_ones_have_their_own(tmp_path: Path) -> None:
    scratch, blocks = LocalScratch(tmp_path), Blocks((20,))
    components = [[0, 1], [2, 3, 4, 5, 6, 7], [8, 9], [10, 11, 12]]
    low, high = (
        np.array([pair[k] for part in components for pair in itertools.pairwise(part)], np.uint64)
        for k in (0, 1)
    )
    verified = [piece for _, piece in write_pieces(scratch, "verified", [(0, [low, high])])]
    ((_, piece),) = connect(scratch, "components", verified, blocks, group_rows=5)
    where, component, group = read_piece(scratch, piece, "<u8", "<u8", "<u8")
    lowest = [(part[0], number) for part, number in zip(components, [0, 1, 0, 2], strict=True) for _ in part]
    assert where.tolist() == list(range(13))
    assert list(zip(component.tolist(), group.tolist(), strict=True)) == lowest


def test_policy_keys_of_other_documents_are_refused(tmp_path: Path) -> None:
    scratch, three = LocalScratch(tmp_path), np.arange(3, dtype=np.uint64)
    pieces = [piece for _, piece in write_pieces(scratch, "connected", [(0, [three, three, three])])]
    with pytest.raises(ValueError, match="2 policy keys for 3 documents"):
        send_members(scratch, "x", pieces, lambda _: (chain(3), np.zeros((2, 1), np.uint64)))


def test_no_clusters_are_an_empty_table(tmp_path: Path) -> None:
    assert len(read_clusters(LocalScratch(tmp_path), [])) == 0
    assert connect(LocalScratch(tmp_path), "components", [], Blocks((3,)), group_rows=3) == []
