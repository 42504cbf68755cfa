"""Carry an earlier release forward: one shard for each of its data files, beside those of the crawl."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from provenance.duplicates.minhash import MinHash
from provenance.files.storage import Storage
from provenance.release.earlier.carry import Carried, carry_file


@dataclass
class CarryFiles(beam.PTransform[PCollection[Carried], PCollection[int]]):
    """From data files of a release to the number of documents of each, whose shards appear in the workspace.

    Attributes:
        storage: where release and shards are.
        schema: of the annotated shards of the job.
        minhash: signatures as the job makes them.
    """

    storage: Storage
    schema: pa.Schema
    minhash: MinHash

    def expand(self, files: PCollection[Carried]) -> PCollection[int]:
        carry = _CarryFile(self.storage, self.schema, self.minhash)
        counts: PCollection[int] = files | "Spread" >> beam.Reshuffle() | "Carry" >> beam.ParDo(carry)
        return counts


@dataclass
class _CarryFile(beam.DoFn):
    storage: Storage
    schema: pa.Schema
    minhash: MinHash

    _ready: ClassVar[bool] = False

    def setup(self) -> None:
        if not _CarryFile._ready:
            self.minhash.setup()
            _CarryFile._ready = True

    def process(self, task: Carried) -> list[int]:
        documents = carry_file(self.storage, task, self.schema, self.minhash)
        Metrics.counter(CarryFiles, "documents").inc(documents)
        return [documents]
