"""What hosts say in their own files, gathered from all shards into one table that the pages of a host are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.pvalue import PCollection

from pipelines.merge import Merge
from provenance.decisions.site_rights import merge_site_rules, read_site_rules
from provenance.files.storage import Storage
from provenance.files.workspace import Workspace


@dataclass
class SettleRights(beam.PTransform[PCollection[str], PCollection[int]]):
    """From paths of shards to the number of rules that were written.

    Attributes:
        storage: where shards and the table are.
        path: where the table goes.
    """

    storage: Storage
    path: str

    def expand(self, shards: PCollection[str]) -> PCollection[int]:
        written: PCollection[int] = (
            shards
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.Map(self.read)
            | "Merge" >> beam.CombineGlobally(Merge(merge_site_rules))
            | "Write" >> beam.Map(self.write)
        )
        return written

    def read(self, shard: str) -> pa.Table:
        return read_site_rules(self.storage, shard)

    def write(self, rules: pa.Table | None) -> int:
        whole = merge_site_rules([] if rules is None else [rules])
        with self.storage.create(self.path) as file:
            pq.write_table(whole, file, compression="zstd")
        return len(whole)


def settled_rights(workspace: Workspace) -> Callable[[beam.Pipeline], PCollection[int]]:
    """What builds the pipeline over all shards of a workspace."""
    paths = [shard.path for shard in workspace.shards()]
    settle = SettleRights(workspace.storage, workspace.sites_path)
    return lambda pipeline: pipeline | "Shards" >> beam.Create(paths) | "Rights" >> settle
