"""What filters say of every record, written beside each shard before keepers are chosen."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import apache_beam as beam
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from pipelines.software import Shipped
from provenance.decisions.filters import VERDICTS, Lookup, Plan, judge_batches
from provenance.decisions.site_rights import read_site_rights
from provenance.files.storage import Storage, read_bytes
from provenance.files.workspace import Workspace
from provenance.filters.grams import load_index
from provenance.filters.listing import load_listing

_BATCH_ROWS = 4096
#: The lists of one job, which a worker process keeps in memory for all its shards: 80 MB for ten million entries.
_held: dict[tuple[str, tuple[str, ...]], tuple[Lookup, ...]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class VerdictTask:
    """One annotated shard and the file of verdicts to make of it."""

    shard_path: str
    path: str
    carried: bool = False  # documents of an earlier release: only what may never be published is dropped


@dataclass(frozen=True)
class FilterTasks(Shipped):
    """Filters on one shard.

    Attributes:
        storage: where shards, lists and verdicts are.
        plan: the filters.
        listings: paths of the lists that it needs, in its order.
        fingerprint: of the lists, which a worker keeps in memory.
        sites: path of what the files of hosts say of their pages.
    """

    storage: Storage
    plan: Plan
    listings: tuple[str, ...]
    fingerprint: str
    sites: str

    def write_verdicts(self, task: VerdictTask) -> int:
        listings = self._lookups()
        sites = read_site_rights(self.storage, self.sites)
        dropped = 0
        plan = self.plan.always if task.carried else self.plan
        with self.storage.open(task.shard_path) as shard, self.storage.create(task.path) as file:
            batches = pq.ParquetFile(shard, pre_buffer=False).iter_batches(
                _BATCH_ROWS, columns=plan.columns(listings)
            )
            with pq.ParquetWriter(file, VERDICTS, compression="zstd") as writer:
                for table in judge_batches(batches, plan, listings, sites):
                    writer.write_table(table)
                    dropped += len(table) - table["reason"].null_count
        Metrics.counter(FilterTasks, "dropped").inc(dropped)
        return dropped

    def _lookups(self) -> tuple[Lookup, ...]:
        """The lists, read once in a process."""
        key = (self.fingerprint, self.listings)
        with _lock:
            if key not in _held:
                _held.clear()
                data = (read_bytes(self.storage, path) for path in self.listings)
                _held[key] = tuple(load_index(item) or load_listing(item) for item in data)
            return _held[key]


@dataclass
class FilterShards(beam.PTransform[PCollection[VerdictTask], PCollection[int]]):
    """From shards to the number of documents that filters drop of each.

    Attributes:
        tasks: what is done with one shard.
    """

    tasks: FilterTasks

    def expand(self, shards: PCollection[VerdictTask]) -> PCollection[int]:
        dropped: PCollection[int] = (
            shards | "Spread" >> beam.Reshuffle() | "Judge" >> beam.Map(self.tasks.write_verdicts)
        )
        return dropped


def write_listings(workspace: Workspace, plan: Plan) -> tuple[str, ...]:
    """Write the lists that a plan needs to the workspace, where all workers read them; their paths."""
    paths = []
    for number, read in enumerate(plan.listings):
        paths.append(workspace.listing_path(number))
        with workspace.storage.create(paths[-1]) as file:
            read().save(file)
    return tuple(paths)
