"""The table of clusters says who was dropped for whom, and what the cluster proves, once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from provenance.duplicates import Blocks, Clusters, LocalScratch
from provenance.duplicates.clusters import DROPPED, PASSED, REMOVED, REPLACED, WITNESS
from provenance.duplicates.scratch import Piece, split, write_pieces
from provenance.duplicates.table import (
    CLUSTERS,
    MOST_HOSTS,
    cluster_rows,
    count_members,
    describe_keepers,
    shard_facts,
)
from provenance.duplicates.table import clusters_table as reference
from provenance.schema import TIME

Read = Callable[[int, np.ndarray], pa.Table]


def clusters_table(found: Clusters, read: Read, least: float = 0.8, block_rows: int = 2) -> pa.Table:
    """All tables of clusters, made block by block as a runner does it."""
    shards = int(found.addresses[-1] >> np.uint64(40)) + 1
    blocks = Blocks((300,) * shards, block_rows)
    columns = (found.addresses, found.keepers, found.similarities)
    with tempfile.TemporaryDirectory() as folder:
        scratch = LocalScratch(folder)
        chosen: dict[int, list[Piece]] = {}
        for block, piece in write_pieces(scratch, "chosen", split(blocks.of(found.addresses), *columns)):
            chosen.setdefault(block, []).append(piece)
        counted: dict[int, list[Piece]] = {}
        for block, pieces in chosen.items():
            facts_of = lambda where: shard_facts(where, read)  # noqa: E731
            for to, piece in count_members(
                scratch, f"counted/{block}", pieces, facts_of, blocks=blocks, witness_threshold=least
            ):
                counted.setdefault(to, []).append(piece)
        described: dict[int, list[Piece]] = {}
        for block, pieces in counted.items():
            for to, piece in describe_keepers(scratch, f"described/{block}", pieces):
                described.setdefault(to, []).append(piece)
        return pa.concat_tables(
            cluster_rows(scratch, chosen[block], described[block], least) for block in sorted(chosen)
        )


def clusters(keepers: dict[int, int]) -> Clusters:
    where = np.array(sorted(keepers), np.uint64)
    return Clusters(
        where,
        np.array([keepers[int(address)] for address in where], np.uint64),
        np.where([keepers[int(address)] == address for address in where], 1, 0.8).astype(np.float32),
    )


def facts(
    hosts: list[str | None], times: list[datetime | None], standing: list[int] | None = None
) -> pa.Table:
    """What the shards know of their rows, shard after shard; all may be published where nothing else is said."""
    names = [f"{number:032x}" for number in range(len(hosts))]
    return pa.table(
        {
            "doc_id": names,
            "host": pa.array(hosts, pa.string()),
            "capture_time": pa.array(times, TIME),
            "standing": pa.array(standing or [PASSED] * len(hosts), pa.uint64()),
            "place": pa.nulls(len(hosts), pa.string()),
        }
    )


def day(number: int) -> datetime:
    return datetime(2020, 1, number, tzinfo=UTC)


def test_a_keeper_carries_what_its_cluster_says() -> None:
    rows = facts(["a.example", "b.example", None, "b.example"], [day(4), day(2), None, day(2)])
    found = clusters_table(clusters({0: 0, 1: 0, 2: 0, 3: 0}), lambda shard, at: rows.take(pa.array(at)))
    assert found.schema.equals(CLUSTERS)
    keeper, *others = found.to_pylist()
    assert keeper["duplicate_count"] == 3
    assert keeper["duplicate_hosts"] == ["b.example"]
    assert keeper["earliest_capture"] == day(2)
    assert keeper["witness"] == f"{1:032x}"  # of two captures of one time the lower address
    for row in others:
        assert row["keeper_doc_id"] == f"{0:032x}"
        assert row["duplicate_count"] is row["earliest_capture"] is None


@pytest.mark.parametrize(
    "witness, copy, proof",
    [
        (0.95, 1.0, (day(2), 1, 0.95)),  # the copy is the keeper's text, so the witness proves it, too
        (0.95, 0.96, (day(2), 1, 0.91)),  # at least .95 + .96 - 1 similar to the witness
        (
            0.95,
            0.94,
            (day(4), 0, 0.94),
        ),  # perhaps not similar enough to the witness: the keeper's own capture
        (0.80, 0.94, (day(4), 0, 0.94)),  # the witness is none
        (0.95, 0.89, (None, None, None)),  # neither
    ],
)
def test_a_duplicate_is_proven_by_what_proves_its_keeper_where_it_is_similar_enough(
    witness: float, copy: float, proof: tuple[datetime | None, int | None, float | None]
) -> None:
    rows = facts(["a.example", "b.example", "c.example"], [day(4), day(2), day(9)])
    found = Clusters(
        np.arange(3, dtype=np.uint64), np.zeros(3, np.uint64), np.array([1, witness, copy], np.float32)
    )
    last = clusters_table(found, lambda _, at: rows.take(pa.array(at)), 0.9).to_pylist()[2]
    when, by, similarity = proof
    assert (last["proven_by"], last["witness"]) == (when, None if by is None else f"{by:032x}")
    assert last["witness_similarity"] == (None if similarity is None else pytest.approx(similarity))


def test_what_a_filter_drops_proves_its_cluster_and_is_no_duplicate_of_it() -> None:
    rows = facts(["a.example", "b.example", "c.example"], [day(4), day(2), day(3)], [PASSED, DROPPED, PASSED])
    found = clusters_table(clusters({0: 0, 1: 0, 2: 0}), lambda shard, at: rows.take(pa.array(at)))
    keeper = found.to_pylist()[0]
    assert keeper["duplicate_count"] == 1 and keeper["duplicate_hosts"] == ["c.example"]
    assert keeper["earliest_capture"] == day(2) and keeper["witness"] == f"{1:032x}"
    assert keeper["removed"] is False


def test_members_know_that_their_keeper_is_removed() -> None:
    rows = facts(["a.example", "b.example"], [day(4), day(2)], [REMOVED, PASSED])
    found = clusters_table(clusters({0: 0, 1: 0}), lambda shard, at: rows.take(pa.array(at)))
    assert found["removed"].to_pylist() == [True, True]


def test_a_cluster_without_a_capture_proves_nothing() -> None:
    rows = facts([None, None], [None, None])
    found = clusters_table(clusters({0: 1, 1: 1}), lambda shard, at: rows.take(pa.array(at))).to_pylist()
    assert found[1]["duplicate_hosts"] == []
    assert found[1]["earliest_capture"] is found[1]["witness"] is None


def test_rows_of_several_shards_are_read_shard_by_shard() -> None:
    second = 1 << 40
    asked: list[tuple[int, list[int]]] = []

    def read(shard: int, at: np.ndarray) -> pa.Table:
        asked.append((shard, at.tolist()))
        return facts(["a.example"] * 9, [day(1 + shard)] * 9).take(pa.array(at))

    found = clusters_table(clusters({2: 2, second + 1: 2, 3: 3, second + 5: 3}), read)
    assert asked == [(0, [2, 3]), (1, [1]), (1, [5])]
    assert found["earliest_capture"].to_pylist() == [day(1), day(1), None, None]


def test_hosts_beyond_what_a_reader_can_use_are_left_out() -> None:
    count = MOST_HOSTS + 50
    rows = facts([f"{k:04}.example" for k in range(count)], [day(1)] * count)
    found = clusters_table(
        clusters(dict.fromkeys(range(count), 0)), lambda shard, at: rows.take(pa.array(at))
    )
    (hosts,) = [value for value in found["duplicate_hosts"].to_pylist() if value is not None]
    assert hosts == [f"{k:04}.example" for k in range(1, MOST_HOSTS + 1)]


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
def test_tables_are_the_same_for_blocks_of_any_size(block_rows: int) -> None:
    rng = np.random.default_rng(5)
    keeper_of = {row: int(rng.integers(0, 40)) for row in range(300)}
    keepers = {row: row if row in keeper_of.values() else keeper_of[row] for row in range(300)}
    rows = facts([f"{k % 7}.example" for k in range(300)], [day(int(d)) for d in rng.integers(1, 28, 300)])
    read: Read = lambda shard, at: rows.take(pa.array(at))  # noqa: E731
    whole = reference(clusters(keepers), lambda where: shard_facts(where, read), 0.8)
    assert clusters_table(clusters(keepers), read, 0.8, block_rows).equals(whole)


def test_a_member_that_is_not_similar_enough_proves_nothing() -> None:
    rows = facts(["a.example", "b.example"], [day(4), day(2)])
    keeper, _ = clusters_table(clusters({0: 0, 1: 0}), lambda _, at: rows.take(pa.array(at)), 0.9).to_pylist()
    assert keeper["proven_by"] == day(4) and keeper["witness"] == f"{0:032x}"
    assert keeper["earliest_capture"] == day(2) and keeper["duplicate_count"] == 1


def test_captures_that_only_prove_are_neither_counted_nor_of_the_crawl() -> None:
    rows = facts(["a.example", None, None], [day(9), day(2), day(1)], [PASSED, REPLACED, WITNESS])
    keeper = clusters_table(clusters({0: 0, 1: 0, 2: 0}), lambda _, at: rows.take(pa.array(at))).to_pylist()[
        0
    ]
    assert (keeper["duplicate_count"], keeper["replaces"]) == (0, [f"{1:032x}"])
    assert (keeper["earliest_capture"], keeper["proven_by"]) == (day(9), day(1))
