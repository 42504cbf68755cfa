"""The tables of clusters that the next stage reads: who was dropped for whom, and what the cluster proves.

What members say of their cluster is added up block by block, then by the block of the keeper, so that no task ever holds
a cluster, however large it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.duplicates.clusters import PASSED, REMOVED, REPLACED, Clusters, read_clusters
from provenance.duplicates.edges import TOLERANCE
from provenance.duplicates.scratch import Piece, Routed, Scratch, read_piece, write_pieces
from provenance.duplicates.sketches import F32, ROW_BITS, U64, Blocks
from provenance.schema import TIME

#: Hosts, and documents of earlier releases, that are listed for one kept document; more add nothing that a reader could use.
MOST_HOSTS = 100

#: What members say of their cluster, one row for each keeper: a sum of rows of this form is one again (`add_up`).
SUMS = pa.schema(
    [
        ("keeper", pa.uint64()),
        ("keeper_doc_id", pa.string()),  # known to the keeper itself, as are its standing, place and capture
        ("standing", pa.uint64()),
        ("place", pa.string()),
        ("keeper_capture", TIME),
        ("duplicate_count", pa.int64()),  # documents dropped for this one
        ("duplicate_hosts", pa.list_(pa.string())),  # their hosts, sorted
        ("replaces", pa.list_(pa.string())),  # documents of earlier releases that give way to it
        ("earliest_capture", TIME),  # of the members in the crawl
        ("proven_by", TIME),  # of members similar enough to be its witness
        ("witness", pa.string()),  # doc_id of that capture, or its address
        ("witness_at", pa.uint64()),
        ("witness_place", pa.string()),  # where it lies, if in an index
        ("witness_similarity", pa.float32()),
    ]
)
_OF_CLUSTER = ("duplicate_count", "duplicate_hosts", "replaces", "earliest_capture")
#: When a document is proven to have existed, and by what.
PROOF = ("proven_by", "witness", "witness_place", "witness_similarity")
#: One row for each document of a cluster of two or more, sorted by address. The columns of `_OF_CLUSTER` describe
#: the whole cluster and stand at its keeper only; those of proof are the keeper's at the keeper, and at a duplicate what its
#: keeper proves of it, null where that is nothing.
CLUSTERS = pa.schema(
    [
        ("address", pa.uint64()),
        ("keeper", pa.uint64()),
        ("keeper_doc_id", pa.string()),
        ("similarity", pa.float32()),
        ("removed", pa.bool_()),  # whether the keeper is removed with all that are similar to it
        ("earlier", pa.string()),  # where the keeper lies, if in an earlier release
        *(SUMS.field(name) for name in (*_OF_CLUSTER, *PROOF)),
    ]
)
_FACTS = ("doc_id", "host", "capture_time", "standing", "place")
_FAR = np.iinfo(np.int64).max
ReadFacts = Callable[[int, U64], pa.Table]


def count_members(
    scratch: Scratch,
    path: str,
    pieces: list[Piece],
    facts: Callable[[U64], pa.Table],
    blocks: Blocks,
    witness_threshold: float,
) -> list[Routed]:
    """Task 8, for each block with clustered documents: write what they say of their clusters, by block of the keeper.

    `pieces` are what `choose_keepers` wrote for the block; `facts(addresses)` gives doc_id, host, capture_time, standing and place of
    ascending addresses. A member proves its keeper's age from `witness_threshold` on.
    """
    chosen = read_clusters(scratch, pieces)
    if not len(chosen):
        return []
    own = int(blocks.of(chosen.addresses[:1])[0])
    sums = add_up([_as_sums(chosen, facts(chosen.addresses), witness_threshold)])
    to = blocks.of(np.asarray(sums["keeper"]).astype(np.uint64))
    sums = sums.append_column("block", pa.array(np.full(len(sums), own, np.int64)))
    return write_pieces(
        scratch,
        path,
        ((block, [_pack(sums.filter(pa.array(to == block)))]) for block in np.unique(to).tolist()),
    )


def describe_keepers(scratch: Scratch, path: str, pieces: list[Piece]) -> list[Routed]:
    """Task 9, for each block with keepers: write what all blocks say of their clusters, to each block that has members of them."""
    tables = [_unpack(scratch, piece) for piece in sorted(pieces)]
    said = [(int(table["block"][0].as_py()), table["keeper"]) for table in tables]
    sums = add_up([table.drop_columns(["block"]) for table in tables])
    keepers = np.asarray(sums["keeper"])

    def parts() -> Iterator[tuple[int, Sequence[NDArray[np.uint8]]]]:
        for block, wanted in said:
            yield block, [_pack(sums.take(pa.array(np.searchsorted(keepers, np.asarray(wanted)))))]

    return write_pieces(scratch, path, parts())


def cluster_rows(
    scratch: Scratch, chosen: list[Piece], described: list[Piece], witness_threshold: float
) -> pa.Table:
    """Task 10, for each block of documents: its rows of `CLUSTERS`, of what tasks 7 and 9 wrote for it.

    Clusters of a document alone with captures that only prove its age are among them.
    """
    sums = pa.concat_tables([_unpack(scratch, piece) for piece in sorted(described)]).combine_chunks()
    return _rows(read_clusters(scratch, chosen), sums.sort_by("keeper"), witness_threshold)


def clusters_table(
    clusters: Clusters, facts: Callable[[U64], pa.Table], witness_threshold: float
) -> pa.Table:
    """All rows of `CLUSTERS` at once, as tasks 8 to 10 make them block by block: the reference."""
    if not len(clusters):
        return CLUSTERS.empty_table()
    sums = add_up([_as_sums(clusters, facts(clusters.addresses), witness_threshold)])
    return _rows(clusters, sums, witness_threshold)


def _rows(clusters: Clusters, sums: pa.Table, witness_threshold: float) -> pa.Table:
    """Rows of `CLUSTERS`, from the ascending `SUMS` of all keepers among them."""
    at = np.searchsorted(np.asarray(sums["keeper"]), clusters.keepers)
    facts = sums.take(pa.array(at))
    itself = pa.array(clusters.addresses == clusters.keepers)
    columns: dict[str, pa.Array | pa.ChunkedArray | NDArray[np.uint64] | NDArray[np.float32]] = {
        "address": clusters.addresses,
        "keeper": clusters.keepers,
        "keeper_doc_id": facts["keeper_doc_id"],
        "similarity": clusters.similarities,
        "removed": pc.equal(facts["standing"], pa.scalar(REMOVED, pa.uint64())),
        "earlier": facts["place"],
    }
    for name in _OF_CLUSTER:
        columns[name] = pc.if_else(itself, facts[name], pa.scalar(None, facts[name].type))
    of_duplicates = _proof_of_duplicates(clusters.similarities, facts, witness_threshold - TOLERANCE)
    columns |= {name: pc.if_else(itself, facts[name], of_duplicates[name]) for name in PROOF}
    return pa.table(columns).cast(CLUSTERS)


def _proof_of_duplicates(similarities: F32, facts: pa.Table, least: float) -> dict[str, pa.Array]:
    """What keepers prove of the documents that they stand for, `similarities` to them and their `SUMS`, row by row.

    The keeper's witness was compared with the keeper alone. Differing positions of signatures add up at most along the way, as distances
    of Jaccard do (Levandowsky and Winter 1971), so the witness is at least s + w - 1 similar to the duplicate. Where that is
    too little, the keeper's own capture may do.
    """
    through = np.asarray(facts["witness_similarity"].fill_null(0)) + similarities - np.float32(1)
    witness = pa.array((through >= least) & np.asarray(facts["witness"].is_valid()))
    keeper = pa.array((similarities >= least) & np.asarray(facts["keeper_capture"].is_valid()))
    either = {
        "proven_by": ("proven_by", "keeper_capture"),
        "witness": ("witness", "keeper_doc_id"),
        "witness_place": ("witness_place", "place"),
    }
    proof = {
        name: pc.case_when(pc.make_struct(witness, keeper), facts[first], facts[second])
        for name, (first, second) in either.items()
    }
    likeness = pc.case_when(pc.make_struct(witness, keeper), pa.array(through), pa.array(similarities))
    return {**proof, "witness_similarity": likeness}


def add_up(tables: Sequence[pa.Table]) -> pa.Table:
    """The sum of tables of `SUMS`: one row for each keeper, ascending. Neither order nor division matters."""
    table = pa.concat_tables(tables).combine_chunks()
    keeper = np.asarray(table["keeper"])
    order = np.argsort(keeper, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(keeper[order]) > 0]))
    keepers = keeper[order][starts]
    earliest = _times(table["earliest_capture"])
    proven, at = _times(table["proven_by"]), np.asarray(table["witness_at"].fill_null(0))
    first = np.lexsort((at, proven, keeper))[starts]  # the earliest; the lowest address at a tie
    itself = np.asarray(table["keeper_doc_id"].is_valid())
    own = np.full(len(keepers), -1, np.int64)
    own[np.searchsorted(keepers, keeper[itself])] = np.flatnonzero(itself)
    of_keeper = table.take(pa.array(own, mask=own < 0))
    of_witness = table.take(pa.array(first))
    counts = np.add.reduceat(np.asarray(table["duplicate_count"])[order], starts)
    return pa.table(
        {
            "keeper": keepers,
            **{name: of_keeper[name] for name in ("keeper_doc_id", "standing", "place", "keeper_capture")},
            "duplicate_count": counts,
            "duplicate_hosts": _lists(table["duplicate_hosts"], keeper, keepers),
            "replaces": _lists(table["replaces"], keeper, keepers),
            "earliest_capture": _as_time(np.minimum.reduceat(earliest[order], starts)),
            **{
                name: of_witness[name]
                for name in ("proven_by", "witness", "witness_at", "witness_place", "witness_similarity")
            },
        }
    ).cast(SUMS)


def shard_facts(clusters: U64, read_rows: ReadFacts) -> pa.Table:
    """Facts of ascending addresses of shards; `read_rows(shard, rows)` gives those of ascending rows of one."""
    shards = (clusters >> np.uint64(ROW_BITS)).astype(np.int64)
    rows = (clusters & np.uint64((1 << ROW_BITS) - 1)).astype(np.int64)
    return pa.concat_tables(read_rows(shard, rows[shards == shard]) for shard in np.unique(shards).tolist())


def _as_sums(chosen: Clusters, facts: pa.Table, witness_threshold: float) -> pa.Table:
    """Each member's own row of `SUMS`. What a filter drops proves its cluster's age, but is not counted."""
    facts = facts.select(list(_FACTS)).combine_chunks()
    standing = np.asarray(facts["standing"])
    itself = chosen.addresses == chosen.keepers
    represented = ~itself & (standing == PASSED)
    replaced = ~itself & (standing == REPLACED)
    proves = chosen.similarities >= witness_threshold - TOLERANCE
    valid = np.asarray(facts["capture_time"].is_valid())
    time, nothing = facts["capture_time"], pa.scalar(None, pa.string())
    witness = pa.array(proves & valid)
    return pa.table(
        {
            "keeper": chosen.keepers,
            "keeper_doc_id": pc.if_else(pa.array(itself), facts["doc_id"], nothing),
            "standing": facts["standing"],
            "place": facts["place"],
            "keeper_capture": time,
            "duplicate_count": represented.astype(np.int64),
            "duplicate_hosts": _single(facts["host"], represented),
            "replaces": _single(facts["doc_id"], replaced),
            "earliest_capture": pc.if_else(pa.array(standing < REPLACED), time, pa.scalar(None, time.type)),
            "proven_by": pc.if_else(witness, time, pa.scalar(None, time.type)),
            "witness": pc.if_else(witness, facts["doc_id"], nothing),
            "witness_at": chosen.addresses,
            "witness_place": pc.if_else(witness, facts["place"], nothing),
            "witness_similarity": pc.if_else(
                witness, pa.array(chosen.similarities), pa.scalar(None, pa.float32())
            ),
        }
    ).cast(SUMS)


def _single(values: pa.ChunkedArray, rows: NDArray[np.bool_]) -> pa.ListArray:
    """Lists of the one value of each of the chosen rows that has one; empty elsewhere."""
    chosen = rows & np.asarray(values.is_valid())
    offsets = np.concatenate([[0], np.cumsum(chosen)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.filter(pa.array(chosen)).combine_chunks())


def _lists(column: pa.ChunkedArray, keeper: U64, keepers: U64) -> pa.ListArray:
    """For each of `keepers` the distinct values of its rows' lists, sorted, at most MOST_HOSTS."""
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    parents = np.asarray(pc.list_parent_indices(lists)).astype(np.int64)
    pairs = pa.table({"keeper": keeper[parents], "value": lists.flatten()})
    pairs = pairs.group_by(["keeper", "value"]).aggregate([])
    pairs = pairs.sort_by([("keeper", "ascending"), ("value", "ascending")])
    found = np.asarray(pairs["keeper"])
    rank = np.arange(len(found)) - np.searchsorted(found, found)
    pairs = pairs.filter(pa.array(rank < MOST_HOSTS))
    found = np.asarray(pairs["keeper"])
    offsets = np.concatenate([np.searchsorted(found, keepers), [len(found)]])
    values = pairs["value"].combine_chunks()
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _times(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).fill_null(_FAR)).astype(np.int64)


def _as_time(values: NDArray[np.int64]) -> pa.Array:
    return pa.array(values, mask=values == _FAR).cast(TIME)


def _pack(table: pa.Table) -> NDArray[np.uint8]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return np.frombuffer(sink.getvalue(), np.uint8)


def _unpack(scratch: Scratch, piece: Piece) -> pa.Table:
    (data,) = read_piece(scratch, piece, "u1")
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_all()
