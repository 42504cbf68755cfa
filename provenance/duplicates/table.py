"""The table of clusters that the next stage reads: who was dropped for whom, and what the cluster proves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.duplicates.clusters import PASSED, REMOVED, Clusters
from provenance.duplicates.sketches import ROW_BITS
from provenance.schema import TIME

#: Hosts that are listed for one kept document; more add nothing that a reader could use.
MOST_HOSTS = 100

#: One row for each document of a cluster of two or more, sorted by address. The columns after
#: `similarity` describe the whole cluster and stand at its keeper only.
CLUSTERS = pa.schema(
    [
        ("address", pa.uint64()),
        ("keeper", pa.uint64()),
        ("keeper_doc_id", pa.string()),
        ("similarity", pa.float32()),
        ("removed", pa.bool_()),  # whether the keeper is removed with all that are similar to it
        ("duplicate_count", pa.int32()),  # documents dropped for this one
        ("duplicate_hosts", pa.list_(pa.string())),  # their hosts, sorted
        ("earliest_capture", TIME),  # of the whole cluster
        ("witness", pa.string()),  # doc_id of that capture
    ]
)


def clusters_table(clusters: Clusters, read_rows: Callable[[int, np.ndarray], pa.Table]) -> pa.Table:
    """Describe clusters; `read_rows(shard, rows)` gives their doc_id, host, capture_time and standing in that order.

    A document that a filter drops proves its cluster's age, but is not counted among the duplicates.
    """
    if not len(clusters):
        return CLUSTERS.empty_table()
    facts = pa.concat_tables(_facts(clusters, read_rows)).combine_chunks()
    keeper_at = np.searchsorted(clusters.addresses, clusters.keepers)
    time = np.asarray(facts["capture_time"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max))
    # Members of one cluster next to each other, the earliest capture first, the lowest address at a tie.
    order = np.lexsort((clusters.addresses, time, keeper_at))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(keeper_at[order]) > 0]))
    keeper_rows = keeper_at[order][starts]
    standing = np.asarray(facts["standing"])
    represented = (clusters.addresses != clusters.keepers) & (standing == PASSED)
    sizes = np.bincount(keeper_at[represented], minlength=len(clusters))[keeper_rows]
    first = order[starts]

    index = np.full(len(clusters), -1, dtype=np.int64)
    index[keeper_rows] = np.arange(len(keeper_rows))
    at_keeper = pa.array(index, mask=index < 0)
    return pa.table(
        {
            "address": clusters.addresses,
            "keeper": clusters.keepers,
            "keeper_doc_id": facts["doc_id"].take(pa.array(keeper_at)),
            "similarity": clusters.similarities,
            "removed": standing[keeper_at] == REMOVED,
            "duplicate_count": pa.array(sizes, pa.int32()).take(at_keeper),
            "duplicate_hosts": _hosts(facts["host"], keeper_at, keeper_rows, represented).take(at_keeper),
            "earliest_capture": facts["capture_time"].take(pa.array(first)).take(at_keeper),
            "witness": pc.if_else(
                pc.is_valid(facts["capture_time"]), facts["doc_id"], pa.scalar(None, pa.string())
            )
            .take(pa.array(first))
            .take(at_keeper),
        }
    ).cast(CLUSTERS)


def _facts(clusters: Clusters, read_rows: Callable[[int, np.ndarray], pa.Table]) -> Iterator[pa.Table]:
    shards = (clusters.addresses >> np.uint64(ROW_BITS)).astype(np.int64)
    rows = (clusters.addresses & np.uint64((1 << ROW_BITS) - 1)).astype(np.int64)
    for shard in np.unique(shards).tolist():
        yield read_rows(shard, rows[shards == shard])


def _hosts(
    host: pa.ChunkedArray, keeper_at: np.ndarray, keeper_rows: np.ndarray, dropped: np.ndarray
) -> pa.ListArray:
    """For each keeper the distinct hosts of the documents dropped for it, sorted, at most MOST_HOSTS."""
    pairs = pa.table({"keeper": keeper_at[dropped], "host": host.filter(pa.array(dropped))})
    pairs = pairs.filter(pc.is_valid(pairs["host"])).group_by(["keeper", "host"]).aggregate([])
    pairs = pairs.sort_by([("keeper", "ascending"), ("host", "ascending")])
    keepers = np.asarray(pairs["keeper"])
    rank = np.arange(len(keepers)) - np.searchsorted(keepers, keepers)
    pairs = pairs.filter(pa.array(rank < MOST_HOSTS))
    ends = np.searchsorted(np.asarray(pairs["keeper"]), keeper_rows, side="right")
    starts = np.searchsorted(np.asarray(pairs["keeper"]), keeper_rows, side="left")
    offsets = pa.array(np.concatenate([starts[:1], ends]), pa.int32())
    return pa.ListArray.from_arrays(offsets, pairs["host"].combine_chunks())
