"""The rows of one annotated shard as stage 3 reads them: what its clusters prove of them, and what filters drop.

Proof travels from the earliest of a cluster to its keeper, and from there to duplicates that are similar enough; a duplicate of
what is removed goes with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.decisions.detectors import COLUMNS, CalibratedDetectors, Scored
from provenance.decisions.tail import Words, count_words
from provenance.duplicates.sketches import ROW_BITS
from provenance.duplicates.table import CLUSTERS, PROOF
from provenance.files.storage import Storage, join, read_bytes
from provenance.schema import DECISIONS

#: Columns of an annotated shard that are read besides those of the detectors.
_COLUMNS = ("doc_id", "outcome", "detail", "token_count", "domain", "word_sample")


@dataclass(frozen=True)
class ShardRows:
    """One shard's rows as they stand before the cap: arrays of one value for each row."""

    table: pa.Table  # columns of the annotated shard
    document: NDArray[np.bool_]  # whether the row is a document
    open: NDArray[np.bool_]  # whether nothing but the cap can drop it: the cap has to choose; it is counted
    verdict: pa.Table  # reason and detail of what filters drop; `follows`: only for what it resembles
    proven: NDArray[np.datetime64]
    scored: Scored
    kept: pa.Table  # clusters whose keeper lies in the shard
    member: pa.Table  # duplicates that lie in the shard
    proofs: pa.Table  # what clusters prove of rows of the shard: `PROOF`, and `row`
    #: What an earlier release decided of the rows, where they are its documents.
    carried: pa.Table | None = None


def read_clusters(storage: Storage, path: str, shard: int) -> pa.Table:
    """The rows of `CLUSTERS` whose address lies in `shard`; `row` is added. `path` says which file has which addresses."""
    first, end = shard << ROW_BITS, (shard + 1) << ROW_BITS
    wanted = (ds.field("address") >= pa.scalar(first, pa.uint64())) & (
        ds.field("address") < pa.scalar(end, pa.uint64())
    )
    parts = [CLUSTERS.empty_table()]
    for begin, stop, name, _ in json.loads(read_bytes(storage, path)):
        if begin < end and stop > first:
            with storage.open(join(path.rpartition("/")[0], name)) as file:
                fragment = ds.ParquetFileFormat().make_fragment(file)
                parts.append(fragment.to_table(schema=CLUSTERS, filter=wanted))
    table = pa.concat_tables(parts)
    row = np.asarray(table["address"]).astype(np.uint64) - np.uint64(first)
    return table.append_column("row", pa.array(row.astype(np.int64)))


def read_shard(
    storage: Storage,
    shard_path: str,
    clusters: pa.Table,
    detectors: CalibratedDetectors,
    *,
    verdicts: str | None = None,
    carried: str | None = None,
) -> ShardRows:
    """Read what the stage needs of a shard; what clusters prove is laid over rows' own captures.

    `carried` is the file of what an earlier release decided, for a shard of its documents.
    """
    with storage.open(shard_path) as file:
        columns = list(dict.fromkeys([*_COLUMNS, *COLUMNS]))
        table = pq.read_table(file, columns=columns, pre_buffer=False)
    document = np.asarray(pc.is_null(table["outcome"]))
    proven = _times(table["capture_time"]).copy()
    proofs = _proofs(clusters, proven)
    proven[np.asarray(proofs["row"])] = _times(proofs["proven_by"])
    kept = clusters.filter(pc.equal(clusters["keeper"], clusters["address"]))
    member = clusters.filter(pc.not_equal(clusters["keeper"], clusters["address"]))
    open_rows = document.copy()
    open_rows[np.asarray(member["row"])] = False
    verdict = _read_verdict(storage, verdicts, member, len(table))
    decided = None
    if carried is not None:
        with storage.open(carried) as file:
            decided = pq.read_table(file, schema=DECISIONS, pre_buffer=False)
    open_rows[np.asarray(verdict["reason"].is_valid())] = False
    return ShardRows(
        table=table,
        document=document,
        open=open_rows,
        verdict=verdict,
        proven=proven,
        scored=detectors.read(table),
        kept=kept,
        member=member,
        proofs=proofs,
        carried=decided,
    )


def _proofs(clusters: pa.Table, captured: NDArray[np.datetime64]) -> pa.Table:
    """What clusters prove of rows (`PROOF` and `row`), `captured` by themselves: of keepers all, of duplicates what is older."""
    proofs = clusters.select(["row", "address", "keeper", *PROOF])
    then, own = _times(proofs["proven_by"]), captured[np.asarray(proofs["row"])]
    older = ~np.isnat(then) & (np.isnat(own) | (then < own))
    keepers = np.asarray(pc.equal(proofs["address"], proofs["keeper"]))
    return proofs.filter(pa.array(keepers | older)).drop_columns(["address", "keeper"])


def _times(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    return np.asarray(column.cast(pa.timestamp("us")), dtype="datetime64[us]")


def shard_words(rows: ShardRows, most: int) -> Words:
    """The sampled words of the documents of a shard that are no duplicates, whether filters drop them or not."""
    counted = rows.open | (rows.document & np.asarray(rows.verdict["reason"].is_valid()))
    return count_words(rows.table["word_sample"].combine_chunks(), counted, most)


def scatter(nulls: pa.Array, rows: pa.ChunkedArray) -> pa.Array:
    """For each row of the shard its position in `rows`, else null."""
    index = np.full(len(nulls), -1, dtype=np.int64)
    index[np.asarray(rows)] = np.arange(len(rows))
    return pa.array(index, mask=index < 0)


def _read_verdict(storage: Storage, path: str | None, member: pa.Table, rows: int) -> pa.Table:
    """Reason and detail of the rows that filters drop, near-duplicates of what is removed with them included."""
    if path is None:
        nothing = {name: pa.nulls(rows, pa.string()) for name in ("reason", "detail")}
        return pa.table({**nothing, "follows": np.zeros(rows, bool)})
    with storage.open(path) as file:
        verdict = pq.read_table(file, columns=["reason", "detail"], pre_buffer=False)
    gone = member.filter(member["removed"])
    row = scatter(pa.nulls(rows, pa.int64()), gone["row"])
    of = gone["keeper_doc_id"].take(row)
    why = pc.binary_join_element_wise("near-duplicate of ", of, ", which a removal request names", "")
    removed = pc.if_else(of.is_valid(), "removed", pa.scalar(None, pa.string()))
    follows = pc.and_(verdict["reason"].is_null(), removed.is_valid())
    return pa.table(
        {
            "reason": pc.coalesce(verdict["reason"], removed),
            # What is only marked has a detail and no reason.
            "detail": pc.if_else(follows, why, verdict["detail"]),
            "follows": follows,
        }
    )
