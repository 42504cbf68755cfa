"""Stage 3: score all documents, choose what the cap lets through, and write decisions beside each shard.

Shards are read twice, for the scores of the crawl's own documents and to judge them; the passes after each of these
read what it left in scratch files: sites, the documents around the cut, decisions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import AsSingleton, PCollection

from pipelines.sites import SettleSites, SiteTasks
from pipelines.software import Shipped
from provenance.configuration import Cap, Prior
from provenance.decisions import cap as selection
from provenance.decisions.cap import BoundaryDocuments, Histogram, Plan, Rule
from provenance.decisions.certificate import cap_request
from provenance.decisions.counts import merge_counts
from provenance.decisions.crawl import CrawlCalibration, calibrate_crawl
from provenance.decisions.detectors import CalibratedDetectors
from provenance.decisions.footers import Footer
from provenance.decisions.judged import Counted, Judged, Undecided
from provenance.decisions.request import CapRequest
from provenance.decisions.shard import (
    Candidates,
    ShardRows,
    decide,
    judge_shard,
    read_clusters,
    read_shard,
    shard_sites,
    with_rights,
)
from provenance.decisions.site_files import partitions_for, send_counts
from provenance.decisions.site_rights import read_site_rights
from provenance.decisions.sites import Clustering
from provenance.duplicates.scratch import Routed
from provenance.files.shards import ROW_GROUP_ROWS
from provenance.files.storage import Storage, join, write_bytes
from provenance.files.workspace import Shard


@dataclass(frozen=True)
class DecisionTask:
    """One annotated shard and the decisions file to make of it."""

    shard: Shard
    path: str
    verdicts: str | None = None  # what filters say of its rows
    carried: str | None = None  # what an earlier release decided of its rows, where they are documents of one


@dataclass(frozen=True)
class SelectionTasks(Shipped):
    """The passes over one shard.

    Attributes:
        storage: where shards, clusters and decisions are.
        clusters_path: what stage 2 found.
        crawl_path: where to write what the crawl says about its detectors.
        cap: how much synthetic text may be published.
        prior: probability that a document is synthetic before its evidence is read.
        detectors: the calibrated detectors of the job.
        scratch_directory: directory of files that are of no use after the stage.
        documents: how many documents there are, which decides into how many partitions sites are counted.
        sites_path: what the files of hosts say of their pages.
    """

    storage: Storage
    clusters_path: str
    crawl_path: str
    cap: Cap
    prior: Prior
    detectors: CalibratedDetectors
    scratch_directory: str
    documents: int
    sites_path: str

    @property
    def sites(self) -> SiteTasks:
        return SiteTasks(self.storage, self.scratch_directory)

    @property
    def judged(self) -> Judged:
        return Judged(self.storage, join(self.scratch_directory, "judged"))

    @property
    def request(self) -> CapRequest:
        return cap_request(self.cap)

    def rows(self, task: DecisionTask) -> ShardRows:
        clusters = read_clusters(self.storage, self.clusters_path, task.shard.index)
        return read_shard(
            self.storage,
            task.shard.path,
            clusters,
            self.detectors,
            verdicts=task.verdicts,
            carried=task.carried,
        )

    def own_rows(self, task: DecisionTask) -> ShardRows:
        """The rows, of which those that are carried tell nothing about the crawl."""
        rows = self.rows(task)
        return rows if task.carried is None else replace(rows, open=np.zeros_like(rows.open))

    def count(self, task: DecisionTask) -> pa.Table:
        found = self.own_rows(task)
        self.judged.save_scores(task.shard.index, Counted(found.scored, found.proven, found.open))
        return self.detectors.count(found.scored, found.proven, found.open)

    def calibrate_crawl(self, counts: pa.Table) -> CrawlCalibration:
        return calibrate_crawl(self.detectors, counts, self.prior)

    def count_sites(self, task: DecisionTask, crawl: CrawlCalibration) -> list[Routed]:
        found = self.judged.read_scores(task.shard.index)
        counts = shard_sites(found.scores, found.proven, found.open, crawl)
        return send_counts(self.sites.scratch, task.shard.index, counts, partitions_for(self.documents))

    def with_sites(self, crawl: CrawlCalibration, clustering: Clustering) -> CrawlCalibration:
        """What the crawl says, sites included; it is written for the manifest."""
        whole = replace(crawl, clustering=clustering)
        write_bytes(self.storage, self.crawl_path, json.dumps(whole.as_json(), sort_keys=True).encode())
        return whole

    def candidates(self, task: DecisionTask, crawl: CrawlCalibration) -> Candidates:
        rows = self.rows(task)
        differ = crawl.clustering.spread and rows.open.any() and task.carried is None
        return judge_shard(rows, crawl, self.cap, self.sites.read(task.shard.index) if differ else None)

    def judge(self, task: DecisionTask, crawl: CrawlCalibration) -> Histogram:
        """Judge a shard, once; what the cap has to know of it is added up."""
        found, request = self.candidates(task, crawl), self.request
        documents = found.documents(request)
        sites = read_site_rights(self.storage, self.sites_path)
        decisions = with_rights(found.decisions, self.storage, task.shard.path, sites)
        rest = Undecided(decisions, found.open, Footer.of(found, request))
        self.judged.save(task.shard.index, documents, rest)
        return selection.histogram(documents, request)

    def plan(self, total: Histogram) -> Plan:
        return selection.boundary(total, self.request)

    def boundary(self, task: DecisionTask, plan: Plan) -> BoundaryDocuments:
        return selection.boundary_candidates(self.judged.read_documents(task.shard.index), plan)

    def settle(self, found: BoundaryDocuments, plan: Plan) -> Rule:
        return selection.settle(plan, found)

    def write_decisions(self, task: DecisionTask, rule: Rule) -> int:
        documents = self.judged.read_documents(task.shard.index)
        rest = self.judged.read_undecided(task.shard.index)
        keep = selection.apply(rule, documents)
        decisions = decide(rest.decisions, rest.open, keep, selection.weigh(rule, documents))
        footer = replace(rest.footer, selection=rule.as_json()).metadata()
        with self.storage.create(task.path) as file:
            # Small row groups: publishing reads the decisions on one row group of the shard at a time.
            pq.write_table(
                decisions.replace_schema_metadata(footer),
                file,
                compression="zstd",
                row_group_size=ROW_GROUP_ROWS,
            )
        kept = int(keep.sum())
        Metrics.counter(SelectionTasks, "kept").inc(kept)
        return kept


@dataclass
class Select(beam.PTransform[PCollection[DecisionTask], PCollection[int]]):
    """From the shards of a job to the number of documents kept of each.

    Attributes:
        tasks: what is done with one shard.
    """

    tasks: SelectionTasks

    def expand(self, shards: PCollection[DecisionTask]) -> PCollection[int]:
        tasks, single = self.tasks, AsSingleton
        spread = shards | "Spread" >> beam.Reshuffle()
        calibrated = (
            spread
            | "Count" >> beam.Map(tasks.count)
            | "SumCounts" >> beam.CombineGlobally(Merge(merge_counts))
            | "CalibrateCrawl" >> beam.Map(tasks.calibrate_crawl)
        )
        clustering = (
            spread
            | "CountSites" >> beam.FlatMap(tasks.count_sites, single(calibrated))
            | "SettleSites" >> SettleSites(tasks.sites)
        )
        crawl = calibrated | "WithSites" >> beam.Map(tasks.with_sites, single(clustering))
        plan = (
            spread
            | "Judge" >> beam.Map(tasks.judge, single(crawl))
            | "SumHistograms" >> beam.CombineGlobally(Merge(selection.merge_histograms))
            | "Plan" >> beam.Map(tasks.plan)
        )
        rule = (
            spread
            | "Boundary" >> beam.Map(tasks.boundary, single(plan))
            | "Gather" >> beam.CombineGlobally(Merge(selection.concatenate))
            | "Settle" >> beam.Map(tasks.settle, single(plan))
        )
        kept: PCollection[int] = spread | "Decide" >> beam.Map(tasks.write_decisions, single(rule))
        return kept


@dataclass
class Merge(beam.CombineFn):
    """Combine values by a function of a sequence of at least one of them.

    Attributes:
        merge: associative; whatever the order of its values, it gives the same.
    """

    merge: Callable[[Sequence[Any]], Any]

    def create_accumulator(self) -> Any:
        return None

    def add_input(self, total: Any, value: Any) -> Any:
        return value if total is None else self.merge([total, value])

    def merge_accumulators(self, totals: Iterable[Any]) -> Any:
        found = [total for total in totals if total is not None]
        return self.merge(found) if found else None

    def extract_output(self, total: Any) -> Any:
        return total
