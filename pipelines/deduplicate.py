"""Stage 2: find verified near-duplicates among all documents of a workspace and choose whom to keep.

What crosses Beam's shuffles is where packed arrays lie (partition, file, byte range); the arrays
themselves go through scratch files of the workspace, because an in-process runner holds about five bytes for
each byte it groups. Text and whole columns never leave their shard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provenance import duplicates
from provenance.configuration import Duplicates
from provenance.duplicates import Piece, Routed
from provenance.duplicates.table import clusters_table
from provenance.evidence import evidence_sum
from provenance.files.shards import read_range, read_rows, unpack_signatures
from provenance.files.storage import Storage, join
from provenance.files.workspace import Shard

#: Columns of `provenance.duplicates.policy_keys`, by the name of the preference.
_PREFERENCES = {"earliest": 0, "human": 1, "longest": 2}


@dataclass(frozen=True)
class Scratch:
    """Scratch files of the job in the workspace (`provenance.duplicates.Scratch`)."""

    storage: Storage
    directory: str

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        with self.storage.create(join(self.directory, path)) as file:
            for chunk in chunks:
                file.write(chunk)

    def read(self, path: str, offset: int, length: int) -> bytes:
        with self.storage.open(join(self.directory, path)) as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != length:
            raise EOFError(f"{path}: {length} bytes expected at {offset}, {len(data)} found")
        return data


@dataclass(frozen=True)
class Tasks:
    """The tasks of deduplication on the shards of a workspace; each is one step of the transform below."""

    storage: Storage
    shards: tuple[Shard, ...]
    options: Duplicates
    scratch_directory: str
    clusters_path: str

    @property
    def scratch(self) -> Scratch:
        return Scratch(self.storage, self.scratch_directory)

    @property
    def blocks(self) -> duplicates.Blocks:
        return duplicates.Blocks(tuple(shard.rows for shard in self.shards))

    def spill_bands(self, block: int) -> list[Routed]:
        bands = duplicates.optimal_bands(self.options.threshold, 128)
        partitions = duplicates.key_partitions(sum(shard.rows for shard in self.shards), bands[0])
        return duplicates.spill_bands(
            self.scratch, f"bands/{block:06}", self._sketches(block), bands, partitions
        )

    def find_candidates(self, part: int, pieces: Iterable[Piece]) -> list[Routed]:
        return duplicates.find_candidates(self.scratch, f"candidates/{part:06}", sorted(pieces), self.blocks)

    def send_signatures(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        name = f"signatures/{block:06}"
        return duplicates.send_signatures(
            self.scratch, name, sorted(pieces), self._sketches(block), self.blocks
        )

    def verify_edges(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        threshold = self.options.threshold
        return duplicates.verify_edges(
            self.scratch, f"verified/{block:06}", sorted(pieces), self._sketches(block), threshold
        )

    def connect(self, _: int, pieces: Iterable[Piece]) -> list[Routed]:
        return duplicates.connect(self.scratch, "components", sorted(pieces), self.blocks)

    def send_members(self, block: int, pieces: Iterable[Piece]) -> list[Routed]:
        sketches, keys = self._sketches(block), self._policy_keys(block)
        return duplicates.send_members(self.scratch, f"members/{block:06}", sorted(pieces), sketches, keys)

    def choose_keepers(self, group: int, pieces: Iterable[Piece]) -> list[Routed]:
        threshold = self.options.threshold
        return duplicates.choose_keepers(
            self.scratch, f"chosen/{group:06}", sorted(pieces), threshold, self.blocks
        )

    def write_clusters(self, _: int, chosen: list[Routed]) -> int:
        clusters = duplicates.read_clusters(self.scratch, sorted(piece for _, piece in chosen))
        table = clusters_table(clusters, self._facts)
        with self.storage.create(self.clusters_path) as file:
            pq.write_table(table, file, compression="zstd", row_group_size=65_536)
        return len(table)

    def _sketches(self, block: int) -> duplicates.Sketches:
        parts = []
        for shard, first, rows in self.blocks.spans(block):
            table = read_range(self.storage, self.shards[shard].path, ["minhash", "text_digest"], first, rows)
            where = duplicates.addresses(shard, first, rows)
            parts.append(
                duplicates.sketches(where, unpack_signatures(table["minhash"]), table["text_digest"])
            )
        return duplicates.concatenate(parts, 128)

    def _policy_keys(self, block: int) -> np.ndarray:
        columns = ["doc_id", "capture_time", "evidence", "token_count", "minhash", "text_digest"]
        spans = [
            read_range(self.storage, self.shards[s].path, columns, first, rows)
            for s, first, rows in self.blocks.spans(block)
        ]
        table = pa.concat_tables(spans)
        # Rows with neither signature nor digest are no documents: `_sketches` leaves them out too.
        table = table.filter(pa.compute.or_(table["minhash"].is_valid(), table["text_digest"].is_valid()))
        never = np.iinfo(np.int64).min
        ids = np.frombuffer(bytes.fromhex("".join(table["doc_id"].to_pylist())), np.uint8).reshape(-1, 16)
        keys = duplicates.policy_keys(
            np.asarray(table["capture_time"].cast(pa.int64()).fill_null(never)),
            evidence_sum(table["evidence"]),
            np.asarray(table["token_count"].fill_null(0)),
            ids,
        )
        preferred = [_PREFERENCES[name] for name in self.options.keep]
        return np.ascontiguousarray(keys[:, [*preferred, 3, 4]])

    def _facts(self, shard: int, rows: np.ndarray) -> pa.Table:
        return read_rows(self.storage, self.shards[shard].path, ["doc_id", "host", "capture_time"], rows)


@dataclass(frozen=True)
class Step:
    """Group pieces by partition and give each group to one task: `(int, pieces) -> [(int, piece)]`."""

    tasks: Tasks
    name: str

    def __call__(self, group: tuple[int, Iterable[Piece]]) -> Iterator[Routed]:
        yield from getattr(self.tasks, self.name)(*group)


class Deduplicate(beam.PTransform):
    """From block numbers to the number of documents in clusters; the clusters are written to the workspace."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self.tasks = tasks

    def expand(self, blocks: beam.PCollection[int]) -> beam.PCollection[int]:
        tasks = self.tasks
        routed = blocks | "SpillBands" >> beam.FlatMap(tasks.spill_bands)
        for name in ("find_candidates", "send_signatures", "verify_edges"):
            routed = routed | name >> _Grouped(tasks, name)
        routed = routed | "ToOneWorker" >> beam.MapTuple(lambda _, piece: (0, piece))
        for name in ("connect", "send_members", "choose_keepers"):
            routed = routed | name >> _Grouped(tasks, name)
        one = blocks.pipeline | "Once" >> beam.Create([0])
        return one | "WriteClusters" >> beam.Map(tasks.write_clusters, beam.pvalue.AsList(routed))


class _Grouped(beam.PTransform):
    def __init__(self, tasks: Tasks, name: str) -> None:
        super().__init__()
        self.step = Step(tasks, name)

    def expand(self, routed: beam.PCollection[Routed]) -> beam.PCollection[Routed]:
        return routed | "Group" >> beam.GroupByKey() | "Do" >> beam.FlatMap(self.step)
