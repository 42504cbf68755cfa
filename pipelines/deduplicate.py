"""Stage 2: find verified near-duplicates among all documents of a workspace and choose whom to keep.

What crosses Beam's shuffles is where packed arrays lie (partition, file, byte range); the arrays
themselves go through scratch files of the workspace, because an in-process runner holds about five bytes for
each byte it groups. Text and whole columns never leave their shard.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import apache_beam as beam
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import AsList, PCollection

from pipelines.software import Shipped
from provenance import duplicates
from provenance.configuration import Duplicates
from provenance.duplicates import Blocks, Piece, Routed
from provenance.duplicates.documents import ShardDocuments
from provenance.duplicates.scratch import StorageScratch
from provenance.duplicates.table import clusters_table
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.files.workspace import Shard
from provenance.schema import MINHASH_PERMUTATIONS

_ROW_GROUP = 65_536


@dataclass(frozen=True)
class DeduplicationTasks(Shipped):
    """The tasks of deduplication on the shards of a workspace; each is one step of the transform below.

    Attributes:
        storage: where shards, scratch files and clusters are.
        shards: the annotated shards, in the order of their indices.
        options: what counts as a duplicate, and which document is kept.
        scratch_directory: directory of files between tasks; verified edges stay there for the next choice of keepers.
        clusters_path: the file to write.
        verdicts: what filters say of the rows of each shard; empty: there are no filters.
    """

    storage: Storage
    shards: tuple[Shard, ...]
    options: Duplicates
    scratch_directory: str
    clusters_path: str
    verdicts: tuple[str, ...] = ()

    @property
    def edges_path(self) -> str:
        """Where the pieces of verified edges are named."""
        return join(self.scratch_directory, "verified.json")

    def edges(self) -> list[Routed]:
        """The verified edges that `FindEdges` left, all for one worker."""
        return [(0, Piece(**piece)) for piece in json.loads(read_bytes(self.storage, self.edges_path))]

    def clear(self, *names: str) -> None:
        """Delete scratch files that are of no use any more."""
        for name in names:
            self.storage.delete(join(self.scratch_directory, name))

    @property
    def scratch(self) -> StorageScratch:
        return StorageScratch(self.storage, self.scratch_directory)

    @property
    def documents(self) -> ShardDocuments:
        return ShardDocuments(self.storage, self.shards, self.options.keep, self.verdicts)

    @property
    def blocks(self) -> Blocks:
        return self.documents.blocks

    def spill_bands(self, block: int) -> list[Routed]:
        bands = duplicates.optimal_bands(self.options.threshold, MINHASH_PERMUTATIONS)
        partitions = duplicates.key_partitions(sum(shard.rows for shard in self.shards), bands[0])
        sketches = self.documents.sketches(block)
        return duplicates.spill_bands(self.scratch, f"bands/{block:06}", sketches, bands, partitions)

    def find_candidates(self, part: int, pieces: Iterable[Piece]) -> list[Routed]:
        return duplicates.find_candidates(self.scratch, f"candidates/{part:06}", sorted(pieces), self.blocks)

    def send_signatures(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, sketches = f"signatures/{block:06}", self.documents.sketches(block)
        return duplicates.send_signatures(self.scratch, path, sorted(pieces), sketches, self.blocks)

    def verify_edges(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, sketches = f"verified/{block:06}", self.documents.sketches(block)
        return duplicates.verify_edges(self.scratch, path, sorted(pieces), sketches, self.options.threshold)

    def connect(self, _: int, pieces: Iterable[Piece]) -> list[Routed]:
        return duplicates.connect(self.scratch, "components", sorted(pieces), self.blocks)

    def send_members(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        documents, path = self.documents, f"members/{block:06}"
        sketches, keys = documents.sketches(block), documents.keys(block)
        return duplicates.send_members(self.scratch, path, sorted(pieces), sketches, keys)

    def choose_keepers(self, group: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, threshold = f"chosen/{group:06}", self.options.threshold
        return duplicates.choose_keepers(
            self.scratch, path, sorted(pieces), threshold, self.blocks, standing=True
        )

    def write_edges(self, _: int, verified: list[Routed]) -> int:
        """Leave word of where the verified edges lie, for this and any later choice of keepers."""
        pieces = sorted(piece for _, piece in verified)
        write_bytes(self.storage, self.edges_path, json.dumps([asdict(piece) for piece in pieces]).encode())
        return len(pieces)

    def write_clusters(self, _: int, chosen: list[Routed]) -> int:
        clusters = duplicates.read_clusters(self.scratch, sorted(piece for _, piece in chosen))
        table = clusters_table(clusters, self.documents.facts)
        with self.storage.create(self.clusters_path) as file:
            pq.write_table(table, file, compression="zstd", row_group_size=_ROW_GROUP)
        Metrics.counter(DeduplicationTasks, "clustered").inc(len(table))
        return len(table)


@dataclass
class Grouped(beam.PTransform[PCollection[Routed], PCollection[Routed]]):
    """Group pieces by partition and give each group to one task.

    Attributes:
        task: from a partition and its pieces to the pieces that it wrote.
    """

    task: Callable[[int, Iterable[Piece]], list[Routed]]

    def expand(self, routed: PCollection[Routed]) -> PCollection[Routed]:
        written: PCollection[Routed]
        written = routed | "Group" >> beam.GroupByKey() | "Run" >> beam.FlatMapTuple(self.task)
        return written


@dataclass
class FindEdges(beam.PTransform[PCollection[int], PCollection[int]]):
    """From block numbers to the number of pieces of verified edges, which stay in the workspace.

    Attributes:
        tasks: what is done with one block or partition.
    """

    tasks: DeduplicationTasks

    def expand(self, blocks: PCollection[int]) -> PCollection[int]:
        tasks = self.tasks
        verified = (
            blocks
            | "SpillBands" >> beam.FlatMap(tasks.spill_bands)
            | "FindCandidates" >> Grouped(tasks.find_candidates)
            | "SendSignatures" >> Grouped(tasks.send_signatures)
            | "VerifyEdges" >> Grouped(tasks.verify_edges)
        )
        one = blocks.pipeline | "Once" >> beam.Create([0])
        pieces: PCollection[int] = one | "WriteEdges" >> beam.Map(tasks.write_edges, AsList(verified))
        return pieces


@dataclass
class ChooseKeepers(beam.PTransform[PCollection[Routed], PCollection[int]]):
    """From verified edges to the number of documents in clusters; the clusters are written to the workspace.

    Attributes:
        tasks: what is done with one block or group.
    """

    tasks: DeduplicationTasks

    def expand(self, edges: PCollection[Routed]) -> PCollection[int]:
        tasks = self.tasks
        chosen = (
            edges
            | "Connect" >> Grouped(tasks.connect)
            | "SendMembers" >> Grouped(tasks.send_members)
            | "ChooseKeepers" >> Grouped(tasks.choose_keepers)
        )
        one = edges.pipeline | "Once" >> beam.Create([0])
        clustered: PCollection[int] = one | "WriteClusters" >> beam.Map(tasks.write_clusters, AsList(chosen))
        return clustered
