"""Stage 3: score all documents, choose what the cap lets through, and write decisions beside each shard.

Four passes over a few narrow columns: scores of the crawl's own documents, histograms, the documents of the
boundary bin, decisions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.configuration import Cap, Prior
from provenance.decisions import cap
from provenance.decisions.certificate import Sums, cap_request
from provenance.decisions.counts import merge_counts
from provenance.decisions.crawl import CrawlCalibration, calibrate_crawl
from provenance.decisions.detectors import CalibratedDetectors
from provenance.decisions.shard import (
    Candidates,
    ShardRows,
    decide,
    judge_shard,
    read_clusters,
    read_shard,
)
from provenance.files.storage import Storage, write_bytes
from provenance.files.workspace import Shard

#: Key of the footer of a decisions file under which the sums before the cap stand.
BEFORE_METADATA = b"provenance.before"
#: Key of the same footer under which the numbers of judged, flagged and limited documents stand.
JUDGED_METADATA = b"provenance.judged"
ASKED_METADATA = b"provenance.asked"


@dataclass(frozen=True)
class Tasks:
    """The passes over one shard."""

    storage: Storage
    clusters_path: str
    crawl_path: str
    cap: Cap
    prior: Prior
    detectors: CalibratedDetectors

    def rows(self, shard: Shard) -> ShardRows:
        clusters = read_clusters(self.storage, self.clusters_path, shard.index)
        return read_shard(self.storage, shard.path, clusters, self.detectors)

    def count(self, shard: Shard) -> pa.Table:
        found = self.rows(shard)
        return self.detectors.count(found.scored, found.proven, found.open)

    def calibrate_crawl(self, counts: pa.Table) -> CrawlCalibration:
        crawl = calibrate_crawl(self.detectors, counts, self.prior)
        write_bytes(self.storage, self.crawl_path, json.dumps(crawl.as_json(), sort_keys=True).encode())
        return crawl

    def candidates(self, shard: Shard, crawl: CrawlCalibration) -> Candidates:
        return judge_shard(self.rows(shard), crawl, self.cap)

    def histogram(self, shard: Shard, crawl: CrawlCalibration) -> cap.Histogram:
        found = self.candidates(shard, crawl)
        return cap.histogram(*_open(found), cap_request(self.cap))

    def boundary_candidates(
        self, shard: Shard, crawl: CrawlCalibration, plan: cap.Plan
    ) -> cap.BoundaryDocuments:
        return cap.boundary_candidates(*_open(self.candidates(shard, crawl)), plan)

    def write_decisions(self, task: tuple[Shard, str], crawl: CrawlCalibration, rule: cap.Rule) -> int:
        shard, path = task
        found = self.candidates(shard, crawl)
        keep = cap.apply(rule, *_open(found))
        footer = {
            BEFORE_METADATA: json.dumps(found.measure(cap_request(self.cap))),
            JUDGED_METADATA: json.dumps(found.judged),
            ASKED_METADATA: json.dumps(found.asked),
        }
        with self.storage.create(path) as file:
            pq.write_table(decide(found, keep).replace_schema_metadata(footer), file, compression="zstd")
        return int(keep.sum())


@dataclass
class Select(beam.PTransform):
    """From (shard, path of its decisions) to the rule that was applied.

    Attributes:
        tasks: what is done with one shard.
    """

    tasks: Tasks

    def expand(self, shards: beam.PCollection[tuple[Shard, str]]) -> beam.PCollection[cap.Rule]:
        tasks = self.tasks
        spread = shards | "Spread" >> beam.Reshuffle()
        only = spread | "Shard" >> beam.Map(lambda task: task[0])
        request = cap_request(tasks.cap)
        counted = (
            only
            | "Count" >> beam.Map(tasks.count)
            | "SumCounts" >> beam.CombineGlobally(_Merge(merge_counts))
            | "ReadCrawl" >> beam.Map(tasks.calibrate_crawl)
        )
        crawl = beam.pvalue.AsSingleton(counted)
        plan = (
            only
            | "Histogram" >> beam.Map(tasks.histogram, crawl)
            | "Sum" >> beam.CombineGlobally(_Merge(_add_histograms))
            | "Plan" >> beam.Map(cap.boundary, request)
        )
        rule = (
            only
            | "Boundary" >> beam.Map(tasks.boundary_candidates, crawl, beam.pvalue.AsSingleton(plan))
            | "Gather" >> beam.CombineGlobally(_Merge(cap.concatenate))
            | "Settle" >> beam.Map(lambda found, plan: cap.settle(plan, found), beam.pvalue.AsSingleton(plan))
        )
        decided = spread | "Decide" >> beam.Map(tasks.write_decisions, crawl, beam.pvalue.AsSingleton(rule))
        return decided


def read_judged(storage: Storage, paths: Sequence[str]) -> dict[str, int]:
    """How many documents were judged, flagged and limited, from the footers of all decisions."""
    return _add_counts(storage, paths, JUDGED_METADATA)


def read_asked(storage: Storage, paths: Sequence[str]) -> dict[str, int]:
    """How many documents each detector was asked about, by name, from the footers of all decisions."""
    return _add_counts(storage, paths, ASKED_METADATA)


def _add_counts(storage: Storage, paths: Sequence[str], key: bytes) -> dict[str, int]:
    total: Counter[str] = Counter()
    for path in paths:
        with storage.open(path) as file:
            total.update(json.loads(pq.read_schema(file).metadata[key]))
    return dict(total)


def read_before(storage: Storage, path: str) -> Sums:
    """Sums over the documents of one shard among which the cap chose, from the footer of its decisions."""
    with storage.open(path) as file:
        found: Sums = json.loads(pq.read_schema(file).metadata[BEFORE_METADATA])
    return found


def _open(found: Candidates) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float32]]:
    return found.doc_hash[found.open], found.weight[found.open], found.probability[found.open]


def _add_histograms(parts: Sequence[cap.Histogram]) -> cap.Histogram:
    return reduce(add, parts)


class _Merge(beam.CombineFn):
    """Combine values by a function of a sequence of at least one of them."""

    def __init__(self, merge: Callable[[Sequence[Any]], Any]) -> None:
        self.merge = merge

    def create_accumulator(self) -> Any:
        return None

    def add_input(self, total: Any, value: Any) -> Any:
        return value if total is None else self.merge([total, value])

    def merge_accumulators(self, totals: Iterable[Any]) -> Any:
        found = [total for total in totals if total is not None]
        return self.merge(found) if found else None

    def extract_output(self, total: Any) -> Any:
        return total
