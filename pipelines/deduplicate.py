"""Stage 2: find verified near-duplicates among all documents of a workspace and choose whom to keep.

What crosses Beam's shuffles is where packed arrays lie (partition, file, byte range); the arrays
themselves go through scratch files of the workspace, because Beam's in-process runner holds about five bytes for
each byte it groups. Text and whole columns never leave their shard.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import AsList, PCollection

from pipelines.software import Shipped
from provenance import duplicates
from provenance.duplicates import Blocks, Piece, Routed, Sketches, components, table
from provenance.duplicates.config import Duplicates
from provenance.duplicates.documents import ShardDocuments
from provenance.duplicates.index import EarlierDocuments, Index
from provenance.duplicates.scratch import StorageScratch
from provenance.duplicates.sketches import U64
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.files.workspace import Shard
from provenance.schema import MINHASH_PERMUTATIONS

_ROW_GROUP = 65_536


@dataclass(frozen=True)
class IndexUse:
    """An index that a job looks up, and what its entries are to it (`duplicates.clusters.EARLIER` and its like)."""

    directory: str
    standing: int
    entries: int
    payloads: int


@dataclass(frozen=True)
class DeduplicationTasks(Shipped):
    """The tasks of deduplication on the shards of a workspace; each is one step of the transform below.

    Attributes:
        storage: where shards, scratch files and clusters are.
        shards: the annotated shards, in the order of their indices.
        options: what counts as a duplicate, and which document is kept.
        scratch_directory: directory of files between tasks.
        edges_path: where the pieces of verified edges are named; they stay for the next choice of keepers.
        clusters_path: the file to write, which says which file beside it has the clusters of which addresses.
        witness_threshold: least similarity to the document whose age a member proves.
        verdicts: what filters say of the rows of each shard; empty: there are no filters.
        indexes: of documents elsewhere.
    """

    storage: Storage
    shards: tuple[Shard, ...]
    options: Duplicates
    scratch_directory: str
    edges_path: str
    clusters_path: str
    witness_threshold: float
    verdicts: tuple[str, ...] = ()
    indexes: tuple[IndexUse, ...] = ()

    def read_routed(self, path: str) -> list[Routed]:
        """The pieces that `write_routed` named in a file."""
        return [
            (partition, Piece(**piece)) for partition, piece in json.loads(read_bytes(self.storage, path))
        ]

    def clear(self, *names: str) -> None:
        """Delete scratch files that are of no use any more."""
        for name in names:
            self.storage.delete(join(self.scratch_directory, name))

    @property
    def scratch(self) -> StorageScratch:
        return StorageScratch(self.storage, self.scratch_directory)

    @property
    def documents(self) -> ShardDocuments:
        return ShardDocuments(
            storage=self.storage,
            shards=self.shards,
            keep=self.options.keep,
            verdicts=self.verdicts,
            payloads=any(index.payloads for index in self.indexes),
            beyond=tuple(index.entries for index in self.indexes),
        )

    @property
    def blocks(self) -> Blocks:
        return self.documents.blocks

    @property
    def earlier(self) -> EarlierDocuments:
        """The documents of the indexes."""
        return EarlierDocuments(
            indexes=tuple(Index(self.storage, index.directory) for index in self.indexes),
            standings=tuple(index.standing for index in self.indexes),
            first_shard=len(self.shards),
            payloads=any(index.payloads for index in self.indexes),
            key_width=len(self.options.keep) + 3,
        )

    def sketches(self, block: int, where: U64) -> Sketches:
        """At least those of the ascending addresses `where`, which lie in the block."""
        documents = self.documents
        return documents.sketches(block) if block < len(documents.blocks) else self.earlier.sketches(where)

    def members(self, block: int, where: U64) -> tuple[Sketches, U64]:
        """The same with their policy keys."""
        documents = self.documents
        if block < len(documents.blocks):
            return documents.members(block)
        return self.earlier.sketches(where), self.earlier.keys(where)

    def facts(self, where: U64) -> pa.Table:
        """What clusters say of ascending addresses of one block."""
        documents = self.documents
        if where[0] < documents.blocks.end:
            return table.shard_facts(where, documents.facts)
        return self.earlier.facts(where)

    def spill_bands(self, block: int) -> list[Routed]:
        bands = duplicates.optimal_bands(self.options.threshold, MINHASH_PERMUTATIONS)
        partitions = duplicates.key_partitions(sum(shard.rows for shard in self.shards), bands[0])
        sketches = self.documents.sketches(block)
        return duplicates.spill_bands(self.scratch, f"bands/{block:06}", sketches, bands, partitions)

    def find_candidates(self, part: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, find = f"candidates/{part:06}", self.earlier.find if self.indexes else None
        return duplicates.find_candidates(self.scratch, path, sorted(pieces), self.blocks, find)

    def send_signatures(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, sketches = f"signatures/{block:06}", self.documents.sketches(block)
        return duplicates.send_signatures(self.scratch, path, sorted(pieces), sketches, self.blocks)

    def verify_edges(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, load, threshold = f"verified/{block:06}", partial(self.sketches, block), self.options.threshold
        return duplicates.verify_edges(
            self.scratch, path, sorted(pieces), load, threshold=threshold, blocks=self.blocks
        )

    def connect(self, _: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, blocks = "components/all", self.blocks
        return duplicates.connect(self.scratch, path, sorted(pieces), blocks, blocks.block_rows)

    def spread_edges(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path = f"components/spread/{block:06}"
        return components.spread_edges(self.scratch, path, sorted(pieces), self.blocks)

    def large_star(self, number: int, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path = f"components/large-{number}/{block:06}"
        return components.large_star(self.scratch, path, sorted(pieces), self.blocks)

    def small_star(self, number: int, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        if block == components.CHANGED:
            return [(block, piece) for piece in pieces]
        path = f"components/small-{number}/{block:06}"
        return components.small_star(self.scratch, path, sorted(pieces), self.blocks)

    def label_components(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, blocks = f"components/labels/{block:06}", self.blocks
        return components.label_components(self.scratch, path, sorted(pieces), blocks, blocks.block_rows)

    def send_members(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, load = f"members/{block:06}", partial(self.members, block)
        return duplicates.send_members(self.scratch, path, sorted(pieces), load)

    def choose_keepers(self, group: int, pieces: Iterable[Piece]) -> list[Routed]:
        path, blocks = f"chosen/{group:06}", self.blocks
        return duplicates.choose_keepers(
            self.scratch,
            path,
            sorted(pieces),
            threshold=self.options.threshold,
            blocks=blocks,
            group_rows=blocks.block_rows,
            standing=True,
        )

    def count_members(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        """What the clustered documents of a block say of their clusters, and the pieces that name them, passed on."""
        chosen, path, least = sorted(pieces), f"counted/{block:06}", self.witness_threshold
        counted = table.count_members(
            self.scratch, path, chosen, self.facts, blocks=self.blocks, witness_threshold=least
        )
        return counted + [(block, piece) for piece in chosen]

    def describe_keepers(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        """What all blocks say of the keepers of a block, and the pieces that name its documents, passed on."""
        chosen, counted = _by_task(pieces, "chosen")
        described = table.describe_keepers(self.scratch, f"described/{block:06}", counted) if counted else []
        return described + [(block, piece) for piece in chosen]

    def write_clusters(self, block: int, pieces: Iterable[Piece]) -> list[tuple[int, int, str, int]]:
        """Write the clusters of one block; (first address, first behind, file name, rows), nothing for entries of an index."""
        if block >= len(self.blocks):
            return []
        chosen, described = _by_task(pieces, "chosen")
        rows = table.cluster_rows(self.scratch, chosen, described, self.witness_threshold)
        name = f"clusters-{block:06}.parquet"
        with self.storage.create(join(self.clusters_path.rpartition("/")[0], name)) as file:
            pq.write_table(rows, file, compression="zstd", row_group_size=_ROW_GROUP)
        Metrics.counter(DeduplicationTasks, "clustered").inc(len(rows))
        address = np.asarray(rows["address"])
        return [(int(address[0]), int(address[-1]) + 1, name, len(rows))]

    def write_routed(self, _: int, routed: Sequence[Routed], path: str) -> int:
        """Name pieces in a file, in their order whoever wrote them."""
        named = [[partition, asdict(piece)] for partition, piece in sorted(routed)]
        write_bytes(self.storage, path, json.dumps(named).encode())
        return len(named)

    def write_contents(self, _: int, written: Sequence[tuple[int, int, str, int]]) -> int:
        """Say which file has the clusters of which addresses."""
        write_bytes(self.storage, self.clusters_path, json.dumps(sorted(written)).encode())
        return len(written)


def _by_task(pieces: Iterable[Piece], task: str) -> tuple[list[Piece], list[Piece]]:
    """Pieces that a task wrote, and the others.

    Two kinds of pieces come through one collection: a union of two before a grouping is refused by Flink's job server.
    """
    own: list[Piece] = []
    others: list[Piece] = []
    for piece in sorted(pieces):
        (own if piece.path.startswith(f"{task}/") else others).append(piece)
    return own, others


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
        pieces: PCollection[int] = verified | "WriteEdges" >> Noted(tasks, tasks.edges_path)
        return pieces


@dataclass
class Noted(beam.PTransform[PCollection[Routed], PCollection[int]]):
    """Name all pieces in one file of the workspace, for the next pipeline.

    Attributes:
        tasks: which write it.
        path: of the file.
    """

    tasks: DeduplicationTasks
    path: str

    def expand(self, routed: PCollection[Routed]) -> PCollection[int]:
        one = routed.pipeline | "Once" >> beam.Create([0])
        pieces: PCollection[int]
        pieces = one | "Write" >> beam.Map(self.tasks.write_routed, AsList(routed), self.path)
        return pieces


@dataclass
class StarRound(beam.PTransform[PCollection[Routed], PCollection[Routed]]):
    """One round of alternating stars, from pairs of nodes to pairs of nodes and signs of change.

    Attributes:
        tasks: what is done with one block.
        number: of the round; the first one takes verified edges.
    """

    tasks: DeduplicationTasks
    number: int

    def expand(self, pairs: PCollection[Routed]) -> PCollection[Routed]:
        if self.number == 0:
            pairs = pairs | "SpreadEdges" >> Grouped(self.tasks.spread_edges)
        after: PCollection[Routed] = (
            pairs
            | "LargeStar" >> Grouped(partial(self.tasks.large_star, self.number))
            | "SmallStar" >> Grouped(partial(self.tasks.small_star, self.number))
        )
        return after


@dataclass
class ChooseKeepers(beam.PTransform[PCollection[Routed], PCollection[int]]):
    """From verified edges, or from stars, to the number of files of clusters, which are written to the workspace.

    Attributes:
        tasks: what is done with one block or group.
        connected: whether components are stars already (`StarRound`).
    """

    tasks: DeduplicationTasks
    connected: bool = False

    def expand(self, edges: PCollection[Routed]) -> PCollection[int]:
        tasks = self.tasks
        labelled = (
            edges | "Label" >> Grouped(tasks.label_components)
            if self.connected
            else edges | "Connect" >> Grouped(tasks.connect)
        )
        written = (
            labelled
            | "SendMembers" >> Grouped(tasks.send_members)
            | "ChooseKeepers" >> Grouped(tasks.choose_keepers)
            | "CountMembers" >> Grouped(tasks.count_members)
            | "DescribeKeepers" >> Grouped(tasks.describe_keepers)
            | "ByBlock" >> beam.GroupByKey()
            | "WriteClusters" >> beam.FlatMapTuple(tasks.write_clusters)
        )
        one = edges.pipeline | "Once" >> beam.Create([0])
        files: PCollection[int] = one | "WriteContents" >> beam.Map(tasks.write_contents, AsList(written))
        return files
