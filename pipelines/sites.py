"""The part of stage 3 in which documents of one site meet: counts by site out, what the sites say back to the shards.

Only (partition, file, offset, length) crosses Beam's shuffles, as in deduplication.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
from apache_beam.pvalue import AsList, AsSingleton, PCollection
from numpy.typing import NDArray

from pipelines.software import Shipped
from provenance.decisions.site_files import effects_of, gather_effects, partition_statistics, send_effects
from provenance.decisions.sites import Clustering, SiteEffects, SiteStatistics, find_clustering, mean_shift
from provenance.duplicates.scratch import Piece, Routed, StorageScratch
from provenance.files.storage import Storage, join


@dataclass(frozen=True)
class SiteTasks(Shipped):
    """The tasks on one partition of sites, and on the answers to one shard.

    Attributes:
        storage: where counts and effects lie,
        directory: in which scratch files.
    """

    storage: Storage
    directory: str

    @property
    def scratch(self) -> StorageScratch:
        return StorageScratch(self.storage, self.directory)

    def statistics(self, partition: int, pieces: Iterable[Piece]) -> tuple[int, SiteStatistics]:
        return partition, partition_statistics(self.scratch, sorted(pieces))

    def cluster(self, _: int, found: Sequence[tuple[int, SiteStatistics]]) -> Clustering:
        return find_clustering([part for _, part in sorted(found, key=lambda item: item[0])])

    def effects(
        self, group: tuple[int, Iterable[Piece]], clustering: Clustering
    ) -> tuple[list[Routed], NDArray[np.int64]]:
        partition, pieces = group
        return send_effects(self.scratch, partition, sorted(pieces), clustering)

    def gather(self, shard: int, pieces: Iterable[Piece]) -> int:
        """Put what all partitions say about a shard into one file, so that every later pass reads one."""
        with self.storage.create(self._answers(shard)) as file:
            pq.write_table(gather_effects(self.scratch, sorted(pieces)), file)
        return shard

    def read(self, shard: int) -> SiteEffects:
        with self.storage.open(self._answers(shard)) as file:
            return effects_of(pq.read_table(file))

    def _answers(self, shard: int) -> str:
        return join(self.directory, "answers", f"{shard:06}.parquet")


@dataclass
class SettleSites(beam.PTransform[PCollection[Routed], PCollection[Clustering]]):
    """From where the counts of all shards lie to how much sites differ; effects are written to scratch files.

    Attributes:
        tasks: what is done with one partition or shard.
    """

    tasks: SiteTasks

    def expand(self, counted: PCollection[Routed]) -> PCollection[Clustering]:
        tasks = self.tasks
        once = counted.pipeline | "Once" >> beam.Create([0])
        grouped = counted | "ByPartition" >> beam.GroupByKey()
        statistics = grouped | "Statistics" >> beam.MapTuple(tasks.statistics)
        clustering = once | "Cluster" >> beam.Map(tasks.cluster, AsList(statistics))
        answered = grouped | "Effects" >> beam.Map(tasks.effects, AsSingleton(clustering))
        gathered = (
            answered
            | "Routed" >> beam.FlatMap(_routed)
            | "ByShard" >> beam.GroupByKey()
            | "Gather" >> beam.MapTuple(tasks.gather)
        )
        counts = answered | "LogOdds" >> beam.Map(_counts)
        settled: PCollection[Clustering] = once | "KeepMean" >> beam.Map(
            _shifted, AsSingleton(clustering), AsList(counts), AsList(gathered)
        )
        return settled


def _routed(answer: tuple[list[Routed], Any]) -> list[Routed]:
    return answer[0]


def _counts(answer: tuple[Any, NDArray[np.int64]]) -> NDArray[np.int64]:
    return answer[1]


def _shifted(
    _: int, clustering: Clustering, counts: Sequence[NDArray[np.int64]], gathered: Sequence[int]
) -> Clustering:
    """The clustering with its shift; `gathered` only says that all effects are written."""
    if not clustering.spread or not counts:
        return clustering
    return replace(clustering, shift=mean_shift(np.sum(counts, axis=0)))
