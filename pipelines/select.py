"""Stage 3: score all documents, choose what the cap lets through, and write decisions beside each shard.

Shards are read twice, for the scores of the crawl's own documents and to judge them. What is judged stays in the workspace:
the passes that choose read it, and so does a later choice under another cap.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import AsSingleton, PCollection
from numpy.typing import NDArray

from pipelines.merge import Merge
from pipelines.sites import SettleSites, SiteTasks
from pipelines.software import Shipped
from provenance.configuration import Cap, Prior
from provenance.decisions import cap as selection
from provenance.decisions.cap import BoundaryDocuments, Histogram, Plan, Rule
from provenance.decisions.certificate import cap_request
from provenance.decisions.counts import merge_counts
from provenance.decisions.crawl import CrawlCalibration, calibrate_crawl
from provenance.decisions.detectors import CalibratedDetectors
from provenance.decisions.documents import Documents
from provenance.decisions.footers import Footer
from provenance.decisions.judged import Counted, Judged, Undecided
from provenance.decisions.request import CapRequest
from provenance.decisions.rows import ShardRows, read_clusters, read_shard, shard_words
from provenance.decisions.shard import decide, judge_shard, shard_sites, with_rights
from provenance.decisions.site_files import partitions_for, send_counts
from provenance.decisions.site_rights import read_site_rights
from provenance.decisions.sites import Clustering
from provenance.decisions.tail import (
    RareWords,
    Words,
    capped_words,
    merge_words,
    protect,
    protected_levels,
    rare_by_level,
    rare_words,
    sketch_size,
)
from provenance.duplicates.scratch import Routed
from provenance.files.shards import ROW_GROUP_ROWS
from provenance.files.storage import Storage, write_bytes
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
        judged_directory: directory of what is judged, which other caps can choose from.
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
    judged_directory: str
    documents: int
    sites_path: str

    @property
    def sites(self) -> SiteTasks:
        return SiteTasks(self.storage, self.scratch_directory)

    @property
    def judged(self) -> Judged:
        return Judged(self.storage, self.judged_directory)

    @property
    def scores(self) -> Judged:
        return Judged(self.storage, self.scratch_directory)

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

    def count(self, task: DecisionTask) -> tuple[pa.Table, Words]:
        """The scores of the crawl's own documents, and the words of all: those that are carried hold words too."""
        rows = self.rows(task)
        own = rows.open if task.carried is None else np.zeros_like(rows.open)
        self.scores.save_scores(task.shard.index, Counted(rows.scored, rows.proven, own))
        counts = self.detectors.count(rows.scored, rows.proven, own)
        return counts, shard_words(rows, sketch_size(self.request))

    def calibrate_crawl(self, counts: pa.Table) -> CrawlCalibration:
        return calibrate_crawl(self.detectors, counts, self.prior)

    def count_sites(self, task: DecisionTask, crawl: CrawlCalibration) -> list[Routed]:
        found = self.scores.read_scores(task.shard.index)
        counts = shard_sites(found.scores, found.proven, found.open, crawl)
        return send_counts(self.sites.scratch, task.shard.index, counts, partitions_for(self.documents))

    def with_sites(self, crawl: CrawlCalibration, clustering: Clustering) -> CrawlCalibration:
        """What the crawl says, sites included; it is written for the manifest."""
        whole = replace(crawl, clustering=clustering)
        write_bytes(self.storage, self.crawl_path, json.dumps(whole.as_json(), sort_keys=True).encode())
        return whole

    def judge(self, task: DecisionTask, crawl: CrawlCalibration, rare: RareWords) -> int:
        """Judge a shard, once, and keep all of it that does not depend on the choice."""
        rows, request = self.rows(task), self.request
        differ = crawl.clustering.spread and rows.open.any() and task.carried is None
        sites_say = self.sites.read(task.shard.index) if differ else None
        found = judge_shard(rows, crawl, self.cap, sites_say, rare)
        sites = read_site_rights(self.storage, self.sites_path)
        decisions = with_rights(found.decisions, self.storage, task.shard.path, sites)
        rest = Undecided(decisions, found.open, Footer.of(found, request))
        self.judged.save(task.shard.index, found.documents(request), rest)
        return task.shard.index

    def levels(self, task: DecisionTask) -> NDArray[np.int64]:
        """The rare words of its documents by level, where there is a bound on their loss."""
        if self.request.tail is None:
            return np.zeros(0, np.int64)
        return rare_by_level(self.judged.read_documents(task.shard.index), self.request)

    def protect(self, held: NDArray[np.int64]) -> int | None:
        """Below which level documents are protected for their rare words; None where no loss is bounded."""
        return protected_levels(held, self.request) if self.request.tail else None

    def documents_of(self, task: DecisionTask, level: int | None) -> Documents:
        documents = self.judged.read_documents(task.shard.index)
        return documents if level is None else protect(documents, level, self.request)

    def histogram(self, task: DecisionTask, level: int | None) -> Histogram:
        return selection.histogram(self.documents_of(task, level), self.request)

    def plan(self, total: Histogram) -> Plan:
        return selection.boundary(total, self.request)

    def boundary(self, task: DecisionTask, level: int | None, plan: Plan) -> BoundaryDocuments:
        return selection.boundary_candidates(self.documents_of(task, level), plan)

    def settle(self, found: BoundaryDocuments, plan: Plan) -> Rule:
        return selection.settle(plan, found)

    def write_decisions(self, task: DecisionTask, level: int | None, rule: Rule) -> int:
        documents = self.documents_of(task, level)
        rest = self.judged.read_undecided(task.shard.index)
        keep = selection.apply(rule, documents)
        decisions = decide(rest.decisions, rest.open, keep, selection.weigh(rule, documents))
        tail = rest.footer.tail | capped_words(documents, keep)
        footer = replace(rest.footer, selection=rule.as_json(), tail=tail).metadata()
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
class JudgeShards(beam.PTransform[PCollection[DecisionTask], PCollection[int]]):
    """From the shards of a job to the numbers of those that are judged.

    Attributes:
        tasks: what is done with one shard.
    """

    tasks: SelectionTasks

    def expand(self, shards: PCollection[DecisionTask]) -> PCollection[int]:
        tasks, single = self.tasks, AsSingleton
        spread = shards | "Spread" >> beam.Reshuffle()
        counted = spread | "Count" >> beam.Map(tasks.count)
        calibrated = (
            counted
            | "Counts" >> beam.Keys()
            | "SumCounts" >> beam.CombineGlobally(Merge(merge_counts))
            | "CalibrateCrawl" >> beam.Map(tasks.calibrate_crawl)
        )
        rare = (
            counted
            | "Words" >> beam.Values()
            | "SumWords" >> beam.CombineGlobally(Merge(partial(merge_words, most=sketch_size(tasks.request))))
            | "RareWords" >> beam.Map(rare_words)
        )
        clustering = (
            spread
            | "CountSites" >> beam.FlatMap(tasks.count_sites, single(calibrated))
            | "SettleSites" >> SettleSites(tasks.sites)
        )
        crawl = calibrated | "WithSites" >> beam.Map(tasks.with_sites, single(clustering))
        judged: PCollection[int] = spread | "Judge" >> beam.Map(tasks.judge, single(crawl), single(rare))
        return judged


@dataclass
class Select(beam.PTransform[PCollection[DecisionTask], PCollection[int]]):
    """From the shards of a job, which are judged, to the number of documents kept of each.

    Attributes:
        tasks: what is done with one shard.
    """

    tasks: SelectionTasks

    def expand(self, shards: PCollection[DecisionTask]) -> PCollection[int]:
        tasks, single = self.tasks, AsSingleton
        spread = shards | "Spread" >> beam.Reshuffle()
        level = (
            spread
            | "Levels" >> beam.Map(tasks.levels)
            | "SumLevels" >> beam.CombineGlobally(Merge(sum))
            | "Protect" >> beam.Map(tasks.protect)
        )
        plan = (
            spread
            | "Histogram" >> beam.Map(tasks.histogram, single(level))
            | "SumHistograms" >> beam.CombineGlobally(Merge(selection.merge_histograms))
            | "Plan" >> beam.Map(tasks.plan)
        )
        rule = (
            spread
            | "Boundary" >> beam.Map(tasks.boundary, single(level), single(plan))
            | "Gather" >> beam.CombineGlobally(Merge(selection.concatenate))
            | "Settle" >> beam.Map(tasks.settle, single(plan))
        )
        kept: PCollection[int] = spread | "Decide" >> beam.Map(
            tasks.write_decisions, single(level), single(rule)
        )
        return kept
