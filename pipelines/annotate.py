"""Stage 1: one annotated shard for each input file. Reading, annotating and writing are one step."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from pipelines.software import Shipped
from provenance.annotate import Annotation, annotate_records, unreadable_file
from provenance.configuration import Configuration
from provenance.files.headway import HeadwayFile
from provenance.files.inputs import InputFile
from provenance.files.shards import write_shard
from provenance.files.storage import Storage, StoreError


@dataclass(frozen=True)
class ShardTask:
    """One input file and the shard to make of it."""

    input: InputFile
    path: str
    fingerprint: str
    headway: str | None = None  # directory in which to say how far it is


@dataclass
class AnnotateFile(Shipped, beam.DoFn):
    """From a `ShardTask` to the input's name; the shard appears in the workspace when it is complete.

    Attributes:
        storage: where inputs and shards are.
        configuration: annotators and their options.
    """

    storage: Storage
    configuration: Configuration

    # Models are loaded once in a process, whatever the number of threads or bundles.
    _loaded: ClassVar[dict[str, Annotation]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def setup(self) -> None:
        key = self.configuration.model_dump_json()
        with self._lock:
            if key not in self._loaded:
                annotation = Annotation(self.configuration)
                annotation.setup()
                self._loaded[key] = annotation
        self.annotation = self._loaded[key]

    def process(self, task: ShardTask) -> Iterator[str]:
        with ExitStack() as stack:
            file = stack.enter_context(self.storage.create(task.path))
            headway = stack.enter_context(HeadwayFile(task.headway, task.path))
            opened = True
            try:
                stream = stack.enter_context(self.storage.open(task.input.path))
                batches = annotate_records(stream, task.input, self.annotation)
                batches = headway.counted(batches, stream, task.input.size)
            except StoreError:
                raise  # a store that is down, not a file that is lost: nothing is to be written of it
            except OSError as error:
                opened = False
                batches = unreadable_file(task.input, self.annotation, error.strerror or str(error))
            try:
                counts = write_shard(
                    batches,
                    self.annotation.schema,
                    file,
                    item=task.input,
                    fingerprint=task.fingerprint,
                    opened=opened,
                )
            except StoreError:
                raise
            except OSError as error:
                raise OSError(f"{task.input.path} or its shard {task.path}: {error}") from error
        Metrics.counter(AnnotateFile, "records").inc(counts.rows)
        Metrics.counter(AnnotateFile, "documents").inc(counts.documents)
        yield task.input.name


@dataclass
class AnnotateFiles(beam.PTransform[PCollection[ShardTask], PCollection[str]]):
    """From shard tasks to the names of their inputs, in parallel.

    Attributes:
        storage: where inputs and shards are.
        configuration: annotators and their options.
    """

    storage: Storage
    configuration: Configuration

    def expand(self, tasks: PCollection[ShardTask]) -> PCollection[str]:
        annotate = AnnotateFile(self.storage, self.configuration)
        names: PCollection[str] = tasks | "Spread" >> beam.Reshuffle() | "Annotate" >> beam.ParDo(annotate)
        return names
