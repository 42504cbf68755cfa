"""Decide for each record of a shard whether it is kept, and why not.

A record that failed or is no document keeps its outcome; a duplicate goes to the document kept in its
place; among the rest the cap chooses. Decisions are row for row with the shard, so publishing is a filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance import outcomes
from provenance.cap import CapRequest, selection_hash
from provenance.certificate import Sums, measure_documents, weights
from provenance.configuration import Cap, Prior
from provenance.duplicates.sketches import ROW_BITS
from provenance.duplicates.table import CLUSTERS
from provenance.posterior import low_background, synthetic_probability
from provenance.schema import DECISIONS, TIME
from provenance.storage import Storage


@dataclass(frozen=True)
class Candidates:
    """One shard's rows as the cap sees them: arrays of one value for each row."""

    decisions: pa.Table  # schema.DECISIONS, with null `decision` where the cap has to choose
    open: NDArray[np.bool_]  # whether the cap has to choose
    doc_hash: NDArray[np.uint64]
    weight: NDArray[np.int64]
    probability: NDArray[np.float32]
    token_count: pa.ChunkedArray

    def measure(self, request: CapRequest) -> Sums:
        """Sums over all rows among which the cap chooses."""
        columns = {"token_count": self.token_count, "synthetic_probability": pa.array(self.probability)}
        return measure_documents(pa.table(columns).filter(pa.array(self.open)), request)


def read_clusters(storage: Storage, path: str, shard: int) -> pa.Table:
    """The rows of `CLUSTERS` whose address lies in `shard`; `row` is added."""
    first, end = shard << ROW_BITS, (shard + 1) << ROW_BITS
    with storage.open(path) as file:
        fragment = ds.ParquetFileFormat().make_fragment(file)
        wanted = (ds.field("address") >= pa.scalar(first, pa.uint64())) & (
            ds.field("address") < pa.scalar(end, pa.uint64())
        )
        table = fragment.to_table(schema=CLUSTERS, filter=wanted)
    row = np.asarray(table["address"]).astype(np.uint64) - np.uint64(first)
    return table.append_column("row", pa.array(row.astype(np.int64)))


def read_candidates(
    storage: Storage, shard_path: str, clusters: pa.Table, cap: Cap, prior: Prior
) -> Candidates:
    """Score a shard's rows and settle all that does not depend on the cap."""
    with storage.open(shard_path) as file:
        columns = ["doc_id", "outcome", "capture_time", "evidence", "token_count"]
        shard = pq.read_table(file, columns=columns, pre_buffer=False)
    rows = len(shard)
    doc_id = shard["doc_id"]
    document = np.asarray(pc.is_null(shard["outcome"]))
    own = np.asarray(shard["capture_time"].cast(pa.timestamp("us")), dtype="datetime64[us]")

    kept = clusters.filter(pc.equal(clusters["keeper"], clusters["address"]))
    member = clusters.filter(pc.not_equal(clusters["keeper"], clusters["address"]))
    proven = own.copy()
    if len(kept):
        proven[np.asarray(kept["row"])] = np.asarray(
            kept["earliest_capture"].cast(pa.timestamp("us")), dtype="datetime64[us]"
        )
    no_keeper = pa.nulls(rows, pa.int64())
    keeper_row = _scatter(no_keeper, kept["row"])
    member_row = _scatter(no_keeper, member["row"])

    duplicate = np.asarray(pc.is_valid(member_row))
    open_rows = document & ~duplicate
    probability = np.where(
        document, synthetic_probability(shard["evidence"], proven, prior), np.float32("nan")
    ).astype(np.float32)
    none = pa.array(np.zeros(rows, np.int32), mask=~open_rows)
    no_hosts = pa.array([[]] * rows, pa.list_(pa.string()))
    decisions = pa.table(
        {
            "decision": _settled(shard["outcome"], duplicate),
            "reason": pc.if_else(pa.array(duplicate), "duplicate", shard["outcome"]),
            "duplicate_of": member["keeper_doc_id"].take(member_row),
            "similarity": member["similarity"].take(member_row),
            "duplicate_count": pc.coalesce(kept["duplicate_count"].take(keeper_row), none),
            "duplicate_hosts": pc.coalesce(kept["duplicate_hosts"].take(keeper_row), no_hosts),
            "earliest_capture": pa.array(proven, pa.timestamp("us")).cast(TIME),
            "proven_by": pa.array(proven, pa.timestamp("us")).cast(TIME),
            "witness": pc.coalesce(
                kept["witness"].take(keeper_row),
                pc.if_else(pc.is_valid(shard["capture_time"]), doc_id, pa.scalar(None, pa.string())),
            ),
            "low_background": pa.array(low_background(proven)),
            "synthetic_probability": pa.array(probability, mask=~document),
        }
    ).cast(DECISIONS)
    return Candidates(
        decisions=decisions,
        open=open_rows,
        doc_hash=selection_hash(doc_id, cap.seed),
        weight=weights(shard["token_count"], cap.unit),
        token_count=shard["token_count"],
        probability=probability,
    )


def decide(candidates: Candidates, keep: NDArray[np.bool_]) -> pa.Table:
    """The shard's final decisions; `keep` has one value for each open row, in order."""
    kept = np.zeros(len(candidates.open), dtype=bool)
    kept[candidates.open] = keep
    capped = candidates.open & ~kept
    table = candidates.decisions
    decision = pc.if_else(pa.array(kept), "kept", pc.if_else(pa.array(capped), "dropped", table["decision"]))
    reason = pc.if_else(pa.array(capped), "synthetic_cap", table["reason"])
    table = table.set_column(0, DECISIONS.field("decision"), decision)
    return table.set_column(1, DECISIONS.field("reason"), reason)


def _scatter(nulls: pa.Array, rows: pa.ChunkedArray) -> pa.Array:
    """For each row of the shard its position in `rows`, else null."""
    index = np.full(len(nulls), -1, dtype=np.int64)
    index[np.asarray(rows)] = np.arange(len(rows))
    return pa.array(index, mask=index < 0)


def _settled(outcome: pa.ChunkedArray, duplicate: NDArray[np.bool_]) -> pa.ChunkedArray:
    failed = pc.is_in(outcome, value_set=pa.array(list(outcomes.FAILED)))
    settled = pc.if_else(failed, "failed", "dropped")
    nothing = pa.scalar(None, pa.string())
    return pc.if_else(pc.is_valid(outcome), settled, pc.if_else(pa.array(duplicate), "dropped", nothing))
