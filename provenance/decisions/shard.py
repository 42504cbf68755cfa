"""Decide for each record of a shard whether it is kept, and why not.

A record that failed or is no document keeps its outcome; a duplicate goes to the document kept in its
place; among the rest the cap chooses. Decisions are row for row with the shard, so publishing is a filter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance import outcomes
from provenance.configuration import Cap
from provenance.decisions.carried import lay_over
from provenance.decisions.crawl import CrawlCalibration
from provenance.decisions.detectors import COLUMNS, CalibratedDetectors, Scored, Scores
from provenance.decisions.documents import Documents
from provenance.decisions.hashes import selection_hash
from provenance.decisions.measure import Sums, measure_documents, read_strata, weights, whole
from provenance.decisions.request import CapRequest
from provenance.decisions.site_rights import SiteRights, with_site_rights
from provenance.decisions.sites import SiteCounts, SiteEffects, count_sites
from provenance.decisions.tail import RareWords, Words, count_words
from provenance.duplicates.sketches import ROW_BITS
from provenance.duplicates.table import CLUSTERS
from provenance.evidence import low_background
from provenance.files.storage import Storage, join, read_bytes
from provenance.schema import DECISIONS, RIGHTS, TIME

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
    carried: pa.Table | None = (
        None  # what an earlier release decided of the rows, where they are its documents
    )


@dataclass(frozen=True)
class Candidates:
    """One shard's rows as the cap sees them: arrays of one value for each row."""

    decisions: pa.Table  # schema.DECISIONS, with null `decision` where the cap has to choose
    open: NDArray[np.bool_]  # whether the cap has to choose
    doc_hash: NDArray[np.uint64]
    weight: NDArray[np.int64]
    probability: NDArray[np.float32]
    probability_upper: NDArray[np.float32]  # at one-sided 95%
    proven: NDArray[np.bool_]  # low-background, hence human
    columns: pa.Table  # of the shard and of `decisions`: what is measured
    judged: dict[str, int]  # documents among which the cap chooses: judged, flagged, limited by the crawl
    asked: dict[str, int]  # all documents, duplicates too, of which each neural detector has read the text
    dropped_by: pa.ChunkedArray  # reasons of documents that filters drop, else null
    document: NDArray[np.bool_]  # whether the row is a document
    rare: NDArray[np.int64] | None = None  # rare words that it alone holds, as sampled
    rare_scale: int = 0  # how many words each of them stands for

    def measure(self, request: CapRequest) -> Sums:
        """Sums over all rows among which the cap chooses."""
        return measure_documents(self.columns.filter(pa.array(self.open)), request)

    def measure_filters(self, request: CapRequest) -> dict[str, Sums]:
        """Sums over the documents, duplicates too, that each reason of a filter drops, and of those that pass ("")."""
        table = self.columns.append_column("reason", pc.fill_null(self.dropped_by, ""))
        table = table.filter(pa.array(self.document))
        return {
            reason: whole(measure_documents(table.filter(pc.equal(table["reason"], reason)), request))
            for reason in sorted(pc.unique(table["reason"]).to_pylist())
        }

    def measure_tail(self) -> dict[str, int]:
        """Rare words as they are before the cap has chosen (`decisions.footers.Footer.tail`)."""
        if self.rare is None:
            return {}
        filtered = self.document & np.asarray(self.dropped_by.is_valid())
        rows = {"rare": self.open | filtered, "filtered": filtered, "filtered_old": filtered & self.proven}
        return {"scale": self.rare_scale, **{name: int(self.rare[of].sum()) for name, of in rows.items()}}

    def documents(self, request: CapRequest) -> Documents:
        """The rows among which the cap chooses, as it sees them."""
        rows = self.open
        return Documents(
            doc_hash=self.doc_hash[rows],
            weight=self.weight[rows],
            probability=self.probability[rows],
            upper=self.probability_upper[rows],
            proven=self.proven[rows],
            rare=None if self.rare is None else self.rare[rows],
            strata=read_strata(self.columns.filter(pa.array(rows)), request),
        )


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
    """Read what the stage needs of a shard; proof travels from the earliest of a cluster to its keeper.

    `carried` is the file of what an earlier release decided, for a shard of its documents.
    """
    with storage.open(shard_path) as file:
        columns = list(dict.fromkeys([*_COLUMNS, *COLUMNS]))
        table = pq.read_table(file, columns=columns, pre_buffer=False)
    document = np.asarray(pc.is_null(table["outcome"]))
    proven = np.asarray(table["capture_time"].cast(pa.timestamp("us")), dtype="datetime64[us]").copy()
    kept = clusters.filter(pc.equal(clusters["keeper"], clusters["address"]))
    member = clusters.filter(pc.not_equal(clusters["keeper"], clusters["address"]))
    if len(kept):
        proven[np.asarray(kept["row"])] = np.asarray(
            kept["proven_by"].cast(pa.timestamp("us")), dtype="datetime64[us]"
        )
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
        carried=decided,
    )


def shard_sites(
    scores: Scores, proven: NDArray[np.datetime64], keep: NDArray[np.bool_], crawl: CrawlCalibration
) -> SiteCounts:
    """The documents of a shard that are no duplicates (`keep`), counted by site."""
    found = crawl.weigh(scores, proven, keep)
    return count_sites(
        scores.site[keep],
        found.prior[keep].astype(np.float64),
        found.ratio[keep],
        scores.judged[keep],
        low_background(proven)[keep],
    )


def shard_words(rows: ShardRows, most: int) -> Words:
    """The sampled words of the documents of a shard that are no duplicates, whether filters drop them or not."""
    counted = rows.open | (rows.document & np.asarray(rows.verdict["reason"].is_valid()))
    return count_words(rows.table["word_sample"].combine_chunks(), counted, most)


def judge_shard(
    rows: ShardRows,
    crawl: CrawlCalibration,
    cap: Cap,
    sites: SiteEffects | None = None,
    rare: RareWords | None = None,
) -> Candidates:
    """Score a shard's rows and settle all that does not depend on the cap; `sites` as `CrawlCalibration.posterior` takes them."""
    table, kept, proven = rows.table, rows.kept, rows.proven
    doc_id = table["doc_id"]
    keeper_row = _scatter(pa.nulls(len(table), pa.int64()), kept["row"])
    filtered = rows.verdict["reason"]
    dropped = np.asarray(filtered.is_valid())
    duplicate = rows.document & ~rows.open & ~dropped
    posterior = crawl.posterior(rows.scored, proven, rows.open, sites)
    probability = np.where(rows.document, posterior.probability, np.float32("nan")).astype(np.float32)
    none = pa.array(np.zeros(len(table), np.int32), mask=~rows.open)
    no_hosts = pa.array([[]] * len(table), pa.list_(pa.string()))
    columns = {
        "decision": _settled(table["outcome"], duplicate | dropped),
        **_reasons(rows, duplicate),
        **_resembled(rows, duplicate),
        "duplicate_count": pc.coalesce(kept["duplicate_count"].take(keeper_row), none),
        "duplicate_hosts": pc.coalesce(kept["duplicate_hosts"].take(keeper_row), no_hosts),
        "replaces": pc.coalesce(kept["replaces"].take(keeper_row), no_hosts),
        "earliest_capture": pc.coalesce(kept["earliest_capture"].take(keeper_row), table["capture_time"]),
        **_proof(rows, keeper_row),
        **{
            name: pc.if_else(pa.array(rows.document), column, pa.scalar(None, column.type))
            for name, column in posterior.columns.items()
        },
        "synthetic_probability": pa.array(probability, mask=~rows.document),
        "synthetic_probability_upper": pa.array(posterior.upper, mask=~rows.document),
        "sampling_weight": pa.nulls(len(table), pa.float32()),
    }
    upper = posterior.upper
    if rows.carried is not None:
        proven = lay_over(columns, rows.carried, proven)
        columns["low_background"] = pa.array(low_background(proven))
        probability, upper = (
            np.asarray(rows.carried[name].fill_null(np.nan), np.float32)
            for name in ("synthetic_probability", "synthetic_probability_upper")
        )
    chosen = {"documents": rows.open, "judged": rows.scored.judged}
    chosen |= {"flagged": posterior.flagged, "limited": posterior.limited}
    read = np.full(len(table), rows.carried is None)  # by a detector of this job
    decisions = _as_decisions(columns)
    measured = ["synthetic_probability", "synthetic_probability_upper", "proven_by"]
    return Candidates(
        decisions=decisions,
        open=rows.open,
        doc_hash=selection_hash(doc_id, cap.seed),
        weight=weights(table["token_count"], cap.unit),
        probability=probability,
        probability_upper=upper,
        proven=low_background(proven),
        columns=pa.table(
            {name: table[name] for name in ("token_count", "language", "source", "domain")}
            | {name: decisions[name] for name in measured}
        ),
        judged={name: int((rows.open & mask & read).sum()) for name, mask in chosen.items()},
        asked=rows.scored.asked(rows.document & read),
        dropped_by=filtered,
        document=rows.document,
        rare=None if rare is None else rare.count(table["word_sample"].combine_chunks()),
        rare_scale=0 if rare is None else rare.scale,
    )


def _reasons(rows: ShardRows, duplicate: NDArray[np.bool_]) -> dict[str, pa.ChunkedArray]:
    """Reason and detail of all rows but those that the cap drops; of a duplicate of an earlier release also where that lies."""
    table, mask = rows.table, pa.array(duplicate)
    place = rows.member["earlier"].take(_scatter(pa.nulls(len(table), pa.int64()), rows.member["row"]))
    reason = pc.if_else(place.is_valid(), "earlier_release", "duplicate")
    place = pc.coalesce(pc.binary_join_element_wise("in ", place, ""), table["detail"])
    return {
        "reason": pc.coalesce(rows.verdict["reason"], pc.if_else(mask, reason, table["outcome"])),
        "detail": pc.coalesce(rows.verdict["detail"], pc.if_else(mask, place, table["detail"])),
    }


def _proof(rows: ShardRows, keeper_row: pa.Array) -> dict[str, Any]:
    """When each row is proven to have existed, and by which capture; `keeper_row` is its place among the keepers."""
    kept, doc_id = rows.kept, rows.table["doc_id"]
    nobody = pa.scalar(None, pa.string())
    witness = kept["witness"].take(keeper_row)
    similarity = kept["witness_similarity"].take(keeper_row)
    itself = pc.equal(witness, doc_id)
    return {
        "proven_by": pa.array(rows.proven, pa.timestamp("us")).cast(TIME),
        "witness": pc.coalesce(witness, pc.if_else(pc.is_valid(rows.table["capture_time"]), doc_id, nobody)),
        "witness_place": kept["witness_place"].take(keeper_row),
        "witness_similarity": pc.if_else(itself, pa.scalar(None, pa.float32()), similarity),
        "low_background": pa.array(low_background(rows.proven)),
    }


def decide(
    table: pa.Table,
    open_rows: NDArray[np.bool_],
    keep: NDArray[np.bool_],
    weight: NDArray[np.float32] | None = None,
) -> pa.Table:
    """The shard's final decisions; `keep` and the sampling `weight` have one value for each open row, in order."""
    kept = np.zeros(len(open_rows), dtype=bool)
    kept[open_rows] = keep
    capped = open_rows & ~kept
    decision = pc.if_else(pa.array(kept), "kept", pc.if_else(pa.array(capped), "dropped", table["decision"]))
    reason = pc.if_else(pa.array(capped), "synthetic_cap", table["reason"])
    table = table.set_column(0, DECISIONS.field("decision"), decision)
    table = table.set_column(1, DECISIONS.field("reason"), reason)
    if weight is None:
        return table
    sampling = np.zeros(len(kept), dtype=np.float32)
    sampling[open_rows] = weight
    at = DECISIONS.get_field_index("sampling_weight")
    return table.set_column(at, DECISIONS.field("sampling_weight"), pa.array(sampling, mask=~kept))


def _as_decisions(columns: dict[str, Any]) -> pa.Table:
    """The columns in the order of `schema.DECISIONS`; rights are laid over it when all else is decided (`with_rights`)."""
    rows = len(columns["decision"])
    later = {name: pa.nulls(rows, DECISIONS.field(name).type) for name in RIGHTS}
    return pa.table({name: {**columns, **later}[name] for name in DECISIONS.names}).cast(DECISIONS)


def with_rights(decisions: pa.Table, storage: Storage, shard: str, sites: SiteRights) -> pa.Table:
    """The decisions with what each document reserves, the files of its host included."""
    where = ["host", "url"] if len(sites.hosts) else []  # addresses are long: not where no host says anything
    with storage.open(shard) as file:
        table = pq.read_table(file, columns=[*where, *RIGHTS], pre_buffer=False)
    if where:
        table = with_site_rights(table, sites)
    for name in RIGHTS:
        decisions = decisions.set_column(DECISIONS.get_field_index(name), DECISIONS.field(name), table[name])
    return decisions


def _scatter(nulls: pa.Array, rows: pa.ChunkedArray) -> pa.Array:
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
    row = _scatter(pa.nulls(rows, pa.int64()), gone["row"])
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


def _resembled(rows: ShardRows, duplicate: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """For whom each duplicate is dropped, and each document that follows a removed one, with the similarity to it."""
    row = _scatter(pa.nulls(len(rows.table), pa.int64()), rows.member["row"])
    mask = pa.array(duplicate | np.asarray(rows.verdict["follows"]))
    return {
        "duplicate_of": _where(mask, rows.member["keeper_doc_id"].take(row)),
        "similarity": _where(mask, rows.member["similarity"].take(row)),
    }


def _where(mask: pa.BooleanArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values where the mask is true, else null."""
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _settled(outcome: pa.ChunkedArray, duplicate: NDArray[np.bool_]) -> pa.ChunkedArray:
    failed = pc.is_in(outcome, value_set=pa.array(list(outcomes.FAILED)))
    settled = pc.if_else(failed, "failed", "dropped")
    nothing = pa.scalar(None, pa.string())
    return pc.if_else(pc.is_valid(outcome), settled, pc.if_else(pa.array(duplicate), "dropped", nothing))
