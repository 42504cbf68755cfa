"""Stage 4: mix the kept documents by a seeded order and write the data and ledger files, each a task of its own.

Text goes from its shard through a scratch file to its part; what crosses Beam's shuffle is only where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import AsSingleton, PBegin, PCollection

from pipelines.merge import Merge
from pipelines.software import Shipped
from provenance.duplicates.scratch import Piece
from provenance.files.storage import Storage
from provenance.release.blocks import (
    Block,
    Dealing,
    Scatter,
    Survey,
    merge_surveys,
    plan_chunks,
    survey_shard,
)
from provenance.release.ledger import LedgerPart
from provenance.release.preparation import Preparation
from provenance.release.publication import Plan, Publication
from provenance.release.splits import ShardPaths, SplitTable, count_groups, sum_groups

#: A section of the published order and where some of its documents lie; None: nothing, only that its part is wanted.
Waiting = tuple[int, Piece] | None


@dataclass
class CountGroups(beam.PTransform[PBegin, PCollection[None]]):
    """Count the documents of every site, for the choice of splits; the counts are written to the workspace.

    Attributes:
        preparation: of the release whose splits they are.
    """

    preparation: Preparation

    def expand(self, begin: PBegin) -> PCollection[None]:
        preparation = self.preparation
        once = begin | "Once" >> beam.Create([0])
        links = AsSingleton(once | "Link" >> beam.Map(self.link))
        counts = (
            begin
            | "Shards" >> beam.Create(preparation.shards)
            | "Spread" >> beam.Reshuffle()
            | "Count" >> beam.Map(partial(count_groups, preparation.storage), links)
            | "Sum" >> beam.CombineGlobally(Merge(sum_groups))
        )
        written: PCollection[None] = counts | "Keep" >> beam.Map(preparation.write_groups, links)
        return written

    def link(self, _: int) -> SplitTable:
        return self.preparation.link_groups()


@dataclass
class SurveyShards(beam.PTransform[PBegin, PCollection[None]]):
    """Count the kept documents of all shards; the sum is written to the workspace.

    Attributes:
        preparation: of the release that they are to be published in.
    """

    preparation: Preparation

    def expand(self, begin: PBegin) -> PCollection[None]:
        preparation = self.preparation
        count = CountShard(preparation.storage, preparation.dealing())
        written: PCollection[None] = (
            begin
            | "Shards" >> beam.Create(list(enumerate(preparation.shards)))
            | "Spread" >> beam.Reshuffle()
            | "Count" >> beam.MapTuple(count.run)
            | "Sum" >> beam.CombineGlobally(Merge(merge_surveys))
            | "Keep" >> beam.Map(preparation.write_survey)
        )
        return written


@dataclass(frozen=True)
class CountShard(Shipped):
    """Counts the kept documents of one shard."""

    storage: Storage
    dealing: Dealing

    def run(self, number: int, shard: ShardPaths) -> Survey:
        return survey_shard(self.storage, number, shard, self.dealing)


@dataclass
class WriteParts(Shipped, beam.PTransform[PBegin, PCollection[str]]):
    """Write the files of a release that are not there yet; each file and its counts stand when its task has ended.

    Attributes:
        publication: the release that they belong to.
        plan: all its files.
        pending: paths of those to be written.
    """

    publication: Publication
    plan: Plan
    pending: frozenset[str]

    def expand(self, begin: PBegin) -> PCollection[str]:
        data = [part for part in self.plan.data if part.path in self.pending]
        ledger = [part for part in self.plan.ledger if part.path in self.pending]
        chunks = plan_chunks(self.plan.blocks, self.plan.order) if data else []
        scatter = Deal(self.publication.scatter(self.plan, data))
        wanted = begin | "Wanted" >> beam.Create([(part.number, None) for part in data])
        dealt = (
            begin
            | "Chunks" >> beam.Create(list(enumerate(chunks)))
            | "SpreadChunks" >> beam.Reshuffle()
            | "Deal" >> beam.FlatMapTuple(scatter.run)
        )
        documents = (
            (wanted, dealt)
            | "All" >> beam.Flatten()
            | "ByPart" >> beam.GroupByKey()
            | "WriteData" >> beam.MapTuple(self.write_data)
        )
        records = (
            begin
            | "Ledger" >> beam.Create(ledger)
            | "SpreadLedger" >> beam.Reshuffle()
            | "WriteLedger" >> beam.Map(self.write_ledger)
        )
        written: PCollection[str] = (documents, records) | "Written" >> beam.Flatten()
        return written

    def write_data(self, number: int, waiting: Iterable[Waiting]) -> str:
        part = self.plan.data[number]
        size = self.publication.write_data(part, [item for item in waiting if item is not None])
        Metrics.counter(WriteParts, "bytes").inc(size)
        return part.path

    def write_ledger(self, part: LedgerPart) -> str:
        Metrics.counter(WriteParts, "bytes").inc(self.publication.write_ledger(part))
        return part.path


@dataclass(frozen=True)
class Deal(Shipped):
    """Deals the documents of one chunk to their sections."""

    scatter: Scatter

    def run(self, number: int, chunk: tuple[Block, ...]) -> list[tuple[int, Waiting]]:
        return list(self.scatter.deal(number, chunk))
