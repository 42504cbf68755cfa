"""Stage 3: score all documents, choose what the cap lets through, and write decisions beside each shard.

Three passes over a few narrow columns: histograms, the documents of the boundary bin, decisions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance import cap
from provenance.certificate import Sums, cap_request
from provenance.configuration import Cap, Prior
from provenance.decisions import Candidates, decide, read_candidates, read_clusters
from provenance.storage import Storage
from provenance.workspace import Shard

#: Key of the footer of a decisions file under which the sums before the cap stand.
BEFORE_METADATA = b"provenance.before"


@dataclass(frozen=True)
class Tasks:
    """The passes over one shard."""

    storage: Storage
    clusters_path: str
    cap: Cap
    prior: Prior

    def candidates(self, shard: Shard) -> Candidates:
        clusters = read_clusters(self.storage, self.clusters_path, shard.index)
        return read_candidates(self.storage, shard.path, clusters, self.cap, self.prior)

    def histogram(self, shard: Shard) -> cap.Histogram:
        found = self.candidates(shard)
        return cap.histogram(*_open(found), cap_request(self.cap))

    def boundary_candidates(self, shard: Shard, plan: cap.Plan) -> cap.BoundaryDocuments:
        return cap.boundary_candidates(*_open(self.candidates(shard)), plan)

    def write_decisions(self, task: tuple[Shard, str], rule: cap.Rule) -> int:
        shard, path = task
        found = self.candidates(shard)
        keep = cap.apply(rule, *_open(found))
        sums = json.dumps(found.measure(cap_request(self.cap)))
        decisions = decide(found, keep).replace_schema_metadata({BEFORE_METADATA: sums})
        with self.storage.create(path) as file:
            pq.write_table(decisions, file, compression="zstd")
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
        plan = (
            only
            | "Histogram" >> beam.Map(tasks.histogram)
            | "Sum" >> beam.CombineGlobally(_Merge(_add_histograms))
            | "Plan" >> beam.Map(cap.boundary, request)
        )
        rule = (
            only
            | "Boundary" >> beam.Map(tasks.boundary_candidates, beam.pvalue.AsSingleton(plan))
            | "Gather" >> beam.CombineGlobally(_Merge(cap.concatenate))
            | "Settle" >> beam.Map(lambda found, plan: cap.settle(plan, found), beam.pvalue.AsSingleton(plan))
        )
        decided = spread | "Decide" >> beam.Map(tasks.write_decisions, beam.pvalue.AsSingleton(rule))
        return decided


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
