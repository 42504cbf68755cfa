"""Addresses, blocks and sketches: every row once, each with what it has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance import duplicates
from provenance.duplicates import Blocks, Sketches
from provenance.duplicates.local import key_partitions
from provenance.duplicates.sketches import DIGESTED, SHINGLED, block_rows_for, concatenate, similarity


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 12))
def test_blocks_cover_every_row_once_and_in_order(shards: list[int], block_rows: int) -> None:
    blocks = Blocks(tuple(shards), block_rows)
    seen = []
    for block in range(len(blocks)):
        for shard, first, rows in blocks.spans(block):
            where = duplicates.addresses(shard, first, rows)
            assert (blocks.of(where) == block).all()
            seen += where.tolist()
    assert seen == [s << 40 | row for s, n in enumerate(shards) for row in range(n)]


@pytest.mark.parametrize("documents", [10**6, 10**7, 10**8, 10**9, 10**10, 10**11])
def test_a_shuffle_has_no_more_pieces_for_a_document_the_more_there_are(documents: int) -> None:
    blocks = -(-documents // block_rows_for(documents))
    partitions = key_partitions(documents, 25)
    assert blocks * partitions <= (0.0012 if documents <= 10**8 else 0.012) * documents
    assert max(blocks, partitions) <= 4_097


def test_a_block_of_a_thousand_million_documents_is_still_what_a_worker_can_hold() -> None:
    assert block_rows_for(10**9) * 4 * 128 < 150e6


def test_sliced_columns_give_the_sketches_of_their_rows() -> None:
    minhash = pa.array([[1, 2], None, [3, 4], [5, 6], None], pa.list_(pa.uint32(), 2)).slice(1, 4)
    digest = pa.array([b"a" * 16, b"b" * 16, None, b"c" * 16, None], pa.binary(16)).slice(1, 4)
    found = duplicates.sketches(np.arange(4, dtype=np.uint64), minhash, digest)
    assert found.addresses.tolist() == [0, 1, 2]
    assert found.flags.tolist() == [DIGESTED, SHINGLED, SHINGLED | DIGESTED]
    assert found.signatures[1:].tolist() == [[3, 4], [5, 6]]
    assert found.digests[2].tobytes() == b"c" * 16


def sketches_of(*documents: tuple[int, list[int]]) -> Sketches:
    """Documents from (digest or 0, signature or nothing)."""
    flags = [DIGESTED * (digest > 0) + SHINGLED * bool(values) for digest, values in documents]
    signatures = [values or [0, 0, 0, 0] for _, values in documents]
    digests = [[digest, digest] for digest, _ in documents]
    where = np.arange(len(documents), dtype=np.uint64)
    return Sketches(
        where, np.array(flags, np.uint8), np.array(digests, np.uint64), np.array(signatures, np.uint32)
    )


def test_similarity_is_the_share_of_equal_positions_and_one_for_equal_digests_only() -> None:
    found = sketches_of(
        (1, [1, 2, 3, 4]), (2, [1, 2, 9, 9]), (1, [5, 6, 7, 8]), (0, []), (7, []), (7, [1, 2, 3, 4])
    )
    pairs = [(0, 0), (0, 1), (0, 2), (0, 3), (3, 3), (4, 5), (0, 5), (4, 0)]
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    assert similarity(found, left, found, right).tolist() == [1, 0.5, 1, 0, 0, 1, 0.875, 0]


def test_an_address_that_is_not_in_a_block_is_an_error() -> None:
    block = sketches_of((1, []), (2, []))
    assert block.rows_of(np.array([1, 0], np.uint64)).tolist() == [1, 0]
    for missing in (block, concatenate([], 4)):
        with pytest.raises(KeyError, match="not in this block"):
            missing.rows_of(np.array([7], np.uint64))


@pytest.mark.parametrize(
    ("shard", "first", "rows"), [(-1, 0, 1), (1 << 24, 0, 1), (0, -1, 1), (0, 1 << 40, 1)]
)
def test_rows_beyond_what_an_address_holds_are_refused(shard: int, first: int, rows: int) -> None:
    with pytest.raises(ValueError, match="no address"):
        duplicates.addresses(shard, first, rows)
