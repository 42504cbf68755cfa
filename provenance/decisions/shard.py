"""Decide for each record of a shard whether it is kept, and why not.

A record that failed or is no document keeps its outcome; a duplicate goes to the document kept in its
place; among the rest the cap chooses. Decisions are row for row with the shard, so publishing is a filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance import outcomes
from provenance.configuration import Cap
from provenance.decisions.carried import lay_over
from provenance.decisions.crawl import CrawlCalibration, Posterior
from provenance.decisions.detectors import Scores
from provenance.decisions.documents import Documents
from provenance.decisions.hashes import selection_hash
from provenance.decisions.measure import Sums, measure_documents, read_strata, weights, whole
from provenance.decisions.request import CapRequest
from provenance.decisions.rows import ShardRows, scatter
from provenance.decisions.site_rights import SiteRights, with_site_rights
from provenance.decisions.sites import SiteCounts, SiteEffects, count_sites
from provenance.decisions.tail import RareWords
from provenance.evidence import low_background
from provenance.files.storage import Storage
from provenance.schema import DECISIONS, RIGHTS, TIME


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


def judge_shard(
    rows: ShardRows,
    crawl: CrawlCalibration,
    cap: Cap,
    sites: SiteEffects | None = None,
    rare: RareWords | None = None,
) -> Candidates:
    """Score a shard's rows and settle all that does not depend on the cap; `sites` as `CrawlCalibration.posterior` takes them."""
    table, proven = rows.table, rows.proven
    posterior = crawl.posterior(rows.scored, proven, rows.open, sites)
    probability = np.where(rows.document, posterior.probability, np.float32("nan")).astype(np.float32)
    columns = _columns(rows, posterior, probability)
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
        doc_hash=selection_hash(table["doc_id"], cap.seed),
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
        dropped_by=rows.verdict["reason"],
        document=rows.document,
        rare=None if rare is None else rare.count(table["word_sample"].combine_chunks()),
        rare_scale=0 if rare is None else rare.scale,
    )


def _columns(rows: ShardRows, posterior: Posterior, probability: NDArray[np.float32]) -> dict[str, Any]:
    """The columns of decisions but rights, as they are before the cap has chosen."""
    table, kept = rows.table, rows.kept
    keeper_row = scatter(pa.nulls(len(table), pa.int64()), kept["row"])
    dropped = np.asarray(rows.verdict["reason"].is_valid())
    duplicate = rows.document & ~rows.open & ~dropped
    none = pa.array(np.zeros(len(table), np.int32), mask=~rows.open)
    no_hosts = pa.array([[]] * len(table), pa.list_(pa.string()))
    return {
        "decision": _settled(table["outcome"], duplicate | dropped),
        **_reasons(rows, duplicate),
        **_resembled(rows, duplicate),
        "duplicate_count": pc.coalesce(kept["duplicate_count"].take(keeper_row), none),
        "duplicate_hosts": pc.coalesce(kept["duplicate_hosts"].take(keeper_row), no_hosts),
        "replaces": pc.coalesce(kept["replaces"].take(keeper_row), no_hosts),
        "earliest_capture": pc.coalesce(kept["earliest_capture"].take(keeper_row), table["capture_time"]),
        **_proof(rows),
        **{name: _of_documents(rows, column) for name, column in posterior.columns.items()},
        "synthetic_probability": pa.array(probability, mask=~rows.document),
        "synthetic_probability_upper": pa.array(posterior.upper, mask=~rows.document),
        "sampling_weight": pa.nulls(len(table), pa.float32()),
    }


def _of_documents(rows: ShardRows, column: pa.Array) -> pa.Array:
    """A column, null where a row is no document."""
    if rows.document.all():
        return column
    return pc.if_else(pa.array(rows.document), column, pa.scalar(None, column.type))


def _reasons(rows: ShardRows, duplicate: NDArray[np.bool_]) -> dict[str, pa.ChunkedArray]:
    """Reason and detail of all rows but those that the cap drops; of a duplicate of an earlier release also where that lies."""
    table, mask = rows.table, pa.array(duplicate)
    place = rows.member["earlier"].take(scatter(pa.nulls(len(table), pa.int64()), rows.member["row"]))
    reason = pc.if_else(place.is_valid(), "earlier_release", "duplicate")
    place = pc.coalesce(pc.binary_join_element_wise("in ", place, ""), table["detail"])
    return {
        "reason": pc.coalesce(rows.verdict["reason"], pc.if_else(mask, reason, table["outcome"])),
        "detail": pc.coalesce(rows.verdict["detail"], pc.if_else(mask, place, table["detail"])),
    }


def _proof(rows: ShardRows) -> dict[str, Any]:
    """When each row is proven to have existed, and by which capture."""
    proofs, doc_id = rows.proofs, rows.table["doc_id"]
    row = scatter(pa.nulls(len(doc_id), pa.int64()), proofs["row"])
    nobody = pa.scalar(None, pa.string())
    witness = proofs["witness"].take(row)
    similarity = proofs["witness_similarity"].take(row)
    itself = pc.equal(witness, doc_id)
    return {
        "proven_by": pa.array(rows.proven, pa.timestamp("us")).cast(TIME),
        "witness": pc.coalesce(witness, pc.if_else(pc.is_valid(rows.table["capture_time"]), doc_id, nobody)),
        "witness_place": proofs["witness_place"].take(row),
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


def _resembled(rows: ShardRows, duplicate: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """For whom each duplicate is dropped, and each document that follows a removed one, with the similarity to it."""
    row = scatter(pa.nulls(len(rows.table), pa.int64()), rows.member["row"])
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
