"""Stage 4: mix the kept documents by a seeded order and write the data and ledger files, each a task of its own.

Text goes from its shard through a scratch file to its part; what crosses Beam's shuffle is only where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PBegin, PCollection

from pipelines.select import Merge
from pipelines.software import Shipped
from provenance.duplicates.scratch import Piece
from provenance.files.storage import Storage
from provenance.release.blocks import (
    Block,
    Dealing,
    Scatter,
    ShardPaths,
    Survey,
    merge_surveys,
    plan_chunks,
    survey_shard,
)
from provenance.release.ledger import LedgerPart
from provenance.release.publication import Plan, Publication

#: A section of the published order and where some of its documents lie; None: nothing, only that its part is wanted.
Waiting = tuple[int, Piece] | None


@dataclass
class SurveyShards(beam.PTransform[PBegin, PCollection[None]]):
    """Count the kept documents of all shards; the sum is written to the workspace.

    Attributes:
        publication: the release that they are to be published in.
    """

    publication: Publication

    def expand(self, begin: PBegin) -> PCollection[None]:
        publication = self.publication
        count = CountShard(publication.storage, publication.dealing())
        written: PCollection[None] = (
            begin
            | "Shards" >> beam.Create(list(enumerate(publication.shards)))
            | "Spread" >> beam.Reshuffle()
            | "Count" >> beam.MapTuple(count.run)
            | "Sum" >> beam.CombineGlobally(Merge(merge_surveys))
            | "Keep" >> beam.Map(publication.write_survey)
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
